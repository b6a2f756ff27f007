/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attributes from the command line, with the type that a shell user means. */
#include <config.h>

#include "record/attributes.h"

#include "model/json.h"

#include <string.h>

const char *attributes_bad(const struct cli_strings *items)
{
    for (size_t i = 0; i < items->count; i++) {
        const char *equals = strchr(items->item[i], '=');
        if (!equals || equals == items->item[i])
            return items->item[i];
    }
    return NULL;
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)? : exponents are left to be text, since ids and hashes look so. */
static bool is_plain_number(const char *s)
{
    s += *s == '-';
    if (*s == '0')
        s++;
    else if (*s >= '1' && *s <= '9')
        s += strspn(s, "0123456789");
    else
        return false;
    if (*s == '.') {
        size_t digits = strspn(s + 1, "0123456789");
        if (!digits)
            return false;
        s += 1 + digits;
    }
    return *s == '\0';
}

static bool is_json_string(const char *text)
{
    struct tcore_json json = {0};
    struct tcore_error err;
    bool is = text[0] == '"' && tcore_json_parse(&json, text, strlen(text), &err) == TCORE_OK;
    tcore_json_free(&json);
    return is;
}

/* Length of the UTF-8 character at s, 0 if there is none (Unicode, table 3-7). */
static size_t character_length(const unsigned char *s, size_t length)
{
    size_t need = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (!need || need > length || s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < need; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return need;
}

void attributes_put_text(struct tcore_buf *out, const char *text, size_t length)
{
    struct tcore_buf clean = {0};
    for (size_t i = 0; i < length;) {
        size_t n = character_length((const unsigned char *)text + i, length - i);
        tcore_buf_append(&clean, n ? text + i : "\xef\xbf\xbd", n ? n : 3);
        i += n ? n : 1;
    }
    tcore_json_write_string(out, clean.data ? clean.data : "", clean.length);
    out->failed |= clean.failed;
    tcore_buf_free(&clean);
}

void attributes_put_value(struct tcore_buf *out, const char *text)
{
    bool literal = is_plain_number(text) || strcmp(text, "true") == 0 ||
                   strcmp(text, "false") == 0 || is_json_string(text);
    if (literal)
        tcore_buf_puts(out, text);
    else
        attributes_put_text(out, text, strlen(text));
}

/* Whether a later item has the same key, which ends before length. */
static bool is_replaced(const struct cli_strings *items, size_t i, size_t length)
{
    for (size_t j = i + 1; j < items->count; j++)
        if (strncmp(items->item[i], items->item[j], length + 1) == 0)
            return true;
    return false;
}

void attributes_put(struct tcore_buf *out, const struct cli_strings *items)
{
    bool first = true;
    for (size_t i = 0; i < items->count; i++) {
        const char *item = items->item[i], *equals = strchr(item, '=');
        size_t length = (size_t)(equals - item);
        if (is_replaced(items, i, length))
            continue;
        if (!first)
            tcore_buf_putc(out, ',');
        first = false;
        attributes_put_text(out, item, length);
        tcore_buf_putc(out, ':');
        attributes_put_value(out, equals + 1);
    }
}
