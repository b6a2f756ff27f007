/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "cli/rows.h"

#include "base/sys.h"
#include "cli/human.h"
#include "cli/visible.h"

#include <string.h>

#define TABLE_ROWS    1000 /* that widths are taken from */
#define WIDEST_COLUMN 60   /* cells beyond do not make their column wider */

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

/* The value as the text of a cell in rows->text. */
static void render(struct cli_rows *rows, const struct tcore_value *value)
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
        render(rows, &value);
        append_separated(rows, out, rows->text.data, rows->text.length, is_text, i == 0);
        out->failed |= rows->text.failed;
    }
    tcore_buf_putc(out, '\n');
}

/* --- Tables: held until the widths are known */

static void hold_cell(struct cli_rows *rows, const char *s, size_t length, bool number)
{
    struct cli_cell cell = {.offset = rows->cells.length, .number = number};
    cli_visible(&rows->cells, s, length, false);
    cell.length = (uint32_t)(rows->cells.length - cell.offset);
    if (cell.length)
        cell.width = (uint32_t)cli_display_width(rows->cells.data + cell.offset, cell.length);
    tcore_buf_append(&rows->list, &cell, sizeof cell);
}

static void hold_row(struct cli_rows *rows, struct cli_fields *fields,
                     const struct tcore_json *record)
{
    for (size_t i = 0; i < fields->count; i++) {
        struct tcore_value value = cli_fields_get(&fields->field[i], record);
        render(rows, &value);
        if (tcore_value_is_number(&value) && cli_fields_is_duration(&fields->field[i], record)) {
            tcore_buf_clear(&rows->text);
            cli_human_duration(&rows->text, tcore_value_double(&value), rows->ascii);
        }
        rows->cells.failed |= rows->text.failed;
        hold_cell(rows, rows->text.data, rows->text.length,
                  tcore_value_is_number(&value) || value.kind == TCORE_ABSENT);
    }
    rows->held++;
}

static const struct cli_cell *cell_at(const struct cli_rows *rows, const struct cli_fields *fields,
                                      size_t row, size_t column)
{
    return (const struct cli_cell *)(const void *)rows->list.data + row * fields->count + column;
}

static void widen(struct cli_rows *rows, size_t column, size_t width)
{
    if (width > rows->width[column])
        rows->width[column] = width < WIDEST_COLUMN ? width : WIDEST_COLUMN;
}

/* Widths and alignment from the heading and the rows that are held. */
static bool measure(struct cli_rows *rows, const struct cli_fields *fields)
{
    rows->width = tcore_calloc(fields->count, sizeof *rows->width);
    rows->right = tcore_calloc(fields->count, sizeof *rows->right);
    if (!rows->width || !rows->right)
        return false;
    for (size_t i = 0; i < fields->count; i++) {
        rows->width[i] = cli_display_width(fields->field[i].name, fields->field[i].name_length);
        rows->right[i] = rows->held > 0;
        for (size_t row = 0; row < rows->held; row++)
            rows->right[i] &= cell_at(rows, fields, row, i)->number;
    }
    return true;
}

/* *over: by how much the row is too long so far; the blanks of later columns make up for it. */
static void append_aligned(const struct cli_rows *rows, const struct cli_fields *fields,
                           size_t column, const char *s, size_t length, size_t width, size_t *over,
                           struct tcore_buf *out)
{
    size_t room = rows->width[column], blanks = width < room ? room - width : 0;
    size_t taken = blanks < *over ? blanks : *over;
    bool last = column + 1 == fields->count;
    blanks -= taken;
    *over += (width > room ? width - room : 0) - taken;
    if (rows->right[column])
        tcore_buf_printf(out, "%*s", (int)blanks, "");
    tcore_buf_append(out, s, length);
    if (!rows->right[column] && !last)
        tcore_buf_printf(out, "%*s", (int)blanks, "");
    tcore_buf_puts(out, last ? "" : "  ");
}

static void append_table_heading(struct cli_rows *rows, const struct cli_fields *fields,
                                 struct tcore_buf *out)
{
    size_t over = 0;
    tcore_buf_puts(out, rows->colour ? "\033[1m" : "");
    for (size_t i = 0; i < fields->count; i++) {
        const struct cli_field *field = &fields->field[i];
        tcore_buf_clear(&rows->text);
        cli_visible(&rows->text, field->name, field->name_length, false);
        append_aligned(rows, fields, i, rows->text.data, rows->text.length,
                       cli_display_width(rows->text.data, rows->text.length), &over, out);
        out->failed |= rows->text.failed;
    }
    tcore_buf_puts(out, rows->colour ? "\033[m\n" : "\n");
    rows->headed = true;
}

static void flush_table(struct cli_rows *rows, struct cli_fields *fields, struct tcore_buf *out)
{
    if (rows->cells.failed || rows->list.failed || (!rows->width && !measure(rows, fields))) {
        out->failed = true;
        return;
    }
    for (size_t row = 0; row < rows->held; row++)
        for (size_t i = 0; i < fields->count; i++)
            widen(rows, i, cell_at(rows, fields, row, i)->width);
    if (!rows->headed)
        append_table_heading(rows, fields, out);
    for (size_t row = 0; row < rows->held; row++) {
        size_t over = 0;
        for (size_t i = 0; i < fields->count; i++) {
            const struct cli_cell *cell = cell_at(rows, fields, row, i);
            append_aligned(rows, fields, i, rows->cells.data + cell->offset, cell->length,
                           cell->width, &over, out);
        }
        tcore_buf_putc(out, '\n');
    }
    tcore_buf_clear(&rows->cells);
    tcore_buf_clear(&rows->list);
    rows->held = 0;
}

void cli_rows_flush(struct cli_rows *rows, struct cli_fields *fields, struct tcore_buf *out)
{
    if (rows->format != CLI_ROWS_TABLE || !rows->held || !fields->count)
        return;
    flush_table(rows, fields, out);
}

void cli_rows_head(struct cli_rows *rows, struct cli_fields *fields, struct tcore_buf *out)
{
    if (rows->headed || !fields->count)
        return;
    if (rows->format == CLI_ROWS_TABLE)
        flush_table(rows, fields, out);
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
    hold_row(rows, fields, record);
    if (rows->held >= TABLE_ROWS)
        cli_rows_flush(rows, fields, out);
}

void cli_rows_free(struct cli_rows *rows)
{
    tcore_buf_free(&rows->text);
    tcore_buf_free(&rows->cells);
    tcore_buf_free(&rows->list);
    tcore_free(rows->width);
    tcore_free(rows->right);
    *rows = (struct cli_rows){0};
}
