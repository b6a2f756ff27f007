/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stats/proportion.h"

#include "stats/order.h"

#include <math.h>
#include <stdbool.h>

/* Outcomes count as equally likely within this: their weights are products of many roundings. */
#define EQUAL (1 + 1e-9)

/* How many hits of all fall into the first group: the hypergeometric distribution. */
struct hits {
    uint64_t n, m, all;
    uint64_t low, high; /* what is possible */
    uint64_t mode;
};

static struct hits make_hits(uint64_t all, uint64_t n, uint64_t m)
{
    struct hits h = {.n = n, .m = m, .all = all, .low = all > m ? all - m : 0};

    h.high = all < n ? all : n;
    h.mode = (uint64_t)((double)(all + 1) * (double)(n + 1) / (double)(n + m + 2));
    h.mode = h.mode < h.low ? h.low : h.mode > h.high ? h.high : h.mode;
    return h;
}

/* The weight of x + 1 hits, given that of x. */
static double weight_above(const struct hits *h, uint64_t x, double weight)
{
    return weight * (double)(h->all - x) / (double)(x + 1) * (double)(h->n - x) /
           (double)(h->m + x + 1 - h->all);
}

static double weight_below(const struct hits *h, uint64_t x, double weight)
{
    return weight * (double)x / (double)(h->all - x + 1) * (double)(h->m + x - h->all) /
           (double)(h->n - x + 1);
}

/* The weight of x hits where the mode's is 1. */
static double weight_of(const struct hits *h, uint64_t x)
{
    double weight = 1;

    for (uint64_t i = h->mode; i < x && weight > 0; i++)
        weight = weight_above(h, i, weight);
    for (uint64_t i = h->mode; i > x && weight > 0; i--)
        weight = weight_below(h, i, weight);
    return weight;
}

/* What is at most as likely as a weight, of all. */
static double share_at_most(const struct hits *h, double limit)
{
    double all = 1, unlikely = limit * EQUAL >= 1 ? 1 : 0, weight = 1;

    for (uint64_t i = h->mode; i < h->high && weight > 0; i++) {
        weight = weight_above(h, i, weight);
        all += weight;
        unlikely += weight <= limit * EQUAL ? weight : 0;
    }
    weight = 1;
    for (uint64_t i = h->mode; i > h->low && weight > 0; i--) {
        weight = weight_below(h, i, weight);
        all += weight;
        unlikely += weight <= limit * EQUAL ? weight : 0;
    }
    return fmin(1, unlikely / all);
}

double tcore_fisher_p(uint64_t a, uint64_t n, uint64_t b, uint64_t m)
{
    struct hits h = make_hits(a + b, n, m);

    return share_at_most(&h, weight_of(&h, a));
}

double tcore_fisher_smallest_p(uint64_t hits, uint64_t n, uint64_t m)
{
    struct hits h = make_hits(hits, n, m);

    return share_at_most(&h, fmin(weight_of(&h, h.low), weight_of(&h, h.high)));
}

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
