/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signs, words and fields of a query. */
#include <config.h>

#include "span/traceql/traceql_lex.h"

#include "c-ctype.h"

#include <string.h>

/* What is read of; a byte behind the end is 0. */
struct lexer {
    const char *text;
    size_t length, at;
    struct tcore_arena *arena;
    struct tcore_error *err;
};

static char peek(const struct lexer *lexer, size_t ahead)
{
    return ahead < lexer->length - lexer->at ? lexer->text[lexer->at + ahead] : 0;
}

static enum tcore_status refuse(struct lexer *lexer, const char *why)
{
    tcore_error_set(lexer->err, TCORE_BAD_INPUT, "%s", why);
    lexer->err->byte = lexer->at + 1;
    return TCORE_BAD_INPUT;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_letter(char c)
{
    return c_isalpha(c) || c == '_';
}

/* --- Signs */

/* The longest first. */
static const char *const signs[] = {
    "&>>", "&<<", "!>>", "!<<", "&&", "||", ">>", "<<", "!=", "=~", "!~", ">=",
    "<=",  "!>",  "!<",  "&>",  "&<", "&~", "{",  "}",  "(",  ")",  ",",  "|",
    ">",   "<",   "=",   "!",   "~",  "+",  "-",  "*",  "/",  "%",  "^",
};

static bool lex_sign(struct lexer *lexer, struct traceql_token *token)
{
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        const char *sign = signs[i];
        size_t bytes = strlen(sign);
        if (lexer->length - lexer->at < bytes || memcmp(lexer->text + lexer->at, sign, bytes) != 0)
            continue;
        lexer->at += bytes;
        token->kind = TRACEQL_TOKEN_SIGN;
        token->sign = TRACEQL_SIGN(sign[0], sign[1], bytes > 2 ? sign[2] : 0);
        return true;
    }
    return false;
}

/* --- Attributes */

static bool is_attribute_byte(char c)
{
    return c && !is_blank(c) && c != '\v' && c != '\f' && !strchr("{}()=~!<>&|^,", c);
}

/* A part in quotes, from the one at *at on; of escapes there are \" and \\ only. */
static enum tcore_status take_quoted(struct lexer *lexer, char **to)
{
    for (lexer->at++; lexer->at < lexer->length; lexer->at++) {
        char c = peek(lexer, 0);
        if (c == '"') {
            lexer->at++;
            return TCORE_OK;
        }
        if (c == '\\') {
            c = peek(lexer, 1);
            if (c != '"' && c != '\\')
                return refuse(lexer, "no escape that attribute names have: \\\" and \\\\");
            lexer->at++;
        }
        *(*to)++ = c;
    }
    return refuse(lexer, "the attribute name has no closing quote");
}

/* How many bytes the name may take from here on, its quotes included. */
static size_t extent_of_name(const struct lexer *lexer)
{
    bool quoted = false;
    size_t ahead = 0;
    for (; lexer->at + ahead < lexer->length; ahead++) {
        char c = peek(lexer, ahead);
        if (c == '\\' && quoted)
            ahead++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && !is_attribute_byte(c))
            break;
    }
    return ahead;
}

/* The name behind a scope's dot. */
static enum tcore_status lex_name(struct lexer *lexer, struct traceql_token *token)
{
    enum tcore_status status = TCORE_OK;
    size_t start = lexer->at;
    char *name = tcore_arena_alloc(lexer->arena, extent_of_name(lexer) + 2), *to = name;
    if (!name)
        return tcore_error_nomem(lexer->err);
    while (status == TCORE_OK && lexer->at < lexer->length) {
        char c = peek(lexer, 0);
        if (c == '"') {
            status = take_quoted(lexer, &to);
        } else if (is_attribute_byte(c)) {
            *to++ = c;
            lexer->at++;
        } else {
            break;
        }
    }
    if (status == TCORE_OK && lexer->at == start)
        return refuse(lexer, "the name of an attribute is missing here");
    token->kind = TRACEQL_TOKEN_ATTRIBUTE;
    token->field.name = (struct tcore_slice){name, (size_t)(to - name)};
    return status;
}

struct scope {
    const char *name;
    enum traceql_source source;
};

static const struct scope scopes[] = {
    {"span", TRACEQL_SPAN},
    {"resource", TRACEQL_RESOURCE},
    {"event", TRACEQL_EVENT},
    {"link", TRACEQL_LINK},
    {"instrumentation", TRACEQL_INSTRUMENTATION},
};

/* The scope of that name with sign behind it; NULL: none. */
static const struct scope *find_scope(const struct lexer *lexer, char sign)
{
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        size_t bytes = strlen(scopes[i].name);
        if (lexer->length - lexer->at > bytes &&
            !memcmp(lexer->text + lexer->at, scopes[i].name, bytes) && peek(lexer, bytes) == sign)
            return &scopes[i];
    }
    return NULL;
}

