/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two shares compared: hits of n trials in a first group, and of m in a second one.
 *
 * Sources
 *   Exact test: R. A. Fisher, "The Logic of Inductive Inference", Journal of the Royal Statistical
 *     Society 98 (1935); two-sided by the probabilities that are at most that of what was seen, as
 *     in A. Agresti, "Categorical Data Analysis", 3rd edition (2013), section 3.5.
 *   Interval: R. G. Newcombe, "Interval estimation for the difference between independent
 *     proportions", Statistics in Medicine 17 (1998), method 10, which joins the score intervals of
 *     E. B. Wilson (1927).
 */
#ifndef TRACECORE_STATS_PROPORTION_H
#define TRACECORE_STATS_PROPORTION_H

#include <stdint.h>

/* The two-sided p-value, exact given how many hits there are in all; 1 if a group is empty. a is at
 * most n and b at most m; n + m below 2^52. Steps: some standard deviations of the count, at most
 * min(n, m). */
double tcore_fisher_p(uint64_t a, uint64_t n, uint64_t b, uint64_t m);
/* The smallest p-value that so many hits in all could have given. */
double tcore_fisher_smallest_p(uint64_t hits, uint64_t n, uint64_t m);

struct tcore_proportion_difference {
    double estimate;     /* b / m - a / n; NaN if a group is empty */
    double lower, upper; /* its interval, between -1 and 1 */
};

struct tcore_proportion_difference tcore_proportion_compare(uint64_t a, uint64_t n, uint64_t b,
                                                            uint64_t m, double confidence);

#endif
