/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What would happen to a trace if spans took more or less time.
 *
 * A trace says when things happened and not why. What is assumed: a span's children wait for all
 * of their siblings that had ended when they started, its end waits for all of its children, and
 * the gaps between are its own work, which stays as long as it was. That is a network of
 * activities for each span, as the critical path method has it, one within the other.
 *
 * Slack of a span: how much longer it could have taken before its root had ended later: the
 * total float of the method, that of its parent added.
 * Drag of a span on the critical path: how much sooner the root had ended if the span, and all
 * below it, had taken no time; as far as siblings that ran meanwhile, or those of spans above it,
 * would not have become what is waited for. It is the least slack of these, and at most what the
 * span took. Of spans off the path it is 0.
 *
 * A child counts as far as it lies within its parent. On the path, one that began before its
 * predecessor had ended (trace/critical_path.h) begins with that end.
 *
 * Sources: J. E. Kelley, M. R. Walker, "Critical-Path Planning and Scheduling", 1959 (float); S. A.
 * Devaux, "Total Project Control", 1999 (drag).
 */
#ifndef TRACECORE_TRACE_SCHEDULE_H
#define TRACECORE_TRACE_SCHEDULE_H

#include "trace/critical_path.h"

struct tcore_schedule_child;

struct tcore_schedule {
    int64_t *slack_ns; /* of each span of the tree; -1: not known, it has no part in the root */
    int64_t *drag_ns;  /* of each */
    /* working memory */
    struct tcore_interval *within; /* of each span: as far as it lies within those above it */
    int64_t *took_ns;              /* of each: what it takes in another schedule */
    bool *on_path;
    struct tcore_schedule_child *child; /* of one span, by start */
    int64_t *key_ns;
    uint32_t *order, *on_it, *next_free;
    uint32_t capacity;
};

/*
 * Works out slack and drag of all spans below the path's root. A zeroed struct is ready for use,
 * and its memory is used again from call to call. O(n log n), no recursion. TCORE_FATAL: out of
 * memory.
 */
enum tcore_status tcore_schedule_work(struct tcore_schedule *schedule,
                                      const struct tcore_trace_tree *tree,
                                      const struct tcore_critical_path *path,
                                      struct tcore_error *err);
/*
 * After it, for the same tree and path: what the root would take if the own work of each span
 * (what none of its children covers) took factor[span] times as long. 0 for a root without times.
 */
int64_t tcore_schedule_what_if(struct tcore_schedule *schedule, const struct tcore_trace_tree *tree,
                               const struct tcore_critical_path *path, const double *factor);
void tcore_schedule_free(struct tcore_schedule *schedule);

#endif
