/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stats/ratio.h"

#include "stats/order.h"

#include <math.h>

static void take_logarithms(double *value, size_t count)
{
    for (size_t i = 0; i < count; i++)
        value[i] = log(value[i]);
}

/* A shift in proportion to what it started from. */
static double ratio_of_shift(double shift, double base)
{
    if (shift == 0)
        return 1;
    return base != 0 ? 1 + shift / fabs(base) : shift > 0 ? INFINITY : -INFINITY;
}

enum tcore_status tcore_ratio_estimate(struct tcore_rank_null *null, double *x, size_t n, double *y,
                                       size_t m, double confidence, struct tcore_ratio *ratio,
                                       struct tcore_error *err)
{
    bool positive = x[0] > 0 && y[0] > 0;
    double base = tcore_median(x, n);
    struct tcore_rank_shift shift;

    if (positive) {
        take_logarithms(x, n);
        take_logarithms(y, m);
    }
    *ratio = (struct tcore_ratio){NAN, NAN, NAN};
    enum tcore_status status = tcore_rank_shift(null, x, n, y, m, confidence, &shift, err);

    if (status != TCORE_OK)
        return status;
    ratio->estimate = positive ? exp(shift.estimate) : ratio_of_shift(shift.estimate, base);
    ratio->lower = positive ? exp(shift.lower) : ratio_of_shift(shift.lower, base);
    ratio->upper = positive ? exp(shift.upper) : ratio_of_shift(shift.upper, base);
    return TCORE_OK;
}
