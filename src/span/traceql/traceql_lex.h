/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tokens of a TraceQL query. */
#ifndef SPAN_TRACEQL_LEX_H
#define SPAN_TRACEQL_LEX_H

#include "span/traceql/traceql.h"

enum traceql_token_kind {
    TRACEQL_TOKEN_END,
    TRACEQL_TOKEN_SIGN,      /* an operator or bracket, in sign */
    TRACEQL_TOKEN_WORD,      /* in text */
    TRACEQL_TOKEN_LITERAL,   /* a number, duration or string, in value */
    TRACEQL_TOKEN_ATTRIBUTE, /* in field */
    TRACEQL_TOKEN_INTRINSIC  /* one with a scope, in field */
};

/* The characters of a sign in one number: TRACEQL_SIGN('!', '>', '>'). */
#define TRACEQL_SIGN(a, b, c) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16)

struct traceql_token {
    enum traceql_token_kind kind;
    uint32_t start, end; /* bytes of the query */
    uint32_t sign;
    struct tcore_slice text; /* all of the token */
    struct traceql_value value;
    struct traceql_field field;
};

/*
 * The token that begins at or behind *at, which is moved behind it. Decoded strings are in arena,
 * the others point into text. TCORE_BAD_INPUT: no token of the language; err->byte is its column.
 */
enum tcore_status traceql_lex(const char *text, size_t length, size_t *at,
                              struct tcore_arena *arena, struct traceql_token *token,
                              struct tcore_error *err);

/* --- traceql_literal.c: those that begin at *at */

/* A number, or a duration: units behind numbers without a blank, as in 1h30m. */
enum tcore_status traceql_lex_number(const char *text, size_t length, size_t *at,
                                     struct traceql_value *value, struct tcore_error *err);
/* A string in double quotes, with Go's escapes, or in backquotes, as it is. */
enum tcore_status traceql_lex_string(const char *text, size_t length, size_t *at,
                                     struct tcore_arena *arena, struct traceql_value *value,
                                     struct tcore_error *err);

#endif
