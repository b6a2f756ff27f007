/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Field expressions and scalar expressions. Levels of precedence, the loosest first:
 *     1  && ||    2  = != < <= > >= =~ !~    3  + -    4  !    5  * / %    6  ^ (to the right)
 * A minus in front binds like the one between, so that -a * b is -(a * b).
 */
#include <config.h>

#include "span/traceql/traceql_build.h"

#include "trace/tree.h"

#include <string.h>

enum level {
    LEVEL_LOGICAL = 1,
    LEVEL_COMPARISON,
    LEVEL_SUM,
    LEVEL_NOT,
    LEVEL_PRODUCT,
    LEVEL_POWER
};

struct binary {
    const char *sign;
    enum traceql_operator op;
    enum level level;
};

static const struct binary binaries[] = {
    {"&&", TRACEQL_AND, LEVEL_LOGICAL},
    {"||", TRACEQL_OR, LEVEL_LOGICAL},
    {"=", TRACEQL_EQUAL, LEVEL_COMPARISON},
    {"!=", TRACEQL_NOT_EQUAL, LEVEL_COMPARISON},
    {"<", TRACEQL_LESS, LEVEL_COMPARISON},
    {"<=", TRACEQL_LESS_EQUAL, LEVEL_COMPARISON},
    {">", TRACEQL_GREATER, LEVEL_COMPARISON},
    {">=", TRACEQL_GREATER_EQUAL, LEVEL_COMPARISON},
    {"=~", TRACEQL_MATCHES, LEVEL_COMPARISON},
    {"!~", TRACEQL_NOT_MATCHES, LEVEL_COMPARISON},
    {"+", TRACEQL_ADD, LEVEL_SUM},
    {"-", TRACEQL_SUBTRACT, LEVEL_SUM},
    {"*", TRACEQL_MULTIPLY, LEVEL_PRODUCT},
    {"/", TRACEQL_DIVIDE, LEVEL_PRODUCT},
    {"%", TRACEQL_REMAINDER, LEVEL_PRODUCT},
    {"^", TRACEQL_POWER, LEVEL_POWER},
};

/* Parses an operand: of fields, or of aggregates. */
typedef enum tcore_status operand_function(struct traceql_parser *parser, uint32_t *root);

static enum tcore_status parse_level(struct traceql_parser *parser, operand_function *operand,
                                     enum level level, uint32_t *root);

static const struct binary *find_binary(const struct traceql_token *token)
{
    for (size_t i = 0; i < sizeof binaries / sizeof *binaries; i++)
        if (traceql_is_sign(token, binaries[i].sign))
            return &binaries[i];
    return NULL;
}

bool traceql_is_comparison(const struct traceql_token *token)
{
    const struct binary *binary = find_binary(token);
    return binary && binary->level == LEVEL_COMPARISON && binary->op < TRACEQL_MATCHES;
}

/* --- Nodes */

static enum tcore_status add_literal(struct traceql_parser *parser, struct traceql_value value,
                                     uint32_t *root)
{
    struct traceql_node node = {.op = TRACEQL_LITERAL,
                                .first = parser->query->nodes,
                                .column = traceql_here(parser)->start + 1,
                                .value = value};
    parser->at++;
    return traceql_add_node(parser, node, root);
}

static enum tcore_status add_unary(struct traceql_parser *parser, enum traceql_operator op,
                                   uint32_t column, uint32_t *root)
{
    struct traceql_node node = {.op = op,
                                .left = *root,
                                .right = TRACEQL_NONE,
                                .first = parser->query->node[*root].first,
                                .column = column};
    return traceql_add_node(parser, node, root);
}

static enum tcore_status add_skip(struct traceql_parser *parser, uint32_t left, uint32_t *skip)
{
    struct traceql_node node = {
        .op = TRACEQL_SKIP, .left = left, .right = TRACEQL_NONE, .first = parser->query->nodes};
    return traceql_add_node(parser, node, skip);
}

/* --- Operands of field expressions */

static enum tcore_status parse_prefixed(struct traceql_parser *parser, operand_function *operand,
                                        enum traceql_operator op, uint32_t *root)
{
    uint32_t column = traceql_here(parser)->start + 1;
    enum level level = op == TRACEQL_NEGATE ? LEVEL_NOT : LEVEL_PRODUCT;
    parser->at++;
    enum tcore_status status = traceql_descend(parser);
    if (status == TCORE_OK)
        status = parse_level(parser, operand, level, root);
    parser->depth--;
    return status == TCORE_OK ? add_unary(parser, op, column, root) : status;
}

static enum tcore_status parse_bracketed(struct traceql_parser *parser, operand_function *operand,
                                         enum level level, uint32_t *root)
{
    parser->at++;
    enum tcore_status status = traceql_descend(parser);
    if (status == TCORE_OK)
        status = parse_level(parser, operand, level, root);
    parser->depth--;
    return status == TCORE_OK ? traceql_expect(parser, ")", "an operator or )") : status;
}

