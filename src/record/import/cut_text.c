/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cutting text: at lines, between the families of Prometheus text, or not at all. */
#include <config.h>

#include "record/import/cut.h"

#include <string.h>

enum { UNIT_BYTES = 1 << 16 /* lines together, where each could be a unit */ };

static const char *find(const char *data, size_t from, size_t to)
{
    return to > from ? memchr(data + from, '\n', to - from) : NULL;
}

/* Everything from split->start up to end, which are whole lines. */
static bool give(struct import_split *s, const char *data, size_t end, bool cut,
                 struct import_unit *unit)
{
    *unit = (struct import_unit){
        .offset = s->start, .length = end - s->start, .line = s->line, .byte = 1, .cut = cut};
    if (unit->length > s->limit)
        *unit =
            (struct import_unit){.offset = s->start, .line = s->line, .byte = 1, .too_long = true};
    for (const char *at = data + s->start; (at = find(data, (size_t)(at - data), end)); at++)
        s->line++;
    s->at = s->start = end;
    s->state = SPLIT_BETWEEN;
    return true;
}

/* What is too long without an end in sight: it is told, and what follows is passed over. */
static bool give_up(struct import_split *s, const char *data, size_t length,
                    struct import_unit *unit)
{
    give(s, data, length, false, unit);
    s->state = SPLIT_SKIPPING;
    return true;
}

/* Behind the next newline; false: there is none yet. */
static bool skip_line(struct import_split *s, const char *data, size_t length)
{
    const char *newline = find(data, s->at, length);
    s->at = s->start = newline ? (size_t)(newline + 1 - data) : length;
    s->line += newline != NULL;
    if (newline)
        s->state = SPLIT_BETWEEN;
    return newline;
}

bool import_cut_lines(struct import_split *s, const char *data, size_t length, bool final,
                      struct import_unit *unit)
{
    if (s->state == SPLIT_SKIPPING && !skip_line(s, data, length))
        return false;
    s->start = s->at;
    if (s->at == length)
        return false;
    size_t most = s->limit < UNIT_BYTES ? s->limit + 1 : UNIT_BYTES;
    size_t window = length - s->at > most ? s->at + most : length;
    const char *newline = memrchr(data + s->at, '\n', window - s->at);
    if (!newline)
        newline = find(data, window, length);
    if (newline)
        return give(s, data, (size_t)(newline + 1 - data), false, unit);
    if (length - s->at > s->limit)
        return give_up(s, data, length, unit);
    return final && give(s, data, length, true, unit);
}

bool import_cut_whole(struct import_split *s, const char *data, size_t length, bool final,
                      struct import_unit *unit)
{
    if (s->state == SPLIT_SKIPPING) {
        s->at = s->start = length;
        return false;
    }
    if (length == s->at)
        return final && s->start < s->at && give(s, data, length, false, unit);
    s->state = SPLIT_INSIDE;
    if (length - s->start > s->limit)
        return give_up(s, data, length, unit);
    s->at = length;
    return final && give(s, data, length, false, unit);
}

/* --- families --- */

enum { SAMPLE_BEFORE = 1, COMMENT_IN_UNIT = 2 };

static bool begins(const char *line, const char *end, const char *with)
{
    size_t n = strlen(with);
    return (size_t)(end - line) >= n && memcmp(line, with, n) == 0;
}

static bool is_end(const char *line, const char *end)
{
    return begins(line, end, "# EOF") && (end - line == 5 || line[5] == '\r' || line[5] == '\n');
}

static bool is_heading(const char *line, const char *end)
{
    return begins(line, end, "# HELP ") || begins(line, end, "# TYPE ") ||
           begins(line, end, "# UNIT ");
}

/* Whether the unit ends before the line at split->at, or behind it: *end. */
static bool ends_unit(struct import_split *s, const char *data, size_t line_end, size_t *end)
{
    const char *line = data + s->at, *stop = data + line_end;
    bool heading = is_heading(line, stop), sample = line < stop && *line != '#' && *line != '\n';
    *end = s->at;
    if (heading && s->form & SAMPLE_BEFORE)
        return true;
    *end = line_end;
    s->form |= (sample ? SAMPLE_BEFORE : 0) | (heading ? COMMENT_IN_UNIT : 0);
    return is_end(line, stop) ||
           (!(s->form & COMMENT_IN_UNIT) && line_end - s->start >= UNIT_BYTES);
}

