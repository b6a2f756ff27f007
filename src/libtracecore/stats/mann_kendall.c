/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stats/mann_kendall.h"

#include "base/sys.h"
#include "stats/order.h"

#include <math.h>
#include <string.h>

/* Sorts ascending and returns how many pairs stood the other way round. */
static double count_inversions(double *values, size_t count, double *scratch)
{
    double inversions = 0;

    for (size_t width = 1; width < count; width *= 2) {
        for (size_t from = 0; from + width < count; from += 2 * width) {
            size_t middle = from + width, end = middle + width < count ? middle + width : count;
            size_t i = from, k = middle;

            for (size_t to = from; to < end; to++) {
                if (i < middle && (k == end || values[i] <= values[k])) {
                    scratch[to] = values[i++];
                } else {
                    inversions += (double)(middle - i);
                    scratch[to] = values[k++];
                }
            }
            memcpy(values + from, scratch + from, (end - from) * sizeof *values);
        }
    }
    return inversions;
}

/* Adds what the values of one phase say, in the order of time; sorts them. */
static void add_phase(struct tcore_mann_kendall *sum, double *values, size_t count, double *scratch)
{
    double n = (double)count, pairs = n * (n - 1) / 2;
    double falling = count_inversions(values, count, scratch), tied = 0;
    double variance = n * (n - 1) * (2 * n + 5);

    for (size_t i = 0; i < count;) {
        size_t end = i + 1;

        while (end < count && values[end] == values[i])
            end++;
        double t = (double)(end - i);

        tied += t * (t - 1) / 2;
        variance -= t * (t - 1) * (2 * t + 5);
        i = end;
    }
    sum->pairs += pairs;
    sum->s += pairs - tied - 2 * falling;
    sum->variance += variance / 18;
}

/* What the correlation multiplies the variance by. weight: of each value, NaN where it is missing.
 */
static double inflation(const double *weight, size_t count, double correlation)
{
    double carried = 0, squares = 0, products = 0;

    for (size_t i = 0; i < count; i++) {
        carried *= correlation;
        if (isnan(weight[i]))
            continue;
        squares += weight[i] * weight[i];
        products += weight[i] * carried;
        carried += weight[i];
    }
    return squares > 0 ? (squares + 2 * products) / squares : 1;
}

enum tcore_status tcore_mann_kendall(const double *values, size_t count, size_t period,
                                     double correlation, struct tcore_mann_kendall *result,
                                     struct tcore_error *err)
{
    double *weight = tcore_reallocarray(NULL, 3 * count + 1, sizeof *weight);

    *result = (struct tcore_mann_kendall){.p_value = 1};
    if (!weight)
        return tcore_error_nomem(err);
    double *phase = weight + count, *scratch = phase + count;

    if (period < 1)
        period = 1;
    for (size_t p = 0; p < period && p < count; p++) {
        size_t n = 0;

        for (size_t i = p; i < count; i += period) {
            weight[i] = isnan(values[i]) ? NAN : 2 * (double)n;
            if (!isnan(values[i]))
                phase[n++] = values[i];
        }
        for (size_t i = p; i < count; i += period)
            weight[i] -= (double)n - 1;
        if (n)
            add_phase(result, phase, n, scratch);
    }
    result->variance *= inflation(weight, count, correlation);
    if (result->pairs > 0)
        result->tau = result->s / result->pairs;
    if (result->variance > 0)
        result->p_value =
            fmin(1, 2 * tcore_normal_tail(fmax(0, fabs(result->s) - 1) / sqrt(result->variance)));
    tcore_free(weight);
    return TCORE_OK;
}
