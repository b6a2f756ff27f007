/* SPDX-License-Identifier: GPL-3.0-or-later */
/* W3C Baggage: key=value;property,key=value, the values percent-encoded. */
#include <config.h>

#include "span/propagator.h"

#include "c-ctype.h"
#include "model/json.h"

#include <string.h>

enum { MOST_MEMBERS = 64, MOST_BYTES = 8192 };

static bool is_token(char c)
{
    return c_isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* What may stand in a value: printable ASCII without blank, quote, comma, semicolon, backslash. */
static bool is_octet(char c)
{
    return c > 0x20 && c < 0x7f && !strchr("\",;\\", c);
}

static struct tcore_slice trim(const char *from, const char *to)
{
    while (from < to && (*from == ' ' || *from == '\t'))
        from++;
    while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
        to--;
    return (struct tcore_slice){from, (size_t)(to - from)};
}

static bool all(struct tcore_slice text, bool (*is_one)(char))
{
    for (size_t i = 0; i < text.length; i++)
        if (!is_one(text.data[i]))
            return false;
    return true;
}

bool baggage_is_key(struct tcore_slice key)
{
    return key.length && all(key, is_token);
}

/* key, or key=value; at the beginning of a member the value must be there. */
static bool split(struct tcore_slice text, bool needs_value, struct tcore_slice *key,
                  struct tcore_slice *value)
{
    const char *end = text.data + text.length;
    const char *equals = text.length ? memchr(text.data, '=', text.length) : NULL;
    *key = trim(text.data, equals ? equals : end);
    *value = equals ? trim(equals + 1, end) : (struct tcore_slice){0};
    return baggage_is_key(*key) && all(*value, is_octet) && (equals || !needs_value);
}

static void append_pair(struct tcore_buf *out, struct tcore_slice key, struct tcore_slice value)
{
    tcore_buf_append(out, key.data, key.length);
    if (value.data) {
        tcore_buf_putc(out, '=');
        tcore_buf_append(out, value.data, value.length);
    }
}

/* Appends a member without blanks; false, and nothing, if it is none. */
static bool append_member(struct tcore_buf *out, const char *from, const char *to)
{
    size_t before = out->length;
    bool first = true;
    tcore_buf_puts(out, before ? "," : "");
    while (from <= to) {
        const char *semicolon = from < to ? memchr(from, ';', (size_t)(to - from)) : NULL;
        const char *end = semicolon ? semicolon : to;
        struct tcore_slice key, value;
        if (!split(trim(from, end), first, &key, &value)) {
            out->length = before;
            return false;
        }
        tcore_buf_puts(out, first ? "" : ";");
        append_pair(out, key, value);
        first = false;
        from = end + 1;
    }
    return true;
}

void baggage_note_bad(size_t count, struct tcore_buf *notes)
{
    if (count)
        tcore_buf_printf(notes, "%zu member%s of baggage %s invalid and left out\n", count,
                         count == 1 ? "" : "s", count == 1 ? "is" : "are");
}

struct tcore_slice baggage_normalise(struct carrier *carrier, struct tcore_slice text,
                                     struct tcore_buf *notes)
{
    struct tcore_buf out = {0};
    size_t bad = 0, good = 0, beyond = 0;
    struct tcore_slice result = {0};
    const char *end = text.data + text.length;
    for (const char *at = text.data; text.data && at <= end;) {
        const char *comma = at < end ? memchr(at, ',', (size_t)(end - at)) : NULL;
        const char *member_end = comma ? comma : end;
        struct tcore_slice member = trim(at, member_end);
        size_t before = out.length;
        at = member_end + 1;
        if (!member.length)
            continue;
        if (!append_member(&out, member.data, member.data + member.length)) {
            bad++;
        } else if (beyond || good == MOST_MEMBERS || out.length > MOST_BYTES) {
            out.length = before; /* and those behind it: whole members, from the end */
            beyond++;
        } else {
            good++;
        }
    }
    baggage_note_bad(bad, notes);
    if (beyond)
        tcore_buf_printf(notes, "%zu member%s of baggage beyond %d, or %d bytes, %s left out\n",
                         beyond, beyond == 1 ? "" : "s", MOST_MEMBERS, MOST_BYTES,
                         beyond == 1 ? "is" : "are");
    if (out.length && !out.failed) {
        result.data = tcore_arena_copy(&carrier->arena, out.data, out.length);
        result.length = result.data ? out.length : 0;
    }
    tcore_buf_free(&out);
    return result;
}

bool baggage_next(struct tcore_slice *baggage, struct baggage_member *member)
{
    if (!baggage->length)
        return false;
    const char *from = baggage->data, *end = from + baggage->length;
    const char *comma = memchr(from, ',', baggage->length), *to = comma ? comma : end;
    const char *semicolon = memchr(from, ';', (size_t)(to - from));
    const char *pair_end = semicolon ? semicolon : to;
    split((struct tcore_slice){from, (size_t)(pair_end - from)}, true, &member->key,
          &member->value);
    member->properties = (struct tcore_slice){0};
    if (semicolon)
        member->properties = (struct tcore_slice){semicolon + 1, (size_t)(to - semicolon - 1)};
    *baggage = comma ? (struct tcore_slice){comma + 1, (size_t)(end - comma - 1)}
                     : (struct tcore_slice){0};
    return true;
}

/* --- Encoding */

void baggage_encode(struct tcore_slice text, struct tcore_buf *out)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (is_octet(c) && c != '%')
            tcore_buf_putc(out, c);
        else
            tcore_buf_printf(out, "%%%02X", (unsigned char)c);
    }
}

