/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/json_text.h"

#include <stdbool.h>
#include <string.h>

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

/* --- Strings */

static int hex_digit(unsigned char c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The value of four hexadecimal digits that are known to be some. */
static unsigned hex4(const char *p)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++)
        value = value << 4 | (unsigned)hex_digit((unsigned char)p[i]);
    return value;
}

unsigned tcore_json_escape_length(const char *p, const char *end, unsigned *good)
{
    unsigned char c = tcore_json_byte(p + 1, end);
    *good = 1;
    if (c != 'u')
        return c && strchr("\"\\/bfnrt", c) ? 2 : 0;
    for (*good = 2; *good < 6; ++*good)
        if (hex_digit(tcore_json_byte(p + *good, end)) < 0)
            return 0;
    return 6;
}

static char *put_utf8(char *to, unsigned code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xf0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

size_t tcore_json_unescape(const char *p, const char *end, char *out)
{
    static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    char *to = out;
    while (p < end) {
        if (*p != '\\') {
            *to++ = *p++;
            continue;
        }
        if (p[1] != 'u') {
            *to++ = meant[strchr(plain, p[1]) - plain];
            p += 2;
            continue;
        }
        unsigned code = hex4(p + 2);
        p += 6;
        if (code >= 0xd800 && code < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
            unsigned low = hex4(p + 2);
            if (low >= 0xdc00 && low < 0xe000) {
                code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                p += 6;
            }
        }
        to = put_utf8(to, code);
    }
    return (size_t)(to - out);
}

/* --- Numbers */

static const char *skip_digits(const char *p, const char *end)
{
    while (is_digit(tcore_json_byte(p, end)))
        p++;
    return p;
}

const char *tcore_json_number_end(const char *p, const char *end, enum tcore_json_number *what)
{
    p += tcore_json_byte(p, end) == '-';
    const char *part = p;
    *what = TCORE_JSON_NO_DIGIT;
    if ((p = skip_digits(part, end)) == part)
        return p;
    *what = TCORE_JSON_LEADING_ZERO;
    if (*part == '0' && p > part + 1)
        return part + 1;
    if (tcore_json_byte(p, end) == '.') {
        *what = TCORE_JSON_NO_FRACTION;
        part = p + 1;
        if ((p = skip_digits(part, end)) == part)
            return p;
    }
    if ((tcore_json_byte(p, end) | 0x20) == 'e') {
        *what = TCORE_JSON_NO_EXPONENT;
        part = p + 1;
        if (tcore_json_byte(part, end) == '+' || tcore_json_byte(part, end) == '-')
            part++;
        if ((p = skip_digits(part, end)) == part)
            return p;
    }
    *what = TCORE_JSON_NUMBER;
    return p;
}
