/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/carrier.h"

#include "base/sys.h"
#include "c-ctype.h"
#include "model/json.h"

#include <string.h>
#include <unistd.h>

enum carrier_kind carrier_kind_find(const char *name)
{
    if (strcmp(name, "headers") == 0)
        return CARRIER_HEADERS;
    return strcmp(name, "json") == 0 ? CARRIER_JSON : CARRIER_ENV;
}

void carrier_free(struct carrier *carrier)
{
    tcore_free(carrier->fields);
    tcore_arena_free(&carrier->arena);
    *carrier = (struct carrier){0};
}

static char lower(char c)
{
    return c_tolower(c);
}

bool carrier_add(struct carrier *carrier, struct tcore_slice name, struct tcore_slice value)
{
    if (carrier->count == carrier->capacity) {
        size_t n = carrier->capacity ? 2 * carrier->capacity : 16;
        void *fields = tcore_reallocarray(carrier->fields, n, sizeof *carrier->fields);
        if (!fields)
            return false;
        carrier->fields = fields;
        carrier->capacity = n;
    }
    char *own_name = tcore_arena_copy(&carrier->arena, name.data, name.length);
    char *own_value = tcore_arena_copy(&carrier->arena, value.data, value.length);
    if (!own_name || !own_value)
        return false;
    for (size_t i = 0; i < name.length; i++)
        own_name[i] = lower(own_name[i]);
    carrier->fields[carrier->count++] =
        (struct carrier_field){{own_name, name.length}, {own_value, value.length}};
    return true;
}

/* --- Looking up */

/* Whether it is a field of that name that holds anything. */
static bool is_named(const struct carrier_field *field, const char *name)
{
    size_t length = strlen(name);
    return field->value.length && field->name.length == length &&
           !memcmp(field->name.data, name, length);
}

static struct tcore_slice join(struct carrier *carrier, const char *name)
{
    struct tcore_buf joined = {0};
    for (size_t i = 0; i < carrier->count; i++) {
        const struct tcore_slice *value = &carrier->fields[i].value;
        if (!is_named(&carrier->fields[i], name))
            continue;
        tcore_buf_puts(&joined, joined.length ? "," : "");
        tcore_buf_append(&joined, value->data, value->length);
    }
    struct tcore_slice all = {NULL, joined.length};
    if (!joined.failed)
        all.data = tcore_arena_copy(&carrier->arena, joined.data, joined.length);
    tcore_buf_free(&joined);
    return all;
}

struct tcore_slice carrier_find(struct carrier *carrier, const char *name, bool joined, bool *many)
{
    struct tcore_slice found = {0};
    size_t count = 0;
    for (size_t i = 0; i < carrier->count; i++)
        if (is_named(&carrier->fields[i], name) && count++ == 0)
            found = carrier->fields[i].value;
    if (count > 1 && joined)
        return join(carrier, name);
    if (count > 1) {
        *many = true;
        return (struct tcore_slice){0};
    }
    return found;
}

/* --- Reading */

static struct tcore_slice trim(const char *from, const char *to)
{
    while (from < to && (*from == ' ' || *from == '\t'))
        from++;
    while (to > from && (to[-1] == ' ' || to[-1] == '\t' || to[-1] == '\r'))
        to--;
    return (struct tcore_slice){from, (size_t)(to - from)};
}

/* A variable as a field: NAME_X=value is name-x. Names are in upper case, and one in another case
 * is another variable. */
static bool add_variable(struct carrier *carrier, const char *text, size_t length)
{
    const char *equals = memchr(text, '=', length);
    if (!equals)
        return true;
    size_t name_length = (size_t)(equals - text);
    for (size_t i = 0; i < name_length; i++)
        if (c_islower(text[i]))
            return true;
    char *name = tcore_arena_copy(&carrier->arena, text, name_length);
    if (!name)
        return false;
    for (size_t i = 0; i < name_length; i++)
        if (name[i] == '_')
            name[i] = '-';
    return carrier_add(carrier, (struct tcore_slice){name, name_length},
                       trim(equals + 1, text + length));
}

