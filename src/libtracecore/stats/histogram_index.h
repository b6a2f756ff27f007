/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bucket of a value, exactly. A value is 2^e * m with 1 <= m < 2, and its bucket at scale 6 is
 * 64 * e - 1 plus how many of the 64 boundaries 2^(j/64), j = 0 ... 63, are below m. Boundaries
 * and m are compared as 64-bit integers, scaled by 2^63. All boundaries but the first are
 * irrational, so cutting them to integers cannot turn the comparison round; the first is exact and
 * the comparison strict, which makes the upper bound belong to the bucket below.
 *
 * Boundaries are more than 1/128 apart, so the first 7 bits of m leave one of two answers: a table
 * has the lower, one comparison decides. Private to the histogram's files.
 */
#ifndef TRACECORE_STATS_HISTOGRAM_INDEX_H
#define TRACECORE_STATS_HISTOGRAM_INDEX_H

#include <stdint.h>
#include <string.h>

/* At scale 6: the buckets of the smallest and of the largest finite double. */
#define TCORE_SMALLEST_INDEX (-68737)
#define TCORE_LARGEST_INDEX  65535

/* floor(2^(j/64) * 2^63), and at the end a value that none exceeds. */
extern const uint64_t tcore_histogram_boundaries[65];
/* By the first 7 bits of m behind the point: how many boundaries are below all such m. */
extern const uint8_t tcore_histogram_lower[128];

/* m63: the value shifted so that its first bit is bit 63. */
static inline int32_t tcore_index_of(int32_t exponent, uint64_t m63)
{
    uint32_t lower = tcore_histogram_lower[(m63 >> 56) & 127];
    return exponent * 64 + (int32_t)lower - 1 + (m63 > tcore_histogram_boundaries[lower]);
}

/* value positive and finite */
static inline int32_t tcore_index_of_double(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    int32_t exponent = (int32_t)(bits >> 52);
    if (exponent)
        return tcore_index_of(exponent - 1023, (fraction | UINT64_C(1) << 52) << 11);
    int zeros = __builtin_clzll(fraction); /* subnormal: fraction * 2^-1074 */
    return tcore_index_of(63 - zeros - 1074, fraction << zeros);
}

/* value > 0 */
static inline int32_t tcore_index_of_integer(uint64_t value)
{
    if (value < UINT64_C(1) << 53) /* exact as a double, and converting is faster than counting */
        return tcore_index_of_double((double)(int64_t)value);
    int zeros = __builtin_clzll(value);
    return tcore_index_of(63 - zeros, value << zeros);
}

#endif
