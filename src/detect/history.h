/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The histories of all series, for verbs that look back: every point is kept until the end of the
 * input, in whatever order it came.
 */
#ifndef DETECT_HISTORY_H
#define DETECT_HISTORY_H

#include "base/map.h"
#include "cli/verb.h"
#include "detect/columns.h"
#include "detect/intake.h"

struct history_point {
    double value;
    int64_t ns;
    uint32_t number; /* of arrival in the series, for points of one time */
    uint32_t run;    /* number of its run.id; TCORE_MAP_NONE: it has none, or nobody asked */
};

/* The history of one series. */
struct history {
    struct intake_series in;
    struct history_point *point; /* owned */
    size_t count, capacity;
    bool is_log; /* to be judged by logarithms */
};

struct histories {
    struct series_table table;
    struct intake intake;
    struct history *history; /* by series; owned */
    size_t capacity;
    size_t points, point_limit;
    uint64_t untimed; /* points without a time */
    bool with_runs;
    struct run_columns run;
    struct tcore_map runs;
};

/* stats, by: of the options. TCORE_FATAL: no randomness. */
enum tcore_status histories_init(struct histories *all, struct cli *cli, struct cli_strings stats,
                                 struct cli_strings by, struct tcore_error *err);
void histories_free(struct histories *all);
/* open() and batch() of an operator whose state begins with the histories: adds the columns that are
 * needed; keeps the points of these rows (TCORE_FATAL: no memory, or --memory is used up). */
enum tcore_status histories_open(void *state, struct tcore_projection *projection,
                                 struct tcore_error *err);
enum tcore_status histories_batch(void *state, void *worker, const struct tcore_batch *batch,
                                  const uint32_t *rows, size_t count, struct tcore_buf *out,
                                  struct tcore_error *err);
/* Series that may have points. */
static inline size_t histories_count(const struct histories *all)
{
    size_t known = series_count(&all->table);

    return known < all->capacity ? known : all->capacity;
}
/* Orders the points by time, those of one time by their arrival. Returns how many have the time of
 * the one before. */
uint64_t history_sort(struct history *history);
/* The value that is judged: of durations the logarithm; nothing beyond 1e150 in size. */
static inline double history_value(const struct history *history, size_t i)
{
    double value = history->point[i].value;

    return history->is_log ? log(fmax(1, value)) : fmax(-1e150, fmin(1e150, value));
}
/* Notes on standard error what gave no point. */
void histories_note_left_out(const struct histories *all, struct cli *cli);

#endif
