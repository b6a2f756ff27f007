/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The record parser with AVX-512: 64 bytes a vector, comparisons straight into mask registers. */
#if defined __x86_64__
#include <immintrin.h>
#include <string.h>
#if defined __clang__
#pragma clang attribute push(                                                                      \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx2,bmi,bmi2,lzcnt,popcnt"))),               \
    apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512vl,avx2,bmi,bmi2,lzcnt,popcnt")
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
