/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Evaluating what gives values: paths, arithmetic, functions. */
#include "query/expr_eval.h"

struct tcore_expr_operand tcore_expr_operand_of(struct tcore_expr_machine *m,
                                                const struct tcore_expr_op *op,
                                                const struct tcore_expr_rows *rows,
                                                struct tcore_value *room)
{
    if (op->kind == TCORE_OP_CONST)
        return (struct tcore_expr_operand){&op->value, 0};
    tcore_expr_values(m, op, rows, room);
    return (struct tcore_expr_operand){room, 1};
}

/* --- Paths */

/* What a row gives whose column is ABSENT: null, unless a prefix of the path is no object. */
static struct tcore_value absent_path(const struct tcore_expr_op *op,
                                      const struct tcore_expr_rows *rows, uint32_t row)
{
    for (size_t i = 0; i < op->prefix_count; i++) {
        struct tcore_value v = tcore_column_get(&rows->batch->columns[op->prefixes[i].column], row);
        enum tcore_expr_type type = tcore_expr_type(&v);
        if (type == TCORE_EXPR_NULL)
            break;
        if (type == TCORE_EXPR_OBJECT)
            continue;
        if (op->prefixes[i].optional)
            return (struct tcore_value){.kind = TCORE_EXPR_EMPTY};
        struct tcore_expr_scratch place = {.at = op->at};
        return tcore_expr_error(&place, TCORE_FAULT_INDEX, &v, NULL);
    }
    return (struct tcore_value){.kind = TCORE_ABSENT};
}

static void load_path(const struct tcore_expr_op *op, const struct tcore_expr_rows *rows,
                      struct tcore_value *out)
{
    const struct tcore_column *column = &rows->batch->columns[op->column];
    if (rows->dictionary) {
        for (size_t k = 0; k < rows->count; k++)
            out[k] = rows->dictionary->values[rows->row[k]];
        return;
    }
    if (column->form == TCORE_COLUMN_VALUES)
        for (size_t k = 0; k < rows->count; k++)
            out[k] = column->values[rows->row[k]];
    else if (column->form == TCORE_COLUMN_INT64 && !column->present)
        for (size_t k = 0; k < rows->count; k++)
            out[k] = tcore_value_int(column->ints[rows->row[k]]);
    else
        for (size_t k = 0; k < rows->count; k++)
            out[k] = tcore_column_get(column, rows->row[k]);
    if (op->prefix_count)
        for (size_t k = 0; k < rows->count; k++)
            if (out[k].kind == TCORE_ABSENT)
                out[k] = absent_path(op, rows, rows->row[k]);
}

/* --- Values */

static struct tcore_value apply_one(struct tcore_expr_machine *m, const struct tcore_expr_op *op,
                                    const struct tcore_value *v)
{
    switch (op->kind) {
    case TCORE_OP_NEGATE:
        return tcore_expr_negate(&m->scratch, v);
    case TCORE_OP_LENGTH:
        return tcore_expr_length(&m->scratch, v);
    default:
        return tcore_expr_index(&m->scratch, v, &op->value);
    }
}

static struct tcore_value apply_two(struct tcore_expr_machine *m, const struct tcore_expr_op *op,
                                    const struct tcore_value *a, const struct tcore_value *b)
{
    switch (op->kind) {
    case TCORE_OP_ADD:
        return tcore_expr_add(&m->scratch, a, b);
    case TCORE_OP_SUBTRACT:
        return tcore_expr_subtract(&m->scratch, a, b);
    case TCORE_OP_MULTIPLY:
        return tcore_expr_multiply(&m->scratch, a, b);
    case TCORE_OP_DIVIDE:
        return tcore_expr_divide(&m->scratch, a, b);
    case TCORE_OP_REMAINDER:
        return tcore_expr_remainder(&m->scratch, a, b);
    case TCORE_OP_HAS:
        return tcore_expr_has(&m->scratch, a, b);
    case TCORE_OP_STARTSWITH:
        return tcore_expr_startswith(&m->scratch, a, b);
    case TCORE_OP_ENDSWITH:
        return tcore_expr_endswith(&m->scratch, a, b);
    default:
        return tcore_expr_contains(&m->scratch, a, b);
    }
}

static void one_operand(struct tcore_expr_machine *m, const struct tcore_expr_op *op,
                        const struct tcore_expr_rows *rows, struct tcore_value *out)
{
    tcore_expr_values(m, op->children[0], rows, out);
    m->scratch.at = op->at;
    for (size_t k = 0; k < rows->count && m->status == TCORE_OK; k++)
        if (!tcore_expr_is_outcome(&out[k]))
            out[k] = apply_one(m, op, &out[k]);
}

