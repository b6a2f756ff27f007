/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The syntax tree of the part of jq that is compiled natively. The grammar is jq's own with its
 * precedence, lowest first:
 *     |  (right)    ,  (left)    //  (right)    =  |=  += ...    or    and
 *     == != < <= > >=  (do not chain)    + -  (left)    * / %  (left)
 * A leading minus takes what binds tighter than + (so -2 * 3 is -(2 * 3)); a postfix ? takes the
 * term before it.
 */
#ifndef TRACECORE_QUERY_EXPR_PARSE_H
#define TRACECORE_QUERY_EXPR_PARSE_H

#include "base/arena.h"
#include "base/error.h"
#include "model/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tcore_syntax_kind {
    TCORE_SYNTAX_IDENTITY, /* . */
    TCORE_SYNTAX_FIELD,    /* child[0] and key name; optional: with ? */
    TCORE_SYNTAX_LITERAL,  /* value */
    TCORE_SYNTAX_CALL,     /* name; children are the arguments */
    TCORE_SYNTAX_ARRAY,    /* child[0], or none for [] */
    TCORE_SYNTAX_OBJECT,   /* children are key (literal), value, key, value ... */
    TCORE_SYNTAX_PIPE,     /* this and all below to OR have two children */
    TCORE_SYNTAX_COMMA,
    TCORE_SYNTAX_ALTERNATIVE,
    TCORE_SYNTAX_OR,
    TCORE_SYNTAX_AND,
    TCORE_SYNTAX_EQ,
    TCORE_SYNTAX_NE,
    TCORE_SYNTAX_LT,
    TCORE_SYNTAX_LE,
    TCORE_SYNTAX_GT,
    TCORE_SYNTAX_GE,
    TCORE_SYNTAX_ADD,
    TCORE_SYNTAX_SUBTRACT,
    TCORE_SYNTAX_MULTIPLY,
    TCORE_SYNTAX_DIVIDE,
    TCORE_SYNTAX_REMAINDER,
    TCORE_SYNTAX_NEGATE,
    TCORE_SYNTAX_TRY /* child[0]? */
};

struct tcore_syntax {
    enum tcore_syntax_kind kind;
    bool optional;
    uint32_t depth; /* of the tree below, this node included */
    size_t at;      /* byte in the text */
    const char *name;
    size_t name_length;
    struct tcore_value value;
    struct tcore_syntax **children;
    size_t child_count;
};

/*
 * Parses the text into a tree in the arena. TCORE_SKIP: this is not of the native part, it may be
 * jq all the same, which only libjq can tell; err says what was met, and *misplaced whether this
 * is something that has no place here (so, if libjq stops at the same column, what err says was
 * expected is the better message). TCORE_BAD_INPUT: certainly no expression. Both with err->byte,
 * the 1-based column.
 */
enum tcore_status tcore_expr_parse(const char *text, size_t length, struct tcore_arena *arena,
                                   struct tcore_syntax **tree, bool *misplaced,
                                   struct tcore_error *err);

#endif
