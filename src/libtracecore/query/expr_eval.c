/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Evaluating a program block by block: conditions and the selection of rows. Two functions call
 * each other, tcore_expr_verdicts() and tcore_expr_values() (expr_values.c). What depends on one
 * column only, and that column is a dictionary, is evaluated once for each entry and then looked
 * up.
 */
#include "query/expr_eval.h"

#include "base/sys.h"

#include <string.h>

struct tcore_expr_machine *tcore_expr_machine_new(uint32_t count)
{
    struct tcore_expr_machine *m = tcore_calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->tables = tcore_calloc((size_t)count + 1, sizeof *m->tables);
    m->table_count = count;
    if (m->tables)
        return m;
    tcore_free(m);
    return NULL;
}

void tcore_expr_machine_free(struct tcore_expr_machine *m)
{
    if (!m)
        return;
    for (uint32_t i = 0; i < m->table_count; i++) {
        tcore_free(m->tables[i].verdict);
        tcore_free(m->tables[i].reason);
    }
    tcore_free(m->tables);
    for (struct tcore_expr_block *b = m->unused, *next; b; b = next) {
        next = b->next;
        tcore_free(b);
    }
    tcore_matcher_free(m->matcher);
    tcore_expr_scratch_free(&m->scratch);
    tcore_free(m);
}

void tcore_expr_out_of_memory(struct tcore_expr_machine *m)
{
    if (m->status == TCORE_OK)
        m->status = tcore_error_nomem(m->err);
}

struct tcore_expr_block *tcore_expr_take_block(struct tcore_expr_machine *m)
{
    struct tcore_expr_block *b = m->unused;
    if (m->status != TCORE_OK)
        return NULL;
    if (b)
        m->unused = b->next;
    else if (!(b = tcore_malloc(sizeof *b)))
        tcore_expr_out_of_memory(m);
    return b;
}

void tcore_expr_give_block(struct tcore_expr_machine *m, struct tcore_expr_block *b)
{
    if (b) {
        b->next = m->unused;
        m->unused = b;
    }
}

/* --- Between values and verdicts */

void tcore_expr_set_verdict(struct tcore_verdicts *out, size_t k, const struct tcore_value *v)
{
    if (v->kind == TCORE_EXPR_ERROR) {
        out->verdict[k] = TCORE_VERDICT_ERROR;
        out->reason[k] = (struct tcore_expr_reason){v->len, (uint32_t)v->i};
    } else {
        out->verdict[k] =
            v->kind == TCORE_EXPR_EMPTY ? TCORE_VERDICT_NOTHING : tcore_expr_truthy(v);
    }
}

struct tcore_value tcore_expr_verdict_value(const struct tcore_verdicts *from, size_t k)
{
    switch (from->verdict[k]) {
    case TCORE_VERDICT_ERROR:
        return (struct tcore_value){
            .kind = TCORE_EXPR_ERROR, .len = from->reason[k].code, .i = from->reason[k].at};
    case TCORE_VERDICT_NOTHING:
        return (struct tcore_value){.kind = TCORE_EXPR_EMPTY};
    default:
        return tcore_value_bool(from->verdict[k] == TCORE_VERDICT_TRUE);
    }
}

/* --- Part of the rows */

struct tcore_expr_rows tcore_expr_rows_with(const struct tcore_expr_rows *rows,
                                            const uint8_t *verdict, unsigned mask,
                                            struct tcore_expr_block *b)
{
    size_t count = 0;
    for (size_t k = 0; k < rows->count; k++) {
        b->row[count] = rows->row[k];
        b->place[count] = (uint32_t)k;
        count += mask >> verdict[k] & 1;
    }
    return (struct tcore_expr_rows){rows->batch, rows->dictionary, b->row, count};
}

/* Whether op compares a column so fast that selecting rows for it costs more. */
static bool is_cheap(const struct tcore_expr_op *op, const struct tcore_expr_rows *rows)
{
    if (op->kind < TCORE_OP_EQ || op->kind > TCORE_OP_GE || rows->dictionary ||
        op->children[0]->kind != TCORE_OP_PATH || op->children[0]->prefix_count ||
        op->children[1]->kind != TCORE_OP_CONST)
        return false;
    return rows->batch->columns[op->children[0]->column].form != TCORE_COLUMN_VALUES;
}

/* Puts the second verdict where the first is one of the mask. Both arrays have room for a whole
 * block: steps of a fixed size become vector instructions. */
