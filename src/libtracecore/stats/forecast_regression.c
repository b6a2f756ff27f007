/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Regressions on earlier values: those just before, and those a season before, with their
 * neighbours. A little of a ridge keeps the coefficients of lags that are alike from running
 * against each other. Of the values themselves, of what the season leaves, and of differences,
 * which know no level that they come back to.
 *
 * Source: A. E. Hoerl, R. W. Kennard, Technometrics 12 (1970).
 */
#include "stats/forecast_parts.h"

#include <math.h>
#include <string.h>

#define RIDGE           0.003 /* of the variance */
#define SHORTEST        20
#define LAGS_ALONE      12 /* of values just before, where there is no season */
#define LAGS_BESIDE     6  /* and where there is one */
#define SAMPLES_PER_LAG 3

/* The parameters: mean and number of lags, then the lags, then their coefficients. */
enum { MEAN, LAG_COUNT, FIRST_LAG, FIRST_COEFFICIENT = FIRST_LAG + FORECAST_LAGS };

static void add_lag(size_t lag, size_t count, size_t *lags, size_t *n)
{
    if (lag * 5 > count * 2)
        return;
    for (size_t i = 0; i < *n; i++)
        if (lags[i] == lag)
            return;
    lags[(*n)++] = lag;
}

/* Returns how many. */
static size_t choose_lags(const struct forecast_series *s, size_t count, size_t *lags)
{
    size_t n = 0, near = s->period ? LAGS_BESIDE : LAGS_ALONE, m = s->period, l = s->longer;
    const size_t seasonal[] = {m - 1, m, m + 1, m + 2, 2 * m, 2 * m + 1, 3 * m};
    const size_t long_term[] = {l - 1, l, l + 1, l + 2, l + m, 2 * l};

    for (size_t lag = 1; lag <= near && lag <= count / 6; lag++)
        add_lag(lag, count, lags, &n);
    for (size_t i = 0; m && i < sizeof seasonal / sizeof *seasonal; i++)
        add_lag(seasonal[i], count, lags, &n);
    for (size_t i = 0; l > m && i < sizeof long_term / sizeof *long_term; i++)
        add_lag(long_term[i], count, lags, &n);
    return n;
}

/* Solves a x = b in place, where a is n x n, symmetric and positive (Cholesky); reads its lower
 * half. False: it is not positive. */
static bool solve(double a[][FORECAST_LAGS], double *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = a[i][j];

            for (size_t k = 0; k < j; k++)
                sum -= a[i][k] * a[j][k];
            if (i == j && !(sum > 0))
                return false;
            a[i][j] = i == j ? sqrt(sum) : sum / a[j][j];
        }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            b[i] -= a[i][k] * b[k];
        b[i] /= a[i][i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++)
            b[i] -= a[k][i] * b[k];
        b[i] /= a[i][i];
    }
    return true;
}

static bool regress(const double *value, size_t count, double mean, const size_t *lags, size_t n,
                    double *coefficient)
{
    double a[FORECAST_LAGS][FORECAST_LAGS] = {{0}}, variance = 0;
    size_t first = lags[0];

    for (size_t k = 1; k < n; k++)
        first = lags[k] > first ? lags[k] : first;
    if (count < first + SAMPLES_PER_LAG * n)
        return false;
    memset(coefficient, 0, n * sizeof *coefficient);
    for (size_t i = 0; i < count; i++)
        variance += (value[i] - mean) * (value[i] - mean) / (double)count;
    for (size_t i = first; i < count; i++) {
        double before[FORECAST_LAGS];

        for (size_t k = 0; k < n; k++)
            before[k] = value[i - lags[k]] - mean;
        for (size_t k = 0; k < n; k++) {
            coefficient[k] += before[k] * (value[i] - mean);
            for (size_t j = 0; j <= k; j++)
                a[k][j] += before[k] * before[j];
        }
    }
    for (size_t k = 0; k < n; k++)
        a[k][k] += RIDGE * variance * (double)(count - first);
    return solve(a, coefficient, n);
}

static bool fit(const struct forecast_series *s, const double *value, size_t count,
                double *parameter)
{
    size_t lags[FORECAST_LAGS], n = choose_lags(s, count, lags);
    double mean = 0;

    if (count < SHORTEST || !n)
        return false;
    for (size_t i = 0; i < count; i++)
        mean += value[i] / (double)count;
    parameter[MEAN] = mean;
    parameter[LAG_COUNT] = (double)n;
    for (size_t k = 0; k < n; k++)
        parameter[FIRST_LAG + k] = (double)lags[k];
    return regress(value, count, mean, lags, n, parameter + FIRST_COEFFICIENT);
}

static void predict(const double *value, size_t count, const double *parameter, size_t steps,
                    double *out)
{
    size_t n = (size_t)parameter[LAG_COUNT];

    for (size_t i = 0; i < steps; i++) {
        double sum = parameter[MEAN];

        for (size_t k = 0; k < n; k++) {
            size_t lag = (size_t)parameter[FIRST_LAG + k];
            double before = lag > i ? value[count + i - lag] : out[i - lag];

            sum += parameter[FIRST_COEFFICIENT + k] * (before - parameter[MEAN]);
        }
        out[i] = sum;
    }
}

/* --- Of values */

static bool fit_values(const struct forecast_series *s, size_t count, double *parameter,
                       double *scratch)
{
    (void)scratch;
    return fit(s, s->value, count, parameter);
}

static void predict_values(const struct forecast_series *s, size_t count, const double *parameter,
                           size_t steps, double *out, double *scratch)
{
    (void)scratch;
    predict(s->value, count, parameter, steps, out);
}

const struct forecast_model forecast_values = {fit_values, predict_values};

/* --- Of what the season leaves */

static bool fit_rest(const struct forecast_series *s, size_t count, double *parameter,
                     double *scratch)
{
    struct forecast_parts parts = forecast_divide(s, count, scratch);

    return parts.period > 1 && fit(s, parts.rest, count, parameter);
}

static void predict_rest(const struct forecast_series *s, size_t count, const double *parameter,
                         size_t steps, double *out, double *scratch)
{
    struct forecast_parts parts = forecast_divide(s, count, scratch);

    predict(parts.rest, count, parameter, steps, out);
    for (size_t i = 0; i < steps; i++)
        out[i] += parts.figure[(count + i) % parts.period];
}

const struct forecast_model forecast_rest = {fit_rest, predict_rest};

/* --- Of differences */

static void differ(const double *value, size_t count, double *difference)
{
    for (size_t i = 1; i < count; i++)
        difference[i - 1] = value[i] - value[i - 1];
}

static bool fit_differences(const struct forecast_series *s, size_t count, double *parameter,
                            double *scratch)
{
    differ(s->value, count, scratch);
    return fit(s, scratch, count - 1, parameter);
}

static void predict_differences(const struct forecast_series *s, size_t count,
                                const double *parameter, size_t steps, double *out, double *scratch)
{
    double value = s->value[count - 1];

    differ(s->value, count, scratch);
    predict(scratch, count - 1, parameter, steps, out);
    for (size_t i = 0; i < steps; i++) {
        value += out[i];
        out[i] = value;
    }
}

const struct forecast_model forecast_differences = {fit_differences, predict_differences};
