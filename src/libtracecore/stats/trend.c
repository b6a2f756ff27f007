/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stats/trend.h"

#include "base/sys.h"
#include "stats/mann_kendall.h"
#include "stats/order.h"
#include "stats/season.h"
#include "stats/serial.h"
#include "stats/theil_sen.h"

#include <math.h>
#include <string.h>

#define WANDERS          0.8 /* correlation from which on a series is tested by its steps */
#define WANDERS_SHORTEST 20

static size_t count_present(const double *values, size_t count)
{
    size_t present = 0;

    for (size_t i = 0; i < count; i++)
        present += !isnan(values[i]);
    return present;
}

/* Straight lines over what is missing; nothing beyond the ends. */
static void fill_gaps(double *values, size_t count)
{
    size_t last = count;

    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i]))
            continue;
        for (size_t k = last == count ? 0 : last + 1; k < i; k++)
            values[k] = last == count
                            ? values[i]
                            : values[last] + (values[i] - values[last]) *
                                                 ((double)(k - last) / (double)(i - last));
        last = i;
    }
    for (size_t k = last + 1; k < count; k++)
        values[k] = values[last];
}

/* The median of each run of width values, in their place; NaN of nothing. Returns how many. */
static size_t thin_out(double *values, size_t count, size_t width, double *scratch)
{
    size_t made = 0;

    for (size_t from = 0; from < count; from += width) {
        size_t n = 0;

        for (size_t i = from; i < from + width && i < count; i++)
            if (!isnan(values[i]))
                scratch[n++] = values[i];
        tcore_sort_doubles(scratch, n);
        values[made++] = tcore_median(scratch, n);
    }
    return made;
}

/* Takes the season out of values, of which some are missing. */
static enum tcore_status take_season_out(double *values, const double *original, size_t count,
                                         size_t period, struct tcore_error *err)
{
    fill_gaps(values, count);
    enum tcore_status status = tcore_season_remove(values, count, period, err);

    for (size_t i = 0; i < count; i++)
        if (isnan(original[i]))
            values[i] = NAN;
    return status;
}

/* --- Correlation */

/* What a line leaves of values that are there, above the median of their phase, in the order of
 * time. scratch: count values. Returns how many. */
static size_t remainders(const double *values, size_t count, size_t period, double slope,
                         double *rest, double *scratch)
{
    size_t step = period < 1 ? 1 : period, made = 0;

    for (size_t p = 0; p < step && p < count; p++) {
        size_t n = 0;

        for (size_t i = p; i < count; i += step)
            if (!isnan(values[i]))
                scratch[n++] = values[i] - slope * (double)i;
        tcore_sort_doubles(scratch, n);
        double median = tcore_median(scratch, n);

        for (size_t i = p; i < count; i += step)
            rest[i] = values[i] - slope * (double)i - median;
    }
    for (size_t i = 0; i < count; i++)
        if (!isnan(rest[i]))
            rest[made++] = rest[i];
    return made;
}

static double raised(double correlation, size_t count)
{
    double n = (double)count, r = correlation + (2 + 4 * correlation) / n;

    return fmax(0, fmin(1 - 1 / n, r + sqrt(fmax(0.05, 1 - r * r) / n)));
}

/* Of what is left, in the order of time. sorted: room for as many. */
static double correlation_of(const double *rest, size_t count, double *sorted)
{
    memcpy(sorted, rest, count * sizeof *sorted);
    tcore_sort_doubles(sorted, count);
    double r = tcore_serial_correlation(rest, sorted, count);

    return isnan(r) ? 0 : raised(r, count);
}

/* --- Both */

/* How many independent values count of them are worth: those that a mean of so many would have the
 * same variance of. */
static double worth(double correlation, double count)
{
    return fmax(1, count * (1 - correlation) / (1 + correlation));
}

static double quantile_of(double confidence, double freedom)
{
    return tcore_student_of_normal(tcore_normal_tail_inverse((1 - confidence) / 2), freedom);
}

