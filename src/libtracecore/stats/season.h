/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What repeats in a series of evenly spaced values, and taking it out.
 *
 * The period is where differences of neighbours are most alike: the first lag whose
 * autocorrelation is a peak near the highest one, or rather the lag around it whose multiples have
 * the highest autocorrelations, too. Differences have no trend, and are cut off at
 * four deviations, so that neither a step nor an outlier decides. The seasonal figure is the
 * median, phase by phase, of what is left above a centred moving average over one period (the
 * classical decomposition: M. Kendall, A. Stuart, "The Advanced Theory of Statistics" 3 (1976),
 * chapter 46; with medians for means).
 */
#ifndef TRACECORE_STATS_SEASON_H
#define TRACECORE_STATS_SEASON_H

#include "base/error.h"

#include <stddef.h>

/* No longer period is looked for: the work is the product of it and the length. */
#define TCORE_SEASON_LONGEST 2048

/*
 * *period: 3 values or more, at most a quarter of count and TCORE_SEASON_LONGEST; 0: there is none.
 * Values are finite. TCORE_OK, or TCORE_FATAL (no memory).
 */
enum tcore_status tcore_season_period(const double *values, size_t count, size_t *period,
                                      struct tcore_error *err);

/* Takes the seasonal figure, which has mean 0, out of the values; nothing for period 0. count is at
 * least twice the period. TCORE_OK, or TCORE_FATAL (no memory). */
enum tcore_status tcore_season_remove(double *values, size_t count, size_t period,
                                      struct tcore_error *err);

#endif
