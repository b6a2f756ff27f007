/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an expression can give for records that are known in part only. Whatever depends on one
 * field whose values are all known is evaluated for each of them, by the same code as for records.
 * Everything else can give anything that its kind of operation can. Conditions are combined in the
 * order and by the rules of evaluation, as if their fields had nothing to do with each other: that
 * may allow too much, but never too little.
 */
#include "query/expr_eval.h"

#include "base/sys.h"

#include <string.h>

#define ON_ERROR (1u << TCORE_VERDICT_ERROR)
#define ON_ALL   (TCORE_ON_FALSE | TCORE_ON_TRUE | ON_ERROR | TCORE_ON_NOTHING)

struct known {
    struct tcore_expr_machine *machine;
    const struct tcore_known_field *field;
    size_t field_count;
    struct tcore_column *columns; /* of a batch that has known values only */
};

/* The path below that all of op depends on; NULL: there is none. */
static const struct tcore_expr_op *path_of(const struct tcore_expr_op *op)
{
    if (op->kind == TCORE_OP_PATH || op->kind == TCORE_OP_PRESENT)
        return op;
    const struct tcore_expr_op *path = NULL;
    for (size_t i = 0; i < op->child_count && !path; i++)
        path = path_of(op->children[i]);
    return path;
}

/* The field that all of op depends on, if its values are known. */
static const struct tcore_known_field *field_of(const struct known *k,
                                                const struct tcore_expr_op *op)
{
    if (op->only_column >= TCORE_EXPR_NO_COLUMN)
        return NULL;
    const struct tcore_expr_op *path = path_of(op);
    for (size_t i = 0; path && path->key_count == 1 && i < k->field_count; i++)
        if (strlen(k->field[i].name) == path->keys[0].length &&
            !memcmp(k->field[i].name, path->keys[0].name, path->keys[0].length))
            return &k->field[i];
    return NULL;
}

/* The verdicts of op over all values of the field, as a mask. */
static unsigned verdicts_of(const struct known *k, const struct tcore_expr_op *op,
                            const struct tcore_known_field *field)
{
    struct tcore_expr_machine *m = k->machine;
    struct tcore_expr_block *b = tcore_expr_take_block(m), *out = tcore_expr_take_block(m);
    struct tcore_batch batch = {.columns = k->columns, .column_count = op->only_column + 1};
    unsigned verdicts = 0;
    for (size_t from = 0; b && out && from < field->count && m->status == TCORE_OK;
         from += TCORE_EXPR_BLOCK) {
        size_t left = field->count - from;
        struct tcore_expr_rows rows = {&batch, NULL, b->row,
                                       left < TCORE_EXPR_BLOCK ? left : TCORE_EXPR_BLOCK};
        for (size_t row = 0; row < rows.count; row++)
            b->row[row] = (uint32_t)row;
        k->columns[op->only_column] =
            (struct tcore_column){.form = TCORE_COLUMN_VALUES, .values = field->values + from};
        tcore_expr_scratch_reset(&m->scratch);
        tcore_expr_verdicts(m, op, &rows, &out->verdicts);
        if (m->scratch.exhausted) /* by these many values at once */
            verdicts = ON_ALL;
        for (size_t row = 0; row < rows.count && m->status == TCORE_OK; row++)
            verdicts |= 1u << out->verdicts.verdict[row];
    }
    tcore_expr_give_block(m, out);
    tcore_expr_give_block(m, b);
    return verdicts;
}

static unsigned possible(const struct known *k, const struct tcore_expr_op *op);

/* Of children in turn: those verdicts leave the decision to the next one. */
static unsigned chain(const struct known *k, const struct tcore_expr_op *op, unsigned undecided)
{
    unsigned verdicts = possible(k, op->children[0]);
    for (size_t i = 1; i < op->child_count && verdicts & undecided; i++)
        verdicts = (verdicts & ~undecided) | possible(k, op->children[i]);
    return verdicts;
}

static unsigned negate(unsigned verdicts)
{
    unsigned others = verdicts & ~(unsigned)(TCORE_ON_TRUE | TCORE_ON_FALSE);
    return others | (verdicts & TCORE_ON_TRUE ? TCORE_ON_FALSE : 0) |
           (verdicts & TCORE_ON_FALSE ? TCORE_ON_TRUE : 0);
}

/* The verdicts that op can give, as a mask. */
static unsigned possible(const struct known *k, const struct tcore_expr_op *op)
{
    const struct tcore_known_field *field = field_of(k, op);
    if (field)
        return verdicts_of(k, op, field);
    switch (op->kind) {
    case TCORE_OP_CONST:
        return tcore_expr_truthy(&op->value) ? TCORE_ON_TRUE : TCORE_ON_FALSE;
    case TCORE_OP_AND:
        return chain(k, op, TCORE_ON_TRUE);
    case TCORE_OP_OR:
        return chain(k, op, TCORE_ON_FALSE);
    case TCORE_OP_ALTERNATIVE:
        return chain(k, op, TCORE_ON_FALSE | TCORE_ON_NOTHING);
    case TCORE_OP_THEN:
        return chain(k, op, TCORE_ON_TRUE | TCORE_ON_FALSE);
    case TCORE_OP_NOT:
        return negate(possible(k, op->children[0]));
    default:
        return op->fallible ? ON_ALL : TCORE_ON_TRUE | TCORE_ON_FALSE;
    }
}

/* One more than the highest number of a column below. */
static size_t columns_below(const struct tcore_expr_op *op)
{
    bool path = op->kind == TCORE_OP_PATH || op->kind == TCORE_OP_PRESENT;
    size_t count = path ? op->column + 1 : 0;
    for (size_t i = 0; i < op->child_count; i++) {
        size_t below = columns_below(op->children[i]);
        count = below > count ? below : count;
    }
    return count;
}

enum tcore_status tcore_expr_machine_may(struct tcore_expr_machine *m,
                                         const struct tcore_expr_op *op,
                                         const struct tcore_known_field *known, size_t count,
                                         bool *may, struct tcore_error *err)
{
    struct known k = {m, known, count, tcore_calloc(columns_below(op) + 1, sizeof *k.columns)};
    *may = true;
    if (!k.columns)
        return tcore_error_nomem(err);
    m->err = err;
    m->status = TCORE_OK;
    m->scratch.failed = m->frugal = false;
    unsigned verdicts = possible(&k, op);
    tcore_free(k.columns);
    if (m->scratch.failed)
        tcore_expr_out_of_memory(m);
    if (m->status == TCORE_OK)
        *may = verdicts & TCORE_ON_TRUE;
    return m->status;
}
