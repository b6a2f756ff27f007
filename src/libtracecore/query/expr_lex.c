/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Splitting a jq program into tokens, and refusing the words that reach out of the record. */
#include "query/expr_lex.h"

#include <string.h>

#define INTERPOLATION_DEPTH 32

/* What would read input, files or the environment, or end the helper. */
static const char *const refused_words[] = {
    "import", "include",           "module",          "modulemeta",    "input",
    "inputs", "input_line_number", "input_filename",  "env",           "stderr",
    "halt",   "halt_error",        "get_search_list", "get_jq_origin", "get_prog_origin",
    "$ENV",   "$__prog_args",
};

static const char *const keywords[] = {
    "def", "if",    "then",  "elif",   "else",    "end",    "as",  "reduce", "foreach",
    "try", "catch", "label", "import", "include", "module", "and", "or",     "__loc__",
};

/* Longest first where one begins another. */
static const char signs[][4] = {
    "?//", "//=", "!=", "==", "|=", "+=", "-=", "*=", "/=", "%=", "<=", ">=",
    "//",  "..",  ".",  "?",  "=",  ";",  ",",  ":",  "|",  "+",  "-",  "*",
    "/",   "%",   "$",  "<",  ">",  "[",  "]",  "(",  ")",  "{",  "}",
};

static bool among(const char *const *words, size_t count, const char *text, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(words[i]) == length && memcmp(words[i], text, length) == 0)
            return true;
    return false;
}

bool tcore_token_is_keyword(const char *name, size_t length)
{
    return among(keywords, sizeof keywords / sizeof *keywords, name, length);
}

bool tcore_token_is(const struct tcore_lexer *lexer, const struct tcore_token *token,
                    const char *word)
{
    return token->length == strlen(word) &&
           memcmp(lexer->text + token->start, word, token->length) == 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool begins_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* The byte at an offset from the current one; 0 behind the end. */
static char peek(const struct tcore_lexer *l, size_t offset)
{
    return l->length - l->at > offset ? l->text[l->at + offset] : '\0';
}

static enum tcore_status bad(struct tcore_error *err, size_t at, const char *text)
{
    tcore_error_set(err, TCORE_BAD_INPUT, "%s", text);
    if (err)
        err->byte = at + 1;
    return TCORE_BAD_INPUT;
}

static void skip_digits(struct tcore_lexer *l)
{
    while (is_digit(peek(l, 0)))
        l->at++;
}

static void skip_number(struct tcore_lexer *l)
{
    skip_digits(l);
    if (peek(l, 0) == '.') {
        l->at++;
        skip_digits(l);
    }
    size_t sign = peek(l, 1) == '+' || peek(l, 1) == '-';
    if ((peek(l, 0) == 'e' || peek(l, 0) == 'E') && is_digit(peek(l, 1 + sign))) {
        l->at += 1 + sign;
        skip_digits(l);
    }
}

/* 100ms is no number of jq, but what one would write; the units are names to multiply by. */
static enum tcore_status check_unit(const struct tcore_lexer *l, size_t start,
                                    struct tcore_error *err)
{
    static const char *const units[] = {"ns", "us", "ms", "s", "m", "h", "d"};
    size_t number = l->at - start, length = 0;
    const char *text = l->text + start;
    while (l->at + length < l->length &&
           (begins_name(text[number + length]) || is_digit(text[number + length])))
        length++;
    if (!among(units, sizeof units / sizeof *units, text + number, length))
        return TCORE_OK;
    tcore_error_set(err, TCORE_BAD_INPUT, "write %.*s*%.*s", (int)(number < 40 ? number : 40), text,
                    (int)length, text + number);
    if (err)
        err->byte = start + 1;
    return TCORE_BAD_INPUT;
}

static void skip_name(struct tcore_lexer *l)
{
    for (;;) {
        while (begins_name(peek(l, 0)) || is_digit(peek(l, 0)))
            l->at++;
        if (peek(l, 0) != ':' || peek(l, 1) != ':' || !begins_name(peek(l, 2)))
            return;
        l->at += 2;
    }
}

/* Behind \( : all tokens up to the parenthesis that closes it. */
static enum tcore_status skip_interpolation(struct tcore_lexer *l, size_t opened,
                                            struct tcore_error *err)
{
    if (++l->depth > INTERPOLATION_DEPTH)
        return bad(err, opened, "interpolated strings are nested too deeply");
    for (unsigned parentheses = 1; parentheses;) {
        struct tcore_token token;
        enum tcore_status status = tcore_lex(l, &token, err);
        if (status != TCORE_OK)
            return status;
        if (token.kind == TCORE_TOKEN_END)
            return bad(err, opened, "this interpolation is not closed by )");
        parentheses += token.sign == '(';
        parentheses -= token.sign == ')';
    }
    l->depth--;
    return TCORE_OK;
}

static enum tcore_status skip_string(struct tcore_lexer *l, struct tcore_token *token,
                                     struct tcore_error *err)
{
    for (l->at++; l->at < l->length; l->at++) {
        char c = l->text[l->at];
        if (c == '"') {
            l->at++;
            return TCORE_OK;
        }
        if (c != '\\')
            continue;
        if (++l->at < l->length && l->text[l->at] == '(') {
            token->interpolates = true;
            size_t opened = l->at++;
            enum tcore_status status = skip_interpolation(l, opened, err);
            if (status != TCORE_OK)
                return status;
            l->at--; /* the loop steps over one byte */
        }
    }
    return bad(err, token->start, "this string is not closed by \"");
}

static void skip_blanks(struct tcore_lexer *l)
{
    for (; l->at < l->length; l->at++) {
        char c = l->text[l->at];
        if (c == '#')
            while (l->at + 1 < l->length && l->text[l->at + 1] != '\n')
                l->at++;
        else if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return;
    }
}

/* A character that begins no token: what people coming from other languages write. */
static enum tcore_status stray(const struct tcore_lexer *l, struct tcore_error *err)
{
    char c = peek(l, 0);
    if (c == '&')
        return bad(err, l->at, "& is not an operator here: write and");
    if (c == '!')
        return bad(err, l->at, "! is not an operator here: write (...) | not");
    if (c == '\'')
        return bad(err, l->at, "strings are written in double quotes");
    if (c >= ' ' && c < 0x7f) {
        tcore_error_set(err, TCORE_BAD_INPUT, "%c begins nothing that is known here", c);
        if (err)
            err->byte = l->at + 1;
        return TCORE_BAD_INPUT;
    }
    return bad(err, l->at,
               l->at && l->text[l->at - 1] == '.' ? "write an unusual field name as .[\"name\"]"
                                                  : "this character begins nothing known here");
}

static enum tcore_status skip_sign(struct tcore_lexer *l, struct tcore_token *token,
                                   struct tcore_error *err)
{
    token->kind = TCORE_TOKEN_SIGN;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t length = strlen(signs[i]);
        if (l->length - l->at < length || memcmp(l->text + l->at, signs[i], length) != 0)
            continue;
        token->sign = TCORE_SIGN((unsigned char)signs[i][0], (unsigned char)signs[i][1],
                                 length > 2 ? (unsigned char)signs[i][2] : 0);
        l->at += length;
        return TCORE_OK;
    }
    return stray(l, err);
}

