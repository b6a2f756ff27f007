/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fisher's exact test of a two by two table of counts: whether something is more frequent in one
 * group than in another.
 *
 *                  has it    lacks it
 *     group          a          b
 *     the others     c          d
 *
 * Given the margins, a is hypergeometric where there is no difference. Nothing is approximated, so
 * that small counts are as good as large ones. What is left of it when many tables are tested at
 * once: tcore_benjamini_hochberg (stats/order.h).
 *
 * Source: R. A. Fisher, "The logic of inductive inference", Journal of the Royal Statistical
 *   Society 98 (1935). Two-sided: the sum over all tables that are no more likely than the one at
 *   hand, as by A. Agresti, "Categorical Data Analysis", 3rd edition (2013), section 3.5.
 */
#ifndef TRACECORE_STATS_FISHER_H
#define TRACECORE_STATS_FISHER_H

#include <stdint.h>

/* p-values; 1 where a margin is 0, and 0 below some 1e-308. */
struct tcore_fisher {
    double greater;   /* P(A >= a): a is this large by chance */
    double less;      /* P(A <= a) */
    double two_sided; /* at least as unlikely as a */
};

/* Counts sum up to less than 2^52. Steps: some 40 standard deviations of a, at most the smallest
 * margin. */
struct tcore_fisher tcore_fisher_test(uint64_t a, uint64_t b, uint64_t c, uint64_t d);

/* The smallest p-values that any table with these margins has: whether a test can say anything.
 * has: a + c, group: a + b, all: the sum. */
struct tcore_fisher tcore_fisher_smallest(uint64_t has, uint64_t group, uint64_t all);

#endif
