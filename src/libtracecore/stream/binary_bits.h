/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers of any count of bits behind each other: the first in the lowest bits of the first byte.
 * Each array begins at a multiple of 8 bytes, and 8 bytes follow the last one, so that every number
 * is in eight bytes that can be read at once.
 */
#ifndef TRACECORE_STREAM_BINARY_BITS_H
#define TRACECORE_STREAM_BINARY_BITS_H

#include "stream/binary_format.h"

#define BITS_MOST  56u /* of a number: with the bits before it in its first byte, a word */
#define BITS_SPARE 8u  /* bytes behind the last array, zero */

/* Bytes of an array of so many bits. */
static inline size_t bits_bytes(uint64_t bits)
{
    return (size_t)((bits + 63) / 64 * 8);
}

/* Bits that hold numbers up to most. */
static inline unsigned bits_of(uint64_t most)
{
    return most ? 64 - (unsigned)__builtin_clzll(most) : 0;
}

/* The number of width bits (at most BITS_MOST) from bit number `at` on. */
static inline uint64_t bits_get(const uint8_t *data, uint64_t at, unsigned width)
{
    return binary_get64(data + at / 8) >> at % 8 & (((uint64_t)1 << width) - 1);
}

/* Where numbers are put. */
struct bits {
    uint8_t *at;
    uint64_t held; /* `count` bits that are not at `at` yet */
    unsigned count;
};

static inline void bits_put(struct bits *bits, uint64_t number, unsigned width)
{
    bits->held |= number << bits->count;
    bits->count += width;
    if (bits->count < 64)
        return;
    binary_put64(bits->at, bits->held);
    bits->at += 8;
    bits->count -= 64;
    bits->held = bits->count ? number >> (width - bits->count) : 0;
}

/* Ends an array. */
static inline void bits_end(struct bits *bits)
{
    if (bits->count)
        binary_put64(bits->at, bits->held);
    bits->at += bits->count ? 8 : 0;
    bits->held = 0;
    bits->count = 0;
}

#endif
