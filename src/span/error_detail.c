/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/error_detail.h"

#include <string.h>

static struct tcore_slice string_at(const struct tcore_json *json, uint32_t object, const char *key)
{
    uint32_t at = object ? tcore_json_find(json, object, key) : 0;
    if (!at || json->node[at].value.kind != TCORE_STRING || !json->node[at].value.len)
        return (struct tcore_slice){0};
    return (struct tcore_slice){json->node[at].value.s, json->node[at].value.len};
}

static struct tcore_slice top(const struct tcore_json *json, const char *key)
{
    uint32_t at = tcore_json_find(json, 0, key);
    if (!at || json->node[at].value.kind != TCORE_STRING || !json->node[at].value.len)
        return (struct tcore_slice){0};
    return (struct tcore_slice){json->node[at].value.s, json->node[at].value.len};
}

static bool equals(struct tcore_slice text, const char *wanted)
{
    return text.length == strlen(wanted) && !memcmp(text.data, wanted, text.length);
}

static struct tcore_slice first_of(struct tcore_slice a, struct tcore_slice b)
{
    return a.data ? a : b;
}

static bool tells_of_exception(const struct tcore_json *json, uint32_t event, uint32_t attributes)
{
    struct tcore_slice name = string_at(json, event, "name");
    if (!attributes)
        return false;
    return equals(name, "exception") || equals(name, "error") ||
           equals(string_at(json, attributes, "event"), "error");
}

/* The attributes of the last event that tells of an exception; 0: there is none. *event: the
 * event. */
static uint32_t find_exception(const struct tcore_json *json, uint32_t *event)
{
    uint32_t events = tcore_json_find(json, 0, "events"), found = 0;
    if (!events || !tcore_json_is_array(&json->node[events]))
        return found;
    for (uint32_t e = events + 1; e < json->node[events].next; e = json->node[e].next) {
        uint32_t attributes = tcore_json_find(json, e, "attributes");
        if (tells_of_exception(json, e, attributes)) {
            found = attributes;
            *event = e;
        }
    }
    return found;
}

/* The status code of a protocol, as its text: the type of an error that has no other. */
static struct tcore_slice status_code(const struct tcore_json *json, uint32_t attributes,
                                      char *digits)
{
    static const char *const keys[] = {"http.response.status_code", "http.status_code",
                                       "rpc.grpc.status_code", "rpc.response.status_code",
                                       "db.response.status_code"};
    int64_t code;
    for (size_t i = 0; attributes && i < sizeof keys / sizeof *keys; i++) {
        uint32_t at = tcore_json_find(json, attributes, keys[i]);
        if (at && tcore_value_int64(&json->node[at].value, &code))
            return (struct tcore_slice){digits, tcore_format_int64(digits, code)};
        struct tcore_slice text = string_at(json, attributes, keys[i]);
        if (text.data)
            return text;
    }
    return (struct tcore_slice){0};
}

static bool time_at(const struct tcore_json *json, uint32_t object, int64_t *ns)
{
    uint32_t at = tcore_json_find(json, object, "timeUnixNano");
    if (!at)
        return false;
    const struct tcore_value *time = &json->node[at].value;
    return time->kind == TCORE_STRING ? tcore_parse_int64(time->s, time->len, ns)
                                      : tcore_value_int64(time, ns);
}

/* What the attributes of an exception say, of an event or of the record itself. */
static void read_exception(const struct tcore_json *json, uint32_t at, bool event,
                           struct error_detail *detail)
{
    struct tcore_slice type = string_at(json, at, "exception.type");
    struct tcore_slice message = string_at(json, at, "exception.message");
    struct tcore_slice stack = string_at(json, at, "exception.stacktrace");
    if (event) { /* OpenTracing's keys are too common to mean that among a span's own */
        type = first_of(type, string_at(json, at, "error.kind"));
        message = first_of(message, string_at(json, at, "message"));
        message = first_of(message, string_at(json, at, "error.object"));
        stack = first_of(stack, string_at(json, at, "stack"));
    }
    detail->exception |= event || type.data || stack.data;
    detail->type = first_of(detail->type, type);
    detail->message = first_of(detail->message, message);
    detail->stack = first_of(detail->stack, stack);
}

void error_detail_read(const struct tcore_json *json, struct error_detail *detail)
{
    uint32_t event = 0, exception = find_exception(json, &event);
    uint32_t attributes = tcore_json_find(json, 0, "attributes");
    *detail = (struct error_detail){.type = string_at(json, attributes, "error.type"),
                                    .message = top(json, "statusMessage")};
    detail->code = status_code(json, attributes, detail->digits);
    if (exception)
        read_exception(json, exception, true, detail);
    read_exception(json, attributes, false, detail);
    detail->type = first_of(detail->type, detail->code);
    detail->message = first_of(detail->message, top(json, "body"));
    detail->has_time = time_at(json, event, &detail->time_ns);
}
