/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of a table are held until the widths of columns are known. */
#include <config.h>

#include "cli/rows_private.h"

#include "base/sys.h"
#include "cli/fit.h"
#include "cli/human.h"
#include "cli/visible.h"
#include "model/batch.h"
#include "model/number.h"

#include <string.h>

#define WIDEST_COLUMN 60         /* cells beyond do not make their column wider */
#define LEAST_COLUMN  12         /* to which columns are narrowed, so that lines fit */
#define LEAST_LAST    24         /* the same of the last one, in which text is wrapped */
#define SHOWN_TIME_NS 1000000000 /* the range of times: they are shown to the millisecond */

/* --- Cells */

static bool ends_with(const struct cli_field *field, const char *end)
{
    size_t length = strlen(end);
    return field->name_length > length &&
           !memcmp(field->name + field->name_length - length, end, length);
}

static bool is_named(const struct cli_field *field, const char *name)
{
    return field->name_length == strlen(name) && !memcmp(field->name, name, field->name_length);
}

static bool is_share(const struct cli_field *field)
{
    return is_named(field, "share") || is_named(field, "errorRate") || ends_with(field, "Share");
}

/* 2024-10-30T12:24:01.698204357Z without what is less than a millisecond. */
static void shorten_time(struct tcore_buf *text)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd.ddd";
    size_t length = sizeof form - 1;
    if (text->length <= length + 1 || text->length > length + 7 ||
        text->data[text->length - 1] != 'Z')
        return;
    for (size_t i = 0; i < length; i++)
        if (form[i] == 'd' ? text->data[i] < '0' || text->data[i] > '9' : text->data[i] != form[i])
            return;
    text->data[length] = 'Z';
    text->length = length + 1;
}

/* A time in the column of one; false: it is none. */
static bool render_time(struct tcore_buf *text, const struct cli_field *field,
                        const struct tcore_value *value)
{
    int64_t ns;
    if (ends_with(field, "Time") && value->kind == TCORE_STRING)
        shorten_time(text);
    if (!ends_with(field, "UnixNano"))
        return false;
    if (value->kind == TCORE_STRING ? !tcore_parse_int64(value->s, value->len, &ns)
                                    : !tcore_value_int64(value, &ns))
        return false;
    tcore_buf_clear(text);
    cli_human_time(text, ns, SHOWN_TIME_NS);
    return true;
}

static void render_number(struct tcore_buf *text, const struct cli_field *field,
                          const struct tcore_value *value)
{
    tcore_buf_clear(text);
    if (is_share(field))
        cli_human_share(text, tcore_value_double(value));
    else if (value->kind == TCORE_INT && value->i >= 0)
        cli_human_count(text, (uint64_t)value->i);
    else
        cli_human_number(text, tcore_value_double(value));
}

/* The value as people read it, in rows->text. */
static void render_for_people(struct cli_rows *rows, const struct cli_field *field,
                              const struct tcore_json *record, const struct tcore_value *value)
{
    bool number = tcore_value_is_number(value);
    cli_rows_render(rows, value);
    if (number && cli_fields_is_duration(field, record)) {
        tcore_buf_clear(&rows->text);
        cli_human_duration(&rows->text, tcore_value_double(value), rows->ascii);
    } else if (rows->usual && !render_time(&rows->text, field, value) && number) {
        render_number(&rows->text, field, value);
    }
}

static void hold_cell(struct cli_rows *rows, const char *s, size_t length, bool number)
{
    struct cli_cell cell = {.offset = rows->cells.length, .number = number};
    cli_visible(&rows->cells, s, length, false);
    cell.length = (uint32_t)(rows->cells.length - cell.offset);
    if (cell.length)
        cell.width = (uint32_t)cli_display_width(rows->cells.data + cell.offset, cell.length);
    tcore_buf_append(&rows->list, &cell, sizeof cell);
}

