/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing the row of an element that has a form. */
#include <config.h>

#include "record/import/form_row.h"

#include "model/number.h"
#include "stream/binary_codec.h"
#include "stream/binary_shape.h"

/* The digits of an int64. */
static int64_t integer(struct tcore_slice digits)
{
    bool minus = *digits.data == '-';
    uint64_t value = 0;
    for (size_t i = minus; i < digits.length; i++)
        value = value * 10 + (uint64_t)(digits.data[i] - '0');
    return (int64_t)(minus ? 0 - value : value);
}

static void put_id(struct tcore_binary_row *row, const struct form_source *s,
                   const struct form_cell *cell, struct tcore_slice digits)
{
    uint8_t bytes[16];
    s->variant->bytes(bytes, digits.data, digits.length);
    tcore_binary_row_id(row, cell->key, (const char *)bytes, digits.length / 2);
}

/* The text between a value's quotes, if it has any. */
static struct tcore_slice text_of(const struct form_source *s, const struct form_cell *cell)
{
    const char *from = form_place_in(s, cell->from), *to = form_place_in(s, cell->to);
    bool quoted = *from == '"';
    return (struct tcore_slice){from + quoted, (size_t)(to - from) - 2 * quoted};
}

/* What the letter behind a backslash means; form_is_text() has no others. */
static char escaped(char letter)
{
    static const char letters[] = "nrtbf", meant[] = "\n\r\t\b\f";
    const char *known = strchr(letters, letter);
    return known ? meant[known - letters] : letter;
}

struct tcore_slice form_decode(const struct form_source *s, struct tcore_slice text)
{
    const char *at = text.data, *end = at + text.length;
    if (!s->special || !memchr(text.data, '\\', text.length))
        return text;
    char *begin = s->made->data + s->made->length, *out = begin;
    while (at < end) {
        bool escape = *at == '\\';
        *out++ = escape ? escaped(at[1]) : *at;
        at += 1 + escape;
    }
    s->made->length += (size_t)(out - begin);
    return (struct tcore_slice){begin, (size_t)(out - begin)};
}

static void put_copy(struct tcore_binary_row *row, const struct form_source *s,
                     const struct form_cell *cell)
{
    if (cell->value == FORM_DURATION) {
        tcore_binary_row_int(row, cell->key, s->stop_ns - s->start_ns);
        return;
    }
    struct tcore_slice text = text_of(s, cell);
    double d;
    switch ((enum form_value)cell->value) {
    case FORM_TEXT:
        if (s->special)
            tcore_binary_row_text(row, cell->key, form_decode(s, text));
        else
            tcore_binary_row_plain(row, cell->key, text);
        break;
    case FORM_TRACE_ID:
    case FORM_SPAN_ID:
        put_id(row, s, cell, text);
        break;
    case FORM_INTEGER:
        tcore_binary_row_int(row, cell->key, integer(text));
        break;
    case FORM_DECIMAL:
        row->unfit |= !tcore_binary_is_double(text.data, text.length, &d);
        if (!row->unfit)
            tcore_binary_row_double(row, cell->key, d);
        break;
    default:
        tcore_binary_row_digits(row, cell->key, integer(text));
        break;
    }
}

struct tcore_slice form_make_text(const struct form_source *s, const struct form_cell *cell)
{
    static const struct form_shared none;
    char *text = s->made->data + s->made->length;
    char *end = s->variant->put(cell->made, s->text, s->point, 0, &none, text);
    s->made->length += (size_t)(end - text);
    return (struct tcore_slice){text, (size_t)(end - text)};
}

