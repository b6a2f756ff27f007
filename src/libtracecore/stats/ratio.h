/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How many times as large one sample is as another: Hodges-Lehmann's shift (stats/rank.h) of the
 * logarithms where all values are positive, else of the values, in proportion to the median of the
 * first sample.
 */
#ifndef TRACECORE_STATS_RATIO_H
#define TRACECORE_STATS_RATIO_H

#include "stats/rank.h"

struct tcore_ratio {
    double estimate;     /* of y to x; infinite if the median of x is 0 and the shift is not */
    double lower, upper; /* holds the true ratio with at least the confidence asked for; infinite
                            where the samples are too small for that, 0 the lower one then if all
                            values are positive */
};

/* Samples as stats/rank.h wants them, neither of them empty; both hold something else afterwards.
 * TCORE_OK, or TCORE_FATAL (no memory). */
enum tcore_status tcore_ratio_estimate(struct tcore_rank_null *null, double *x, size_t n, double *y,
                                       size_t m, double confidence, struct tcore_ratio *ratio,
                                       struct tcore_error *err);

#endif
