/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The aggregation as the verb's callbacks see it. Private to src/agg. */
#ifndef AGG_AGG_H
#define AGG_AGG_H

#include "agg/map.h"
#include "agg/plain.h"
#include "agg/recent.h"
#include "agg/slide.h"
#include "agg/stat.h"
#include "agg/table.h"
#include "cli/verb.h"
#include "model/json.h"
#include "model/projection.h"

struct agg_options {
    struct cli_strings by, stats, expect;
    const char *value, *unit, *scope, *exemplars, *map;
    int64_t window_ns, slide_ns, lateness_ns; /* -1: not given */
    int64_t max_groups;
    bool partial, merge;
};

struct agg_plan;

/* --- windows.c: times and indexes of windows and panes, which are counted from 1970 on */

#define AGG_OVERLAP_MAX 100000 /* windows that a pane can be in */
struct agg_time {
    int64_t start_ns, length_ns; /* length 0: no windows */
};
/* Panes that take nothing more, by index: below all, as they are in closed windows only; below
 * some, for those of their windows that are closed. INT64_MIN: none. */
struct agg_closed {
    int64_t all, some;
};
extern const struct agg_closed agg_none_closed;

/* Sets the three lengths. slide_ns 0: as long as windows. */
void agg_plan_windows(struct agg_plan *plan, int64_t window_ns, int64_t slide_ns);
struct agg_time agg_window_time(const struct agg_plan *plan, int64_t index);
struct agg_time agg_pane_time(const struct agg_plan *plan, int64_t index);
/* The first window that has not ended by that time. */
int64_t agg_first_open(const struct agg_plan *plan, int64_t time_ns);
struct agg_closed agg_closed_before(const struct agg_plan *plan, int64_t first_open);

/* Rounded towards minus infinity, as windows before 1970 want it. */
static inline int64_t agg_window_index(int64_t time_ns, int64_t window_ns)
{
    int64_t index = time_ns / window_ns;
    return index - (time_ns % window_ns < 0);
}

/* What is asked for: read by all threads, written by none of them. Of columns, SIZE_MAX: not asked
 * for. */
struct agg_plan {
    struct cli_strings by_names;
    int64_t window_ns; /* 0: no windows, and so are the next two */
    int64_t slide_ns;  /* from the start of a window to that of the next, at most window_ns */
    int64_t pane_ns; /* windows of the table, which divide both; the same unless windows overlap */
    const char *value; /* --value, or NULL */
    uint64_t max_groups;
    size_t table_bytes; /* of one thread's table at most; 0: no limit */
    struct tcore_stats stats;
    const struct tcore_stats *told; /* of them in records; NULL: all */
    bool timed;                     /* windows, or a rate over the span of the data */
    bool watermark;                 /* windows close as event time goes on */
    /* columns of the projection */
    size_t *by;
    size_t span_value, metric_value, metric_name, histogram, summary, sample_rate, trace_state;
    size_t status, severity;
    size_t metric_type, temporality; /* where it matters that a point is cumulative */
    size_t start_time, time;
    size_t identity[3];             /* what tells counters apart: dimensions, resource, scope */
    size_t parent_id;               /* asked for where only spans without one take part */
    size_t trace_id[2], span_id[2]; /* the record's, and its context's */
    size_t own;     /* records with none of by[] from here on do not take part; 0: all do */
    unsigned types; /* of records that are taken, as bits */
    bool roots;     /* only spans without a parent take part */
    bool optional_by, optional_stats; /* nobody asked for their fields by name */
};

/* Event time that was seen, and what could not be placed. */
struct agg_span {
    int64_t first_ns, last_ns; /* of the event times; first > last: none */
    uint64_t untimed;          /* records without a time, in no window */
    uint64_t negative;         /* spans that end before they start */
    uint64_t late;
    uint64_t future;      /* records of a time that is yet to come */
    uint64_t partly_late; /* in some windows that were open, and not in others */
    uint64_t bad_histograms;
    uint64_t bad_rates;    /* sampling rates that are none */
    uint64_t cumulative;   /* points that say what came since a start, added as they are */
    uint64_t other;        /* records that --map made, of types that are not aggregated */
    uint64_t made;         /* and of others */
    uint64_t by;           /* bits of the --by fields that some of these have */
    bool maybe_cumulative; /* some may be among what roll-ups gave of a metric */
};

/* One thread's share, or all of it. */
struct agg_work {
    const struct agg_plan *plan;
    struct agg_table table;
    struct agg_span seen;
    struct recent recent;
    uint32_t *scratch; /* of a batch: series, rows, and symbols a column after the other; owned */
    size_t scratch_capacity;
    uint32_t *of_codes; /* of a batch: the series of combinations of codes; owned */
    size_t of_codes_capacity;
    size_t unchecked; /* rows added since agg_check_memory() */
    uint32_t *kept;   /* rows of a batch that are in the scope; owned */
    size_t kept_capacity;
    struct plain plain;
    struct agg_mapper *mapper; /* owned; NULL without --map */
    uint32_t span_metric,
        value_metric; /* symbols of the metric names that spans and --value have */
    struct tcore_buf key;
    struct tcore_json json;        /* of a histogram or summary whose count is looked at */
    struct tcore_increase *newest; /* by series: last points of counters in windows that have been
                                      linked; owned */
    uint32_t newest_count;
};

