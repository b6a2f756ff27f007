/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From the columns of a block to a column of the batch. The usual case, one column that every row
 * has, is handed through; columns that only some rows have are spread over the rows; and only what
 * is of different forms becomes a value a row.
 */
#include "base/sys.h"
#include "stream/binary_codec.h"
#include "stream/binary_sources.h"
#include "stream/binary_text.h"

#include <string.h>

#if defined(__GNUC__) && !defined(__clang__)
#define VECTORISED __attribute__((optimize("O3")))
#else
#define VECTORISED
#endif

static bool name_is(const struct block_column *c, const struct tcore_path_key *key)
{
    return c->name_length == key->length && !memcmp(c->name, key->name, key->length);
}

static bool push_source(struct binary_sources *sources, struct binary_source source)
{
    if (sources->count == sources->capacity) {
        uint32_t capacity = sources->capacity ? sources->capacity * 2 : 8;
        struct binary_source *grown = tcore_reallocarray(sources->source, capacity, sizeof *grown);
        if (!grown)
            return false;
        sources->source = grown;
        sources->capacity = capacity;
    }
    sources->source[sources->count++] = source;
    return true;
}

/* Whether and how the path leads to or through column i. */
static bool leads_to(const struct binary_block *block, uint32_t i, const struct tcore_path *path,
                     struct binary_source *source)
{
    const struct block_column *c = &block->column[i];
    uint32_t key = 0; /* keys that the column's own path takes */
    if (!c->shapes || c->class == CLASS_SHAPE)
        return false;
    if (c->parent != BINARY_NONE) {
        if (path->count < 2 || !name_is(&block->column[c->parent], &path->keys[0]))
            return false;
        key = 1;
    }
    source->kind = SOURCE_MEMBERS;
    if (c->class != CLASS_MEMBERS) {
        if (!name_is(c, &path->keys[key]))
            return false;
        key++;
        source->kind = c->class == CLASS_OBJECT ? SOURCE_OBJECT : SOURCE_COLUMN;
        if (key < path->count) {
            source->kind = SOURCE_INSIDE;
            if (c->class != CLASS_JSON)
                return false;
        }
    }
    source->column = (uint16_t)i;
    source->key = key;
    return true;
}

bool tcore_binary_find_sources(struct binary_sources *sources, const struct binary_block *block,
                               const struct tcore_path *path)
{
    static const char time_suffix[] = "UnixNano";
    const size_t suffix = sizeof time_suffix - 1;
    const struct tcore_path_key *last = &path->keys[path->count - 1];
    struct binary_source source = {.path = path};
    source.time =
        last->length >= suffix && !memcmp(last->name + last->length - suffix, time_suffix, suffix);
    /* Columns first: one that every row has ends the search. */
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < block->columns; i++)
            if (leads_to(block, i, path, &source) && (source.kind == SOURCE_COLUMN) == !pass &&
                !push_source(sources, source))
                return false;
    return true;
}

/* ---- looking into JSON text ---- */

/* What keys lead to in the JSON text; ABSENT if nothing. */
static enum tcore_status look_inside(struct binary_reader *r, const struct tcore_value *text,
                                     const struct binary_source *source, struct tcore_value *value,
                                     struct tcore_error *err)
{
    enum tcore_status status = tcore_json_parse(&r->json, text->s, text->len, err);
    if (status == TCORE_SKIP)
        return tcore_error_set(err, TCORE_BAD_INPUT, "damaged block: text that is no JSON");
    if (status != TCORE_OK)
        return status;
    uint32_t at = 0;
    for (size_t k = source->key; k < source->path->count; k++) {
        const struct tcore_path_key *key = &source->path->keys[k];
        at = tcore_json_find_n(&r->json, at, key->name, key->length);
        if (!at)
            return TCORE_OK;
    }
    *value = r->json.node[at].value;
    int64_t ns;
    if (value->kind == TCORE_STRING && source->time &&
        tcore_binary_is_time(value->s, value->len, &ns)) {
        *value = tcore_value_int(ns);
    } else if (value->kind == TCORE_STRING &&
               !(value->s >= text->s && value->s < text->s + text->len)) {
        /* It had escapes: the parser's copy lives only until the next text. */
        value->s = tcore_arena_copy(&r->arena, value->s, value->len);
        if (!value->s)
            return tcore_error_nomem(err);
    }
    return TCORE_OK;
}

/*
 * The texts of a column are replaced by what is inside; *any: there was something. Texts are
 * canonical, so one without the bytes of the key cannot have it and need not be parsed.
 */
