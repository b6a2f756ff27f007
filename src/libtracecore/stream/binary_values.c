/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decoding the columns of a block, each when it is asked for. */
#include "base/sys.h"
#include "model/number.h"
#include "stream/binary_block.h"
#include "stream/binary_codec.h"
#include "stream/binary_traces.h"

#include <math.h>

void tcore_binary_reader_free(struct binary_reader *r)
{
    tcore_binary_block_free(&r->block);
    tcore_binary_pool_free(&r->pool);
    tcore_arena_free(&r->arena);
    tcore_json_free(&r->json);
    tcore_buf_free(&r->ready);
}

static enum tcore_status bad_value(struct tcore_error *err, const char *what)
{
    return tcore_error_set(err, TCORE_BAD_INPUT, "damaged block: %s", what);
}

/* Whether there is nothing but padding from data on. */
static bool ends_column(const uint8_t *data, const uint8_t *end)
{
    uint8_t any = 0;
    size_t bytes = (size_t)(end - data);
    for (size_t i = 0; i < bytes && i < 8; i++)
        any |= data[i];
    return bytes < 8 && !any;
}

static int64_t *unpack_ints(struct binary_reader *r, const struct block_column *c)
{
    int64_t *ints = tcore_binary_pool_get(&r->pool, c->values, sizeof *ints);
    if (!ints)
        return NULL;
    if (c->encoding == ENCODING_DELTA)
        tcore_binary_unpack_delta(ints, c->data, c->values, (uint64_t)c->base, (uint64_t)c->step,
                                  c->width);
    else
        tcore_binary_unpack(ints, c->data, c->values, (uint64_t)c->base, c->width);
    ints[c->values] = 0;
    return ints;
}

/* Of a column without data of its own, as most ends are: what the two others add up to. */
static enum tcore_status read_pure_sum(struct binary_reader *r, uint32_t column, int64_t **ints,
                                       struct tcore_error *err)
{
    const struct block_column *c = &r->block.column[column];
    const int64_t *a, *b;
    enum tcore_status status = tcore_binary_read_ints(r, c->add_a, &a, err);
    if (status == TCORE_OK)
        status = tcore_binary_read_ints(r, c->add_b, &b, err); /* which have none themselves */
    if (status != TCORE_OK)
        return status;
    int64_t *values = *ints = tcore_binary_pool_get(&r->pool, c->values, sizeof *values);
    if (!values)
        return tcore_error_nomem(err);
    tcore_binary_sum(values, a, b, c->values, (uint64_t)c->base);
    values[c->values] = 0;
    return TCORE_OK;
}

static enum tcore_status add_ints(struct binary_reader *r, uint32_t column, int64_t *values,
                                  struct tcore_error *err)
{
    const struct block_column *c = &r->block.column[column];
    const uint16_t added[2] = {c->add_a, c->add_b};
    enum tcore_status status = TCORE_OK;
    for (int i = 0; i < 2 && status == TCORE_OK; i++) {
        const int64_t *more;
        if (added[i] == BINARY_NONE)
            continue;
        status = tcore_binary_read_ints(r, added[i], &more, err);
        if (status == TCORE_OK)
            tcore_binary_add(values, more, c->values);
    }
    return status;
}

enum tcore_status tcore_binary_read_ints(struct binary_reader *r, uint32_t column,
                                         const int64_t **ints, struct tcore_error *err)
{
    struct block_column *c = &r->block.column[column];
    int64_t *values;
    if (c->ints) {
        *ints = c->ints;
        return TCORE_OK;
    }
    enum tcore_status status = tcore_binary_block_verify(&r->block, column, err);
    if (status != TCORE_OK)
        return status;
    if (c->encoding == ENCODING_GROUPED) {
        status = tcore_binary_read_grouped(r, column, &values, err);
        if (status == TCORE_OK)
            *ints = c->ints = values;
        return status;
    }
    if (!ends_column(c->data + (size_t)c->values * c->width, c->data + c->length))
        return bad_value(err, "a column with bytes to spare");
    if (c->encoding == ENCODING_INTS && !c->width && c->add_a != BINARY_NONE &&
        c->add_b != BINARY_NONE) {
        status = read_pure_sum(r, column, &values, err);
    } else {
        values = unpack_ints(r, c);
        status = values ? add_ints(r, column, values, err) : tcore_error_nomem(err);
    }
    if (status == TCORE_OK)
        *ints = c->ints = values;
    return status;
}

