/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What trace-detect change keeps: change.c collects the points of all series, change_judge.c looks
 * for changes in each and reports them. */
#ifndef DETECT_CHANGE_H
#define DETECT_CHANGE_H

#include "base/map.h"
#include "cli/verb.h"
#include "detect/columns.h"
#include "detect/intake.h"

struct change_options {
    struct cli_strings stats, by;
    double alpha; /* NaN: not given */
    bool gate, exit_code;
};

struct change_point {
    double value;
    int64_t ns;
    uint32_t number; /* of arrival in the series, for points of one time */
    uint32_t run;    /* number of its run.id; TCORE_MAP_NONE: it has none */
};

/* The history of one series. */
struct history {
    struct intake_series in;
    struct change_point *point; /* owned */
    size_t count, capacity;
    bool is_log; /* to be judged by logarithms */
};

struct change {
    struct cli *cli;
    const struct change_options *options;
    struct series_table table;
    struct intake intake;
    struct history *history; /* by series; owned */
    size_t capacity;
    struct tcore_map runs;
    struct run_columns run;
    size_t points, point_limit;
    uint64_t untimed; /* points without a time */
    uint64_t found;   /* changes */
    size_t judged;    /* series */
    size_t too_short, steady;
    uint64_t repeated; /* points with the time of another one */
    bool finished;
};

/* The level of significance of --gate. */
double change_alpha(const struct change_options *options);
/* Looks at all series, appends findings and counts; orders the points by time. */
enum tcore_status change_judge(struct change *c, struct tcore_buf *out, struct tcore_error *err);

#endif
