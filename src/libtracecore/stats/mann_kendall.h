/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether a series tends to rise or to fall, by the signs of its differences alone: of all pairs of
 * values that are of one phase of the season, how many rise and how many fall. Without a season all
 * pairs count.
 *
 * Neighbours that are alike make the sum S of signs vary more. With F the ranks, S is close to a
 * sum of w_i F_i (its projection), where w_i is 2 k - (n - 1) for the k-th of n values of a phase.
 * So the variance of S for independent values is multiplied by
 *     sum over i, j of w_i w_j r^|i - j|  /  sum of w_i^2
 * for values whose ranks are a first-order autoregression. Of r alone this makes what Hamed and Rao
 * compute from the autocorrelation at all lags, and one formula serves with and without a season.
 *
 * Sources
 *   H. B. Mann, Econometrica 13 (1945); M. G. Kendall, "Rank Correlation Methods" (1970), section
 *     5.1 for the variance with ties and 4.10 for the correction for continuity.
 *   Counting in n log n steps: W. R. Knight, Journal of the American Statistical Association 61
 *     (1966).
 *   Seasons: R. M. Hirsch, J. R. Slack, R. A. Smith, Water Resources Research 18 (1982).
 *   Correlation: K. H. Hamed, A. R. Rao, Journal of Hydrology 204 (1998).
 */
#ifndef TRACECORE_STATS_MANN_KENDALL_H
#define TRACECORE_STATS_MANN_KENDALL_H

#include "base/error.h"

#include <stddef.h>

struct tcore_mann_kendall {
    double s;        /* pairs that rise less pairs that fall */
    double pairs;    /* of one phase, ties too */
    double tau;      /* s / pairs: -1 to 1; 0 without pairs */
    double variance; /* of s where there is no trend; 0: all values of each phase are equal */
    double p_value;  /* two-sided, by the normal approximation; 1 for variance 0 */
};

/*
 * values: at even distances in the order of time; NaN: missing. period: that of the season in
 * values; 0 or 1: none. correlation: of the ranks of neighbours, 0 (independent) to below 1.
 * TCORE_OK, or TCORE_FATAL (no memory).
 */
enum tcore_status tcore_mann_kendall(const double *values, size_t count, size_t period,
                                     double correlation, struct tcore_mann_kendall *result,
                                     struct tcore_error *err);

#endif