/* Whether the string is one of its class. *status: TCORE_FATAL if there was no memory to tell. */
static bool text_fits(struct binary_reader *r, const struct block_column *c, const char *text,
                      size_t length, enum tcore_status *status)
{
    if (c->class == CLASS_STRING)
        return tcore_binary_is_text(text, length, true);
    if (c->class == CLASS_NUMBER)
        return tcore_binary_is_number(text, length);
    if (c->class == CLASS_HEX)
        return true;
    enum tcore_status parsed = tcore_json_parse(&r->json, text, length, NULL);
    if (parsed != TCORE_OK && parsed != TCORE_SKIP)
        *status = parsed;
    if (parsed != TCORE_OK || r->json.node[0].value.kind != TCORE_JSON)
        return false;
    return c->class == CLASS_JSON ||
           (tcore_json_is_object(&r->json.node[0]) && r->json.node[0].count);
}

/* count strings: their lengths, then their bytes, of which *data is moved behind. */
static enum tcore_status read_strings(struct binary_reader *r, const struct block_column *c,
                                      uint32_t count, const uint8_t **data, const uint8_t *end,
                                      bool check, const struct tcore_value **values,
                                      struct tcore_error *err)
{
    struct tcore_value *value = tcore_binary_pool_get(&r->pool, count, sizeof *value);
    uint32_t *lengths = tcore_binary_pool_get(&r->pool, count, sizeof *lengths);
    if (!value || !lengths)
        return tcore_error_nomem(err);
    if ((size_t)(end - *data) / (c->length_width ? c->length_width : 1) < count && c->length_width)
        return bad_value(err, "lengths cut short");
    tcore_binary_unpack_codes(lengths, *data, count, c->base_length, c->length_width);
    const char *at = (const char *)*data + (size_t)count * c->length_width;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (lengths[i] < c->base_length)
            return bad_value(err, "a string that is too long");
        bytes += lengths[i];
    }
    if (bytes > (size_t)((const char *)end - at))
        return bad_value(err, "strings cut short");
    /* Most text is ASCII: one look at all of it spares one at each string. */
    bool plain = !check || c->class == CLASS_HEX ||
                 (c->class == CLASS_STRING && tcore_binary_is_ascii(at, bytes));
    enum tcore_status status = TCORE_OK;
    for (uint32_t i = 0; i < count; i++) {
        value[i] = tcore_value_string(at, lengths[i]);
        if (!plain && !text_fits(r, c, at, lengths[i], &status))
            return status == TCORE_OK ? bad_value(err, "text that is not of its class")
                                      : tcore_error_nomem(err);
        at += lengths[i];
    }
    *data = (const uint8_t *)at;
    *values = value;
    return TCORE_OK;
}

/* The rows of each group: of group g those in order[start[g]] to order[start[g + 1] - 1]. */
struct groups {
    const uint32_t *of_row;
    uint32_t *start, *order;
};

static bool group_rows(struct binary_reader *r, const struct binary_values *by, struct groups *g)
{
    uint32_t rows = r->block.rows, count = by->value_count;
    g->of_row = by->codes;
    g->start = tcore_binary_pool_get(&r->pool, (size_t)count + 1, sizeof *g->start);
    g->order = tcore_binary_pool_get(&r->pool, rows, sizeof *g->order);
    if (!g->start || !g->order)
        return false;
    memset(g->start, 0, ((size_t)count + 1) * sizeof *g->start);
    for (uint32_t row = 0; row < rows; row++)
        g->start[by->codes[row]]++;
    uint32_t at = 0;
    for (uint32_t i = 0; i <= count; i++) {
        at += i < count ? g->start[i] : 0;
        g->start[i] = at;
    }
    for (uint32_t row = rows; row-- > 0;)
        g->order[--g->start[by->codes[row]]] = row;
    return true;
}

/* Whether rows of each shape have the column. */
static uint8_t *shapes_with(struct binary_reader *r, uint32_t column)
{
    const struct binary_block *block = &r->block;
    uint8_t *has = tcore_binary_pool_get(&r->pool, block->shapes, 1);
    if (!has)
        return NULL;
    memset(has, 0, block->shapes);
    for (uint32_t shape = 0; shape < block->shapes; shape++)
        for (uint32_t i = block->shape_at[shape]; i < binary_shape_end(block, shape); i++)
            has[shape] |= binary_block_item(block, i) == column;
    return has;
}

