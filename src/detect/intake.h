/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Points of series: what anomaly and change take of metrics, aggregates and spans. A counter gives
 * its rate between two points, a delta counter its values, a histogram its mean, an aggregate one
 * statistic or those that --stat names, a span its duration.
 */
#ifndef DETECT_INTAKE_H
#define DETECT_INTAKE_H

#include "cli/verb.h"
#include "detect/series.h"
#include "model/id.h"

/* What is kept of a series to read its next point. A zeroed one has had none. */
struct intake_series {
    /* Of what only grows (a counter, a cumulative histogram): the point before. */
    double previous, previous_count;
    int64_t previous_ns;
    bool has_previous;
    char unit[16]; /* for messages; cut if it is longer */
};

/* One value of a series. */
struct intake_point {
    double value; /* what was measured */
    bool is_log;  /* to be judged by its logarithm */
    bool timed;
    int64_t ns;
};

struct intake {
    struct series_table *table; /* borrowed */
    size_t limit;               /* series there may be */
    /* What a series is kept in (NULL: out of memory), and who takes its points. */
    void *owner;
    struct intake_series *(*get)(void *owner, uint32_t series);
    enum tcore_status (*take)(void *owner, const struct tcore_batch *batch, size_t row,
                              uint32_t series, const struct intake_point *point,
                              struct tcore_buf *out, struct tcore_error *err);
    struct cli_strings asked; /* --stat */
    const char *const *stats;
    size_t stat_count;
    size_t *stat_columns; /* owned */
    size_t time, start, window, duration, value, metric_type, temporality, unit;
    size_t sum, count, trace_id, span_id, context_trace, context_span;
    /* records that gave no point */
    uint64_t without_number, without_time, unordered, resets, beyond_limit;
};

/* Then owner, get and take are to be set. */
void intake_init(struct intake *in, struct series_table *table, struct cli_strings stats);
void intake_free(struct intake *in);
/* Adds the columns that are needed, those of the table too. */
enum tcore_status intake_open(struct intake *in, struct tcore_projection *projection,
                              struct tcore_error *err);
/* Hands the points of these rows to take(). */
enum tcore_status intake_batch(struct intake *in, const struct tcore_batch *batch,
                               const uint32_t *rows, size_t count, struct tcore_buf *out,
                               struct tcore_error *err);
/* Notes on standard error what gave no point, but for series beyond the limit. */
void intake_note_left_out(const struct intake *in, struct cli *cli);

/* The span that is the evidence: the record itself, or the one that a metric was taken in. */
void intake_evidence(const struct intake *in, const struct tcore_batch *batch, size_t row,
                     char trace[TCORE_TRACE_ID + 1], char span[TCORE_SPAN_ID + 1]);
/* Of a statistic, 0.99 for "p99"; NaN of others. */
double intake_quantile(const char *stat);

#endif
