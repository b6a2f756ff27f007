/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Members and scalars of foreign JSON: lenient in form, exact in value. */
#include <config.h>

#include "record/import/json.h"

#include "c-ctype.h"
#include "model/number.h"

#include <strings.h>

static bool is_key(const struct import_key *key, const char *name, size_t length)
{
    /* names that we wrote ourselves are mostly one */
    return key->length == length && (key->name == name || memcmp(key->name, name, length) == 0);
}

/* lowerCamelCase of a name in snake_case; 0 if it has no underscore or is too long. */
static size_t camel_case(const struct tcore_value *name, char *out, size_t size)
{
    size_t length = 0;
    bool upper = false;
    if (name->len >= size || !memchr(name->s, '_', name->len))
        return 0;
    for (uint32_t i = 0; i < name->len; i++) {
        char c = name->s[i];
        if (c == '_') {
            upper = true;
            continue;
        }
        out[length++] = upper && c_islower(c) ? (char)(c - 'a' + 'A') : c;
        upper = false;
    }
    return length;
}

static int find(const struct import_keys *keys, const char *name, size_t length, unsigned *hint)
{
    unsigned at = *hint;
    for (unsigned i = 0; i < keys->count; i++, at++) {
        if (at >= keys->count)
            at = 0;
        if (is_key(&keys->key[at], name, length)) {
            *hint = at + 1;
            return (int)at;
        }
    }
    return -1;
}

int import_find_key(const struct import_keys *keys, const struct tcore_value *name, unsigned *hint)
{
    char camel[48];
    int key = find(keys, name->s, name->len, hint);
    if (key < 0) {
        size_t length = camel_case(name, camel, sizeof(camel));
        if (length)
            key = find(keys, camel, length, hint);
    }
    return key;
}

/* Whether leaving out the value loses nothing: protobuf's defaults. */
static bool is_default(const struct tcore_json_node *node)
{
    switch (node->value.kind) {
    case TCORE_NULL:
    case TCORE_FALSE:
        return true;
    case TCORE_INT:
        return node->value.i == 0;
    case TCORE_STRING:
        return node->value.len == 0;
    case TCORE_JSON:
        return node->count == 0;
    default:
        return false;
    }
}

void import_collect(struct import_job *job, const struct import_keys *keys, uint32_t node,
                    uint32_t *at)
{
    const struct tcore_json_node *tape = job->json.node;
    unsigned hint = 0;
    memset(at, 0, keys->count * sizeof(*at));
    for (uint32_t k = node + 1; k < tape[node].next; k = tape[k + 1].next) {
        int key = import_find_key(keys, &tape[k].value, &hint);
        if (key >= 0) {
            job->result->counts.duplicate_keys += at[key] != 0;
            at[key] = tape[k + 1].value.kind == TCORE_NULL ? 0 : k + 1;
        } else if (!is_default(&tape[k + 1]))
            import_ignored(job, tape[k].value.s, tape[k].value.len);
    }
}

bool import_int64(const struct import_job *job, uint32_t node, int64_t *i)
{
    const struct tcore_value *v = import_value(job, node);
    if (!node) {
        *i = 0;
        return true;
    }
    if (v->kind == TCORE_STRING)
        return tcore_parse_int64(v->s, v->len, i);
    return tcore_value_int64(v, i);
}

static const char *const kind_names[] = {"unspecified", "internal", "server",
                                         "client",      "producer", "consumer"};
const struct import_enum import_span_kind = {"SPAN_KIND_", kind_names, 6, "kind"};
static const char *const status_names[] = {"unset", "ok", "error"};
const struct import_enum import_status_code = {"STATUS_CODE_", status_names, 3, "status"};

bool import_enum(const struct import_job *job, uint32_t node, const struct import_enum *known,
                 int64_t *number)
{
    const struct tcore_value *v = import_value(job, node);
    if (import_int64(job, node, number))
        return *number >= 0 && *number < known->count;
    if (v->kind != TCORE_STRING)
        return false;
    size_t skip = strlen(known->prefix);
    if (v->len < skip || strncasecmp(v->s, known->prefix, skip) != 0)
        skip = 0;
    for (*number = 0; *number < known->count; ++*number)
        if (strlen(known->names[*number]) == v->len - skip &&
            strncasecmp(known->names[*number], v->s + skip, v->len - skip) == 0)
            return true;
    return false;
}

