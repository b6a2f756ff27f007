/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Forecasts of a series of evenly spaced values, with intervals: the mean of simple models, each
 * weighted by how well it would have forecast what is known.
 *
 * The models are those of forecast_parts.h: the last season again (naive), the last longer one,
 * Theta, and regressions on earlier values, on what the season leaves and on differences. Of
 * series above 0 each but the naive ones is there twice, once for logarithms. They are fitted to
 * the first half or so, and forecast from up to TCORE_FORECAST_ORIGINS places after it; a weight is
 * the mean size of a model's errors there to the power of -4. For the forecast itself they are
 * fitted again to everything. A model that runs away, far beyond what was ever seen, is left out.
 * Intervals are conformal (conformal.h), from the errors of the mean at the same places, where the
 * weights are those that the places that do not overlap give: else the errors would look smaller
 * than they are.
 *
 * Sources
 *   J. M. Bates, C. W. J. Granger, Operational Research Quarterly 20 (1969): weights by errors.
 *   S. Makridakis, E. Spiliotis, V. Assimakopoulos, International Journal of Forecasting 36 (2020):
 *     that combinations of simple models are hard to beat (M4).
 */
#ifndef TRACECORE_STATS_FORECAST_H
#define TRACECORE_STATS_FORECAST_H

#include "stats/conformal.h"

#include <stddef.h>

#define TCORE_FORECAST_SHORTEST 12 /* values that a forecast can be made from */
#define TCORE_FORECAST_ORIGINS  24

/* Which seasons there are, in values. */
struct tcore_seasons {
    size_t period; /* 0: none */
    size_t longer; /* a multiple of it, or the same */
};

/*
 * Which seasons to reckon with: found is what tcore_season_period() says; natural are the lengths
 * of a day, a week, a year in values, ascending, as far as there are such. What is found near a
 * natural one is that one. If nothing is found, the first natural one is tried, of which there
 * are three: the models show whether it is worth anything. The longer one is the longest natural
 * multiple.
 */
struct tcore_seasons tcore_seasons_choose(size_t count, size_t found, const size_t *natural,
                                          size_t natural_count);

struct tcore_forecast {
    double *value; /* by step, from 0 for the one after the last value; owned */
    size_t steps;
    double floor; /* 0 for what was never below it, else infinite: no value is forecast below */
    struct tcore_conformal error; /* owned */
};

/*
 * Forecasts the next steps values. values: TCORE_FORECAST_SHORTEST or more, finite and at most
 * 1e150 in size. Steps beyond a quarter of count are not tried: see conformal.h for their
 * intervals. TCORE_OK, or TCORE_FATAL (no memory).
 */
enum tcore_status tcore_forecast(const double *values, size_t count,
                                 const struct tcore_seasons *seasons, size_t steps,
                                 struct tcore_forecast *forecast, struct tcore_error *err);
void tcore_forecast_free(struct tcore_forecast *forecast);

/* What a value is at most with probability q. */
double tcore_forecast_quantile(const struct tcore_forecast *forecast, size_t step, double q);
/* The probability that a value is at most so large. */
double tcore_forecast_probability(const struct tcore_forecast *forecast, size_t step, double value);

#endif
