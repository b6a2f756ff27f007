/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The numbers of the bits of a mask, for parsers that have no instruction for that. Private to
 * them.
 */
#ifndef TRACECORE_STREAM_NDJSON_BITS_H
#define TRACECORE_STREAM_NDJSON_BITS_H

#include <stdint.h>

/* Four at a time, whether there are as many or not: a loop of as many steps as there are bits would
 * end where nobody can foresee it. */
static inline void put_quotes(uint16_t *out, uint64_t mask, unsigned offset)
{
    do {
        for (unsigned i = 0; i < 4; i++) {
            *out++ = (uint16_t)(offset + (mask ? (unsigned)__builtin_ctzll(mask) : 0));
            mask &= mask - 1;
        }
    } while (mask);
}

#endif
