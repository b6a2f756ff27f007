/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers the columns that hold something, encodes them, and puts directory and prefix before them.
 */
#include "base/sys.h"
#include "stream/binary_block_write.h"
#include "stream/binary_codec.h"
#include "stream/binary_reference.h"
#include "stream/binary_traces.h"

struct block_writer {
    struct shape_tree *tree;
    struct tcore_buf *out;
    size_t start;       /* of the block in out */
    uint16_t *number;   /* of each of the tree's columns in the block, or BINARY_NONE; owned */
    uint16_t columns;   /* in the block */
    size_t names_bytes; /* of all */
    size_t directory_bytes;
    int64_t *scratch, *rest; /* room for integers of a column; owned */
    struct binary_referents referents;
    struct binary_traces traces;
    struct binary_relations relations;
};

/* Which columns the block has: those with values, and the objects that these are members of. */
static void number_columns(struct block_writer *w)
{
    const struct shape_tree *tree = w->tree;
    memset(w->number, 0, tree->columns * sizeof *w->number);
    for (uint32_t i = 0; i < tree->columns; i++) {
        const struct binary_column *c = &tree->column[i];
        if (c->values) {
            w->number[i] = 1;
            if (c->parent != BINARY_NONE)
                w->number[c->parent] = 1;
        }
    }
    for (uint32_t i = 0; i < tree->columns; i++) {
        if (!w->number[i]) {
            w->number[i] = BINARY_NONE;
            continue;
        }
        w->number[i] = w->columns++;
        w->names_bytes += tree->column[i].name_length;
    }
}

static const uint8_t *entry_of(const struct block_writer *w, uint32_t column)
{
    return (const uint8_t *)w->out->data + w->start + BLOCK_BYTES +
           (size_t)w->number[column] * ENTRY_BYTES;
}

/* The columns of a shape, in order, at out. */
static void write_shape(const struct block_writer *w, uint32_t node, uint8_t *out)
{
    const struct shape_node *n = &w->tree->node[node];
    uint32_t at = n->items;
    binary_put16(out, (uint16_t)at);
    while (at) {
        if (n->column != BINARY_NONE)
            binary_put16(out + 2 * (size_t)at--, w->number[n->column]);
        n = &w->tree->node[n->parent];
    }
}

/* Shapes and names behind the entries; all of it zeroed before. */
static void write_directory(const struct block_writer *w)
{
    const struct shape_tree *tree = w->tree;
    uint8_t *at = (uint8_t *)w->out->data + w->start + BLOCK_BYTES;
    for (uint32_t i = 0; i < tree->columns; i++) {
        if (w->number[i] == BINARY_NONE)
            continue;
        const struct binary_column *c = &tree->column[i];
        uint16_t parent = c->parent == BINARY_NONE ? BINARY_NONE : w->number[c->parent];
        uint8_t *entry = at + (size_t)w->number[i] * ENTRY_BYTES;
        binary_put16(entry + ENTRY_PARENT, parent);
        binary_put16(entry + ENTRY_NAME, (uint16_t)c->name_length);
        binary_put16(entry + ENTRY_ADD_A, BINARY_NONE);
        binary_put16(entry + ENTRY_ADD_B, BINARY_NONE);
    }
    at += (size_t)w->columns * ENTRY_BYTES;
    for (uint32_t i = 0; i < tree->shapes; i++) {
        write_shape(w, tree->shape[i], at);
        at += 2 + 2 * (size_t)tree->node[tree->shape[i]].items;
    }
    for (uint32_t i = 0; i < tree->columns; i++) {
        if (w->number[i] == BINARY_NONE || !tree->column[i].name_length)
            continue;
        memcpy(at, tree->column[i].name, tree->column[i].name_length);
        at += tree->column[i].name_length;
    }
}

uint32_t tcore_binary_find_column(const struct shape_tree *tree, const char *name, unsigned class)
{
    size_t length = name ? strlen(name) : 0;
    for (uint32_t i = 1; length && i < tree->columns; i++) {
        const struct binary_column *c = &tree->column[i];
        if (c->class == class && c->parent == BINARY_NONE && c->values &&
            c->name_length == length && !memcmp(c->name, name, length))
            return i;
    }
    return 0;
}

/*
 * A span's end is its start plus its duration: then it is kept as what is left of it, which is
 * mostly zero. Returns the end's column, 0 if that does not hold here; its rest is in w->rest.
 */
