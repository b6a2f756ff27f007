/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers, durations and strings in a query. */
#include <config.h>

#include "span/traceql/traceql_lex.h"

#include "c-ctype.h"
#include "model/number.h"

#include <math.h>
#include <string.h>

static enum tcore_status refuse(struct tcore_error *err, size_t at, const char *why)
{
    tcore_error_set(err, TCORE_BAD_INPUT, "%s", why);
    err->byte = at + 1;
    return TCORE_BAD_INPUT;
}

static bool is_digit(const char *text, size_t length, size_t at)
{
    return at < length && c_isdigit(text[at]);
}

/* --- Durations */

struct unit {
    const char *name;
    int64_t ns;
};

/* Longer names before those that they begin with. */
static const struct unit units[] = {
    {"ns", 1},
    {"us", 1000},
    {"\xc2\xb5s", 1000}, /* micro sign */
    {"\xce\xbcs", 1000}, /* mu */
    {"ms", 1000000},
    {"s", 1000000000},
    {"m", 60000000000},
    {"h", 3600000000000},
    {"d", 86400000000000},
    {"w", 604800000000000},
    {"y", 31536000000000000},
};

static const struct unit *find_unit(const char *text, size_t length, size_t at)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t bytes = strlen(units[i].name);
        if (length - at >= bytes && !memcmp(text + at, units[i].name, bytes))
            return &units[i];
    }
    return NULL;
}

static size_t behind_digits(const char *text, size_t length, size_t at)
{
    while (is_digit(text, length, at))
        at++;
    return at;
}

/* Behind a number without sign and exponent. */
static size_t behind_decimal(const char *text, size_t length, size_t at)
{
    at = behind_digits(text, length, at);
    if (at < length && text[at] == '.')
        at = behind_digits(text, length, at + 1);
    return at;
}

static bool parse_real(const char *text, size_t length, double *real)
{
    char number[512] = "0"; /* JSON wants a digit in front of the point and behind it */
    bool bare = text[length - 1] == '.';
    if (length > sizeof number - 3)
        return false;
    memcpy(number + 1, text, length);
    if (bare)
        number[1 + length] = '0';
    size_t from = text[0] == '.' ? 0 : 1, end = 1 + length + bare;
    while (from + 1 < end && number[from] == '0' && number[from + 1] >= '0' &&
           number[from + 1] <= '9')
        from++;
    return tcore_parse_double(number + from, end - from, real) && isfinite(*real);
}

/* Adds number * unit. False: that is beyond int64. */
static bool add_duration(int64_t *sum, const char *number, size_t length, int64_t unit)
{
    int64_t whole, product;
    double real;
    if (tcore_parse_int64(number, length, &whole))
        return !__builtin_mul_overflow(whole, unit, &product) &&
               !__builtin_add_overflow(*sum, product, sum);
    if (!parse_real(number, length, &real) || fabs(real * (double)unit) >= 0x1p62)
        return false;
    return !__builtin_add_overflow(*sum, (int64_t)llround(real * (double)unit), sum);
}

/* Numbers with units behind each; *at is behind the first number. */
static enum tcore_status lex_duration(const char *text, size_t length, size_t start, size_t *at,
                                      struct traceql_value *value, struct tcore_error *err)
{
    int64_t ns = 0;
    for (size_t number = start;;) {
        const struct unit *unit = find_unit(text, length, *at);
        if (!unit)
            return refuse(err, *at, "a unit is missing here: ns us ms s m h d w y");
        if (!add_duration(&ns, text + number, *at - number, unit->ns))
            return refuse(err, start, "the duration is too long");
        *at += strlen(unit->name);
        if (!is_digit(text, length, *at))
            break;
        number = *at;
        *at = behind_decimal(text, length, *at);
    }
    *value = (struct traceql_value){.type = TRACEQL_DURATION, .integer = ns};
    return TCORE_OK;
}

/* --- Numbers */

