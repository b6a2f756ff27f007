/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The trend of a series: Theil and Sen's slope with its interval, and Mann and Kendall's test of
 * whether there is one, both within the phases of a season, and both allowing for neighbours that
 * are alike.
 *
 * The correlation is that of the ranks of what the line and the season leave. It is raised by what
 * such an estimate is too low by on average (F. H. C. Marriott, J. A. Pope, Biometrika 41 (1954))
 * and by its standard error: where it is too low, chance is taken for a trend. As it is uncertain
 * all the same, quantiles are those of Student's t with as many degrees of freedom as independent
 * values would be worth the same, n (1 - r) / (1 + r).
 * Where the correlation is 0.8 or more the series may be one that wanders, which has no level to
 * come back to: then it is tested whether the mean of its steps, without the season, is 0, and that
 * mean is the slope. Of a series that does not wander this finds less, never too much. More than
 * TCORE_TREND_PAIRS pairs are not looked at: then the season is taken out, and medians of so many
 * neighbours each stand for them that there are fewer.
 */
#ifndef TRACECORE_STATS_TREND_H
#define TRACECORE_STATS_TREND_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define TCORE_TREND_SHORTEST 8         /* values of a series that a trend can be found in */
#define TCORE_TREND_PAIRS    (1 << 21) /* 2,048 values without a season */

struct tcore_trend {
    double slope;        /* per step; NaN: not tested, as there are too few values */
    double lower, upper; /* ends of its interval; may be infinite */
    double level;        /* where the line is at the first value, above the season */
    double tau;          /* -1 to 1: how many more pairs rise than fall */
    double p_value;      /* two-sided; 1: not tested, or all values are equal */
    double correlation;  /* of neighbours, as it was allowed for */
    bool of_steps;       /* slope, interval and p-value are those of the mean step */
};

/*
 * values: finite or NaN (missing), at even distances in the order of time. period: of the season;
 * 0: none. confidence: the interval's, as 0.95. TCORE_OK, or TCORE_FATAL (no memory).
 */
enum tcore_status tcore_trend(const double *values, size_t count, size_t period, double confidence,
                              struct tcore_trend *result, struct tcore_error *err);

#endif
