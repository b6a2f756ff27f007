/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text of an error's group. */
#include <config.h>

#include "span/error_groups.h"

#include "cli/template.h"

#include <inttypes.h>
#include <string.h>

#define LINE_MOST    4096 /* bytes of a message that are looked at */
#define MESSAGE_MOST 256  /* of its template that count */

/* At most so many bytes of it, and no part of a character. */
static struct tcore_slice cut(struct tcore_slice text, size_t most)
{
    if (text.length > most)
        for (text.length = most; text.length; text.length--)
            if (((unsigned char)text.data[text.length] & 0xc0) != 0x80)
                break;
    return text;
}

static struct tcore_slice first_line(struct tcore_slice message)
{
    const char *newline = message.length ? memchr(message.data, '\n', message.length) : NULL;
    if (newline)
        message.length = (size_t)(newline - message.data);
    return cut(message, LINE_MOST);
}

/* Appends the template of a name or a message as a JSON string. */
static void put_template(struct tcore_buf *out, struct tcore_slice text, bool message)
{
    struct tcore_buf template = {0};
    if (message)
        template_message(&template, first_line(text));
    else
        template_name(&template, text);
    struct tcore_slice made = {template.data ? template.data : "", template.length};
    made = message ? cut(made, MESSAGE_MOST) : made;
    tcore_json_write_string(out, made.data, made.length);
    out->failed |= template.failed;
    tcore_buf_free(&template);
}

static bool put_string(struct tcore_buf *out, struct tcore_slice text)
{
    if (text.data)
        tcore_json_write_string(out, text.data, text.length);
    return text.data;
}

static bool put_message(struct tcore_buf *out, struct tcore_slice message)
{
    if (message.data)
        put_template(out, message, true);
    return message.data;
}

static bool put_stack(struct tcore_buf *out, struct tcore_slice stack)
{
    uint64_t fingerprint = stack.data ? error_stack_fingerprint(stack, NULL) : 0;
    if (fingerprint)
        tcore_buf_printf(out, "\"%016" PRIx64 "\"", fingerprint);
    return fingerprint;
}

/* Appends the value of a field of --by; false: it has none. */
static bool put_value(struct cli_field *field, const struct error_source *source,
                      struct tcore_buf *out)
{
    const struct error_detail *detail = source->detail;
    struct tcore_value value = {0};
    if (strcmp(field->name, "service") == 0)
        return put_string(out, source->service);
    if (strcmp(field->name, "name") == 0) {
        if (source->name.data)
            put_template(out, source->name, false);
        return source->name.data;
    }
    if (strcmp(field->name, "errorType") == 0)
        return put_string(out, detail->type);
    if (strcmp(field->name, "statusCode") == 0)
        return put_string(out, detail->code);
    if (strcmp(field->name, "message") == 0)
        return put_message(out, detail->message);
    if (strcmp(field->name, "stack") == 0)
        return put_stack(out, detail->stack);
    if (source->record)
        value = cli_fields_get(field, source->record);
    if (value.kind != TCORE_ABSENT)
        tcore_json_write_value(out, &value);
    return value.kind != TCORE_ABSENT;
}

enum tcore_status error_key_write(struct error_groups *groups, const struct error_source *source,
                                  struct tcore_error *err)
{
    struct tcore_buf *text = &groups->text;
    bool first = true;
    tcore_buf_clear(text);
    tcore_buf_putc(text, '{');
    for (size_t i = 0; i < groups->fields.count; i++) {
        struct cli_field *field = &groups->fields.field[i];
        size_t before = text->length;
        tcore_buf_puts(text, first ? "" : ",");
        tcore_json_write_string(text, field->name, field->name_length);
        tcore_buf_putc(text, ':');
        if (put_value(field, source, text)) {
            field->seen = true;
            first = false;
        } else {
            text->length = before;
        }
    }
    tcore_buf_putc(text, '}');
    return tcore_buf_status(text, err);
}

void error_key_put_operation(struct tcore_buf *out, struct tcore_slice service,
                             struct tcore_slice name)
{
    tcore_buf_puts(out, service.data ? "{\"service\":" : "{");
    put_string(out, service);
    if (name.data) {
        tcore_buf_puts(out, service.data ? ",\"name\":" : "\"name\":");
        put_template(out, name, false);
    }
    tcore_buf_putc(out, '}');
}
