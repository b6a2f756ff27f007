/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Clocks of hosts that disagree: how much has to be added to the times of which process of a trace
 * so that no span begins before the call that it answers.
 *
 * A process is a service on a host: spans of one service whose resources say the same of their
 * instance, host, container and pod. It has one clock, so that all of its spans move by the same
 * time; durations stay.
 *
 * Where a span and its parent are of different processes A and B, whose offsets are a and b, the
 * child begins after its parent:                 b - a >= start of parent - start of child
 * and ends before it, if that waits for it:      b - a <= end of parent - end of child
 * A parent is taken to wait if it is a client; or if it has no kind, and the child none or that of
 * a server. Not if it took less time than the child, or failed although the child did not: it may
 * have given up. A producer or consumer bounds nothing, since messages wait.
 *
 * The process of the root has the clock that counts. The others follow in the order of a walk down
 * the tree. What processes before it say of one is an interval. If that is empty, they contradict
 * each other (a clock was set, an answer was not waited for): it keeps its place relative to its
 * caller, and that is said. Else it is narrowed so that those that come later find a place, too, as
 * far as something of it is left. Then
 *   0 is in it           the process stays;
 *   else                 (narrowed so that those later ones can stay) it moves to the caller's
 *                        offset if that is in it, or else beyond that by the geometric mean of the
 *                        bounds, of which it is known then that they have one sign; by the nearer
 *                        one if the other is open.
 * What is not bounded at all stays.
 *
 * Of a number whose order of magnitude is not known, the geometric mean of its bounds has the least
 * relative error at worst. Where a clock is off by much more than calls take it is their middle, as
 * if request and answer took as long (which is what NTP and Jaeger assume); where the evidence is
 * a microsecond in a call of a second it is about a millisecond, and not half a second.
 * The truth is in the interval, whose width is what the fastest request and the fastest answer took
 * on their ways; so that is the error at most.
 */
#ifndef SPAN_SKEW_SKEW_H
#define SPAN_SKEW_SKEW_H

#include "base/arena.h"
#include "model/json.h"
#include "span/trace_build.h"

#define SKEW_ATTRIBUTE "tracecore.clock_adjustment_nano" /* of a span that was moved */

/* A process whose clock was off, or whose bounds contradict each other. */
struct skew_clock {
    uint32_t service, against_service;             /* of the store */
    struct tcore_slice instance, against_instance; /* data NULL: its resources have no name of it */
    int64_t adjustment_ns;                         /* was added to its times */
    struct tcore_interval bounds; /* of the adjustment; INT64_MIN, INT64_MAX: there is none */
    uint32_t spans;
    uint32_t calls; /* that set bounds */
    bool contradictory;
};

/* Of one trace. */
struct skew_notes {
    struct skew_clock *clocks; /* in the order of the walk */
    uint32_t clock_count;
    uint32_t moved; /* spans */
};

/* --- skew_process.c: which process each span is of */

struct skew_process {
    uint32_t span;               /* one of its */
    uint32_t caller;             /* process of that span's parent; TCORE_SPAN_NONE: none */
    struct tcore_slice instance; /* lives until the next trace */
    int64_t first_ns, last_ns;   /* of its times; first > last: it has none */
    uint32_t spans;
};

struct skew_processes {
    struct skew_process *process; /* the root's first, then in the order of the walk */
    uint32_t count;
    uint32_t *of_span;
    /* working memory */
    struct tcore_json json;
    struct tcore_buf keys;
    struct skew_key *key;
    uint32_t capacity;
};

/* TCORE_FATAL: no memory. */
enum tcore_status skew_processes_find(struct skew_processes *processes,
                                      const struct trace_build *build, struct tcore_error *err);
void skew_processes_free(struct skew_processes *processes);

/* --- skew.c */

/* A thread's working memory. A zeroed struct is ready for use. */
struct skew {
    struct trace_build build;
    struct skew_processes processes;
    struct skew_bound *bound;
    struct skew_place *place;
    uint32_t bound_capacity, place_capacity;
    struct tcore_arena notes; /* of traces, until the caller resets it */
    /* sums, for a note */
    uint64_t traces, moved_traces, moved_spans, contradictory_traces;
};

/*
 * Moves the rows of the trace, which have text, and marks those with TCORE_SPAN_MOVED; sets the
 * trace's interval, and notes if there is something to say. A trace without a span that begins
 * before or ends after its parent is left as it is at the price of its tree. O(n log n).
 */
enum tcore_status skew_adjust(struct skew *skew, const struct tcore_trace_store *store,
                              struct tcore_stored_trace *trace, struct tcore_error *err);
/* The same for one trace that was adjusted before, and whose rows may have been moved then: nothing
 * is counted, and notes of traces before are gone. */
enum tcore_status skew_adjust_again(struct skew *skew, const struct tcore_trace_store *store,
                                    struct tcore_stored_trace *trace, struct tcore_error *err);
void skew_free(struct skew *skew);

/* --- skew_text.c */

/* By how much a row was moved, from the parsed text of its span. */
int64_t skew_moved_ns(const struct tcore_stored_text *row, const struct tcore_json *json);
/*
 * Parses a row's text; if the row was moved, so are all times in it, those of events too, and
 * SKEW_ATTRIBUTE says by how much (added to what it said). text: working memory, which must outlive
 * what is in json. TCORE_SKIP: as of tcore_json_parse.
 */
enum tcore_status skew_parse(const struct tcore_stored_text *row, struct tcore_buf *text,
                             struct tcore_json *json, struct tcore_error *err);

/* --- skew_say.c */

/* Appends a line for people about the clock, without its end; names in it are made harmless. */
void skew_say(const struct skew_clock *clock, const struct tcore_trace_store *store, bool ascii,
              struct tcore_buf *out);

#endif