struct word {
    const char *name;
    enum traceql_type type;
    int64_t value;
};

static const struct word words[] = {
    {"true", TRACEQL_BOOLEAN, 1},
    {"false", TRACEQL_BOOLEAN, 0},
    {"nil", TRACEQL_NIL, 0},
    {"minInt", TRACEQL_INTEGER, INT64_MIN},
    {"maxInt", TRACEQL_INTEGER, INT64_MAX},
    {"unset", TRACEQL_STATUS, TRACEQL_UNSET},
    {"ok", TRACEQL_STATUS, TRACEQL_OK},
    {"error", TRACEQL_STATUS, TRACEQL_ERROR},
    {"unspecified", TRACEQL_KIND, TCORE_SPAN_UNSPECIFIED},
    {"internal", TRACEQL_KIND, TCORE_SPAN_INTERNAL},
    {"server", TRACEQL_KIND, TCORE_SPAN_SERVER},
    {"client", TRACEQL_KIND, TCORE_SPAN_CLIENT},
    {"producer", TRACEQL_KIND, TCORE_SPAN_PRODUCER},
    {"consumer", TRACEQL_KIND, TCORE_SPAN_CONSUMER},
};

static bool find_word(const struct traceql_token *token, struct traceql_value *value)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!traceql_is_word(token, words[i].name))
            continue;
        *value = (struct traceql_value){.type = words[i].type};
        if (words[i].type == TRACEQL_BOOLEAN)
            value->truth = words[i].value != 0;
        else
            value->integer = words[i].value;
        return true;
    }
    return false;
}

static enum tcore_status refuse_word(struct traceql_parser *parser)
{
    const struct traceql_token *token = traceql_here(parser);
    int length = (int)(token->text.length < 40 ? token->text.length : 40);
    if (traceql_is_word(token, "parent"))
        return traceql_refuse(parser, token,
                              "parent is no field: parent.NAME is the parent's attribute, "
                              "span:parentID its id, and nestedSetParent < 0 tells roots");
    if (token->kind == TRACEQL_TOKEN_END)
        return traceql_refuse(parser, token, "the query ends where a field or value was expected");
    if (token->kind == TRACEQL_TOKEN_WORD)
        return traceql_refuse(parser, token,
                              "'%.*s' is no field: attributes are .%.*s, span.%.*s "
                              "or resource.%.*s, and strings are in quotes",
                              length, token->text.data, length, token->text.data, length,
                              token->text.data, length, token->text.data);
    return traceql_refuse(parser, token, "'%.*s' where a field or value was expected", length,
                          token->text.data);
}

enum tcore_status traceql_parse_field(struct traceql_parser *parser, uint32_t *number)
{
    const struct traceql_token *token = traceql_here(parser);
    struct traceql_field field = token->field;
    bool is_field = token->kind == TRACEQL_TOKEN_ATTRIBUTE ||
                    token->kind == TRACEQL_TOKEN_INTRINSIC ||
                    (token->kind == TRACEQL_TOKEN_WORD &&
                     traceql_intrinsic_find("", token->text, &field.source));
    if (!is_field)
        return refuse_word(parser);
    enum tcore_status status = traceql_add_field(parser, &field, number);
    parser->at++;
    return status;
}

static enum tcore_status add_field(struct traceql_parser *parser, uint32_t *root)
{
    struct traceql_node node = {.op = TRACEQL_FIELD,
                                .first = parser->query->nodes,
                                .column = traceql_here(parser)->start + 1};
    enum tcore_status status = traceql_parse_field(parser, &node.left);
    return status == TCORE_OK ? traceql_add_node(parser, node, root) : status;
}

static enum tcore_status parse_operand(struct traceql_parser *parser, uint32_t *root)
{
    const struct traceql_token *token = traceql_here(parser);
    struct traceql_value value;
    if (traceql_is_sign(token, "("))
        return parse_bracketed(parser, parse_operand, LEVEL_LOGICAL, root);
    if (traceql_is_sign(token, "!"))
        return parse_prefixed(parser, parse_operand, TRACEQL_NOT, root);
    if (traceql_is_sign(token, "-"))
        return parse_prefixed(parser, parse_operand, TRACEQL_NEGATE, root);
    if (token->kind == TRACEQL_TOKEN_LITERAL)
        return add_literal(parser, token->value, root);
    if (find_word(token, &value))
        return add_literal(parser, value, root);
    return add_field(parser, root);
}

enum tcore_status traceql_parse_expression(struct traceql_parser *parser, uint32_t *root)
{
    return parse_level(parser, parse_operand, LEVEL_LOGICAL, root);
}

/* --- Operands of scalar expressions */

