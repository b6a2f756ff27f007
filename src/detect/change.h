/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What trace-detect change keeps: change.c collects the histories of all series, change_judge.c
 * looks for changes in each and reports them. */
#ifndef DETECT_CHANGE_H
#define DETECT_CHANGE_H

#include "cli/verb.h"
#include "detect/history.h"

struct change_options {
    struct cli_strings stats, by;
    double alpha; /* NaN: not given */
    bool gate, exit_code;
};

struct change {
    struct histories all; /* first: what the operator takes in with */
    struct cli *cli;
    const struct change_options *options;
    uint64_t found; /* changes */
    size_t judged;  /* series */
    size_t too_short, steady;
    uint64_t repeated; /* points with the time of another one */
    bool finished;
};

/* The level of significance of --gate. */
double change_alpha(const struct change_options *options);
/* Looks at all series, appends findings and counts; orders the points by time. */
enum tcore_status change_judge(struct change *c, struct tcore_buf *out, struct tcore_error *err);

#endif
