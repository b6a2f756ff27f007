/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/traceql/traceql_eval.h"

#include "base/sys.h"

enum tcore_status traceql_evaluator_open(struct traceql_evaluator *evaluator,
                                         const struct traceql_query *query, struct tcore_error *err)
{
    *evaluator = (struct traceql_evaluator){.query = query};
    evaluator->field = tcore_calloc(query->fields + 1, sizeof *evaluator->field);
    evaluator->result = tcore_calloc(query->nodes + 1, sizeof *evaluator->result);
    if (!evaluator->field || !evaluator->result)
        return tcore_error_nomem(err);
    for (uint32_t i = 0; i < query->nodes; i++)
        if (query->node[i].pattern)
            return tcore_matcher_new(&evaluator->matcher, err);
    return TCORE_OK;
}

void traceql_evaluator_close(struct traceql_evaluator *evaluator)
{
    tcore_free(evaluator->field);
    tcore_free(evaluator->result);
    tcore_matcher_free(evaluator->matcher);
    *evaluator = (struct traceql_evaluator){0};
}

/* --- Comparisons */

static struct traceql_value of_truth(bool truth)
{
    return (struct traceql_value){.type = TRACEQL_BOOLEAN, .truth = truth};
}

/* The operator that asks the same with its sides exchanged. */
static enum traceql_operator exchange(enum traceql_operator op)
{
    switch (op) {
    case TRACEQL_LESS:
        return TRACEQL_GREATER;
    case TRACEQL_LESS_EQUAL:
        return TRACEQL_GREATER_EQUAL;
    case TRACEQL_GREATER:
        return TRACEQL_LESS;
    case TRACEQL_GREATER_EQUAL:
        return TRACEQL_LESS_EQUAL;
    default:
        return op;
    }
}

/* One of the list, or for != each that can be compared; another list cannot. */
static bool compare_list(enum traceql_operator op, const struct traceql_value *list,
                         const struct traceql_value *value)
{
    bool each = op == TRACEQL_NOT_EQUAL, some = false, comparable;
    for (uint32_t i = 0; i < list->count; i++) {
        bool holds = traceql_compare(op, &list->items[i], value, &comparable);
        if (comparable && holds != each)
            return holds;
        some |= comparable;
    }
    return each && some;
}

static bool is_nil_literal(const struct traceql_node *node)
{
    return node->op == TRACEQL_LITERAL && node->value.type == TRACEQL_NIL;
}

static bool compare(const struct traceql_evaluator *evaluator, const struct traceql_node *node)
{
    const struct traceql_value *a = &evaluator->result[node->left];
    const struct traceql_value *b = &evaluator->result[node->right];
    const struct traceql_node *nodes = evaluator->query->node;
    bool comparable;
    if (is_nil_literal(&nodes[node->left]) || is_nil_literal(&nodes[node->right]))
        return (a->type == TRACEQL_NIL && b->type == TRACEQL_NIL) == (node->op == TRACEQL_EQUAL);
    if (a->type == TRACEQL_LIST)
        return compare_list(node->op, a, b);
    if (b->type == TRACEQL_LIST)
        return compare_list(exchange(node->op), b, a);
    return traceql_compare(node->op, a, b, &comparable);
}

/* --- Patterns */

static enum tcore_status match(struct traceql_evaluator *evaluator, const struct traceql_node *node,
                               const struct traceql_value *value, bool *matched, bool *known,
                               struct tcore_error *err)
{
    *known = *matched = false;
    if (value->type != TRACEQL_STRING)
        return TCORE_OK;
    enum tcore_status status =
        tcore_pattern_match(node->pattern, evaluator->matcher, value->text.data, value->text.length,
                            0, matched, NULL, err);
    *known = status == TCORE_OK;
    if (status != TCORE_SKIP)
        return status;
    evaluator->overworked++;
    return TCORE_OK;
}

/* One string that matches, or for !~ none of those that there are. */
static enum tcore_status evaluate_match(struct traceql_evaluator *evaluator,
                                        const struct traceql_node *node, bool *truth,
                                        struct tcore_error *err)
{
    const struct traceql_value *value = &evaluator->result[node->left];
    const struct traceql_value *items = value->type == TRACEQL_LIST ? value->items : value;
    uint32_t count = value->type == TRACEQL_LIST ? value->count : 1;
    bool each = node->op == TRACEQL_NOT_MATCHES, some = false, matched, known;
    for (uint32_t i = 0; i < count; i++) {
        enum tcore_status status = match(evaluator, node, &items[i], &matched, &known, err);
        if (status != TCORE_OK)
            return status;
        if (known && matched) {
            *truth = !each;
            return TCORE_OK;
        }
        some |= known;
    }
    *truth = each && some;
    return TCORE_OK;
}

/* --- Expressions */

/* Whether the && or || is decided by its left side, and how. */
static bool is_decided(const struct traceql_evaluator *evaluator, const struct traceql_node *skip,
                       bool *truth)
{
    *truth = evaluator->query->node[skip->right].op == TRACEQL_OR;
    return traceql_is_true(&evaluator->result[skip->left]) == *truth;
}

static enum tcore_status evaluate_node(struct traceql_evaluator *evaluator, uint32_t i,
                                       struct tcore_error *err)
{
    const struct traceql_node *node = &evaluator->query->node[i];
    struct traceql_value *result = evaluator->result, *a = NULL;
    bool truth;
    if (node->op > TRACEQL_FIELD && node->op <= TRACEQL_OR)
        a = &result[node->left];
    if (node->op == TRACEQL_LITERAL) {
        result[i] = node->value;
    } else if (node->op == TRACEQL_FIELD) {
        result[i] = evaluator->field[node->left];
    } else if (node->op == TRACEQL_NOT) {
        result[i] = a->type == TRACEQL_BOOLEAN ? of_truth(!a->truth) : (struct traceql_value){0};
    } else if (node->op == TRACEQL_NEGATE) {
        result[i] = traceql_negate(a);
    } else if (node->op <= TRACEQL_POWER) {
        result[i] = traceql_calculate(node->op, a, &result[node->right]);
    } else if (node->op <= TRACEQL_GREATER_EQUAL) {
        result[i] = of_truth(compare(evaluator, node));
    } else if (node->op <= TRACEQL_NOT_MATCHES) {
        enum tcore_status status = evaluate_match(evaluator, node, &truth, err);
        if (status != TCORE_OK)
            return status;
        result[i] = of_truth(truth);
    } else if (node->op <= TRACEQL_OR) { /* the left side did not decide */
        result[i] = of_truth(traceql_is_true(&result[node->right]));
    }
    return TCORE_OK;
}

enum tcore_status traceql_evaluate(struct traceql_evaluator *evaluator, uint32_t root,
                                   struct traceql_value *value, struct tcore_error *err)
{
    const struct traceql_node *nodes = evaluator->query->node;
    bool truth;
    for (uint32_t i = nodes[root].first; i <= root; i++) {
        const struct traceql_node *node = &nodes[i];
        if (node->op == TRACEQL_SKIP && node->left == TRACEQL_NONE) {
            i = node->right - 1;
        } else if (node->op == TRACEQL_SKIP) {
            if (!is_decided(evaluator, node, &truth))
                continue;
            i = node->right;
            evaluator->result[i] = of_truth(truth);
        } else {
            enum tcore_status status = evaluate_node(evaluator, i, err);
            if (status != TCORE_OK)
                return status;
        }
    }
    *value = evaluator->result[root];
    return TCORE_OK;
}
