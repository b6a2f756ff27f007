/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stats/season.h"

#include "base/sys.h"
#include "stats/order.h"

#include <math.h>
#include <stdbool.h>

#define SEASON_CLEAR     0.5  /* autocorrelation of a season that is worth taking out */
#define SEASON_NEAR      0.85 /* of the highest peak, for its multiples are as high */
#define SEASON_MULTIPLES 8    /* of the period that are looked at to tell it from its neighbours */

static double mean_of(const double *values, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

/* Differences of neighbours around their median, none beyond four deviations. scratch holds twice
 * as many. False: most are equal. */
static bool tame_differences(const double *values, size_t count, double *difference,
                             double *scratch)
{
    size_t n = count - 1;

    for (size_t i = 0; i < n; i++)
        scratch[i] = difference[i] = values[i + 1] - values[i];
    tcore_sort_doubles(scratch, n);
    double median = tcore_median(scratch, n);
    double limit = 4 * 1.4826 * tcore_median_deviation(scratch, n, scratch + n);

    if (!(limit > 0) || !isfinite(limit))
        return false;
    for (size_t i = 0; i < n; i++)
        difference[i] = fmax(-limit, fmin(limit, difference[i] - median)) / limit;
    double mean = mean_of(difference, n);

    for (size_t i = 0; i < n; i++)
        difference[i] -= mean;
    return true;
}

static double covariance_at(const double *x, size_t count, size_t lag)
{
    double sum = 0;

    for (size_t i = lag; i < count; i++)
        sum += x[i] * x[i - lag];
    return sum / (double)(count - lag);
}

/* r[lag], up to longest + 1. */
static void autocorrelate(const double *x, size_t count, size_t longest, double *r)
{
    for (size_t lag = 0; lag <= longest + 1; lag++)
        r[lag] = covariance_at(x, count, lag) / (lag ? r[0] : 1);
}

/*
 * The lag around this one whose multiples, up to half of the values, are correlated most. Of a
 * smooth season noise makes a neighbour of the period the highest peak as often as not; what is
 * wrong by one is wrong by k at the k-th multiple.
 */
static size_t sharpen(const double *x, size_t count, size_t lag, size_t longest)
{
    size_t best = lag, to = lag + lag / 4 < longest ? lag + lag / 4 : longest;
    double highest = -INFINITY;

    for (size_t at = lag - lag / 5; at <= to; at++) {
        size_t times = count / 2 / (lag + lag / 4);
        double sum = 0;

        times = times < 1 ? 1 : times < SEASON_MULTIPLES ? times : SEASON_MULTIPLES;
        for (size_t k = 1; k <= times; k++)
            sum += covariance_at(x, count, k * at);
        if (sum > highest) {
            highest = sum;
            best = at;
        }
    }
    return best;
}

static bool is_peak(const double *r, size_t lag)
{
    return r[lag] >= r[lag - 1] && r[lag] >= r[lag + 1];
}

enum tcore_status tcore_season_period(const double *values, size_t count, size_t *period,
                                      struct tcore_error *err)
{
    size_t longest = count / 4 < TCORE_SEASON_LONGEST ? count / 4 : TCORE_SEASON_LONGEST;
    double highest = 0;

    *period = 0;
    if (longest < 3)
        return TCORE_OK;
    double *difference = tcore_reallocarray(NULL, 3 * count + longest + 2, sizeof *difference);

    if (!difference)
        return tcore_error_nomem(err);
    double *scratch = difference + count, *r = difference + 3 * count;

    if (tame_differences(values, count, difference, scratch)) {
        autocorrelate(difference, count - 1, longest, r);
        for (size_t lag = 3; lag <= longest; lag++)
            if (is_peak(r, lag) && r[lag] > highest)
                highest = r[lag];
        for (size_t lag = 3; lag <= longest && highest >= SEASON_CLEAR && !*period; lag++)
            if (is_peak(r, lag) && r[lag] >= SEASON_NEAR * highest)
                *period = sharpen(difference, count - 1, lag, longest);
    }
    tcore_free(difference);
    return TCORE_OK;
}

/* The moving average over one period around each value that has half a period on both sides; of an
 * even period the outer values count half. over[0] is around value number period / 2. */
static size_t moving_average(const double *values, size_t count, size_t period, double *over)
{
    size_t half = period / 2, made = count - 2 * half;

    for (size_t i = 0; i < made; i++) {
        const double *from = values + i;
        double sum = period % 2 ? from[2 * half] : (from[2 * half] - from[0]) / 2;

        for (size_t k = 0; k < 2 * half; k++)
            sum += from[k];
        over[i] = sum / (double)period;
    }
    return made;
}

enum tcore_status tcore_season_remove(double *values, size_t count, size_t period,
                                      struct tcore_error *err)
{
    if (period < 2 || count < 2 * period)
        return TCORE_OK;
    double *over = tcore_reallocarray(NULL, 2 * count + period, sizeof *over);

    if (!over)
        return tcore_error_nomem(err);
    double *phase = over + count, *figure = phase + count;
    size_t half = period / 2, made = moving_average(values, count, period, over);

    for (size_t p = 0; p < period; p++) {
        size_t n = 0;

        for (size_t i = (p + period - half % period) % period; i < made; i += period)
            phase[n++] = values[i + half] - over[i];
        tcore_sort_doubles(phase, n);
        figure[p] = n ? tcore_median(phase, n) : 0;
    }
    double mean = mean_of(figure, period);

    for (size_t i = 0; i < count; i++)
        values[i] -= figure[i % period] - mean;
    tcore_free(over);
    return TCORE_OK;
}