/* values: the column's own strings and codes; they become one string each. */
static enum tcore_status resolve(struct binary_reader *r, uint32_t column,
                                 const struct binary_values *ids, const struct groups *groups,
                                 struct binary_values *values, struct tcore_error *err)
{
    const struct binary_block *block = &r->block;
    const uint8_t *has = shapes_with(r, column);
    struct tcore_value *value = tcore_binary_pool_get(&r->pool, values->count, sizeof *value);
    if (!has || !value)
        return tcore_error_nomem(err);
    uint32_t at = 0, own = 0;
    for (uint32_t row = 0; row < block->rows; row++) {
        if (!has[block->row_shape[row]])
            continue;
        uint32_t code = values->codes[at], group = groups->of_row[row];
        uint32_t start = groups->start[group], members = groups->start[group + 1] - start;
        if (code > members || (!code && own == values->value_count))
            return bad_value(err, "a reference to nothing");
        if (!code) {
            value[at++] = values->values[own++];
            continue;
        }
        uint32_t target = groups->order[start + code - 1];
        value[at++] =
            ids->form == BINARY_CODES ? ids->values[ids->codes[target]] : ids->values[target];
    }
    if (own != values->value_count)
        return bad_value(err, "values that nothing refers to");
    values->form = BINARY_VALUES;
    values->values = value;
    values->value_count = values->count;
    return TCORE_OK;
}

static enum tcore_status resolve_references(struct binary_reader *r, uint32_t column,
                                            struct binary_values *values, struct tcore_error *err)
{
    const struct block_column *c = &r->block.column[column];
    struct binary_values ids, by;
    struct groups groups;
    if (!binary_column_is_dense(&r->block, &r->block.column[c->add_a]) ||
        !binary_column_is_dense(&r->block, &r->block.column[c->add_b]))
        return bad_value(err, "a reference to columns that rows lack");
    enum tcore_status status = tcore_binary_read_text(r, c->add_a, false, &ids, err);
    if (status == TCORE_OK)
        status = tcore_binary_read_text(r, c->add_b, false, &by, err);
    if (status == TCORE_OK)
        status = tcore_binary_block_count(&r->block, err);
    if (status == TCORE_OK && !group_rows(r, &by, &groups))
        status = tcore_error_nomem(err);
    return status == TCORE_OK ? resolve(r, column, &ids, &groups, values, err) : status;
}

enum tcore_status tcore_binary_read_text(struct binary_reader *r, uint32_t column, bool check,
                                         struct binary_values *values, struct tcore_error *err)
{
    const struct block_column *c = &r->block.column[column];
    enum tcore_status status = tcore_binary_block_verify(&r->block, column, err);
    if (status != TCORE_OK)
        return status;
    bool references = c->encoding == ENCODING_REFERENCE;
    bool traces = c->encoding == ENCODING_TRACES;
    bool dictionary = c->encoding == ENCODING_DICT || references || traces;
    const uint8_t *data = c->data, *end = c->data + c->length;
    *values = (struct binary_values){.form = dictionary ? BINARY_CODES : BINARY_VALUES,
                                     .count = c->values,
                                     .value_count = dictionary ? c->entries : c->values};
    status = read_strings(r, c, values->value_count, &data, end, check, &values->values, err);
    if (status != TCORE_OK)
        return status;
    if (traces)
        return tcore_binary_read_trace_codes(r, column, &values->codes, err);
    if (dictionary) {
        uint32_t *codes = tcore_binary_pool_get(&r->pool, c->values, sizeof *codes);
        if (!codes)
            return tcore_error_nomem(err);
        if ((size_t)(end - data) < (size_t)c->values * c->width)
            return bad_value(err, "codes cut short");
        uint32_t most = tcore_binary_unpack_codes(codes, data, c->values, 0, c->width);
        if (most >= c->entries && !references)
            return bad_value(err, "a code beyond its dictionary");
        codes[c->values] = 0;
        values->codes = codes;
        data += (size_t)c->values * c->width;
    }
    if (!ends_column(data, end))
        return bad_value(err, "a column with bytes to spare");
    return references ? resolve_references(r, column, values, err) : TCORE_OK;
}

/* Strings of bytes become strings of hexadecimal. */
static bool hex_values(struct binary_reader *r, struct tcore_value *v, uint32_t count)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        bytes += 2 * (size_t)v[i].len;
    char *text = tcore_binary_pool_get(&r->pool, bytes, 1);
    if (!text)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        tcore_binary_hex_encode(text, (const uint8_t *)v[i].s, v[i].len);
        v[i] = tcore_value_string(text, 2 * v[i].len);
        text += v[i].len;
    }
    return true;
}

