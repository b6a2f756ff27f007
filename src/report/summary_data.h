/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a summary is made of. Each worker thread fills one of these from batches; at the end they
 * are merged, and the result depends neither on the number of threads nor on the order of records.
 *
 * Memory is bounded. Latencies are histograms, time is a fixed number of bins whose width doubles
 * as the range grows, and of lists only the first few are kept. Traces are a table; when it is full
 * it keeps one trace in 2, 4, 8 ... (those whose id's hash begins with so many zero bits), which
 * again does not depend on the order. Beyond MAX_GROUPS operations, errors or metrics the rest are
 * counted as one.
 */
#ifndef REPORT_SUMMARY_DATA_H
#define REPORT_SUMMARY_DATA_H

#include "base/arena.h"
#include "model/batch.h"
#include "model/projection.h"
#include "report/summary_groups.h"
#include "report/summary_traces.h"

#define MAX_REMARKS 50

struct error_group {
    uint64_t count;
    int64_t last_ns;
    uint64_t trace_id[2]; /* of the last one */
};

struct metric_group {
    uint64_t points, numbers;
    int64_t last_ns;
    double last, smallest, largest;
    const char *unit; /* in the arena, or NULL */
};

struct aggregate_group {
    uint64_t rows, count;
    double error_rate, p50, p95, p99; /* the largest of all windows; NaN: none */
};

struct alert_group {
    uint64_t transitions;
    int64_t time_ns, started_ns; /* of the last transition, and of what it ended or began */
    uint8_t rank;                /* of the state */
    const char *state, *name, *labels, *text;
};

/* A finding, ranked. */
struct remark {
    uint8_t rank; /* 2 critical, 1 warning, 0 info */
    double score;
    int64_t time_ns;
    const char *text;
    size_t length;
};

/* Numbers in the projection. */
struct summary_columns {
    size_t trace_id, span_id, parent_id, name, service, start, end, duration, status,
        status_message, time, severity, metric_name, value, unit, group, count, error_rate, p50,
        p95, p99, kind, score, message, alert_id, alert_name, state, labels, annotations,
        record_type, partial, fingerprint, started;
};

struct summary_data {
    struct tcore_arena arena;
    uint64_t records[TCORE_RECORD_TYPES];
    uint64_t spans, errors, untimed, negative;
    uint64_t log_errors, partials, spanless; /* spanless: traces that have their counts only */
    uint64_t findings[3];
    int64_t first_ns, last_ns; /* of spans; first > last: none */
    struct bins time;
    struct groups services, operations, failures, metrics, aggregates, alerts;
    struct trace_table traces;
    struct remark remarks[MAX_REMARKS];
    size_t remark_count;
    struct tcore_buf key;
};

/* trace_limit: how many traces are remembered. */
enum tcore_status summary_open(struct summary_data *data, size_t trace_limit,
                               struct tcore_error *err);
void summary_free(struct summary_data *data);
enum tcore_status summary_project(struct summary_columns *columns,
                                  struct tcore_projection *projection, unsigned types,
                                  struct tcore_error *err);
enum tcore_status summary_add(struct summary_data *data, const struct summary_columns *columns,
                              const struct tcore_batch *batch, const uint32_t *rows, size_t count,
                              struct tcore_error *err);
/* into += from, which is left to be freed. */
enum tcore_status summary_merge(struct summary_data *into, struct summary_data *from,
                                struct tcore_error *err);

#endif
