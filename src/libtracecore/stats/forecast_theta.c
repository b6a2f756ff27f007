/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The Theta method: of what the season leaves, half the slope of a straight line through all of it,
 * added to exponential smoothing. V. Assimakopoulos, K. Nikolopoulos, International Journal of
 * Forecasting 16 (2000); that it is smoothing with a drift: R. J. Hyndman, B. Billah, ibid. 19
 * (2003).
 */
#include "stats/forecast_parts.h"

#include <math.h>

#define SEASON_WEIGHT  0.8 /* of a season's part in the figure against that of the one after it */
#define THETA_SHORTEST 4

/* --- Season and rest */

/* The moving average over a period around each value, at the ends that of the nearest one. */
static void moving_average(const double *value, size_t count, size_t period, double *over)
{
    size_t half = period / 2;
    double sum = 0;

    for (size_t k = 0; k < 2 * half; k++)
        sum += value[k];
    for (size_t i = half; i + half < count; i++) {
        double last = value[i + half], first = value[i - half];

        over[i] = (sum + (period % 2 ? last : (last - first) / 2)) / (double)period;
        sum += last - first;
    }
    for (size_t i = 0; i < half; i++) {
        over[i] = over[half];
        over[count - 1 - i] = over[count - 1 - half];
    }
}

/* over becomes what is above it. */
static void fill_figure(const double *value, size_t count, size_t period, const double *over,
                        double *figure)
{
    double mean = 0;

    for (size_t p = 0; p < period; p++) {
        double weight = 1, weights = 0, sum = 0;

        for (size_t i = count - 1 - (count - 1 - p) % period;; i -= period) {
            sum += weight * (value[i] - over[i]);
            weights += weight;
            weight *= SEASON_WEIGHT;
            if (i < period)
                break;
        }
        figure[p] = sum / weights;
        mean += figure[p] / (double)period;
    }
    for (size_t p = 0; p < period; p++)
        figure[p] -= mean;
}

struct forecast_parts forecast_divide(const struct forecast_series *s, size_t count,
                                      double *scratch)
{
    struct forecast_parts parts = {.figure = scratch, .rest = scratch + s->longer + 1, .period = 1};

    if (s->period > 1 && count > 2 * s->period)
        parts.period = count > 2 * s->longer ? s->longer : s->period;
    parts.figure[0] = 0;
    if (parts.period > 1) {
        moving_average(s->value, count, parts.period, parts.rest);
        fill_figure(s->value, count, parts.period, parts.rest, parts.figure);
    }
    for (size_t i = 0; i < count; i++)
        parts.rest[i] = s->value[i] - parts.figure[i % parts.period];
    return parts;
}

/* --- Theta */

/* The level after all values; *squares: of the errors of a step. */
static double smooth(const double *value, size_t count, double alpha, double *squares)
{
    double level = value[0];

    *squares = 0;
    for (size_t i = 1; i < count; i++) {
        double error = value[i] - level;

        *squares += error * error;
        level += alpha * error;
    }
    return level;
}

static double least_squares_slope(const double *value, size_t count)
{
    double middle = ((double)count - 1) / 2, products = 0, squares = 0;

    for (size_t i = 0; i < count; i++) {
        products += ((double)i - middle) * value[i];
        squares += ((double)i - middle) * ((double)i - middle);
    }
    return squares > 0 ? products / squares : 0;
}

static bool fit_theta(const struct forecast_series *s, size_t count, double *parameter,
                      double *scratch)
{
    static const double alphas[] = {0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 0.99};
    double least = INFINITY, squares;

    if (count < THETA_SHORTEST)
        return false;
    struct forecast_parts parts = forecast_divide(s, count, scratch);

    parameter[0] = 0.5;
    for (size_t i = 0; i < sizeof alphas / sizeof *alphas; i++) {
        smooth(parts.rest, count, alphas[i], &squares);
        if (squares < least) {
            least = squares;
            parameter[0] = alphas[i];
        }
    }
    return true;
}

static void predict_theta(const struct forecast_series *s, size_t count, const double *parameter,
                          size_t steps, double *out, double *scratch)
{
    struct forecast_parts parts = forecast_divide(s, count, scratch);
    double alpha = parameter[0], squares;
    double level = smooth(parts.rest, count, alpha, &squares);
    double drift = least_squares_slope(parts.rest, count) / 2;
    /* Smoothing lags behind a line by this. */
    double lag = drift * ((1 - pow(1 - alpha, (double)count)) / alpha - 1);

    for (size_t i = 0; i < steps; i++)
        out[i] = level + lag + drift * (double)(i + 1) + parts.figure[(count + i) % parts.period];
}

const struct forecast_model forecast_theta = {fit_theta, predict_theta};
