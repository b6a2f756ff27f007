/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Points of one cumulative counter: a total since some start, which falls to zero when what counts
 * is started again. Kept are runs, from the first to the last of points between which it was not
 * reset, so that memory grows with resets and not with points.
 *
 * It was reset before a point whose value is below the one before it, or whose start time is known
 * and another one, or after the point before it. So Prometheus' increase() counts, and
 * OpenTelemetry Metrics Data Model, "Resets and Gaps", but that nothing is extrapolated here.
 *
 * Points in the order of time always give the exact runs, and so do merged states whose times do
 * not overlap, in any order. Else a point may be within a run; if it is not between the values of
 * its ends, there was a reset which the run has jumped over, and what was counted around it is not
 * known any more: doubtful says so. With start times, or without resets, any order gives the same.
 *
 * A zeroed struct is empty; it owns its memory. Not thread-safe.
 */
#ifndef TRACECORE_STATS_COUNTER_RUNS_H
#define TRACECORE_STATS_COUNTER_RUNS_H

#include "base/buf.h"
#include "base/error.h"
#include "model/value.h"
#include "stats/exact_sum.h"

#include <stdbool.h>
#include <stdint.h>

#define TCORE_NO_START INT64_MIN

struct tcore_counter_point {
    int64_t time_ns;
    int64_t start_ns;         /* when it was 0; TCORE_NO_START: not known */
    struct tcore_value value; /* TCORE_INT, or a finite TCORE_DOUBLE */
};

struct tcore_counter_run {
    struct tcore_counter_point first, last; /* the same one if there is one alone */
};

struct tcore_counter_runs {
    /* Ascending and apart in time; owned. Of two there need not have been a reset between them:
     * what lies there may be still to come. */
    struct tcore_counter_run *run;
    uint32_t count, capacity;
    bool doubtful;
};

void tcore_counter_runs_free(struct tcore_counter_runs *runs); /* and zeroes it */
/* Adds a point. TCORE_OK, or TCORE_FATAL: no memory. */
enum tcore_status tcore_counter_runs_add(struct tcore_counter_runs *runs,
                                         const struct tcore_counter_point *point);
/* into += from. The same statuses; after TCORE_FATAL into may hold a part of from. */
enum tcore_status tcore_counter_runs_merge(struct tcore_counter_runs *into,
                                           const struct tcore_counter_runs *from);
/* Adds to a sum by how much it grew within the runs, and since base, the point before them; NULL:
 * none is known. TCORE_OK or TCORE_FATAL. */
enum tcore_status tcore_counter_runs_increase(const struct tcore_counter_runs *runs,
                                              const struct tcore_counter_point *base,
                                              struct tcore_exact_sum *sum);

/* The state as bytes and back: see stats/encode.h. Equal states give equal bytes. */
struct tcore_state_reader;
void tcore_counter_runs_encode(const struct tcore_counter_runs *runs, struct tcore_buf *out);
/* Into an empty one. TCORE_OK, TCORE_BAD_INPUT (left empty) or TCORE_FATAL. */
enum tcore_status tcore_counter_runs_decode(struct tcore_counter_runs *runs,
                                            struct tcore_state_reader *in, struct tcore_error *err);

#endif
