/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be wrong with an expression before there is a span: types and patterns. */
#include <config.h>

#include "span/traceql/traceql.h"

#include "model/id.h"

const char *traceql_type_name(enum traceql_type type)
{
    static const char *const names[] = {
        [TRACEQL_NIL] = "nil",
        [TRACEQL_BOOLEAN] = "a boolean",
        [TRACEQL_INTEGER] = "a number",
        [TRACEQL_FLOAT] = "a number",
        [TRACEQL_DURATION] = "a duration",
        [TRACEQL_STRING] = "a string",
        [TRACEQL_STATUS] = "a status",
        [TRACEQL_KIND] = "a kind",
        [TRACEQL_LIST] = "a list",
        [TRACEQL_OBJECT] = "an object",
        [TRACEQL_ANY] = "an attribute",
    };
    return names[type];
}

static enum tcore_status refuse(const struct traceql_node *node, struct tcore_error *err)
{
    err->byte = node->column;
    return TCORE_BAD_INPUT;
}

static bool is_number(enum traceql_type type)
{
    return type == TRACEQL_INTEGER || type == TRACEQL_FLOAT || type == TRACEQL_DURATION ||
           type == TRACEQL_ANY;
}

static bool is_boolean(enum traceql_type type)
{
    return type == TRACEQL_BOOLEAN || type == TRACEQL_ANY;
}

/* --- One operator each */

static enum tcore_status check_unary(struct traceql_query *query, struct traceql_node *node,
                                     struct tcore_error *err)
{
    enum traceql_type type = query->node[node->left].type;
    bool fits = node->op == TRACEQL_NOT ? is_boolean(type) : is_number(type);
    node->type = node->op == TRACEQL_NOT ? TRACEQL_BOOLEAN : type;
    if (fits)
        return TCORE_OK;
    tcore_error_set(err, TCORE_BAD_INPUT, "%s does not go with %s",
                    node->op == TRACEQL_NOT ? "!" : "-", traceql_type_name(type));
    return refuse(node, err);
}

static enum tcore_status refuse_operands(const struct traceql_node *node, enum traceql_type a,
                                         enum traceql_type b, struct tcore_error *err)
{
    tcore_error_set(err, TCORE_BAD_INPUT, "this operator is not for %s and %s",
                    traceql_type_name(a), traceql_type_name(b));
    return refuse(node, err);
}

/* = and !=: of one type; nil with anything. < and the like: numbers or strings. */
static bool compares(enum traceql_operator op, enum traceql_type a, enum traceql_type b)
{
    bool equality = op == TRACEQL_EQUAL || op == TRACEQL_NOT_EQUAL;
    if (is_number(a) && is_number(b))
        return true;
    if (equality && (a == TRACEQL_NIL || b == TRACEQL_NIL))
        return true;
    if (a != b && a != TRACEQL_ANY && b != TRACEQL_ANY)
        return false;
    enum traceql_type known = a == TRACEQL_ANY ? b : a;
    return equality || known == TRACEQL_STRING;
}

/* The literal of an id as ids are written. */
static void normalise_id(struct traceql_query *query, const struct traceql_node *field,
                         struct traceql_node *literal)
{
    enum traceql_source source =
        field->op == TRACEQL_FIELD ? query->field[field->left].source : TRACEQL_ANYWHERE;
    bool of_trace = source == TRACEQL_TRACE_ID || source == TRACEQL_LINK_TRACE_ID;
    bool of_span = source == TRACEQL_SPAN_ID || source == TRACEQL_SPAN_PARENT_ID ||
                   source == TRACEQL_LINK_SPAN_ID;
    enum tcore_id_class id = of_trace ? TCORE_TRACE_ID : TCORE_SPAN_ID;
    char digits[TCORE_TRACE_ID];
    if (literal->op != TRACEQL_LITERAL || literal->type != TRACEQL_STRING || !(of_trace || of_span))
        return;
    struct tcore_slice *text = &literal->value.text;
    if (text->length > (size_t)id ||
        tcore_id_normalise(id, text->data, text->length, digits) != TCORE_ID_OK)
        return;
    const char *normal = tcore_arena_copy(&query->arena, digits, (size_t)id);
    if (normal)
        *text = (struct tcore_slice){normal, (size_t)id};
}

static enum tcore_status check_comparison(struct traceql_query *query, struct traceql_node *node,
                                          struct tcore_error *err)
{
    struct traceql_node *left = &query->node[node->left], *right = &query->node[node->right];
    node->type = TRACEQL_BOOLEAN;
    if (!compares(node->op, left->type, right->type))
        return refuse_operands(node, left->type, right->type, err);
    return TCORE_OK;
}

