/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The slope of a series as the median of the slopes of all pairs of values that are of one phase of
 * the season. Up to 29 % of the values may be anything. Its interval is made of the slopes whose
 * places are as far from the middle as the sum of signs of Mann and Kendall may be from 0.
 *
 * Sources
 *   H. Theil, Proceedings of the Royal Netherlands Academy of Sciences 53 (1950); P. K. Sen,
 * Journal of the American Statistical Association 63 (1968), with the interval. Seasons: R. M.
 * Hirsch, J. R. Slack, R. A. Smith, Water Resources Research 18 (1982).
 */
#ifndef TRACECORE_STATS_THEIL_SEN_H
#define TRACECORE_STATS_THEIL_SEN_H

#include "base/error.h"

#include <stddef.h>

struct tcore_theil_sen {
    double slope;        /* per step; NaN without a pair */
    double lower, upper; /* ends of its interval; infinite where there are too few pairs for it */
    double level;        /* median of what a value is above slope * its number; NaN without any */
};

/*
 * values: at even distances in the order of time; NaN: missing. period as for
 * tcore_mann_kendall(). spread: how far from 0 the sum of signs may be by chance, that is a normal
 * quantile times the root of its variance. Memory: 8 bytes a pair, (n^2 / 2) / period of them.
 * TCORE_OK, or TCORE_FATAL (no memory).
 */
enum tcore_status tcore_theil_sen(const double *values, size_t count, size_t period, double spread,
                                  struct tcore_theil_sen *result, struct tcore_error *err);

/* How many pairs there are at most. */
double tcore_theil_sen_pairs(size_t count, size_t period);

#endif
