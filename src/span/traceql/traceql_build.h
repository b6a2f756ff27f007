/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between the files of the parser: the tokens of a query, and adding to what it becomes. */
#ifndef SPAN_TRACEQL_BUILD_H
#define SPAN_TRACEQL_BUILD_H

#include "span/traceql/traceql_lex.h"

struct traceql_parser {
    struct traceql_query *query;
    struct traceql_token *token; /* all of them, an END last */
    uint32_t tokens, room, at;
    unsigned depth; /* brackets and prefixes within each other */
    uint32_t level; /* pipelines within each other */
    struct tcore_error *err;
};

static inline const struct traceql_token *traceql_here(const struct traceql_parser *parser)
{
    return &parser->token[parser->at];
}

/* Whether the next token is that sign, or word. */
bool traceql_is_sign(const struct traceql_token *token, const char *sign);
bool traceql_is_word(const struct traceql_token *token, const char *word);
/* Takes the sign if it is next. */
bool traceql_take_sign(struct traceql_parser *parser, const char *sign);
/* Takes the sign, or says what was to stand here instead. */
enum tcore_status traceql_expect(struct traceql_parser *parser, const char *sign,
                                 const char *expected);
/* TCORE_BAD_INPUT at the token. */
enum tcore_status traceql_refuse(struct traceql_parser *parser, const struct traceql_token *token,
                                 const char *format, ...) __attribute__((format(printf, 3, 4)));
/* One more bracket or prefix around what follows; to be taken back by depth--. */
enum tcore_status traceql_descend(struct traceql_parser *parser);

/* Each adds one and gives its number. TCORE_FATAL: out of memory. */
enum tcore_status traceql_add_node(struct traceql_parser *parser, struct traceql_node node,
                                   uint32_t *number);
enum tcore_status traceql_add_spanset(struct traceql_parser *parser, struct traceql_spanset spanset,
                                      uint32_t *number);
enum tcore_status traceql_add_stage(struct traceql_parser *parser, struct traceql_stage stage,
                                    uint32_t *number);
enum tcore_status traceql_add_selection(struct traceql_parser *parser, uint32_t field);
/* Or the number of a field that is the same. */
enum tcore_status traceql_add_field(struct traceql_parser *parser,
                                    const struct traceql_field *field, uint32_t *number);

/* --- traceql_expression.c */

/* A field expression. */
enum tcore_status traceql_parse_expression(struct traceql_parser *parser, uint32_t *root);
/* What stands on one side of a scalar filter. */
enum tcore_status traceql_parse_scalar(struct traceql_parser *parser, uint32_t *root);
/* A comparison of two of them, from the first token on. */
enum tcore_status traceql_parse_scalar_filter(struct traceql_parser *parser, uint32_t *root);
/* An attribute or intrinsic, into the query's fields. */
enum tcore_status traceql_parse_field(struct traceql_parser *parser, uint32_t *field);
/* Whether a scalar may begin with the token: an aggregate, a number or a minus. */
bool traceql_begins_scalar(const struct traceql_token *token);
/* Whether the token is one of = != < <= > >=. */
bool traceql_is_comparison(const struct traceql_token *token);

#endif
