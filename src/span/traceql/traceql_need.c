/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/traceql/traceql_need.h"

#include "model/json.h"

#include <string.h>

#define NODES_MOST 256 /* of a condition that is looked into, which recurses */

/* --- Leaves */

static bool needs_trace(const struct traceql_query *query, uint32_t root)
{
    for (uint32_t i = query->node[root].first; i <= root; i++)
        if (query->node[i].op == TRACEQL_FIELD &&
            traceql_field_needs_trace(&query->field[query->node[i].left]))
            return true;
    return false;
}

/* What of a condition a span alone decides, and has to be true for the condition to be: all of it,
 * or an operand of &&. TRACEQL_NONE: nothing. */
static uint32_t find_decided(const struct traceql_query *query, uint32_t root)
{
    while (root != TRACEQL_NONE && needs_trace(query, root)) {
        const struct traceql_node *node = &query->node[root];
        if (node->op != TRACEQL_AND)
            return TRACEQL_NONE;
        root = needs_trace(query, node->right) ? node->left : node->right;
    }
    return root;
}

static void add_leaf(struct traceql_need *need, uint32_t operation, uint32_t root)
{
    const struct traceql_query *query = need->query;
    need->leaf[need->leaves] = operation;
    need->root[need->leaves++] = root;
    for (uint32_t i = query->node[root].first; i <= root; i++)
        if (query->node[i].op == TRACEQL_FIELD)
            need->reads[query->node[i].left] = true;
}

static bool may_pass(const struct traceql_need *need, uint32_t stage, uint64_t met);

static uint32_t number_of_leaf(const struct traceql_need *need, uint32_t operation)
{
    uint32_t number = 0;
    while (number < need->leaves && need->leaf[number] != operation)
        number++;
    return number;
}

/* Whether the operation may give spans; may: of those before it. */
static bool may_give(const struct traceql_need *need, uint32_t i, const bool *may, uint64_t met)
{
    const struct traceql_spanset *operation = &need->query->spanset[i];
    uint32_t leaf;
    switch (operation->relation) {
    case TRACEQL_FILTER:
        leaf = number_of_leaf(need, i);
        return leaf == need->leaves || met >> leaf & 1;
    case TRACEQL_PIPELINE:
        return may_pass(need, operation->left, met);
    case TRACEQL_EITHER:
        return may[operation->left] || may[operation->right];
    default:
        return may[operation->right] && (operation->negated || may[operation->left]);
    }
}

/* Whether the first stage of a pipeline may give spans; what is behind it is not looked at. */
static bool may_pass(const struct traceql_need *need, uint32_t first, uint64_t met)
{
    const struct traceql_stage *stage = &need->query->stage[first];
    bool may[TRACEQL_OPERATIONS] = {0};
    if (stage->kind != TRACEQL_SPANSETS)
        return true;
    for (uint32_t i = stage->first; i <= stage->last; i++)
        if (need->query->spanset[i].level == stage->level)
            may[i] = may_give(need, i, may, met);
    return may[stage->last];
}

bool traceql_may_match(const struct traceql_need *need, uint64_t met)
{
    return may_pass(need, need->query->main, met);
}

bool traceql_need_open(struct traceql_need *need, const struct traceql_query *query)
{
    *need = (struct traceql_need){.query = query};
    if (query->spansets > TRACEQL_OPERATIONS)
        return false;
    for (uint32_t i = 0; i < query->spansets && need->leaves < TRACEQL_LEAVES; i++) {
        const struct traceql_spanset *spanset = &query->spanset[i];
        uint32_t root = TRACEQL_NONE;
        if (spanset->relation == TRACEQL_FILTER)
            root = find_decided(query, spanset->root);
        if (root != TRACEQL_NONE)
            add_leaf(need, i, root);
    }
    return !traceql_may_match(need, 0);
}

enum tcore_status traceql_need_met(const struct traceql_need *need,
                                   struct traceql_evaluator *evaluator, uint64_t *met,
                                   struct tcore_error *err)
{
    struct traceql_value value;
    *met = 0;
    for (uint32_t i = 0; i < need->leaves; i++) {
        enum tcore_status status = traceql_evaluate(evaluator, need->root[i], &value, err);
        if (status != TCORE_OK)
            return status;
        if (traceql_is_true(&value))
            *met |= (uint64_t)1 << i;
    }
    return TCORE_OK;
}

