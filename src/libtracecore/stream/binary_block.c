/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading a block's prefix and directory. */
#include "base/sys.h"
#include "stream/binary.h"
#include "stream/binary_block.h"
#include "stream/binary_codec.h"
#include "stream/binary_traces.h"

void *tcore_binary_pool_get(struct binary_pool *pool, size_t count, size_t each)
{
    size_t bytes;
    if (__builtin_mul_overflow(count + 1, each, &bytes))
        return NULL;
    if (pool->used == pool->capacity) {
        uint32_t capacity = pool->capacity ? pool->capacity * 2 : 32;
        struct binary_piece *piece = tcore_reallocarray(pool->piece, capacity, sizeof *piece);
        if (!piece)
            return NULL;
        pool->piece = piece;
        pool->capacity = capacity;
    }
    if (pool->used == pool->count)
        pool->piece[pool->count++] = (struct binary_piece){0};
    struct binary_piece *piece = &pool->piece[pool->used];
    if (piece->bytes < bytes) {
        tcore_free(piece->memory);
        piece->memory = tcore_malloc(bytes);
        piece->bytes = piece->memory ? bytes : 0;
        if (!piece->memory)
            return NULL;
    }
    pool->used++;
    return piece->memory;
}

void tcore_binary_pool_free(struct binary_pool *pool)
{
    for (uint32_t i = 0; i < pool->count; i++)
        tcore_free(pool->piece[i].memory);
    tcore_free(pool->piece);
    *pool = (struct binary_pool){0};
}

void tcore_binary_block_free(struct binary_block *block)
{
    tcore_free(block->column);
    tcore_free(block->shape_at);
    tcore_free(block->row_shape);
    tcore_free(block->shape_rows);
    *block = (struct binary_block){0};
}

static enum tcore_status damaged(struct tcore_error *err, const char *part)
{
    return tcore_error_set(err, TCORE_BAD_INPUT, "damaged block: %s", part);
}

/* Makes room for what the prefix announces. */
static bool make_room(struct binary_block *block)
{
    if (block->columns > block->column_capacity) {
        struct block_column *column =
            tcore_reallocarray(block->column, block->columns, sizeof *column);
        if (!column)
            return false;
        block->column = column;
        block->column_capacity = block->columns;
    }
    if (block->shapes >= block->shape_capacity) {
        uint32_t *at = tcore_reallocarray(block->shape_at, block->shapes + 1, sizeof *at);
        if (!at)
            return false;
        block->shape_at = at;
        uint32_t *rows = tcore_reallocarray(block->shape_rows, block->shapes + 1, sizeof *rows);
        if (!rows)
            return false;
        block->shape_rows = rows;
        block->shape_capacity = block->shapes + 1;
    }
    return true;
}

/* Nothing but class, values, parent and name stands in the entry of a sealed column. */
static bool is_sealed_entry(const uint8_t *entry)
{
    static const uint8_t zeros[ENTRY_BYTES];
    return entry[ENTRY_CLASS] != CLASS_SHAPE && entry[ENTRY_CLASS] != CLASS_OBJECT &&
           entry[ENTRY_CLASS] <= CLASS_MEMBERS && !entry[ENTRY_WIDTH] &&
           !entry[ENTRY_LENGTH_WIDTH] &&
           !memcmp(entry + ENTRY_ADD_A, zeros, ENTRY_VALUES - ENTRY_ADD_A) &&
           !memcmp(entry + ENTRY_ENTRIES, zeros, ENTRY_BYTES - ENTRY_ENTRIES);
}

