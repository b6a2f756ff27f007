/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inside of evaluation. A program runs over blocks of rows. Each operation gives, for all rows
 * of a block, either values or verdicts; "and" and "or" go on with only those rows that are not
 * decided yet, as jq does, which matters because what follows may fail.
 */
#ifndef TRACECORE_QUERY_EXPR_EVAL_H
#define TRACECORE_QUERY_EXPR_EVAL_H

#include "query/expr_program.h"

#define TCORE_EXPR_BLOCK 2048 /* rows */

enum tcore_verdict {
    TCORE_VERDICT_FALSE, /* null counts as false here */
    TCORE_VERDICT_TRUE,
    TCORE_VERDICT_ERROR,
    TCORE_VERDICT_NOTHING /* jq's empty */
};

/* Why a verdict is TCORE_VERDICT_ERROR: what an error value holds beside its kind. */
struct tcore_expr_reason {
    uint32_t code, at;
};

/* Verdicts of a block; reasons are set where the verdict is an error. */
struct tcore_verdicts {
    uint8_t verdict[TCORE_EXPR_BLOCK];
    struct tcore_expr_reason reason[TCORE_EXPR_BLOCK];
};

/* The rows to evaluate: of the batch, or entries of the dictionary of one of its columns. */
struct tcore_expr_rows {
    const struct tcore_batch *batch;
    const struct tcore_column *dictionary; /* NULL: rows of the batch */
    const uint32_t *row;                   /* ascending */
    size_t count;                          /* at most TCORE_EXPR_BLOCK */
};

static inline bool tcore_expr_rows_adjacent(const struct tcore_expr_rows *rows)
{
    return rows->count && rows->row[rows->count - 1] - rows->row[0] == rows->count - 1;
}

/*
 * Compares a column with a constant into verdict, for a column of ints or values (kind is one of
 * TCORE_OP_EQ to GE). False if this is left to the general way.
 */
bool tcore_expr_compare_column(struct tcore_expr_scratch *scratch, enum tcore_expr_op_kind kind,
                               const struct tcore_column *column,
                               const struct tcore_expr_rows *rows,
                               const struct tcore_value *constant, uint8_t *verdict);

/* Whether an order (negative, zero, positive) satisfies the comparison. */
static inline bool tcore_expr_holds(enum tcore_expr_op_kind kind, int order)
{
    switch (kind) {
    case TCORE_OP_EQ:
        return order == 0;
    case TCORE_OP_NE:
        return order != 0;
    case TCORE_OP_LT:
        return order < 0;
    case TCORE_OP_LE:
        return order <= 0;
    case TCORE_OP_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

#endif
