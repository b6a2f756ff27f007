/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ids of spans' traces with what each trace of the block adds up to, and starts of spans as offsets
 * from the first of their trace: encodings 8 and 9 of tracecore-stream(5). An offset takes as many
 * bits as the duration of its trace does, so what the totals take is mostly saved by the starts.
 * Blocks of segments have these where each span has id and times.
 */
#ifndef TRACECORE_STREAM_BINARY_TRACES_H
#define TRACECORE_STREAM_BINARY_TRACES_H

#include "stream/binary_block.h"
#include "stream/binary_shape.h"

#pragma GCC visibility push(hidden)

#define TRACES_ID_BYTES 16u
#define TRACES_MOST_NS  ((int64_t)1 << 62) /* times are within this; others count as none */

/* Arrays behind the ids. */
enum traces_array {
    TRACES_CODES,     /* of each span */
    TRACES_STARTS,    /* of each trace: its first start less the base, */
    TRACES_DURATIONS, /* from there to its last end, */
    TRACES_SPANS,
    TRACES_ERRORS,
    TRACES_ARRAYS
};

/* Bits of a number in each of them. */
struct traces_widths {
    uint8_t of[TRACES_ARRAYS];
};

/* ---- writing ---- */

/* What the traces of a block add up to, by their codes. */
struct binary_traces {
    uint32_t trace, start; /* columns of the tree; 0: the block is not of that kind */
    struct trace_sum {
        int64_t first_ns, last_ns;
        uint32_t spans, errors;
    } * sum; /* owned */
    int64_t base_ns;
    struct traces_widths widths;
};

/* Whether the ids can be written so, and then the starts. To be asked before any column is encoded;
 * no memory is a no. */
void tcore_binary_find_traces(const struct shape_tree *tree, struct binary_traces *traces);
void tcore_binary_traces_free(struct binary_traces *traces);
/* Appends a column's data to out, which may fail, and fills its entry, but for the column referred
 * to. */
void tcore_binary_encode_traces(const struct shape_tree *tree, const struct binary_traces *traces,
                                struct tcore_buf *out, uint8_t *entry);
void tcore_binary_encode_starts(const struct shape_tree *tree, const struct binary_traces *traces,
                                struct tcore_buf *out, uint8_t *entry);

/* ---- reading ---- */

/* Whether an entry of encoding TRACES is possible: then its data are of that layout. */
bool tcore_binary_traces_fit(const struct block_column *column);
/* The same of GROUPED; how long its data should be is known when they are read. */
bool tcore_binary_grouped_fits(const struct block_column *column);
/* Codes of a column of that encoding, whose data was verified, one a row. */
enum tcore_status tcore_binary_read_trace_codes(struct binary_reader *reader, uint32_t column,
                                                const uint32_t **codes, struct tcore_error *err);
/* The values of a verified column of encoding GROUPED, with one more, into *ints. */
enum tcore_status tcore_binary_read_grouped(struct binary_reader *reader, uint32_t column,
                                            int64_t **ints, struct tcore_error *err);
/* Totals of the traces of the block, valid until the next one. TCORE_SKIP: it has none, and nothing
 * was read. TCORE_BAD_INPUT: damaged. */
enum tcore_status tcore_binary_read_totals(struct binary_reader *reader,
                                           struct tcore_trace_sums *sums, struct tcore_error *err);

#pragma GCC visibility pop

#endif