static bool encoding_fits(const struct block_column *c)
{
    if (c->encoding == ENCODING_SAME)
        return c->class != CLASS_SHAPE && c->class != CLASS_OBJECT && !c->length && !c->width &&
               c->add_a != BINARY_NONE && c->add_b == BINARY_NONE;
    if (c->encoding == ENCODING_TRACES)
        return tcore_binary_traces_fit(c);
    if (c->encoding == ENCODING_GROUPED)
        return tcore_binary_grouped_fits(c);
    bool sums = c->add_a != BINARY_NONE || c->add_b != BINARY_NONE;
    switch (c->class) {
    case CLASS_OBJECT:
        return c->encoding == ENCODING_NONE && !c->values && !c->length && !sums;
    case CLASS_SHAPE:
    case CLASS_INT:
    case CLASS_DECIMAL:
    case CLASS_DOUBLE:
    case CLASS_LITERAL:
        if (c->width > 8 || c->length != (((size_t)c->values * c->width + 7) & ~(size_t)7))
            return false;
        if (sums && c->class != CLASS_INT && c->class != CLASS_DECIMAL)
            return false;
        return c->encoding == ENCODING_INTS || (c->encoding == ENCODING_DELTA && !sums);
    case CLASS_STRING:
    case CLASS_HEX:
    case CLASS_NUMBER:
    case CLASS_JSON:
    case CLASS_MEMBERS:
        if (c->encoding == ENCODING_REFERENCE)
            return c->class == CLASS_HEX && c->add_a != BINARY_NONE && c->add_b != BINARY_NONE &&
                   c->width && c->width <= 2 && c->entries <= c->values && c->length_width <= 4 &&
                   c->length_width != 3;
        if (sums || c->length_width > 4 || c->length_width == 3)
            return false;
        if (c->encoding == ENCODING_DICT)
            return c->width <= 2 && c->entries <= c->values && c->entries;
        return c->encoding == ENCODING_TEXT && !c->width && !c->entries;
    default:
        return false;
    }
}

static void read_entry(struct block_column *c, const uint8_t *entry)
{
    *c = (struct block_column){
        .class = entry[ENTRY_CLASS],
        .encoding = entry[ENTRY_ENCODING],
        .width = entry[ENTRY_WIDTH],
        .length_width = entry[ENTRY_LENGTH_WIDTH],
        .parent = binary_get16(entry + ENTRY_PARENT),
        .name_length = binary_get16(entry + ENTRY_NAME),
        .add_a = binary_get16(entry + ENTRY_ADD_A),
        .add_b = binary_get16(entry + ENTRY_ADD_B),
        .values = binary_get32(entry + ENTRY_VALUES),
        .entries = binary_get32(entry + ENTRY_ENTRIES),
        .base_length = binary_get32(entry + ENTRY_BASE_LENGTH),
        .base = (int64_t)binary_get64(entry + ENTRY_BASE),
        .step = (int64_t)binary_get64(entry + ENTRY_STEP),
        .length = binary_get32(entry + ENTRY_LENGTH),
        .check = binary_get64(entry + ENTRY_CHECK),
        .same = BINARY_NONE,
    };
}

/* An added column: of the same class of values, as many of them, and itself no sum. */
static bool addend_fits(const struct binary_block *block, const struct block_column *c,
                        uint16_t number)
{
    if (number == BINARY_NONE)
        return true;
    if (number >= block->columns)
        return false;
    const struct block_column *a = &block->column[number];
    return (a->class == CLASS_INT || a->class == CLASS_DECIMAL) && a->values == c->values &&
           !a->sealed &&
           (a->encoding == ENCODING_GROUPED ||
            (a->add_a == BINARY_NONE && a->add_b == BINARY_NONE));
}

/* Takes all that says how values are encoded from the column that has them: an earlier one with
 * data of its own. False: there is no such column. */
static bool take_same(struct binary_block *block, uint32_t number)
{
    struct block_column *c = &block->column[number];
    if (c->add_a >= number)
        return false;
    const struct block_column *from = &block->column[c->add_a];
    if (from->sealed || from->encoding == ENCODING_TRACES || from->class != c->class ||
        from->values != c->values || from->same != BINARY_NONE || from->add_a != BINARY_NONE ||
        from->add_b != BINARY_NONE)
        return false;
    c->same = c->add_a;
    c->add_a = BINARY_NONE;
    c->encoding = from->encoding;
    c->width = from->width;
    c->length_width = from->length_width;
    c->entries = from->entries;
    c->base_length = from->base_length;
    c->base = from->base;
    c->step = from->step;
    c->length = from->length;
    c->check = from->check;
    c->data = from->data;
    return true;
}

/* What a column refers to: ids of every row, and dictionary entries that group the rows. */
static bool referents_fit(const struct binary_block *block, const struct block_column *c)
{
    if (c->add_a >= block->columns || c->add_b >= block->columns)
        return false;
    const struct block_column *a = &block->column[c->add_a], *b = &block->column[c->add_b];
    return a->class == CLASS_HEX && !a->sealed && a->encoding != ENCODING_REFERENCE &&
           a->values == block->rows && b->class == CLASS_HEX &&
           (b->encoding == ENCODING_DICT || b->encoding == ENCODING_TRACES) &&
           b->values == block->rows;
}

