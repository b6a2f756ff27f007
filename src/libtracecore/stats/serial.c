/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stats/serial.h"

#include <math.h>
#include <stdbool.h>

/* How many of the sorted values are below value, or at most value. */
static size_t count_below(const double *sorted, size_t count, double value, bool or_equal)
{
    size_t from = 0;

    for (size_t to = count; from < to;) {
        size_t middle = from + (to - from) / 2;

        if (sorted[middle] < value || (or_equal && sorted[middle] == value))
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

double tcore_serial_correlation(const double *in_time, const double *sorted, size_t count)
{
    double product = 0, square = 0, before = 0;

    for (size_t i = 0; i < count; i++) {
        size_t below = count_below(sorted, count, in_time[i], false);
        size_t up_to = count_below(sorted, count, in_time[i], true);
        double rank = (double)(below + up_to) / 2 - (double)count / 2;

        product += i ? rank * before : 0;
        square += rank * rank;
        before = rank;
    }
    return square > 0 ? product / square : NAN;
}
