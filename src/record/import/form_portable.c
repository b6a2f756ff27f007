/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Forms in plain C: eight bytes are looked at together. */
#include <config.h>

#include "record/import/form_private.h"

#include "model/id.h"

#define VARIANT      form_variant_portable
#define VARIANT_NAME "portable"

static const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;

struct look {
    uint64_t found;
};

static inline struct look look_begin(void)
{
    return (struct look){0};
}

static inline bool look_end(const struct look *look)
{
    return look->found & highs;
}

/* The high bit of each byte that is zero, and of no other. */
static inline uint64_t zero_bytes(uint64_t w)
{
    return ~(((w & ~highs) + ~highs) | w | ~highs);
}

/* A bit for each of eight bytes, of which the high ones are set in bytes. */
static inline uint64_t gather(uint64_t bytes)
{
    return (bytes >> 7) * 0x0102040810204080u >> 56;
}

struct block {
    uint64_t quote, backslash;
};

static inline struct block scan(const char *p, struct look *look)
{
    struct block block = {0, 0};
    for (unsigned i = 0; i < 64; i += 8) {
        uint64_t w = 0;
        for (unsigned j = 0; j < 8; j++) /* the first byte is the lowest on any machine */
            w |= (uint64_t)(unsigned char)p[i + j] << (8 * j);
        uint64_t backslash = zero_bytes(w ^ ones * '\\');
        look->found |= ((w - ones * ' ') & ~w) | w | backslash;
        block.quote |= gather(zero_bytes(w ^ ones * '"')) << i;
        block.backslash |= gather(backslash) << i;
    }
    return block;
}

static inline void put_points(uint32_t *out, uint64_t points, uint32_t offset)
{
    for (; points; points &= points - 1)
        *out++ = offset + (uint32_t)__builtin_ctzll(points);
}

static inline uint64_t differing(const char *p, const char *text, uint64_t mask)
{
    return (uint64_t)memcmp(p, text, (size_t)__builtin_popcountll(mask));
}

static inline void copy(char *out, const char *p, size_t length)
{
    memcpy(out, p, length);
}

static inline bool is_plain(const char *p, size_t length)
{
    (void)p;
    (void)length;
    return false;
}

static inline bool is_id(const char *p, size_t length)
{
    return tcore_id_is_canonical((enum tcore_id_class)length, p, length);
}

static void id_bytes(uint8_t *out, const char *p, size_t length)
{
    tcore_id_bytes(p, out, length / 2);
}

static inline unsigned digits(const char *p)
{
    unsigned n = 0;
    while (n < 20 && (unsigned char)(p[n] - '0') < 10)
        n++;
    return n;
}

static inline uint64_t digits_value(const char *p, unsigned n)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < n; i++)
        value = value * 10 + (uint64_t)(p[i] - '0');
    return value;
}

#include "record/import/form_impl.h"