static void put_cell(struct tcore_binary_row *row, const struct form_source *s,
                     const struct form_cell *cell)
{
    switch ((enum form_cell_class)cell->class) {
    case CELL_COPY:
        put_copy(row, s, cell);
        break;
    case CELL_TEXT:
        tcore_binary_row_plain(row, cell->key, cell->text);
        break;
    case CELL_INT:
        tcore_binary_row_int(row, cell->key, cell->i);
        break;
    case CELL_DOUBLE:
        tcore_binary_row_double(row, cell->key, cell->d);
        break;
    case CELL_BOOL:
        tcore_binary_row_bool(row, cell->key, cell->i);
        break;
    case CELL_JSON:
        tcore_binary_row_json(row, cell->key, cell->text);
        break;
    case CELL_MADE:
        tcore_binary_row_json(row, cell->key, form_make_text(s, cell));
        break;
    case CELL_OPEN:
        tcore_binary_row_open(row, cell->key);
        break;
    case CELL_CLOSE:
        tcore_binary_row_close(row);
        break;
    }
}

static void put_shared(struct tcore_binary_row *row, const struct form_around *around,
                       enum form_value value)
{
    static const struct tcore_slice service = {"service", 7}, schema = {"schemaUrl", 9};
    if (value == FORM_SERVICE && around->service.length)
        tcore_binary_row_text(row, service, around->service);
    else if (value == FORM_ABOVE)
        around->put(around->context, row);
    else if (value == FORM_END && around->schema.length)
        tcore_binary_row_text(row, schema, around->schema);
}

/* The row member by member; *put says where its values are then. */
static enum tcore_status put_members(struct tcore_binary_row *row, const struct form_source *s,
                                     const struct form_around *around, struct form_put *put,
                                     struct tcore_binary_writer *writer, struct tcore_error *err)
{
    const struct form *form = s->form;
    put->shared_length = 0;
    for (unsigned i = 0; i < form->section_count && !row->unfit; i++) {
        const struct form_section *section = &form->sections[i];
        put->from[i] = row->tree->values;
        for (unsigned k = 0; k < section->count && !row->unfit; k++)
            put_cell(row, s, &section->cell[k]);
        size_t before = row->length;
        put->shared[i] = row->tree->values;
        put_shared(row, around, (enum form_value)section->shared);
        put->shared_length += row->length - before;
        put->from[i + 1] = row->tree->values;
    }
    return tcore_binary_row_end(writer, row, err);
}

/* Puts the row member by member, and learns from it how the next ones are laid. */
static enum tcore_status put_and_learn(struct tcore_binary_row *row, const struct form_source *s,
                                       const struct form_around *around, struct form_scopes *scopes,
                                       struct tcore_binary_writer *writer, struct tcore_error *err)
{
    struct form_put put;
    uint32_t block = row->tree->blocks;
    tcore_buf_clear(s->made);
    enum tcore_status status = put_members(row, s, around, &put, writer, err);
    if (status != TCORE_OK || row->tree->blocks != block)
        return status;
    const struct form_scope *scope = form_scopes_find(scopes, around->shared, row->tree);
    if (!scope)
        scope = form_scopes_learn(scopes, around->shared, row->tree, &put);
    if (scope)
        form_lanes_learn(s->form->lanes, s, row, &put, scope);
    return TCORE_OK;
}

enum tcore_status form_put_row(const struct form_source *s, const struct form_around *around,
                               struct form_scopes *scopes, struct tcore_binary_writer *writer,
                               struct tcore_error *err)
{
    const struct form *form = s->form;
    struct tcore_binary_row row;
    size_t most = form->static_bytes + s->bytes + around->shared->text.length + TCORE_NUMBER_BYTES;
    if (!form->section_count)
        return TCORE_EOF;
    tcore_buf_clear(s->made);
    if ((form->makes || s->special) &&
        !tcore_buf_reserve(s->made, form->static_bytes + 2 * (s->bytes + FORM_PIECE)))
        return tcore_error_nomem(err);
    enum tcore_status status = tcore_binary_row_begin(writer, &row, TCORE_RECORD_SPAN, most, err);
    if (status != TCORE_OK || row.unfit)
        return status == TCORE_OK ? TCORE_EOF : status;
    const struct form_scope *scope = form_scopes_find(scopes, around->shared, row.tree);
    status = scope ? form_lanes_put(form->lanes, s, scope, &row, writer, err) : TCORE_EOF;
    return status == TCORE_EOF ? put_and_learn(&row, s, around, scopes, writer, err) : status;
}
