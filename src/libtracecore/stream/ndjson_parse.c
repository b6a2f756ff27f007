/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rare cases of the record parser, one byte at a time. */
#include "stream/ndjson_parse.h"

#include "model/batch.h"

#include <string.h>

const char *tcore_ndjson_fail(struct ndjson_parse *parse, const char *at, const char *reason)
{
    parse->error_at = at;
    parse->reason = reason;
    return NULL;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hexadecimal digits, or -1. */
static int hex4(const char *p)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(p[i]);
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* RFC 3629, table 3-7 */
unsigned tcore_ndjson_utf8_length(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        return (p[1] & 0xc0) == 0x80 ? 2 : 0;
    if (p[0] >= 0xe0 && p[0] <= 0xef) {
        unsigned char low = p[0] == 0xe0 ? 0xa0 : 0x80, high = p[0] == 0xed ? 0x9f : 0xbf;
        return p[1] >= low && p[1] <= high && (p[2] & 0xc0) == 0x80 ? 3 : 0;
    }
    if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        unsigned char low = p[0] == 0xf0 ? 0x90 : 0x80, high = p[0] == 0xf4 ? 0x8f : 0xbf;
        return p[1] >= low && p[1] <= high && (p[2] & 0xc0) == 0x80 && (p[3] & 0xc0) == 0x80 ? 4
                                                                                             : 0;
    }
    return 0;
}

const char *tcore_ndjson_string_slow(struct ndjson_parse *parse, const char *p, bool *escaped)
{
    for (;;) {
        unsigned char c = (unsigned char)*p;
        if (c == '"')
            return p;
        if (c == '\\') {
            *escaped = true;
            if (p[1] == 'u') {
                if (hex4(p + 2) < 0)
                    return tcore_ndjson_fail(parse, p, "\\u without four hexadecimal digits");
                p += 6;
            } else if (p[1] && strchr("\"\\\\/bfnrt", p[1])) {
                p += 2;
            } else {
                return tcore_ndjson_fail(parse, p, "an unknown escape in a string");
            }
        } else if (c >= 0x80) {
            unsigned length = tcore_ndjson_utf8_length(p);
            if (!length)
                return tcore_ndjson_fail(parse, p, "invalid UTF-8");
            p += length;
        } else if (c < 0x20) {
            return tcore_ndjson_fail(parse, p,
                                     c == '\n' ? "the line ends inside a string"
                                               : "a control character in a string");
        } else {
            p++;
        }
        /* plain stretches are the vector code's business; a short one is not worth the way back */
        if ((unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' && *p != '\\')
            return p;
    }
}

static char *put_utf8(char *out, unsigned c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *out++ = (char)(0xe0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        *out++ = (char)(0xf0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

const char *tcore_ndjson_unescape(struct tcore_arena *arena, const char *s, size_t length,
                                  size_t *decoded_length)
{
    char *start = tcore_arena_alloc(
        arena, length + TCORE_BATCH_PADDING); /* an escape is never shorter than its byte */
    if (!start)
        return NULL;
    char *out = start;
    for (const char *end = s + length; s < end;) {
        if (*s != '\\') {
            *out++ = *s++;
            continue;
        }
        static const char names[] = "bfnrt", bytes[] = "\b\f\n\r\t";
        const char *named = strchr(names, s[1]);
        if (s[1] != 'u') {
            *out++ = named ? bytes[named - names] : s[1];
            s += 2;
            continue;
        }
        unsigned c = (unsigned)hex4(s + 2);
        s += 6;
        if (c >= 0xd800 && c < 0xdc00 && end - s >= 6 && s[0] == '\\' && s[1] == 'u') {
            unsigned low = (unsigned)hex4(s + 2);
            if (low >= 0xdc00 && low < 0xe000) {
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                s += 6;
            }
        }
        out = put_utf8(out, c);
    }
    *decoded_length = (size_t)(out - start);
    return start;
}

const char *tcore_ndjson_number_slow(struct ndjson_parse *parse, const char *p)
{
    const char *start = p;
    if (*p == '-')
        p++;
    if (*p < '0' || *p > '9')
        return tcore_ndjson_fail(parse, start, "a value that is no JSON");
    if (*p == '0' && p[1] >= '0' && p[1] <= '9')
        return tcore_ndjson_fail(parse, start, "a number with a leading zero");
    while (*p >= '0' && *p <= '9')
        p++;
    if (*p == '.') {
        if (p[1] < '0' || p[1] > '9')
            return tcore_ndjson_fail(parse, p, "a number without digits behind the point");
        for (p++; *p >= '0' && *p <= '9';)
            p++;
    }
    if (*p == 'e' || *p == 'E') {
        const char *exponent = p++;
        if (*p == '+' || *p == '-')
            p++;
        if (*p < '0' || *p > '9')
            return tcore_ndjson_fail(parse, exponent, "a number without digits in the exponent");
        while (*p >= '0' && *p <= '9')
            p++;
    }
    return p;
}

void tcore_ndjson_forget(struct ndjson_parse *parse, struct shape_key *key)
{
    if (key->target.slot >= 0)
        parse->values[key->target.slot].kind = TCORE_ABSENT;
    if (!key->children)
        return;
    for (uint32_t i = 0; i <= key->children->mask; i++)
        if (key->children->table[i])
            tcore_ndjson_forget(parse, key->children->table[i]);
}
