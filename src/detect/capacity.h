/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-detect capacity: capacity.c is the verb, capacity_need.c says what a series will need,
 * capacity_report.c what to do about it, and writes the findings.
 */
#ifndef DETECT_CAPACITY_H
#define DETECT_CAPACITY_H

#include "detect/look_back.h"
#include "detect/outlook.h"

struct capacity_options {
    struct cli_strings stats, by;
    const char *horizon;
    double limit; /* NaN: not given */
    double interval;
    int64_t step_ns;
    bool exit_code;
};

/* A time ahead, in steps behind the end of the history. */
struct capacity_time {
    bool known;
    double steps;
};

/* What a series will need. Values are as people would call them. */
struct need {
    uint32_t series;
    int64_t now_ns, step_ns, horizon_ns;
    double use;                    /* now: the most of the last season, or the last step */
    double expected, lower, upper; /* the most up to the horizon */
    struct capacity_time full, earliest, latest;
};

struct capacity {
    struct look_back back; /* first: its histories are what the operator takes in with */
    struct cli *cli;
    const struct capacity_options *options;
    struct outlook_horizon horizon; /* both 0: as long as the history */
    struct need *need;              /* of all series that were judged; owned */
    size_t needs, capacity;
    size_t full; /* series that are, or will be by the horizon */
};

/* A move from one series to another one. */
struct capacity_move {
    size_t to; /* number of the need */
    double value;
};

/* Finds out what a series will need. TCORE_OK, or TCORE_FATAL (no memory). */
enum tcore_status capacity_find_need(const struct capacity *c, const struct history *history,
                                     struct grid *grid, struct need *need, struct tcore_error *err);
/* Orders all needs, the most urgent first, and writes a finding for each. */
enum tcore_status capacity_report(struct capacity *c, struct tcore_buf *out,
                                  struct tcore_error *err);

#endif
