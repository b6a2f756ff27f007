/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text of a span that was moved. The attribute goes into the text, so that it has its place
 * wherever the record is made canonical; times are put into the parsed nodes. */
#include <config.h>

#include "span/skew/skew.h"

#include "model/number.h"

#include <inttypes.h>

static bool time_at(const struct tcore_json *json, uint32_t at, int64_t *ns)
{
    const struct tcore_value *value = &json->node[at].value;
    return at && (value->kind == TCORE_STRING ? tcore_parse_int64(value->s, value->len, ns)
                                              : tcore_value_int64(value, ns));
}

int64_t skew_moved_ns(const struct tcore_stored_text *row, const struct tcore_json *json)
{
    const struct tcore_trace_span *span = &row->stored.span;
    bool start = span->flags & TCORE_SPAN_HAS_START;
    int64_t ns;
    if (!(span->flags & TCORE_SPAN_MOVED) ||
        !time_at(json, tcore_json_find(json, 0, start ? "startTimeUnixNano" : "endTimeUnixNano"),
                 &ns))
        return 0;
    return (start ? span->start_ns : span->end_ns) - ns;
}

/* A time that would be beyond an int64 stays. */
static void move_time(struct tcore_json *json, uint32_t object, const char *key, int64_t by_ns)
{
    uint32_t at = tcore_json_find(json, object, key);
    int64_t ns;
    if (time_at(json, at, &ns) && !__builtin_add_overflow(ns, by_ns, &ns))
        json->node[at].value = tcore_value_int(ns);
}

static void move_times(struct tcore_json *json, int64_t by_ns)
{
    uint32_t events = tcore_json_find(json, 0, "events");
    move_time(json, 0, "startTimeUnixNano", by_ns);
    move_time(json, 0, "endTimeUnixNano", by_ns);
    if (!events || !tcore_json_is_array(&json->node[events]))
        return;
    for (uint32_t e = events + 1; e < json->node[events].next; e = json->node[e].next)
        move_time(json, e, "timeUnixNano", by_ns);
}

/* The row's text with the attribute; of one that has it already the last counts. */
static void put_attribute(const struct tcore_stored_text *row, const struct tcore_json *json,
                          int64_t by_ns, struct tcore_buf *text)
{
    uint32_t attributes = tcore_json_find(json, 0, "attributes");
    bool has = attributes && tcore_json_is_object(&json->node[attributes]);
    const struct tcore_value *place = &json->node[has ? attributes : 0].value;
    size_t end = (size_t)(place->s - row->text) + place->len - 1; /* the closing brace */
    int64_t before;
    if (has && time_at(json, tcore_json_find(json, attributes, SKEW_ATTRIBUTE), &before) &&
        __builtin_add_overflow(before, by_ns, &by_ns))
        by_ns = before;
    tcore_buf_clear(text);
    tcore_buf_append(text, row->text, end);
    if (!has)
        tcore_buf_puts(text, ",\"attributes\":{");
    else if (json->node[attributes].count)
        tcore_buf_putc(text, ',');
    tcore_buf_printf(text, "\"" SKEW_ATTRIBUTE "\":%" PRId64 "%s", by_ns, has ? "" : "}");
    tcore_buf_append(text, row->text + end, row->text_length - end);
}

enum tcore_status skew_parse(const struct tcore_stored_text *row, struct tcore_buf *text,
                             struct tcore_json *json, struct tcore_error *err)
{
    enum tcore_status status = tcore_json_parse(json, row->text, row->text_length, err);
    int64_t by_ns = status == TCORE_OK ? skew_moved_ns(row, json) : 0;
    if (!by_ns)
        return status;
    put_attribute(row, json, by_ns, text);
    status = tcore_buf_status(text, err);
    if (status == TCORE_OK)
        status = tcore_json_parse(json, text->data, text->length, err);
    if (status == TCORE_OK)
        move_times(json, by_ns);
    return status;
}
