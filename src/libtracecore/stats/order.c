/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stats/order.h"

#include "base/sys.h"

#include <math.h>
#include <stdlib.h>

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void tcore_sort_doubles(double *values, size_t count)
{
    size_t kept = count;

    /* NaN has no order: to the end with it before sorting. */
    for (size_t i = 0; i < kept;) {
        if (isnan(values[i])) {
            double nan = values[i];

            values[i] = values[--kept];
            values[kept] = nan;
        } else {
            i++;
        }
    }
    if (kept > 1)
        qsort(values, kept, sizeof *values, compare_doubles);
}

double tcore_quantile(const double *sorted, size_t count, double q)
{
    if (count == 0)
        return NAN;
    double at = fmin(fmax(q, 0), 1) * (double)(count - 1);
    size_t below = (size_t)at;
    double part = at - (double)below;

    if (below + 1 >= count || part == 0)
        return sorted[below < count ? below : count - 1];
    return sorted[below] * (1 - part) + sorted[below + 1] * part;
}

double tcore_median(const double *sorted, size_t count)
{
    if (count == 0)
        return NAN;
    double below = sorted[(count - 1) / 2], above = sorted[count / 2];

    return below == above ? below : below / 2 + above / 2;
}

double tcore_median_deviation(const double *sorted, size_t count, double *scratch)
{
    double median = tcore_median(sorted, count);

    for (size_t i = 0; i < count; i++)
        scratch[i] = fabs(sorted[i] - median);
    tcore_sort_doubles(scratch, count);
    return tcore_median(scratch, count);
}

double tcore_normal_tail(double z)
{
    return 0.5 * erfc(z / sqrt(2));
}

double tcore_normal_tail_inverse(double p)
{
    if (!(p > 0))
        return INFINITY;
    if (!(p < 1))
        return -INFINITY;
    if (p > 0.5)
        return -tcore_normal_tail_inverse(1 - p);
    /* The tail falls strictly, so bisection gives the nearest doubles; below 2.3e-308 z is 37.5. */
    double low = 0, high = 40;

    for (int i = 0; i < 80; i++) {
        double middle = (low + high) / 2;

        if (tcore_normal_tail(middle) > p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

double tcore_normal_of_student(double t, double freedom)
{
    return (8 * freedom + 1) / (8 * freedom + 3) * sqrt(freedom * log1p(t * t / freedom));
}

double tcore_student_of_normal(double z, double freedom)
{
    double bent = z * (8 * freedom + 3) / (8 * freedom + 1);

    return sqrt(freedom * expm1(bent * bent / freedom));
}

struct ranked_p {
    double p;
    size_t index;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked_p *x = a, *y = b;

    if (x->p != y->p)
        return x->p < y->p ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

enum tcore_status tcore_benjamini_hochberg(const double *p, size_t count, double *adjusted,
                                           struct tcore_error *err)
{
    struct ranked_p *ranked = tcore_reallocarray(NULL, count, sizeof *ranked);
    double smallest = 1;

    if (ranked == NULL)
        return tcore_error_nomem(err);
    for (size_t i = 0; i < count; i++)
        ranked[i] = (struct ranked_p){p[i], i};
    if (count > 1)
        qsort(ranked, count, sizeof *ranked, compare_ranked);
    for (size_t i = count; i-- > 0;) {
        smallest = fmin(smallest, ranked[i].p * (double)count / (double)(i + 1));
        adjusted[ranked[i].index] = smallest;
    }
    tcore_free(ranked);
    return TCORE_OK;
}
