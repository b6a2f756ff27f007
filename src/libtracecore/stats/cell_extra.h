/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rarer parts of a cell. Private to cell*.c. */
#ifndef TRACECORE_STATS_CELL_EXTRA_H
#define TRACECORE_STATS_CELL_EXTRA_H

#include "stats/cell.h"
#include "stats/apdex.h"
#include "stats/bounded_histogram.h"
#include "stats/distinct.h"
#include "stats/encode.h"
#include "stats/exemplars.h"
#include "stats/topk.h"

struct tcore_cell_field {
    struct tcore_exact_sum sum;
    bool any; /* a record had a number there */
};

union tcore_cell_extra_state {
    struct tcore_distinct distinct;
    struct tcore_topk topk;
    struct tcore_apdex apdex;
    struct tcore_cell_field field;
    struct tcore_exemplars exemplars;
    struct tcore_increase increase;
};

struct tcore_cell_extra {
    struct tcore_exact_sum squares;
    struct tcore_bounded_histogram bounded; /* of metrics with explicit bounds */
    union tcore_cell_extra_state state[];   /* by tcore_stat.extra */
};

#pragma GCC visibility push(hidden)
/* The cell's extra part, made if there is none; NULL: no memory. */
struct tcore_cell_extra *tcore_cell_need_extra(struct tcore_cell *cell,
                                               const struct tcore_stats *stats);
void tcore_cell_extra_free(struct tcore_cell_extra *extra, const struct tcore_stats *stats);
enum tcore_status tcore_cell_extra_merge(struct tcore_cell *into,
                                         const struct tcore_cell_extra *from,
                                         const struct tcore_stats *stats);
enum tcore_status tcore_cell_extra_encode(const struct tcore_cell_extra *extra,
                                          const struct tcore_stats *stats, struct tcore_buf *out);
/* Into a cell that has none. */
enum tcore_status tcore_cell_extra_decode(struct tcore_cell *cell, const struct tcore_stats *stats,
                                          struct tcore_state_reader *in, struct tcore_error *err);
void tcore_cell_widen_double(struct tcore_cell *cell, double low, double high);
/* The smallest or largest value; absent: there was none. */
struct tcore_value tcore_cell_extreme(const struct tcore_cell *cell, bool largest);
/* Appends ,"histogram":{...} of at most so many buckets of either sign (0: any number), in the form
 * that metrics have it; nothing of a cell without buckets. TCORE_OK or TCORE_FATAL. */
enum tcore_status tcore_cell_write_histogram(const struct tcore_cell *cell, uint32_t max_buckets,
                                             struct tcore_buf *out);
#pragma GCC visibility pop

#endif
