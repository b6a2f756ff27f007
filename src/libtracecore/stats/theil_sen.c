/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stats/theil_sen.h"

#include "base/sys.h"
#include "stats/order.h"

#include <math.h>
#include <string.h>

double tcore_theil_sen_pairs(size_t count, size_t period)
{
    size_t step = period < 1 ? 1 : period;
    double rounds = (double)(count / step), rest = (double)(count % step);

    return (double)step * rounds * (rounds - 1) / 2 + rest * rounds;
}

static void swap(double *x, double *y)
{
    double kept = *x;

    *x = *y;
    *y = kept;
}

/* Orders values so that number k is what it would be if they were sorted (Hoare's selection). */
static double select_value(double *values, size_t count, size_t k)
{
    size_t from = 0, to = count - 1;

    while (from < to) {
        double pivot = values[from + (to - from) / 2];
        size_t i = from, j = to;

        for (;;) {
            while (values[i] < pivot)
                i++;
            while (values[j] > pivot)
                j--;
            if (i >= j)
                break;
            swap(&values[i++], &values[j--]);
        }
        if (values[j] > pivot)
            j--;
        if (k <= j)
            to = j;
        else
            from = j + 1;
    }
    return values[k];
}

static size_t fill_slopes(const double *values, size_t count, size_t step, double *slope)
{
    size_t pairs = 0;

    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i]))
            continue;
        for (size_t j = i + step; j < count; j += step)
            if (!isnan(values[j]))
                slope[pairs++] = (values[j] - values[i]) / (double)(j - i);
    }
    return pairs;
}

/* scratch: count values. */
static double level_of(const double *values, size_t count, double slope, double *scratch)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        if (!isnan(values[i]))
            scratch[n++] = values[i] - slope * (double)i;
    tcore_sort_doubles(scratch, n);
    return tcore_median(scratch, n);
}

enum tcore_status tcore_theil_sen(const double *values, size_t count, size_t period, double spread,
                                  struct tcore_theil_sen *result, struct tcore_error *err)
{
    size_t step = period < 1 ? 1 : period;
    size_t room = (size_t)tcore_theil_sen_pairs(count, step) + count + 1;
    double *slope = tcore_reallocarray(NULL, room, sizeof *slope);

    *result = (struct tcore_theil_sen){NAN, -INFINITY, INFINITY, NAN};
    if (!slope)
        return tcore_error_nomem(err);
    size_t pairs = fill_slopes(values, count, step, slope);

    if (pairs) {
        double below = select_value(slope, pairs, (pairs - 1) / 2);
        double above = select_value(slope, pairs, pairs / 2);
        double first = floor(((double)pairs - spread) / 2);

        result->slope = below == above ? below : below / 2 + above / 2;
        if (first >= 1) {
            result->lower = select_value(slope, pairs, (size_t)first - 1);
            result->upper = select_value(slope, pairs, pairs - (size_t)first);
        }
        result->level = level_of(values, count, result->slope, slope);
    }
    tcore_free(slope);
    return TCORE_OK;
}
