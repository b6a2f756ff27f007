/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Values on their way to columns along the steps that the records before have made: the next key is
 * mostly the one that came next last time, so that finding its column is one comparison.
 */
#include "base/sys.h"
#include "model/number.h"
#include "stream/binary_codec.h"
#include "stream/binary_row.h"
#include "stream/binary_shape.h"

#include <math.h>

static inline bool has_key(const struct shape_edge *edge, struct tcore_slice key)
{
    return edge->key_length == key.length && binary_same(edge->key, key.data, key.length);
}

/* Whether the object that is open has that key already. */
static bool comes_again(const struct tcore_binary_row *row, struct tcore_slice key)
{
    const struct shape_tree *tree = row->tree;
    uint16_t object = tree->node[row->node].object;
    for (uint32_t at = row->node; at; at = tree->node[at].parent) {
        uint16_t number = tree->node[at].column;
        if (number == BINARY_NONE)
            continue;
        const struct binary_column *column = &tree->column[number];
        if (column->parent == object && column->name_length == key.length &&
            binary_same(column->name, key.data, key.length))
            return true;
    }
    return false;
}

/* How a value gets into a step's column: false if that has another class. */
typedef bool take_function(const struct shape_edge *edge, const struct tcore_value *v,
                           struct shape_value *value);

/* The step that is known for that key and takes the value. */
static inline __attribute__((always_inline)) bool take_known(struct tcore_binary_row *row,
                                                             struct tcore_slice key,
                                                             const struct tcore_value *v,
                                                             take_function *take)
{
    struct shape_tree *tree = row->tree;
    uint32_t before = 0;
    if (!tcore_shape_has_room(tree))
        return false;
    struct shape_value *value = &tree->value[tree->values];
    for (uint32_t e = tree->node[row->node].edges; e; before = e, e = tree->edge[e].next) {
        const struct shape_edge *edge = &tree->edge[e];
        if (!has_key(edge, key) || !take(edge, v, value))
            continue;
        value->column = edge->column;
        value->class = edge->class;
        value->coded = false;
        tree->values++;
        row->length += edge->literal_length;
        tcore_shape_prefer(tree, row->node, e, before);
        row->node = edge->node;
        return true;
    }
    return false;
}

/* Makes a step for the key, and takes back what its value became: that takes its place by the
 * caller's own rules. */
static bool learn(struct tcore_binary_row *row, struct tcore_slice key, const struct tcore_value *v)
{
    struct shape_tree *tree = row->tree;
    struct tcore_value name = tcore_value_string(key.data, key.length);
    uint32_t node = row->node, values = tree->values;
    bool good = key.length <= BINARY_NAME_LIMIT &&
                tcore_binary_is_text(key.data, key.length, false) && !comes_again(row, key) &&
                tcore_shape_step(tree, &node, &name, v);
    tree->values = values;
    return good;
}

static __attribute__((noinline)) void put_new(struct tcore_binary_row *row, struct tcore_slice key,
                                              const struct tcore_value *v, take_function *take,
                                              const struct tcore_value *sample)
{
    row->unfit = !learn(row, key, sample) || !take_known(row, key, v, take);
}

/* text_length: of the value in canonical text. sample: the value as text has it, to learn by. */
static inline __attribute__((always_inline)) void
put(struct tcore_binary_row *row, struct tcore_slice key, const struct tcore_value *v,
    take_function *take, size_t text_length, const struct tcore_value *sample)
{
    if (row->unfit)
        return;
    row->length += text_length;
    if (!take_known(row, key, v, take))
        put_new(row, key, v, take, sample);
}

/* ---- objects ---- */

static bool open_known(struct tcore_binary_row *row, struct tcore_slice key)
{
    struct shape_tree *tree = row->tree;
    uint32_t before = 0;
    for (uint32_t e = tree->node[row->node].edges; e; before = e, e = tree->edge[e].next) {
        const struct shape_edge *edge = &tree->edge[e];
        if (edge->class != CLASS_OBJECT || !has_key(edge, key))
            continue;
        row->length += edge->literal_length;
        tcore_shape_prefer(tree, row->node, e, before);
        row->node = edge->node;
        return true;
    }
    return false;
}

void tcore_binary_row_open(struct tcore_binary_row *row, struct tcore_slice key)
{
    if (!row->unfit && !open_known(row, key))
        row->unfit = !learn(row, key, NULL) || !open_known(row, key);
}

