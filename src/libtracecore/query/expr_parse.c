/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parser of the native part of jq: one function a level, precedence climbing for operators. */
#include "query/expr_parse.h"

#include "model/number.h"
#include "query/expr_lex.h"

#include <string.h>

#define NESTING_LIMIT 500
#define DEPTH_LIMIT   2000 /* of the tree: a chain a + b + c + ... is as deep as it is long */

enum level { PIPE = 1, COMMA, ALTERNATIVE, ASSIGNMENT, OR, AND, COMPARISON, SUM, PRODUCT, UNARY };

struct operator
{
    uint32_t sign; /* or word */
    const char *word;
    enum level level;
    bool right; /* associates to the right */
    enum tcore_syntax_kind kind;
};

static const struct operator operators[] = {
    {TCORE_SIGN('|', 0, 0), NULL, PIPE, true, TCORE_SYNTAX_PIPE},
    {TCORE_SIGN(',', 0, 0), NULL, COMMA, false, TCORE_SYNTAX_COMMA},
    {TCORE_SIGN('/', '/', 0), NULL, ALTERNATIVE, true, TCORE_SYNTAX_ALTERNATIVE},
    {0, "or", OR, false, TCORE_SYNTAX_OR},
    {0, "and", AND, false, TCORE_SYNTAX_AND},
    {TCORE_SIGN('=', '=', 0), NULL, COMPARISON, false, TCORE_SYNTAX_EQ},
    {TCORE_SIGN('!', '=', 0), NULL, COMPARISON, false, TCORE_SYNTAX_NE},
    {TCORE_SIGN('<', 0, 0), NULL, COMPARISON, false, TCORE_SYNTAX_LT},
    {TCORE_SIGN('<', '=', 0), NULL, COMPARISON, false, TCORE_SYNTAX_LE},
    {TCORE_SIGN('>', 0, 0), NULL, COMPARISON, false, TCORE_SYNTAX_GT},
    {TCORE_SIGN('>', '=', 0), NULL, COMPARISON, false, TCORE_SYNTAX_GE},
    {TCORE_SIGN('+', 0, 0), NULL, SUM, false, TCORE_SYNTAX_ADD},
    {TCORE_SIGN('-', 0, 0), NULL, SUM, false, TCORE_SYNTAX_SUBTRACT},
    {TCORE_SIGN('*', 0, 0), NULL, PRODUCT, false, TCORE_SYNTAX_MULTIPLY},
    {TCORE_SIGN('/', 0, 0), NULL, PRODUCT, false, TCORE_SYNTAX_DIVIDE},
    {TCORE_SIGN('%', 0, 0), NULL, PRODUCT, false, TCORE_SYNTAX_REMAINDER},
};

struct parser {
    struct tcore_lexer lexer;
    struct tcore_token token; /* the one to be parsed next */
    struct tcore_arena *arena;
    struct tcore_error *err;
    enum tcore_status status; /* not TCORE_OK: unwinding */
    bool misplaced;
    unsigned nesting;
};

static struct tcore_syntax *parse_level(struct parser *p, enum level level);

static void fail(struct parser *p, enum tcore_status status, size_t at, const char *text)
{
    if (p->status != TCORE_OK)
        return;
    p->status = tcore_error_set(p->err, status, "%s", text);
    if (p->err)
        p->err->byte = at + 1;
}

static bool at_sign(const struct parser *p, uint32_t sign)
{
    return p->token.kind == TCORE_TOKEN_SIGN && p->token.sign == sign;
}

static void next(struct parser *p)
{
    if (p->status == TCORE_OK)
        p->status = tcore_lex(&p->lexer, &p->token, p->err);
    if (p->status != TCORE_OK)
        p->token.kind = TCORE_TOKEN_END;
    if (at_sign(p, TCORE_SIGN('?', '/', '/'))) { /* ? and // written together */
        p->lexer.at -= 2;
        p->token.sign = '?';
        p->token.length = 1;
    }
}

/* Something that this grammar has no place for; what was expected is said. */
static void unexpected(struct parser *p, const char *wanted)
{
    if (p->status != TCORE_OK)
        return;
    const struct tcore_token *t = &p->token;
    p->misplaced = true;
    if (t->kind == TCORE_TOKEN_END)
        p->status =
            tcore_error_set(p->err, TCORE_SKIP, "the expression ends where %s is expected", wanted);
    else
        p->status =
            tcore_error_set(p->err, TCORE_SKIP, "%s is expected instead of %.*s", wanted,
                            (int)(t->length > 40 ? 40 : t->length), p->lexer.text + t->start);
    if (p->err)
        p->err->byte = t->start + 1;
}

