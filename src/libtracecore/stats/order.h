/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Order statistics, the normal distribution's tail, and p-values of many tests.
 *
 * Sources
 *   Many tests: Y. Benjamini, Y. Hochberg, "Controlling the false discovery rate", Journal of the
 *     Royal Statistical Society B 57 (1995).
 *   Student's t: D. L. Wallace, Annals of Mathematical Statistics 30 (1959).
 *   Quantiles: R. J. Hyndman, Y. Fan, The American Statistician 50 (1996), type 7.
 */
#ifndef TRACECORE_STATS_ORDER_H
#define TRACECORE_STATS_ORDER_H

#include "base/error.h"

#include <stddef.h>

/* Ascending; NaN may stand anywhere. */
void tcore_sort_doubles(double *values, size_t count);
/* Of count values in ascending order; q is clamped to [0, 1]. NaN without values. */
double tcore_quantile(const double *sorted, size_t count, double q);
double tcore_median(const double *sorted, size_t count);
/* The median absolute deviation from the median, not scaled (times 1.4826 it estimates a normal
 * standard deviation). scratch has room for count values. */
double tcore_median_deviation(const double *sorted, size_t count, double *scratch);

/*
 * Benjamini and Hochberg's adjusted p-values, in the order of p: comparing them with q keeps the
 * expected share of false discoveries at or below q for independent or positively dependent tests.
 * TCORE_OK, or TCORE_FATAL (no memory).
 */
enum tcore_status tcore_benjamini_hochberg(const double *p, size_t count, double *adjusted,
                                           struct tcore_error *err);

/* P(Z > z) of the standard normal distribution, and its inverse: the z with P(Z > z) = p. */
double tcore_normal_tail(double z);
double tcore_normal_tail_inverse(double p);
/* The normal quantile that a quantile of Student's t corresponds to, and back, to within 1 % from
 * three degrees of freedom on, and 10 % of one. */
double tcore_normal_of_student(double t, double freedom);
double tcore_student_of_normal(double z, double freedom);

#endif