void tcore_binary_row_close(struct tcore_binary_row *row)
{
    row->length++;
    row->unfit = row->unfit || !tcore_shape_leave(row->tree, &row->node);
}

/* ---- parts ---- */

/* Looks the texts up in the dictionaries, once there are rows that have them. */
static void find_codes(const struct shape_tree *tree, struct tcore_binary_part *part)
{
    for (uint32_t i = 0; i < part->count; i++) {
        struct shape_value *value = &part->value[i];
        if (value->class != CLASS_STRING && value->class != CLASS_JSON)
            continue;
        uint32_t code =
            tcore_binary_column_find(&tree->column[value->column], value->s, value->length);
        value->coded = code;
        value->code = code - 1;
    }
    part->coded = true;
}

bool tcore_binary_row_repeat(struct tcore_binary_row *row, struct tcore_binary_part *part)
{
    struct shape_tree *tree = row->tree;
    if (part->tree != tree || part->block != tree->blocks) {
        part->tree = tree;
        part->block = tree->blocks;
        part->ways = 0;
        part->coded = false;
    }
    part->node = row->node;
    part->values = tree->values;
    part->before = row->length;
    for (uint32_t i = 0; i < part->ways; i++) {
        if (part->way[i].from != row->node)
            continue;
        while (tree->value_capacity - tree->values < part->count)
            if (!tcore_shape_grow_values(tree))
                return false;
        if (part->fixed && !part->coded)
            find_codes(tree, part);
        if (part->count)
            memcpy(tree->value + tree->values, part->value, part->count * sizeof *part->value);
        tree->values += part->count;
        row->length += part->length;
        row->node = part->way[i].to;
        return true;
    }
    return false;
}

/* Whether the part has values for the same columns as those that the row got for it. */
static bool goes_to_same(const struct shape_value *value, const struct tcore_binary_part *part,
                         uint32_t count)
{
    for (uint32_t i = 0; i < count && count == part->count; i++)
        if (value[i].column != part->value[i].column)
            return false;
    return count == part->count;
}

void tcore_binary_row_keep(const struct tcore_binary_row *row, struct tcore_binary_part *part)
{
    const struct shape_tree *tree = row->tree;
    const struct shape_value *value = tree->value + part->values;
    uint32_t count = tree->values - part->values;
    if (row->unfit || part->ways == sizeof part->way / sizeof *part->way)
        return;
    if (!part->ways) {
        if (count > part->capacity) {
            void *memory = tcore_reallocarray(part->value, count, sizeof *value);
            if (!memory)
                return;
            part->value = memory;
            part->capacity = count;
        }
        if (count)
            memcpy(part->value, value, count * sizeof *value);
        part->count = count;
        part->length = row->length - part->before;
    } else if (!goes_to_same(value, part, count)) {
        return;
    }
    part->way[part->ways].from = part->node;
    part->way[part->ways++].to = row->node;
}

void tcore_binary_part_clear(struct tcore_binary_part *part)
{
    part->tree = NULL;
}

void tcore_binary_part_free(struct tcore_binary_part *part)
{
    tcore_free(part->value);
    *part = (struct tcore_binary_part){0};
}

/* ---- texts ---- */

static inline __attribute__((always_inline)) bool
take_text(const struct shape_edge *edge, const struct tcore_value *v, struct shape_value *value)
{
    switch (edge->class) {
    case CLASS_STRING:
        value->s = v->s;
        value->length = v->len;
        return edge->check == CHECK_NONE;
    case CLASS_HEX:
        value->length = v->len / 2;
        return edge->check == CHECK_NONE && (v->len == 32 || v->len == 16) &&
               tcore_binary_hex_decode(value->bytes, v->s, v->len / 2);
    case CLASS_DECIMAL:
        return tcore_binary_is_decimal(v->s, v->len, &value->i);
    default:
        return false;
    }
}

/* How long the text is in quotes, with escapes; 0: it is none. */
static size_t quoted_length(struct tcore_slice text)
{
    size_t length = text.length + 2;
    if (binary_is_plain(text.data, text.length))
        return length;
    if (!tcore_binary_is_text(text.data, text.length, false))
        return 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (c == '"' || c == '\\' || c == '\b' || c == '\f' || c == '\n' || c == '\r' || c == '\t')
            length++;
        else if ((unsigned char)c < ' ')
            length += strlen("\\u0000") - 1;
    }
    return length;
}

void tcore_binary_row_plain(struct tcore_binary_row *row, struct tcore_slice key,
                            struct tcore_slice text)
{
    struct tcore_value v = tcore_value_string(text.data, text.length);
    put(row, key, &v, take_text, text.length + 2, &v);
}