static void merge_verdicts(uint8_t *first, const uint8_t *second, unsigned mask, size_t count)
{
    enum { STEP = 64 };
    uint8_t chosen = mask == TCORE_ON_TRUE ? TCORE_VERDICT_TRUE : TCORE_VERDICT_FALSE;
    if (mask != TCORE_ON_TRUE && mask != TCORE_ON_FALSE) {
        for (size_t k = 0; k < count; k++)
            first[k] = mask >> first[k] & 1 ? second[k] : first[k];
        return;
    }
    for (size_t from = 0; from < count; from += STEP)
        for (size_t k = from; k < from + STEP; k++)
            first[k] = first[k] == chosen ? second[k] : first[k];
}

/* Evaluates op for those rows whose verdict in out is one of the mask, and puts its verdict
 * there. */
static void verdicts_where(struct tcore_expr_machine *m, const struct tcore_expr_op *op,
                           const struct tcore_expr_rows *rows, unsigned mask,
                           struct tcore_verdicts *out)
{
    struct tcore_expr_block *b = tcore_expr_take_block(m);
    if (!b)
        return;
    struct tcore_expr_rows some = {.count = rows->count};
    bool all = is_cheap(op, rows);
    if (!all) {
        some = tcore_expr_rows_with(rows, out->verdict, mask, b);
        all = !op->fallible && some.count * 4 > rows->count;
    }
    if (all) { /* cheaper than for a selection, and no row can fail */
        tcore_expr_verdicts(m, op, rows, &b->verdicts);
        merge_verdicts(out->verdict, b->verdicts.verdict, mask, rows->count);
    } else if (some.count) {
        tcore_expr_verdicts(m, op, &some, &b->verdicts);
        for (size_t k = 0; k < some.count; k++) {
            out->verdict[b->place[k]] = b->verdicts.verdict[k];
            if (b->verdicts.verdict[k] == TCORE_VERDICT_ERROR)
                out->reason[b->place[k]] = b->verdicts.reason[k];
        }
    }
    tcore_expr_give_block(m, b);
}

/* --- Conditions */

/* and, or, //: the mask says which verdicts leave the decision to the next child. */
static void chain(struct tcore_expr_machine *m, const struct tcore_expr_op *op,
                  const struct tcore_expr_rows *rows, unsigned mask, struct tcore_verdicts *out)
{
    tcore_expr_verdicts(m, op->children[0], rows, out);
    for (size_t i = 1; i < op->child_count && m->status == TCORE_OK; i++)
        verdicts_where(m, op->children[i], rows, mask, out);
}

static inline void compare_row(struct tcore_expr_machine *m, enum tcore_expr_op_kind kind,
                               const struct tcore_value *x, const struct tcore_value *y,
                               struct tcore_verdicts *out, size_t k)
{
    if (x->kind == TCORE_INT && y->kind == TCORE_INT)
        out->verdict[k] = tcore_expr_holds(kind, (x->i > y->i) - (x->i < y->i));
    else if (tcore_expr_is_outcome(x) ||
             tcore_expr_is_outcome(y)) /* jq evaluates the right side first */
        tcore_expr_set_verdict(out, k, tcore_expr_is_outcome(y) ? y : x);
    else
        out->verdict[k] = tcore_expr_holds(kind, tcore_expr_compare(&m->scratch, x, y));
}

static void compare(struct tcore_expr_machine *m, const struct tcore_expr_op *op,
                    const struct tcore_expr_rows *rows, struct tcore_verdicts *out)
{
    const struct tcore_expr_op *left = op->children[0], *right = op->children[1];
    if (left->kind == TCORE_OP_PATH && !left->prefix_count && right->kind == TCORE_OP_CONST &&
        tcore_expr_compare_column(&m->scratch, op->kind, &rows->batch->columns[left->column], rows,
                                  &right->value, out->verdict))
        return;
    struct tcore_expr_block *a = tcore_expr_take_block(m), *b = tcore_expr_take_block(m);
    if (a && b) {
        struct tcore_expr_operand x = tcore_expr_operand_of(m, left, rows, a->values);
        struct tcore_expr_operand y = tcore_expr_operand_of(m, right, rows, b->values);
        for (size_t k = 0; k < rows->count && m->status == TCORE_OK; k++)
            compare_row(m, op->kind, &x.value[k * x.step], &y.value[k * y.step], out, k);
    }
    tcore_expr_give_block(m, b);
    tcore_expr_give_block(m, a);
}

