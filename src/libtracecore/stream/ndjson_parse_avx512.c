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

static inline uint64_t differing_bytes(const char *p, const struct shape_key *key)
{
    if (UNLIKELY(key->literal_length > 32))
        return _mm512_mask_cmpneq_epi8_mask(key->mask, _mm512_loadu_si512(p),
                                            _mm512_load_si512(key->literal));
    return _mm256_mask_cmpneq_epi8_mask((uint32_t)key->mask, _mm256_loadu_si256((const __m256i *)p),
                                        _mm256_load_si256((const __m256i *)key->literal));
}

static inline bool begins(const char *p, const struct plan_step *step)
{
    return !_mm512_mask_cmpneq_epi8_mask(step->mask, _mm512_loadu_si512(p),
                                         _mm512_load_si512(step->literal));
}

#define HAS_WINDOWS 1
#define WINDOW_NAME tcore_ndjson_window_avx512
#define ROWS_NAME   tcore_ndjson_rows_avx512

static inline uint32_t differing(const char *p, const char *text)
{
    return _mm256_cmpneq_epi8_mask(_mm256_loadu_si256((const __m256i *)p),
                                   _mm256_load_si256((const __m256i *)text));
}

struct line_masks {
    uint64_t quote, newline;
};

/* What needs a closer look, so far. */
struct line_look {
    __m512i least;
    __mmask64 backslash;
};

static inline struct line_look look_begin(void)
{
    return (struct line_look){_mm512_set1_epi8(0x7f), 0};
}

static inline bool look_end(const struct line_look *look)
{
    return look->backslash | _mm512_cmplt_epi8_mask(look->least, _mm512_set1_epi8(0x20));
}

static inline struct line_masks line_scan(const char *p, struct line_look *look)
{
    __m512i v = _mm512_loadu_si512(p);
    __mmask64 newline = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\n'));
    look->least = _mm512_min_epi8(look->least, _mm512_mask_blend_epi8(newline, v, look->least));
    look->backslash |= _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\'));
    return (struct line_masks){_mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"')), newline};
}

static inline void put_points(uint16_t *out, uint64_t points, unsigned offset)
{
    const __m512i numbers = _mm512_set_epi8(
        63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41,
        40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18,
        17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    __m512i set = _mm512_maskz_compress_epi8(points, numbers),
            base = _mm512_set1_epi16((short)offset);
    /* stores of half a cache line: most have few, and whole ones are always of two lines */
    __m256i first = _mm256_cvtepu8_epi16(_mm512_castsi512_si128(set));
    _mm256_storeu_si256((__m256i *)out, _mm256_add_epi16(first, _mm512_castsi512_si256(base)));
    if (UNLIKELY(__builtin_popcountll(points) > 16)) {
        __m512i low = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(set));
        _mm512_storeu_si512(out, _mm512_add_epi16(low, base));
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

static inline unsigned few_digits(const char *p)
{
    __m256i v = _mm256_sub_epi8(_mm256_loadu_si256((const __m256i *)p), _mm256_set1_epi8('0'));
    return (unsigned)__builtin_ctzll(_mm256_cmpgt_epu8_mask(v, _mm256_set1_epi8(9)) | (uint64_t)1
                                                                                          << 32);
}

#include "stream/ndjson_digits.h"

#include "stream/ndjson_parse_impl.h"

#if defined __clang__
#pragma clang attribute pop
#endif
#endif