static enum tcore_status check_word(const struct tcore_lexer *l, size_t start,
                                    struct tcore_error *err)
{
    const char *word = l->text + start;
    size_t length = l->at - start;
    if (!among(refused_words, sizeof refused_words / sizeof *refused_words, word, length))
        return TCORE_OK;
    tcore_error_set(err, TCORE_BAD_INPUT,
                    *word == '$' ? "%.*s cannot be used here: an expression sees only the record"
                                 : "%.*s cannot be used here: an expression sees only the record "
                                   "(a field of that name is .%.*s)",
                    (int)length, word, (int)length, word);
    if (err)
        err->byte = start + 1;
    return TCORE_BAD_INPUT;
}

enum tcore_status tcore_lex(struct tcore_lexer *l, struct tcore_token *token,
                            struct tcore_error *err)
{
    skip_blanks(l);
    *token = (struct tcore_token){.start = l->at};
    char c = peek(l, 0), next = peek(l, 1);
    enum tcore_status status = TCORE_OK;
    if (l->at == l->length) {
        token->kind = TCORE_TOKEN_END;
    } else if (is_digit(c) || (c == '.' && is_digit(next))) {
        token->kind = TCORE_TOKEN_NUMBER;
        skip_number(l);
        status = check_unit(l, token->start, err);
    } else if (begins_name(c) || (c == '$' && begins_name(next))) {
        token->kind = c == '$' ? TCORE_TOKEN_VARIABLE : TCORE_TOKEN_NAME;
        l->at += c == '$';
        skip_name(l);
        status = check_word(l, token->start, err);
    } else if ((c == '.' || c == '@') && begins_name(next)) {
        token->kind = c == '.' ? TCORE_TOKEN_FIELD : TCORE_TOKEN_FORMAT;
        do
            l->at++;
        while (begins_name(peek(l, 0)) || is_digit(peek(l, 0)));
    } else if (c == '"') {
        token->kind = TCORE_TOKEN_STRING;
        status = skip_string(l, token, err);
    } else {
        status = skip_sign(l, token, err);
    }
    token->length = l->at - token->start;
    return status;
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    if ((c | 32) >= 'a' && (c | 32) <= 'f')
        return (c | 32) - 'a' + 10;
    return -1;
}