/* A node with room for so many children; NULL when unwinding or out of memory. */
static struct tcore_syntax *node(struct parser *p, enum tcore_syntax_kind kind, size_t at,
                                 size_t children)
{
    if (p->status != TCORE_OK)
        return NULL;
    struct tcore_syntax *n = tcore_arena_alloc(p->arena, sizeof *n);
    if (n) {
        *n = (struct tcore_syntax){.kind = kind, .at = at, .depth = 1, .child_count = children};
        if (children) {
            n->children = tcore_arena_alloc(p->arena, children * sizeof *n->children);
            if (!n->children)
                n = NULL;
        }
    }
    if (!n)
        p->status = tcore_error_nomem(p->err);
    return n;
}

/* child NULL: unwinding. */
static void set_child(struct parser *p, struct tcore_syntax *n, size_t i,
                      struct tcore_syntax *child)
{
    if (!n || !child)
        return;
    n->children[i] = child;
    if (child->depth >= n->depth)
        n->depth = child->depth + 1;
    if (n->depth > DEPTH_LIMIT)
        fail(p, TCORE_BAD_INPUT, n->at, "the expression has too many parts");
}

/* Adds a child to a node; they are few, so the array is copied. */
static void add_child(struct parser *p, struct tcore_syntax *n, struct tcore_syntax *child)
{
    if (!n || !child)
        return;
    if ((n->child_count & (n->child_count - 1)) == 0) { /* full at every power of two */
        size_t room = n->child_count ? 2 * n->child_count : 1;
        struct tcore_syntax **more = tcore_arena_alloc(p->arena, room * sizeof *more);
        if (!more) {
            p->status = tcore_error_nomem(p->err);
            return;
        }
        if (n->child_count)
            memcpy(more, n->children, n->child_count * sizeof *more);
        n->children = more;
    }
    set_child(p, n, n->child_count++, child);
}

/* Copies bytes that the tree refers to. */
static const char *keep(struct parser *p, const void *data, size_t length)
{
    const char *copy = tcore_arena_copy(p->arena, data, length);
    if (!copy && p->status == TCORE_OK)
        p->status = tcore_error_nomem(p->err);
    return copy;
}

/* The string token as a literal. */
static struct tcore_syntax *parse_string(struct parser *p)
{
    struct tcore_buf text = {0};
    struct tcore_syntax *n = node(p, TCORE_SYNTAX_LITERAL, p->token.start, 0);
    if (!n)
        return NULL;
    if (p->token.interpolates)
        fail(p, TCORE_SKIP, p->token.start, "an interpolated string");
    if (p->status == TCORE_OK)
        p->status = tcore_lex_string(&p->lexer, &p->token, &text, p->err);
    if (p->status == TCORE_OK)
        n->value = tcore_value_string(keep(p, text.data, text.length), text.length);
    tcore_buf_free(&text);
    next(p);
    return n;
}

/* A number: an int64 where it is one, else its JSON literal (jq also writes 01, 1. and .5). */
static struct tcore_syntax *parse_number(struct parser *p)
{
    struct tcore_syntax *n = node(p, TCORE_SYNTAX_LITERAL, p->token.start, 0);
    if (!n)
        return NULL;
    const char *text = p->lexer.text + p->token.start, *end = text + p->token.length;
    struct tcore_buf json = {0};
    while (text + 1 < end && *text == '0' && text[1] >= '0' && text[1] <= '9')
        text++;
    if (*text == '.')
        tcore_buf_putc(&json, '0');
    for (; text < end; text++) {
        tcore_buf_putc(&json, *text);
        if (*text == '.' && (text + 1 == end || text[1] < '0' || text[1] > '9'))
            tcore_buf_putc(&json, '0');
    }
    if (json.failed) {
        p->status = tcore_error_nomem(p->err);
    } else {
        n->value = (struct tcore_value){.kind = TCORE_NUMBER,
                                        .len = (uint32_t)json.length,
                                        .s = keep(p, json.data, json.length)};
        int64_t i;
        if (p->status == TCORE_OK && tcore_value_int64(&n->value, &i))
            n->value = tcore_value_int(i);
    }
    tcore_buf_free(&json);
    next(p);
    return n;
}

