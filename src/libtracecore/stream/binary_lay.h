/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows that are laid into the columns: who has made one value by value (binary_row.h) knows which
 * columns the values of the next one go to, if it has the same members, and appends them by itself.
 * What that holds for is a stamp of the tree. It does not hold for columns that are mixed: there
 * the values of one key are kept in several classes, and the row's own way says which comes first.
 */
#ifndef TRACECORE_STREAM_BINARY_LAY_H
#define TRACECORE_STREAM_BINARY_LAY_H

#include "stream/binary_row.h"
#include "stream/binary_shape.h"

#pragma GCC visibility push(hidden)

/* A tree with the columns and steps that it had at some time. A zeroed one never holds. */
struct binary_stamp {
    const struct shape_tree *tree;
    uint32_t block, turns;
};

static inline struct binary_stamp binary_stamp_of(const struct shape_tree *tree)
{
    return (struct binary_stamp){tree, tree->blocks, tree->turns};
}

static inline bool binary_stamp_holds(const struct binary_stamp *stamp,
                                      const struct shape_tree *tree)
{
    return stamp->tree == tree && stamp->block == tree->blocks && stamp->turns == tree->turns;
}

/* Appends a value to its column. False: out of memory. */
static inline bool binary_lay_value(struct shape_tree *tree, const struct shape_value *value)
{
    struct binary_column *column = &tree->column[value->column];
    if (value->coded && binary_column_add_code(column, value->code, value->length))
        return true;
    if (!binary_class_is_text(value->class))
        return binary_column_add_int(column, value->i);
    const char *text = value->s;
    if (value->class == CLASS_HEX)
        text = (const char *)value->bytes;
    else if (value->class == CLASS_MEMBERS)
        text = tree->text.data + value->offset;
    return binary_column_add_text(column, text, value->length);
}

/*
 * The row has those values besides what is laid, as many rows do: they are appended when another
 * row has others, all at once. Until then, or the block's end, they and their texts stay where they
 * are. Their columns take nothing else meanwhile. False: out of memory.
 */
bool tcore_shape_share(struct shape_tree *tree, const struct shape_value *value, uint32_t values);
/* Appends what waits. False: out of memory. */
bool tcore_shape_settle(struct shape_tree *tree);

/*
 * A row that tcore_binary_row_begin() began, of which all values are laid or shared, so many, and
 * whose canonical text has that length, becomes a record. good: they were, or memory was short.
 * TCORE_FATAL: out of memory.
 */
enum tcore_status tcore_binary_row_laid(struct tcore_binary_writer *writer,
                                        struct tcore_binary_row *row, uint32_t values, bool good,
                                        struct tcore_error *err);

#pragma GCC visibility pop

#endif