/* What a column's values are offsets from. */
static bool groups_fit(const struct binary_block *block, const struct block_column *c)
{
    return c->add_a < block->columns && block->column[c->add_a].encoding == ENCODING_TRACES &&
           !block->column[c->add_a].sealed && block->column[c->add_a].values == block->rows &&
           c->values == block->rows;
}

/* data: of the columns, length bytes; NULL: they are elsewhere. */
static enum tcore_status read_entries(struct binary_block *block, const uint8_t *entries,
                                      const uint8_t *data, size_t length, struct tcore_error *err)
{
    uint64_t values = 0;
    size_t at = 0;
    for (uint32_t i = 0; i < block->columns; i++) {
        struct block_column *c = &block->column[i];
        const uint8_t *entry = entries + (size_t)i * ENTRY_BYTES;
        read_entry(c, entry);
        c->sealed = c->encoding == ENCODING_SEALED;
        if (c->sealed && block->source && block->source->unseal && is_sealed_entry(entry)) {
            c->add_a = c->add_b = BINARY_NONE;
            values += c->values;
            continue;
        }
        if (!encoding_fits(c) || (c->class == CLASS_SHAPE) != (i == 0) ||
            binary_get32(entry + ENTRY_ZERO))
            return damaged(err, "impossible column");
        if (c->length % 8 || c->length > length - at)
            return damaged(err, "a column is longer than the block");
        c->data = data ? data + at : NULL;
        at += c->length;
        values += c->values;
        if (c->encoding == ENCODING_SAME && !take_same(block, i))
            return damaged(err, "impossible reference to columns");
    }
    if (at != length)
        return damaged(err, "the columns are shorter than the block");
    if (values > BINARY_VALUE_LIMIT)
        return damaged(err, "more values than a block may have");
    for (uint32_t i = 0; i < block->columns; i++) {
        const struct block_column *c = &block->column[i];
        if (c->encoding == ENCODING_REFERENCE) {
            if (!referents_fit(block, c))
                return damaged(err, "impossible reference to columns");
        } else if (c->encoding == ENCODING_GROUPED) {
            if (!groups_fit(block, c))
                return damaged(err, "impossible reference to columns");
        } else if (!addend_fits(block, c, c->add_a) || !addend_fits(block, c, c->add_b)) {
            return damaged(err, "impossible sum of columns");
        }
        if (c->parent == BINARY_NONE)
            continue;
        if (c->parent >= block->columns || c->class == CLASS_OBJECT ||
            block->column[c->parent].class != CLASS_OBJECT)
            return damaged(err, "a column without its object");
    }
    return TCORE_OK;
}

/* One shape: every column once (MEMBERS as often as one likes), an object's together. */
static bool read_shape(struct binary_block *block, uint32_t shape)
{
    uint16_t open = BINARY_NONE;
    for (uint32_t i = block->shape_at[shape]; i < binary_shape_end(block, shape); i++) {
        uint32_t number = binary_block_item(block, i);
        if (number >= block->columns)
            return false;
        struct block_column *c = &block->column[number];
        if (c->class == CLASS_SHAPE || c->class == CLASS_OBJECT)
            return false;
        if (c->stamp == shape + 1 && c->class != CLASS_MEMBERS)
            return false;
        c->shapes += c->stamp != shape + 1;
        c->stamp = shape + 1;
        if (c->parent == open)
            continue;
        open = c->parent;
        if (open == BINARY_NONE)
            continue;
        if (block->column[open].stamp == shape + 1)
            return false;
        block->column[open].stamp = shape + 1;
        block->column[open].shapes++;
    }
    return true;
}

/* The shapes, and the names behind them. */
static enum tcore_status read_shapes(struct binary_block *block, const uint8_t *at,
                                     const uint8_t *end, struct tcore_error *err)
{
    uint32_t item = 0;
    block->items = at;
    for (uint32_t shape = 0; shape < block->shapes; shape++) {
        if (end - at < 2)
            return damaged(err, "shapes cut short");
        uint32_t count = binary_get16(at);
        at += 2;
        if ((size_t)(end - at) / 2 < count)
            return damaged(err, "shapes cut short");
        block->shape_at[shape] = item + 1;
        item += 1 + count;
        block->shape_at[shape + 1] = item + 1;
        if (!read_shape(block, shape))
            return damaged(err, "impossible shape");
        at += 2 * (size_t)count;
    }
    for (uint32_t i = 0; i < block->columns; i++) {
        struct block_column *c = &block->column[i];
        if ((size_t)(end - at) < c->name_length)
            return damaged(err, "names cut short");
        c->name = (const char *)at;
        at += c->name_length;
    }
    if (end - at >= 8)
        return damaged(err, "names followed by something");
    for (; at < end; at++)
        if (*at)
            return damaged(err, "names followed by something");
    return TCORE_OK;
}