static struct tcore_syntax *parse_call(struct parser *p)
{
    const char *name = p->lexer.text + p->token.start;
    size_t length = p->token.length;
    if (tcore_token_is_keyword(name, length)) {
        if (tcore_token_is(&p->lexer, &p->token, "and") ||
            tcore_token_is(&p->lexer, &p->token, "or"))
            unexpected(p, "a value");
        fail(p, TCORE_SKIP, p->token.start, "a keyword");
        return NULL;
    }
    struct tcore_syntax *n = node(p, TCORE_SYNTAX_CALL, p->token.start, 0);
    if (!n)
        return NULL;
    n->name = name;
    n->name_length = length;
    next(p);
    if (!at_sign(p, '('))
        return n;
    do {
        next(p);
        add_child(p, n, parse_level(p, PIPE));
    } while (at_sign(p, ';'));
    if (!at_sign(p, ')'))
        unexpected(p, "; or )");
    next(p);
    return n;
}

static struct tcore_syntax *parse_array(struct parser *p)
{
    struct tcore_syntax *n = node(p, TCORE_SYNTAX_ARRAY, p->token.start, 0);
    next(p);
    if (!at_sign(p, ']'))
        add_child(p, n, parse_level(p, PIPE));
    if (!at_sign(p, ']'))
        unexpected(p, "]");
    next(p);
    return n;
}

/* A key of an object: name or "name". */
static struct tcore_syntax *parse_key(struct parser *p)
{
    if (p->token.kind == TCORE_TOKEN_STRING)
        return parse_string(p);
    if (p->token.kind != TCORE_TOKEN_NAME) {
        fail(p, TCORE_SKIP, p->token.start, "a computed key");
        return NULL;
    }
    struct tcore_syntax *key = node(p, TCORE_SYNTAX_LITERAL, p->token.start, 0);
    if (key)
        key->value = tcore_value_string(p->lexer.text + p->token.start, p->token.length);
    next(p);
    return key;
}

static struct tcore_syntax *parse_object(struct parser *p)
{
    struct tcore_syntax *n = node(p, TCORE_SYNTAX_OBJECT, p->token.start, 0);
    next(p);
    while (p->status == TCORE_OK && !at_sign(p, '}')) {
        add_child(p, n, parse_key(p));
        if (!at_sign(p, ':'))
            unexpected(p, ":");
        next(p);
        add_child(p, n, parse_level(p, UNARY));
        if (!at_sign(p, ',') && !at_sign(p, '}'))
            unexpected(p, ", or }");
        if (!at_sign(p, ','))
            break;
        next(p);
        if (at_sign(p, '}'))
            unexpected(p, "a key");
    }
    next(p);
    return n;
}

static struct tcore_syntax *field(struct parser *p, struct tcore_syntax *of, size_t at,
                                  struct tcore_value key)
{
    struct tcore_syntax *n = node(p, TCORE_SYNTAX_FIELD, at, 1);
    set_child(p, n, 0, of);
    if (n) {
        n->name = key.s;
        n->name_length = key.len;
    }
    if (n && at_sign(p, '?')) {
        n->optional = true;
        next(p);
    }
    return n;
}

/* The token is [ behind a term: only ["key"] is native. */
static struct tcore_syntax *parse_index(struct parser *p, struct tcore_syntax *of)
{
    size_t at = p->token.start;
    next(p);
    if (p->token.kind == TCORE_TOKEN_END)
        unexpected(p, "a key");
    if (p->token.kind != TCORE_TOKEN_STRING)
        fail(p, TCORE_SKIP, at, "an index that is no string");
    struct tcore_syntax *key = parse_string(p);
    if (p->status == TCORE_OK && !at_sign(p, ']'))
        unexpected(p, "]");
    next(p);
    return key ? field(p, of, at, key->value) : NULL;
}

/* The token is . : the record, ."key", .["key"]; behind a term the last two. */
static struct tcore_syntax *parse_dot(struct parser *p, struct tcore_syntax *of)
{
    size_t at = p->token.start;
    struct tcore_syntax *base = of ? of : node(p, TCORE_SYNTAX_IDENTITY, at, 0);
    next(p);
    if (p->token.kind == TCORE_TOKEN_STRING) {
        struct tcore_syntax *key = parse_string(p);
        return key ? field(p, base, at, key->value) : NULL;
    }
    if (at_sign(p, '['))
        return parse_index(p, base);
    if (of)
        unexpected(p, "a field name");
    return base;
}

