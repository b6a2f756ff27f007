/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Several inputs as one, by time: what rules match is kept until all is read, and then evaluated in
 * the order of the event times that the inputs had got to. Each input keeps its own order.
 */
#ifndef ALERT_MERGE_H
#define ALERT_MERGE_H

#include "alert/engine.h"

struct merge_event;

struct merge {
    size_t limit_bytes;        /* then what is there is evaluated, and the rest as it comes */
    struct tcore_arena arena;  /* what events point to */
    struct merge_event *event; /* in input order; sorted once all are there; owned */
    size_t count, capacity, done;
    size_t input; /* that is read now */
    bool has_time, sorted;
    int64_t input_ns; /* event time of the input */
    bool has_end;
    int64_t end_ns; /* of all */
};

/* The next records are of that input. */
void merge_input(struct merge *merge, size_t input);
/* The time of a record of the input; false: it has none, and none came before it. */
bool merge_time(struct merge *merge, bool timed, int64_t *ns);
/* Keeps a record, which must have gone through merge_time(). */
enum tcore_status merge_add(struct merge *merge, const struct event *event,
                            const struct matches *matches, const double *values,
                            struct tcore_error *err);
/* Whether there is no room for more: merge_replay() to its end, and add nothing any more. */
bool merge_is_full(const struct merge *merge);
/* Evaluates what was kept. TCORE_SKIP: some of it; out is to be drained, and there is more. */
enum tcore_status merge_replay(struct merge *merge, struct engine *engine, struct tcore_buf *out,
                               struct tcore_error *err);
void merge_free(struct merge *merge);

#endif
