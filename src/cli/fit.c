/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "cli/fit.h"

#include "cli/visible.h"

static size_t character_length(const char *text, size_t length)
{
    unsigned char lead = (unsigned char)*text;
    size_t n = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    return n < length ? n : length;
}

/* The bytes of text from its start that take at most columns; *used: how many. */
static size_t head_of(const char *text, size_t length, size_t columns, size_t *used)
{
    size_t at = 0;
    *used = 0;
    while (at < length) {
        size_t bytes = character_length(text + at, length - at);
        size_t wide = cli_display_width(text + at, bytes);
        if (*used + wide > columns)
            break;
        *used += wide;
        at += bytes;
    }
    return at;
}

/* Where the end of text begins that takes at most columns; *used: how many. */
static size_t tail_of(const char *text, size_t length, size_t columns, size_t *used)
{
    size_t at = 0;
    *used = cli_display_width(text, length);
    while (at<length && * used> columns) {
        size_t bytes = character_length(text + at, length - at);
        *used -= cli_display_width(text + at, bytes);
        at += bytes;
    }
    return at;
}

static void put_blanks(struct tcore_buf *out, size_t count)
{
    tcore_buf_printf(out, "%*s", (int)count, "");
}

void cli_fit(struct tcore_buf *out, const char *text, size_t length, size_t columns,
             enum cli_fit how, bool ascii)
{
    const char *dots = ascii ? ".." : "\xe2\x80\xa6";
    size_t dot_columns = ascii ? 2 : 1, wide = length ? cli_display_width(text, length) : 0;
    size_t head, tail;
    if (wide <= columns) {
        tcore_buf_append(out, text, length);
        put_blanks(out, columns - wide);
        return;
    }
    if (columns < dot_columns)
        dot_columns = 0;
    size_t room = columns - dot_columns, behind = how == CLI_FIT_MIDDLE ? room / 2 : 0;
    size_t end = head_of(text, length, room - behind, &head);
    size_t begin = tail_of(text, length, behind, &tail);
    tcore_buf_append(out, text, end);
    tcore_buf_puts(out, dot_columns ? dots : "");
    tcore_buf_append(out, text + begin, length - begin);
    put_blanks(out, columns - head - tail - dot_columns);
}

size_t cli_fit_line(const char *text, size_t length, size_t columns, size_t *next)
{
    size_t used, end = head_of(text, length, columns, &used);
    *next = length;
    if (end == length)
        return length;
    for (size_t at = end + 1; at-- > 1;)
        if (text[at] == ' ' && text[at - 1] != ' ') {
            *next = at + 1;
            return at;
        }
    if (!end)
        end = character_length(text, length);
    *next = end;
    return end;
}
