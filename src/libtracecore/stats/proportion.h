/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two shares compared: a hits of n trials in a first group, and b of m in a second one. Whether they
 * differ at all: tcore_fisher_test (stats/fisher.h).
 *
 * Source of the interval: R. G. Newcombe, "Interval estimation for the difference between independent
 *     proportions", Statistics in Medicine 17 (1998), method 10, which joins the score intervals of
 *     E. B. Wilson (1927).
 */
#ifndef TRACECORE_STATS_PROPORTION_H
#define TRACECORE_STATS_PROPORTION_H

#include <stdint.h>

struct tcore_proportion_difference {
    double estimate;     /* b / m - a / n; NaN if a group is empty */
    double lower, upper; /* its interval, between -1 and 1 */
};

struct tcore_proportion_difference tcore_proportion_compare(uint64_t a, uint64_t n, uint64_t b,
                                                            uint64_t m, double confidence);

#endif
