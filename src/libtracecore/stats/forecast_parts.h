/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The simple models that a forecast is made of. Each is fitted once to the beginning of a series
 * and then forecasts from any later place, with all values before it: so it is tried on values that
 * it was not fitted to, without being fitted again at each place.
 */
#ifndef TRACECORE_STATS_FORECAST_PARTS_H
#define TRACECORE_STATS_FORECAST_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#define FORECAST_LAGS       26
#define FORECAST_PARAMETERS (2 * FORECAST_LAGS + 2)

struct forecast_series {
    const double *value;
    size_t count;
    size_t period; /* of the season; 0: none */
    size_t longer; /* of a longer season, a multiple of it; else the same */
};

struct forecast_model {
    /* Of the first count values. scratch: forecast_scratch(). False: they are too few. */
    bool (*fit)(const struct forecast_series *series, size_t count, double *parameter,
                double *scratch);
    /* The next steps values after the first count ones. */
    void (*predict)(const struct forecast_series *series, size_t count, const double *parameter,
                    size_t steps, double *out, double *scratch);
};

/* How many values of scratch a model needs. */
static inline size_t forecast_scratch(const struct forecast_series *series)
{
    return 2 * series->count + series->longer + 1;
}

/*
 * Divides the first count values into a figure that repeats, with mean 0, and the rest. The figure
 * is the mean over the last seasons of what is above a moving average, older ones counting less.
 * figure, rest: in scratch, of which so much is used. Returns the length of the figure; 1: no
 * season.
 */
struct forecast_parts {
    double *figure, *rest;
    size_t period;
};
struct forecast_parts forecast_divide(const struct forecast_series *series, size_t count,
                                      double *scratch);

extern const struct forecast_model forecast_naive;       /* the last season again */
extern const struct forecast_model forecast_longer;      /* the last longer season again */
extern const struct forecast_model forecast_theta;       /* half of the trend, and the season */
extern const struct forecast_model forecast_values;      /* a regression on earlier values, */
extern const struct forecast_model forecast_rest;        /* on those of the rest, */
extern const struct forecast_model forecast_differences; /* and on earlier differences */

#endif
