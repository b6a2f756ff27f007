/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rendering rows. Every column is made ready once: its key with the comma before it, and of a
 * dictionary each entry with its key, so that most values are one copy of bytes. Then the rows are
 * written one after the other, each along its shape.
 */
#include "model/number.h"
#include "stream/binary_codec.h"
#include "stream/binary_text.h"

#include <math.h>

/* A column made ready. Its values are taken in order of the rows. */
struct text_source {
    struct binary_values values;
    const uint32_t *entry_at;    /* CODES: where each entry begins in ready, and the end */
    uint32_t at;                 /* next value */
    uint32_t key_at, key_length; /* ,"key": in ready; of OBJECT ,"key":{ */
};

struct renderer {
    struct binary_reader *reader;
    uint32_t object;    /* only its members, or BINARY_WHOLE_RECORD */
    const bool *wanted; /* by row; NULL: all are */
    struct text_source *source;
    struct tcore_buf *out;
    struct tcore_buf ready; /* the reader's, for as long as this lasts */
    size_t limit;
    bool partial; /* something is sealed and missing */
    struct tcore_error *err;
};

static const struct block_column *column_of(const struct renderer *r, uint32_t column)
{
    return &r->reader->block.column[column];
}

static bool is_wanted(const struct renderer *r, uint32_t column)
{
    const struct block_column *c = column_of(r, column);
    if (c->class == CLASS_SHAPE || !c->shapes || c->missing)
        return false;
    return r->object == BINARY_WHOLE_RECORD || c->parent == r->object;
}

static void write_text_value(struct tcore_buf *out, unsigned class, const struct tcore_value *v)
{
    switch (class) {
    case CLASS_STRING:
        tcore_json_write_string(out, v->s, v->len);
        break;
    case CLASS_HEX: {
        char *to = tcore_buf_reserve(out, 2 * (size_t)v->len + 2);
        if (!to)
            break;
        to[0] = '"';
        tcore_binary_hex_encode(to + 1, (const uint8_t *)v->s, v->len);
        to[1 + 2 * (size_t)v->len] = '"';
        out->length += 2 * (size_t)v->len + 2;
        break;
    }
    case CLASS_MEMBERS:
        tcore_buf_append(out, v->s + 1, v->len - 2);
        break;
    default:
        tcore_buf_append(out, v->s, v->len);
        break;
    }
}

/* ,"key": of a column, into ready. */
static enum tcore_status make_key(struct renderer *r, uint32_t column)
{
    const struct block_column *c = column_of(r, column);
    struct text_source *s = &r->source[column];
    s->key_at = (uint32_t)r->ready.length;
    tcore_buf_putc(&r->ready, ',');
    if (c->class != CLASS_MEMBERS) {
        if (!tcore_binary_is_text(c->name, c->name_length, true))
            return tcore_error_set(r->err, TCORE_BAD_INPUT, "damaged block: a key that is no text");
        tcore_json_write_string(&r->ready, c->name, c->name_length);
        tcore_buf_putc(&r->ready, ':');
        if (c->class == CLASS_OBJECT)
            tcore_buf_putc(&r->ready, '{');
    }
    s->key_length = (uint32_t)(r->ready.length - s->key_at);
    return r->ready.failed ? tcore_error_nomem(r->err) : TCORE_OK;
}

/* Of a dictionary, every entry with its key before it. */
static enum tcore_status make_entries(struct renderer *r, uint32_t column)
{
    struct text_source *s = &r->source[column];
    unsigned class = column_of(r, column)->class;
    uint32_t *at = tcore_binary_pool_get(&r->reader->pool, s->values.value_count, sizeof *at);
    if (!at || !tcore_buf_reserve(&r->ready, s->key_length))
        return tcore_error_nomem(r->err);
    for (uint32_t i = 0; i < s->values.value_count; i++) {
        at[i] = (uint32_t)r->ready.length;
        if (tcore_buf_reserve(&r->ready, s->key_length))
            tcore_buf_append(&r->ready, r->ready.data + s->key_at, s->key_length);
        write_text_value(&r->ready, class, &s->values.values[i]);
        if (r->ready.length > BINARY_UNIT_LIMIT)
            return tcore_error_set(r->err, TCORE_BAD_INPUT, "damaged block: too much text");
    }
    at[s->values.value_count] = (uint32_t)r->ready.length;
    s->entry_at = at;
    return r->ready.failed ? tcore_error_nomem(r->err) : TCORE_OK;
}

