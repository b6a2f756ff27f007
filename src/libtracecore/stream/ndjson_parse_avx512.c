/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The record parser with AVX-512: 64 bytes a vector, comparisons straight into mask registers. */
#if defined __x86_64__
#include <immintrin.h>
#include <string.h>
#if defined __clang__
#pragma clang attribute push(                                                                      \
    __attribute__((                                                                                \
        target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,avx2,bmi,bmi2,lzcnt,popcnt"))),   \
    apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,avx2,bmi,bmi2,lzcnt,popcnt")
#endif
#include "stream/ndjson_parse.h"

#define PARSE_NAME tcore_ndjson_parse_avx512

struct masks {
    uint64_t quote, special;
};

static inline struct masks scan(const char *p)
{
    __m512i v = _mm512_loadu_si512(p);
    /* signed: below 0x20 are the control characters and everything that is not ASCII */
    return (struct masks){_mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"')),
                          _mm512_cmplt_epi8_mask(v, _mm512_set1_epi8(0x20)) |
                              _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\'))};
}

static inline bool matches(const char *p, const struct shape_key *key, uint64_t ignored)
{
    uint64_t mask = key->mask & ~ignored;
    return !_mm512_mask_cmpneq_epi8_mask(mask, _mm512_loadu_si512(p),
                                         _mm512_load_si512(key->literal)) &&
           mask;
}

static inline bool begins(const char *p, const struct plan_step *step)
{
    return !_mm512_mask_cmpneq_epi8_mask(step->mask, _mm512_loadu_si512(p),
                                         _mm512_load_si512(step->literal));
}

#define FINDS_QUOTES 1

struct line_masks {
    uint64_t quote, newline, special;
};

static inline struct line_masks line_scan(const char *p)
{
    __m512i v = _mm512_loadu_si512(p);
    uint64_t newline = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\n'));
    return (struct line_masks){_mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"')), newline,
                               (_mm512_cmplt_epi8_mask(v, _mm512_set1_epi8(0x20)) & ~newline) |
                                   _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\'))};
}

static inline void put_quotes(uint16_t *out, uint64_t mask, unsigned offset)
{
    const __m512i numbers = _mm512_set_epi8(
        63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41,
        40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18,
        17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    __m512i set = _mm512_maskz_compress_epi8(mask, numbers),
            base = _mm512_set1_epi16((short)offset);
    __m512i low = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(set));
    _mm512_storeu_si512(out, _mm512_add_epi16(low, base));
    if (__builtin_popcountll(mask) > 32) {
        __m512i high = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(set, 1));
        _mm512_storeu_si512(out + 32, _mm512_add_epi16(high, base));
    }
}

static inline unsigned digits(const char *p)
{
    __m512i v = _mm512_sub_epi8(_mm512_loadu_si512(p), _mm512_set1_epi8('0'));
    uint64_t other = _mm512_cmpgt_epu8_mask(v, _mm512_set1_epi8(9));
    return other ? (unsigned)__builtin_ctzll(other) : 64;
}

#include "stream/ndjson_digits.h"

#include "stream/ndjson_parse_impl.h"

#if defined __clang__
#pragma clang attribute pop
#endif
#endif
