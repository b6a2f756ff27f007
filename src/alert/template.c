/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "alert/template.h"

void template_expand(const char *text,
                     void (*put)(const void *data, const char *name, size_t length,
                                 struct tcore_buf *out),
                     const void *data, struct tcore_buf *out)
{
    for (const char *at = text; *at; at++) {
        if ((*at == '{' || *at == '}') && at[1] == *at) {
            tcore_buf_putc(out, *at++);
        } else if (*at == '{') {
            size_t length = strcspn(at + 1, "}");

            put(data, at + 1, length, out);
            at += length + 1;
        } else {
            tcore_buf_putc(out, *at);
        }
    }
}

void template_put_of_alert(const void *data, const char *name, size_t length, struct tcore_buf *out)
{
    const struct tcore_json *alert = data;
    uint32_t labels = tcore_json_find(alert, 0, "labels");
    uint32_t annotations = tcore_json_find(alert, 0, "annotations");
    uint32_t found = labels ? tcore_json_find_n(alert, labels, name, length) : 0;

    if (!found && annotations)
        found = tcore_json_find_n(alert, annotations, name, length);
    if (!found)
        found = tcore_json_find_n(alert, 0, name, length);
    if (!found)
        return;
    const struct tcore_value *value = &alert->node[found].value;

    if (value->kind == TCORE_STRING)
        tcore_buf_append(out, value->s, value->len);
    else
        tcore_json_write_value(out, value);
}
