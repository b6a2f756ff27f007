/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trace ids as numbers. Private to trace/. */
#ifndef TRACECORE_TRACE_ID_HASH_H
#define TRACECORE_TRACE_ID_HASH_H

#include <stdint.h>

/* NH: the product of two keyed sums. Whoever does not know the key cannot aim at a partition or a
 * slot (J. Black, S. Halevi, H. Krawczyk, T. Krovetz, P. Rogaway, "UMAC", CRYPTO 1999). */
static inline uint64_t hash_trace_id(const uint64_t seed[2], const uint64_t id[2])
{
    unsigned __int128 product = (unsigned __int128)(id[0] + seed[0]) * (id[1] + seed[1]);
    return ((uint64_t)product ^ (uint64_t)(product >> 64)) * 0x9e3779b97f4a7c15u;
}

#endif
