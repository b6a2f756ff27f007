/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/metric/line.h"

#include "c-ctype.h"

#include <string.h>

enum { PLAIN, BLANK, EQUALS, ODD }; /* odd: would be escaped, or is no ASCII */

static const uint8_t *classes(void)
{
    static uint8_t class[256];
    if (!class[0]) {
        for (int c = 0; c < 256; c++)
            class[c] = c <= ' ' || c >= 0x7f || c == '"' || c == '\\' ? ODD : PLAIN;
        class[' '] = class['\t'] = class['\r'] = BLANK;
        class['='] = EQUALS;
    }
    return class;
}

/* How many of the next bytes are plain, looked at eight at a time; maybe fewer than there are. */
static size_t plain_bytes(const char *text, size_t length)
{
    size_t n = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    for (; n + 8 <= length; n += 8) {
        uint64_t w, odd;
        memcpy(&w, text + n, 8);
        odd = (w - ones * 0x21) & ~w;    /* up to a blank */
        odd |= (w + ones) | w;           /* from DEL on */
        for (size_t i = 0; i < 3; i++) { /* bits of bytes behind the first odd one may be wrong */
            uint64_t x = w ^ (ones * (uint8_t) "\"\\="[i]);
            odd |= (x - ones) & ~x;
        }
        if (odd & high)
            return n + (size_t)__builtin_ctzll(odd & high) / 8;
    }
#endif
    return n;
}

bool metric_line_split(const char *text, size_t length, struct metric_words_found *words)
{
    const uint8_t *class = classes();
    const char *at = text, *end = text + length;
    words->count = 0;
    for (;;) {
        while (at < end && class[(unsigned char)*at] == BLANK)
            at++;
        if (at == end)
            return true;
        if (words->count == METRIC_LINE_WORDS)
            return false;
        const char *start = at, *equals = NULL;
        for (at += plain_bytes(at, (size_t)(end - at)); at < end; at++) {
            uint8_t c = class[(unsigned char)*at];
            if (c == PLAIN)
                continue;
            if (c == ODD)
                return false;
            if (c == BLANK)
                break;
            if (!equals)
                equals = at;
        }
        words->word[words->count].text = start;
        words->word[words->count].length = (uint32_t)(at - start);
        words->word[words->count++].equals = (uint32_t)((equals ? equals : at) - start);
    }
}

static size_t digits(const char *s, size_t length)
{
    size_t n = 0;
    while (n < length && c_isdigit(s[n]))
        n++;
    return n;
}

/* A number as JSON has it; without exponents where these are text (record/attributes.h). */
static bool is_number(const char *s, size_t length, bool exponents)
{
    const char *end = s + length;
    s += length && *s == '-';
    size_t n = digits(s, (size_t)(end - s));
    if (!n || (n > 1 && *s == '0'))
        return false;
    s += n;
    if (s < end && *s == '.') {
        n = digits(s + 1, (size_t)(end - s - 1));
        if (!n)
            return false;
        s += 1 + n;
    }
    if (exponents && s < end && (*s == 'e' || *s == 'E')) {
        s++;
        s += s < end && (*s == '+' || *s == '-');
        n = digits(s, (size_t)(end - s));
        if (!n)
            return false;
        s += n;
    }
    return s == end;
}

static bool is_unit(char c)
{
    return c_isalpha(c) || c == '%';
}

/* A number as others write it, or one with its unit; 1.2.3 and 2026-01-05 are meant as texts. */
static bool means_number(const char *s, size_t length)
{
    const char *end = s + length;
    s += length && (*s == '+' || *s == '-');
    size_t n = digits(s, (size_t)(end - s));
    s += n;
    if (s < end && *s == '.') {
        s++;
        size_t fraction = digits(s, (size_t)(end - s));
        s += fraction;
        n += fraction;
    }
    while (n && s < end && is_unit(*s))
        s++;
    return n && s == end;
}

bool metric_value_is_odd(const char *text, size_t length)
{
    return means_number(text, length) && !is_number(text, length, true);
}

static char *put(char *to, const char *text, size_t length)
{
    memcpy(to, text, length);
    return to + length;
}

#define PUT(to, literal) put(to, literal, sizeof(literal) - 1)

/* Of words, which are short: as many bytes as fit into a register or two, and then only as many as
 * there are count. */
static char *put_word(char *to, const char *text, size_t length)
{
    if (length > METRIC_LINE_PADDING)
        return put(to, text, length);
    memcpy(to, text, METRIC_LINE_PADDING);
    return to + length;
}

static char *put_quoted(char *to, const char *text, size_t length)
{
    *to++ = '"';
    to = put_word(to, text, length);
    *to++ = '"';
    return to;
}

static char *put_value(char *to, const char *text, size_t length, bool exponents)
{
    bool literal = is_number(text, length, exponents) ||
                   (length == 4 && !memcmp(text, "true", 4)) ||
                   (length == 5 && !memcmp(text, "false", 5));
    return literal ? put_word(to, text, length) : put_quoted(to, text, length);
}

bool metric_line_is_one(const struct metric_words_found *words)
{
    for (unsigned i = 2; i < words->count; i++) {
        uint32_t key = words->word[i].equals;
        if (!key || key == words->word[i].length)
            return false;
        for (unsigned j = 2; j < i; j++)
            if (words->word[j].equals == key &&
                !memcmp(words->word[i].text, words->word[j].text, key))
                return false;
    }
    return words->count >= 2;
}

void metric_line_put(struct tcore_buf *out, const struct metric_frame *frame,
                     const struct metric_words_found *words, const char *time, size_t time_length,
                     uint64_t *odd)
{
    const char *first = words->word[0].text;
    const char *last = words->word[words->count - 1].text + words->word[words->count - 1].length;
    /* a word becomes at most six bytes longer */
    char *room = tcore_buf_reserve(out, (size_t)(last - first) + 6 * words->count +
                                            frame->type_length + frame->unit_length +
                                            frame->end_length + 160 + METRIC_LINE_PADDING);
    if (!room)
        return;
    char *to = PUT(room, "{\"type\":\"metric\",\"metricName\":");
    to = put_quoted(to, first, words->word[0].length);
    to = put(to, frame->type, frame->type_length);
    char *value = to = PUT(to, ",\"value\":");
    to = put_value(to, words->word[1].text, words->word[1].length, true);
    if (*value == '"')
        *odd += means_number(words->word[1].text, words->word[1].length);
    to = put(to, frame->unit, frame->unit_length);
    to = PUT(to, ",\"timeUnixNano\":\"");
    to = put(to, time, time_length);
    *to++ = '"';
    for (unsigned i = 2; i < words->count; i++) {
        uint32_t key = words->word[i].equals;
        to = i == 2 ? PUT(to, ",\"dimensions\":{") : PUT(to, ",");
        to = put_quoted(to, words->word[i].text, key);
        *to++ = ':';
        to = put_value(to, words->word[i].text + key + 1, words->word[i].length - key - 1, false);
    }
    if (words->count > 2)
        *to++ = '}';
    to = put(to, frame->end, frame->end_length);
    out->length += (size_t)(to - room);
}
