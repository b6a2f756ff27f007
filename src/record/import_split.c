/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cutting JSON documents apart: only quotes, backslashes, brackets and newlines matter. Inside a
 * document 64 bytes are looked at as bit masks; whatever decides something in them (the last
 * bracket, a newline that may begin another document) is then found byte by byte, so that the
 * result never depends on how the input was cut into reads.
 */
#include <config.h>

#include "record/import_split.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static bool is_blank(char c)
{
    /* the record separator begins a text of RFC 7464 */
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\x1e';
}

static void newline_at(struct import_split *s, size_t at)
{
    s->line++;
    s->line_start = (int64_t)at + 1;
    s->line_begins = true;
}

static void begin(struct import_split *s, enum import_split_state state)
{
    s->state = state;
    s->start = s->at;
    s->start_line = s->line;
    s->start_byte = (uint64_t)((int64_t)s->at - s->line_start) + 1;
    s->depth = 0;
    s->in_string = s->escaped = false;
}

static bool give_up(struct import_split *s, struct import_unit *unit)
{
    *unit = (struct import_unit){s->start, 0, s->start_line, s->start_byte, true, false};
    s->state = SPLIT_SKIPPING;
    return true;
}

/* The document ends at or before end. */
static bool finish(struct import_split *s, const char *data, size_t end, struct import_unit *unit)
{
    while (end > s->start && is_blank(data[end - 1]))
        end--;
    if (end - s->start > s->limit)
        return give_up(s, unit);
    *unit =
        (struct import_unit){s->start, end - s->start, s->start_line, s->start_byte, false, false};
    s->state = SPLIT_BETWEEN;
    return true;
}

/* Whether the bracket that begins the line at `at` begins another document: JSON has no value
 * behind a value, and where every document so far was a line, this one is too. */
static bool cut_here(const struct import_split *s, const char *data)
{
    if (s->lines)
        return true;
    size_t i = s->at;
    while (i > s->start && is_blank(data[i - 1]))
        i--;
    char before = i > s->start ? data[i - 1] : '[';
    return before != ',' && before != ':' && before != '[';
}

/* Looks at one byte inside a document; true if a unit ends with or before it. */
static bool step(struct import_split *s, const char *data, struct import_unit *unit)
{
    char c = data[s->at];
    bool line_begins = s->line_begins;
    s->line_begins = false;
    if (c == '\n') {
        bool broken = s->in_string;
        size_t end = s->at;
        newline_at(s, s->at++);
        s->escaped = false;
        return broken && finish(s, data, end, unit);
    }
    bool escaped = s->escaped;
    s->escaped = c == '\\' && !escaped;
    if (c == '"' && !escaped) {
        s->in_string = !s->in_string;
    } else if (s->in_string) {
        ;
    } else if (c == '{' || c == '[') {
        if (line_begins && c == '{' && s->depth && cut_here(s, data)) {
            s->line_begins = true;
            s->escaped = escaped;
            return finish(s, data, s->at, unit);
        }
        s->depth++;
    } else if ((c == '}' || c == ']') && --s->depth == 0) {
        s->lines |= s->line == s->start_line;
        s->at++;
        return finish(s, data, s->at, unit);
    }
    s->at++;
    return false;
}

#ifdef __SSE2__

struct masks {
    uint64_t quote, backslash, newline, open, close;
};

static inline uint64_t equal(__m128i bytes, char c, unsigned shift)
{
    return (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(c))) << shift;
}

static inline struct masks masks_of(const char *data)
{
    struct masks m = {0};
    for (unsigned i = 0; i < 64; i += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(data + i));
        /* 0x20 is what brackets and braces differ in */
        __m128i folded = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
        m.quote |= equal(bytes, '"', i);
        m.backslash |= equal(bytes, '\\', i);
        m.newline |= equal(bytes, '\n', i);
        m.open |= equal(folded, '{', i);
        m.close |= equal(folded, '}', i);
    }
    return m;
}

/* The bytes that a backslash before them escapes; *carry: the first byte is, and the next block's
 * first byte will be. */
static uint64_t escaped_bytes(uint64_t backslash, bool *carry)
{
    if (!backslash) {
        uint64_t first = *carry;
        *carry = false;
        return first;
    }
    const uint64_t even = 0x5555555555555555u;
    uint64_t before = *carry;
    backslash &= ~before;
    uint64_t follows = backslash << 1 | before;
    uint64_t odd_starts = backslash & ~even & ~follows;
    uint64_t even_ends;
    *carry = __builtin_add_overflow(odd_starts, backslash, &even_ends);
    return (even ^ even_ends << 1) & follows;
}

