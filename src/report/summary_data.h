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
#include "base/map.h"
#include "model/batch.h"
#include "model/projection.h"
#include "stats/histogram.h"

#define MAX_GROUPS  50000
#define TIME_BINS   192
#define MAX_REMARKS 50

/* Events over time: bin i holds times [(first + i) << shift, (first + i + 1) << shift). */
struct bins {
    int64_t first; /* of the bins in use; last < first: none */
    int64_t last;
    unsigned shift;
};

struct bin {
    uint64_t count, timed;
    unsigned __int128 total_ns;
};

/* Spans of a service, or of one operation of it. */
struct span_group {
    uint64_t spans, errors, timed;
    unsigned __int128 total_ns;
    int64_t smallest_ns, largest_ns;
    struct tcore_histogram durations;
    struct bin *bins; /* TIME_BINS of them, from bins->first on; NULL of an operation */
};

struct error_group {
    uint64_t count;
    int64_t last_ns;
    uint64_t trace_id[2]; /* of the last one */
};

struct trace_entry {
    uint64_t id[2];
    int64_t start_ns, end_ns;
    int64_t root_start_ns;
    uint64_t root_span;
    uint32_t root; /* operation */
    uint32_t spans, errors;
    bool used, orphan; /* orphan: the root so far names a parent */
};

struct trace_table {
    struct trace_entry *entries;
    size_t count, capacity; /* a power of two */
    size_t limit;           /* entries */
    unsigned level;         /* one trace in 2^level is kept */
    uint64_t seed[2];
    bool unfit; /* some trace is in no level: ids that were made for that */
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
    int64_t time_ns;
    uint8_t rank; /* of the state */
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
        p95, p99, kind, score, message, alert_id, alert_name, state, labels, annotations;
};

/* Groups by a key of bytes; past MAX_GROUPS they all are number 0, which is kept for that. */
struct groups {
    struct tcore_map keys;
    void *items;
    size_t item_bytes, capacity;
    bool overflowed;
};

struct summary_data {
    struct tcore_arena arena;
    uint64_t records[TCORE_RECORD_TYPES];
    uint64_t spans, errors, untimed, negative;
    uint64_t log_errors;
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

/* --- summary_groups.c */

enum tcore_status groups_open(struct groups *groups, size_t item_bytes, struct tcore_error *err);
void groups_free(struct groups *groups);
/* The number of the key's group, whose zeroed item is made if it is new (*added). TCORE_MAP_NONE:
 * out of memory. */
uint32_t groups_find(struct groups *groups, const void *key, size_t length, bool *added);
static inline void *groups_item(const struct groups *groups, uint32_t number)
{
    return (char *)groups->items + number * groups->item_bytes;
}
/* A key of two texts, and its parts. */
void key_pair(struct tcore_buf *key, const char *a, size_t a_length, const char *b,
              size_t b_length);
void key_parts(const struct tcore_map_key *key, struct tcore_slice *a, struct tcore_slice *b);

/* Makes room for the time in the bins of all groups. */
void bins_reach(struct bins *bins, struct groups *groups, int64_t time_ns);
/* Makes the bins at least so coarse. */
void bins_coarsen(struct bins *bins, struct groups *groups, unsigned shift);
static inline size_t bins_index(const struct bins *bins, int64_t time_ns)
{
    return (size_t)((time_ns >> bins->shift) - bins->first);
}

/* --- summary_traces.c */

/* The entry of the trace, made if it is new; NULL with TCORE_OK: not one that is kept. */
enum tcore_status traces_find(struct trace_table *traces, const uint64_t id[2],
                              struct trace_entry **entry, struct tcore_error *err);
/* entry += a span or a part of the same trace. */
void trace_entry_add(struct trace_entry *entry, const struct trace_entry *more);
/* Keeps only traces of this level. */
void traces_raise(struct trace_table *traces, unsigned level);

#endif
