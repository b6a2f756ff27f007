/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counts and sampling weights. A record that sampling kept stands for several, and how many need
 * not be whole (a rate of 0.3 makes 3 1/3). So that counts can be added in any order and still
 * give the same bits, a weight is an integer number of 1/65,536, here called units, and so is
 * every count in src/libtracecore/stats.
 *
 * The largest total is 2^48 - 1 records (9 years of a million a second). Whatever would go beyond
 * is refused with TCORE_BAD_INPUT and leaves the state as it was; only made-up data gets there.
 */
#ifndef TRACECORE_STATS_WEIGHT_H
#define TRACECORE_STATS_WEIGHT_H

#include <stdbool.h>
#include <stdint.h>

#define TCORE_WEIGHT_ONE UINT64_C(65536)                      /* one record */
#define TCORE_COUNT_MAX  ((UINT64_C(1) << 48) - 1)            /* records */
#define TCORE_UNITS_MAX  (TCORE_COUNT_MAX * TCORE_WEIGHT_ONE) /* the same in units */

/* Units as records, correctly rounded; exact below 2^53 units. */
static inline double tcore_units_to_count(uint64_t units)
{
    return (double)units / (double)TCORE_WEIGHT_ONE;
}

/*
 * The nearest rank of quantile q among total (records or units): ceil(q * total), from 1 to total;
 * 0 only when total is 0. q is taken to nine decimals and the product is exact, so that 0.07 of
 * 100 is rank 7, although 0.07 * 100 is 7.000000000000001 in doubles. q outside [0, 1] is clamped.
 * Source of the definition: R. J. Hyndman, Y. Fan, "Sample quantiles in statistical packages",
 * The American Statistician 50 (1996), type 1.
 */
static inline uint64_t tcore_nearest_rank(double q, uint64_t total)
{
    const uint64_t parts = 1000000000;
    uint64_t q_parts = q >= 1 ? parts : q > 0 ? (uint64_t)(q * (double)parts + 0.5) : 0;
    uint64_t rank = (uint64_t)(((unsigned __int128)q_parts * total + parts - 1) / parts);
    return rank ? rank : total != 0;
}

#endif
