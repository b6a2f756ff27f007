/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rows of a batch that are being added: its columns at hand, and the ways that work.c,
 * series.c and plain.c share. Private to these.
 */
#ifndef AGG_ROWS_H
#define AGG_ROWS_H

#include "agg/agg.h"
#include "stats/row.h"

struct rows {
    struct agg_work *work;
    const struct tcore_batch *batch;
    const uint32_t *row; /* selected */
    size_t count;
    const struct tcore_column *status, *severity, *span_value, *metric_value, *metric_name,
        *sample_rate, *trace_state, *metric_type, *temporality, *start_time, *time;
    struct tcore_row_points points;
    const uint32_t *by; /* symbols: by[column * count + i] */
    uint32_t *series;   /* of each selected row */
    bool all_spans;
    struct agg_closed closed;
};

/* series.c: fills r->series (in work->scratch). */
enum tcore_status rows_find_series(struct rows *r, struct tcore_error *err);
/* plain.c: adds spans in one window, of which no more is asked than cells hold themselves, or puts
 * them off until rows_settle(). */
enum tcore_status rows_add_plain_spans(const struct rows *r);
enum tcore_status rows_settle(struct agg_work *work);
/* extra.c: what a row adds to distinct, topk, apdex, sum(FIELD) and exemplars. */
enum tcore_status rows_add_extras(const struct rows *r, struct tcore_cell *cell, uint32_t row,
                                  const struct tcore_value *value, bool error, uint64_t weight);
/* counter.c: what a point of a metric adds to increase. */
enum tcore_status rows_add_counter(const struct rows *r, struct tcore_cell *cell,
                                   const struct tcore_stat *stat, uint32_t row,
                                   const struct tcore_value *value, uint64_t weight);
/* work.c: adds a value that is no integer: a double, a histogram, or nothing that can be summed. */
enum tcore_status rows_add_other(const struct rows *r, struct tcore_cell *cell, uint32_t row,
                                 enum tcore_record_type type, const struct tcore_value *value,
                                 uint64_t weight);

#endif