void cli_rows_hold(struct cli_rows *rows, struct cli_fields *fields,
                   const struct tcore_json *record)
{
    for (size_t i = 0; i < fields->count; i++) {
        struct tcore_value value = cli_fields_get(&fields->field[i], record);
        render_for_people(rows, &fields->field[i], record, &value);
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

/* What a column is called: of those that the verb chose without the object that it is in, and the
 * unit that the cells have. */
static struct tcore_slice heading_of(const struct cli_rows *rows, const struct cli_field *field)
{
    struct tcore_slice heading = {field->name, field->name_length};
    if (!rows->usual)
        return heading;
    if (field->object)
        heading = (struct tcore_slice){field->key, field->key_length};
    if (ends_with(field, "UnixNano"))
        heading.length -= strlen("UnixNano");
    else if (ends_with(field, "Nano"))
        heading.length -= strlen("Nano");
    return heading;
}

/* --- Widths */

static void widen(struct cli_rows *rows, size_t column, size_t width)
{
    if (width > rows->width[column])
        rows->width[column] = width < WIDEST_COLUMN ? width : WIDEST_COLUMN;
}

/* Whether the cell is an id or a time, of which a part is of no use. */
static bool is_whole(const struct cli_rows *rows, const struct cli_cell *cell)
{
    const char *text = rows->cells.data + cell->offset;
    if (cell->length > 20 && cell->length <= 30 && text[4] == '-' && text[10] == 'T' &&
        text[cell->length - 1] == 'Z')
        return true;
    if (cell->length != 32 && cell->length != 16)
        return false;
    for (uint32_t i = 0; i < cell->length; i++)
        if (!strchr("0123456789abcdef", text[i]))
            return false;
    return true;
}

static size_t line_width(const struct cli_rows *rows, const struct cli_fields *fields)
{
    size_t sum = 2 * (fields->count - 1);
    for (size_t i = 0; i < fields->count; i++)
        sum += rows->width[i];
    return sum;
}

/* The widest column of text that is wider than least, but for one that wraps; the count of columns:
 * there is none. */
static size_t widest_column(const struct cli_rows *rows, const struct cli_fields *fields,
                            size_t least)
{
    size_t found = fields->count, count = fields->count - (rows->wraps ? 1 : 0);
    for (size_t i = 0; i < count; i++)
        if (!rows->whole[i] && rows->width[i] > least &&
            (found == fields->count || rows->width[i] > rows->width[found]))
            found = i;
    return found;
}

/* Narrows columns of text until lines fit: first the last one, if it can be wrapped. */
static void narrow(struct cli_rows *rows, const struct cli_fields *fields)
{
    static const size_t least[] = {12, 8};
    size_t last = fields->count - 1, width = line_width(rows, fields);
    for (; rows->wraps && width > rows->line && rows->width[last] > LEAST_LAST; width--)
        rows->width[last]--;
    for (size_t step = 0; step < sizeof least / sizeof *least; step++)
        for (; width > rows->line; width--) {
            size_t column = widest_column(rows, fields, least[step]);
            if (column == fields->count)
                break;
            rows->width[column]--;
        }
}

static void measure_column(struct cli_rows *rows, const struct cli_fields *fields, size_t column)
{
    struct tcore_slice heading = heading_of(rows, &fields->field[column]);
    bool whole = rows->held > 0, last = column + 1 == fields->count;
    size_t widest = 0;
    rows->width[column] = cli_display_width(heading.data, heading.length);
    rows->right[column] = rows->held > 0;
    for (size_t row = 0; row < rows->held; row++) {
        const struct cli_cell *cell = cell_at(rows, fields, row, column);
        rows->right[column] &= cell->number;
        whole &= !cell->length || is_whole(rows, cell);
        widest = cell->width > widest ? cell->width : widest;
        rows->wraps |= last && rows->line && cell->width > LEAST_LAST &&
                       memchr(rows->cells.data + cell->offset, ' ', cell->length);
    }
    rows->whole[column] = rows->right[column] || whole;
    widen(rows, column, widest);
    if (last && rows->wraps && widest > rows->width[column])
        rows->width[column] = widest;
}

/* Widths and alignment from the heading and the rows that are held. */
static bool measure(struct cli_rows *rows, const struct cli_fields *fields)
{
    rows->width = tcore_calloc(fields->count, sizeof *rows->width);
    rows->right = tcore_calloc(fields->count, sizeof *rows->right);
    rows->whole = tcore_calloc(fields->count, sizeof *rows->whole);
    if (!rows->width || !rows->right || !rows->whole)
        return false;
    for (size_t i = 0; i < fields->count; i++)
        measure_column(rows, fields, i);
    if (rows->line)
        narrow(rows, fields);
    return true;
}

/* --- Lines */

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

/* The text of the last column, below each other in lines. */
static void append_wrapped(const struct cli_rows *rows, const struct cli_fields *fields,
                           const char *text, size_t length, struct tcore_buf *out)
{
    size_t room = rows->width[fields->count - 1], next;
    size_t before = line_width(rows, fields) - room;
    while (length) {
        size_t line = cli_fit_line(text, length, room, &next);
        tcore_buf_append(out, text, line);
        text += next;
        length -= next;
        if (length)
            tcore_buf_printf(out, "\n%*s", (int)before, "");
    }
}

/* A cell or a heading. */
static void append_cell(const struct cli_rows *rows, const struct cli_fields *fields, size_t column,
                        const char *text, size_t length, size_t width, size_t *over,
                        struct tcore_buf *out)
{
    bool last = column + 1 == fields->count;
    if (!rows->line || rows->whole[column] || width <= rows->width[column]) {
        append_aligned(rows, fields, column, text, length, width, over, out);
    } else if (last && rows->wraps) {
        append_wrapped(rows, fields, text, length, out);
    } else {
        cli_fit(out, text, length, rows->width[column], CLI_FIT_MIDDLE, rows->ascii);
        tcore_buf_puts(out, last ? "" : "  ");
    }
}

static void append_row(const struct cli_rows *rows, const struct cli_fields *fields, size_t row,
                       struct tcore_buf *out)
{
    size_t over = 0;
    for (size_t i = 0; i < fields->count; i++) {
        const struct cli_cell *cell = cell_at(rows, fields, row, i);
        append_cell(rows, fields, i, rows->cells.data + cell->offset, cell->length, cell->width,
                    &over, out);
    }
    tcore_buf_putc(out, '\n');
}

static void append_heading(struct cli_rows *rows, const struct cli_fields *fields,
                           struct tcore_buf *out)
{
    size_t over = 0;
    tcore_buf_puts(out, rows->colour ? "\033[1m" : "");
    for (size_t i = 0; i < fields->count; i++) {
        struct tcore_slice heading = heading_of(rows, &fields->field[i]);
        tcore_buf_clear(&rows->text);
        cli_visible(&rows->text, heading.data, heading.length, false);
        append_cell(rows, fields, i, rows->text.data, rows->text.length,
                    cli_display_width(rows->text.data, rows->text.length), &over, out);
        out->failed |= rows->text.failed;
    }
    tcore_buf_puts(out, rows->colour ? "\033[m\n" : "\n");
    rows->headed = true;
}

void cli_rows_put_table(struct cli_rows *rows, struct cli_fields *fields, struct tcore_buf *out)
{
    if (rows->cells.failed || rows->list.failed || (!rows->width && !measure(rows, fields))) {
        out->failed = true;
        return;
    }
    for (size_t row = 0; row < rows->held && !rows->line; row++)
        for (size_t i = 0; i < fields->count; i++)
            widen(rows, i, cell_at(rows, fields, row, i)->width);
    if (!rows->headed)
        append_heading(rows, fields, out);
    for (size_t row = 0; row < rows->held; row++)
        append_row(rows, fields, row, out);
    tcore_buf_clear(&rows->cells);
    tcore_buf_clear(&rows->list);
    rows->held = 0;
}