enum tcore_status agg_work_open(struct agg_work *work, const struct agg_plan *plan,
                                struct tcore_error *err);
void agg_work_free(struct agg_work *work);
/* Adds the rows to the work's table, some of them not before agg_settle(). */
enum tcore_status agg_add(struct agg_work *work, const struct tcore_batch *batch,
                          const uint32_t *rows, size_t count, const struct agg_closed *closed,
                          struct tcore_error *err);
/* Adds what has been put off: before the table is read. */
enum tcore_status agg_settle(struct agg_work *work, struct tcore_error *err);
/* TCORE_FATAL: the table has become larger than --memory allows. */
enum tcore_status agg_check_memory(const struct agg_work *work, struct tcore_error *err);
/* Says so if there were more groups than --max-groups. */
void agg_note_overflow(struct cli *cli, const struct agg_work *total);
void agg_span_merge(struct agg_span *into, const struct agg_span *from);

/* --- counter.c: the counters of a window get their points in windows before it, which have been
 * linked each in turn. */
enum tcore_status agg_link_counters(struct agg_work *work, struct agg_window *window,
                                    struct tcore_error *err);

struct agg_partial;

/* --- emit.c: aggregate records of the windows whose index is below before, in the order of window,
 * then group; if partial is not NULL, the states of those panes instead. About a megabyte at a
 * time: *more says that the next call goes on where this one stopped. */
struct agg_emitter {
    size_t next;                      /* window of the table */
    size_t linked;                    /* windows of the table whose counters are linked */
    struct slide slide;               /* what overlaps is put together here */
    const struct agg_window *current; /* NULL: the next one is to be taken */
    const struct tcore_cell **order;  /* its cells in order; owned */
    size_t order_count, cell;
    struct cli_pieces *pieces; /* a window each, with more than one thread; owned */
};
void agg_emitter_free(struct agg_emitter *emitter);
/* The windows that were emitted have left the table. */
void agg_emitter_rewind(struct agg_emitter *emitter);
enum tcore_status agg_emit(struct agg_emitter *emitter, struct agg_work *work, int64_t before,
                           struct agg_partial *partial, struct tcore_buf *out, bool *more,
                           struct tcore_error *err);

/* Whether the windows are many and small enough to be written a thread each; and the same of all
 * windows that way, if they are. */
bool agg_emits_apart(const struct agg_work *work, unsigned threads);
enum tcore_status agg_emit_apart(struct agg_emitter *emitter, struct agg_work *work,
                                 unsigned threads, struct tcore_buf *out, bool *more,
                                 struct tcore_error *err);

/* --- key.c: appends the members that name a cell: type, recordType, metricName, group, and when it
 * begins and how long it is, unless that is 0; the object in group alone. */
void agg_write_group(const struct agg_work *work, uint32_t series, struct tcore_buf *out);
void agg_write_key(const struct agg_work *work, const struct agg_time *time, uint32_t series,
                   struct tcore_buf *out);

/* --- partial.c: the state itself as records */

struct agg_partial {
    char unit[64], attempt[17]; /* NUL-terminated; every record of this run carries both */
    uint64_t cells, checksum, random;
    bool begun;
};
enum tcore_status agg_partial_open(struct agg_partial *partial, const char *unit,
                                   struct tcore_error *err);
/* complete: nothing more will come to the table. TCORE_OK, or TCORE_FATAL: out of memory. */
enum tcore_status agg_partial_header(struct agg_partial *partial, const struct agg_work *work,
                                     bool complete, struct tcore_buf *out);
enum tcore_status agg_partial_cell(struct agg_partial *partial, const struct agg_work *work,
                                   const struct agg_window *window, const struct tcore_cell *cell,
                                   struct tcore_buf *out);
void agg_partial_trailer(const struct agg_partial *partial, const struct agg_span *seen,
                         struct tcore_buf *out);
/* Whether all of the input was read, behind its end: nothing failed and no signal ended the run, of
 * which it tells. What is made of a part of the input must not look like all. */
bool agg_input_is_whole(struct cli *cli);
/* What a cell adds to the sum of checksums of its unit, in whatever order cells come. */
uint64_t agg_partial_checksum(const char *key, size_t key_length, const char *state,
                              size_t state_length);
/* What the times that the data spans add to it. */
uint64_t agg_partial_times(const struct agg_span *seen);

/* --- rollup.c: from roll-ups of segments (store/rollup.h). Types (bits) that can be taken from
 * them with the same result; and taking one, as the operator's callback of that name has it. */
unsigned agg_rolls_up(const struct agg_plan *plan);
enum tcore_status agg_add_rollup(struct agg_work *work, const struct tcore_slice *rollup,
                                 unsigned types, const bool *wanted, bool *seen,
                                 struct tcore_error *err);

/* --- merge.c: the verb with --merge */
int agg_merge(struct cli *cli, const struct agg_options *options, int argc, char **argv);

#endif
