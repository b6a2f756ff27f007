/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers of receivers: Export...ServiceResponse and google.rpc.Status, in JSON or protobuf. */
#include <config.h>

#include "record/export/delivery.h"

#include "model/json.h"
#include "model/number.h"
#include "stream/wire.h"

#include <string.h>
#include <strings.h>

#define TEXT_BYTES ((size_t)200)

static bool is_type(const struct http_reply *reply, const char *type)
{
    size_t length = strlen(type);
    return !strncasecmp(reply->content_type, type, length) &&
           strchr("; \t", reply->content_type[length]);
}

static void put_text(struct tcore_buf *out, const char *text, size_t length)
{
    tcore_buf_append(out, text, length < TEXT_BYTES ? length : TEXT_BYTES);
}

/* --- protobuf: of a message one field that is a number, and one that is a text or message --- */

/* The last text or message in the field of that number, and the number in field 1. */
static struct tcore_slice find_field(const char *at, size_t length, unsigned number,
                                     uint64_t *first)
{
    const char *end = at + length, *reason;
    struct tcore_slice found = {0};
    struct tcore_wire_record r;
    while (at < end && tcore_wire_next(&at, end, &r, &reason)) {
        if (r.type == TCORE_WIRE_VARINT && r.number == 1 && first)
            *first = r.value;
        if (r.type == TCORE_WIRE_BYTES && r.number == number)
            found = (struct tcore_slice){r.data, r.length};
    }
    return found;
}

static void partial_of_protobuf(const struct tcore_buf *body, uint64_t *refused,
                                struct tcore_buf *text)
{
    struct tcore_slice partial = find_field(body->data, body->length, 1, NULL);
    if (!partial.length)
        return;
    struct tcore_slice message = find_field(partial.data, partial.length, 2, refused);
    put_text(text, message.data, message.length);
}

/* --- JSON --- */

static uint32_t find_member(const struct tcore_json *json, uint32_t node, const char *camel,
                            const char *snake)
{
    uint32_t found = tcore_json_find(json, node, camel);
    return found ? found : tcore_json_find(json, node, snake);
}

static void partial_of_json(const struct tcore_json *json, enum otlp_signal signal,
                            uint64_t *refused, struct tcore_buf *text)
{
    static const char *const counts[OTLP_SIGNALS][2] = {
        {"rejectedSpans", "rejected_spans"},
        {"rejectedDataPoints", "rejected_data_points"},
        {"rejectedLogRecords", "rejected_log_records"}};
    int64_t count;
    uint32_t partial = find_member(json, 0, "partialSuccess", "partial_success");
    if (!partial)
        return;
    uint32_t node = find_member(json, partial, counts[signal][0], counts[signal][1]);
    const struct tcore_value *v = &json->node[node].value;
    if (node && (v->kind == TCORE_STRING ? tcore_parse_int64(v->s, v->len, &count)
                                         : tcore_value_int64(v, &count)))
        *refused = count > 0 ? (uint64_t)count : 0;
    node = find_member(json, partial, "errorMessage", "error_message");
    if (node && json->node[node].value.kind == TCORE_STRING)
        put_text(text, json->node[node].value.s, json->node[node].value.len);
}

void delivery_partial(const struct http_reply *reply, enum otlp_signal signal, uint64_t *refused,
                      struct tcore_buf *text)
{
    struct tcore_json json = {0};
    *refused = 0;
    if (is_type(reply, "application/x-protobuf"))
        partial_of_protobuf(&reply->body, refused, text);
    else if (reply->body.length &&
             tcore_json_parse(&json, reply->body.data, reply->body.length, NULL) == TCORE_OK)
        partial_of_json(&json, signal, refused, text);
    tcore_json_free(&json);
}

void delivery_message(const struct http_reply *reply, struct tcore_buf *text)
{
    const struct tcore_buf *body = &reply->body;
    struct tcore_json json = {0};
    uint32_t node = 0;
    if (is_type(reply, "application/x-protobuf")) {
        struct tcore_slice message = find_field(body->data, body->length, 2, NULL);
        put_text(text, message.data, message.length);
    } else if (body->length &&
               tcore_json_parse(&json, body->data, body->length, NULL) == TCORE_OK &&
               (node = tcore_json_find(&json, 0, "message")) &&
               json.node[node].value.kind == TCORE_STRING) {
        put_text(text, json.node[node].value.s, json.node[node].value.len);
    } else if (is_type(reply, "text/plain")) {
        const char *newline = body->length ? memchr(body->data, '\n', body->length) : NULL;
        put_text(text, body->data, newline ? (size_t)(newline - body->data) : body->length);
    }
    tcore_json_free(&json);
}