static void number_values(struct tcore_value *v, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        int64_t number;
        if (tcore_binary_is_decimal(v[i].s, v[i].len, &number))
            v[i] = tcore_value_int(number);
        else
            v[i].kind = TCORE_NUMBER;
    }
}

static void time_values(struct tcore_value *v, uint32_t count)
{
    int64_t ns;
    for (uint32_t i = 0; i < count; i++)
        if (tcore_binary_is_time(v[i].s, v[i].len, &ns))
            v[i] = tcore_value_int(ns);
}

static enum tcore_status read_text_values(struct binary_reader *r, uint32_t column, bool time,
                                          struct binary_values *values, struct tcore_error *err)
{
    enum tcore_status status = tcore_binary_read_text(r, column, true, values, err);
    if (status != TCORE_OK)
        return status;
    struct tcore_value *v = (struct tcore_value *)values->values;
    switch (r->block.column[column].class) {
    case CLASS_HEX:
        return hex_values(r, v, values->value_count) ? TCORE_OK : tcore_error_nomem(err);
    case CLASS_NUMBER:
        number_values(v, values->value_count);
        break;
    case CLASS_JSON:
    case CLASS_MEMBERS:
        for (uint32_t i = 0; i < values->value_count; i++)
            v[i].kind = TCORE_JSON;
        break;
    default:
        if (time)
            time_values(v, values->value_count);
        break;
    }
    return TCORE_OK;
}

static enum tcore_status read_decimals(struct binary_reader *r, const int64_t *ints,
                                       struct binary_values *values, struct tcore_error *err)
{
    struct tcore_value *v = tcore_binary_pool_get(&r->pool, values->count, sizeof *v);
    char *text = tcore_binary_pool_get(&r->pool, values->count, TCORE_NUMBER_BYTES);
    if (!v || !text)
        return tcore_error_nomem(err);
    for (uint32_t i = 0; i < values->count; i++, text += TCORE_NUMBER_BYTES)
        v[i] = tcore_value_string(text, tcore_format_int64(text, ints[i]));
    values->form = BINARY_VALUES;
    values->values = v;
    return TCORE_OK;
}

static enum tcore_status read_doubles(struct binary_reader *r, const int64_t *bits,
                                      struct binary_values *values, struct tcore_error *err)
{
    struct tcore_value *v = tcore_binary_pool_get(&r->pool, values->count, sizeof *v);
    if (!v)
        return tcore_error_nomem(err);
    for (uint32_t i = 0; i < values->count; i++) {
        double d;
        memcpy(&d, &bits[i], sizeof d);
        if (!isfinite(d))
            return bad_value(err, "a double that is not finite");
        v[i] = tcore_value_of_double(d);
    }
    values->form = BINARY_VALUES;
    values->values = v;
    return TCORE_OK;
}

static enum tcore_status read_literals(struct binary_reader *r, const int64_t *ints,
                                       struct binary_values *values, struct tcore_error *err)
{
    static const struct tcore_value literals[] = {
        {.kind = TCORE_NULL}, {.kind = TCORE_FALSE}, {.kind = TCORE_TRUE}};
    uint32_t *codes = tcore_binary_pool_get(&r->pool, values->count, sizeof *codes);
    if (!codes)
        return tcore_error_nomem(err);
    for (uint32_t i = 0; i < values->count; i++) {
        if ((uint64_t)ints[i] > 2)
            return bad_value(err, "a literal other than null, false and true");
        codes[i] = (uint32_t)ints[i];
    }
    codes[values->count] = 0;
    values->form = BINARY_CODES;
    values->codes = codes;
    values->values = literals;
    values->value_count = 3;
    return TCORE_OK;
}

enum tcore_status tcore_binary_read_values(struct binary_reader *r, uint32_t column, bool time,
                                           struct binary_values *values, struct tcore_error *err)
{
    const struct block_column *c = &r->block.column[column];
    if (binary_encoding_is_text(c->encoding))
        return read_text_values(r, column, time, values, err);
    const int64_t *ints;
    enum tcore_status status = tcore_binary_read_ints(r, column, &ints, err);
    if (status != TCORE_OK)
        return status;
    *values = (struct binary_values){
        .form = BINARY_INTS, .count = c->values, .ints = ints, .value_count = c->values};
    if (c->class == CLASS_DECIMAL && !time)
        return read_decimals(r, ints, values, err);
    if (c->class == CLASS_DOUBLE)
        return read_doubles(r, ints, values, err);
    if (c->class == CLASS_LITERAL)
        return read_literals(r, ints, values, err);
    return TCORE_OK;
}
