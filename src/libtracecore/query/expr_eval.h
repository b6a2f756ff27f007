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

/* Which verdicts leave the decision to what follows, as a mask. */
enum {
    TCORE_ON_FALSE = 1 << TCORE_VERDICT_FALSE,
    TCORE_ON_TRUE = 1 << TCORE_VERDICT_TRUE,
    TCORE_ON_NOTHING = 1 << TCORE_VERDICT_NOTHING
};

/* Intermediate results of one block; kept in a list for reuse. */
struct tcore_expr_block {
    struct tcore_expr_block *next;
    union {
        struct tcore_value values[TCORE_EXPR_BLOCK];
        struct {
            struct tcore_verdicts verdicts;
            uint32_t row[TCORE_EXPR_BLOCK], place[TCORE_EXPR_BLOCK];
        };
    };
};

/* The verdicts of an operation for every entry of a dictionary. */
struct tcore_expr_table {
    uint64_t batch; /* that it is for */
    uint8_t *verdict;
    struct tcore_expr_reason *reason;
    size_t capacity;
    bool errors;
};

struct tcore_expr_machine {
    struct tcore_expr_scratch scratch;
    struct tcore_matcher *matcher; /* made for the first pattern */
    struct tcore_expr_block *unused;
    struct tcore_expr_table *tables; /* by number of the operation */
    uint32_t table_count;
    uint64_t batch;           /* counts calls */
    size_t selected;          /* rows of this call */
    bool frugal;              /* in this call memory was exhausted: no tables any more */
    enum tcore_status status; /* not TCORE_OK: results mean nothing any more */
    struct tcore_error *err;
};

/* Whether a value is an error or nothing. */
static inline bool tcore_expr_is_outcome(const struct tcore_value *v)
{
    return v->kind >= TCORE_EXPR_ERROR;
}

/*
 * What op gives for each of the rows, as conditions or as values (expr_eval.c, expr_values.c).
 * When machine->status is or becomes other than TCORE_OK, what is in out means nothing.
 */
void tcore_expr_verdicts(struct tcore_expr_machine *machine, const struct tcore_expr_op *op,
                         const struct tcore_expr_rows *rows, struct tcore_verdicts *out);
void tcore_expr_values(struct tcore_expr_machine *machine, const struct tcore_expr_op *op,
                       const struct tcore_expr_rows *rows, struct tcore_value *out);

/* The values of an operation, or one constant for all rows (then step is 0). */
struct tcore_expr_operand {
    const struct tcore_value *value;
    size_t step;
};

/* Evaluates into room, unless it is a constant. */
struct tcore_expr_operand tcore_expr_operand_of(struct tcore_expr_machine *machine,
                                                const struct tcore_expr_op *op,
                                                const struct tcore_expr_rows *rows,
                                                struct tcore_value *room);

/* NULL: out of memory, or something failed before. */
struct tcore_expr_block *tcore_expr_take_block(struct tcore_expr_machine *machine);
void tcore_expr_give_block(struct tcore_expr_machine *machine, struct tcore_expr_block *block);
void tcore_expr_out_of_memory(struct tcore_expr_machine *machine);

/* From a value to the verdict at k, and back. */
void tcore_expr_set_verdict(struct tcore_verdicts *out, size_t k, const struct tcore_value *v);
struct tcore_value tcore_expr_verdict_value(const struct tcore_verdicts *from, size_t k);
/* The rows whose verdict is one of the mask, in block, with their places. */
struct tcore_expr_rows tcore_expr_rows_with(const struct tcore_expr_rows *rows,
                                            const uint8_t *verdict, unsigned mask,
                                            struct tcore_expr_block *block);

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
