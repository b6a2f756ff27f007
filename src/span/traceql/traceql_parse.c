/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pipelines, their stages, and spansets. */
#include <config.h>

#include "span/traceql/traceql_build.h"

#include "base/sys.h"
#include "model/json_text.h"

#include <string.h>

/* --- Spansets */

struct structural {
    const char *sign;
    enum traceql_relation relation;
    bool negated, united;
};

static const struct structural structurals[] = {
    {">>", TRACEQL_DESCENDANT, false, false}, {"!>>", TRACEQL_DESCENDANT, true, false},
    {"&>>", TRACEQL_DESCENDANT, false, true}, {"<<", TRACEQL_ANCESTOR, false, false},
    {"!<<", TRACEQL_ANCESTOR, true, false},   {"&<<", TRACEQL_ANCESTOR, false, true},
    {">", TRACEQL_CHILD, false, false},       {"!>", TRACEQL_CHILD, true, false},
    {"&>", TRACEQL_CHILD, false, true},       {"<", TRACEQL_PARENT, false, false},
    {"!<", TRACEQL_PARENT, true, false},      {"&<", TRACEQL_PARENT, false, true},
    {"~", TRACEQL_SIBLING, false, false},     {"!~", TRACEQL_SIBLING, true, false},
    {"&~", TRACEQL_SIBLING, false, true},
};

static const struct structural *find_structural(const struct traceql_token *token)
{
    for (size_t i = 0; i < sizeof structurals / sizeof *structurals; i++)
        if (traceql_is_sign(token, structurals[i].sign))
            return &structurals[i];
    return NULL;
}

static enum tcore_status parse_pipeline(struct traceql_parser *parser, uint32_t *first);

/* Spans of one kind: an attribute alone is true where it is true. */
static enum tcore_status check_filter(struct traceql_parser *parser, uint32_t root)
{
    struct traceql_query *query = parser->query;
    enum tcore_status status = traceql_check_expression(query, root, parser->err);
    enum traceql_type type = query->node[root].type;
    if (status != TCORE_OK || type == TRACEQL_BOOLEAN || type == TRACEQL_ANY)
        return status;
    tcore_error_set(parser->err, TCORE_BAD_INPUT,
                    "braces need a condition that is true or false, not %s",
                    traceql_type_name(type));
    parser->err->byte = query->node[root].column;
    return TCORE_BAD_INPUT;
}

static enum tcore_status parse_filter(struct traceql_parser *parser, uint32_t *number)
{
    struct traceql_spanset filter = {.relation = TRACEQL_FILTER, .root = TRACEQL_NONE};
    enum tcore_status status = TCORE_OK;
    parser->at++;
    if (!traceql_is_sign(traceql_here(parser), "}")) {
        status = traceql_parse_expression(parser, &filter.root);
        if (status == TCORE_OK)
            status = traceql_expect(parser, "}", "an operator or }");
        if (status == TCORE_OK)
            status = check_filter(parser, filter.root);
    } else {
        parser->at++;
    }
    return status == TCORE_OK ? traceql_add_spanset(parser, filter, number) : status;
}

static enum tcore_status parse_wrapped(struct traceql_parser *parser, uint32_t *number)
{
    struct traceql_spanset wrapped = {.relation = TRACEQL_PIPELINE};
    parser->at++;
    enum tcore_status status = traceql_descend(parser);
    parser->level++;
    if (status == TCORE_OK)
        status = parse_pipeline(parser, &wrapped.left);
    parser->level--;
    parser->depth--;
    if (status == TCORE_OK)
        status = traceql_expect(parser, ")", "an operator, | or )");
    return status == TCORE_OK ? traceql_add_spanset(parser, wrapped, number) : status;
}

static enum tcore_status parse_spanset_operand(struct traceql_parser *parser, uint32_t *number)
{
    const struct traceql_token *token = traceql_here(parser);
    if (traceql_is_sign(token, "{"))
        return parse_filter(parser, number);
    if (traceql_is_sign(token, "("))
        return parse_wrapped(parser, number);
    return traceql_expect(parser, "{", "a spanset {...}");
}

/* { } > { } ~ { }: from the left. */
static enum tcore_status parse_structural(struct traceql_parser *parser, uint32_t *number)
{
    const struct structural *structural;
    enum tcore_status status = parse_spanset_operand(parser, number);
    while (status == TCORE_OK && (structural = find_structural(traceql_here(parser)))) {
        struct traceql_spanset operation = {.relation = structural->relation,
                                            .negated = structural->negated,
                                            .united = structural->united,
                                            .left = *number};
        parser->at++;
        status = parse_spanset_operand(parser, &operation.right);
        if (status == TCORE_OK)
            status = traceql_add_spanset(parser, operation, number);
    }
    return status;
}

