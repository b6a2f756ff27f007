/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values that many rows share, appended as runs. */
#include "stream/binary_lay.h"

static bool has_room(struct binary_column *column, uint32_t rows)
{
    while (column->capacity - column->values < rows)
        if (!tcore_binary_column_grow(column))
            return false;
    return true;
}

/* Appends the column's last value, the string of a code, so many times more. */
static bool repeat_code(struct binary_column *column, uint32_t rows)
{
    if (!has_room(column, rows))
        return false;
    uint16_t code = column->codes[column->values - 1], *at = column->codes + column->values;
    for (uint32_t i = 0; i < rows; i++)
        at[i] = code;
    column->values += rows;
    column->text_bytes += (uint64_t)rows * column->lengths[code];
    return true;
}

static bool lay_run(struct shape_tree *tree, const struct shape_value *value, uint32_t rows)
{
    struct binary_column *column = &tree->column[value->column];
    for (; rows > 0; rows--) {
        if (!binary_lay_value(tree, value))
            return false;
        if (binary_class_is_text(value->class) && column->dictionary)
            return repeat_code(column, rows - 1);
    }
    return true;
}

bool tcore_shape_settle(struct shape_tree *tree)
{
    uint32_t rows = tree->run.rows;
    tree->run.rows = 0;
    for (uint32_t i = 0; rows && i < tree->run.values; i++)
        if (!lay_run(tree, &tree->run.value[i], rows))
            return false;
    return true;
}

bool tcore_shape_share(struct shape_tree *tree, const struct shape_value *value, uint32_t values)
{
    if (tree->run.rows && tree->run.value != value && !tcore_shape_settle(tree))
        return false;
    tree->run.value = value;
    tree->run.values = values;
    tree->run.rows++;
    return true;
}
