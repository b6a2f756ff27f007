/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What reads for a rewriting. Private to rewrite*.c. */
#ifndef TRACECORE_STORE_REWRITE_PRIVATE_H
#define TRACECORE_STORE_REWRITE_PRIVATE_H

#include "store/rewrite.h"

/* A column that was sealed and is open. */
struct opened_column {
    uint32_t column;
    char label[TCORE_LABEL_BYTES + 1];
};

struct tcore_segment_reader {
    struct tcore_block_reader block; /* begins with what the decoder asks */
    struct tcore_binary_decoder *decoder;
    bool text_late;                    /* filters do without the text */
    const struct tcore_key_ring *ring; /* borrowed */
    struct tcore_wrapped_keys wrapped; /* of the segment at hand */
    bool lacks_key;
    struct tcore_losses *lost;    /* of damage; NULL: it is an error; borrowed */
    struct opened_column *opened; /* of the block at hand; owned */
    uint32_t opened_count, opened_capacity;
    uint32_t *rows; /* owned */
    size_t row_capacity;
};

#pragma GCC visibility push(hidden)

/* Before the blocks of a segment: what it has of keys. */
enum tcore_status tcore_segment_reader_begin(struct tcore_segment_reader *reader,
                                             struct tcore_segment *segment,
                                             struct tcore_error *err);
/* A block, and the numbers of all of its rows. */
enum tcore_status tcore_segment_reader_block(struct tcore_segment_reader *reader,
                                             const struct tcore_segment *segment,
                                             const struct tcore_manifest_block *block,
                                             struct tcore_batch *batch, struct tcore_error *err);
/* The text of its records, if the block did not have it yet. */
enum tcore_status tcore_segment_reader_text(struct tcore_segment_reader *reader,
                                            struct tcore_batch *batch, struct tcore_error *err);
/* Whether the labels would keep what was opened of the block from as many as it was kept from. */
enum tcore_status tcore_segment_reader_compare(struct tcore_segment_reader *reader,
                                               const struct tcore_labels *labels,
                                               struct tcore_error *err);

#pragma GCC visibility pop

#endif