static enum tcore_status look_inside_all(struct binary_reader *r,
                                         const struct binary_source *source,
                                         struct binary_values *values, bool *any,
                                         struct tcore_error *err)
{
    const struct tcore_path_key *key = &source->path->keys[source->key];
    struct tcore_buf quoted = {0};
    struct tcore_value *found = tcore_binary_pool_get(&r->pool, values->value_count, sizeof *found);
    tcore_json_write_string(&quoted, key->name, key->length);
    enum tcore_status status = found ? tcore_buf_status(&quoted, err) : tcore_error_nomem(err);
    for (uint32_t i = 0; i < values->value_count && status == TCORE_OK; i++) {
        const struct tcore_value *text = &values->values[i];
        found[i] = (struct tcore_value){0};
        if (memmem(text->s, text->len, quoted.data, quoted.length))
            status = look_inside(r, text, source, &found[i], err);
        *any |= found[i].kind != TCORE_ABSENT;
    }
    tcore_buf_free(&quoted);
    values->values = found;
    return status;
}

/* ---- spreading over the rows ---- */

/* How many values of the column a row of each shape has. */
static const uint32_t *count_by_shape(struct binary_reader *r, uint32_t column)
{
    const struct binary_block *block = &r->block;
    uint32_t *counts = tcore_binary_pool_get(&r->pool, block->shapes, sizeof *counts);
    if (!counts)
        return NULL;
    for (uint32_t shape = 0; shape < block->shapes; shape++) {
        counts[shape] = 0;
        for (uint32_t i = block->shape_at[shape]; i < binary_shape_end(block, shape); i++)
            counts[shape] += binary_block_item(block, i) == column;
    }
    return counts;
}

static inline uint32_t shape_of(const struct binary_block *block, uint32_t row)
{
    return block->row_shape[row];
}

static inline struct tcore_value value_at(const struct binary_values *v, uint32_t i)
{
    if (v->form == BINARY_INTS)
        return tcore_value_int(v->ints[i]);
    return v->values[v->form == BINARY_CODES ? v->codes[i] : i];
}

/* One column that every row has. */
static void hand_through(const struct binary_values *v, struct tcore_column *column)
{
    *column = (struct tcore_column){.values = v->values, .value_count = v->value_count};
    switch (v->form) {
    case BINARY_INTS:
        column->form = TCORE_COLUMN_INT64;
        column->ints = v->ints;
        break;
    case BINARY_CODES:
        column->form = v->value_count == 1 ? TCORE_COLUMN_CONSTANT : TCORE_COLUMN_DICT;
        column->codes = v->codes;
        break;
    case BINARY_VALUES:
        column->form = TCORE_COLUMN_VALUES;
        break;
    }
}

struct spread {
    struct binary_reader *reader;
    struct tcore_column *column;
    struct tcore_error *err;
};

/* Integers into the rows that have none yet. */
static enum tcore_status spread_ints(struct spread *s, const struct binary_values *v,
                                     uint32_t column)
{
    const struct binary_block *block = &s->reader->block;
    const uint32_t *has = count_by_shape(s->reader, column);
    if (!has)
        return tcore_error_nomem(s->err);
    int64_t *ints = (int64_t *)s->column->ints;
    uint64_t *present = (uint64_t *)s->column->present;
    uint32_t at = 0;
    for (uint32_t first = 0; first < block->rows; first += 64) {
        uint32_t count = block->rows - first < 64 ? block->rows - first : 64;
        uint64_t before = present[first / 64], after = before;
        for (uint32_t i = 0; i < count; i++) {
            uint64_t here = has[shape_of(block, first + i)] != 0;
            bool taken = before >> i & 1;
            ints[first + i] = taken ? ints[first + i] : v->ints[at];
            after |= here << i;
            at += (uint32_t)here;
        }
        present[first / 64] = after;
    }
    return TCORE_OK;
}

/* Codes, moved behind the entries of the dictionaries before, into the rows that have none. */
static enum tcore_status spread_codes(struct spread *s, const struct binary_values *v,
                                      uint32_t column, uint32_t base)
{
    const struct binary_block *block = &s->reader->block;
    const uint32_t *has = count_by_shape(s->reader, column);
    if (!has)
        return tcore_error_nomem(s->err);
    uint32_t *codes = (uint32_t *)s->column->codes;
    uint32_t at = 0;
    for (uint32_t row = 0; row < block->rows; row++) {
        uint32_t here = has[shape_of(block, row)];
        uint32_t code = here ? base + v->codes[at] : 0;
        codes[row] = codes[row] ? codes[row] : code;
        at += here;
    }
    memcpy((struct tcore_value *)s->column->values + base, v->values,
           v->value_count * sizeof *v->values);
    return TCORE_OK;
}

