/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random numbers for tests: seeded, so that a failure can be had again. */
#ifndef TRACECORE_TESTS_CORE_RANDOM_H
#define TRACECORE_TESTS_CORE_RANDOM_H

#include <math.h>
#include <stdint.h>

struct random_source {
    uint64_t state;
};

static inline uint64_t random_bits(struct random_source *source)
{
    uint64_t z = source->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Below limit, near enough to even. */
static inline uint64_t random_below(struct random_source *source, uint64_t limit)
{
    return (uint64_t)(((unsigned __int128)random_bits(source) * limit) >> 64);
}

/* In (0, 1). */
static inline double random_unit(struct random_source *source)
{
    return ((double)(random_bits(source) >> 12) + 0.5) * 0x1p-52;
}

static inline double random_normal(struct random_source *source)
{
    double u = random_unit(source), v = random_unit(source);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

static inline double random_lognormal(struct random_source *source, double median, double sigma)
{
    return median * exp(sigma * random_normal(source));
}

#endif
