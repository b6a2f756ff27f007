/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/traceql/traceql_build.h"

#include "base/sys.h"

#include <stdio.h>
#include <string.h>

/* --- Tokens */

bool traceql_is_sign(const struct traceql_token *token, const char *sign)
{
    return token->kind == TRACEQL_TOKEN_SIGN && strlen(sign) == token->text.length &&
           !memcmp(sign, token->text.data, token->text.length);
}

bool traceql_is_word(const struct traceql_token *token, const char *word)
{
    return token->kind == TRACEQL_TOKEN_WORD && strlen(word) == token->text.length &&
           !memcmp(word, token->text.data, token->text.length);
}

bool traceql_take_sign(struct traceql_parser *parser, const char *sign)
{
    if (!traceql_is_sign(traceql_here(parser), sign))
        return false;
    parser->at++;
    return true;
}

enum tcore_status traceql_expect(struct traceql_parser *parser, const char *sign,
                                 const char *expected)
{
    if (traceql_take_sign(parser, sign))
        return TCORE_OK;
    const struct traceql_token *token = traceql_here(parser);
    if (token->kind == TRACEQL_TOKEN_END)
        return traceql_refuse(parser, token, "the query ends where %s was expected", expected);
    return traceql_refuse(parser, token, "'%.*s' where %s was expected",
                          (int)(token->text.length < 40 ? token->text.length : 40),
                          token->text.data, expected);
}

enum tcore_status traceql_refuse(struct traceql_parser *parser, const struct traceql_token *token,
                                 const char *format, ...)
{
    char text[TCORE_ERROR_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    tcore_error_set(parser->err, TCORE_BAD_INPUT, "%s", text);
    parser->err->byte = token->start + 1;
    return TCORE_BAD_INPUT;
}

enum tcore_status traceql_descend(struct traceql_parser *parser)
{
    if (++parser->depth <= TRACEQL_DEPTH_LIMIT)
        return TCORE_OK;
    return traceql_refuse(parser, traceql_here(parser), "more than %d levels of brackets",
                          TRACEQL_DEPTH_LIMIT);
}

/* --- Adding */

static bool reserve(void **list, uint32_t *room, uint32_t count, size_t size)
{
    if (count < *room)
        return true;
    uint32_t more = *room ? *room * 2 : 8;
    void *moved = tcore_reallocarray(*list, more, size);
    if (!moved)
        return false;
    *list = moved;
    *room = more;
    return true;
}

enum tcore_status traceql_add_node(struct traceql_parser *parser, struct traceql_node node,
                                   uint32_t *number)
{
    struct traceql_query *query = parser->query;
    if (!reserve((void **)&query->node, &query->node_room, query->nodes, sizeof node))
        return tcore_error_nomem(parser->err);
    *number = query->nodes;
    query->node[query->nodes++] = node;
    return TCORE_OK;
}

enum tcore_status traceql_add_spanset(struct traceql_parser *parser, struct traceql_spanset spanset,
                                      uint32_t *number)
{
    struct traceql_query *query = parser->query;
    if (!reserve((void **)&query->spanset, &query->spanset_room, query->spansets, sizeof spanset))
        return tcore_error_nomem(parser->err);
    spanset.level = parser->level;
    *number = query->spansets;
    query->spanset[query->spansets++] = spanset;
    return TCORE_OK;
}

enum tcore_status traceql_add_stage(struct traceql_parser *parser, struct traceql_stage stage,
                                    uint32_t *number)
{
    struct traceql_query *query = parser->query;
    if (!reserve((void **)&query->stage, &query->stage_room, query->stages, sizeof stage))
        return tcore_error_nomem(parser->err);
    stage.level = parser->level;
    stage.next = TRACEQL_NONE;
    *number = query->stages;
    query->stage[query->stages++] = stage;
    return TCORE_OK;
}

enum tcore_status traceql_add_selection(struct traceql_parser *parser, uint32_t field)
{
    struct traceql_query *query = parser->query;
    if (!reserve((void **)&query->selected, &query->selection_room, query->selections,
                 sizeof field))
        return tcore_error_nomem(parser->err);
    query->selected[query->selections++] = field;
    return TCORE_OK;
}

static bool is_same(const struct traceql_field *a, const struct traceql_field *b)
{
    return a->source == b->source && a->of_parent == b->of_parent &&
           a->name.length == b->name.length &&
           (!a->name.length || !memcmp(a->name.data, b->name.data, a->name.length)) &&
           a->label.length == b->label.length &&
           !memcmp(a->label.data, b->label.data, a->label.length);
}

enum tcore_status traceql_add_field(struct traceql_parser *parser,
                                    const struct traceql_field *field, uint32_t *number)
{
    struct traceql_query *query = parser->query;
    for (*number = 0; *number < query->fields; ++*number)
        if (is_same(&query->field[*number], field))
            return TCORE_OK;
    if (query->fields == TRACEQL_FIELD_LIMIT)
        return traceql_refuse(parser, traceql_here(parser), "more than %d different fields",
                              TRACEQL_FIELD_LIMIT);
    if (!reserve((void **)&query->field, &query->field_room, query->fields, sizeof *field))
        return tcore_error_nomem(parser->err);
    query->field[query->fields++] = *field;
    return TCORE_OK;
}