static size_t behind_exponent(const char *text, size_t length, size_t at)
{
    size_t digits = at + 1;
    if (at >= length || (text[at] != 'e' && text[at] != 'E'))
        return at;
    if (digits < length && (text[digits] == '+' || text[digits] == '-'))
        digits++;
    return is_digit(text, length, digits) ? behind_digits(text, length, digits) : at;
}

static bool is_word_byte(unsigned char c)
{
    return c_isalpha(c) || c == '_' || c >= 0x80;
}

enum tcore_status traceql_lex_number(const char *text, size_t length, size_t *at,
                                     struct traceql_value *value, struct tcore_error *err)
{
    size_t start = *at;
    *at = behind_decimal(text, length, start);
    if (*at < length && find_unit(text, length, *at))
        return lex_duration(text, length, start, at, value, err);
    *at = behind_exponent(text, length, *at);
    if (*at < length && is_word_byte((unsigned char)text[*at]))
        return refuse(err, *at, "neither a digit nor a unit of time (ns us ms s m h d w y)");
    *value = (struct traceql_value){.type = TRACEQL_INTEGER};
    if (tcore_parse_int64(text + start, *at - start, &value->integer))
        return TCORE_OK;
    value->type = TRACEQL_FLOAT;
    if (!parse_real(text + start, *at - start, &value->real))
        return refuse(err, start, "the number is too large");
    return TCORE_OK;
}

/* --- Strings */

static int hex_digit(char c)
{
    if (c_isdigit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Appends a code point. False: it is none. */
static bool put_code_point(char **to, uint32_t code)
{
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return false;
    if (code < 0x80) {
        *(*to)++ = (char)code;
        return true;
    }
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    *(*to)++ = (char)((0xff00 >> (more + 1) & 0xff) | code >> 6 * more);
    while (more--)
        *(*to)++ = (char)(0x80 | (code >> 6 * more & 0x3f));
    return true;
}

/* \xHH \uHHHH \UHHHHHHHH: so many digits from *at on. */
static bool put_hex(char **to, const char *text, size_t length, size_t *at, int digits)
{
    uint32_t code = 0;
    for (int i = 0; i < digits; i++, (*at)++) {
        int digit = *at < length ? hex_digit(text[*at]) : -1;
        if (digit < 0)
            return false;
        code = code << 4 | (uint32_t)digit;
    }
    return put_code_point(to, code);
}

/* The escape at *at, which is a backslash. */
static bool put_escape(char **to, const char *text, size_t length, size_t *at)
{
    static const char letters[] = "abfnrtv\\\"'", meanings[] = "\a\b\f\n\r\t\v\\\"'";
    char letter = *at + 1 < length ? text[*at + 1] : 0;
    const char *known = letter ? strchr(letters, letter) : NULL;
    *at += 2;
    if (known) {
        *(*to)++ = meanings[known - letters];
        return true;
    }
    int digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    return digits && put_hex(to, text, length, at, digits);
}

static size_t find_end(const char *text, size_t length, size_t at, char quote)
{
    for (size_t i = at + 1; i < length; i++) {
        if (text[i] == quote)
            return i;
        if (quote == '"' && text[i] == '\\')
            i++;
    }
    return length;
}

enum tcore_status traceql_lex_string(const char *text, size_t length, size_t *at,
                                     struct tcore_arena *arena, struct traceql_value *value,
                                     struct tcore_error *err)
{
    size_t start = *at, end = find_end(text, length, start, text[start]);
    if (end == length)
        return refuse(err, start, "the string has no end");
    char *decoded = tcore_arena_alloc(arena, end - start + 1), *to = decoded;
    if (!decoded)
        return tcore_error_nomem(err);
    for (size_t i = start + 1; i < end;) {
        size_t escape = i;
        if (text[start] == '`' || text[i] != '\\')
            *to++ = text[i++];
        else if (!put_escape(&to, text, end, &i))
            return refuse(err, escape, "no escape that strings have");
    }
    *at = end + 1;
    *value =
        (struct traceql_value){.type = TRACEQL_STRING, .text = {decoded, (size_t)(to - decoded)}};
    return TCORE_OK;
}
