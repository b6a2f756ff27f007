/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Forms with AVX-512: a piece is one vector, compared into a mask register. */
#include <config.h>

#if defined __x86_64__
#include <immintrin.h>
#if defined __clang__
#pragma clang attribute push(                                                                      \
    __attribute__((                                                                                \
        target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,avx2,bmi,bmi2,lzcnt,popcnt"))),   \
    apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,avx2,bmi,bmi2,lzcnt,popcnt")
#endif
#include "record/import/form_private.h"

#include "stream/ndjson_digits.h"

#define VARIANT      form_variant_avx512
#define VARIANT_NAME "avx512"

struct look {
    __m512i least;
    __mmask64 backslash;
};

static inline struct look look_begin(void)
{
    return (struct look){_mm512_set1_epi8(0x7f), 0};
}

static inline bool look_end(const struct look *look)
{
    /* signed: below 0x20 are the control characters and everything that is not ASCII */
    return look->backslash | _mm512_cmplt_epi8_mask(look->least, _mm512_set1_epi8(0x20));
}

struct block {
    uint64_t quote, backslash;
};

static inline struct block scan(const char *p, struct look *look)
{
    __m512i v = _mm512_loadu_si512(p);
    __mmask64 backslash = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\'));
    look->least = _mm512_min_epi8(look->least, v);
    look->backslash |= backslash;
    return (struct block){_mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"')), backslash};
}

static inline void put_points(uint32_t *out, uint64_t points, uint32_t offset)
{
    const __m512i numbers = _mm512_set_epi8(
        63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41,
        40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18,
        17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    __m512i set = _mm512_maskz_compress_epi8(points, numbers);
    __m512i base = _mm512_set1_epi32((int)offset);
    __m128i part[4] = {_mm512_castsi512_si128(set), _mm512_extracti32x4_epi32(set, 1),
                       _mm512_extracti32x4_epi32(set, 2), _mm512_extracti32x4_epi32(set, 3)};
    unsigned count = (unsigned)__builtin_popcountll(points);
    for (unsigned i = 0; i < 4; i++) {
        if (i && __builtin_expect(count <= 16 * i, 1))
            break;
        _mm512_storeu_si512(out + 16 * (size_t)i,
                            _mm512_add_epi32(_mm512_cvtepu8_epi32(part[i]), base));
    }
}

static inline uint64_t differing(const char *p, const char *text, uint64_t mask)
{
    return _mm512_mask_cmpneq_epi8_mask(mask, _mm512_loadu_si512(p), _mm512_loadu_si512(text));
}

static inline void copy(char *out, const char *p, size_t length)
{
    _mm512_storeu_si512(out, _mm512_loadu_si512(p));
    if (__builtin_expect(length > FORM_PIECE, 0))
        memcpy(out + FORM_PIECE, p + FORM_PIECE, length - FORM_PIECE);
}

static inline bool is_plain(const char *p, size_t length)
{
    __m512i v = _mm512_loadu_si512(p);
    uint64_t special = _mm512_cmplt_epi8_mask(v, _mm512_set1_epi8(0x20)) |
                       _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\'));
    return length < 64 && !_bzhi_u64(special, (unsigned)length);
}

static inline bool is_id(const char *p, size_t length)
{
    __mmask32 mask = length == 32 ? 0xffffffff : 0xffff;
    __m256i v = _mm256_maskz_loadu_epi8(mask, p);
    __mmask32 digit =
        _mm256_cmplt_epu8_mask(_mm256_sub_epi8(v, _mm256_set1_epi8('0')), _mm256_set1_epi8(10));
    __mmask32 letter =
        _mm256_cmplt_epu8_mask(_mm256_sub_epi8(v, _mm256_set1_epi8('a')), _mm256_set1_epi8(6));
    return ((digit | letter) & mask) == mask;
}

static void id_bytes(uint8_t *out, const char *p, size_t length)
{
    __mmask32 mask = length == 32 ? 0xffffffff : 0xffff;
    __m256i v = _mm256_maskz_loadu_epi8(mask, p);
    /* the letters' low bits are 1 to 6, and they have bit 6 */
    __m256i letter = _mm256_and_si256(_mm256_srli_epi16(v, 6), _mm256_set1_epi8(1));
    __m256i digit = _mm256_add_epi8(_mm256_and_si256(v, _mm256_set1_epi8(15)),
                                    _mm256_add_epi8(letter, _mm256_slli_epi16(letter, 3)));
    __m256i pair = _mm256_maddubs_epi16(digit, _mm256_set1_epi16(0x0110));
    _mm_storeu_si128((__m128i *)(void *)out, _mm256_cvtepi16_epi8(pair));
}

static inline unsigned digits(const char *p)
{
    __m256i v = _mm256_sub_epi8(_mm256_loadu_si256((const __m256i *)(const void *)p),
                                _mm256_set1_epi8('0'));
    uint32_t other = _mm256_cmpgt_epu8_mask(v, _mm256_set1_epi8(9)) | (uint32_t)1 << 20;
    return (unsigned)__builtin_ctz(other);
}

#include "record/import/form_impl.h"

#if defined __clang__
#pragma clang attribute pop
#endif
#endif