/* --- As an expression */

static const char *path_of(const struct traceql_query *query, const struct traceql_node *node)
{
    const struct traceql_field *field =
        node->op == TRACEQL_FIELD ? &query->field[node->left] : NULL;
    if (!field || field->of_parent)
        return NULL;
    if (field->source == TRACEQL_SPAN_NAME)
        return "(.name // \"\")"; /* without one it is empty */
    if (field->source == TRACEQL_RESOURCE && field->name.length == 12 &&
        !memcmp(field->name.data, "service.name", 12))
        return ".service";
    return NULL;
}

/* name = "x", either way round. */
static bool put_equal(const struct traceql_query *query, const struct traceql_node *node,
                      struct tcore_buf *out)
{
    const struct traceql_node *left = &query->node[node->left], *right = &query->node[node->right];
    const char *path = path_of(query, left);
    const struct traceql_node *literal = path ? right : left;
    path = path ? path : path_of(query, right);
    if (!path || literal->op != TRACEQL_LITERAL || literal->type != TRACEQL_STRING)
        return false;
    tcore_buf_printf(out, "%s == ", path);
    tcore_json_write_string(out, literal->value.text.data, literal->value.text.length);
    return true;
}

/* A pattern on a name, which has to match from end to end. */
static bool put_match(const struct traceql_query *query, const struct traceql_node *node,
                      struct tcore_buf *out)
{
    const struct tcore_slice *pattern = &query->node[node->right].value.text;
    const char *path = path_of(query, &query->node[node->left]);
    struct tcore_buf whole = {0};
    if (!path)
        return false;
    tcore_buf_puts(&whole, "^(?:");
    tcore_buf_append(&whole, pattern->data, pattern->length);
    tcore_buf_puts(&whole, ")$");
    tcore_buf_printf(out, "(%s | test(", path);
    tcore_json_write_string(out, whole.data, whole.length);
    tcore_buf_puts(out, "))");
    tcore_buf_free(&whole);
    return true;
}

/* Appends what is true wherever the condition is; false: nothing is known. */
static bool put_condition(const struct traceql_query *query, uint32_t root, struct tcore_buf *out)
{
    const struct traceql_node *node = &query->node[root];
    size_t start = out->length;
    if (node->op == TRACEQL_EQUAL)
        return put_equal(query, node, out);
    if (node->op == TRACEQL_MATCHES)
        return put_match(query, node, out);
    if (node->op != TRACEQL_AND && node->op != TRACEQL_OR)
        return false;
    tcore_buf_putc(out, '(');
    bool left = put_condition(query, node->left, out);
    size_t behind = out->length;
    if (left)
        tcore_buf_puts(out, node->op == TRACEQL_AND ? " and " : " or ");
    bool right = put_condition(query, node->right, out);
    if (left && !right)
        out->length = behind;
    tcore_buf_putc(out, ')');
    if (node->op == TRACEQL_AND ? left || right : left && right)
        return true;
    out->length = start;
    return false;
}

/* Appends one more condition to those that are there. */
static bool put_filter(const struct traceql_query *query, uint32_t root, struct tcore_buf *out)
{
    bool small = root != TRACEQL_NONE && root - query->node[root].first < NODES_MOST;
    if (out->length)
        tcore_buf_puts(out, " or ");
    return small && put_condition(query, root, out);
}

void traceql_require_leaf(const struct traceql_need *need, struct tcore_buf *out)
{
    bool known = true;
    for (uint32_t i = 0; i < need->leaves && known; i++)
        known = put_filter(need->query, need->root[i], out);
    if (!known)
        tcore_buf_clear(out);
}

/* Of the first stage: what comes behind it takes away only. */
void traceql_require_span(const struct traceql_query *query, struct tcore_buf *out)
{
    const struct traceql_stage *stage = &query->stage[query->main];
    bool known = stage->kind == TRACEQL_SPANSETS;
    for (uint32_t i = stage->first; known && i <= stage->last; i++)
        if (query->spanset[i].relation == TRACEQL_FILTER)
            known = put_filter(query, query->spanset[i].root, out);
    if (!known)
        tcore_buf_clear(out);
}
