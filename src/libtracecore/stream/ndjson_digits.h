/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The value of up to 18 decimal digits with SSE4.1. Private to the x86-64 parsers. */
#ifndef TRACECORE_STREAM_NDJSON_DIGITS_H
#define TRACECORE_STREAM_NDJSON_DIGITS_H

#include <immintrin.h>
#include <stdint.h>

/* From offset n of this: the shuffle that moves the first n of 16 bytes to the end and blanks the
 * rest. */
static const unsigned char digits_align[32] __attribute__((aligned(16))) = {
    0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
    0,    1,    2,    3,    4,    5,    6,    7,    8,    9,    10,   11,   12,   13,   14,   15};

/* 1 to 16 digits at p. */
static inline uint64_t digits16(const char *p, unsigned n)
{
    __m128i v = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)p), _mm_set1_epi8('0'));
    v = _mm_shuffle_epi8(v, _mm_loadu_si128((const __m128i *)(digits_align + n)));
    /* pairs, then fours, then eights */
    v = _mm_maddubs_epi16(v, _mm_setr_epi8(10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1));
    v = _mm_madd_epi16(v, _mm_setr_epi16(100, 1, 100, 1, 100, 1, 100, 1));
    v = _mm_packus_epi32(v, v);
    v = _mm_madd_epi16(v, _mm_setr_epi16(10000, 1, 10000, 1, 10000, 1, 10000, 1));
    uint64_t halves = (uint64_t)_mm_cvtsi128_si64(v);
    return (halves & 0xffffffff) * 100000000 + (halves >> 32);
}

static inline uint64_t digits_value(const char *p, unsigned n)
{
    if (n <= 16)
        return digits16(p, n);
    uint64_t high = digits16(p, 16);
    for (unsigned i = 16; i < n; i++)
        high = high * 10 + (uint64_t)(p[i] - '0');
    return high;
}

#endif
