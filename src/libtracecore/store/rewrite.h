/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Going through the records of segments, and writing some of them into a new one: what upkeep does.
 * Blocks are decoded and packed again, so that small ones become large. For one thread at a time.
 */
#ifndef TRACECORE_STORE_REWRITE_H
#define TRACECORE_STORE_REWRITE_H

#include "model/batch.h"
#include "model/projection.h"
#include "store/repository.h"

#pragma GCC visibility push(hidden)

/* Leaves of rows[0..*count) those that are wanted. */
typedef enum tcore_status tcore_row_filter(void *context, const struct tcore_batch *batch,
                                           uint32_t *rows, size_t *count, struct tcore_error *err);

struct tcore_segment_reader;
/* projection: what filters look at; it gets the text as well, and outlives the reader. */
enum tcore_status tcore_segment_reader_new(struct tcore_segment_reader **reader,
                                           struct tcore_projection *projection,
                                           struct tcore_error *err);
void tcore_segment_reader_free(struct tcore_segment_reader *reader);

struct tcore_rewriting;
/* Begins a segment of the repository. */
enum tcore_status tcore_rewriting_new(struct tcore_rewriting **rewriting,
                                      struct tcore_repository *r, struct tcore_error *err);
void tcore_rewriting_free(struct tcore_rewriting *rewriting);
/* Records that went in. */
uint64_t tcore_rewriting_records(const struct tcore_rewriting *rewriting);
/* The segment, if there are records: *count is 1 then, and otherwise 0. It is the caller's. */
enum tcore_status tcore_rewriting_end(struct tcore_rewriting *rewriting,
                                      struct tcore_sealing *sealing, size_t *count,
                                      struct tcore_error *err);

/*
 * Hands all records of a segment, block by block, to filter() and adds what it leaves to rewriting
 * (NULL: nothing is written). lost: what is damaged is passed over, and its records are counted
 * there; NULL: it is TCORE_BAD_INPUT.
 */
enum tcore_status tcore_segment_go_through(struct tcore_segment_reader *reader,
                                           const struct tcore_segment *segment,
                                           tcore_row_filter *filter, void *context,
                                           struct tcore_rewriting *rewriting, uint64_t *lost,
                                           struct tcore_error *err);

#pragma GCC visibility pop

#endif