static enum tcore_status check_pattern(struct traceql_query *query, struct traceql_node *node,
                                       struct tcore_error *err)
{
    const struct traceql_node *left = &query->node[node->left], *right = &query->node[node->right];
    node->type = TRACEQL_BOOLEAN;
    if (left->type != TRACEQL_STRING && left->type != TRACEQL_ANY)
        return refuse_operands(node, left->type, TRACEQL_STRING, err);
    if (right->op != TRACEQL_LITERAL || right->type != TRACEQL_STRING) {
        tcore_error_set(err, TCORE_BAD_INPUT, "a pattern has to be a string in quotes");
        return refuse(right, err);
    }
    enum tcore_status status = tcore_pattern_compile(
        &node->pattern, right->value.text.data, right->value.text.length, TCORE_TEXT_ANCHORED, err);
    return status == TCORE_BAD_INPUT ? refuse(right, err) : status;
}

static enum tcore_status check_arithmetic(struct traceql_query *query, struct traceql_node *node,
                                          struct tcore_error *err)
{
    enum traceql_type a = query->node[node->left].type, b = query->node[node->right].type;
    node->type = a == b ? a : TRACEQL_FLOAT;
    if (a == TRACEQL_ANY || b == TRACEQL_ANY)
        node->type = TRACEQL_ANY;
    return is_number(a) && is_number(b) ? TCORE_OK : refuse_operands(node, a, b, err);
}

static enum tcore_status check_logical(struct traceql_query *query, struct traceql_node *node,
                                       struct tcore_error *err)
{
    enum traceql_type a = query->node[node->left].type, b = query->node[node->right].type;
    node->type = TRACEQL_BOOLEAN;
    return is_boolean(a) && is_boolean(b) ? TCORE_OK : refuse_operands(node, a, b, err);
}

static enum tcore_status check_aggregate(struct traceql_query *query, struct traceql_node *node,
                                         struct tcore_error *err)
{
    const struct traceql_node *of = &query->node[node->left];
    bool has_field = false;
    for (uint32_t i = of->first; i <= node->left; i++)
        has_field |= query->node[i].op == TRACEQL_FIELD;
    node->type = node->op == TRACEQL_AVERAGE ? TRACEQL_FLOAT : of->type;
    if (is_number(of->type) && has_field)
        return TCORE_OK;
    tcore_error_set(err, TCORE_BAD_INPUT, "%s",
                    has_field ? "an aggregate needs numbers"
                              : "an aggregate needs a field of spans");
    return refuse(of, err);
}

/* --- All of an expression */

static enum tcore_status check_node(struct traceql_query *query, struct traceql_node *node,
                                    struct tcore_error *err)
{
    switch (node->op) {
    case TRACEQL_LITERAL:
        node->type = node->value.type;
        return TCORE_OK;
    case TRACEQL_FIELD:
        node->type = traceql_field_type(&query->field[node->left]);
        return TCORE_OK;
    case TRACEQL_SKIP:
        return TCORE_OK;
    case TRACEQL_COUNT:
        node->type = TRACEQL_INTEGER;
        return TCORE_OK;
    case TRACEQL_NOT:
    case TRACEQL_NEGATE:
        return check_unary(query, node, err);
    case TRACEQL_AND:
    case TRACEQL_OR:
        return check_logical(query, node, err);
    case TRACEQL_MATCHES:
    case TRACEQL_NOT_MATCHES:
        return check_pattern(query, node, err);
    case TRACEQL_EQUAL:
    case TRACEQL_NOT_EQUAL:
        normalise_id(query, &query->node[node->left], &query->node[node->right]);
        normalise_id(query, &query->node[node->right], &query->node[node->left]);
        return check_comparison(query, node, err);
    case TRACEQL_LESS:
    case TRACEQL_LESS_EQUAL:
    case TRACEQL_GREATER:
    case TRACEQL_GREATER_EQUAL:
        return check_comparison(query, node, err);
    case TRACEQL_ADD:
    case TRACEQL_SUBTRACT:
    case TRACEQL_MULTIPLY:
    case TRACEQL_DIVIDE:
    case TRACEQL_REMAINDER:
    case TRACEQL_POWER:
        return check_arithmetic(query, node, err);
    case TRACEQL_AVERAGE:
    case TRACEQL_MINIMUM:
    case TRACEQL_MAXIMUM:
    case TRACEQL_SUM:
        break;
    }
    return check_aggregate(query, node, err);
}

enum tcore_status traceql_check_expression(struct traceql_query *query, uint32_t root,
                                           struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (uint32_t i = query->node[root].first; i <= root && status == TCORE_OK; i++)
        status = check_node(query, &query->node[i], err);
    return status;
}