static void two_operands(struct tcore_expr_machine *m, const struct tcore_expr_op *op,
                         const struct tcore_expr_rows *rows, struct tcore_value *out)
{
    struct tcore_expr_block *b = tcore_expr_take_block(m);
    if (!b)
        return;
    struct tcore_expr_operand left = tcore_expr_operand_of(m, op->children[0], rows, out);
    struct tcore_expr_operand right = tcore_expr_operand_of(m, op->children[1], rows, b->values);
    m->scratch.at = op->at;
    for (size_t k = 0; k < rows->count && m->status == TCORE_OK; k++) {
        const struct tcore_value *x = &left.value[k * left.step];
        const struct tcore_value *y = &right.value[k * right.step];
        if (tcore_expr_is_outcome(y)) /* jq evaluates the right side first */
            out[k] = *y;
        else
            out[k] = tcore_expr_is_outcome(x) ? *x : apply_two(m, op, x, y);
    }
    tcore_expr_give_block(m, b);
}

/* child[1] for those rows of which child[0] gives what is to be replaced. */
static void replace_values(struct tcore_expr_machine *m, const struct tcore_expr_op *op,
                           const struct tcore_expr_rows *rows, struct tcore_value *out)
{
    struct tcore_expr_block *which = tcore_expr_take_block(m), *b = tcore_expr_take_block(m);
    if (which && b) {
        tcore_expr_values(m, op->children[0], rows, out);
        for (size_t k = 0; k < rows->count; k++) {
            bool replace = op->kind == TCORE_OP_THEN
                               ? !tcore_expr_is_outcome(&out[k])
                               : out[k].kind != TCORE_EXPR_ERROR && !tcore_expr_truthy(&out[k]);
            which->verdicts.verdict[k] = replace;
        }
        struct tcore_expr_rows some =
            tcore_expr_rows_with(rows, which->verdicts.verdict, TCORE_ON_TRUE, which);
        if (some.count)
            tcore_expr_values(m, op->children[1], &some, b->values);
        for (size_t k = 0; k < some.count && m->status == TCORE_OK; k++)
            out[which->place[k]] = b->values[k];
    }
    tcore_expr_give_block(m, b);
    tcore_expr_give_block(m, which);
}

static void verdict_values(struct tcore_expr_machine *m, const struct tcore_expr_op *op,
                           const struct tcore_expr_rows *rows, struct tcore_value *out)
{
    struct tcore_expr_block *b = tcore_expr_take_block(m);
    if (!b)
        return;
    tcore_expr_verdicts(m, op, rows, &b->verdicts);
    for (size_t k = 0; k < rows->count && m->status == TCORE_OK; k++)
        out[k] = tcore_expr_verdict_value(&b->verdicts, k);
    tcore_expr_give_block(m, b);
}

void tcore_expr_values(struct tcore_expr_machine *m, const struct tcore_expr_op *op,
                       const struct tcore_expr_rows *rows, struct tcore_value *out)
{
    if (m->status != TCORE_OK)
        return;
    switch (op->kind) {
    case TCORE_OP_CONST:
        for (size_t k = 0; k < rows->count; k++)
            out[k] = op->value;
        break;
    case TCORE_OP_PATH:
        load_path(op, rows, out);
        break;
    case TCORE_OP_TRY:
        tcore_expr_values(m, op->children[0], rows, out);
        for (size_t k = 0; k < rows->count && m->status == TCORE_OK; k++)
            if (out[k].kind == TCORE_EXPR_ERROR)
                out[k] = (struct tcore_value){.kind = TCORE_EXPR_EMPTY};
        break;
    case TCORE_OP_ALTERNATIVE:
    case TCORE_OP_THEN:
        replace_values(m, op, rows, out);
        break;
    case TCORE_OP_INDEX:
    case TCORE_OP_NEGATE:
    case TCORE_OP_LENGTH:
        one_operand(m, op, rows, out);
        break;
    case TCORE_OP_ADD:
    case TCORE_OP_SUBTRACT:
    case TCORE_OP_MULTIPLY:
    case TCORE_OP_DIVIDE:
    case TCORE_OP_REMAINDER:
    case TCORE_OP_HAS:
    case TCORE_OP_STARTSWITH:
    case TCORE_OP_ENDSWITH:
    case TCORE_OP_CONTAINS:
        two_operands(m, op, rows, out);
        break;
    default:
        verdict_values(m, op, rows, out);
        break;
    }
}
