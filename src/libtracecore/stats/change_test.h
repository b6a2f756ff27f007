/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether the level of a series changed once, and when: the largest difference of means before and
 * after, over all places, of normal scores of ranks.
 *
 * Ranks make the answer the same for any monotone scale, and an outlier counts once. Neighbours
 * that are alike (AR(1)) make means vary more, for which the variance of each mean is the exact one
 * of a first-order autoregression, with the correlation estimated around the change and raised by
 * what the estimate may be too low. The largest of so many differences has no closed distribution
 * at these lengths: the critical values are simulated, see change_test.c.
 *
 * Sources
 *   Largest difference over all places: B. James, K. L. James, D. Siegmund, "Tests for a
 *     change-point", Biometrika 74 (1987); by ranks: A. N. Pettitt, Applied Statistics 28 (1979).
 *   Normal scores: B. L. van der Waerden, Indagationes Mathematicae 14 (1952).
 *   Variance of a mean of AR(1): G. E. P. Box, G. M. Jenkins, "Time Series Analysis" (1976), 2.1.
 *   Bias of the correlation: F. H. C. Marriott, J. A. Pope, Biometrika 41 (1954).
 */
#ifndef TRACECORE_STATS_CHANGE_TEST_H
#define TRACECORE_STATS_CHANGE_TEST_H

#include "base/error.h"

#include <stddef.h>

#define TCORE_CHANGE_SIDE     6  /* values before and after a change, at least */
#define TCORE_CHANGE_SHORTEST 20 /* values of a series that a change can be found in */

struct tcore_change_test {
    size_t onset;       /* number of the first value after the change; 0: not tested */
    double statistic;   /* difference of means in its standard errors; 0: not tested */
    double p_value;     /* about; 1: not tested, as the series is short or has one value only */
    double correlation; /* of neighbours, as it was allowed for */
};

/* Of finite values in the order of time. TCORE_OK, or TCORE_FATAL (no memory). */
enum tcore_status tcore_change_test(const double *values, size_t count,
                                    struct tcore_change_test *result, struct tcore_error *err);

/* The variance of the mean of so many values of an AR(1) of variance 1. */
double tcore_change_mean_variance(double correlation, size_t count);

#endif