static enum tcore_status read_prefix(struct binary_block *block, const uint8_t *prefix,
                                     struct tcore_error *err)
{
    block->rows = binary_get32(prefix + BLOCK_ROWS);
    block->columns = binary_get16(prefix + BLOCK_COLUMNS);
    block->shapes = binary_get16(prefix + BLOCK_SHAPES);
    block->text_bytes = binary_get32(prefix + BLOCK_TEXT);
    if (!tcore_binary_type_of_number(prefix[BLOCK_TYPE], &block->type))
        return damaged(err, "a record type that this program does not know");
    if (!block->rows || block->rows > BINARY_ROW_LIMIT || !block->columns || !block->shapes ||
        block->columns > BINARY_COLUMN_LIMIT ||
        binary_get16(prefix + BLOCK_FLAGS) & ~(unsigned)(BLOCK_TIMED | BLOCK_ALL_TIMED))
        return damaged(err, "impossible prefix");
    if (block->text_bytes > (block->rows > 1 ? BINARY_READER_TEXT_BYTES : BINARY_UNIT_LIMIT))
        return damaged(err, "more text than a block may have");
    return TCORE_OK;
}

/* The prefix; *bytes is the length of the whole block, columns included. */
static enum tcore_status open_prefix(struct binary_block *block, const char *data, size_t length,
                                     size_t *bytes, struct tcore_error *err)
{
    bool is_block;
    enum tcore_status status = tcore_binary_unit(data, length, bytes, &is_block, err);
    if (status == TCORE_EOF || (status == TCORE_OK && length < *bytes && !block->source))
        return tcore_error_set(err, TCORE_BAD_INPUT, "block cut short");
    if (status != TCORE_OK)
        return status;
    if (!is_block || length > *bytes || (length < *bytes && length < BLOCK_BYTES))
        return tcore_error_set(err, TCORE_BAD_INPUT, "no single block");
    return read_prefix(block, (const uint8_t *)data, err);
}

enum tcore_status tcore_binary_block_open(struct binary_block *block, const char *data,
                                          size_t length, struct tcore_binary_columns *source,
                                          struct tcore_error *err)
{
    const uint8_t *prefix = (const uint8_t *)data;
    size_t bytes;
    block->source = source;
    enum tcore_status status = open_prefix(block, data, length, &bytes, err);
    if (status != TCORE_OK)
        return status;
    size_t directory = binary_get32(prefix + BLOCK_DIRECTORY);
    size_t entries = (size_t)block->columns * ENTRY_BYTES;
    if (directory % 8 || directory > length - BLOCK_BYTES || entries > directory ||
        (source && length != BLOCK_BYTES + directory))
        return damaged(err, "impossible directory");
    if (tcore_binary_checksum(prefix + BLOCK_BYTES, directory) !=
        binary_get64(prefix + BLOCK_DIRECTORY_CHECK))
        return damaged(err, "directory");
    if (!make_room(block))
        return tcore_error_nomem(err);
    block->counted = false;
    const uint8_t *at = prefix + BLOCK_BYTES, *end = at + directory;
    status = read_entries(block, at, source ? NULL : end, bytes - BLOCK_BYTES - directory, err);
    if (status == TCORE_OK)
        status = read_shapes(block, at + entries, end, err);
    if (status == TCORE_OK && block->column[0].values != block->rows)
        return damaged(err, "not one shape a row");
    return status;
}

/* Rows of each shape, and values that each column must have for that. */
static void count_rows(struct binary_block *block)
{
    memset(block->shape_rows, 0, block->shapes * sizeof *block->shape_rows);
    if (block->shapes == 1)
        block->shape_rows[0] = block->rows;
    else
        for (uint32_t row = 0; row < block->rows; row++)
            block->shape_rows[block->row_shape[row]]++;
    for (uint32_t shape = 0; shape < block->shapes; shape++)
        for (uint32_t i = block->shape_at[shape]; i < binary_shape_end(block, shape); i++)
            block->column[binary_block_item(block, i)].rows += block->shape_rows[shape];
    block->counted = true;
}

