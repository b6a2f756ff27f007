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

static inline uint64_t differing_bytes(const char *p, const struct shape_key *key)
{
    __m256i a = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)p),
                                  _mm256_load_si256((const __m256i *)key->literal));
    if (__builtin_expect(key->literal_length <= 32, 1))
        return (uint32_t)key->mask & ~bits(a);
    __m256i b = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(p + 32)),
                                  _mm256_load_si256((const __m256i *)(key->literal + 32)));
    return key->mask & ~(bits(a) | (uint64_t)bits(b) << 32);
}

static inline bool matches(const char *p, const struct shape_key *key, uint64_t ignored)
{
    return !(differing_bytes(p, key) & ~ignored) && key->mask;
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

#define HAS_WINDOWS 1
#define WINDOW_NAME tcore_ndjson_window_avx2
#define ROWS_NAME   tcore_ndjson_rows_avx2

static inline uint32_t differing(const char *p, const char *text)
{
    return ~bits(_mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)p),
                                   _mm256_load_si256((const __m256i *)text)));
}

struct line_masks {
    uint64_t quote, newline;
};

/* What needs a closer look, so far. */
struct line_look {
    __m256i found;
};

static inline struct line_look look_begin(void)
{
    return (struct line_look){_mm256_setzero_si256()};
}

static inline bool look_end(const struct line_look *look)
{
    return bits(look->found);
}

static inline void line_scan_half(const char *p, struct line_look *look, uint32_t *quote,
                                  uint32_t *newline)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)p),
            end = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\n')),
            odd = _mm256_or_si256(_mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), v),
                                  _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\')));
    look->found = _mm256_or_si256(look->found, _mm256_andnot_si256(end, odd));
    *quote = bits(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('"')));
    *newline = bits(end);
}

static inline struct line_masks line_scan(const char *p, struct line_look *look)
{
    uint32_t quote[2], newline[2];
    line_scan_half(p, look, &quote[0], &newline[0]);
    line_scan_half(p + 32, look, &quote[1], &newline[1]);
    return (struct line_masks){quote[0] | (uint64_t)quote[1] << 32,
                               newline[0] | (uint64_t)newline[1] << 32};
}

/* Of each byte the numbers of its bits, lowest first; what follows them does not matter. */
#define LOWEST(n)                                                                                  \
    ((n)&1 ? 0 : (n)&2 ? 1 : (n)&4 ? 2 : (n)&8 ? 3 : (n)&16 ? 4 : (n)&32 ? 5 : (n)&64 ? 6 : 7)
#define LESS(n)  ((n) & ((n)-1))
#define LESS3(n) LESS(LESS(LESS(n)))
#define ROW(n)                                                                                     \
    {                                                                                              \
        LOWEST(n), LOWEST(LESS(n)), LOWEST(LESS(LESS(n))), LOWEST(LESS3(n)),                       \
            LOWEST(LESS3(LESS(n))), LOWEST(LESS3(LESS(LESS(n)))), LOWEST(LESS3(LESS3(n))),         \
            LOWEST(LESS3(LESS3(LESS(n))))                                                          \
    }
#define ROWS4(n)  ROW(n), ROW((n) + 1), ROW((n) + 2), ROW((n) + 3)
#define ROWS16(n) ROWS4(n), ROWS4((n) + 4), ROWS4((n) + 8), ROWS4((n) + 12)
#define ROWS64(n) ROWS16(n), ROWS16((n) + 16), ROWS16((n) + 32), ROWS16((n) + 48)
static const uint16_t bit_numbers[256][8]
    __attribute__((aligned(64))) = {ROWS64(0), ROWS64(64), ROWS64(128), ROWS64(192)};

static inline void put_points(uint16_t *out, uint64_t points, unsigned offset)
{
    __m128i base = _mm_set1_epi16((short)offset);
    /* unrolled: a loop would take the time of its body */
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; i++, points >>= 8) {
        unsigned byte = points & 0xff;
        __m128i numbers = _mm_load_si128((const __m128i *)bit_numbers[byte]);
        _mm_storeu_si128((__m128i *)out, _mm_add_epi16(numbers, base));
        base = _mm_add_epi16(base, _mm_set1_epi16(8));
        out += __builtin_popcount(byte);
    }
}

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

static inline unsigned few_digits(const char *p)
{
    __m256i v = _mm256_sub_epi8(_mm256_loadu_si256((const __m256i *)p),
                                _mm256_set1_epi8((char)('0' - 128)));
    return (unsigned)__builtin_ctzll(bits(_mm256_cmpgt_epi8(v, _mm256_set1_epi8(9 - 128))) |
                                     (uint64_t)1 << 32);
}

#include "stream/ndjson_digits.h"

#include "stream/ndjson_parse_impl.h"

#if defined __clang__
#pragma clang attribute pop
#endif
#endif