static const struct binary aggregates[] = {
    {"count", TRACEQL_COUNT, 0}, {"avg", TRACEQL_AVERAGE, 0}, {"min", TRACEQL_MINIMUM, 0},
    {"max", TRACEQL_MAXIMUM, 0}, {"sum", TRACEQL_SUM, 0},
};

static const struct binary *find_aggregate(const struct traceql_token *token)
{
    for (size_t i = 0; i < sizeof aggregates / sizeof *aggregates; i++)
        if (traceql_is_word(token, aggregates[i].sign))
            return &aggregates[i];
    return NULL;
}

bool traceql_begins_scalar(const struct traceql_token *token)
{
    return token->kind == TRACEQL_TOKEN_LITERAL || traceql_is_sign(token, "-") ||
           find_aggregate(token);
}

static enum tcore_status parse_aggregate(struct traceql_parser *parser, uint32_t *root)
{
    struct traceql_node node = {.op = find_aggregate(traceql_here(parser))->op,
                                .left = TRACEQL_NONE,
                                .right = TRACEQL_NONE,
                                .first = parser->query->nodes,
                                .column = traceql_here(parser)->start + 1};
    uint32_t skip;
    parser->at++;
    enum tcore_status status = traceql_expect(parser, "(", "(");
    if (status != TCORE_OK)
        return status;
    if (node.op != TRACEQL_COUNT) {
        status = add_skip(parser, TRACEQL_NONE, &skip);
        if (status == TCORE_OK)
            status = traceql_parse_expression(parser, &node.left);
        if (status == TCORE_OK)
            parser->query->node[skip].right = parser->query->nodes;
    }
    if (status == TCORE_OK)
        status = traceql_expect(parser, ")", ")");
    return status == TCORE_OK ? traceql_add_node(parser, node, root) : status;
}

static enum tcore_status parse_scalar_operand(struct traceql_parser *parser, uint32_t *root)
{
    const struct traceql_token *token = traceql_here(parser);
    if (traceql_is_sign(token, "("))
        return parse_bracketed(parser, parse_scalar_operand, LEVEL_SUM, root);
    if (traceql_is_sign(token, "-"))
        return parse_prefixed(parser, parse_scalar_operand, TRACEQL_NEGATE, root);
    if (token->kind == TRACEQL_TOKEN_LITERAL)
        return add_literal(parser, token->value, root);
    if (find_aggregate(token))
        return parse_aggregate(parser, root);
    return traceql_refuse(parser, token,
                          "an aggregate (count, avg, min, max, sum) or a number was expected here");
}

enum tcore_status traceql_parse_scalar(struct traceql_parser *parser, uint32_t *root)
{
    return parse_level(parser, parse_scalar_operand, LEVEL_SUM, root);
}

enum tcore_status traceql_parse_scalar_filter(struct traceql_parser *parser, uint32_t *root)
{
    struct traceql_node node = {.first = parser->query->nodes};
    enum tcore_status status = traceql_parse_scalar(parser, &node.left);
    if (status != TCORE_OK)
        return status;
    const struct traceql_token *token = traceql_here(parser);
    if (!traceql_is_comparison(token))
        return traceql_refuse(parser, token,
                              "an aggregate has to be compared here: = != < <= > >=");
    node.op = find_binary(token)->op;
    node.column = token->start + 1;
    parser->at++;
    status = traceql_parse_scalar(parser, &node.right);
    return status == TCORE_OK ? traceql_add_node(parser, node, root) : status;
}

/* --- Operators */

/* The operator at hand and its right side, with *root on the left. */
static enum tcore_status parse_right(struct traceql_parser *parser, operand_function *operand,
                                     const struct binary *binary, uint32_t *root)
{
    struct traceql_node node = {.op = binary->op,
                                .left = *root,
                                .first = parser->query->node[*root].first,
                                .column = traceql_here(parser)->start + 1};
    bool to_the_right = binary->level == LEVEL_POWER;
    uint32_t skip = TRACEQL_NONE;
    enum tcore_status status = TCORE_OK;
    parser->at++;
    if (binary->level == LEVEL_LOGICAL)
        status = add_skip(parser, *root, &skip);
    if (status == TCORE_OK)
        status = traceql_descend(parser);
    if (status == TCORE_OK)
        status = parse_level(parser, operand, to_the_right ? binary->level : binary->level + 1,
                             &node.right);
    parser->depth--;
    if (status == TCORE_OK)
        status = traceql_add_node(parser, node, root);
    if (status == TCORE_OK && skip != TRACEQL_NONE)
        parser->query->node[skip].right = *root;
    return status;
}

static enum tcore_status parse_level(struct traceql_parser *parser, operand_function *operand,
                                     enum level level, uint32_t *root)
{
    enum tcore_status status = operand(parser, root);
    while (status == TCORE_OK) {
        const struct binary *binary = find_binary(traceql_here(parser));
        if (!binary || binary->level < level)
            break;
        status = parse_right(parser, operand, binary, root);
    }
    return status;
}