static uint32_t find_sum(struct block_writer *w, uint32_t added[2])
{
    const struct shape_tree *tree = w->tree;
    if (tree->type != TCORE_RECORD_SPAN)
        return 0;
    uint32_t end = tcore_binary_find_column(tree, "endTimeUnixNano", CLASS_DECIMAL);
    added[0] = tcore_binary_find_column(tree, "startTimeUnixNano", CLASS_DECIMAL);
    added[1] = tcore_binary_find_column(tree, "durationNano", CLASS_INT);
    const struct binary_column *e = &tree->column[end];
    if (!end || !added[0] || tree->column[added[0]].values != e->values)
        return 0;
    if (added[1] && tree->column[added[1]].values != e->values)
        added[1] = 0;
    for (uint32_t i = 0; i < e->values; i++) {
        uint64_t rest = (uint64_t)e->ints[i] - (uint64_t)tree->column[added[0]].ints[i];
        if (added[1])
            rest -= (uint64_t)tree->column[added[1]].ints[i];
        w->rest[i] = (int64_t)rest;
    }
    return end;
}

/* An earlier column with the same values, of which the entry says so then: the data that were
 * appended from `start` on are not needed. */
static void find_same(struct block_writer *w, uint32_t column, size_t start, uint8_t *entry)
{
    const struct shape_tree *tree = w->tree;
    const char *directory = w->out->data + w->start + BLOCK_BYTES;
    size_t length = w->out->length - start, at = w->start + BLOCK_BYTES + w->directory_bytes;
    if (w->out->failed || !length || column == 0)
        return;
    for (uint32_t i = 0; i < column; i++) {
        if (w->number[i] == BINARY_NONE)
            continue;
        const char *other = directory + (size_t)w->number[i] * ENTRY_BYTES;
        size_t bytes = binary_get32(other + ENTRY_LENGTH);
        bool plain = binary_get16(other + ENTRY_ADD_A) == BINARY_NONE &&
                     binary_get16(other + ENTRY_ADD_B) == BINARY_NONE;
        /* from class to the check, but for what names the column: all that says how it is encoded
         */
        if (plain && bytes == length && tree->column[i].class == tree->column[column].class &&
            !memcmp(other, entry, ENTRY_PARENT) &&
            !memcmp(other + ENTRY_VALUES, entry + ENTRY_VALUES, ENTRY_BYTES - ENTRY_VALUES) &&
            !memcmp(w->out->data + at, w->out->data + start, length)) {
            memset(entry + ENTRY_ENCODING, 0, ENTRY_PARENT - ENTRY_ENCODING);
            memset(entry + ENTRY_ENTRIES, 0, ENTRY_BYTES - ENTRY_ENTRIES);
            entry[ENTRY_ENCODING] = ENCODING_SAME;
            binary_put16(entry + ENTRY_ADD_A, w->number[i]);
            binary_put64(entry + ENTRY_CHECK, tcore_binary_checksum(NULL, 0));
            w->out->length = start;
            return;
        }
        at += bytes;
    }
}

static void encode_columns(struct block_writer *w)
{
    struct shape_tree *tree = w->tree;
    uint32_t added[2] = {0}, sum = w->relations.sums ? find_sum(w, added) : 0;
    for (uint32_t i = 0; i < tree->columns && !w->out->failed; i++) {
        if (w->number[i] == BINARY_NONE)
            continue;
        /* Encoding moves out's memory, so the entry is made aside. */
        uint8_t entry[ENTRY_BYTES];
        size_t at = (size_t)(entry_of(w, i) - (const uint8_t *)w->out->data);
        memcpy(entry, w->out->data + at, sizeof entry);
        size_t start = w->out->length;
        if (i == sum && sum) {
            /* A step would not combine with added columns. */
            tcore_binary_column_encode_sum(&tree->column[i], w->rest, w->out, entry);
            binary_put16(entry + ENTRY_ADD_A, w->number[added[0]]);
            if (added[1])
                binary_put16(entry + ENTRY_ADD_B, w->number[added[1]]);
        } else if (i == w->referents.parent && i &&
                   tcore_binary_encode_references(tree, &w->referents, w->out, entry)) {
            binary_put16(entry + ENTRY_ADD_A, w->number[w->referents.span]);
            binary_put16(entry + ENTRY_ADD_B, w->number[w->referents.trace]);
        } else if (i && i == w->traces.trace) {
            tcore_binary_encode_traces(tree, &w->traces, w->out, entry);
        } else if (i && i == w->traces.start) {
            tcore_binary_encode_starts(tree, &w->traces, w->out, entry);
            binary_put16(entry + ENTRY_ADD_A, w->number[w->traces.trace]);
        } else {
            tcore_binary_column_encode(&tree->column[i], w->scratch, w->out, entry);
            if (w->relations.same)
                find_same(w, i, start, entry);
        }
        if (!w->out->failed)
            memcpy(w->out->data + at, entry, sizeof entry);
    }
}

