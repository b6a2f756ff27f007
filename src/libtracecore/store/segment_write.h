/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writing a segment: blocks of the binary stream are packed, each by itself and by any thread, into
 * the frames that their directory and columns become, and added one after the other; at the end
 * come the manifest, the end of the archive, the footer and the seek table. Nothing is synced here.
 */
#ifndef TRACECORE_STORE_SEGMENT_WRITE_H
#define TRACECORE_STORE_SEGMENT_WRITE_H

#include "base/buf.h"
#include "base/error.h"
#include "store/labels.h"
#include "store/manifest.h"
#include "store/rollup.h"
#include "store/trace_index.h"

/* The sizes of a frame, as the seek table has them. */
struct tcore_frame_size {
    uint32_t packed, content;
};

/* A member that is to be sealed once its segment is known: among the frames there are its entry and
 * data as a frame by itself, without a tar header. */
struct tcore_sealed_member {
    uint32_t member; /* which of the block's */
    uint32_t column;
    unsigned label;
    char name[TAR_NAME_BYTES];
};

/* A block as the frames of its members. */
struct tcore_packed_block {
    struct tcore_buf frames;
    struct tcore_frame_size *size; /* owned */
    uint32_t count, capacity;
    struct tcore_sealed_member *sealed; /* in order; owned */
    uint32_t sealed_count, sealed_capacity;
    struct tcore_manifest_block entry; /* frame: not yet known */
    uint64_t text_bytes;
    struct tcore_name_set names[TCORE_NAME_KINDS];
    uint8_t (*trace)[TCORE_TRACE_ID_BYTES]; /* ids of traces that some record is of; owned */
    size_t trace_count, trace_capacity;
    struct tcore_rollup_builder *rollup; /* of its records; NULL: of a type that has none; owned */
    unsigned series_fields; /* enum tcore_series_field: those that each record has as its series */
};

#pragma GCC visibility push(hidden)

/* What packing takes; for one thread at a time. */
struct tcore_block_packer;
enum tcore_status tcore_block_packer_new(struct tcore_block_packer **packer,
                                         struct tcore_error *err);
void tcore_block_packer_free(struct tcore_block_packer *packer);
/* From now on columns are sealed as the labels (borrowed; NULL: none) say. Their writer keeps
 * columns apart, and those of spans if tcore_labels_relate() says so. */
void tcore_block_packer_set_labels(struct tcore_block_packer *packer,
                                   const struct tcore_labels *labels);
/* Whether columns that a block's others may be written by have a label. */
bool tcore_labels_relate(const struct tcore_labels *labels);
/* Packs one block, which tcore_binary_unit() measured, into a zeroed struct. TCORE_BAD_INPUT: it is
 * damaged. */
enum tcore_status tcore_pack_block(struct tcore_block_packer *packer, const char *block,
                                   size_t length, struct tcore_packed_block *packed,
                                   struct tcore_error *err);
void tcore_packed_block_free(struct tcore_packed_block *packed);

/* A segment that is being written to a file. For one thread at a time. */
struct tcore_segment_writer;
/* fd is borrowed; it is written from where it stands, which is 0. The id is drawn. seed: of the
 * repository's trace filters. */
enum tcore_status tcore_segment_writer_new(struct tcore_segment_writer **writer, int fd,
                                           uint64_t seed, struct tcore_error *err);
void tcore_segment_writer_free(struct tcore_segment_writer *writer);
/* From now on what is written is packed for quick reading rather than for little room. */
void tcore_segment_pack_quickly(struct tcore_segment_writer *writer);
/* The labels (borrowed) by which blocks were packed: before the first that has sealed members. */
void tcore_segment_set_labels(struct tcore_segment_writer *writer,
                              const struct tcore_labels *labels);
/* Writes a packed block. TCORE_BAD_INPUT: it has a label that nobody could read. TCORE_FATAL: the
 * file is of no use any more. */
enum tcore_status tcore_segment_add(struct tcore_segment_writer *writer,
                                    const struct tcore_packed_block *packed,
                                    struct tcore_error *err);
/* Adds a roll-up with these windows; of types beyond `types` it does not have every record. */
enum tcore_status tcore_segment_add_rollup(struct tcore_segment_writer *writer,
                                           const struct tcore_rollup_builder *rollup,
                                           int64_t window_ns, unsigned types,
                                           struct tcore_error *err);
/* The same with one cell a series, made of a roll-up that was added, if that is worth its room. */
enum tcore_status tcore_segment_add_whole_rollup(struct tcore_segment_writer *writer,
                                                 const struct tcore_rollup_builder *rollup,
                                                 unsigned types, struct tcore_error *err);
/* Of a joint roll-up: takes sources, times and counts from there. False: out of memory. */
bool tcore_segment_set_sources(struct tcore_segment_writer *writer,
                               const struct tcore_manifest *of);
/* Says in the manifest that a log's entries up to a sequence are in it. */
enum tcore_status tcore_segment_seal_log(struct tcore_segment_writer *writer,
                                         const struct tcore_log_seal *seal,
                                         struct tcore_error *err);
/* Writes the rest. */
enum tcore_status tcore_segment_finish(struct tcore_segment_writer *writer,
                                       struct tcore_error *err);
/* What is in it so far, which lives as long as the writer; its size in bytes. */
const struct tcore_manifest *tcore_segment_contents(const struct tcore_segment_writer *writer);
uint64_t tcore_segment_bytes(const struct tcore_segment_writer *writer);

#pragma GCC visibility pop

#endif
