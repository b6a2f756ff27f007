/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The arithmetic of the binary stream's columns: integers as offsets of 0 to 8 bytes from a base,
 * hexadecimal strings as bytes, and the checks of text. No allocation, no format: loops that the
 * compiler turns into vector code.
 */
#ifndef TRACECORE_STREAM_BINARY_CODEC_H
#define TRACECORE_STREAM_BINARY_CODEC_H

#include "stream/binary_bytes.h"

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

/* Bytes (0 to 8) that hold every offset up to range. */
unsigned tcore_binary_width(uint64_t range);

/* Smallest and largest of count >= 1 values. */
void tcore_binary_range(const int64_t *values, size_t count, int64_t *min, int64_t *max);

/* values[i] - base in width bytes each; out has count * width bytes. */
void tcore_binary_pack(uint8_t *out, const int64_t *values, size_t count, uint64_t base,
                       unsigned width);
/* The same for codes of 1 or 2 bytes and lengths of 1, 2 or 4 (0: nothing is written). */
void tcore_binary_pack_codes(uint8_t *out, const uint16_t *codes, size_t count, unsigned width);
void tcore_binary_pack_lengths(uint8_t *out, const uint32_t *lengths, size_t count, uint32_t base,
                               unsigned width);

/* values[i] = base + offset i. data has count * width bytes; none behind it is read. */
void tcore_binary_unpack(int64_t *values, const uint8_t *data, size_t count, uint64_t base,
                         unsigned width);
/* values[i] = values[i - 1] + step + offset i, where values[-1] is base. */
void tcore_binary_unpack_delta(int64_t *values, const uint8_t *data, size_t count, uint64_t base,
                               uint64_t step, unsigned width);
/* codes[i] = base + code i; width 0, 1, 2 or 4. Returns the largest code (without base). */
uint32_t tcore_binary_unpack_codes(uint32_t *codes, const uint8_t *data, size_t count,
                                   uint32_t base, unsigned width);
/* values[i] += more[i] */
void tcore_binary_add(int64_t *values, const int64_t *more, size_t count);
/* values[i] = base + a[i] + b[i] */
void tcore_binary_sum(int64_t *values, const int64_t *a, const int64_t *b, size_t count,
                      uint64_t base);

/* bytes from 2 * bytes lower-case hexadecimal digits; false if some digit is none. */
bool tcore_binary_hex_decode(uint8_t *out, const char *text, size_t bytes);
/* 2 * bytes digits, no NUL. */
void tcore_binary_hex_encode(char *out, const uint8_t *data, size_t bytes);

/* Whether all bytes are ASCII. */
bool tcore_binary_is_ascii(const char *text, size_t length);
/*
 * Whether text is well-formed UTF-8; or, with surrogates, what TCORE_STRING may hold: a lone
 * surrogate is its three-byte form (but not a high one followed by a low one: that pair is one
 * character of four bytes).
 */
bool tcore_binary_is_text(const char *text, size_t length, bool surrogates);

/* The bits 0x80 of the bytes that may not stand in a JSON string as they are, or are no ASCII. */
static inline uint64_t binary_special(uint64_t bytes)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    uint64_t quote = bytes ^ ones * '"', backslash = bytes ^ ones * '\\';
    return (((bytes - ones * ' ') | (quote - ones) | (backslash - ones)) | bytes) & high;
}

/* Whether text is ASCII that stands in a JSON string as it is; it may say no of some that is. */
static inline bool binary_is_plain(const char *text, size_t length)
{
    uint64_t found = 0, last = ' ';
    if (length >= 8) {
        for (size_t i = 0; i + 8 < length; i += 8)
            found |= binary_special(binary_get64(text + i));
        return !(found | binary_special(binary_get64(text + length - 8)));
    }
    for (size_t i = 0; i < length; i++)
        last = last << 8 | (unsigned char)text[i];
    return !(binary_special(last | UINT64_C(0x2020202020202020) << 8 * length));
}

/* Whether text is the literal of a JSON number (RFC 8259, 6). */
bool tcore_binary_is_number(const char *text, size_t length);
/*
 * Whether the JSON number is what tcore_format_double makes of a double: then *d is that double,
 * and the literal need not be kept. May say no where it is.
 */
bool tcore_binary_is_double(const char *text, size_t length, double *d);
/* Whether text is what tcore_format_int64 makes of an integer: then *i. */
bool tcore_binary_is_decimal(const char *text, size_t length, int64_t *i);

/* Whether a string where a time is expected is one: at most 19 digits that are an int64, as the
 * NDJSON decoder has it. */
bool tcore_binary_is_time(const char *text, size_t length, int64_t *ns);

#pragma GCC visibility pop

#endif
