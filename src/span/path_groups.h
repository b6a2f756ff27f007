/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Critical paths of many traces by group, as aggregate records: of the traces whose path goes
 * through a group, the time that it spends there. Besides, for each group
 *   spans      all of them, on the path or not
 *   onPath     those on the path
 *   share      of the time of all paths, 0 to 1
 *   selfNano   self times of its spans, added up
 *   dragNano   their drags, added up (trace/schedule.h): no more than that can be saved
 *   slackNano  the least slack of its spans off the path; absent without such spans
 *   adjustedSpans  those whose clock was adjusted (skew/skew.h); absent without such spans
 */
#ifndef SPAN_PATH_GROUPS_H
#define SPAN_PATH_GROUPS_H

#include "span/span_group.h"
#include "stats/cell.h"
#include "trace/schedule.h"

/* What all groups have; sums of nanoseconds end at the largest int64. */
struct path_group {
    struct tcore_cell cell; /* the path's time in the group, one value a trace */
    int64_t path_ns;        /* in all */
    int64_t self_ns, drag_ns;
    int64_t least_slack_ns; /* INT64_MAX: none is off the path */
    uint64_t spans, on_path, adjusted;
    int64_t trace_ns; /* of the trace at hand; -1: its path does not come here */
};

/* One thread's. */
struct path_groups {
    struct span_groups keys;
    struct path_group *group; /* by number; owned */
    uint32_t capacity, count;
    uint32_t *of_span; /* of the trace at hand */
    uint32_t span_capacity;
};

enum tcore_status path_groups_open(struct path_groups *groups, const struct cli_strings *by,
                                   unsigned depth_limit, struct tcore_error *err);
void path_groups_close(struct path_groups *groups);
/* Adds a trace. */
enum tcore_status path_groups_take(struct path_groups *groups, const struct trace_build *build,
                                   const struct tcore_schedule *schedule, struct tcore_error *err);
/* into += from. */
enum tcore_status path_groups_merge(struct path_groups *into, const struct path_groups *from,
                                    struct tcore_error *err);
/* Appends all records: those that paths spend the most time in come first. */
enum tcore_status path_groups_write(struct path_groups *groups,
                                    const struct tcore_trace_store *store, struct tcore_buf *out,
                                    struct tcore_error *err);

#endif
