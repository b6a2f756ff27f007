/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Forms with AVX2: a piece is two vectors. */
#include <config.h>

#if defined __x86_64__
#include <immintrin.h>
#if defined __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt"))),                \
                             apply_to = function)
#else
#pragma GCC target("avx2,bmi,bmi2,lzcnt,popcnt")
#endif
#include "record/import/form_private.h"

#include "stream/ndjson_digits.h"

#define VARIANT      form_variant_avx2
#define VARIANT_NAME "avx2"

struct look {
    __m256i least;
    uint64_t backslash;
};

static inline struct look look_begin(void)
{
    return (struct look){_mm256_set1_epi8(0x7f), 0};
}

static inline bool look_end(const struct look *look)
{
    /* signed: below 0x20 are the control characters and everything that is not ASCII */
    __m256i low = _mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), look->least);
    return look->backslash || _mm256_movemask_epi8(low);
}

static inline __m256i load(const char *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* A bit for each of the 64 bytes in a and b that is c. */
static inline uint64_t equal(__m256i a, __m256i b, char c)
{
    __m256i same = _mm256_set1_epi8(c);
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, same)) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b, same)) << 32;
}

struct block {
    uint64_t quote, backslash;
};

static inline struct block scan(const char *p, struct look *look)
{
    __m256i a = load(p), b = load(p + 32);
    struct block block = {equal(a, b, '"'), equal(a, b, '\\')};
    look->least = _mm256_min_epi8(look->least, _mm256_min_epi8(a, b));
    look->backslash |= block.backslash;
    return block;
}

/* Eight at a time, as most blocks have less than that or not many more. */
static inline void put_points(uint32_t *out, uint64_t points, uint32_t offset)
{
    unsigned count = (unsigned)__builtin_popcountll(points);
    for (unsigned i = 0; i < count; i += 8)
        for (unsigned j = 0; j < 8; j++, points &= points - 1)
            out[i + j] = offset + (uint32_t)_tzcnt_u64(points);
}

static inline uint64_t differing(const char *p, const char *text, uint64_t mask)
{
    uint32_t low = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(load(p), load(text)));
    uint32_t high =
        (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(load(p + 32), load(text + 32)));
    return mask & ~(low | (uint64_t)high << 32);
}

static inline void copy(char *out, const char *p, size_t length)
{
    _mm256_storeu_si256((__m256i *)(void *)out, load(p));
    _mm256_storeu_si256((__m256i *)(void *)(out + 32), load(p + 32));
    if (__builtin_expect(length > FORM_PIECE, 0))
        memcpy(out + FORM_PIECE, p + FORM_PIECE, length - FORM_PIECE);
}

static inline bool is_plain(const char *p, size_t length)
{
    __m256i v = load(p);
    __m256i special = _mm256_or_si256(_mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), v),
                                      _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\')));
    return length < 32 && !_bzhi_u32((uint32_t)_mm256_movemask_epi8(special), (unsigned)length);
}

/* A bit for each byte of v that is less than below when the first counts as 0. */
static inline uint32_t in_range(__m256i v, char first, char below)
{
    __m256i from_zero = _mm256_sub_epi8(v, _mm256_set1_epi8(first));
    __m256i last = _mm256_set1_epi8((char)(below - 1));
    return (uint32_t)_mm256_movemask_epi8(
        _mm256_cmpeq_epi8(_mm256_min_epu8(from_zero, last), from_zero));
}

static inline bool is_id(const char *p, size_t length)
{
    __m256i v = load(p);
    uint32_t mask = length == 32 ? 0xffffffff : 0xffff;
    return !(mask & ~(in_range(v, '0', 10) | in_range(v, 'a', 6)));
}

static void id_bytes(uint8_t *out, const char *p, size_t length)
{
    uint8_t bytes[16];
    __m256i v = load(p);
    /* the letters' low bits are 1 to 6, and they have bit 6 */
    __m256i letter = _mm256_and_si256(_mm256_srli_epi16(v, 6), _mm256_set1_epi8(1));
    __m256i digit = _mm256_add_epi8(_mm256_and_si256(v, _mm256_set1_epi8(15)),
                                    _mm256_add_epi8(letter, _mm256_slli_epi16(letter, 3)));
    __m256i pair = _mm256_maddubs_epi16(digit, _mm256_set1_epi16(0x0110));
    __m128i packed =
        _mm_packus_epi16(_mm256_castsi256_si128(pair), _mm256_extracti128_si256(pair, 1));
    _mm_storeu_si128((__m128i *)(void *)bytes, packed);
    memcpy(out, bytes, length / 2);
}

static inline unsigned digits(const char *p)
{
    return (unsigned)__builtin_ctz(~in_range(load(p), '0', 10) | (uint32_t)1 << 20);
}

#include "record/import/form_impl.h"

#if defined __clang__
#pragma clang attribute pop
#endif
#endif
