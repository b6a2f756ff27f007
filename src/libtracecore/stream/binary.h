/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The binary span stream, pipe framing: tracecore-stream(5) specifies every byte. A header, then
 * self-contained blocks, each up to 65,536 records of one type in columns, with a column directory,
 * row count, time range and XXH3 over every part. Streams may be concatenated.
 */
#ifndef TRACECORE_STREAM_BINARY_H
#define TRACECORE_STREAM_BINARY_H

#include "base/buf.h"
#include "base/error.h"
#include "model/batch.h"
#include "model/projection.h"

/* Whether data begins a binary stream; length may be less than the magic (then: whether it could).
 */
bool tcore_binary_probe(const char *data, size_t length);

/*
 * How long the unit (header or block) at data is, from its first bytes. TCORE_OK: *bytes is its
 * whole length and *is_block tells blocks from headers. TCORE_EOF: more bytes are needed to tell
 * (have at least *bytes). TCORE_BAD_INPUT: these bytes begin no unit; or it is longer than the
 * limit (1 GiB).
 */
enum tcore_status tcore_binary_unit(const char *data, size_t length, size_t *bytes, bool *is_block,
                                    struct tcore_error *err);

/*
 * Checks a header unit (which tcore_binary_unit measured) and gives its text: the command lines
 * that made the stream, or an empty one. TCORE_BAD_INPUT: damaged.
 */
enum tcore_status tcore_binary_header(const char *header, size_t length,
                                      struct tcore_slice *provenance, struct tcore_error *err);

/* What the prefix of a block says: enough to skip a block without decoding it. */
struct tcore_binary_info {
    enum tcore_record_type type;
    uint32_t rows;
    bool timed;             /* some record has a time (a span's start, a metric's time, ...) */
    bool all_timed;         /* every record has one: a block outside a time range may be skipped */
    int64_t min_ns, max_ns; /* of these times, if timed */
};
/* block begins with a block's prefix that tcore_binary_unit accepted. TCORE_BAD_INPUT: it holds a
 * record type that this version does not know. */
enum tcore_status tcore_binary_block_info(const char *block, struct tcore_binary_info *info,
                                          struct tcore_error *err);

/* Where a block comes from whose columns are not with its directory. */
struct tcore_binary_columns {
    /* Gives the block's prefix and directory, which stay until the block is done with.
     * TCORE_BAD_INPUT: damaged. */
    enum tcore_status (*open)(struct tcore_binary_columns *columns, struct tcore_slice *directory,
                              struct tcore_error *err);
    /* Gives bytes of data and TCORE_BATCH_PADDING readable ones behind, aligned to 8, which stay
     * until the block is done with. Called at most once a column. TCORE_BAD_INPUT: damaged. */
    enum tcore_status (*read)(struct tcore_binary_columns *columns, uint32_t column, uint32_t bytes,
                              const void **data, struct tcore_error *err);
    /* Of a roll-up: moves on to the next of the blocks that it stands for; false: there is none. */
    bool (*instead)(struct tcore_binary_columns *columns, struct tcore_binary_info *info);
    void (*free)(struct tcore_binary_columns *columns);
    /* Opens a sealed column: gives its true entry and its data behind that, as read() gives data.
     * Called at most once a column. TCORE_SKIP: it cannot be opened, and the block is read as if
     * its records had no such member. NULL: no column may be sealed. */
    enum tcore_status (*unseal)(struct tcore_binary_columns *columns, uint32_t column,
                                struct tcore_slice *opened, struct tcore_error *err);
};

struct tcore_binary_decoder;
enum tcore_status tcore_binary_decoder_new(struct tcore_binary_decoder **decoder,
                                           const struct tcore_projection *projection,
                                           struct tcore_error *err);
void tcore_binary_decoder_free(struct tcore_binary_decoder *decoder);
/* Decodes one block (only the columns that the projection names). The batch points into block and
 * decoder. columns: NULL if the block is all there; otherwise block is its prefix and directory.
 * TCORE_BAD_INPUT: damaged; err->text says which part. */
enum tcore_status tcore_binary_decode(struct tcore_binary_decoder *decoder, const char *block,
                                      size_t length, struct tcore_binary_columns *columns,
                                      struct tcore_batch *batch, struct tcore_error *err);

/* The same, but gives what the traces of the block add up to (batch->sums) and no columns.
 * TCORE_SKIP: the block does not have that. */
enum tcore_status tcore_binary_decode_sums(struct tcore_binary_decoder *decoder, const char *block,
                                           size_t length, struct tcore_binary_columns *columns,
                                           struct tcore_batch *batch, struct tcore_error *err);

/* The text of the rows for which wanted is set (NULL: of all) of the batch that was decoded last.
 * Of others the slices are empty. TCORE_BAD_INPUT: damaged. */
enum tcore_status tcore_binary_decoder_text(struct tcore_binary_decoder *decoder,
                                            const bool *wanted, struct tcore_batch *batch,
                                            struct tcore_error *err);

struct tcore_binary_writer;
/* Encoded bytes are appended to out, which the caller drains whenever it likes. */
enum tcore_status tcore_binary_writer_new(struct tcore_binary_writer **writer,
                                          struct tcore_buf *out, const char *provenance,
                                          struct tcore_error *err);
/* Makes blocks as segments have them: larger, and columns may refer to others. Clock records are
 * refused. Before the first record. */
void tcore_binary_writer_for_segments(struct tcore_binary_writer *writer);
/* Values nested deeper than that (a record's members are of depth 1) make a record no valid one.
 * Before the first record. */
void tcore_binary_writer_limit_depth(struct tcore_binary_writer *writer, unsigned depth);
/* As tcore_binary_writer_add(), for text that nobody has validated: TCORE_EOF, and nothing is done,
 * unless it is canonical in every byte and of a shape that has been seen. */
enum tcore_status tcore_binary_writer_try(struct tcore_binary_writer *writer, const char *text,
                                          size_t length, struct tcore_error *err);
/* How many members of records a later one of the same name has replaced, so far. */
uint64_t tcore_binary_writer_duplicates(const struct tcore_binary_writer *writer);
/* Forgets the records that are held. TCORE_FATAL: out of memory. */
enum tcore_status tcore_binary_writer_drop(struct tcore_binary_writer *writer,
                                           struct tcore_error *err);
/* Forgets those too, and whatever was learnt from records so far: what is written of the next ones
 * depends on nothing before them. */
void tcore_binary_writer_forget(struct tcore_binary_writer *writer);
/* Makes blocks in which columns do not share their data; spans: nor are ends and parents of spans
 * written by what they are to other columns. Before the first record. */
void tcore_binary_writer_keep_apart(struct tcore_binary_writer *writer, bool spans);
/* One record as JSON text (need not be canonical). TCORE_SKIP: not a valid record. A clock record
 * flushes all types before it. */
enum tcore_status tcore_binary_writer_add(struct tcore_binary_writer *writer, const char *text,
                                          size_t length, struct tcore_error *err);
/* Writes out all that is held as blocks (live output, the end). */
enum tcore_status tcore_binary_writer_flush(struct tcore_binary_writer *writer,
                                            struct tcore_error *err);
void tcore_binary_writer_free(struct tcore_binary_writer *writer); /* does not flush */

#endif