static struct tcore_syntax *parse_primary(struct parser *p)
{
    switch (p->token.kind) {
    case TCORE_TOKEN_FIELD:
        return node(p, TCORE_SYNTAX_IDENTITY, p->token.start, 0); /* parse_term goes on */
    case TCORE_TOKEN_NAME:
        return parse_call(p);
    case TCORE_TOKEN_NUMBER:
        return parse_number(p);
    case TCORE_TOKEN_STRING:
        return parse_string(p);
    case TCORE_TOKEN_VARIABLE:
        fail(p, TCORE_SKIP, p->token.start, "a variable");
        return NULL;
    case TCORE_TOKEN_FORMAT:
        fail(p, TCORE_SKIP, p->token.start, "a format");
        return NULL;
    case TCORE_TOKEN_SIGN:
        break;
    case TCORE_TOKEN_END:
        unexpected(p, "a value");
        return NULL;
    }
    if (at_sign(p, '.'))
        return parse_dot(p, NULL);
    if (at_sign(p, '['))
        return parse_array(p);
    if (at_sign(p, '{'))
        return parse_object(p);
    if (at_sign(p, '(')) {
        next(p);
        struct tcore_syntax *inner = parse_level(p, PIPE);
        if (!at_sign(p, ')'))
            unexpected(p, ")");
        next(p);
        return inner;
    }
    unexpected(p, "a value");
    return NULL;
}

/* A primary and all that is attached behind it. */
static struct tcore_syntax *parse_term(struct parser *p)
{
    struct tcore_syntax *n = parse_primary(p);
    while (p->status == TCORE_OK) {
        size_t at = p->token.start;
        if (p->token.kind == TCORE_TOKEN_FIELD) {
            struct tcore_value key =
                tcore_value_string(p->lexer.text + at + 1, p->token.length - 1);
            next(p);
            n = field(p, n, at, key);
        } else if (at_sign(p, '.')) {
            n = parse_dot(p, n);
        } else if (at_sign(p, '[')) {
            n = parse_index(p, n);
        } else if (at_sign(p, '?')) {
            struct tcore_syntax *try = node(p, TCORE_SYNTAX_TRY, at, 1);
            next(p);
            set_child(p, try, 0, n);
            n = try;
        } else {
            break;
        }
    }
    return p->status == TCORE_OK ? n : NULL;
}

/* A term, or a minus and what binds tighter than + behind it. */
static struct tcore_syntax *parse_unary(struct parser *p)
{
    struct tcore_syntax *n;
    if (at_sign(p, '-')) {
        n = node(p, TCORE_SYNTAX_NEGATE, p->token.start, 1);
        next(p);
        set_child(p, n, 0, parse_level(p, PRODUCT));
    } else {
        n = parse_term(p);
    }
    return p->status == TCORE_OK ? n : NULL;
}

/* The operator that the token is, or NULL. */
static const struct operator* find_operator(struct parser *p)
{
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        const struct operator* o = & operators[i];
        if (o->word
                ? p->token.kind == TCORE_TOKEN_NAME && tcore_token_is(&p->lexer, &p->token, o->word)
                : at_sign(p, o->sign))
            return o;
    }
    return NULL;
}

/* left and all operators behind it that bind at least as tightly as level. */
static struct tcore_syntax *parse_operators(struct parser *p, enum level level,
                                            struct tcore_syntax *left)
{
    for (enum level last = UNARY;;) {
        if (at_sign(p, '='))
            fail(p, TCORE_BAD_INPUT, p->token.start, "= would assign: did you mean == ?");
        const struct operator* o = find_operator(p);
        if (p->status != TCORE_OK)
            return NULL;
        if (!o || o->level < level)
            return left;
        if (o->level == COMPARISON && last == COMPARISON) {
            fail(p, TCORE_SKIP, p->token.start, "comparisons do not chain: use parentheses");
            p->misplaced = true;
            return NULL;
        }
        struct tcore_syntax *n = node(p, o->kind, p->token.start, 2);
        next(p);
        set_child(p, n, 0, left);
        set_child(p, n, 1, parse_level(p, o->right ? o->level : o->level + 1));
        left = n;
        last = o->level;
    }
}

static struct tcore_syntax *parse_level(struct parser *p, enum level level)
{
    if (++p->nesting > NESTING_LIMIT)
        fail(p, TCORE_BAD_INPUT, p->token.start, "the expression is nested too deeply");
    struct tcore_syntax *n = parse_unary(p);
    if (level != UNARY)
        n = parse_operators(p, level, n);
    p->nesting--;
    return n;
}

enum tcore_status tcore_expr_parse(const char *text, size_t length, struct tcore_arena *arena,
                                   struct tcore_syntax **tree, bool *misplaced,
                                   struct tcore_error *err)
{
    struct parser p = {.lexer = {.text = text, .length = length}, .arena = arena, .err = err};
    next(&p);
    *tree = parse_level(&p, PIPE);
    if (p.status == TCORE_OK && p.token.kind != TCORE_TOKEN_END)
        unexpected(&p, "an operator or the end");
    *misplaced = p.misplaced;
    return p.status;
}
