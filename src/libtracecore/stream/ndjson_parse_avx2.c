/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The record parser with AVX2: two 32-byte vectors at a time. */
#if defined __x86_64__
#include <immintrin.h>
#include <string.h>
#if defined __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt"))),                \
                             apply_to = function)
#else
#pragma GCC target("avx2,bmi,bmi2,lzcnt,popcnt")
#endif
#include "stream/ndjson_parse.h"

#define PARSE_NAME tcore_ndjson_parse_avx2

struct masks {
    uint64_t quote, special;
};

static inline uint32_t bits(__m256i v)
{
    return (uint32_t)_mm256_movemask_epi8(v);
}

static inline struct masks scan(const char *p)
{
    const __m256i quote = _mm256_set1_epi8('"'), backslash = _mm256_set1_epi8('\\'),
                  blank = _mm256_set1_epi8(0x20);
    __m256i a = _mm256_loadu_si256((const __m256i *)p),
            b = _mm256_loadu_si256((const __m256i *)(p + 32));
    /* signed: below 0x20 are the control characters and everything that is not ASCII */
    __m256i sa = _mm256_or_si256(_mm256_cmpgt_epi8(blank, a), _mm256_cmpeq_epi8(a, backslash));
    __m256i sb = _mm256_or_si256(_mm256_cmpgt_epi8(blank, b), _mm256_cmpeq_epi8(b, backslash));
    return (struct masks){bits(_mm256_cmpeq_epi8(a, quote)) |
                              (uint64_t)bits(_mm256_cmpeq_epi8(b, quote)) << 32,
                          bits(sa) | (uint64_t)bits(sb) << 32};
}

static inline bool matches(const char *p, const struct shape_key *key, uint64_t ignored)
{
    uint64_t mask = key->mask & ~ignored;
    __m256i a = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)p),
                                  _mm256_load_si256((const __m256i *)key->literal));
    if (__builtin_expect(key->literal_length <= 32, 1))
        return ((uint32_t)mask & ~bits(a)) == 0 && mask;
    __m256i b = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(p + 32)),
                                  _mm256_load_si256((const __m256i *)(key->literal + 32)));
    return (mask & ~(bits(a) | (uint64_t)bits(b) << 32)) == 0 && mask;
}

static inline bool begins(const char *p, const struct plan_step *step)
{
    const __m256i *text = (const __m256i *)p, *literal = (const __m256i *)step->literal;
    uint32_t low = bits(_mm256_cmpeq_epi8(_mm256_loadu_si256(text), _mm256_load_si256(literal)));
    if (LIKELY(step->length < 32)) /* a nested value's first byte is one more */
        return !((uint32_t)step->mask & ~low);
    uint32_t high =
        bits(_mm256_cmpeq_epi8(_mm256_loadu_si256(text + 1), _mm256_load_si256(literal + 1)));
    return !(step->mask & ~(low | (uint64_t)high << 32));
}

#define HAS_WINDOWS 0

static inline unsigned digits(const char *p)
{
    for (unsigned n = 0; n < 64; n += 32) {
        __m256i v = _mm256_sub_epi8(_mm256_loadu_si256((const __m256i *)(p + n)),
                                    _mm256_set1_epi8((char)('0' - 128)));
        uint32_t other = bits(_mm256_cmpgt_epi8(v, _mm256_set1_epi8(9 - 128)));
        if (other)
            return n + (unsigned)__builtin_ctz(other);
    }
    return 64;
}

#include "stream/ndjson_digits.h"

#include "stream/ndjson_parse_impl.h"

#if defined __clang__
#pragma clang attribute pop
#endif
#endif
