/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A cell: what is known of one group in one window. All of it is sums that do not round, extremes
 * and counts, so that cells merge in any order to the same state.
 *
 * Programs share it: one makes the cells of roll-ups (store/rollup.h), another reads them.
 * Not thread-safe; a cell owns what it points to (tcore_cell_free).
 */
#ifndef TRACECORE_STATS_CELL_H
#define TRACECORE_STATS_CELL_H

#include "base/buf.h"
#include "model/value.h"
#include "stats/exact_sum.h"
#include "stats/exemplars.h"
#include "stats/histogram.h"
#include "stats/increase.h"
#include "stats/stat.h"

/* What few cells need; made on first use. */
struct tcore_cell_extra;

struct tcore_cell {
    uint32_t series;          /* the owner's number for it; nothing here looks at it */
    bool has_int, has_double; /* values of either kind were seen: which extremes count */
    uint64_t count, errors;   /* records, in units (stats/weight.h) */
    uint64_t values;          /* numbers, in units; a histogram record has many */
    int64_t min_int, max_int;
    double min_double, max_double;
    struct tcore_exact_sum sum;
    struct tcore_histogram histogram;
    struct tcore_cell_extra *extra; /* owned */
};

/* A zeroed cell is an empty one but for series. Each returns TCORE_OK, TCORE_FATAL (no memory) or
 * TCORE_BAD_INPUT (more than 2^47 values). weight is how many records this one stands for, in units
 * of 1/65,536, up to TCORE_CELL_UNITS_MAX. */
#define TCORE_CELL_UNITS_MAX (TCORE_UNITS_MAX / 2) /* so that plain records need no check */
void tcore_cell_free(struct tcore_cell *cell, const struct tcore_stats *stats);
/* Counts a record. */
enum tcore_status tcore_cell_count_weighted(struct tcore_cell *cell, uint64_t weight, bool error);
enum tcore_status tcore_cell_add_double(struct tcore_cell *cell, const struct tcore_stats *stats,
                                        double value, uint64_t weight);
enum tcore_status tcore_cell_add_weighted_int(struct tcore_cell *cell,
                                              const struct tcore_stats *stats, int64_t value,
                                              uint64_t weight);
/* What distinct, topk and apdex of the list want of a row: bytes of the field's value (a symbol,
 * model/symbol.h), or the row's value itself. */
enum tcore_status tcore_cell_add_bytes(struct tcore_cell *cell, const struct tcore_stats *stats,
                                       const struct tcore_stat *stat, const char *data,
                                       size_t length, uint64_t weight);
enum tcore_status tcore_cell_add_apdex(struct tcore_cell *cell, const struct tcore_stats *stats,
                                       const struct tcore_stat *stat, double value, bool error,
                                       uint64_t weight);
/* What sum(FIELD) and exemplars want: a number that the field has; a trace. */
enum tcore_status tcore_cell_add_field(struct tcore_cell *cell, const struct tcore_stats *stats,
                                       const struct tcore_stat *stat,
                                       const struct tcore_value *value, uint64_t weight);
enum tcore_status tcore_cell_add_exemplar(struct tcore_cell *cell, const struct tcore_stats *stats,
                                          const struct tcore_stat *stat,
                                          const struct tcore_exemplar *exemplar);
/* What increase wants: a point of a cumulative counter that is named by so many bytes; or how much
 * came, an integer or a finite double. */
enum tcore_status tcore_cell_add_counter(struct tcore_cell *cell, const struct tcore_stats *stats,
                                         const struct tcore_stat *stat, const void *name,
                                         size_t length, const struct tcore_counter_point *point);
enum tcore_status tcore_cell_add_increase(struct tcore_cell *cell, const struct tcore_stats *stats,
                                          const struct tcore_stat *stat,
                                          const struct tcore_value *value, uint64_t weight);
/* See tcore_increase_link(). */
enum tcore_status tcore_cell_link_counters(struct tcore_cell *cell, const struct tcore_stat *stat,
                                           struct tcore_increase *newest, int64_t origin_ns);
/* The squares of the values so far, for stddev. */
enum tcore_status tcore_cell_add_square_int(struct tcore_cell *cell,
                                            const struct tcore_stats *stats, int64_t value,
                                            uint64_t weight);
/* A metric's histogram from its JSON text. TCORE_SKIP: it is none. */
enum tcore_status tcore_cell_add_histogram(struct tcore_cell *cell, const struct tcore_stats *stats,
                                           const char *text, size_t length, uint64_t weight);
/* A metric's summary: count and sum, and what its quantiles 0 and 1 say of the extremes; of other
 * quantiles nothing can be made. TCORE_SKIP: it is none. */
enum tcore_status tcore_cell_add_summary(struct tcore_cell *cell, const struct tcore_stats *stats,
                                         const char *text, size_t length, uint64_t weight);
/* Memory held for the statistics that have a state of their own. */
size_t tcore_cell_extra_bytes(const struct tcore_cell *cell, const struct tcore_stats *stats);
/* into += from; from stays as it is. */
enum tcore_status tcore_cell_merge(struct tcore_cell *into, const struct tcore_cell *from,
                                   const struct tcore_stats *stats);

/* Appends ,"name":value for each statistic that has one, and ,"estimated":[names] of those that are
 * estimates. seconds: of the window or the data, 0 if
 * that is not known. */
enum tcore_status tcore_cell_write(const struct tcore_cell *cell, const struct tcore_stats *stats,
                                   double seconds, struct tcore_buf *out);

/* The state as bytes, and back into an empty cell. */
enum tcore_status tcore_cell_encode(const struct tcore_cell *cell, const struct tcore_stats *stats,
                                    struct tcore_buf *out);
enum tcore_status tcore_cell_decode(struct tcore_cell *cell, const struct tcore_stats *stats,
                                    const void *data, size_t length, struct tcore_error *err);

static inline void tcore_cell_count(struct tcore_cell *cell, bool error)
{
    cell->count += TCORE_WEIGHT_ONE;
    cell->errors += error * TCORE_WEIGHT_ONE;
}

static inline void tcore_cell_count_many(struct tcore_cell *cell, uint32_t records, uint32_t errors)
{
    cell->count += records * TCORE_WEIGHT_ONE;
    cell->errors += errors * TCORE_WEIGHT_ONE;
}

static inline void tcore_cell_widen_int(struct tcore_cell *cell, int64_t value)
{
    if (!cell->has_int) {
        cell->has_int = true;
        cell->min_int = cell->max_int = value;
    } else if (value < cell->min_int) {
        cell->min_int = value;
    } else if (value > cell->max_int) {
        cell->max_int = value;
    }
}

/* Adds values that are integers. */
enum tcore_status tcore_cell_add_ints(struct tcore_cell *cell, const struct tcore_stats *stats,
                                      const int64_t *values, uint32_t count);

/* Adds a value that is an integer: the hot path of durations. */
static inline enum tcore_status tcore_cell_add_int(struct tcore_cell *cell,
                                                   const struct tcore_stats *stats, int64_t value)
{
    cell->values += TCORE_WEIGHT_ONE;
    tcore_cell_widen_int(cell, value);
    if (stats->sum)
        tcore_exact_sum_add_int64(&cell->sum, value);
    if (stats->squares) {
        enum tcore_status status = tcore_cell_add_square_int(cell, stats, value, TCORE_WEIGHT_ONE);
        if (status)
            return status;
    }
    return stats->histogram ? tcore_histogram_insert_int64(&cell->histogram, value) : TCORE_OK;
}

#endif