static enum tcore_status parse_spansets(struct traceql_parser *parser, uint32_t *stage)
{
    struct traceql_stage spansets = {.kind = TRACEQL_SPANSETS, .first = parser->query->spansets};
    enum tcore_status status = parse_structural(parser, &spansets.last);
    while (status == TCORE_OK) {
        struct traceql_spanset operation = {.relation = TRACEQL_BOTH, .left = spansets.last};
        if (traceql_is_sign(traceql_here(parser), "||"))
            operation.relation = TRACEQL_EITHER;
        else if (!traceql_is_sign(traceql_here(parser), "&&"))
            return traceql_add_stage(parser, spansets, stage);
        parser->at++;
        status = parse_structural(parser, &operation.right);
        if (status == TCORE_OK)
            status = traceql_add_spanset(parser, operation, &spansets.last);
    }
    return status;
}

/* --- Other stages */

/* How the tokens from the one on and before the next were written. */
static struct tcore_slice label_of(const struct traceql_parser *parser, uint32_t from)
{
    const struct traceql_token *first = &parser->token[from],
                               *last = &parser->token[parser->at - 1];
    return (struct tcore_slice){first->text.data, last->end - first->start};
}

static enum tcore_status parse_scalar_stage(struct traceql_parser *parser, uint32_t *number)
{
    struct traceql_stage stage = {.kind = TRACEQL_SCALAR};
    uint32_t from = parser->at;
    enum tcore_status status = traceql_parse_scalar_filter(parser, &stage.root);
    stage.label = label_of(parser, from);
    if (status == TCORE_OK)
        status = traceql_check_expression(parser->query, stage.root, parser->err);
    return status == TCORE_OK ? traceql_add_stage(parser, stage, number) : status;
}

static bool refers_to_span(const struct traceql_query *query, uint32_t root)
{
    for (uint32_t i = query->node[root].first; i <= root; i++)
        if (query->node[i].op == TRACEQL_FIELD)
            return true;
    return false;
}

static enum tcore_status parse_by(struct traceql_parser *parser, uint32_t *number)
{
    struct traceql_stage stage = {.kind = TRACEQL_BY};
    uint32_t from = ++parser->at;
    enum tcore_status status = traceql_expect(parser, "(", "(");
    if (status == TCORE_OK)
        status = traceql_parse_expression(parser, &stage.root);
    if (status == TCORE_OK) {
        stage.label = label_of(parser, from + 1);
        status = traceql_expect(parser, ")", "an operator or )");
    }
    if (status == TCORE_OK)
        status = traceql_check_expression(parser->query, stage.root, parser->err);
    if (status == TCORE_OK && !refers_to_span(parser->query, stage.root))
        return traceql_refuse(parser, &parser->token[from + 1],
                              "by() needs a field of spans to group by");
    return status == TCORE_OK ? traceql_add_stage(parser, stage, number) : status;
}

static enum tcore_status parse_select(struct traceql_parser *parser, uint32_t *number)
{
    struct traceql_stage stage = {.kind = TRACEQL_SELECT, .first = parser->query->selections};
    parser->at++;
    enum tcore_status status = traceql_expect(parser, "(", "(");
    do {
        uint32_t field;
        if (status == TCORE_OK)
            status = traceql_parse_field(parser, &field);
        if (status == TCORE_OK)
            status = traceql_add_selection(parser, field);
    } while (status == TCORE_OK && traceql_take_sign(parser, ","));
    if (status == TCORE_OK)
        status = traceql_expect(parser, ")", ", or )");
    stage.last = parser->query->selections;
    return status == TCORE_OK ? traceql_add_stage(parser, stage, number) : status;
}

static enum tcore_status parse_coalesce(struct traceql_parser *parser, uint32_t *number)
{
    struct traceql_stage stage = {.kind = TRACEQL_COALESCE};
    parser->at++;
    enum tcore_status status = traceql_expect(parser, "(", "(");
    if (status == TCORE_OK)
        status = traceql_expect(parser, ")", ")");
    return status == TCORE_OK ? traceql_add_stage(parser, stage, number) : status;
}

/* Tempo's functions that make series of spans, and what makes them here. */
static const char *const metrics[] = {
    "rate",          "count_over_time",    "min_over_time",       "max_over_time", "avg_over_time",
    "sum_over_time", "quantile_over_time", "histogram_over_time", "compare",       "topk",
    "bottomk",
};

static enum tcore_status refuse_word(struct traceql_parser *parser)
{
    const struct traceql_token *token = traceql_here(parser);
    int length = (int)(token->text.length < 40 ? token->text.length : 40);
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
        if (traceql_is_word(token, metrics[i]))
            return traceql_refuse(parser, token,
                                  "%s() makes metrics of spans, which trace-agg does: pipe what is "
                                  "found into trace-agg --window=DUR",
                                  metrics[i]);
    return traceql_refuse(parser, token,
                          "'%.*s' is no stage: {...}, an aggregate that is compared, by(), "
                          "coalesce() or select()",
                          length, token->text.data);
}

/* --- Pipelines */

/* Whether what the bracket at hand holds is part of a scalar, as in (count() + 1) * 2 > 4, and no
 * pipeline: that has braces, bars, words or comparisons. */