static enum tcore_status check_ints(const struct renderer *r, uint32_t column)
{
    const struct text_source *s = &r->source[column];
    unsigned class = column_of(r, column)->class;
    for (uint32_t i = 0; i < s->values.count; i++) {
        double d;
        memcpy(&d, &s->values.ints[i], sizeof d);
        if ((class == CLASS_DOUBLE && !isfinite(d)) ||
            (class == CLASS_LITERAL && (uint64_t)s->values.ints[i] > 2))
            return tcore_error_set(r->err, TCORE_BAD_INPUT, "damaged block: an impossible value");
    }
    return TCORE_OK;
}

static enum tcore_status make_ready(struct renderer *r, uint32_t column)
{
    const struct block_column *c = column_of(r, column);
    struct text_source *s = &r->source[column];
    enum tcore_status status = make_key(r, column);
    if (status != TCORE_OK || c->class == CLASS_OBJECT)
        return status;
    if (binary_encoding_is_text(c->encoding)) {
        status = tcore_binary_read_text(r->reader, column, true, &s->values, r->err);
        if (status == TCORE_OK && s->values.form == BINARY_CODES)
            status = make_entries(r, column);
        return status;
    }
    s->values.form = BINARY_INTS;
    s->values.count = c->values;
    status = tcore_binary_read_ints(r->reader, column, &s->values.ints, r->err);
    if (status == TCORE_OK && (c->class == CLASS_DOUBLE || c->class == CLASS_LITERAL))
        status = check_ints(r, column);
    return status;
}

static void append_ready(struct renderer *r, size_t from, size_t to)
{
    tcore_buf_append(r->out, r->ready.data + from, to - from);
}

static void write_int_value(struct tcore_buf *out, unsigned class, int64_t value)
{
    static const char *const literals[] = {"null", "false", "true"};
    double d;
    char *to = tcore_buf_reserve(out, TCORE_NUMBER_BYTES + 2);
    if (!to)
        return;
    switch (class) {
    case CLASS_LITERAL:
        tcore_buf_puts(out, literals[value]);
        break;
    case CLASS_DOUBLE:
        memcpy(&d, &value, sizeof d);
        out->length += tcore_format_double(to, d);
        break;
    case CLASS_DECIMAL:
        to[0] = '"';
        out->length += 1 + tcore_format_int64(to + 1, value);
        tcore_buf_putc(out, '"');
        break;
    default:
        out->length += tcore_format_int64(to, value);
        break;
    }
}

/* One member: ,"key":value, without the comma if it is the first. */
static void write_member(struct renderer *r, uint32_t column, bool first)
{
    struct text_source *s = &r->source[column];
    uint32_t i = s->at++;
    if (s->values.form == BINARY_CODES) {
        uint32_t code = s->values.codes[i];
        append_ready(r, s->entry_at[code] + first, s->entry_at[code + 1]);
        return;
    }
    append_ready(r, s->key_at + first, s->key_at + s->key_length);
    if (s->values.form == BINARY_INTS)
        write_int_value(r->out, column_of(r, column)->class, s->values.ints[i]);
    else
        write_text_value(r->out, column_of(r, column)->class, &s->values.values[i]);
}

/* The members of a row; first: no member stands before them. */
static void write_row(struct renderer *r, uint32_t shape, bool first)
{
    const struct binary_block *block = &r->reader->block;
    uint32_t open = BINARY_NONE;
    uint32_t end = binary_shape_end(block, shape);
    for (uint32_t i = block->shape_at[shape]; i < end && r->out->length <= r->limit; i++) {
        uint32_t column = binary_block_item(block, i);
        const struct block_column *c = &block->column[column];
        if (c->missing)
            continue;
        if (r->object == BINARY_WHOLE_RECORD && c->parent != open) {
            if (open != BINARY_NONE)
                tcore_buf_putc(r->out, '}');
            open = c->parent;
            if (open != BINARY_NONE) {
                const struct text_source *s = &r->source[open];
                append_ready(r, s->key_at + first, s->key_at + s->key_length);
                first = true;
            } else {
                first = false;
            }
        } else if (r->object != BINARY_WHOLE_RECORD && c->parent != r->object) {
            continue;
        }
        write_member(r, column, first);
        first = false;
    }
    if (open != BINARY_NONE)
        tcore_buf_putc(r->out, '}');
}