bool carrier_read_environment(struct carrier *carrier)
{
    for (char **variable = environ; *variable; variable++)
        if (!add_variable(carrier, *variable, strlen(*variable)))
            return false;
    return true;
}

static bool add_header(struct carrier *carrier, const char *text, size_t length)
{
    const char *colon = memchr(text, ':', length);
    if (!colon)
        return true; /* a request or status line */
    return carrier_add(carrier, trim(text, colon), trim(colon + 1, text + length));
}

static enum tcore_status read_lines(struct carrier *carrier, enum carrier_kind kind,
                                    const char *text, size_t length, struct tcore_error *err)
{
    const char *end = text + length;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *line_end = newline ? newline : end;
        struct tcore_slice line = trim(text, line_end);
        if (!line.length && kind == CARRIER_HEADERS)
            break; /* the body follows */
        bool good = kind == CARRIER_HEADERS ? add_header(carrier, line.data, line.length)
                                            : add_variable(carrier, line.data, line.length);
        if (!good)
            return tcore_error_nomem(err);
        text = line_end + 1;
    }
    return TCORE_OK;
}

static enum tcore_status read_object(struct carrier *carrier, const char *text, size_t length,
                                     struct tcore_error *err)
{
    struct tcore_json json = {0};
    enum tcore_status status = tcore_json_parse(&json, text, length, err);
    if (status == TCORE_OK && !tcore_json_is_object(&json.node[0]))
        status = tcore_error_set(err, TCORE_BAD_INPUT, "not a JSON object");
    else if (status == TCORE_SKIP)
        status = TCORE_BAD_INPUT;
    for (uint32_t k = 1; status == TCORE_OK && k < json.node[0].next; k = json.node[k + 1].next) {
        const struct tcore_value *name = &json.node[k].value, *value = &json.node[k + 1].value;
        if (value->kind == TCORE_STRING &&
            !carrier_add(carrier, (struct tcore_slice){name->s, name->len},
                         trim(value->s, value->s + value->len)))
            status = tcore_error_nomem(err);
    }
    tcore_json_free(&json);
    return status;
}

enum tcore_status carrier_read(struct carrier *carrier, enum carrier_kind kind, const char *text,
                               size_t length, struct tcore_error *err)
{
    return kind == CARRIER_JSON ? read_object(carrier, text, length, err)
                                : read_lines(carrier, kind, text, length, err);
}

/* --- Writing */

/* In upper case, an underscore for what names of variables do not have. */
static void write_variable_name(struct tcore_slice name, struct tcore_buf *out)
{
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        bool is_letter = c_islower(c), is_digit = c_isdigit(c);
        tcore_buf_putc(out, is_letter ? (char)(c - 'a' + 'A') : is_digit ? c : '_');
    }
}

void carrier_write(const struct carrier *carrier, enum carrier_kind kind, struct tcore_buf *out)
{
    tcore_buf_puts(out, kind == CARRIER_JSON ? "{" : "");
    for (size_t i = 0; i < carrier->count; i++) {
        const struct carrier_field *field = &carrier->fields[i];
        if (kind == CARRIER_JSON) {
            tcore_buf_puts(out, i ? "," : "");
            tcore_json_write_string(out, field->name.data, field->name.length);
            tcore_buf_putc(out, ':');
            tcore_json_write_string(out, field->value.data, field->value.length);
            continue;
        }
        if (kind == CARRIER_ENV)
            write_variable_name(field->name, out);
        else
            tcore_buf_append(out, field->name.data, field->name.length);
        tcore_buf_puts(out, kind == CARRIER_ENV ? "=" : ": ");
        tcore_buf_append(out, field->value.data, field->value.length);
        tcore_buf_putc(out, '\n');
    }
    tcore_buf_puts(out, kind == CARRIER_JSON ? "}\n" : "");
}