static bool brackets_scalar(const struct traceql_parser *parser)
{
    const struct traceql_token *token = traceql_here(parser);
    unsigned depth = 0;
    while (traceql_is_sign(token, "("))
        depth++, token++;
    if (!traceql_begins_scalar(token))
        return false;
    for (; depth && token->kind != TRACEQL_TOKEN_END; token++) {
        if (traceql_is_sign(token, "|") || traceql_is_sign(token, "{") ||
            traceql_is_comparison(token))
            return false;
        depth += traceql_is_sign(token, "(");
        depth -= traceql_is_sign(token, ")");
    }
    return true;
}

static enum tcore_status parse_stage(struct traceql_parser *parser, uint32_t *stage)
{
    const struct traceql_token *token = traceql_here(parser);
    if (traceql_begins_scalar(token) || brackets_scalar(parser))
        return parse_scalar_stage(parser, stage);
    if (traceql_is_word(token, "by"))
        return parse_by(parser, stage);
    if (traceql_is_word(token, "select"))
        return parse_select(parser, stage);
    if (traceql_is_word(token, "coalesce"))
        return parse_coalesce(parser, stage);
    if (token->kind == TRACEQL_TOKEN_WORD)
        return refuse_word(parser);
    return parse_spansets(parser, stage);
}

static enum tcore_status parse_pipeline(struct traceql_parser *parser, uint32_t *first)
{
    enum tcore_status status = parse_stage(parser, first);
    for (uint32_t last = *first, next; status == TCORE_OK && traceql_take_sign(parser, "|");
         last = next) {
        status = parse_stage(parser, &next);
        if (status != TCORE_OK)
            break;
        parser->query->stage[last].next = next;
    }
    return status;
}

static enum tcore_status parse_end(struct traceql_parser *parser)
{
    const struct traceql_token *token = traceql_here(parser);
    if (token->kind == TRACEQL_TOKEN_END)
        return TCORE_OK;
    if (traceql_is_word(token, "with"))
        return traceql_refuse(parser, token, "hints are for Tempo's own storage: leave out with()");
    if (traceql_is_comparison(token))
        return traceql_refuse(parser, token,
                              "two pipelines cannot be compared: aggregates of one can");
    return traceql_refuse(parser, token, "'%.*s' where | or the end of the query was expected",
                          (int)(token->text.length < 40 ? token->text.length : 40),
                          token->text.data);
}

/* --- The query */

static enum tcore_status take_tokens(struct traceql_parser *parser)
{
    struct traceql_query *query = parser->query;
    size_t at = 0;
    for (;;) {
        if (parser->tokens == parser->room) {
            uint32_t room = parser->room ? parser->room * 2 : 64;
            void *moved = tcore_reallocarray(parser->token, room, sizeof *parser->token);
            if (!moved)
                return tcore_error_nomem(parser->err);
            parser->token = moved;
            parser->room = room;
        }
        struct traceql_token *token = &parser->token[parser->tokens++];
        enum tcore_status status =
            traceql_lex(query->text, query->length, &at, &query->arena, token, parser->err);
        if (status != TCORE_OK || token->kind == TRACEQL_TOKEN_END)
            return status;
    }
}

/* What is selected and grouped by goes into records, whose text is UTF-8. */
static enum tcore_status check_text(const struct traceql_query *query, struct tcore_error *err)
{
    const char *end = query->text + query->length;
    for (const char *at = query->text; at < end;) {
        unsigned bytes = (unsigned char)*at < 0x80 ? 1 : tcore_json_utf8_length(at, end);
        if (!bytes) {
            tcore_error_set(err, TCORE_BAD_INPUT, "this byte is no UTF-8");
            err->byte = (uint64_t)(at - query->text) + 1;
            return TCORE_BAD_INPUT;
        }
        at += bytes;
    }
    return TCORE_OK;
}

enum tcore_status traceql_parse(struct traceql_query *query, const char *text, size_t length,
                                struct tcore_error *err)
{
    struct traceql_parser parser = {.query = query, .err = err};
    *query = (struct traceql_query){.length = length};
    if (length > TRACEQL_LENGTH_LIMIT) {
        tcore_error_set(err, TCORE_BAD_INPUT, "the query has more than %d bytes",
                        TRACEQL_LENGTH_LIMIT);
        err->byte = 1;
        return TCORE_BAD_INPUT;
    }
    query->text = tcore_arena_copy(&query->arena, text, length);
    if (!query->text)
        return tcore_error_nomem(err);
    enum tcore_status status = check_text(query, err);
    if (status == TCORE_OK)
        status = take_tokens(&parser);
    if (status == TCORE_OK)
        status = parse_pipeline(&parser, &query->main);
    if (status == TCORE_OK)
        status = parse_end(&parser);
    tcore_free(parser.token);
    return status;
}

void traceql_free(struct traceql_query *query)
{
    for (uint32_t i = 0; i < query->nodes; i++)
        tcore_pattern_free(query->node[i].pattern);
    tcore_free(query->node);
    tcore_free(query->spanset);
    tcore_free(query->stage);
    tcore_free(query->field);
    tcore_free(query->selected);
    tcore_arena_free(&query->arena);
    *query = (struct traceql_query){0};
}
