/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing the row of an element that has a form. */
#include <config.h>

#include "record/import/form_row.h"

#include "model/number.h"
#include "stream/binary_codec.h"
#include "stream/binary_shape.h"

static const char *place_in(const struct form_source *s, struct form_place place)
{
    return s->text + s->point[place.point] + place.offset;
}

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
    const char *from = place_in(s, cell->from), *to = place_in(s, cell->to);
    bool quoted = *from == '"';
    return (struct tcore_slice){from + quoted, (size_t)(to - from) - 2 * quoted};
}

/* Whether it is not the text itself that stands there. */
static bool is_escaped(const struct form_source *s, struct tcore_slice text)
{
    return s->special && memchr(text.data, '\\', text.length);
}

static void put_copy(struct tcore_binary_row *row, const struct form_source *s,
                     const struct form_cell *cell)
{
    if (cell->value == FORM_DURATION) {
        tcore_binary_row_int(row, cell->key, s->duration_ns);
        return;
    }
    struct tcore_slice text = text_of(s, cell);
    double d;
    switch ((enum form_value)cell->value) {
    case FORM_TEXT:
        row->unfit |= is_escaped(s, text);
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

/* The text stays where it is until the row ends. */
static void put_made(struct tcore_binary_row *row, const struct form_source *s,
                     const struct form_cell *cell)
{
    static const struct form_shared none;
    struct tcore_slice text = {s->made->data + s->made->length, 0};
    char *end =
        s->variant->put(cell->made, s->text, s->point, 0, &none, s->made->data + s->made->length);
    text.length = (size_t)(end - text.data);
    s->made->length += text.length;
    tcore_binary_row_json(row, cell->key, text);
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
        put_made(row, s, cell);
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

/* --- sections --- */

/* How long a copied value is in canonical text. */
static size_t copied_length(const struct form_source *s, const struct form_cell *cell,
                            struct tcore_slice text)
{
    switch ((enum form_value)cell->value) {
    case FORM_DURATION:
        return tcore_int64_length(s->duration_ns);
    case FORM_INTEGER:
    case FORM_DECIMAL:
        return text.length;
    default:
        return text.length + strlen("\"\"");
    }
}

static bool set_text(struct shape_value *value, struct tcore_slice text)
{
    switch (value->class) {
    case CLASS_STRING:
        value->s = text.data;
        value->length = (uint32_t)text.length;
        value->coded = false;
        return true;
    case CLASS_HEX:
        return text.length == 2 * value->length &&
               tcore_binary_hex_decode(value->bytes, text.data, value->length);
    default:
        return value->class == CLASS_DECIMAL &&
               tcore_binary_is_decimal(text.data, text.length, &value->i);
    }
}

/* Puts a copied value in the place of the one that another row had. False: it is of another class.
 */
static bool set_copy(struct shape_value *value, const struct form_source *s,
                     const struct form_cell *cell, struct tcore_slice text)
{
    double d;
    switch ((enum form_value)cell->value) {
    case FORM_DURATION:
        value->i = s->duration_ns;
        return value->class == CLASS_INT;
    case FORM_TEXT:
        return !is_escaped(s, text) && set_text(value, text);
    case FORM_TRACE_ID:
    case FORM_SPAN_ID:
        s->variant->bytes(value->bytes, text.data, text.length);
        return value->class == CLASS_HEX;
    case FORM_INTEGER:
        value->i = integer(text);
        return value->class == CLASS_INT;
    case FORM_DECIMAL:
        if (value->class != CLASS_DOUBLE || !tcore_binary_is_double(text.data, text.length, &d))
            return false;
        memcpy(&value->i, &d, sizeof d);
        return true;
    default:
        value->i = integer(text);
        return value->class == CLASS_DECIMAL;
    }
}

/* Puts the section as an earlier row had it, with this one's values. */
static bool repeat(struct tcore_binary_row *row, const struct form_source *s,
                   struct form_section *section)
{
    struct tcore_binary_part *part = &section->part;
    if (!tcore_binary_row_repeat(row, part))
        return false;
    struct shape_value *values = row->tree->value + part->values;
    size_t copied = 0;
    for (unsigned i = 0; i < section->copies; i++) {
        const struct form_copy *copy = &section->copy[i];
        struct tcore_slice text = text_of(s, copy->cell);
        if (!set_copy(&values[copy->value], s, copy->cell, text)) {
            row->node = part->node;
            row->tree->values = part->values;
            row->length = part->before;
            return false;
        }
        copied += copied_length(s, copy->cell, text);
    }
    row->length += copied - section->copied;
    return true;
}

/* Keeps what the section became in the row, if that can be. */
static void keep(const struct tcore_binary_row *row, const struct form_source *s,
                 struct form_section *section)
{
    bool first = !section->part.ways;
    tcore_binary_row_keep(row, &section->part);
    if (!first)
        return;
    section->copied = 0;
    for (unsigned i = 0; i < section->copies; i++) {
        const struct form_cell *cell = section->copy[i].cell;
        section->copied += copied_length(s, cell, text_of(s, cell));
    }
}

static void put_section(struct tcore_binary_row *row, const struct form_source *s,
                        struct form_section *section)
{
    if (!section->made && repeat(row, s, section))
        return;
    for (unsigned i = 0; i < section->count && !row->unfit; i++)
        put_cell(row, s, &section->cell[i]);
    if (!section->made)
        keep(row, s, section);
}

enum tcore_status form_put_row(const struct form_source *s, const struct form_around *around,
                               struct tcore_binary_writer *writer, struct tcore_error *err)
{
    const struct form *form = s->form;
    struct tcore_binary_row row;
    size_t most = form->static_bytes + s->bytes + around->bytes + TCORE_NUMBER_BYTES;
    if (!form->section_count)
        return TCORE_EOF;
    tcore_buf_clear(s->made);
    if (!tcore_buf_reserve(s->made, form->static_bytes + s->bytes + 2 * FORM_PIECE))
        return tcore_error_nomem(err);
    enum tcore_status status = tcore_binary_row_begin(writer, &row, TCORE_RECORD_SPAN, most, err);
    if (status != TCORE_OK)
        return status;
    for (unsigned i = 0; i < form->section_count && !row.unfit; i++) {
        struct form_section *section = &form->sections[i];
        if (section->count)
            put_section(&row, s, section);
        if (section->shared != FORM_NOTHING)
            put_shared(&row, around, (enum form_value)section->shared);
    }
    return tcore_binary_row_end(writer, &row, err);
}

void form_free_sections(struct form *form)
{
    for (unsigned i = 0; i < form->section_count; i++)
        tcore_binary_part_free(&form->sections[i].part);
    form->section_count = 0;
}
