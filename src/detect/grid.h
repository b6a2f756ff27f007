/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A history at even distances, for what needs to know which values are a day apart: the mean of the
 * points of each step, and nothing where there are none.
 */
#ifndef DETECT_GRID_H
#define DETECT_GRID_H

#include "detect/history.h"

#define GRID_LONGEST 8192 /* steps; beyond it they become longer */

struct grid {
    int64_t start_ns; /* time of the first step */
    int64_t step_ns;  /* 0: all points are of one time */
    size_t count;     /* steps, from the first with a point to the last one */
    size_t empty;     /* of them without a point */
    double *value;    /* history_value(), a mean; NaN of an empty step; owned */
};

/*
 * Of a history that is sorted. step_ns: what was asked for; 0: the usual distance of the points
 * where most have it, else the shortest round one by which few steps are empty. A history
 * without points has no steps. TCORE_OK, or TCORE_FATAL (no memory).
 */
enum tcore_status grid_make(struct grid *grid, const struct history *history, int64_t step_ns,
                            struct tcore_error *err);
void grid_free(struct grid *grid);

/* Number i may lie beyond the last step; saturates. */
int64_t grid_time(const struct grid *grid, double i);
/* Straight lines over empty steps. */
void grid_fill(struct grid *grid);
/* What people would call a value of the grid: the value, or its antilogarithm. */
static inline double grid_shown(const struct history *history, double value)
{
    return history->is_log ? round(exp(value)) : value;
}
/* More than half of the steps are empty: what is between the points would be made up. */
static inline bool grid_has_holes(const struct grid *grid)
{
    return grid->empty > grid->count / 2;
}

#endif
