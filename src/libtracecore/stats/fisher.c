/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The probability of one table comes from factorials; those of its neighbours from it by ratios of
 * small integers, away from the mode, where they fall so fast that the sum ends soon.
 */
#include "stats/fisher.h"

#include <math.h>
#include <stdbool.h>

#define NEGLIGIBLE 1e-18 /* of a sum */
#define SLACK      1e-7  /* relative: probabilities that close are taken for equal */

struct margins {
    uint64_t group, others, has, low, high; /* low and high: of a */
};

static double log_factorial(uint64_t n)
{
    int sign;
    return lgamma_r((double)n + 1, &sign);
}

static double log_choose(uint64_t n, uint64_t k)
{
    return log_factorial(n) - log_factorial(k) - log_factorial(n - k);
}

static double probability(const struct margins *m, uint64_t a)
{
    return exp(log_choose(m->group, a) + log_choose(m->others, m->has - a) -
               log_choose(m->group + m->others, m->has));
}

/* P(a + 1) / P(a). */
static double ratio_up(const struct margins *m, uint64_t a)
{
    return (double)(m->group - a) * (double)(m->has - a) /
           ((double)(a + 1) * (double)(m->others - m->has + a + 1));
}

/* The sum from a on to the end, upwards or downwards, in which probabilities only fall: a is on
 * that side of the mode. */
static double tail(const struct margins *m, uint64_t a, bool up)
{
    double p = probability(m, a), sum = p;
    while (a != (up ? m->high : m->low) && p > sum * NEGLIGIBLE) {
        p = up ? p * ratio_up(m, a) : p / ratio_up(m, a - 1);
        a = up ? a + 1 : a - 1;
        sum += p;
    }
    return sum > 1 ? 1 : sum;
}

/* Of the most likely table. */
static uint64_t mode_of(const struct margins *m)
{
    double at =
        ((double)m->group + 1) * ((double)m->has + 1) / ((double)(m->group + m->others) + 2);
    uint64_t mode = (uint64_t)at;
    return mode < m->low ? m->low : mode > m->high ? m->high : mode;
}

/* The first a from the mode on, upwards or downwards, that is no more likely than p; past the last
 * one: there is none. Probabilities fall all the way. */
static bool find_as_unlikely(const struct margins *m, double p, uint64_t mode, bool up,
                             uint64_t *found)
{
    uint64_t near = mode, far = up ? m->high : m->low;
    if (probability(m, far) > p * (1 + SLACK))
        return false;
    while (near != far) {
        uint64_t distance = up ? far - near : near - far;
        uint64_t middle = up ? near + distance / 2 : near - distance / 2;
        if (probability(m, middle) <= p * (1 + SLACK))
            far = middle;
        else
            near = up ? middle + 1 : middle - 1;
    }
    *found = far;
    return true;
}

static double two_sided(const struct margins *m, uint64_t a)
{
    uint64_t mode = mode_of(m), end;
    double p = probability(m, a), sum = 0;
    if (p >= probability(m, mode) * (1 - SLACK))
        return 1;
    if (find_as_unlikely(m, p, mode, true, &end))
        sum += tail(m, end, true);
    if (find_as_unlikely(m, p, mode, false, &end))
        sum += tail(m, end, false);
    return sum > 1 ? 1 : sum;
}

struct tcore_fisher tcore_fisher_test(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct margins m = {.group = a + b, .others = c + d, .has = a + c};
    struct tcore_fisher result = {1, 1, 1};
    m.low = m.has > m.others ? m.has - m.others : 0;
    m.high = m.has < m.group ? m.has : m.group;
    if (m.low == m.high)
        return result;
    uint64_t mode = mode_of(&m);
    if (a > mode) {
        result.greater = tail(&m, a, true);
        result.less = 1 - (a == m.high ? 0 : tail(&m, a + 1, true));
    } else {
        result.less = tail(&m, a, false);
        result.greater = 1 - (a == m.low ? 0 : tail(&m, a - 1, false));
    }
    result.two_sided = two_sided(&m, a);
    return result;
}

double tcore_fisher_smallest(uint64_t has, uint64_t group, uint64_t all)
{
    struct margins m = {.group = group, .others = all - group, .has = has};
    return probability(&m, has < group ? has : group);
}
