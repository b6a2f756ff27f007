/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two samples compared by ranks: whether one tends to be larger, and by how much. Nothing is
 * assumed about the shape of the distributions, so outliers and heavy tails cost power but cause no
 * false alarms. What is left of that when many pairs are compared at once: stats/order.h.
 *
 * Samples are arrays in ascending order of finite values. x is the first sample (n
 * values), y the second (m values), n * m below 2^62. Nothing is kept between calls except in
 * struct tcore_rank_null.
 *
 * Sources
 *   U test: H. B. Mann, D. R. Whitney, "On a test of whether one of two random variables is
 *     stochastically larger than the other", Annals of Mathematical Statistics 18 (1947): the null
 *     distribution, whose generating function is the Gaussian binomial coefficient.
 *   With ties: B. Streitberg, J. Roehmel, "Exact distributions for permutation and rank tests",
 *     Statistical Software Newsletter 12 (1986), the shift algorithm on midranks; the variance of
 *     the normal approximation is that of E. L. Lehmann, "Nonparametrics" (1975), section 1.4.
 *   Shift: J. L. Hodges, E. L. Lehmann, "Estimates of location based on rank tests", Annals of
 *     Mathematical Statistics 34 (1963); the interval: M. Hollander, D. A. Wolfe, "Nonparametric
 *     Statistical Methods", 2nd edition (1999), section 4.3.
 */
#ifndef TRACECORE_STATS_RANK_H
#define TRACECORE_STATS_RANK_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The null distribution of U for one pair of sample sizes without ties, kept so that many series
 * of the same sizes compute it once. A zeroed struct is ready; tcore_rank_null_free() ends it.
 */
struct tcore_rank_null {
    size_t n, m;
    double *at_most; /* P(U <= u), u = 0 ... count - 1; owned */
    size_t count;    /* n * m / 2 + 1, or 0: the normal approximation holds for these sizes */
};

void tcore_rank_null_free(struct tcore_rank_null *null);

struct tcore_rank_test {
    double u;       /* pairs with x < y, and half of those with x = y; n * m / 2 is no difference */
    double p_value; /* two-sided; 1 if a sample is empty or all values are equal */
    bool exact;     /* else the normal approximation, tie- and continuity-corrected */
    bool ties;
};

/*
 * Mann-Whitney's U test. Exact up to 50 values a side (and beyond, while there are fewer than 2^126
 * arrangements and the work stays small); with ties exact given the ties up to about 30 a side.
 * TCORE_OK, or TCORE_FATAL (no memory).
 */
enum tcore_status tcore_rank_test(struct tcore_rank_null *null, const double *x, size_t n,
                                  const double *y, size_t m, struct tcore_rank_test *result,
                                  struct tcore_error *err);

/* The smallest p-value that samples of these sizes can have: 2 / C(n + m, n), at most 1. */
double tcore_rank_smallest_p(size_t n, size_t m);

struct tcore_rank_shift {
    double estimate;     /* the median of the n * m differences y - x; NaN if a sample is empty */
    double lower, upper; /* holds the true shift with at least the confidence asked for; infinite
                            where the samples are too small for that */
};

/*
 * Hodges-Lehmann's shift with its distribution-free interval. Takes O((n + m) * 64) steps and no
 * memory for the differences. For a ratio give logarithms. TCORE_OK, or TCORE_FATAL (no memory).
 */
enum tcore_status tcore_rank_shift(struct tcore_rank_null *null, const double *x, size_t n,
                                   const double *y, size_t m, double confidence,
                                   struct tcore_rank_shift *result, struct tcore_error *err);

#endif