static enum tcore_status lex_attribute(struct lexer *lexer, struct traceql_token *token)
{
    const struct scope *scope = find_scope(lexer, '.');
    token->field.source = TRACEQL_ANYWHERE;
    if (!scope && !strncmp(lexer->text + lexer->at, "parent.", 7)) {
        token->field.of_parent = true;
        lexer->at += 7;
        scope = find_scope(lexer, '.');
    } else if (!scope) {
        lexer->at++; /* only a dot */
    }
    if (scope) {
        token->field.source = scope->source;
        lexer->at += strlen(scope->name) + 1;
    }
    return lex_name(lexer, token);
}

/* --- Words */

static struct tcore_slice take_word(struct lexer *lexer)
{
    size_t start = lexer->at;
    while (is_letter(peek(lexer, 0)) || c_isdigit(peek(lexer, 0)))
        lexer->at++;
    return (struct tcore_slice){lexer->text + start, lexer->at - start};
}

/* An intrinsic behind its scope and a colon. */
static enum tcore_status lex_intrinsic(struct lexer *lexer, struct traceql_token *token,
                                       const char *scope)
{
    lexer->at += strlen(scope) + 1;
    size_t start = lexer->at;
    struct tcore_slice name = take_word(lexer);
    token->kind = TRACEQL_TOKEN_INTRINSIC;
    if (traceql_intrinsic_find(scope, name, &token->field.source))
        return TCORE_OK;
    lexer->at = start;
    tcore_error_set(lexer->err, TCORE_BAD_INPUT, "'%.*s' is no intrinsic of the scope %s",
                    (int)name.length, name.data, scope);
    lexer->err->byte = start + 1;
    return TCORE_BAD_INPUT;
}

static enum tcore_status lex_word(struct lexer *lexer, struct traceql_token *token)
{
    const struct scope *scope = find_scope(lexer, ':');
    if (find_scope(lexer, '.') ||
        (lexer->length - lexer->at > 7 && !strncmp(lexer->text + lexer->at, "parent.", 7)))
        return lex_attribute(lexer, token);
    if (scope)
        return lex_intrinsic(lexer, token, scope->name);
    if (lexer->length - lexer->at > 6 && !strncmp(lexer->text + lexer->at, "trace:", 6))
        return lex_intrinsic(lexer, token, "trace");
    token->kind = TRACEQL_TOKEN_WORD;
    take_word(lexer);
    return TCORE_OK;
}

/* --- Tokens */

static enum tcore_status lex_one(struct lexer *lexer, struct traceql_token *token)
{
    char c = peek(lexer, 0);
    if (lexer->at == lexer->length) {
        token->kind = TRACEQL_TOKEN_END;
        return TCORE_OK;
    }
    if (is_letter(c))
        return lex_word(lexer, token);
    token->kind = TRACEQL_TOKEN_LITERAL;
    if (c_isdigit(c) || (c == '.' && c_isdigit(peek(lexer, 1))))
        return traceql_lex_number(lexer->text, lexer->length, &lexer->at, &token->value,
                                  lexer->err);
    if (c == '"' || c == '`')
        return traceql_lex_string(lexer->text, lexer->length, &lexer->at, lexer->arena,
                                  &token->value, lexer->err);
    if (c == '.')
        return lex_attribute(lexer, token);
    return lex_sign(lexer, token) ? TCORE_OK : refuse(lexer, "nothing of TraceQL begins like this");
}

/* Blanks, and comments as Go has them. */
static enum tcore_status skip(struct lexer *lexer)
{
    for (;;) {
        const char *at = lexer->text + lexer->at, *end = NULL;
        size_t left = lexer->length - lexer->at;
        if (is_blank(peek(lexer, 0))) {
            lexer->at++;
            continue;
        }
        if (peek(lexer, 0) != '/' || (peek(lexer, 1) != '/' && peek(lexer, 1) != '*'))
            return TCORE_OK;
        bool is_line = at[1] == '/';
        end = is_line ? memchr(at, '\n', left) : memmem(at + 2, left - 2, "*/", 2);
        if (!end && !is_line)
            return refuse(lexer, "the comment has no end");
        lexer->at = !end ? lexer->length : (size_t)(end - lexer->text) + (is_line ? 1 : 2);
    }
}

enum tcore_status traceql_lex(const char *text, size_t length, size_t *at,
                              struct tcore_arena *arena, struct traceql_token *token,
                              struct tcore_error *err)
{
    struct lexer lexer = {text, length, *at, arena, err};
    *token = (struct traceql_token){0};
    enum tcore_status status = skip(&lexer);
    token->start = (uint32_t)lexer.at;
    if (status == TCORE_OK)
        status = lex_one(&lexer, token);
    *at = lexer.at;
    token->end = (uint32_t)lexer.at;
    token->text = (struct tcore_slice){text + token->start, token->end - token->start};
    token->field.label = token->text;
    return status;
}