/* Any values into the rows that have none yet; of several in a row (MEMBERS) the last. */
static enum tcore_status spread_values(struct spread *s, const struct binary_values *v,
                                       uint32_t column)
{
    const struct binary_block *block = &s->reader->block;
    const uint32_t *has = count_by_shape(s->reader, column);
    if (!has)
        return tcore_error_nomem(s->err);
    struct tcore_value *values = (struct tcore_value *)s->column->values;
    uint32_t at = 0;
    for (uint32_t row = 0; row < block->rows; row++) {
        uint32_t count = has[shape_of(block, row)];
        bool taken = values[row].kind != TCORE_ABSENT;
        for (uint32_t end = at + count; at < end; at++) {
            struct tcore_value value = value_at(v, at);
            if (!taken && value.kind != TCORE_ABSENT)
                values[row] = value;
        }
    }
    return TCORE_OK;
}

static enum tcore_status spread_object(struct spread *s, uint32_t object)
{
    struct tcore_buf text = {0};
    const struct tcore_slice *slices;
    enum tcore_status status = tcore_binary_render(s->reader, object, NULL, &text, &slices, s->err);
    const char *kept = NULL;
    if (status == TCORE_OK) {
        kept = tcore_arena_copy(&s->reader->arena, text.data, text.length);
        if (!kept)
            status = tcore_error_nomem(s->err);
    }
    struct tcore_value *values = (struct tcore_value *)s->column->values;
    for (uint32_t row = 0; status == TCORE_OK && row < s->reader->block.rows; row++)
        if (slices[row].length && values[row].kind == TCORE_ABSENT)
            values[row] = (struct tcore_value){.kind = TCORE_JSON,
                                               .len = (uint32_t)slices[row].length,
                                               .s = kept + (slices[row].data - text.data)};
    tcore_buf_free(&text);
    return status;
}

/* ---- merging ---- */

static const struct block_column *column_of(const struct binary_reader *r,
                                            const struct binary_source *source)
{
    return &r->block.column[source->column];
}

static bool ends_search(const struct binary_reader *r, const struct binary_source *source)
{
    return source->kind == SOURCE_COLUMN && binary_column_is_dense(&r->block, column_of(r, source));
}

/* The values of a source; *any: it may have some. Of an object there is nothing to read yet. */
static enum tcore_status read_source(struct binary_reader *r, const struct binary_source *source,
                                     struct binary_values *values, bool *any,
                                     struct tcore_error *err)
{
    *any = source->kind == SOURCE_COLUMN || source->kind == SOURCE_OBJECT;
    if (source->kind == SOURCE_COLUMN)
        return tcore_binary_read_values(r, source->column, source->time, values, err);
    *values = (struct binary_values){.form = BINARY_VALUES};
    if (source->kind == SOURCE_OBJECT)
        return TCORE_OK;
    enum tcore_status status = tcore_binary_read_text(r, source->column, false, values, err);
    return status == TCORE_OK ? look_inside_all(r, source, values, any, err) : status;
}

/* An integer that all rows share needs no array. */
static bool constant_int(struct binary_reader *r, const struct binary_source *source,
                         struct tcore_column *column, enum tcore_status *status,
                         struct tcore_error *err)
{
    const struct block_column *c = column_of(r, source);
    if (c->encoding != ENCODING_INTS || c->width || c->add_a != BINARY_NONE ||
        c->add_b != BINARY_NONE ||
        !(c->class == CLASS_INT || (c->class == CLASS_DECIMAL && source->time)))
        return false;
    struct tcore_value *value = tcore_binary_pool_get(&r->pool, 1, sizeof *value);
    *status =
        value ? tcore_binary_block_verify(&r->block, source->column, err) : tcore_error_nomem(err);
    if (*status != TCORE_OK)
        return true;
    *value = tcore_value_int(c->base);
    *column =
        (struct tcore_column){.form = TCORE_COLUMN_CONSTANT, .values = value, .value_count = 1};
    return true;
}

/* A source with its values. */
struct reading {
    const struct binary_source *source;
    struct binary_values values;
};

/* The form that all sources fit in, and how many dictionary entries they have together. */
static enum binary_form common_form(const struct reading *readings, uint32_t count,
                                    uint64_t *entries)
{
    enum binary_form form = count ? readings[0].values.form : BINARY_VALUES;
    *entries = 1;
    for (uint32_t i = 0; i < count; i++) {
        if (readings[i].source->kind != SOURCE_COLUMN || readings[i].values.form != form)
            return BINARY_VALUES;
        *entries += readings[i].values.value_count;
    }
    return *entries <= UINT32_MAX ? form : BINARY_VALUES;
}