static int hex_value(char c)
{
    const char *digit = c ? strchr("0123456789abcdef0123456789ABCDEF", c) : NULL;
    return digit ? (int)(digit - "0123456789abcdef0123456789ABCDEF") % 16 : -1;
}

/* Bytes of the UTF-8 character at the beginning of text, 0 if there is none. */
static size_t character_length(const unsigned char *text, size_t length)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t least;
    } forms[] = {{0x80, 0, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t form = 0; form < 4 && form < length; form++) {
        if ((text[0] & forms[form].mask) != forms[form].lead)
            continue;
        uint32_t code = text[0] & (unsigned char)~forms[form].mask;
        for (size_t i = 1; i <= form; i++) {
            if ((text[i] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (text[i] & 0x3f);
        }
        bool good = code >= forms[form].least && code <= 0x10ffff && (code >> 11) != 0xd800 >> 11;
        return good ? form + 1 : 0;
    }
    return 0;
}

void baggage_decode(struct tcore_slice text, struct tcore_buf *out)
{
    struct tcore_buf bytes = {0};
    for (size_t i = 0; i < text.length; i++) {
        int high = -1, low = -1;
        if (text.data[i] == '%' && i + 2 < text.length) {
            high = hex_value(text.data[i + 1]);
            low = hex_value(text.data[i + 2]);
        }
        if (high >= 0 && low >= 0) {
            tcore_buf_putc(&bytes, (char)(high << 4 | low));
            i += 2;
        } else {
            tcore_buf_putc(&bytes, text.data[i]);
        }
    }
    for (size_t i = 0; i < bytes.length;) {
        size_t length = character_length((const unsigned char *)bytes.data + i, bytes.length - i);
        if (length)
            tcore_buf_append(out, bytes.data + i, length);
        else
            tcore_buf_puts(out, "\xef\xbf\xbd");
        i += length ? length : 1;
    }
    out->failed |= bytes.failed;
    tcore_buf_free(&bytes);
}

/* --- As JSON */

static bool has_key(struct tcore_slice baggage, struct tcore_slice key)
{
    struct baggage_member member;
    while (baggage_next(&baggage, &member))
        if (member.key.length == key.length && !memcmp(member.key.data, key.data, key.length))
            return true;
    return false;
}

void baggage_write_json(struct tcore_slice baggage, struct tcore_buf *out)
{
    struct baggage_member member;
    bool first = true;
    tcore_buf_putc(out, '{');
    while (baggage_next(&baggage, &member)) {
        struct tcore_buf value = {0};
        if (has_key(baggage, member.key))
            continue; /* a later one counts */
        baggage_decode(member.value, &value);
        tcore_buf_puts(out, first ? "" : ",");
        tcore_json_write_string(out, member.key.data, member.key.length);
        tcore_buf_putc(out, ':');
        tcore_json_write_string(out, value.data, value.length);
        out->failed |= value.failed;
        tcore_buf_free(&value);
        first = false;
    }
    tcore_buf_putc(out, '}');
}

void baggage_write_properties(struct tcore_slice baggage, const char *key, struct tcore_buf *out)
{
    struct baggage_member member;
    bool first = true;
    while (baggage_next(&baggage, &member)) {
        if (!member.properties.data || has_key(baggage, member.key))
            continue;
        if (first)
            tcore_buf_printf(out, ",\"%s\":{", key);
        tcore_buf_puts(out, first ? "" : ",");
        tcore_json_write_string(out, member.key.data, member.key.length);
        tcore_buf_putc(out, ':');
        tcore_json_write_string(out, member.properties.data, member.properties.length);
        first = false;
    }
    tcore_buf_puts(out, first ? "" : "}");
}
