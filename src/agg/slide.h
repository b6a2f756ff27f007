/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Windows that overlap, put together from the panes of a table. Panes are merged pairwise into runs
 * of 2, 4, 8 ... panes (a run of 2^l begins at a multiple of that), which windows share: a window
 * of n panes takes 2 log n merges and not n. Runs exist while a window to come may need them, and
 * what has one pane alone is that pane, so that a level of runs has at most the cells of the panes
 * in one window.
 */
#ifndef AGG_SLIDE_H
#define AGG_SLIDE_H

#include "agg/table.h"

struct agg_plan;
struct slide_run;

struct slide_level {
    struct slide_run *runs; /* ascending by index; owned */
    size_t count, capacity;
};

#define SLIDE_LEVELS 48 /* no window has more than 2^48 panes that are taken together */

struct slide {
    const struct tcore_stats *stats; /* of the table */
    struct slide_level levels[SLIDE_LEVELS];
    struct agg_window *window; /* what was put together last; owned */
    int64_t next;              /* no window below this index is given any more, if begun */
    bool begun;
    size_t bytes; /* held by runs, roughly */
};

/* A zeroed struct is an empty one. */
void slide_free(struct slide *slide);
/* A pane has changed, or has come, that windows were put together with. */
void slide_forget(struct slide *slide, int64_t pane);
/*
 * The next window that has records and whose index is below before; NULL: none is left, and none
 * below before will be given, whatever panes will come (but INT64_MAX is no index). It is valid
 * until the next call. TCORE_FATAL: no memory, or more than the plan allows for a table.
 */
enum tcore_status slide_next(struct slide *slide, const struct agg_plan *plan,
                             const struct agg_table *table, int64_t before,
                             const struct agg_window **window, struct tcore_error *err);

#endif