static void write_times(const struct shape_tree *tree, uint8_t *prefix)
{
    uint32_t time =
        tcore_binary_find_column(tree, tcore_binary_time_field(tree->type), CLASS_DECIMAL);
    if (!time)
        return;
    const struct binary_column *c = &tree->column[time];
    int64_t min, max;
    tcore_binary_range(c->ints, c->values, &min, &max);
    unsigned flags = BLOCK_TIMED | (c->values == tree->column[0].values ? BLOCK_ALL_TIMED : 0);
    binary_put16(prefix + BLOCK_FLAGS, (uint16_t)flags);
    binary_put64(prefix + BLOCK_MIN_TIME, (uint64_t)min);
    binary_put64(prefix + BLOCK_MAX_TIME, (uint64_t)max);
}

static void write_prefix(const struct block_writer *w, size_t text_bytes)
{
    const struct shape_tree *tree = w->tree;
    uint8_t *prefix = (uint8_t *)w->out->data + w->start;
    memcpy(prefix + BLOCK_MAGIC, BINARY_BLOCK_MAGIC, BINARY_MAGIC_BYTES);
    binary_put32(prefix + BLOCK_LENGTH, (uint32_t)(w->out->length - w->start));
    prefix[BLOCK_VERSION] = BINARY_VERSION;
    prefix[BLOCK_TYPE] = (uint8_t)tcore_binary_type_number(tree->type);
    binary_put32(prefix + BLOCK_ROWS, tree->column[0].values);
    binary_put32(prefix + BLOCK_DIRECTORY, (uint32_t)w->directory_bytes);
    binary_put16(prefix + BLOCK_COLUMNS, w->columns);
    binary_put16(prefix + BLOCK_SHAPES, (uint16_t)tree->shapes);
    binary_put32(prefix + BLOCK_TEXT, (uint32_t)text_bytes);
    write_times(tree, prefix);
    binary_put64(prefix + BLOCK_DIRECTORY_CHECK,
                 tcore_binary_checksum(prefix + BLOCK_BYTES, w->directory_bytes));
    binary_put64(prefix + BLOCK_CHECK, tcore_binary_checksum(prefix, BLOCK_CHECK));
}

enum tcore_status tcore_binary_write_block(struct shape_tree *tree, size_t text_bytes,
                                           struct binary_relations relations, struct tcore_buf *out,
                                           struct tcore_error *err)
{
    size_t rows = tree->column[0].values, most = rows;
    for (uint32_t i = 1; i < tree->columns; i++)
        most = tree->column[i].values > most ? tree->column[i].values : most;
    struct block_writer w = {
        .tree = tree, .out = out, .start = out->length, .relations = relations};
    w.number = tcore_reallocarray(NULL, tree->columns, sizeof *w.number);
    w.scratch = tcore_reallocarray(NULL, most, sizeof *w.scratch);
    w.rest = tcore_reallocarray(NULL, rows, sizeof *w.rest);
    bool failed = !w.number || !w.scratch || !w.rest;
    if (relations.references)
        w.referents = tcore_binary_find_referents(tree);
    if (relations.traces)
        tcore_binary_find_traces(tree, &w.traces);
    if (!failed) {
        number_columns(&w);
        w.directory_bytes = (size_t)w.columns * ENTRY_BYTES + 2 * (size_t)tree->shapes +
                            2 * (size_t)tree->items + w.names_bytes;
        w.directory_bytes = (w.directory_bytes + 7) & ~(size_t)7;
        char *prefix = tcore_buf_reserve(out, BLOCK_BYTES + w.directory_bytes);
        failed = !prefix;
        if (prefix) {
            memset(prefix, 0, BLOCK_BYTES + w.directory_bytes);
            out->length += BLOCK_BYTES + w.directory_bytes;
            write_directory(&w);
            encode_columns(&w);
            failed = out->failed;
        }
    }
    if (failed)
        out->length = w.start;
    else
        write_prefix(&w, text_bytes);
    tcore_binary_traces_free(&w.traces);
    tcore_free(w.number);
    tcore_free(w.scratch);
    tcore_free(w.rest);
    return failed ? tcore_error_nomem(err) : TCORE_OK;
}
