/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cutting JSON documents apart: only quotes, backslashes, brackets and newlines matter. Inside a
 * document 64 bytes are looked at as bit masks; whatever decides something in them (the last
 * bracket, a newline that may begin another document) is then found byte by byte, so that the
 * result never depends on how the input was cut into reads.
 */
#include <config.h>

#include "record/import/split.h"

#include "record/import/escape.h"

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
    s->look_bytes = s->list_bytes ? s->list_bytes : 4 * s->part_bytes;
    s->list = NULL;
    s->tail = false;
    s->cut = 0;
}

/* The unit from the start of the open document, or part, of which it is the last. */
static struct import_unit last_unit(const struct import_split *s, size_t end)
{
    return (struct import_unit){.offset = s->start,
                                .length = end - s->start,
                                .line = s->start_line,
                                .byte = s->start_byte,
                                .part = s->list   ? PART_ELEMENTS
                                        : s->tail ? PART_TAIL
                                                  : PART_WHOLE,
                                .last = true,
                                .list = s->list};
}

static bool give_up(struct import_split *s, struct import_unit *unit)
{
    *unit = last_unit(s, s->start);
    unit->too_long = true;
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
    *unit = last_unit(s, end);
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

/* --- parts --- */

/* What is open begins anew at that offset, at or before `at`. */
static void restart(struct import_split *s, const char *data, size_t offset)
{
    const char *from = data + s->start, *end = data + offset, *newline;
    s->line = s->start_line;
    s->line_start = (int64_t)s->start - (int64_t)s->start_byte + 1;
    for (; (newline = memchr(from, '\n', (size_t)(end - from))); from = newline + 1)
        newline_at(s, (size_t)(newline - data));
    s->start = offset;
    s->start_line = s->line;
    s->start_byte = (uint64_t)((int64_t)offset - s->line_start) + 1;
}

/* Enters the list of the open document, if it is there by now; true if a unit is before it. */
static bool enter_list(struct import_split *s, const char *data, size_t length,
                       struct import_unit *unit)
{
    struct import_list list;
    if (!import_list_find(data + s->start, length, &list)) {
        s->look_bytes *= 2;
        return false;
    }
    *unit = last_unit(s, s->start + list.head + 1);
    unit->part = PART_HEAD;
    unit->last = false;
    s->list_depth = *list.name->name ? 2 : 1;
    s->list = list.name;
    restart(s, data, s->start + list.open);
    s->list_line = s->line;
    s->at = s->start + 1;
    s->depth = s->list_depth;
    s->in_string = s->escaped = s->line_begins = false;
    return list.head > 0;
}

/* A run of elements is to end with the comma at `at`, if another one follows. */
static void mark_cut(struct import_split *s)
{
    s->cut = s->at + 1;
    s->cut_line = s->line;
    s->cut_byte = (uint64_t)((int64_t)s->at - s->line_start) + 1;
}

/* It does end there, and the next one begins with that comma. */
static bool cut_list(struct import_split *s, struct import_unit *unit)
{
    *unit = last_unit(s, s->cut);
    unit->last = false;
    s->start = s->cut - 1;
    s->start_line = s->cut_line;
    s->start_byte = s->cut_byte;
    s->cut = 0;
    return true;
}

/* The list ends with the bracket before `at`; its document does, or there is more behind it. */
static bool leave_list(struct import_split *s, const char *data, struct import_unit *unit)
{
    bool object = s->list_depth > 1;
    finish(s, data, s->at, unit);
    if (object && !unit->too_long) {
        unit->last = false;
        s->state = SPLIT_BEHIND;
    }
    return true;
}

/* A string that does not end on its line is broken, but of a list that is spread over lines the
 * next ones may be good. False: it is no such list. */
static bool goes_on(struct import_split *s, const char *data, bool *ends, struct import_unit *unit)
{
    *ends = false;
    if (!s->part_bytes || s->lines)
        return false;
    if (!s->list) {
        size_t at = s->at;
        *ends = enter_list(s, data, at - s->start, unit);
        if (s->list)
            return true;
        s->at = at;
        return false;
    }
    if (s->line == s->list_line)
        return false;
    *ends = true;
    *unit = last_unit(s, s->at);
    unit->last = false;
    unit->broken = true;
    s->start = s->at;
    newline_at(s, s->at++);
    s->start_line = s->line; /* of what is behind the newline, which becomes the bracket */
    s->start_byte = 0;
    s->depth = s->list_depth;
    s->in_string = s->escaped = false;
    s->cut = 0;
    return true;
}

/* Whether the part is long enough to end with a comma before that offset. */
static bool is_full(const struct import_split *s, size_t offset)
{
    return offset - s->start > s->part_bytes;
}

/* Behind a list in an object: another member, or the end. */
static bool behind(struct import_split *s, const char *data, size_t length, bool final,
                   struct import_unit *unit)
{
    for (; s->at < length && is_blank(data[s->at]); s->at++)
        if (data[s->at] == '\n')
            newline_at(s, s->at);
    if (s->at == length && !final)
        return false;
    begin(s, SPLIT_INSIDE);
    s->tail = true;
    s->depth = 1;
    s->line_begins = false;
    if (s->at < length && data[s->at] != '}')
        return import_split_next(s, data, length, final, unit);
    s->at += s->at < length;
    *unit = last_unit(s, s->at);
    s->state = SPLIT_BETWEEN;
    return true;
}

void import_unit_close(const struct import_unit *unit, char *data)
{
    char *first = data + unit->offset, *last = first + unit->length - 1;
    if (!unit->length || unit->too_long || unit->part == PART_WHOLE)
        return;
    bool elements = unit->part == PART_ELEMENTS;
    if (*first == ',' || *first == '\n')
        *first = elements ? '[' : '{';
    if (!unit->last && !unit->broken && *last == ',')
        *last = elements ? ']' : '}';
}

/* Looks at one byte inside a document; true if a unit ends with or before it. */
static bool step(struct import_split *s, const char *data, struct import_unit *unit)
{
    char c = data[s->at];
    if (s->cut && !is_blank(c) && c != ']' && c != '}')
        return cut_list(s, unit);
    bool line_begins = s->line_begins;
    s->line_begins = false;
    if (c == '\n') {
        bool broken = s->in_string, ends;
        size_t end = s->at;
        if (broken && goes_on(s, data, &ends, unit))
            return ends;
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
    } else if (s->list && c == ',' && s->depth == s->list_depth && is_full(s, s->at + 1)) {
        mark_cut(s);
    } else if (s->list && (c == '}' || c == ']') && s->depth == s->list_depth) {
        s->at++;
        return leave_list(s, data, unit);
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
    if (s->cut)
        return false;
    struct masks m = masks_of(data + s->at);
    bool escaped = s->escaped;
    uint64_t quotes = m.quote & ~import_escaped_bytes(m.backslash, &escaped);
    uint64_t strings = prefix_xor(quotes) ^ (s->in_string ? ~(uint64_t)0 : 0);
    uint64_t open = m.open & ~strings, close = m.close & ~strings;
    uint64_t closes = (uint64_t)__builtin_popcountll(close);
    /* the depth at which something is decided: at the end of the list, or between its elements */
    uint64_t floor = !s->list ? 0 : is_full(s, s->at + 64) ? s->list_depth : s->list_depth - 1;
    if (s->depth <= closes + floor ||
        (m.newline & (strings | m.backslash << 1 | (uint64_t)s->escaped)) ||
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

/* Up to where the open document is looked at before its list is looked for, wherever reads end. */
static size_t look_end(const struct import_split *s, size_t length)
{
    bool looks = s->look_bytes && !s->list;
    return looks && s->look_bytes < length - s->start ? s->start + s->look_bytes : length;
}

static bool inside(struct import_split *s, const char *data, size_t length, bool final,
                   struct import_unit *unit)
{
    while (s->at < length) {
        if (s->at - s->start > s->limit)
            return give_up(s, unit);
        size_t end = look_end(s, length);
        if (s->at >= end) {
            if (enter_list(s, data, s->look_bytes, unit))
                return true;
            continue;
        }
        if (end - s->at >= 64) {
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

/* Where every document so far was a line, and another line follows that begins one, none ends
 * anywhere else. *later: that cannot be told before there is more. */
static bool take_line(struct import_split *s, const char *data, size_t length, bool *later,
                      struct import_unit *unit)
{
    *later = false;
    if (!s->lines || !s->part_bytes || s->start_byte != 1 || data[s->at] != '{')
        return false;
    size_t most = s->look_bytes < s->limit ? s->look_bytes : s->limit;
    size_t room = length - s->at < most ? length - s->at : most;
    const char *newline = memchr(data + s->at, '\n', room);
    *later = newline ? newline + 1 == data + length : room == length - s->at;
    if (!newline || *later || newline[1] != '{')
        return false;
    s->at = (size_t)(newline - data);
    finish(s, data, s->at, unit);
    unit->is_line = true;
    return true;
}

void import_split_line(struct import_split *split, const struct import_unit *line)
{
    split->line = line->line;
    split->limit = SIZE_MAX; /* it was held to the limit as a whole */
    split->lines = true;
}

bool import_split_next(struct import_split *s, const char *data, size_t length, bool final,
                       struct import_unit *unit)
{
    bool later;
    for (;;) {
        switch (s->state) {
        case SPLIT_SKIPPING:
            if (!find_restart(s, data, length))
                return false;
            break;
        case SPLIT_BETWEEN:
            if (!find_start(s, data, length))
                return false;
            if (take_line(s, data, length, &later, unit))
                return true;
            if (later && s->more && !final) {
                s->state = SPLIT_BETWEEN;
                return false;
            }
            break;
        case SPLIT_INSIDE:
            return inside(s, data, length, final, unit);
        case SPLIT_BEHIND:
            return behind(s, data, length, final, unit);
        case SPLIT_JUNK:
            return junk(s, data, length, final, unit);
        }
    }
}

void import_split_drop(struct import_split *s, size_t bytes)
{
    s->at -= bytes;
    s->start = s->start >= bytes ? s->start - bytes : 0;
    s->cut -= s->cut ? bytes : 0;
    s->line_start -= (int64_t)bytes;
}
