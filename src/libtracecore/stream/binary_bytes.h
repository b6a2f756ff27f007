/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Little-endian numbers at any address, and short texts. Private to stream/ and who reads its
 * formats. */
#ifndef TRACECORE_STREAM_BINARY_BYTES_H
#define TRACECORE_STREAM_BINARY_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t binary_get16(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap16(v);
#endif
    return v;
}

static inline uint32_t binary_get32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap32(v);
#endif
    return v;
}

static inline uint64_t binary_get64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

static inline void binary_put16(void *p, uint16_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap16(v);
#endif
    memcpy(p, &v, sizeof v);
}

static inline void binary_put32(void *p, uint32_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap32(v);
#endif
    memcpy(p, &v, sizeof v);
}

static inline void binary_put64(void *p, uint64_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    memcpy(p, &v, sizeof v);
}

/* Whether two texts of that length are the same: faster than memcmp() for names and the like. */
static inline bool binary_same(const char *a, const char *b, size_t length)
{
    if (length >= 8) {
        for (size_t i = 0; i < length - 8; i += 8)
            if (binary_get64(a + i) != binary_get64(b + i))
                return false;
        return binary_get64(a + length - 8) == binary_get64(b + length - 8);
    }
    if (length >= 4)
        return binary_get32(a) == binary_get32(b) &&
               binary_get32(a + length - 4) == binary_get32(b + length - 4);
    for (size_t i = 0; i < length; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

#endif