/* The code unit of \uXXXX whose digits are at the pointer, or -1. */
static int32_t code_unit(const char *at, const char *end)
{
    int32_t unit = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static void append_utf8(struct tcore_buf *buf, uint32_t code)
{
    if (code < 0x80) {
        tcore_buf_putc(buf, (char)code);
        return;
    }
    unsigned more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    tcore_buf_putc(buf, (char)((0xff00 >> (more + 1) & 0xff) | code >> 6 * more));
    while (more--)
        tcore_buf_putc(buf, (char)(0x80 | (code >> 6 * more & 0x3f)));
}

/* at is behind \u; returns behind the escape, or NULL if it is none. */
static const char *append_unicode(struct tcore_buf *buf, const char *at, const char *end)
{
    int32_t unit = code_unit(at, end);
    if (unit < 0)
        return NULL;
    at += 4;
    if (unit >= 0xd800 && unit < 0xdc00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
        int32_t low = code_unit(at + 2, end);
        if (low >= 0xdc00 && low < 0xe000) {
            append_utf8(buf,
                        0x10000 + ((uint32_t)(unit - 0xd800) << 10) + (uint32_t)(low - 0xdc00));
            return at + 6;
        }
    }
    append_utf8(buf, (uint32_t)unit);
    return at;
}

enum tcore_status tcore_lex_string(const struct tcore_lexer *lexer, const struct tcore_token *token,
                                   struct tcore_buf *buf, struct tcore_error *err)
{
    static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *at = lexer->text + token->start + 1, *end = at + token->length - 2;
    while (at < end) {
        const char *plain = memchr(at, '\\', (size_t)(end - at));
        if (!plain)
            plain = end;
        tcore_buf_append(buf, at, (size_t)(plain - at));
        if (plain == end)
            break;
        const char *known = strchr(escapes, plain[1]);
        at = plain + 2;
        if (plain[1] == 'u')
            at = append_unicode(buf, at, end);
        else if (plain[1] && known)
            tcore_buf_putc(buf, meanings[known - escapes]);
        else
            at = NULL;
        if (!at)
            return bad(err, (size_t)(plain - lexer->text),
                       "no such escape in a string (a backslash itself is \\\\)");
    }
    return tcore_buf_status(buf, err);
}

/* Bytes of the UTF-8 character at text, 0 if it is none (surrogates and overlong forms are not). */
static size_t utf8_length(const unsigned char *text, size_t length)
{
    static const unsigned char first_low[5] = {0, 0, 0x80, 0xa0, 0x90};
    static const unsigned char first_high[5] = {0, 0, 0xbf, 0x9f, 0x8f};
    unsigned char c = *text;
    size_t need = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
    if (need < 2 || length < need)
        return need < 2 ? need : 0;
    if ((c == 0xe0 || c == 0xf0) && text[1] < first_low[need])
        return 0;
    if ((c == 0xed || c == 0xf4) && text[1] > first_high[need])
        return 0;
    for (size_t i = 1; i < need; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    return need;
}

enum tcore_status tcore_lex_check(const char *program, size_t length, struct tcore_error *err)
{
    struct tcore_lexer lexer = {.text = program, .length = length};
    struct tcore_token token;
    enum tcore_status status;
    for (size_t at = 0, step; at < length; at += step) {
        step = utf8_length((const unsigned char *)program + at, length - at);
        if (!step)
            return bad(err, at, "this byte is not UTF-8");
    }
    do
        status = tcore_lex(&lexer, &token, err);
    while (status == TCORE_OK && token.kind != TCORE_TOKEN_END);
    return status;
}

void tcore_lex_lines(const char *program, size_t length, struct tcore_buf *out,
                     struct tcore_buf *lines)
{
    struct tcore_lexer lexer = {.text = program, .length = length};
    struct tcore_token token;
    while (tcore_lex(&lexer, &token, NULL) == TCORE_OK && token.kind != TCORE_TOKEN_END) {
        const char *text = program + token.start;
        tcore_buf_append(lines, &token.start, sizeof token.start);
        for (size_t i = 0; i < token.length; i++)
            if (text[i] == '\n') /* within a string: this token takes several lines */
                tcore_buf_append(lines, &token.start, sizeof token.start);
        tcore_buf_append(out, text, token.length);
        tcore_buf_putc(out, '\n');
    }
}
