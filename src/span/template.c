/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names and URLs. */
#include <config.h>

#include "span/template.h"

#define LEAST_HEX    8
#define LEAST_MIXED  16 /* letters of a word that may be a random one */
#define LEAST_INSIDE 4  /* digits in a word that are a number */

static bool is_hex_digit(char c)
{
    return template_is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

size_t template_uuid(const char *p, const char *end)
{
    static const unsigned char groups[] = {8, 4, 4, 4, 12};
    const char *at = p;
    for (size_t g = 0; g < sizeof groups; g++) {
        if (g && (at == end || *at++ != '-'))
            return 0;
        for (unsigned i = 0; i < groups[g]; i++)
            if (at == end || !is_hex_digit(*at++))
                return 0;
    }
    return at < end && template_is_word(*at) ? 0 : (size_t)(at - p);
}

bool template_is_hex(const char *word, size_t length, size_t least)
{
    size_t digits = 0;
    for (size_t i = 0; i < length; i++) {
        if (!is_hex_digit(word[i]))
            return false;
        digits += template_is_digit(word[i]);
    }
    return length >= least && digits;
}

/* Whether a long word goes back and forth between letters and digits, as random ones do. */
static bool is_mixed(const char *word, size_t length)
{
    size_t digits = 0, changes = 0;
    for (size_t i = 0; i < length; i++) {
        digits += template_is_digit(word[i]);
        changes += i && template_is_digit(word[i]) != template_is_digit(word[i - 1]);
    }
    return length >= LEAST_MIXED && digits >= 3 && changes >= 4;
}

/* A *, unless it would follow another one in a list. */
static void put_value(struct tcore_buf *out, size_t begin)
{
    size_t length = out->length - begin;
    const char *text = out->data + begin;
    if (length >= 2 && !memcmp(text + length - 2, "*,", 2))
        out->length -= 1;
    else if (length >= 3 && !memcmp(text + length - 3, "*, ", 3))
        out->length -= 2;
    else
        tcore_buf_putc(out, '*');
}

/* The end of the number at p: digits, and points between digits. */
static const char *number_end(const char *p, const char *end)
{
    while (p < end &&
           (template_is_digit(*p) || (*p == '.' && end - p > 1 && template_is_digit(p[1]))))
        p++;
    return p;
}

static const char *word_end(const char *p, const char *end)
{
    while (p < end && template_is_word(*p))
        p++;
    return p;
}

/* A word that has something besides digits. */
static void put_word(struct tcore_buf *out, const char *word, const char *end, size_t begin)
{
    size_t length = (size_t)(end - word);
    bool prefixed = length > 2 && word[0] == '0' && (word[1] | 0x20) == 'x' &&
                    template_is_hex(word + 2, length - 2, 1);
    if (prefixed || template_is_hex(word, length, LEAST_HEX) || is_mixed(word, length)) {
        put_value(out, begin);
        return;
    }
    for (const char *at = word; at < end;) {
        const char *stop = at;
        while (stop < end && template_is_digit(*stop))
            stop++;
        if (stop - at >= LEAST_INSIDE)
            tcore_buf_putc(out, '*');
        else if (stop > at)
            tcore_buf_append(out, at, (size_t)(stop - at));
        else
            tcore_buf_append(out, stop++, 1);
        at = stop;
    }
}

/* Behind the quoted text at p; p if it is none: an apostrophe, or never closed. */
static const char *quoted_end(const char *text, const char *p, const char *end)
{
    if ((*p != '\'' && *p != '"') || (p > text && template_is_word(p[-1])))
        return p;
    for (const char *at = p + 1; at < end; at++)
        if (*at == *p && (at + 1 == end || !template_is_word(at[1])))
            return at + 1;
    return p;
}

void template_name(struct tcore_buf *out, struct tcore_slice text)
{
    const char *p = text.data, *end = p + text.length;
    size_t begin = out->length;
    while (p < end && !out->failed) {
        size_t uuid = template_is_word(*p) ? template_uuid(p, end) : 0;
        const char *stop = template_is_digit(*p) ? number_end(p, end) : p;
        if (uuid) {
            put_value(out, begin);
            p += uuid;
        } else if (stop > p && (stop == end || !template_is_word(*stop))) {
            put_value(out, begin);
            p = stop;
        } else if (template_is_word(*p)) {
            stop = word_end(p, end);
            put_word(out, p, stop, begin);
            p = stop;
        } else if ((stop = quoted_end(text.data, p, end)) > p) {
            put_value(out, begin);
            p = stop;
        } else {
            tcore_buf_putc(out, *p++);
        }
    }
}

/* --- URLs */

static const char *find_any(const char *p, const char *end, const char *stops)
{
    for (; p < end; p++)
        for (const char *stop = stops; *stop; stop++)
            if (*p == *stop)
                return p;
    return p;
}

static bool is_address(const char *host, const char *end)
{
    bool digits = false;
    if (host < end && *host == '[')
        return true;
    for (; host < end; host++) {
        if (!template_is_digit(*host) && *host != '.')
            return false;
        digits |= template_is_digit(*host);
    }
    return digits;
}

/* The host behind ://; returns what is behind it and its port. */
static const char *put_host(struct tcore_buf *out, const char *p, const char *end)
{
    const char *stop = find_any(p, end, "/?#");
    for (const char *at = p; at < stop; at++)
        if (*at == '@')
            p = at + 1;
    const char *host_end = p < stop && *p == '[' ? stop : find_any(p, stop, ":");
    if (is_address(p, host_end))
        tcore_buf_putc(out, '*');
    else
        template_name(out, (struct tcore_slice){p, (size_t)(host_end - p)});
    return stop;
}

void template_url(struct tcore_buf *out, struct tcore_slice url)
{
    const char *p = url.data, *end = p + url.length;
    const char *colon = find_any(p, end, ":/?#");
    if (end - colon >= 3 && !memcmp(colon, "://", 3))
        p = put_host(out, colon + 3, end);
    end = find_any(p, end, "?#");
    while (p < end) {
        if (*p == '/')
            tcore_buf_putc(out, *p++);
        const char *stop = find_any(p, end, "/");
        if (find_any(p, stop, "@%=") < stop)
            tcore_buf_putc(out, '*');
        else
            template_name(out, (struct tcore_slice){p, (size_t)(stop - p)});
        p = stop;
    }
}