void import_put_int64(struct tcore_buf *out, int64_t i)
{
    char text[TCORE_NUMBER_BYTES];
    tcore_buf_append(out, text, tcore_format_int64(text, i));
}

/* Whether text is the canonical form of an integer. */
static bool is_integer(const char *s, size_t length)
{
    size_t i = length && s[0] == '-';
    if (i == length || (s[i] == '0' && length > 1))
        return false;
    for (; i < length; i++)
        if (s[i] < '0' || s[i] > '9')
            return false;
    return true;
}

bool import_put_integer(const struct import_job *job, struct tcore_buf *out, uint32_t node)
{
    const struct tcore_value *v = import_value(job, node);
    bool text = v->kind == TCORE_STRING || v->kind == TCORE_NUMBER;
    int64_t i;
    if (text && is_integer(v->s, v->len))
        tcore_buf_append(out, v->s, v->len);
    else if (import_int64(job, node, &i))
        import_put_int64(out, i);
    else
        return false;
    return true;
}

static void put_literal(struct tcore_buf *out, const char *s, size_t length)
{
    tcore_buf_append(out, s, length);
    for (size_t i = 0; i < length; i++)
        if (s[i] == '.' || s[i] == 'e' || s[i] == 'E')
            return;
    PUT(out, ".0");
}

/* The words that JSON has no number for, with protobuf's and others' spelling of them. */
static const char *not_finite(const struct tcore_value *v)
{
    static const struct {
        const char *text, *word;
    } words[] = {
        {"NaN", "\"NaN\""},        {"nan", "\"NaN\""},        {"Infinity", "\"Infinity\""},
        {"inf", "\"Infinity\""},   {"+Inf", "\"Infinity\""},  {"Inf", "\"Infinity\""},
        {"-Inf", "\"-Infinity\""}, {"-inf", "\"-Infinity\""}, {"-Infinity", "\"-Infinity\""}};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (strlen(words[i].text) == v->len && memcmp(words[i].text, v->s, v->len) == 0)
            return words[i].word;
    return NULL;
}

bool import_put_double(const struct import_job *job, struct tcore_buf *out, uint32_t node,
                       bool *finite)
{
    const struct tcore_value *v = import_value(job, node);
    const char *word;
    bool unused;
    double d;
    if (!finite)
        finite = &unused;
    *finite = true;
    switch (v->kind) {
    case TCORE_DOUBLE:
        *finite = v->d - v->d == 0;
        tcore_json_write_value(out, v);
        return true;
    case TCORE_INT:
        import_put_int64(out, v->i);
        PUT(out, ".0");
        return true;
    case TCORE_NUMBER:
        put_literal(out, v->s, v->len);
        return true;
    case TCORE_NULL:
        *finite = false;
        PUT(out, "\"NaN\"");
        return true;
    case TCORE_STRING:
        word = not_finite(v);
        if (word) {
            *finite = false;
            tcore_buf_puts(out, word);
            return true;
        }
        if (!tcore_parse_double(v->s, v->len, &d))
            return false;
        put_literal(out, v->s, v->len);
        return true;
    default:
        return false;
    }
}

void import_put_scaled(struct tcore_buf *out, const struct tcore_value *v, int64_t exponent)
{
    char digits[TCORE_NUMBER_BYTES];
    const char *text = v->s, *mark;
    size_t length = v->len;
    int64_t own = 0;
    if (v->kind == TCORE_INT) {
        length = tcore_format_int64(digits, v->i);
        text = digits;
    }
    for (mark = text; mark < text + length && *mark != 'e' && *mark != 'E';)
        mark++;
    if (mark < text + length) {
        const char *sign = mark + 1 + (mark[1] == '+');
        if (!tcore_parse_int64(sign, (size_t)(text + length - sign), &own) || own > 10000 ||
            own < -10000) /* no double is there */
            own = own < 0 ? -10000 : 10000;
        length = (size_t)(mark - text);
    }
    tcore_buf_append(out, text, length);
    tcore_buf_putc(out, 'e');
    import_put_int64(out, own + exponent);
}
