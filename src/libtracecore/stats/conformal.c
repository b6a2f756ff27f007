/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stats/conformal.h"

#include "base/sys.h"
#include "stats/order.h"

#include <math.h>

#define NEIGHBOURS 8   /* the scale is smoothed over an eighth of the steps on both sides */
#define WORTH      0.5 /* degrees of freedom of what would be one independent error */

static double mean_size(const double *error, size_t origins, size_t steps, size_t step)
{
    double sum = 0;

    for (size_t k = 0; k < origins; k++)
        sum += fabs(error[k * steps + step]) / (double)origins;
    return sum;
}

/* raw: steps values of scratch. */
static void find_scale(struct tcore_conformal *c, const double *error, size_t origins, double *raw)
{
    size_t wide = c->steps / NEIGHBOURS + 1;

    for (size_t i = 0; i < c->steps; i++)
        raw[i] = mean_size(error, origins, c->steps, i);
    for (size_t i = 0; i < c->steps; i++) {
        size_t from = i > wide ? i - wide : 0, to = i + wide + 1;
        double sum = 0;

        to = to < c->steps ? to : c->steps;
        for (size_t k = from; k < to; k++)
            sum += raw[k];
        c->scale[i] = sum / (double)(to - from);
    }
}

/* How much more means of a forecast's errors vary than those of independent ones. */
static double design_effect(const double *error, size_t origins, size_t steps)
{
    double squares = 0, of_means = 0, n = (double)steps;

    for (size_t k = 0; k < origins; k++) {
        double mean = 0;

        for (size_t i = 0; i < steps; i++) {
            double e = error[k * steps + i];

            mean += e / n;
            squares += e * e / n;
        }
        of_means += mean * mean;
    }
    return squares > 0 ? fmax(1, of_means * n / squares) : 1;
}

enum tcore_status tcore_conformal_make(struct tcore_conformal *conformal, const double *error,
                                       size_t origins, size_t steps, size_t stride,
                                       struct tcore_error *err)
{
    size_t count = origins * steps;

    *conformal = (struct tcore_conformal){.steps = steps, .errors = count};
    conformal->scale = tcore_reallocarray(NULL, steps, sizeof *conformal->scale);
    conformal->error = tcore_reallocarray(NULL, count, sizeof *conformal->error);
    if (!conformal->scale || !conformal->error) {
        tcore_conformal_free(conformal);
        return tcore_error_nomem(err);
    }
    find_scale(conformal, error, origins, conformal->error);
    for (size_t i = 0; i < count; i++) {
        double scale = conformal->scale[i % steps];

        conformal->error[i] = scale > 0 ? error[i] / scale : 0;
    }
    double different = (double)((origins - 1) * (stride < steps ? stride : steps) + steps);

    conformal->freedom =
        fmax(1, WORTH * different / design_effect(conformal->error, origins, steps));
    tcore_sort_doubles(conformal->error, count);
    return TCORE_OK;
}

void tcore_conformal_free(struct tcore_conformal *conformal)
{
    tcore_free(conformal->scale);
    tcore_free(conformal->error);
    *conformal = (struct tcore_conformal){0};
}

static double scale_at(const struct tcore_conformal *c, size_t step)
{
    double last = c->scale[c->steps - 1];

    return step < c->steps ? c->scale[step] : last * (double)(step + 1) / (double)c->steps;
}

/* In scales: the quantile, farther from the median by how Student's t is wider than the normal
 * distribution. */
static double widened(const struct tcore_conformal *c, double q)
{
    double median = tcore_median(c->error, c->errors), wide = 1;
    double normal = fabs(tcore_normal_tail_inverse(q));

    if (normal > 0 && isfinite(normal))
        wide = tcore_student_of_normal(normal, c->freedom) / normal;
    return median + (tcore_quantile(c->error, c->errors, q) - median) * wide;
}

double tcore_conformal_bound(const struct tcore_conformal *conformal, size_t step, double q)
{
    return scale_at(conformal, step) * widened(conformal, q);
}

double tcore_conformal_probability(const struct tcore_conformal *conformal, size_t step,
                                   double above)
{
    double scale = scale_at(conformal, step), low = 0, high = 1;

    if (!(scale > 0))
        return above >= 0;
    for (int i = 0; i < 40; i++) {
        double middle = (low + high) / 2;

        if (scale * widened(conformal, middle) <= above)
            low = middle;
        else
            high = middle;
    }
    return low;
}
