/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Statements. Nothing is parsed: dialects differ, statements are cut off, and what is no SQL at all
 * (GET user:17) comes this way, too. */
#include <config.h>

#include "cli/template.h"

#include "c-ctype.h"

#define LEAST_HEX 12

struct statement {
    struct tcore_buf *out;
    size_t begin; /* in out */
    const char *text, *p, *end;
    bool blank; /* before the next token */
    struct template_values values;
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_identifier(char c)
{
    return template_is_word(c) || c == '_' || c == '$';
}

/* The byte so many places before the end of what was written, 0 before its beginning. */
static char written(const struct statement *s, size_t back)
{
    return s->out->length - s->begin >= back ? s->out->data[s->out->length - back] : 0;
}

/* The last byte written that is no blank. */
static char last_written(const struct statement *s)
{
    char last = written(s, 1);
    return last == ' ' ? written(s, 2) : last;
}

static void put_blank(struct statement *s, char next)
{
    char last = written(s, 1);
    if (last && last != '(' && last != '[' && !strchr("),];", next) && (s->blank || last == ','))
        tcore_buf_putc(s->out, ' ');
    s->blank = false;
}

static void put_text(struct statement *s, const char *end)
{
    put_blank(s, *s->p);
    tcore_buf_append(s->out, s->p, (size_t)(end - s->p));
    s->p = end;
}

/* A sign in front of a number belongs to it, unless something stands before it. */
static void take_back_sign(struct statement *s)
{
    char last = written(s, 1);
    if (s->blank || (last != '-' && last != '+'))
        return;
    char before = written(s, 2) == ' ' ? written(s, 3) : written(s, 2);
    if (before && strchr("=<>(,[*/%|", before)) {
        s->out->length--;
        s->blank = written(s, 1) == ' ';
        s->out->length -= s->blank;
    }
}

/* A ?, unless it follows one at the beginning of a list; goes on at end. */
static void put_value(struct statement *s, const char *end, bool literal)
{
    s->values.literals += literal;
    s->values.placeholders += !literal;
    s->p = end;
    take_back_sign(s);
    char opens = written(s, 3);
    if (written(s, 1) == ',' && written(s, 2) == '?' && (opens == '(' || opens == '[')) {
        s->out->length--;
        s->blank = false;
        return;
    }
    put_blank(s, '?');
    tcore_buf_putc(s->out, '?');
}

/* A closing bracket; a row like the one before goes. */
static void put_close(struct statement *s)
{
    static const char rows[] = "(?), (?)";
    put_text(s, s->p + 1);
    size_t length = sizeof rows - 1;
    if (s->out->length - s->begin >= length &&
        !memcmp(s->out->data + s->out->length - length, rows, length))
        s->out->length -= 5;
}

/* --- Strings */

/* Behind the string whose quote is at p. A backslash escapes a quote in some dialects and is a
 * letter in others: what follows the quote decides. */
static const char *string_end(const char *p, const char *end)
{
    char quote = *p++;
    for (; p < end; p++) {
        if (*p == '\\' && end - p > 2 && p[1] == quote && !is_blank(p[2]) && !strchr(",);", p[2]))
            p++;
        else if (*p == '\\' && end - p > 1 && p[1] == '\\')
            p++;
        else if (*p == quote && end - p > 1 && p[1] == quote)
            p++;
        else if (*p == quote)
            return p + 1;
    }
    return end;
}

/* Whether a list of values was opened or goes on. */
static bool is_in_list(const struct statement *s, char last)
{
    static const char *const words[] = {"in (", "in(", "values (", "values("};
    if (last == ',')
        return (written(s, 1) == ' ' ? written(s, 3) : written(s, 2)) == '?';
    for (size_t i = 0; last == '(' && i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i]), at = 0;
        while (at < length && (written(s, length - at) | 0x20) == (words[i][at] | 0x20))
            at++;
        if (at == length)
            return true;
    }
    return false;
}

/* Double quotes are of names in SQL and of strings in MySQL: of strings where one is compared or
 * listed, and behind the colon of a document. */
static void put_double_quoted(struct statement *s)
{
    const char *end = string_end(s->p, s->end);
    char last = last_written(s);
    bool compared = last && (strchr("=<>[:", last) || is_in_list(s, last));
    if (compared && (end == s->end || (*end != '.' && *end != ':')))
        put_value(s, end, true);
    else
        put_text(s, end);
}