/* {"type":"span" or {, and how long that is. */
static size_t make_prefix(const struct renderer *r, char *prefix, bool *first)
{
    enum tcore_record_type type = r->reader->block.type;
    *first = r->object != BINARY_WHOLE_RECORD || !binary_type_is_implied(type);
    prefix[0] = '{';
    if (*first)
        return 1;
    static const char key[] = "{\"type\":\"";
    const char *name = tcore_record_type_name(type);
    size_t length = sizeof key - 1;
    memcpy(prefix, key, length);
    memcpy(prefix + length, name, strlen(name));
    length += strlen(name);
    prefix[length++] = '"';
    return length;
}

/* Moves on behind the values of a row that nobody wants. */
static void pass_row(struct renderer *r, uint32_t shape)
{
    const struct binary_block *block = &r->reader->block;
    uint32_t end = binary_shape_end(block, shape);
    for (uint32_t i = block->shape_at[shape]; i < end; i++)
        r->source[binary_block_item(block, i)].at++;
}

static enum tcore_status write_rows(struct renderer *r, size_t *ends)
{
    const struct binary_block *block = &r->reader->block;
    char prefix[64];
    bool first;
    size_t prefix_length = make_prefix(r, prefix, &first);
    for (uint32_t row = 0; row < block->rows; row++) {
        uint32_t shape = block->shapes > 1 ? block->row_shape[row] : 0;
        bool has = r->object == BINARY_WHOLE_RECORD;
        if (r->wanted && !r->wanted[row]) {
            pass_row(r, shape);
            ends[row] = r->out->length;
            continue;
        }
        for (uint32_t i = block->shape_at[shape]; !has && i < binary_shape_end(block, shape); i++) {
            const struct block_column *c = &block->column[binary_block_item(block, i)];
            has = c->parent == r->object && !c->missing;
        }
        if (has) {
            tcore_buf_append(r->out, prefix, prefix_length);
            write_row(r, shape, first);
            tcore_buf_putc(r->out, '}');
        }
        ends[row] = r->out->length;
        if (r->out->length > r->limit)
            return tcore_error_set(r->err, TCORE_BAD_INPUT, "damaged block: too much text");
    }
    return r->out->failed ? tcore_error_nomem(r->err) : TCORE_OK;
}

static enum tcore_status render(struct renderer *r, size_t *ends)
{
    const struct binary_block *block = &r->reader->block;
    enum tcore_status status = tcore_binary_block_count(&r->reader->block, r->err);
    for (uint32_t i = 0; i < block->columns && status == TCORE_OK; i++) {
        if (is_wanted(r, i))
            status = tcore_binary_block_unseal(&r->reader->block, i, r->err);
        if (status == TCORE_OK && is_wanted(r, i))
            status = make_ready(r, i);
        r->partial |= block->column[i].missing;
    }
    if (status == TCORE_OK)
        status = write_rows(r, ends);
    if (status == TCORE_OK && r->object == BINARY_WHOLE_RECORD && !r->wanted && !r->partial &&
        r->out->length != r->limit)
        status = tcore_error_set(r->err, TCORE_BAD_INPUT,
                                 "damaged block: its text has not the length that it says");
    return status;
}

enum tcore_status tcore_binary_render(struct binary_reader *reader, uint32_t object,
                                      const bool *wanted, struct tcore_buf *text,
                                      const struct tcore_slice **slices, struct tcore_error *err)
{
    const struct binary_block *block = &reader->block;
    struct renderer r = {
        .reader = reader, .object = object, .wanted = wanted, .out = text, .err = err};
    r.limit = block->text_bytes;
    struct tcore_slice *slice = tcore_binary_pool_get(&reader->pool, block->rows, sizeof *slice);
    size_t *ends = tcore_binary_pool_get(&reader->pool, block->rows, sizeof *ends);
    r.source = tcore_binary_pool_get(&reader->pool, block->columns, sizeof *r.source);
    if (!slice || !ends || !r.source)
        return tcore_error_nomem(err);
    memset(r.source, 0, block->columns * sizeof *r.source);
    tcore_buf_clear(text);
    r.ready = reader->ready;
    tcore_buf_clear(&r.ready);
    enum tcore_status status = render(&r, ends);
    reader->ready = r.ready;
    if (status != TCORE_OK)
        return status;
    size_t start = 0;
    for (uint32_t row = 0; row < block->rows; row++) {
        slice[row] = (struct tcore_slice){.data = text->data + start, .length = ends[row] - start};
        start = ends[row];
    }
    *slices = slice;
    return TCORE_OK;
}