static double p_of(double t, double freedom)
{
    return fmin(1, 2 * tcore_normal_tail(tcore_normal_of_student(t, freedom)));
}

/*
 * What wanders keeps what happened to it, so that only its steps tell of a trend: whether their
 * mean is 0. line: whose slope rest is without.
 */
static void test_steps(const double *rest, size_t count, double confidence, double slope,
                       struct tcore_trend *result)
{
    double n = (double)count - 1, mean = (rest[count - 1] - rest[0]) / n;
    double squares = 0, products = 0, before = 0;

    for (size_t i = 1; i < count; i++) {
        double step = rest[i] - rest[i - 1] - mean;

        squares += step * step;
        products += step * before;
        before = step;
    }
    if (!(squares > 0))
        return;
    double freedom = worth(raised(products / squares, count), n);
    double error = sqrt(squares / n / freedom);

    result->slope = slope + mean;
    result->lower = result->slope - quantile_of(confidence, freedom) * error;
    result->upper = result->slope + quantile_of(confidence, freedom) * error;
    result->p_value = p_of(fabs(result->slope) / error, freedom);
    result->of_steps = true;
}

/* Of few enough values. scratch: 2 count values. */
static enum tcore_status find_trend(const double *values, size_t count, size_t period,
                                    double confidence, double *scratch, struct tcore_trend *result,
                                    struct tcore_error *err)
{
    struct tcore_mann_kendall test;
    struct tcore_theil_sen line;
    enum tcore_status status = tcore_theil_sen(values, count, period, 0, &line, err);

    if (status != TCORE_OK || isnan(line.slope))
        return status;
    size_t n = remainders(values, count, period, line.slope, scratch, scratch + count);

    result->correlation = correlation_of(scratch, n, scratch + count);
    status = tcore_mann_kendall(values, count, period, result->correlation, &test, err);
    if (status != TCORE_OK)
        return status;
    double freedom = worth(result->correlation, (double)n), first = line.slope;
    double spread = quantile_of(confidence, freedom) * sqrt(test.variance);
    double t = fmax(0, fabs(test.s) - 1) / sqrt(test.variance);

    result->tau = test.tau;
    if (test.variance > 0)
        result->p_value = p_of(t, freedom);
    if (result->correlation >= WANDERS && n >= WANDERS_SHORTEST)
        test_steps(scratch, n, confidence, first, result);
    if (!result->of_steps) {
        status = tcore_theil_sen(values, count, period, spread, &line, err);
        result->slope = line.slope;
        result->lower = line.lower;
        result->upper = line.upper;
    }
    result->level = line.level + (first - result->slope) * ((double)count - 1) / 2;
    return status;
}

enum tcore_status tcore_trend(const double *values, size_t count, size_t period, double confidence,
                              struct tcore_trend *result, struct tcore_error *err)
{
    double too_many = tcore_theil_sen_pairs(count, period) / TCORE_TREND_PAIRS;
    size_t width = 1;
    enum tcore_status status = TCORE_OK;

    *result = (struct tcore_trend){.slope = NAN, .lower = NAN, .upper = NAN, .p_value = 1};
    if (count_present(values, count) < TCORE_TREND_SHORTEST)
        return TCORE_OK;
    double *used = tcore_reallocarray(NULL, 3 * count, sizeof *used);

    if (!used)
        return tcore_error_nomem(err);
    memcpy(used, values, count * sizeof *used);
    if (too_many > 1) {
        status = take_season_out(used, values, count, period, err);
        period = 0;
        width = (size_t)ceil(sqrt(tcore_theil_sen_pairs(count, 0) / TCORE_TREND_PAIRS));
        count = thin_out(used, count, width, used + count);
    }
    if (status == TCORE_OK)
        status = find_trend(used, count, period, confidence, used + count, result, err);
    result->slope /= (double)width;
    result->lower /= (double)width;
    result->upper /= (double)width;
    result->level -= result->slope * ((double)width - 1) / 2;
    tcore_free(used);
    return status;
}
