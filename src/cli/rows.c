/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "cli/rows.h"

#include "base/sys.h"
#include "cli/rows_private.h"
#include "cli/visible.h"

#include <string.h>

#define TABLE_ROWS 1000 /* that widths are taken from */

/* --- Cells */

/* A lone surrogate has no UTF-8; the library holds it as three bytes. */
static bool has_surrogate(const char *s, size_t length)
{
    for (const char *at = s; (at = memchr(at, 0xed, length - (size_t)(at - s))); at++)
        if (at + 1 < s + length && (unsigned char)at[1] >= 0xa0)
            return true;
    return false;
}

static void append_text(const struct cli_rows *rows, struct tcore_buf *out, const char *s,
                        size_t length)
{
    if (rows->terminal || rows->format == CLI_ROWS_TABLE)
        cli_visible(out, s, length, false);
    else
        tcore_buf_append(out, s, length);
}

static void append_tsv(const struct cli_rows *rows, struct tcore_buf *out, const char *s,
                       size_t length)
{
    const char *plain = s;
    const char *end = s + length;
    for (const char *at = s; at < end; at++) {
        char letter = *at == '\t' ? 't' : *at == '\n' ? 'n' : *at == '\r' ? 'r' : *at;
        if (letter == *at && *at != '\\')
            continue;
        append_text(rows, out, plain, (size_t)(at - plain));
        tcore_buf_putc(out, '\\');
        tcore_buf_putc(out, letter);
        plain = at + 1;
    }
    append_text(rows, out, plain, (size_t)(end - plain));
}

/* Whether a spreadsheet would take the text for a formula. */
static bool is_formula(const char *s, size_t length)
{
    return length && memchr("=+-@\t\r", s[0], 6);
}

/* RFC 4180, with LF. A text that a spreadsheet would execute gets an apostrophe before it. */
static void append_csv(const struct cli_rows *rows, struct tcore_buf *out, const char *s,
                       size_t length, bool is_text)
{
    struct tcore_buf cell = {0};
    bool quoted = false;
    if (is_text && is_formula(s, length))
        tcore_buf_putc(&cell, '\'');
    append_text(rows, &cell, s, length);
    for (size_t i = 0; i < cell.length && !quoted; i++)
        quoted = memchr(",\"\r\n", cell.data[i], 4);
    if (quoted)
        tcore_buf_putc(out, '"');
    for (size_t i = 0; i < cell.length; i++) {
        if (cell.data[i] == '"')
            tcore_buf_putc(out, '"');
        tcore_buf_putc(out, cell.data[i]);
    }
    if (quoted)
        tcore_buf_putc(out, '"');
    out->failed |= cell.failed;
    tcore_buf_free(&cell);
}

void cli_rows_render(struct cli_rows *rows, const struct tcore_value *value)
{
    tcore_buf_clear(&rows->text);
    if (value->kind == TCORE_STRING && has_surrogate(value->s, value->len))
        cli_visible(&rows->text, value->s, value->len, false);
    else if (value->kind == TCORE_STRING)
        tcore_buf_append(&rows->text, value->s, value->len);
    else if (value->kind != TCORE_ABSENT)
        tcore_json_write_value(&rows->text, value);
}

/* --- tsv and csv: straight through */

static void append_separated(struct cli_rows *rows, struct tcore_buf *out, const char *s,
                             size_t length, bool is_text, bool first)
{
    if (!first)
        tcore_buf_putc(out, rows->format == CLI_ROWS_TSV ? '\t' : ',');
    if (rows->format == CLI_ROWS_TSV)
        append_tsv(rows, out, s, length);
    else
        append_csv(rows, out, s, length, is_text);
}

static void append_heading(struct cli_rows *rows, const struct cli_fields *fields,
                           struct tcore_buf *out)
{
    for (size_t i = 0; i < fields->count; i++)
        append_separated(rows, out, fields->field[i].name, fields->field[i].name_length, true,
                         i == 0);
    tcore_buf_putc(out, '\n');
    rows->headed = true;
}

static void append_row(struct cli_rows *rows, struct cli_fields *fields,
                       const struct tcore_json *record, struct tcore_buf *out)
{
    for (size_t i = 0; i < fields->count; i++) {
        struct tcore_value value = cli_fields_get(&fields->field[i], record);
        bool is_text = value.kind == TCORE_STRING;
        cli_rows_render(rows, &value);
        append_separated(rows, out, rows->text.data, rows->text.length, is_text, i == 0);
        out->failed |= rows->text.failed;
    }
    tcore_buf_putc(out, '\n');
}

void cli_rows_flush(struct cli_rows *rows, struct cli_fields *fields, struct tcore_buf *out)
{
    if (rows->format != CLI_ROWS_TABLE || !rows->held || !fields->count)
        return;
    cli_rows_put_table(rows, fields, out);
}

void cli_rows_head(struct cli_rows *rows, struct cli_fields *fields, struct tcore_buf *out)
{
    if (rows->headed || !fields->count)
        return;
    if (rows->format == CLI_ROWS_TABLE)
        cli_rows_put_table(rows, fields, out);
    else
        append_heading(rows, fields, out);
}

void cli_rows_add(struct cli_rows *rows, struct cli_fields *fields, const struct tcore_json *record,
                  struct tcore_buf *out)
{
    if (rows->format != CLI_ROWS_TABLE) {
        if (!rows->headed)
            append_heading(rows, fields, out);
        append_row(rows, fields, record, out);
        return;
    }
    cli_rows_hold(rows, fields, record);
    if (rows->held >= TABLE_ROWS)
        cli_rows_flush(rows, fields, out);
}

void cli_rows_free(struct cli_rows *rows)
{
    tcore_buf_free(&rows->text);
    tcore_buf_free(&rows->cells);
    tcore_buf_free(&rows->list);
    tcore_free(rows->whole);
    tcore_free(rows->width);
    tcore_free(rows->right);
    *rows = (struct cli_rows){0};
}
