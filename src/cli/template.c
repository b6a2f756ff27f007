/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A walk over the tokens of a text; at each the forms are tried, the most particular first. */
#include <config.h>

#include "cli/template.h"

#include "c-ctype.h"

#include <string.h>

#define QUOTED_MOST     512 /* a quote without its other half within that is an apostrophe */
#define HEX_LEAST       8
#define CODE_LEAST      8
#define ID_LEAST        20
#define ID_DIGITS_LEAST 3
#define TAIL_LEAST      4  /* digits behind letters that make a number */
#define LOCAL_MOST      64 /* of an address, as RFC 5321 has it: what is looked at for each word */
#define HOST_MOST       255
#define QUERY_MOST      4096

static bool is_digit(char c)
{
    return c_isdigit(c);
}

static bool is_hex(char c)
{
    return c_isdigit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool is_word(char c)
{
    return template_is_word(c);
}

/* How many bytes from p on, before end, are of a kind. */
static size_t run(const char *p, const char *end, bool (*is)(char))
{
    const char *at = p;
    while (at < end && is(*at))
        at++;
    return (size_t)(at - p);
}

static bool ends_word(const char *p, const char *end)
{
    return p == end || !is_word(*p);
}

/* Each of these returns the length of such a token at p, or 0. */

/* Bytes of a form in which 0 stands for a digit, x for a hexadecimal one, others for themselves. */
static size_t match(const char *p, const char *end, const char *form)
{
    size_t length = strlen(form);
    if ((size_t)(end - p) < length)
        return 0;
    for (size_t i = 0; i < length; i++) {
        bool fits = form[i] == '0'   ? c_isdigit(p[i])
                    : form[i] == 'x' ? is_hex(p[i])
                                     : p[i] == form[i];
        if (!fits)
            return 0;
    }
    return length;
}

size_t template_uuid(const char *p, const char *end)
{
    size_t length = match(p, end, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
    return length && ends_word(p + length, end) ? length : 0;
}

/* Of a time of day behind its date: fraction and zone. */
static const char *skip_zone(const char *at, const char *end)
{
    if (at < end && (*at == '.' || *at == ',') && run(at + 1, end, is_digit))
        at += 1 + run(at + 1, end, is_digit);
    if (at < end && (*at == 'Z' || *at == 'z'))
        return at + 1;
    if (at < end && (*at == '+' || *at == '-')) {
        size_t zone = match(at + 1, end, "00:00");
        zone = zone ? zone : match(at + 1, end, "0000");
        at += zone ? zone + 1 : 0;
    }
    return at;
}

static size_t match_time(const char *p, const char *end)
{
    size_t date = match(p, end, "0000-00-00");
    if (!date)
        date = match(p, end, "0000/00/00");
    const char *at = p + date;
    if (!date)
        return 0;
    if (at < end && (*at == 'T' || *at == ' ') && match(at + 1, end, "00:00:00"))
        at = skip_zone(at + 9, end);
    return ends_word(at, end) ? (size_t)(at - p) : 0;
}

static size_t match_ip(const char *p, const char *end)
{
    const char *at = p;
    for (unsigned part = 0; part < 4; part++) {
        size_t digits = run(at, end, is_digit);
        if (!digits || digits > 3)
            return 0;
        at += digits;
        if (part < 3 && (at == end || *at++ != '.'))
            return 0;
    }
    if (at + 1 < end && *at == ':' && c_isdigit(at[1]))
        at += 1 + run(at + 1, end, is_digit);
    return ends_word(at, end) ? (size_t)(at - p) : 0;
}

static bool is_local(char c)
{
    return is_word(c) || c == '.' || c == '_' || c == '+' || c == '-' || c == '%';
}

static bool is_host(char c)
{
    return is_word(c) || c == '.' || c == '-';
}

static size_t match_email(const char *p, const char *end)
{
    const char *near = end - p > LOCAL_MOST ? p + LOCAL_MOST : end;
    size_t local = run(p, near, is_local);
    if (local + 1 >= (size_t)(end - p) || p[local] != '@')
        return 0;
    near = p + local + 1;
    size_t host = run(near, end - near > HOST_MOST ? near + HOST_MOST : end, is_host);
    while (host && !is_word(p[local + host]))
        host--; /* the full stop of a sentence */
    return host && memchr(p + local + 1, '.', host) ? local + 1 + host : 0;
}

bool template_is_hex(const char *word, size_t length, size_t least)
{
    size_t digits = 0;
    for (size_t i = 0; i < length; i++) {
        if (!is_hex(word[i]))
            return false;
        digits += c_isdigit(word[i]);
    }
    return length >= least && digits;
}

static size_t match_hex(const char *p, const char *end)
{
    if (end - p > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
        size_t digits = run(p + 2, end, is_hex);
        return digits && ends_word(p + 2 + digits, end) ? digits + 2 : 0;
    }
    size_t length = run(p, end, is_hex);
    /* decimal digits alone are a number */
    bool is = template_is_hex(p, length, HEX_LEAST) && run(p, end, is_digit) < length;
    return is && ends_word(p + length, end) ? length : 0;
}

static size_t match_id(const char *p, const char *end)
{
    size_t length = run(p, end, is_word), digits = 0, capitals = 0;
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)p[i] >= 0x80)
            return 0;
        digits += c_isdigit(p[i]);
        capitals += c_isupper(p[i]);
    }
    if (!digits || digits == length)
        return 0;
    bool code = length >= CODE_LEAST && digits + capitals == length;
    return code || (length >= ID_LEAST && digits >= ID_DIGITS_LEAST) ? length : 0;
}

