/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What verbs that need whole traces have in common: spans of all inputs into a store, on all
 * threads, and the traces out of it, one by one. Half of --memory is for the spans, and what
 * exceeds it goes to a temporary file; the other half is for what is made of them. Its callbacks
 * are those of struct cli_operator, for a verb whose state begins with a struct gather.
 */
#ifndef SPAN_GATHER_H
#define SPAN_GATHER_H

#include "base/map.h"
#include "cli/filter.h"
#include "cli/verb.h"
#include "model/json.h"
#include "span/oddities.h"
#include "span/skew/skew.h"
#include "trace/store.h"

#define GATHER_MEMORY ((int64_t)1 << 30) /* --memory, if it is not given */

struct gather {
    struct cli *cli;
    struct tcore_trace_store *store;
    bool from_traces;         /* the spans in trace records are taken, too */
    bool adjust_skew;         /* traces come with their clocks adjusted (skew/skew.h): their notes
                                 are struct skew_notes then, or NULL. All text is kept for it */
    bool looks_again;         /* gather_again is called: what is in memory stays there */
    unsigned stores;          /* that share --memory; 0: this one alone */
    bool keeps_notes;         /* of all traces, until it is closed */
    struct tcore_map *wanted; /* trace ids of 32 digits; NULL: all */
    size_t trace_column;
    uint64_t negative; /* spans that end before they start */
    uint64_t traces;   /* that were grouped; atomic */
    bool *found;       /* which of wanted were, by number; owned */
    struct skew *skew; /* one a thread; owned */
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
/* Groups a piece of the sealed store for the first time, its clocks adjusted if that is wanted;
 * releases it. Notes of traces live until the thread groups the next piece, unless all are kept. */
enum tcore_status gather_group(struct gather *gather, unsigned thread, unsigned piece,
                               struct tcore_trace_group *group, struct tcore_error *err);
void gather_release(const struct gather *gather, unsigned piece);
/* Notes on standard error: spans without times. */
void gather_notes(const struct gather *gather);

/* The bytes of --memory. */
size_t gather_memory(const struct cli *cli);
/* The two without a store: that --memory is too little for what is named, TCORE_FATAL; how many
 * spans end before they start, and how many lack a time. */
enum tcore_status say_memory(const struct cli *cli, const char *what, struct tcore_error *err);
void note_times(struct cli *cli, uint64_t negative, uint64_t untimed);
/* Those of which there are any. */
void note_oddities(struct cli *cli, const struct oddities *odd, unsigned which);

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
/* Visits every trace of the sealed store, in no order, on all threads. What is in memory is freed
 * as it goes on, unless the gather looks again. */
enum tcore_status gather_each(struct gather *gather, gather_visit *visit, void *state,
                              struct tcore_error *err);
/* Visits one trace that was visited before, on the calling thread; for a gather that looks again.
 * Of a file that is a read of its piece, a 256th or 4096th of all spans. */
enum tcore_status gather_again(struct gather *gather, const uint64_t trace_id[2],
                               gather_visit *visit, void *state, struct tcore_error *err);

/* Ids of the first traces to be found, up to most; *count says how many there are. Only so much of
 * the store is looked at. */
enum tcore_status gather_few(struct gather *gather, size_t most, uint64_t (*ids)[2], size_t *count,
                             struct tcore_error *err);

/* What cli_filter's status comes to, once all traces were visited: of wanted ones those that are
 * not there are noted on standard error, and CLI_FOUND says that none is. */
int gather_exit_status(const struct gather *gather, int status);

#endif