void tcore_binary_row_text(struct tcore_binary_row *row, struct tcore_slice key,
                           struct tcore_slice text)
{
    struct tcore_value v = tcore_value_string(text.data, text.length);
    size_t length = quoted_length(text);
    row->unfit |= !length || text.length > BINARY_TEXT_LIMIT;
    put(row, key, &v, take_text, length, &v);
}

static bool take_id(const struct shape_edge *edge, const struct tcore_value *v,
                    struct shape_value *value)
{
    memcpy(value->bytes, v->s, 8);
    if (v->len == 16)
        memcpy(value->bytes + 8, v->s + 8, 8);
    value->length = v->len;
    return edge->class == CLASS_HEX && edge->check != CHECK_ALWAYS;
}

void tcore_binary_row_id(struct tcore_binary_row *row, struct tcore_slice key, const char *bytes,
                         size_t length)
{
    struct tcore_value v = tcore_value_string(bytes, length);
    if (row->unfit)
        return;
    row->length += 2 * length + 2;
    if (take_known(row, key, &v, take_id))
        return;
    char digits[32];
    tcore_binary_hex_encode(digits, (const uint8_t *)bytes, length);
    struct tcore_value sample = tcore_value_string(digits, 2 * length);
    put_new(row, key, &v, take_id, &sample);
}

/* ---- numbers ---- */

static bool take_digits(const struct shape_edge *edge, const struct tcore_value *v,
                        struct shape_value *value)
{
    value->i = v->i;
    return edge->class == CLASS_DECIMAL && edge->check == CHECK_NONE;
}

void tcore_binary_row_digits(struct tcore_binary_row *row, struct tcore_slice key, int64_t i)
{
    struct tcore_value v = tcore_value_int(i);
    if (row->unfit)
        return;
    row->length += tcore_int64_length(i) + 2;
    if (take_known(row, key, &v, take_digits))
        return;
    char digits[TCORE_NUMBER_BYTES];
    struct tcore_value sample = tcore_value_string(digits, tcore_format_int64(digits, i));
    put_new(row, key, &v, take_digits, &sample);
}

static bool take_int(const struct shape_edge *edge, const struct tcore_value *v,
                     struct shape_value *value)
{
    value->i = v->i;
    return edge->class == CLASS_INT && edge->check == CHECK_NONE;
}

void tcore_binary_row_int(struct tcore_binary_row *row, struct tcore_slice key, int64_t i)
{
    struct tcore_value v = tcore_value_int(i);
    put(row, key, &v, take_int, tcore_int64_length(i), &v);
}

static bool take_double(const struct shape_edge *edge, const struct tcore_value *v,
                        struct shape_value *value)
{
    memcpy(&value->i, &v->d, sizeof v->d);
    return edge->class == CLASS_DOUBLE && edge->check == CHECK_NONE;
}

void tcore_binary_row_double(struct tcore_binary_row *row, struct tcore_slice key, double d)
{
    char text[TCORE_NUMBER_BYTES];
    struct tcore_value v = tcore_value_of_double(d);
    struct tcore_value sample = {
        .kind = TCORE_NUMBER, .len = (uint32_t)tcore_format_double(text, d), .s = text};
    row->unfit |= !isfinite(d);
    put(row, key, &v, take_double, sample.len, &sample);
}

/* ---- the rest ---- */

static bool take_literal(const struct shape_edge *edge, const struct tcore_value *v,
                         struct shape_value *value)
{
    value->i = v->kind == TCORE_TRUE ? 2 : 1;
    return edge->class == CLASS_LITERAL && edge->check != CHECK_ALWAYS;
}

void tcore_binary_row_bool(struct tcore_binary_row *row, struct tcore_slice key, bool b)
{
    struct tcore_value v = tcore_value_bool(b);
    put(row, key, &v, take_literal, b ? strlen("true") : strlen("false"), &v);
}

static bool take_json(const struct shape_edge *edge, const struct tcore_value *v,
                      struct shape_value *value)
{
    value->s = v->s;
    value->length = v->len;
    return edge->class == CLASS_JSON && edge->check != CHECK_ALWAYS;
}

void tcore_binary_row_json(struct tcore_binary_row *row, struct tcore_slice key,
                           struct tcore_slice text)
{
    struct tcore_value v = {.kind = TCORE_JSON, .len = (uint32_t)text.length, .s = text.data};
    put(row, key, &v, take_json, text.length, &v);
}