/* Behind $1, or text between $tag$ and $tag$; p if it is neither. */
static const char *dollar_end(const char *p, const char *end, bool *literal)
{
    const char *at = p + 1;
    while (at < end && c_isdigit(*at))
        at++;
    *literal = false;
    if (at > p + 1)
        return at;
    while (at < end && (template_is_word(*at) || *at == '_'))
        at++;
    if (at == end || *at != '$')
        return p;
    size_t tag = (size_t)(at + 1 - p);
    *literal = true;
    for (at++; (size_t)(end - at) >= tag; at++)
        if (!memcmp(at, p, tag))
            return at + tag;
    return end;
}

/* --- Tokens */

static const char *identifier_end(const char *p, const char *end)
{
    while (p < end && is_identifier(*p))
        p++;
    return p;
}

/* Behind the placeholder at p; p if there is none. */
static const char *placeholder_end(const struct statement *s)
{
    const char *p = s->p, *end = s->end;
    bool within = p > s->text && is_identifier(p[-1]);
    if (*p == '?') {
        for (p++; p < end && c_isdigit(*p);)
            p++;
        return p;
    }
    if (end - p < 2 || within)
        return p;
    bool doubled = p > s->text && p[-1] == *p;
    if ((*p == ':' || *p == '@') && !doubled && (template_is_letter(p[1]) || p[1] == '_'))
        return identifier_end(p + 1, end);
    if (*p == '%' && p[1] == 's' && (end - p == 2 || !is_identifier(p[2])))
        return p + 2;
    if (*p == '%' && p[1] == '(') {
        const char *close = memchr(p, ')', (size_t)(end - p));
        return close && close + 1 < end ? close + 2 : p;
    }
    return p;
}

static const char *number_end(const char *p, const char *end)
{
    while (p < end && (is_identifier(*p) || (*p == '.' && end - p > 1 && c_isdigit(p[1]))))
        p++;
    if (p < end && (*p == '+' || *p == '-') && (p[-1] | 0x20) == 'e' && end - p > 1 &&
        c_isdigit(p[1]))
        for (p++; p < end && c_isdigit(*p);)
            p++;
    return p;
}

/* A name or keyword, or what stands before a string (N'x', E'x'). */
static void put_identifier(struct statement *s)
{
    const char *end = identifier_end(s->p, s->end);
    size_t length = (size_t)(end - s->p);
    if (end < s->end && *end == '\'' && length == 1)
        put_value(s, string_end(end, s->end), true);
    else if (template_is_hex(s->p, length, LEAST_HEX))
        put_value(s, end, true);
    else
        put_text(s, end);
}

/* Behind the comment at p; p if there is none. */
static const char *comment_end(const char *p, const char *end)
{
    if (end - p < 2)
        return p;
    if (p[0] == '-' && p[1] == '-') {
        const char *line = memchr(p, '\n', (size_t)(end - p));
        return line ? line : end;
    }
    if (p[0] != '/' || p[1] != '*')
        return p;
    for (p += 2; end - p >= 2; p++)
        if (p[0] == '*' && p[1] == '/')
            return p + 2;
    return end;
}

static void put_token(struct statement *s)
{
    bool literal = false;
    size_t uuid = template_is_word(*s->p) ? template_uuid(s->p, s->end) : 0;
    const char *end = placeholder_end(s);
    if (uuid)
        put_value(s, s->p + uuid, true);
    else if (end > s->p)
        put_value(s, end, false);
    else if (*s->p == '\'')
        put_value(s, string_end(s->p, s->end), true);
    else if (*s->p == '"')
        put_double_quoted(s);
    else if (*s->p == '`')
        put_text(s, string_end(s->p, s->end));
    else if (*s->p == '$' && (end = dollar_end(s->p, s->end, &literal)) > s->p)
        put_value(s, end, literal);
    else if (c_isdigit(*s->p))
        put_value(s, number_end(s->p, s->end), true);
    else if (is_identifier(*s->p))
        put_identifier(s);
    else if (*s->p == ')' || *s->p == ']')
        put_close(s);
    else
        put_text(s, s->p + 1);
}

void template_statement(struct tcore_buf *out, struct tcore_slice text,
                        struct template_values *values)
{
    struct statement s = {
        .out = out,
        .begin = out->length,
        .text = text.data,
        .p = text.data,
        .end = text.data + text.length,
    };
    while (s.p < s.end && !out->failed) {
        const char *behind = comment_end(s.p, s.end);
        if (behind == s.p && !is_blank(*s.p)) {
            put_token(&s);
            continue;
        }
        s.blank = true;
        s.p = behind > s.p ? behind : s.p + 1;
    }
    while (written(&s, 1) == ';')
        out->length--;
    if (values)
        *values = s.values;
}
