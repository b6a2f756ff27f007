/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables: CSV as RFC 4180 has it, TSV with escapes for tabs and newlines. */
#include <config.h>

#include "record/import/csv.h"

#include "base/sys.h"

static struct tcore_slice keep(struct csv_table *t, struct tcore_arena *arena, const char *text,
                               size_t length)
{
    char *copy = tcore_arena_copy(arena, length ? text : "", length);
    t->failed |= !copy;
    return (struct tcore_slice){copy ? copy : "", copy ? length : 0};
}

/* Without the quotes around it and doubled inside. */
static struct tcore_slice take_quoted(struct csv_table *t, struct tcore_slice *rest)
{
    const char *at = rest->data + 1, *end = rest->data + rest->length;
    char *out = tcore_arena_alloc(&t->texts, rest->length + 1);
    size_t length = 0;
    t->failed |= !out;
    for (; out && at < end; at++) {
        if (*at == '"' && (at + 1 == end || at[1] != '"'))
            break;
        at += *at == '"';
        out[length++] = *at;
    }
    t->open |= at >= end;
    at += at < end;
    /* what is behind the closing quote is part of it, as nobody else would have it */
    while (out && at < end && *at != t->separator && *at != '\n')
        out[length++] = *at++;
    if (out && length && out[length - 1] == '\r' && (at == end || *at == '\n'))
        length--;
    *rest = (struct tcore_slice){at, (size_t)(end - at)};
    return (struct tcore_slice){out ? out : "", length};
}

static struct tcore_slice unescape(struct csv_table *t, struct tcore_slice cell)
{
    char *out =
        memchr(cell.data, '\\', cell.length) ? tcore_arena_alloc(&t->texts, cell.length + 1) : NULL;
    size_t length = 0;
    if (!out)
        return cell;
    for (size_t i = 0; i < cell.length; i++) {
        char c = cell.data[i], next = i + 1 < cell.length ? cell.data[i + 1] : '\0';
        if (c == '\\' && next && strchr("tnr\\", next)) {
            c = next == 't' ? '\t' : next == 'n' ? '\n' : next == 'r' ? '\r' : '\\';
            i++;
        }
        out[length++] = c;
    }
    return (struct tcore_slice){out, length};
}

static struct tcore_slice take_plain(struct csv_table *t, struct tcore_slice *rest)
{
    const char *at = rest->data, *end = at + rest->length;
    while (at < end && *at != t->separator && *at != '\n')
        at++;
    struct tcore_slice cell = {rest->data, (size_t)(at - rest->data)};
    if (cell.length && cell.data[cell.length - 1] == '\r' && (at == end || *at == '\n'))
        cell.length--;
    *rest = (struct tcore_slice){at, (size_t)(end - at)};
    return t->separator == '\t' ? unescape(t, cell) : cell;
}

/* Our own CSV has an apostrophe before what a spreadsheet would take for a formula. */
static struct tcore_slice without_apostrophe(struct tcore_slice cell)
{
    bool guarded = cell.length > 1 && cell.data[0] == '\'' && memchr("=+-@\t\r", cell.data[1], 6);
    return guarded ? (struct tcore_slice){cell.data + 1, cell.length - 1} : cell;
}

static struct tcore_slice take_cell(struct csv_table *t, struct tcore_slice *rest)
{
    if (t->separator == '\t')
        return take_plain(t, rest);
    bool quoted = rest->length && *rest->data == '"';
    return without_apostrophe(quoted ? take_quoted(t, rest) : take_plain(t, rest));
}

bool csv_next(struct csv_table *t, struct tcore_slice *rest, struct tcore_slice *text)
{
    const char *from = rest->data;
    if (!rest->length)
        return false;
    tcore_arena_reset(&t->texts);
    t->cells = 0;
    t->open = false;
    for (;;) {
        struct tcore_slice cell = take_cell(t, rest);
        if (t->cells < t->columns)
            t->cell[t->cells] = cell;
        t->cells++;
        if (!rest->length || *rest->data == '\n')
            break;
        *rest = (struct tcore_slice){rest->data + 1, rest->length - 1};
    }
    *text = (struct tcore_slice){from, (size_t)(rest->data - from)};
    if (rest->length)
        *rest = (struct tcore_slice){rest->data + 1, rest->length - 1};
    return true;
}

bool csv_is_blank(const struct csv_table *t)
{
    return t->cells == 1 && t->columns > 1 && !t->cell[0].length;
}

bool csv_check(struct import_job *job, const struct csv_table *t)
{
    job->failed |= t->failed;
    if (t->open)
        return import_bad(job, "a quote that is not closed");
    return t->cells == t->columns || import_bad(job, "%zu cell%s where there are %zu columns",
                                                t->cells, t->cells == 1 ? "" : "s", t->columns);
}

static bool make_columns(struct csv_table *t, size_t columns)
{
    t->name = tcore_calloc(columns + 1, sizeof(*t->name));
    t->cell = tcore_calloc(columns + 1, sizeof(*t->cell));
    t->failed |= !t->name || !t->cell;
    t->columns = t->failed ? 0 : columns;
    return !t->failed;
}

/* NAME=FIELD: a column of that name is that field. */
static struct tcore_slice rename_column(struct csv_table *t, const struct import_settings *settings,
                                        struct tcore_slice name)
{
    for (size_t i = 0; !settings->bare && i < settings->column_count; i++) {
        const char *column = settings->columns[i], *equals = strchr(column, '=');
        if (equals && (size_t)(equals - column) == name.length &&
            memcmp(column, name.data, name.length) == 0)
            return keep(t, &t->names, equals + 1, strlen(equals + 1));
    }
    return keep(t, &t->names, name.data, name.length);
}

static bool read_heading(struct csv_table *t, struct import_job *job)
{
    struct tcore_slice rest = job->heading, text;
    t->columns = 0;
    if (!csv_next(t, &rest, &text))
        return import_bad(job, "a table without a heading");
    if (t->cells > CSV_COLUMNS_MAX)
        return import_bad(job, "more than %d columns", CSV_COLUMNS_MAX);
    if (!make_columns(t, t->cells))
        return false;
    rest = job->heading;
    csv_next(t, &rest, &text);
    for (size_t i = 0; i < t->columns; i++)
        t->name[i] = rename_column(t, job->settings, t->cell[i]);
    return !t->failed;
}

bool csv_open(struct csv_table *t, struct import_job *job, char separator)
{
    const struct import_settings *settings = job->settings;
    bool good;
    t->separator = separator;
    if (settings->bare) {
        good = make_columns(t, settings->column_count);
        for (size_t i = 0; i < t->columns; i++)
            t->name[i] = keep(t, &t->names, settings->columns[i], strlen(settings->columns[i]));
    } else {
        good = read_heading(t, job);
        if (!good && !t->failed)
            import_reject_bytes(job, (struct tcore_slice){job->text, job->length}, NULL);
    }
    job->failed |= t->failed;
    return good && !t->failed;
}

void csv_close(struct csv_table *t)
{
    tcore_free(t->name);
    tcore_free(t->cell);
    tcore_arena_free(&t->names);
    tcore_arena_free(&t->texts);
}
