/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stats/change_test.h"

#include "base/sys.h"
#include "stats/order.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

double tcore_change_mean_variance(double r, size_t count)
{
    double m = (double)count;

    return (m * (1 + r) / (1 - r) - 2 * r * (1 - pow(r, m)) / ((1 - r) * (1 - r))) / (m * m);
}

/* --- Normal scores */

struct placed {
    double value;
    size_t place;
};

static int by_value(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;

    return (x->value > y->value) - (x->value < y->value);
}

/* The z with P(Z < z) = p, from a smaller or equal one nearby, by Newton's method. */
static double next_score(double p, double z)
{
    for (int i = 0; i < 8; i++) {
        double step = (tcore_normal_tail(-z) - p) * 2.5066282746310002 * exp(z * z / 2);

        z -= fmax(-1, fmin(1, step));
        if (fabs(step) < 1e-9)
            break;
    }
    return z;
}

/* Values that are equal share the score of their middle rank. False: all are equal. */
static bool fill_scores(struct placed *sorted, size_t count, double *score)
{
    double z = tcore_normal_tail_inverse(1 - 1 / (2 * (double)count + 2));

    qsort(sorted, count, sizeof *sorted, by_value);
    for (size_t i = 0; i < count;) {
        size_t end = i + 1;

        while (end < count && sorted[end].value == sorted[i].value)
            end++;
        z = next_score(((double)(i + end) + 1) / 2 / ((double)count + 1), z);
        for (; i < end; i++)
            score[sorted[i].place] = z;
    }
    return sorted[0].value < sorted[count - 1].value;
}

/* --- The largest difference */

/* sum[i] is that of the first i scores. variance[m]: of the mean of m. */
static double largest_difference(const double *sum, size_t count, const double *variance,
                                 size_t *onset)
{
    double largest = -1;

    for (size_t k = TCORE_CHANGE_SIDE; k + TCORE_CHANGE_SIDE <= count; k++) {
        double before = sum[k] / (double)k;
        double after = (sum[count] - sum[k]) / (double)(count - k);
        double difference = fabs(after - before) / sqrt(variance[k] + variance[count - k]);

        if (difference > largest) {
            largest = difference;
            *onset = k;
        }
    }
    return largest;
}

/* What is left of the scores around the means before and after. */
struct remainder {
    double variance, correlation;
};

static struct remainder remainder_of(const double *score, const double *sum, size_t count,
                                     size_t onset)
{
    double before = sum[onset] / (double)onset;
    double after = (sum[count] - sum[onset]) / (double)(count - onset);
    double squares = 0, products = 0, last = 0;

    for (size_t i = 0; i < count; i++) {
        double rest = score[i] - (i < onset ? before : after);

        squares += rest * rest;
        products += rest * last;
        last = rest;
    }
    return (struct remainder){squares / (double)(count - 2), squares > 0 ? products / squares : 0};
}

/*
 * The correlation that is allowed for: the estimate around two means is too low by (2 + 4 r) / n or
 * so (Marriott and Pope), and by one standard error for good measure. Where it is not, means vary
 * more than is thought, and that is a false alarm.
 */
static double raised(double correlation, size_t count)
{
    double n = (double)count, r = correlation + (2 + 4 * correlation) / n;

    return fmax(0, fmin(0.98, r + sqrt(fmax(0.05, 1 - r * r) / n)));
}

/*
 * Simulated, 300 to 4,000 series each of 24, 50, 100, 200, 500, 1,000 and 10,000 values, white or
 * AR(1) with 0.2, 0.5, 0.8 and 0.9: the upper quantiles of the statistic are below those of the
 * largest of FEW + LOOKS sqrt(n) normal variables, farther out by SHORT / (m + OFFSET)^1.5, where
 * m = n (1 - r) / (1 + r) is how many independent values the series is worth. The number grows
 * faster than that of looks does, for the allowance for correlation shrinks as n grows.
 */
#define FEW    5
#define LOOKS  2.4
#define SHORT  320
#define OFFSET 12

static double p_of(double statistic, size_t count, double r)
{
    double n = (double)count, worth = n * (1 - r) / (1 + r);
    double z = statistic - SHORT / pow(worth + OFFSET, 1.5);

    return fmin(1, (FEW + LOOKS * sqrt(n)) * 2 * tcore_normal_tail(z));
}

enum tcore_status tcore_change_test(const double *values, size_t count,
                                    struct tcore_change_test *result, struct tcore_error *err)
{
    *result = (struct tcore_change_test){.p_value = 1};
    if (count < TCORE_CHANGE_SHORTEST)
        return TCORE_OK;
    struct placed *sorted = tcore_reallocarray(NULL, count, sizeof *sorted);
    double *score = tcore_reallocarray(NULL, 3 * (count + 1), sizeof *score);

    if (!sorted || !score) {
        tcore_free(sorted);
        tcore_free(score);
        return tcore_error_nomem(err);
    }
    double *sum = score + count + 1, *variance = sum + count + 1;

    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct placed){values[i], i};
    if (fill_scores(sorted, count, score)) {
        sum[0] = 0;
        for (size_t i = 0; i < count; i++)
            sum[i + 1] = sum[i] + score[i];
        for (size_t m = 1; m <= count; m++)
            variance[m] = 1 / (double)m;
        largest_difference(sum, count, variance, &result->onset);
        struct remainder rest = remainder_of(score, sum, count, result->onset);

        result->correlation = raised(rest.correlation, count);
        for (size_t m = 1; m <= count; m++)
            variance[m] = rest.variance * tcore_change_mean_variance(result->correlation, m);
        result->statistic = largest_difference(sum, count, variance, &result->onset);
        result->p_value = p_of(result->statistic, count, result->correlation);
    }
    tcore_free(sorted);
    tcore_free(score);
    return TCORE_OK;
}