static bool is_unit(const char *p, size_t length)
{
    static const char units[] = " ns us ms s m h d b kb mb gb tb kib mib gib k g ";
    char word[6] = {' '};
    if (length > 3)
        return false;
    for (size_t i = 0; i < length; i++)
        word[i + 1] = c_tolower(p[i]);
    word[length + 1] = ' ';
    return !length || strstr(units, word);
}

/* The number alone: a unit behind it is text. */
static size_t match_number(const char *p, const char *end)
{
    const char *at = p + run(p, end, is_digit);
    if (at == p)
        return 0;
    while (end - at > 1 && *at == '.' && c_isdigit(at[1]))
        at += 1 + run(at + 1, end, is_digit);
    return is_unit(at, run(at, end, is_word)) ? (size_t)(at - p) : 0;
}

/* A word that ends in digits: the length of what is before them. */
static size_t match_tail(const char *p, const char *end, size_t *digits)
{
    size_t length = run(p, end, is_word), head = length;
    while (head && c_isdigit(p[head - 1]))
        head--;
    *digits = length - head;
    return *digits >= TAIL_LEAST ? head : 0;
}

static size_t match_quoted(const char *p, const char *end)
{
    if (p == end || (*p != '"' && *p != '\'' && *p != '`'))
        return 0;
    size_t most = (size_t)(end - p) < QUOTED_MOST ? (size_t)(end - p) : QUOTED_MOST;
    const char *close = most > 1 ? memchr(p + 1, *p, most - 1) : NULL;
    return close && ends_word(close + 1, end) ? (size_t)(close + 1 - p) : 0;
}

static bool is_query(char c)
{
    return c != ' ' && c != '?' && c != '"' && c != '\'' && c != ')' && c != '>' && c != '\n';
}

/* ?key=value; the question mark is within a URL if something stands right before it. */
static size_t match_query(const char *text, const char *p, const char *end)
{
    if (*p != '?' || p == text || p[-1] == ' ')
        return 0;
    end = end - p > QUERY_MOST ? p + QUERY_MOST : end;
    size_t length = run(p + 1, end, is_query);
    return length && memchr(p + 1, '=', length) ? length + 1 : 0;
}

static bool is_path(char c)
{
    return is_word(c) || (c && strchr("/._-~%+@=&?$,:", c));
}

/* A path, from the slash at p, or a URL, from its scheme on. */
static size_t match_path(const char *text, const char *p, const char *end)
{
    const char *slash = p + run(p, end, is_word);
    bool url = slash > p && end - slash > 3 && !memcmp(slash, "://", 3);
    if (!url && (*p != '/' || end - p < 2 || !is_word(p[1]) ||
                 (p > text && (is_path(p[-1]) && p[-1] != ':' && p[-1] != '=' && p[-1] != ','))))
        return 0;
    size_t length = run(p, end, is_path);
    while (length && strchr(".,:", p[length - 1]))
        length--; /* of the sentence */
    return length;
}

/* Appends what replaces the token at p, which begins a word; returns its length, 0: it stays. */
static size_t replace(struct tcore_buf *out, const char *p, const char *end)
{
    static const struct {
        size_t (*match)(const char *p, const char *end);
        const char *name;
    } forms[] = {
        {template_uuid, "<uuid>"}, {match_time, "<time>"}, {match_ip, "<ip>"},
        {match_email, "<email>"},  {match_hex, "<hex>"},   {match_number, "<num>"},
        {match_id, "<id>"},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        size_t length = forms[i].match(p, end);
        if (length) {
            tcore_buf_puts(out, forms[i].name);
            return length;
        }
    }
    size_t digits, head = match_tail(p, end, &digits);
    if (!head)
        return 0;
    tcore_buf_append(out, p, head);
    tcore_buf_puts(out, "<num>");
    return head + digits;
}

/* A minus that is a sign: nothing but a blank, a bracket or the like stands before it. */
static bool is_sign(const char *text, const char *p, const char *end)
{
    return *p == '-' && end - p > 1 && c_isdigit(p[1]) &&
           (p == text || (!is_word(p[-1]) && p[-1] != '_' && p[-1] != '/' && p[-1] != '>'));
}

static void write_template(struct tcore_buf *out, struct tcore_slice text, bool message)
{
    const char *p = text.data, *end = p + text.length;
    while (p < end) {
        size_t length;
        if (message && (length = match_path(text.data, p, end))) {
            tcore_buf_puts(out, *p == '/' ? "<path>" : "<url>");
        } else if (is_word(*p)) {
            length = replace(out, p, end);
            if (!length) {
                length = run(p, end, is_word);
                tcore_buf_append(out, p, length);
            }
        } else if (is_sign(text.data, p, end) && match_number(p + 1, end)) {
            length = 1; /* the number says the rest */
        } else if ((length = match_quoted(p, end))) {
            tcore_buf_putc(out, *p);
            tcore_buf_puts(out, length > 2 ? "<str>" : "");
            tcore_buf_putc(out, *p);
        } else if ((length = match_query(text.data, p, end))) {
            tcore_buf_puts(out, "?<query>");
        } else {
            tcore_buf_putc(out, *p);
            length = 1;
        }
        p += length;
    }
}

void template_name(struct tcore_buf *out, struct tcore_slice text)
{
    write_template(out, text, false);
}

void template_message(struct tcore_buf *out, struct tcore_slice text)
{
    write_template(out, text, true);
}
