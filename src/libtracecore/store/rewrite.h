/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Going through the records of segments, and writing some of them into a new one: what upkeep does.
 * Blocks are decoded and packed again, so that small ones become large. For one thread at a time.
 *
 * What is sealed is opened where it is needed, and it is an error if none of the keys at hand can:
 * nothing is judged, or written anew, by half. What is lost for good, since its key was destroyed,
 * is left out. The new segment has keys of its own, for the readers that the labels name.
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
/* projection: what filters look at, the text only if it asks for that; it is changed, and outlives
 * the reader. ring: keys to open what
 * is sealed with, borrowed; NULL: none. */
enum tcore_status tcore_segment_reader_new(struct tcore_segment_reader **reader,
                                           struct tcore_projection *projection,
                                           const struct tcore_key_ring *ring,
                                           struct tcore_error *err);
void tcore_segment_reader_free(struct tcore_segment_reader *reader);
/* Whether the last failure was for want of a key, and not damage. */
bool tcore_segment_reader_lacks_key(const struct tcore_segment_reader *reader);

/* Whether the keys at hand open all that is sealed in a segment: TCORE_OK; TCORE_BAD_INPUT: err has
 * the label of something that they do not. */
enum tcore_status tcore_segment_check_keys(struct tcore_segment_reader *reader,
                                           struct tcore_segment *segment, struct tcore_error *err);
/*
 * Whether a segment could be written anew by these labels (NULL: none): TCORE_OK. TCORE_BAD_INPUT:
 * it could not; err says what is sealed that no key opens, or that the labels would show to more
 * people than it was sealed for. Looks into what is sealed only.
 */
enum tcore_status tcore_segment_may_rewrite(struct tcore_segment_reader *reader,
                                            struct tcore_segment *segment,
                                            const struct tcore_labels *labels,
                                            struct tcore_error *err);

/* What could not be read of damaged segments. */
struct tcore_losses {
    uint64_t records;
    bool values; /* that are sealed, since their key is not there any more */
};

struct tcore_rewriting;
/* Begins a segment of the repository; labels (borrowed; NULL: none) say what is sealed in it. */
enum tcore_status tcore_rewriting_new(struct tcore_rewriting **rewriting,
                                      struct tcore_repository *r, const struct tcore_labels *labels,
                                      struct tcore_error *err);
void tcore_rewriting_free(struct tcore_rewriting *rewriting);
/* Records that went in. */
uint64_t tcore_rewriting_records(const struct tcore_rewriting *rewriting);
/* The segment, if there are records: *count is 1 then, and otherwise 0. It is the caller's. */
enum tcore_status tcore_rewriting_end(struct tcore_rewriting *rewriting,
                                      struct tcore_sealing *sealing, size_t *count,
                                      struct tcore_error *err);

/*
 * Hands all records of a segment, block by block, to filter() and adds what it leaves to rewriting
 * (NULL: nothing is written). lost: what is damaged is passed over, and noted there; NULL: it is
 * TCORE_BAD_INPUT. A key that is missing always is, and so is what tcore_segment_may_rewrite()
 * would refuse.
 */
enum tcore_status tcore_segment_go_through(struct tcore_segment_reader *reader,
                                           struct tcore_segment *segment, tcore_row_filter *filter,
                                           void *context, struct tcore_rewriting *rewriting,
                                           struct tcore_losses *lost, struct tcore_error *err);

#pragma GCC visibility pop

#endif
