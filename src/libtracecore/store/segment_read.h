/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading a segment: opening it reads the footer, the seek table and the manifest, two or three
 * pieces at the end of the file; after that each member is read by itself, by any number of
 * threads. Every byte that is read is checked before it is believed.
 */
#ifndef TRACECORE_STORE_SEGMENT_READ_H
#define TRACECORE_STORE_SEGMENT_READ_H

#include "base/buf.h"
#include "base/error.h"
#include "store/frame.h"
#include "store/key_ring.h"
#include "store/manifest.h"
#include "store/seal.h"
#include "stream/binary.h"

#pragma GCC visibility push(hidden)

/* An open segment; nothing in it changes while it is open, so threads may share it. */
struct tcore_segment;
/* fd becomes the segment's, in any case. TCORE_BAD_INPUT: it is none, or damaged where its index
 * is. TCORE_FATAL: it cannot be read. */
enum tcore_status tcore_segment_open(struct tcore_segment **segment, int fd,
                                     struct tcore_error *err);
void tcore_segment_close(struct tcore_segment *segment);
/* Unwraps what the keys of the ring open: only before threads share it. A ring that opens nothing
 * is no error. TCORE_BAD_INPUT: the wrapped keys are damaged. */
enum tcore_status tcore_segment_unlock(struct tcore_segment *segment,
                                       const struct tcore_key_ring *ring, struct tcore_error *err);
const struct tcore_manifest *tcore_segment_manifest(const struct tcore_segment *segment);
uint64_t tcore_segment_file_bytes(const struct tcore_segment *segment);
/* How much of it was read to open it. */
uint64_t tcore_segment_opening_bytes(const struct tcore_segment *segment);
uint32_t tcore_segment_frames(const struct tcore_segment *segment);
/* Whether it was opened by its index; else it was salvaged. */
bool tcore_segment_has_index(const struct tcore_segment *segment);

/*
 * A block that is being read; for one thread at a time. It keeps its memory from block to block.
 * What it gives lives until the next block. Zeroed before its first use.
 */
struct tcore_block_reader {
    struct tcore_binary_columns columns; /* for a decoder: the owner's to fill in */
    const struct tcore_segment *segment;
    const struct tcore_manifest_block *block;
    struct tcore_unpacker *unpacker;
    struct tcore_buf packed;
    struct tcore_buf opened;           /* the last column that was unsealed, packed */
    char label[TCORE_LABEL_BYTES + 1]; /* of the sealed column that was asked for last */
    struct tcore_key_ring *ring;       /* told of what cannot be read; borrowed, may be NULL */
    struct block_piece {
        char *memory;
        size_t capacity;
    } * piece; /* the directory, then columns as they are asked for; owned */
    uint32_t piece_count, used;
    uint32_t *frame; /* by column; 0: it has no data; owned */
    uint32_t frame_capacity, column_count;
    uint64_t bytes_read;         /* of the file, since it was zeroed: for those who explain */
    char member[TAR_NAME_BYTES]; /* name of the one that was read last */
};

void tcore_block_reader_free(struct tcore_block_reader *reader);
/* Reads the directory of a block of the segment's manifest: prefix and directory as
 * tcore_binary_decode() wants them. */
enum tcore_status tcore_block_reader_open(struct tcore_block_reader *reader,
                                          const struct tcore_segment *segment,
                                          const struct tcore_manifest_block *block,
                                          struct tcore_slice *directory, struct tcore_error *err);
/* The data of a column of that block, as struct tcore_binary_columns has it. */
enum tcore_status tcore_block_reader_column(struct tcore_block_reader *reader, uint32_t column,
                                            uint32_t bytes, const void **data,
                                            struct tcore_error *err);
/* Entry and data of a sealed column of that block, as struct tcore_binary_columns has it. */
enum tcore_status tcore_block_reader_unseal(struct tcore_block_reader *reader, uint32_t column,
                                            struct tcore_slice *opened, struct tcore_error *err);
/* Any member by its frame: *data are its bytes, in reader's memory; name has TAR_NAME_BYTES or is
 * NULL. */
enum tcore_status tcore_block_reader_member(struct tcore_block_reader *reader,
                                            const struct tcore_segment *segment, uint32_t frame,
                                            char *name, struct tcore_slice *data,
                                            struct tcore_error *err);
/* Forgets what was read by tcore_block_reader_member(), but not its memory. */
void tcore_block_reader_rewind(struct tcore_block_reader *reader);

/* Whether the whole file is what was written: every byte counts. TCORE_BAD_INPUT: it is not. */
enum tcore_status tcore_segment_check_digest(const struct tcore_segment *segment,
                                             struct tcore_error *err);

#pragma GCC visibility pop

#endif