static bool in_set(struct tcore_expr_machine *m, const struct tcore_expr_op *op,
                   const struct tcore_value *v)
{
    for (size_t low = 0, high = op->set_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        int order = tcore_expr_compare(&m->scratch, v, &op->set[middle]);
        if (order == 0)
            return true;
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static struct tcore_value test_pattern(struct tcore_expr_machine *m, const struct tcore_expr_op *op,
                                       const struct tcore_value *v)
{
    bool matched = false;
    enum tcore_status status = TCORE_OK;
    if (v->kind != TCORE_STRING)
        return tcore_expr_error(&m->scratch, TCORE_FAULT_TEST, v, NULL);
    if (!m->matcher)
        status = tcore_matcher_new(&m->matcher, m->err);
    if (status == TCORE_OK)
        status =
            tcore_pattern_match(op->pattern, m->matcher, v->s, v->len, 0, &matched, NULL, m->err);
    if (status == TCORE_SKIP || status == TCORE_BAD_INPUT)
        return tcore_expr_error(&m->scratch, TCORE_FAULT_PATTERN, v, NULL);
    if (status != TCORE_OK && m->status == TCORE_OK)
        m->status = status;
    return tcore_value_bool(matched);
}

/* A function of one value that gives true, false or an error. */
static struct tcore_value ask(struct tcore_expr_machine *m, const struct tcore_expr_op *op,
                              const struct tcore_value *v)
{
    static const struct tcore_value object = {.kind = TCORE_JSON, .len = 2, .s = "{}"};
    if (op->kind == TCORE_OP_TEST)
        return test_pattern(m, op, v);
    if (op->kind == TCORE_OP_KEY && v->kind != TCORE_STRING)
        return tcore_expr_error(&m->scratch, TCORE_FAULT_HAS, &object, v);
    return tcore_value_bool(in_set(m, op, v));
}

static void ask_all(struct tcore_expr_machine *m, const struct tcore_expr_op *op,
                    const struct tcore_expr_rows *rows, struct tcore_verdicts *out)
{
    struct tcore_expr_block *b = tcore_expr_take_block(m);
    if (!b)
        return;
    tcore_expr_values(m, op->children[0], rows, b->values);
    m->scratch.at = op->at;
    for (size_t k = 0; k < rows->count && m->status == TCORE_OK; k++) {
        struct tcore_value *v = &b->values[k];
        struct tcore_value answer = tcore_expr_is_outcome(v) ? *v : ask(m, op, v);
        tcore_expr_set_verdict(out, k, &answer);
    }
    tcore_expr_give_block(m, b);
}

static void present(const struct tcore_expr_op *op, const struct tcore_expr_rows *rows,
                    struct tcore_verdicts *out)
{
    const struct tcore_column *column =
        rows->dictionary ? rows->dictionary : &rows->batch->columns[op->column];
    for (size_t k = 0; k < rows->count; k++) {
        uint32_t row = rows->row[k];
        struct tcore_value v =
            rows->dictionary ? column->values[row] : tcore_column_get(column, row);
        out->verdict[k] = v.kind != TCORE_ABSENT;
    }
}

/* child[1] for the rows where child[0] gives a value. */
static void then_verdicts(struct tcore_expr_machine *m, const struct tcore_expr_op *op,
                          const struct tcore_expr_rows *rows, struct tcore_verdicts *out)
{
    tcore_expr_verdicts(m, op->children[0], rows, out);
    verdicts_where(m, op->children[1], rows, TCORE_ON_TRUE | TCORE_ON_FALSE, out);
}

static void general_verdicts(struct tcore_expr_machine *m, const struct tcore_expr_op *op,
                             const struct tcore_expr_rows *rows, struct tcore_verdicts *out)
{
    struct tcore_expr_block *b = tcore_expr_take_block(m);
    if (!b)
        return;
    tcore_expr_values(m, op, rows, b->values);
    for (size_t k = 0; k < rows->count; k++)
        tcore_expr_set_verdict(out, k, &b->values[k]);
    tcore_expr_give_block(m, b);
}

static void not_or_try(struct tcore_expr_machine *m, const struct tcore_expr_op *op,
                       const struct tcore_expr_rows *rows, struct tcore_verdicts *out)
{
    static const uint8_t after_not[] = {TCORE_VERDICT_TRUE, TCORE_VERDICT_FALSE,
                                        TCORE_VERDICT_ERROR, TCORE_VERDICT_NOTHING};
    static const uint8_t after_try[] = {TCORE_VERDICT_FALSE, TCORE_VERDICT_TRUE,
                                        TCORE_VERDICT_NOTHING, TCORE_VERDICT_NOTHING};
    const uint8_t *after = op->kind == TCORE_OP_NOT ? after_not : after_try;
    tcore_expr_verdicts(m, op->children[0], rows, out);
    if (m->status != TCORE_OK)
        return;
    for (size_t k = 0; k < rows->count; k++)
        out->verdict[k] = after[out->verdict[k]];
}

static void direct_verdicts(struct tcore_expr_machine *m, const struct tcore_expr_op *op,
                            const struct tcore_expr_rows *rows, struct tcore_verdicts *out)
{
    switch (op->kind) {
    case TCORE_OP_AND:
        chain(m, op, rows, TCORE_ON_TRUE, out);
        break;
    case TCORE_OP_OR:
        chain(m, op, rows, TCORE_ON_FALSE, out);
        break;
    case TCORE_OP_ALTERNATIVE:
        chain(m, op, rows, TCORE_ON_FALSE | TCORE_ON_NOTHING, out);
        break;
    case TCORE_OP_NOT:
    case TCORE_OP_TRY:
        not_or_try(m, op, rows, out);
        break;
    case TCORE_OP_EQ:
    case TCORE_OP_NE:
    case TCORE_OP_LT:
    case TCORE_OP_LE:
    case TCORE_OP_GT:
    case TCORE_OP_GE:
        compare(m, op, rows, out);
        break;
    case TCORE_OP_PRESENT:
        present(op, rows, out);
        break;
    case TCORE_OP_AMONG:
    case TCORE_OP_KEY:
    case TCORE_OP_TEST:
        ask_all(m, op, rows, out);
        break;
    case TCORE_OP_THEN:
        then_verdicts(m, op, rows, out);
        break;
    default:
        general_verdicts(m, op, rows, out);
        break;
    }
}

/* --- Dictionaries */

/* Evaluates op for all entries of the dictionary into its table. */
static bool fill_table(struct tcore_expr_machine *m, const struct tcore_expr_op *op,
                       const struct tcore_expr_rows *rows, const struct tcore_column *dictionary,
                       size_t entries, struct tcore_expr_table *t)
{
    struct tcore_expr_block *b = NULL;
    if (t->capacity < entries) {
        tcore_free(t->verdict);
        tcore_free(t->reason);
        t->verdict = tcore_malloc(entries);
        t->reason = tcore_reallocarray(NULL, entries, sizeof *t->reason);
        t->capacity = t->verdict && t->reason ? entries : 0;
        if (!t->capacity)
            tcore_expr_out_of_memory(m);
    }
    t->errors = false;
    if (!(b = tcore_expr_take_block(m)))
        return false;
    for (size_t from = 0; from < entries && m->status == TCORE_OK && !m->scratch.exhausted;
         from += TCORE_EXPR_BLOCK) {
        struct tcore_expr_rows some = {rows->batch, dictionary, b->row, entries - from};
        if (some.count > TCORE_EXPR_BLOCK)
            some.count = TCORE_EXPR_BLOCK;
        for (size_t k = 0; k < some.count; k++)
            b->row[k] = (uint32_t)(from + k);
        direct_verdicts(m, op, &some, &b->verdicts);
        for (size_t k = 0; k < some.count; k++) {
            t->verdict[from + k] = b->verdicts.verdict[k];
            if (b->verdicts.verdict[k] == TCORE_VERDICT_ERROR) {
                t->reason[from + k] = b->verdicts.reason[k];
                t->errors = true;
            }
        }
    }
    tcore_expr_give_block(m, b);
    if (m->status != TCORE_OK || m->scratch.exhausted)
        return false;
    t->batch = m->batch;
    return true;
}

/* Verdicts by a table, if op depends on one column with few different values. */
static bool table_verdicts(struct tcore_expr_machine *m, const struct tcore_expr_op *op,
                           const struct tcore_expr_rows *rows, struct tcore_verdicts *out)
{
    if (op->only_column >= TCORE_EXPR_NO_COLUMN || rows->dictionary || m->frugal ||
        op->kind == TCORE_OP_CONST)
        return false;
    const struct tcore_column *c = &rows->batch->columns[op->only_column];
    if (c->form != TCORE_COLUMN_DICT && c->form != TCORE_COLUMN_CONSTANT)
        return false;
    size_t entries = c->form == TCORE_COLUMN_DICT ? c->value_count : 1;
    struct tcore_expr_table *t = &m->tables[op->number];
    if (t->batch != m->batch &&
        (entries > m->selected || (entries > rows->count && rows->count < TCORE_EXPR_BLOCK / 16) ||
         !fill_table(m, op, rows, c, entries, t)))
        return false;
    if (c->form == TCORE_COLUMN_CONSTANT) {
        memset(out->verdict, t->verdict[0], rows->count);
    } else if (tcore_expr_rows_adjacent(rows)) {
        const uint32_t *codes = c->codes + rows->row[0];
        for (size_t k = 0; k < rows->count; k++)
            out->verdict[k] = t->verdict[codes[k]];
    } else {
        for (size_t k = 0; k < rows->count; k++)
            out->verdict[k] = t->verdict[c->codes[rows->row[k]]];
    }
    for (size_t k = 0; t->errors && k < rows->count; k++)
        if (out->verdict[k] == TCORE_VERDICT_ERROR)
            out->reason[k] = t->reason[c->form == TCORE_COLUMN_DICT ? c->codes[rows->row[k]] : 0];
    return true;
}

void tcore_expr_verdicts(struct tcore_expr_machine *m, const struct tcore_expr_op *op,
                         const struct tcore_expr_rows *rows, struct tcore_verdicts *out)
{
    if (m->status == TCORE_OK && !table_verdicts(m, op, rows, out) && m->status == TCORE_OK)
        direct_verdicts(m, op, rows, out);
}

/* --- Selection */

/* Keeps of the block's rows the true ones; kept may be where the rows are, in front of them. */
static size_t keep_true(const struct tcore_expr_rows *rows, const struct tcore_verdicts *v,
                        uint32_t *kept)
{
    size_t count = 0, k = 0;
    for (uint64_t eight; k + sizeof eight <= rows->count; k += sizeof eight) {
        memcpy(&eight, v->verdict + k, sizeof eight);
        if (eight == 0) /* all false, as most are in most filters */
            continue;
        for (size_t i = k; i < k + sizeof eight; i++) {
            kept[count] = rows->row[i];
            count += v->verdict[i] == TCORE_VERDICT_TRUE;
        }
    }
    for (; k < rows->count; k++) {
        kept[count] = rows->row[k];
        count += v->verdict[k] == TCORE_VERDICT_TRUE;
    }
    return count;
}

static uint64_t count_errors(const struct tcore_expr_rows *rows, const struct tcore_verdicts *v,
                             struct tcore_value *fault)
{
    uint64_t errors = 0;
    for (size_t k = 0; k < rows->count; k++) {
        if (v->verdict[k] != TCORE_VERDICT_ERROR)
            continue;
        if (!errors++ && !fault->kind)
            *fault = tcore_expr_verdict_value(v, k);
    }
    return errors;
}

/* Evaluates the first rows of those given: as many as a block and the memory for results take. */
static void next_block(struct tcore_expr_machine *m, const struct tcore_expr_op *op,
                       struct tcore_expr_rows *rows, struct tcore_verdicts *out)
{
    if (rows->count > TCORE_EXPR_BLOCK)
        rows->count = TCORE_EXPR_BLOCK;
    for (;; rows->count /= 2) {
        tcore_expr_scratch_reset(&m->scratch);
        tcore_expr_verdicts(m, op, rows, out);
        if (!m->scratch.exhausted || rows->count < 2 || m->status != TCORE_OK)
            break;
        m->frugal = true;
    }
    if (m->scratch.failed)
        tcore_expr_out_of_memory(m);
}

enum tcore_status tcore_expr_machine_select(struct tcore_expr_machine *m,
                                            const struct tcore_expr_op *op,
                                            const struct tcore_batch *batch, uint32_t *rows,
                                            size_t *count, uint64_t *failed,
                                            struct tcore_value *fault, struct tcore_error *err)
{
    size_t kept = 0;
    m->err = err;
    m->status = TCORE_OK;
    m->scratch.failed = m->frugal = false;
    m->batch++;
    m->selected = *count;
    *fault = (struct tcore_value){0};
    struct tcore_expr_block *b = tcore_expr_take_block(m);
    for (size_t from = 0; b && from < *count;) {
        struct tcore_expr_rows some = {batch, NULL, rows + from, *count - from};
        next_block(m, op, &some, &b->verdicts);
        if (m->status != TCORE_OK)
            break;
        if (op->fallible)
            *failed += count_errors(&some, &b->verdicts, fault);
        kept += keep_true(&some, &b->verdicts, rows + kept);
        from += some.count;
    }
    tcore_expr_give_block(m, b);
    if (m->status == TCORE_OK)
        *count = kept;
    return m->status;
}
