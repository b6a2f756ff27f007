/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tokens of a jq program. All of jq is split here, not only what is compiled natively: so that
 * refused words are found wherever they stand, and so that a program can be handed to libjq one
 * token a line, which turns the line that libjq complains about into a column.
 */
#ifndef TRACECORE_QUERY_EXPR_LEX_H
#define TRACECORE_QUERY_EXPR_LEX_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tcore_token_kind {
    TCORE_TOKEN_END,
    TCORE_TOKEN_FIELD,    /* .name */
    TCORE_TOKEN_NAME,     /* a function or keyword, also with module:: in front */
    TCORE_TOKEN_VARIABLE, /* $name */
    TCORE_TOKEN_FORMAT,   /* @name */
    TCORE_TOKEN_NUMBER,
    TCORE_TOKEN_STRING, /* with its quotes, interpolations included */
    TCORE_TOKEN_SIGN    /* an operator or bracket, see sign */
};

/* The characters of an operator in one number: TCORE_SIGN('=', '=', 0). */
#define TCORE_SIGN(a, b, c) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16)

struct tcore_token {
    enum tcore_token_kind kind;
    size_t start, length; /* bytes in the program */
    uint32_t sign;
    bool interpolates; /* a string that holds \( ) */
};

struct tcore_lexer {
    const char *text;
    size_t length, at;
    unsigned depth; /* of strings within interpolations */
};

/*
 * The next token. TCORE_BAD_INPUT: no token of jq, or a word that a filter may not use; err->byte
 * is its 1-based place in the program.
 */
enum tcore_status tcore_lex(struct tcore_lexer *lexer, struct tcore_token *token,
                            struct tcore_error *err);

/* Whether the token is the word. */
bool tcore_token_is(const struct tcore_lexer *lexer, const struct tcore_token *token,
                    const char *word);
/* Whether a name is one of jq's keywords (which cannot name a function). */
bool tcore_token_is_keyword(const char *name, size_t length);

/*
 * The value of a string literal without interpolation: appends its decoded UTF-8 to buf (a lone
 * surrogate as its three bytes). TCORE_BAD_INPUT: an escape that JSON does not have.
 */
enum tcore_status tcore_lex_string(const struct tcore_lexer *lexer, const struct tcore_token *token,
                                   struct tcore_buf *buf, struct tcore_error *err);

/* TCORE_OK if the whole program consists of tokens and uses no refused word. */
enum tcore_status tcore_lex_check(const char *program, size_t length, struct tcore_error *err);

/*
 * Appends the program one token a line, without comments, and for each line where its token
 * begins in the program (lines: array of size_t). The program must have passed
 * tcore_lex_check(). Out of memory is sticky in the buffers.
 */
void tcore_lex_lines(const char *program, size_t length, struct tcore_buf *out,
                     struct tcore_buf *lines);

#endif