/* The column's data, wherever it is, checked. */
static enum tcore_status load(struct binary_block *block, uint32_t column, struct tcore_error *err)
{
    static const uint64_t nothing[TCORE_BATCH_PADDING / 8];
    struct block_column *c = &block->column[column];
    if (!c->data && !c->length)
        c->data = (const uint8_t *)nothing;
    if (!c->data && c->same != BINARY_NONE) {
        enum tcore_status status = load(block, c->same, err);
        if (status != TCORE_OK)
            return status;
        c->data = block->column[c->same].data;
    }
    if (!c->data) {
        const void *data;
        enum tcore_status status =
            block->source->read(block->source, column, c->length, &data, err);
        if (status != TCORE_OK)
            return status;
        c->data = data;
    }
    if (tcore_binary_checksum(c->data, c->length) == c->check)
        return TCORE_OK;
    if (!column)
        return damaged(err, "shapes of the rows");
    return tcore_error_set(
        err, TCORE_BAD_INPUT, "damaged block: column %.*s",
        tcore_binary_is_text(c->name, c->name_length, false) ? (int)c->name_length : 0, c->name);
}

enum tcore_status tcore_binary_block_count(struct binary_block *block, struct tcore_error *err)
{
    if (block->counted)
        return TCORE_OK;
    struct block_column *c = &block->column[0];
    enum tcore_status status = load(block, 0, err);
    if (status != TCORE_OK)
        return status;
    if (c->encoding != ENCODING_INTS || c->width > 2 || c->base)
        return damaged(err, "impossible shapes of the rows");
    if (block->rows > block->row_capacity) {
        uint32_t *row_shape = tcore_reallocarray(block->row_shape, block->rows, sizeof *row_shape);
        if (!row_shape)
            return tcore_error_nomem(err);
        block->row_shape = row_shape;
        block->row_capacity = block->rows;
    }
    uint32_t most = tcore_binary_unpack_codes(block->row_shape, c->data, block->rows, 0, c->width);
    if (most >= block->shapes)
        return damaged(err, "a row without a shape");
    count_rows(block);
    return TCORE_OK;
}

enum tcore_status tcore_binary_block_unseal(struct binary_block *block, uint32_t column,
                                            struct tcore_error *err)
{
    struct block_column *c = &block->column[column], entry;
    struct tcore_slice opened;
    if (!c->sealed || c->missing)
        return TCORE_OK;
    enum tcore_status status = block->source->unseal(block->source, column, &opened, err);
    if (status == TCORE_SKIP) {
        c->missing = true;
        return TCORE_OK;
    }
    if (status != TCORE_OK)
        return status;
    if (opened.length < ENTRY_BYTES)
        return damaged(err, "a sealed column");
    const uint8_t *at = (const uint8_t *)opened.data;
    read_entry(&entry, at);
    /* It depends on no other column: those may be sealed, too. */
    if (!encoding_fits(&entry) || entry.encoding == ENCODING_REFERENCE ||
        entry.encoding == ENCODING_TRACES || entry.add_a != BINARY_NONE ||
        entry.add_b != BINARY_NONE || binary_get32(at + ENTRY_ZERO) || entry.class != c->class ||
        entry.values != c->values || entry.parent != c->parent ||
        entry.name_length != c->name_length || entry.length % 8 ||
        entry.length != opened.length - ENTRY_BYTES)
        return damaged(err, "a sealed column");
    entry.name = c->name;
    entry.data = at + ENTRY_BYTES;
    entry.shapes = c->shapes;
    entry.stamp = c->stamp;
    entry.rows = c->rows;
    *c = entry;
    return TCORE_OK;
}

enum tcore_status tcore_binary_block_verify(struct binary_block *block, uint32_t column,
                                            struct tcore_error *err)
{
    struct block_column *c = &block->column[column];
    if (c->whole)
        return TCORE_OK;
    uint32_t rows = block->rows;
    enum tcore_status status;
    if (!binary_column_is_dense(block, c)) {
        status = tcore_binary_block_count(block, err);
        if (status != TCORE_OK)
            return status;
        rows = c->rows;
    }
    if (c->values != rows)
        return damaged(err, "a column with more or fewer values than rows");
    status = load(block, column, err);
    c->whole = status == TCORE_OK;
    return status;
}