/* Every bit: how many bits at or below it are set, modulo two. */
static uint64_t prefix_xor(uint64_t bits)
{
    for (unsigned shift = 1; shift < 64; shift *= 2)
        bits ^= bits << shift;
    return bits;
}

/* Takes 64 bytes at once if nothing in them ends a document; false: look at them one by one. */
static bool skip_block(struct import_split *s, const char *data)
{
    struct masks m = masks_of(data + s->at);
    bool escaped = s->escaped;
    uint64_t quotes = m.quote & ~escaped_bytes(m.backslash, &escaped);
    uint64_t strings = prefix_xor(quotes) ^ (s->in_string ? ~(uint64_t)0 : 0);
    uint64_t open = m.open & ~strings, close = m.close & ~strings;
    uint64_t closes = (uint64_t)__builtin_popcountll(close);
    if (s->depth <= closes || (m.newline & (strings | m.backslash << 1 | (uint64_t)s->escaped)) ||
        (open & (m.newline << 1 | (uint64_t)s->line_begins)))
        return false;
    s->depth += (uint64_t)__builtin_popcountll(open) - closes;
    s->in_string = strings >> 63;
    s->escaped = escaped;
    s->line_begins = m.newline >> 63;
    if (m.newline) {
        s->line += (uint64_t)__builtin_popcountll(m.newline);
        s->line_start = (int64_t)(s->at + 64 - (size_t)__builtin_clzll(m.newline));
    }
    s->at += 64;
    return true;
}

#else

static bool skip_block(struct import_split *s, const char *data)
{
    (void)s;
    (void)data;
    return false;
}

#endif

static bool inside(struct import_split *s, const char *data, size_t length, bool final,
                   struct import_unit *unit)
{
    while (s->at < length) {
        if (s->at - s->start > s->limit)
            return give_up(s, unit);
        size_t end = length;
        if (length - s->at >= 64) {
            if (skip_block(s, data))
                continue;
            end = s->at + 64;
        }
        while (s->at < end)
            if (step(s, data, unit))
                return true;
    }
    return final && finish(s, data, length, unit);
}

static bool junk(struct import_split *s, const char *data, size_t length, bool final,
                 struct import_unit *unit)
{
    const char *newline = memchr(data + s->at, '\n', length - s->at);
    s->at = newline ? (size_t)(newline - data) : length;
    if (s->at - s->start > s->limit)
        return give_up(s, unit);
    return (newline || final) && finish(s, data, s->at, unit);
}

/* Blanks between documents; false at the end of the data. */
static bool find_start(struct import_split *s, const char *data, size_t length)
{
    for (; s->at < length; s->at++) {
        char c = data[s->at];
        if (c == '\n') {
            newline_at(s, s->at);
        } else if (!is_blank(c)) {
            begin(s, c == '{' || c == '[' ? SPLIT_INSIDE : SPLIT_JUNK);
            s->line_begins = false;
            return true;
        }
    }
    return false;
}

/* Behind a document that was too long: on to the next line that begins one. */
static bool find_restart(struct import_split *s, const char *data, size_t length)
{
    while (s->at < length) {
        if (s->line_begins && data[s->at] == '{') {
            s->state = SPLIT_BETWEEN;
            return true;
        }
        s->line_begins = false;
        const char *newline = memchr(data + s->at, '\n', length - s->at);
        s->at = newline ? (size_t)(newline - data) : length;
        if (newline)
            newline_at(s, s->at++);
    }
    return false;
}

bool import_split_next(struct import_split *s, const char *data, size_t length, bool final,
                       struct import_unit *unit)
{
    for (;;) {
        switch (s->state) {
        case SPLIT_SKIPPING:
            if (!find_restart(s, data, length))
                return false;
            break;
        case SPLIT_BETWEEN:
            if (!find_start(s, data, length))
                return false;
            break;
        case SPLIT_INSIDE:
            return inside(s, data, length, final, unit);
        case SPLIT_JUNK:
            return junk(s, data, length, final, unit);
        }
    }
}

void import_split_drop(struct import_split *s, size_t bytes)
{
    s->at -= bytes;
    s->start = s->start >= bytes ? s->start - bytes : 0;
    s->line_start -= (int64_t)bytes;
}