bool import_cut_families(struct import_split *s, const char *data, size_t length, bool final,
                         struct import_unit *unit)
{
    if (s->state == SPLIT_SKIPPING && !skip_line(s, data, length))
        return false;
    if (s->state == SPLIT_BETWEEN) {
        s->start = s->at;
        s->form = 0;
        s->state = s->at < length ? SPLIT_INSIDE : SPLIT_BETWEEN;
    }
    while (s->at < length) {
        const char *newline = find(data, s->at, length);
        size_t line_end = newline ? (size_t)(newline + 1 - data) : length, end;
        if (!newline && !final)
            break;
        if (ends_unit(s, data, line_end, &end))
            return give(s, data, end, false, unit);
        s->at = line_end;
    }
    if (length - s->start > s->limit)
        return give_up(s, data, length, unit);
    return final && s->start < length && give(s, data, length, true, unit);
}

/* --- rows --- */

enum { HEADED = 1, QUOTED = 2, INSIDE_FIELD = 4 };

/* Behind the end of the row that split->at is in; false: there is none yet, split->at being where
 * to go on. A quote opens only where a field begins; two of them inside quotes are one. */
static bool end_row(struct import_split *s, const char *data, size_t length)
{
    unsigned form = s->form;
    size_t at = s->at;
    while (at < length) {
        char c = data[at++];
        if (form & QUOTED) {
            form ^= c == '"' ? QUOTED | INSIDE_FIELD : 0;
        } else if (c == '"' && (!(form & INSIDE_FIELD) || data[at - 2] == '"')) {
            form = (form | QUOTED) & ~(unsigned)INSIDE_FIELD;
        } else if (c == '\n') {
            s->form = form & HEADED;
            s->at = at;
            return true;
        } else {
            form = c == ',' ? form & ~(unsigned)INSIDE_FIELD : form | INSIDE_FIELD;
        }
    }
    s->form = form;
    s->at = at;
    return false;
}

static bool cut_rows(struct import_split *s, const char *data, size_t length, bool final,
                     bool headed, struct import_unit *unit)
{
    if (s->state == SPLIT_SKIPPING && !skip_line(s, data, length))
        return false;
    if (s->state == SPLIT_BETWEEN) {
        s->start = s->at;
        s->form &= HEADED;
        s->state = s->at < length ? SPLIT_INSIDE : SPLIT_BETWEEN;
    }
    size_t rows_end = s->start;
    bool heading = headed && !(s->form & HEADED);
    while (s->at < length && end_row(s, data, length)) {
        rows_end = s->at;
        if (heading || rows_end - s->start >= UNIT_BYTES)
            break;
    }
    if (rows_end == s->start && length - s->start > s->limit)
        return give_up(s, data, length, unit);
    if (rows_end == s->start && final && s->start < length)
        rows_end = length;
    if (rows_end == s->start)
        return false;
    give(s, data, rows_end, false, unit);
    unit->heading = heading && !unit->too_long;
    s->form = HEADED;
    return true;
}

bool import_cut_rows(struct import_split *s, const char *data, size_t length, bool final,
                     struct import_unit *unit)
{
    return cut_rows(s, data, length, final, true, unit);
}

bool import_cut_bare_rows(struct import_split *s, const char *data, size_t length, bool final,
                          struct import_unit *unit)
{
    return cut_rows(s, data, length, final, false, unit);
}

bool import_cut_headed_lines(struct import_split *s, const char *data, size_t length, bool final,
                             struct import_unit *unit)
{
    const char *newline;
    if (s->form & HEADED)
        return import_cut_lines(s, data, length, final, unit);
    newline = find(data, s->at, length);
    size_t end = newline ? (size_t)(newline + 1 - data) : length;
    if (!import_cut_lines(s, data, end, final && end == length, unit))
        return false;
    s->form = HEADED;
    unit->heading = !unit->too_long;
    return true;
}
