/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tables are weighed against the most likely one: the weight of a neighbour comes by a ratio of
 * small integers, so that no factorial is taken, and falls away from there on both sides.
 */
#include "stats/fisher.h"

#include <math.h>

/* Tables count as equally likely within this: their weights are products of many roundings. */
#define EQUAL (1 + 1e-9)

struct margins {
    uint64_t group, others, has;
    uint64_t low, high; /* what a can be */
    uint64_t mode;      /* its most likely value, of weight 1 */
};

static struct margins make_margins(uint64_t has, uint64_t group, uint64_t others)
{
    struct margins m = {.group = group, .others = others, .has = has};

    m.low = has > others ? has - others : 0;
    m.high = has < group ? has : group;
    m.mode = (uint64_t)((double)(has + 1) * (double)(group + 1) / (double)(group + others + 2));
    m.mode = m.mode < m.low ? m.low : m.mode > m.high ? m.high : m.mode;
    return m;
}

/* The weight of a + 1, given that of a. */
static double weight_above(const struct margins *m, uint64_t a, double weight)
{
    return weight * (double)(m->has - a) / (double)(a + 1) * (double)(m->group - a) /
           (double)(m->others + a + 1 - m->has);
}

static double weight_below(const struct margins *m, uint64_t a, double weight)
{
    return weight * (double)a / (double)(m->has - a + 1) * (double)(m->others + a - m->has) /
           (double)(m->group - a + 1);
}

static double weight_of(const struct margins *m, uint64_t a)
{
    double weight = 1;

    for (uint64_t i = m->mode; i < a && weight > 0; i++)
        weight = weight_above(m, i, weight);
    for (uint64_t i = m->mode; i > a && weight > 0; i--)
        weight = weight_below(m, i, weight);
    return weight;
}

/* Weights of tables summed up; the p-values in terms of all. */
struct sums {
    uint64_t a;
    double limit; /* weights up to this one are as unlikely as a's */
    double all;
    struct tcore_fisher p;
};

static void add(struct sums *sums, uint64_t a, double weight)
{
    sums->all += weight;
    sums->p.greater += a >= sums->a ? weight : 0;
    sums->p.less += a <= sums->a ? weight : 0;
    sums->p.two_sided += weight <= sums->limit ? weight : 0;
}

static struct tcore_fisher judge(const struct margins *m, uint64_t a)
{
    struct sums sums = {.a = a, .limit = weight_of(m, a) * EQUAL};
    double weight = 1;

    add(&sums, m->mode, 1);
    for (uint64_t i = m->mode; i < m->high && weight > 0; i++)
        add(&sums, i + 1, weight = weight_above(m, i, weight));
    weight = 1;
    for (uint64_t i = m->mode; i > m->low && weight > 0; i--)
        add(&sums, i - 1, weight = weight_below(m, i, weight));
    return (struct tcore_fisher){fmin(1, sums.p.greater / sums.all),
                                 fmin(1, sums.p.less / sums.all),
                                 fmin(1, sums.p.two_sided / sums.all)};
}

struct tcore_fisher tcore_fisher_test(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct margins m = make_margins(a + c, a + b, c + d);

    return judge(&m, a);
}

struct tcore_fisher tcore_fisher_smallest(uint64_t has, uint64_t group, uint64_t all)
{
    struct margins m = make_margins(has, group, all - group);
    struct tcore_fisher low = judge(&m, m.low), high = judge(&m, m.high);

    return (struct tcore_fisher){high.greater, low.less, fmin(low.two_sided, high.two_sided)};
}
