/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stats/proportion.h"

#include "stats/order.h"

#include <math.h>

/* Wilson's interval. */
static void score_interval(double share, double n, double z, double *lower, double *upper)
{
    double centre = share + z * z / (2 * n), scale = 1 + z * z / n;
    double half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n));

    *lower = fmax(0, (centre - half) / scale);
    *upper = fmin(1, (centre + half) / scale);
}

struct tcore_proportion_difference tcore_proportion_compare(uint64_t a, uint64_t n, uint64_t b,
                                                            uint64_t m, double confidence)
{
    double z = tcore_normal_tail_inverse((1 - confidence) / 2), low_a, high_a, low_b, high_b;

    if (!n || !m)
        return (struct tcore_proportion_difference){NAN, NAN, NAN};
    double p = (double)a / (double)n, q = (double)b / (double)m;

    score_interval(p, (double)n, z, &low_a, &high_a);
    score_interval(q, (double)m, z, &low_b, &high_b);
    return (struct tcore_proportion_difference){
        .estimate = q - p,
        .lower = q - p - hypot(q - low_b, high_a - p),
        .upper = q - p + hypot(high_b - q, p - low_a),
    };
}
