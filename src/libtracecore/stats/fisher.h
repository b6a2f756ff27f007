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
 *   hand, as by A. Agresti, "Categorical Data Analysis", 2nd edition (2002), section 3.5.
 */
#ifndef TRACECORE_STATS_FISHER_H
#define TRACECORE_STATS_FISHER_H

#include <stdint.h>

struct tcore_fisher {
    double greater;   /* P(A >= a): a is this large by chance */
    double less;      /* P(A <= a) */
    double two_sided; /* at least as unlikely as a */
};

/* All p-values are 1 where a margin is 0. Counts sum up to less than 2^53. Takes O(smallest margin)
 * steps at worst, and a few dozen for p-values that are not tiny. Relative error below 1e-9 for
 * sums to 10^6. */
struct tcore_fisher tcore_fisher_test(uint64_t a, uint64_t b, uint64_t c, uint64_t d);

/* The smallest P(A >= a) that any table with these margins has: whether a test can say anything.
 * has: a + c, group: a + b, all: the sum. */
double tcore_fisher_smallest(uint64_t has, uint64_t group, uint64_t all);

#endif
