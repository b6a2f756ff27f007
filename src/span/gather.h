/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What verbs that need whole traces have in common: spans of all inputs into a store, on all
 * threads, and the traces out of it. Its callbacks are those of struct cli_operator, for a verb
 * whose state begins with a struct gather.
 */
#ifndef SPAN_GATHER_H
#define SPAN_GATHER_H

#include "base/map.h"
#include "cli/filter.h"
#include "cli/verb.h"
#include "model/json.h"
#include "trace/store.h"

#define GATHER_MEMORY ((int64_t)1 << 30) /* --memory, if it is not given */

struct gather {
    struct cli *cli;
    struct tcore_trace_store *store;
    bool from_traces;         /* the spans in trace records are taken, too */
    bool spills;              /* what does not fit --memory goes to a temporary file. For verbs that
                                 take traces by gather_each or gather_lines; others fail */
    struct tcore_map *wanted; /* trace ids of 32 digits; NULL: all */
    size_t trace_column;
    uint64_t negative; /* spans that end before they start */
};

/* What to keep of each span: times; its name, too; the text of those that failed or may tell of an
 * exception; all text. */
enum gather_keep { GATHER_TIMES, GATHER_NAMES, GATHER_ERRORS, GATHER_TEXT };

/* The rest of *gather is set by the caller, before or after. False after a report. */
bool gather_open(struct gather *gather, struct cli *cli, enum gather_keep keep);
void gather_close(struct gather *gather);

enum tcore_status gather_columns(void *state, struct tcore_projection *projection,
                                 struct tcore_error *err);
enum tcore_status gather_worker(void *state, void **worker, struct tcore_error *err);
enum tcore_status gather_batch(void *state, void *worker, const struct tcore_batch *batch,
                               const uint32_t *rows, size_t count, struct tcore_buf *out,
                               struct tcore_error *err);
enum tcore_status gather_worker_close(void *state, void *worker, struct tcore_error *err);
/* After the last batch. */
enum tcore_status gather_seal(struct gather *gather, struct tcore_error *err);
/* Says in terms of --memory what the store refused; for failures of its functions. */
enum tcore_status gather_failure(const struct gather *gather, enum tcore_status status,
                                 struct tcore_error *err);
/* Notes on standard error: spans without times. */
void gather_notes(const struct gather *gather);

/* The two without a store: that --memory is too little, TCORE_FATAL; how many spans end before they
 * start, and how many lack a time. */
enum tcore_status say_memory(const struct cli *cli, struct tcore_error *err);
void note_times(struct cli *cli, uint64_t negative, uint64_t untimed);

/* --- trace_spans.c */

/* Gives the intake the spans of a trace record's structure. TCORE_FATAL only. */
enum tcore_status take_spans_of_trace(struct tcore_trace_intake *intake, struct tcore_json *json,
                                      struct tcore_slice record, struct tcore_error *err);

/* --- wanted.c */

/* Only traces of these ids, which are valid ones; without any, all. The map is the caller's, to be
 * freed after the gather in any case. False: no memory. */
bool gather_want(struct gather *gather, struct tcore_map *wanted, int count, char **ids);

/* --- Traces in order */

/* Where a trace is kept. */
struct trace_ref {
    uint64_t key; /* smallest first */
    uint64_t trace_id[2];
    uint32_t part, item; /* in lists of the caller's, one a partition */
};

/* The key for the order of starts; traces without times come last. */
static inline uint64_t key_of_start(const struct tcore_interval *whole)
{
    return tcore_interval_is_known(whole) ? (uint64_t)whole->start_ns ^ (uint64_t)1 << 63
                                          : UINT64_MAX;
}
/* Sorts by key, then id. False: no memory. */
bool order_traces(struct trace_ref *refs, size_t count);

/* What is made of each trace. thread: 0 to cli_threads - 1, for working memory. The trace is gone
 * behind it. */
typedef enum tcore_status gather_visit(void *state, unsigned thread,
                                       struct tcore_stored_trace *trace, struct tcore_error *err);
/* Visits every trace of the sealed store, in no order, on all threads. Rows that are not in a file
 * are freed as it goes on, so that it can be done a second time only if the store has spilled. */
enum tcore_status gather_each(const struct gather *gather, gather_visit *visit, void *state,
                              struct tcore_error *err);

/* All traces of the sealed store, for verbs that keep them. */
struct gathered {
    struct tcore_trace_group group[TCORE_TRACE_PARTITIONS];
    struct trace_ref *refs; /* by start and id; owned */
    size_t count;
};

enum tcore_status gather_traces(struct gather *gather, struct gathered *gathered,
                                struct tcore_error *err);
struct tcore_stored_trace *gathered_trace(const struct gathered *gathered, size_t i);
void gathered_free(struct gathered *gathered);
/* What cli_filter's status comes to: of wanted traces those that are not there are noted on
 * standard error, and CLI_FOUND says that none is. */
int gather_exit_status(const struct gather *gather, const struct gathered *traces, int status);

#endif
