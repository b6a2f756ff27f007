/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inner loops: a whole column against one constant. Integers are compared by one instruction,
 * strings for equality by length first.
 */
#include "query/expr_eval.h"

#include <math.h>
#include <string.h>

#define INT_LOOP(operator)                                                                         \
    do {                                                                                           \
        if (adjacent)                                                                              \
            for (size_t k = 0; k < count; k++)                                                     \
                verdict[k] = first[k] operator bound;                                              \
        else                                                                                       \
            for (size_t k = 0; k < count; k++)                                                     \
                verdict[k] = ints[row[k]] operator bound;                                          \
    } while (0)

static void compare_ints(enum tcore_expr_op_kind kind, const int64_t *ints,
                         const struct tcore_expr_rows *rows, int64_t bound, uint8_t *verdict)
{
    const uint32_t *row = rows->row;
    const size_t count = rows->count;
    const bool adjacent = tcore_expr_rows_adjacent(rows);
    const int64_t *first = ints + row[0];
    switch (kind) {
    case TCORE_OP_EQ:
        INT_LOOP(==);
        break;
    case TCORE_OP_NE:
        INT_LOOP(!=);
        break;
    case TCORE_OP_LT:
        INT_LOOP(<);
        break;
    case TCORE_OP_LE:
        INT_LOOP(<=);
        break;
    case TCORE_OP_GT:
        INT_LOOP(>);
        break;
    default:
        INT_LOOP(>=);
        break;
    }
}

/*
 * An integer x against a constant that is no integer: the comparison with an integer bound that
 * decides the same, as x > 1.5 is x > 1. False if all x compare alike; *verdict says how.
 */
static bool integer_bound(enum tcore_expr_op_kind *kind, const struct tcore_value *constant,
                          int64_t *bound, uint8_t *verdict)
{
    struct tcore_value zero = tcore_value_int(0);
    if (constant->kind == TCORE_INT) {
        *bound = constant->i;
        return true;
    }
    double d = constant->kind == TCORE_DOUBLE ? constant->d : NAN;
    if (!(d >= -0x1p63 && d < 0x1p63)) { /* beyond all int64, or of another type */
        *verdict = tcore_expr_holds(*kind, tcore_expr_compare(NULL, &zero, constant));
        return false;
    }
    if (d == floor(d)) {
        *bound = (int64_t)d;
        return true;
    }
    if (*kind == TCORE_OP_EQ || *kind == TCORE_OP_NE) {
        *verdict = *kind == TCORE_OP_NE;
        return false;
    }
    *bound = (int64_t)floor(d);
    *kind = *kind == TCORE_OP_LT || *kind == TCORE_OP_LE ? TCORE_OP_LE : TCORE_OP_GT;
    return true;
}

static void compare_int_column(enum tcore_expr_op_kind kind, const struct tcore_column *column,
                               const struct tcore_expr_rows *rows,
                               const struct tcore_value *constant, uint8_t *verdict)
{
    const struct tcore_value null = {.kind = TCORE_NULL};
    uint8_t of_null = tcore_expr_holds(kind, tcore_expr_compare(NULL, &null, constant)), all;
    int64_t bound;
    if (integer_bound(&kind, constant, &bound, &all))
        compare_ints(kind, column->ints, rows, bound, verdict);
    else
        memset(verdict, all, rows->count);
    if (!column->present)
        return;
    for (size_t k = 0; k < rows->count; k++) {
        uint32_t row = rows->row[k];
        if (!(column->present[row / 64] >> (row % 64) & 1))
            verdict[k] = of_null;
    }
}

static void equal_strings(const struct tcore_value *values, const struct tcore_expr_rows *rows,
                          const struct tcore_value *constant, uint8_t equal, uint8_t *verdict)
{
    const size_t length = constant->len;
    const char first = length ? constant->s[0] : '\0';
    for (size_t k = 0; k < rows->count; k++) {
        const struct tcore_value *v = &values[rows->row[k]];
        bool same = v->kind == TCORE_STRING && v->len == length &&
                    (!length || (v->s[0] == first && memcmp(v->s, constant->s, length) == 0));
        verdict[k] = same == equal;
    }
}

static void compare_values(struct tcore_expr_scratch *scratch, enum tcore_expr_op_kind kind,
                           const struct tcore_value *values, const struct tcore_expr_rows *rows,
                           const struct tcore_value *constant, uint8_t *verdict)
{
    const bool integer = constant->kind == TCORE_INT;
    unsigned holds = 0; /* bit 0: for less, 1: equal, 2: greater */
    for (int order = -1; order <= 1; order++)
        holds |= (unsigned)tcore_expr_holds(kind, order) << (order + 1);
    for (size_t k = 0; k < rows->count; k++) {
        const struct tcore_value *v = &values[rows->row[k]];
        int order = integer && v->kind == TCORE_INT ? (v->i > constant->i) - (v->i < constant->i)
                                                    : tcore_expr_compare(scratch, v, constant);
        verdict[k] = holds >> ((order > 0) - (order < 0) + 1) & 1;
    }
}

bool tcore_expr_compare_column(struct tcore_expr_scratch *scratch, enum tcore_expr_op_kind kind,
                               const struct tcore_column *column,
                               const struct tcore_expr_rows *rows,
                               const struct tcore_value *constant, uint8_t *verdict)
{
    const struct tcore_value *values = rows->dictionary ? rows->dictionary->values : NULL;
    if (!rows->dictionary && column->form == TCORE_COLUMN_VALUES)
        values = column->values;
    if (!rows->count)
        return true;
    if (values) {
        if (constant->kind == TCORE_STRING && (kind == TCORE_OP_EQ || kind == TCORE_OP_NE))
            equal_strings(values, rows, constant, kind == TCORE_OP_EQ, verdict);
        else
            compare_values(scratch, kind, values, rows, constant, verdict);
        return true;
    }
    if (column->form != TCORE_COLUMN_INT64 || constant->kind == TCORE_JSON)
        return false;
    compare_int_column(kind, column, rows, constant, verdict);
    return true;
}
