/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sixteen hexadecimal digits and the number they are, many at a time. Private to trace/. */
#ifndef TRACECORE_TRACE_STORE_DIGITS_H
#define TRACECORE_TRACE_STORE_DIGITS_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#if defined __SSE2__
#include <emmintrin.h>
#endif

/* The number of eight digits (lower or upper case; nothing else may be there). */
static inline uint64_t read_hex8(const char *digits)
{
    uint64_t v;
    memcpy(&v, digits, 8);
    v = le64toh(v);
    v = (v & 0x0f0f0f0f0f0f0f0f) + 9 * (v >> 6 & 0x0101010101010101); /* a nibble a byte */
    v = (v << 4 | v >> 8) & 0x00ff00ff00ff00ff;                       /* a byte in two */
    v = (v | v >> 8) & 0x0000ffff0000ffff;
    return __builtin_bswap32((uint32_t)(v | v >> 16));
}

#if defined __SSE2__
static inline uint64_t read_hex16(const char *digits)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)digits);
    __m128i letter = _mm_and_si128(_mm_srli_epi16(v, 6), _mm_set1_epi8(1));
    __m128i nine = _mm_add_epi8(letter, _mm_slli_epi16(letter, 3));
    v = _mm_add_epi8(_mm_and_si128(v, _mm_set1_epi8(15)), nine); /* a nibble a byte */
    v = _mm_or_si128(_mm_slli_epi16(v, 4), _mm_srli_epi16(v, 8));
    v = _mm_and_si128(v, _mm_set1_epi16(0xff)); /* a byte in two */
    return __builtin_bswap64((uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16(v, v)));
}
#else
static inline uint64_t read_hex16(const char *digits)
{
    return read_hex8(digits) << 32 | read_hex8(digits + 8);
}
#endif

#if defined __SSE2__
static inline void write_hex16(uint64_t number, char *out)
{
    __m128i bytes = _mm_cvtsi64_si128((long long)__builtin_bswap64(number));
    __m128i high = _mm_srli_epi16(bytes, 4); /* with bits of the neighbour */
    __m128i v = _mm_and_si128(_mm_unpacklo_epi8(high, bytes), _mm_set1_epi8(15));
    __m128i letter = _mm_cmpgt_epi8(v, _mm_set1_epi8(9));
    v = _mm_add_epi8(v, _mm_set1_epi8('0'));
    v = _mm_add_epi8(v, _mm_and_si128(letter, _mm_set1_epi8('a' - '0' - 10)));
    _mm_storeu_si128((__m128i *)(void *)out, v);
}
#else
static inline void write_hex8(uint32_t number, char *out)
{
    uint64_t v = __builtin_bswap32(number);
    v = (v | v << 16) & 0x0000ffff0000ffff;
    v = (v | v << 8) & 0x00ff00ff00ff00ff;
    v = (v >> 4 & 0x000f000f000f000f) | (v << 8 & 0x0f000f000f000f00); /* a nibble a byte */
    uint64_t letters = (v + 0x0606060606060606) >> 4 & 0x0101010101010101;
    v = htole64(v + 0x3030303030303030 + letters * ('a' - '0' - 10));
    memcpy(out, &v, 8);
}

static inline void write_hex16(uint64_t number, char *out)
{
    write_hex8((uint32_t)(number >> 32), out);
    write_hex8((uint32_t)number, out + 8);
}
#endif

#endif