/* An empty column of that form: no row has a value. */
static bool begin_column(struct binary_reader *r, enum binary_form form, uint64_t entries,
                         struct tcore_column *column)
{
    static const enum tcore_column_form forms[] = {TCORE_COLUMN_INT64, TCORE_COLUMN_DICT,
                                                   TCORE_COLUMN_VALUES};
    size_t rows = r->block.rows, words = (rows + 63) / 64;
    *column = (struct tcore_column){.form = forms[form]};
    if (form == BINARY_INTS) {
        uint64_t *present = tcore_binary_pool_get(&r->pool, words, sizeof *present);
        column->ints = tcore_binary_pool_get(&r->pool, rows, sizeof *column->ints);
        column->present = present;
        if (present)
            memset(present, 0, words * sizeof *present);
        return present && column->ints;
    }
    size_t count = form == BINARY_CODES ? (size_t)entries : rows;
    struct tcore_value *values = tcore_binary_pool_get(&r->pool, count, sizeof *values);
    column->values = values;
    column->value_count = (uint32_t)count;
    if (values)
        memset(values, 0, (form == BINARY_CODES ? 1 : rows) * sizeof *values);
    if (form == BINARY_CODES) {
        uint32_t *codes = tcore_binary_pool_get(&r->pool, rows, sizeof *codes);
        if (codes)
            memset(codes, 0, rows * sizeof *codes);
        column->codes = codes;
        return values && codes;
    }
    return values != NULL;
}

static void hand_through_absent(struct tcore_column *column)
{
    static const struct tcore_value absent;
    *column =
        (struct tcore_column){.form = TCORE_COLUMN_CONSTANT, .values = &absent, .value_count = 1};
}

static enum tcore_status spread_all(struct spread *s, const struct reading *readings,
                                    uint32_t count, enum binary_form form)
{
    enum tcore_status status = TCORE_OK;
    uint32_t base = 1; /* behind the entry that says absent */
    for (uint32_t i = 0; i < count && status == TCORE_OK; i++) {
        const struct binary_values *values = &readings[i].values;
        uint32_t column = readings[i].source->column;
        if (form == BINARY_INTS) {
            status = spread_ints(s, values, column);
        } else if (form == BINARY_CODES) {
            status = spread_codes(s, values, column, base);
            base += values->value_count;
        } else if (readings[i].source->kind == SOURCE_OBJECT) {
            status = spread_object(s, column);
        } else {
            status = spread_values(s, values, column);
        }
    }
    return status;
}

/* The first most sources together. */
static enum tcore_status merge(struct binary_reader *r, const struct binary_sources *sources,
                               uint32_t most, struct tcore_column *column, struct tcore_error *err)
{
    struct reading *readings = tcore_binary_pool_get(&r->pool, most, sizeof *readings);
    struct spread s = {.reader = r, .column = column, .err = err};
    enum tcore_status status = readings ? TCORE_OK : tcore_error_nomem(err);
    uint32_t count = 0;
    for (uint32_t i = 0; i < most && status == TCORE_OK; i++) {
        bool any;
        readings[count].source = &sources->source[i];
        status = read_source(r, &sources->source[i], &readings[count].values, &any, err);
        count += status == TCORE_OK && any;
    }
    if (status == TCORE_OK)
        status = tcore_binary_block_count(&r->block, err);
    if (status != TCORE_OK)
        return status;
    hand_through_absent(column);
    if (!count)
        return TCORE_OK;
    uint64_t entries;
    enum binary_form form = common_form(readings, count, &entries);
    if (!begin_column(r, form, entries, column))
        return tcore_error_nomem(err);
    return spread_all(&s, readings, count, form);
}

/* Opens what is sealed of the sources that count, and takes away what cannot be opened. */
static enum tcore_status open_sources(struct binary_reader *r, struct binary_sources *sources,
                                      struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    bool ended = false;
    for (uint32_t i = 0; i < sources->count && !ended && status == TCORE_OK;) {
        const struct binary_source *source = &sources->source[i];
        status = tcore_binary_block_unseal(&r->block, source->column, err);
        if (status == TCORE_OK && column_of(r, source)->missing) {
            sources->count--;
            memmove(&sources->source[i], &sources->source[i + 1],
                    (sources->count - i) * sizeof *source);
        } else {
            ended = ends_search(r, source);
            i++;
        }
    }
    return status;
}

enum tcore_status tcore_binary_merge(struct binary_reader *r, struct binary_sources *sources,
                                     struct tcore_column *column, struct tcore_error *err)
{
    enum tcore_status status = open_sources(r, sources, err);
    if (status != TCORE_OK)
        return status;
    if (!sources->count) {
        hand_through_absent(column);
        return TCORE_OK;
    }
    if (!ends_search(r, &sources->source[0])) {
        uint32_t count = 1;
        while (count < sources->count && !ends_search(r, &sources->source[count - 1]))
            count++;
        return merge(r, sources, count, column, err);
    }
    if (constant_int(r, &sources->source[0], column, &status, err))
        return status;
    struct binary_values values;
    bool any;
    status = read_source(r, &sources->source[0], &values, &any, err);
    if (status == TCORE_OK)
        hand_through(&values, column);
    return status;
}
