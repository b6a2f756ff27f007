/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Spans, metrics and logs as trace events. */
#include <config.h>

#include "record/export/chrome.h"
#include "record/export/tags.h"

#include <string.h>

void chrome_put_time(struct tcore_buf *out, const char *label, int64_t ns)
{
    export_put_int(out, label, ns / 1000);
    if (ns % 1000)
        tcore_buf_printf(out, ".%03d", (int)(ns % 1000));
}

/* --- arguments --- */

static void put_comma(struct tcore_buf *out)
{
    if (out->length && out->data[out->length - 1] != '{')
        tcore_buf_putc(out, ',');
}

static void put_argument(struct export_record *record, struct tcore_buf *out, const char *label,
                         uint32_t node)
{
    if (!node)
        return;
    put_comma(out);
    export_put_string(record, out, label, node);
}

/* Of several arguments of one name readers see one: that of a field. */
static const struct export_key span_arguments[] = {EXPORT_KEY("traceId"), EXPORT_KEY("spanId"),
                                                   EXPORT_KEY("parentSpanId"), EXPORT_KEY("status"),
                                                   EXPORT_KEY("statusMessage")};
static const struct export_key log_arguments[] = {EXPORT_KEY("traceId"), EXPORT_KEY("spanId"),
                                                  EXPORT_KEY("severity"), EXPORT_KEY("eventName")};
static const struct export_keys span_fields = {span_arguments, 5}, log_fields = {log_arguments, 4},
                                no_fields = {NULL, 0};

/* The attributes; fields: names of arguments beside them. */
static void put_map(struct export_record *record, struct tcore_buf *out, uint32_t map,
                    const struct export_keys *fields)
{
    const struct tcore_json_node *tape = record->json.node;
    for (uint32_t k = map + 1; map && k < tape[map].next; k = tape[k + 1].next) {
        if (export_key_number(record, k, fields) >= 0) {
            export_lost(record, "attributes with names that stand for fields");
            continue;
        }
        put_comma(out);
        tcore_json_write_value(out, &tape[k].value);
        tcore_buf_putc(out, ':');
        tcore_json_write_value(out, &tape[k + 1].value);
    }
}

static void put_service(struct export_record *record, struct tcore_buf *out, uint32_t service,
                        uint32_t resource)
{
    uint32_t said = export_service(record, service, resource);
    if (said)
        tcore_json_write_value(out, export_value(record, said));
    tcore_buf_putc(out, '\n');
}

static void lose(struct export_record *record, uint32_t node, const char *name)
{
    if (node)
        export_lost(record, name);
}

/* Of the resource only the service has a place. */
static void lose_resource(struct export_record *record, uint32_t resource)
{
    uint32_t name = resource ? tcore_json_find(&record->json, resource, "service.name") : 0;
    if (resource && record->json.node[resource].count > (name != 0))
        export_lost(record, "resource");
}

/* --- spans --- */

static void put_slice(struct export_record *record, const uint32_t *at, struct tcore_buf *out,
                      int64_t start_ns)
{
    int64_t end_ns, duration_ns;
    export_put_string(record, out, "\"ph\":\"X\",\"name\":", at[SPAN_NAME]);
    if (at[SPAN_KIND])
        export_put_string(record, out, ",\"cat\":", at[SPAN_KIND]);
    chrome_put_time(out, ",\"ts\":", start_ns);
    if (export_int64(record, at[SPAN_END], &end_ns) && end_ns >= start_ns)
        chrome_put_time(out, ",\"dur\":", end_ns - start_ns);
    else if (export_int64(record, at[SPAN_DURATION], &duration_ns) && duration_ns >= 0)
        chrome_put_time(out, ",\"dur\":", duration_ns);
    else
        lose(record, at[SPAN_END], "endTimeUnixNano");
    tcore_buf_puts(out, ",\"args\":{");
    put_map(record, out, at[SPAN_ATTRIBUTES], &span_fields);
    put_argument(record, out, "\"traceId\":", at[SPAN_TRACE]);
    put_argument(record, out, "\"spanId\":", at[SPAN_SPAN]);
    put_argument(record, out, "\"parentSpanId\":", at[SPAN_PARENT]);
    put_argument(record, out, "\"status\":", at[SPAN_STATUS]);
    put_argument(record, out, "\"statusMessage\":", at[SPAN_MESSAGE]);
    tcore_buf_puts(out, "}\n");
}

static void put_instants(struct export_record *record, uint32_t list, struct tcore_buf *out)
{
    const struct tcore_json_node *tape = record->json.node;
    for (uint32_t e = list + 1; list && e < tape[list].next; e = tape[e].next) {
        uint32_t at[EVENT_COUNT];
        int64_t ns;
        export_collect(record, &export_event_keys, e, "events", at);
        lose(record, at[EVENT_DROPPED], "events.droppedAttributesCount");
        if (!export_time(record, at[EVENT_TIME], "events (without a time)", &ns)) {
            export_lost(record, "events (without a time)");
            continue;
        }
        if (at[EVENT_NAME])
            export_put_string(record, out, "\"ph\":\"i\",\"s\":\"t\",\"name\":", at[EVENT_NAME]);
        else
            tcore_buf_puts(out, "\"ph\":\"i\",\"s\":\"t\",\"name\":\"\"");
        chrome_put_time(out, ",\"ts\":", ns);
        tcore_buf_puts(out, ",\"args\":{");
        put_map(record, out, at[EVENT_ATTRIBUTES], &no_fields);
        tcore_buf_puts(out, "}\n");
    }
}

static bool same_trace(const struct export_record *record, uint32_t a, uint32_t b)
{
    const struct tcore_value *x = export_value(record, a), *y = export_value(record, b);
    return !a || (x->len == y->len && !memcmp(x->s, y->s, x->len));
}

static void put_links(struct export_record *record, const uint32_t *span, struct tcore_buf *out)
{
    const struct tcore_json_node *tape = record->json.node;
    uint32_t list = span[SPAN_LINKS];
    for (uint32_t e = list + 1; list && e < tape[list].next; e = tape[e].next) {
        uint32_t at[LINK_COUNT];
        export_collect(record, &export_link_keys, e, "links", at);
        lose(record, at[LINK_ATTRIBUTES], "links.attributes");
        lose(record, at[LINK_STATE], "links.traceState");
        lose(record, at[LINK_FLAGS], "links.flags");
        lose(record, at[LINK_DROPPED], "links.droppedAttributesCount");
        if (!at[LINK_SPAN] || !same_trace(record, at[LINK_TRACE], span[SPAN_TRACE])) {
            export_lost(record, CHROME_LINKS);
            continue;
        }
        const struct tcore_value *id = export_value(record, at[LINK_SPAN]);
        tcore_buf_putc(out, 'L');
        tcore_buf_append(out, id->s, id->len);
        tcore_buf_putc(out, '\n');
    }
}

void chrome_span(struct export_record *record, const uint32_t *at, struct tcore_buf *out)
{
    static const uint8_t lost[] = {
        SPAN_SCOPE,          SPAN_STATE,         SPAN_FLAGS, SPAN_DROPPED_ATTRIBUTES,
        SPAN_DROPPED_EVENTS, SPAN_DROPPED_LINKS, SPAN_SCHEMA};
    int64_t start_ns;
    put_service(record, out, at[SPAN_SERVICE], at[SPAN_RESOURCE]);
    if (!export_time(record, at[SPAN_START], "startTimeUnixNano", &start_ns)) {
        export_lost_record(record, "it has no start");
        return;
    }
    put_slice(record, at, out, start_ns);
    put_instants(record, at[SPAN_EVENTS], out);
    put_links(record, at, out);
    lose_resource(record, at[SPAN_RESOURCE]);
    EXPORT_LOSE_MEMBERS(record, &export_span_keys, at, lost);
}

/* --- counters --- */

/* What tells the series of a counter apart, as a JSON string: "a=1,b=x"; import calls the only one
 * value. */
static void put_series(struct export_record *record, uint32_t map, struct tcore_buf *out)
{
    const struct tcore_json_node *tape = record->json.node;
    struct tcore_buf *name = &record->scratch;
    tcore_buf_clear(name);
    for (uint32_t k = map + 1; map && k < tape[map].next; k = tape[k + 1].next) {
        const struct tcore_value *key = &tape[k].value, *v = &tape[k + 1].value;
        tcore_buf_puts(name, name->length ? "," : "");
        tcore_buf_append(name, key->s, key->len);
        tcore_buf_putc(name, '=');
        if (v->kind == TCORE_STRING)
            tcore_buf_append(name, v->s, v->len);
        else
            tcore_json_write_value(name, v);
    }
    if (name->length)
        tcore_json_write_string(out, name->data, name->length);
    else
        tcore_buf_puts(out, "\"value\"");
    out->failed |= name->failed;
}

static void put_counter(struct export_record *record, struct tcore_buf *out)
{
    static const uint8_t lost[] = {
        METRIC_UNIT,  METRIC_TEMPORALITY, METRIC_SCOPE, METRIC_METADATA,    METRIC_MONOTONIC,
        METRIC_START, METRIC_EXEMPLARS,   METRIC_FLAGS, METRIC_DESCRIPTION, METRIC_SCHEMA};
    uint32_t at[METRIC_COUNT];
    int64_t ns;
    export_collect(record, &export_metric_keys, 0, NULL, at);
    if (!export_is_text(record, at[METRIC_NAME])) {
        export_lost_record(record, "it has no name");
        return;
    }
    if (!at[METRIC_VALUE] || !tcore_value_is_number(export_value(record, at[METRIC_VALUE]))) {
        export_lost_record(record, "its value is no number");
        return;
    }
    if (!export_time(record, at[METRIC_TIME], "timeUnixNano", &ns)) {
        export_lost_record(record, "it has no time");
        return;
    }
    put_service(record, out, at[METRIC_SERVICE], at[METRIC_RESOURCE]);
    export_put_string(record, out, "\"ph\":\"C\",\"name\":", at[METRIC_NAME]);
    chrome_put_time(out, ",\"ts\":", ns);
    tcore_buf_puts(out, ",\"args\":{");
    put_series(record, at[METRIC_DIMENSIONS], out);
    export_put_string(record, out, ":", at[METRIC_VALUE]);
    tcore_buf_puts(out, "}\n");
    lose_resource(record, at[METRIC_RESOURCE]);
    if (at[METRIC_KIND] && !export_text_is(record, at[METRIC_KIND], "gauge"))
        export_lost(record, "metricType");
    EXPORT_LOSE_MEMBERS(record, &export_metric_keys, at, lost);
}

/* --- instants --- */

static void put_body(struct export_record *record, uint32_t body, struct tcore_buf *out)
{
    const struct tcore_value *v = export_value(record, body);
    struct tcore_buf *text = &record->scratch;
    tcore_buf_puts(out, "\"ph\":\"i\",\"s\":\"p\",\"name\":");
    tcore_buf_clear(text);
    if (body && v->kind != TCORE_STRING)
        tcore_json_write_value(text, v);
    if (body && v->kind == TCORE_STRING)
        tcore_json_write_value(out, v);
    else
        tcore_json_write_string(out, text->data ? text->data : "", text->length);
    out->failed |= text->failed;
}

static void put_instant(struct export_record *record, struct tcore_buf *out)
{
    static const uint8_t lost[] = {LOG_SCOPE,  LOG_OBSERVED, LOG_FLAGS, LOG_DROPPED,
                                   LOG_NUMBER, LOG_TEXT,     LOG_SCHEMA};
    uint32_t at[LOG_COUNT];
    int64_t ns;
    export_collect(record, &export_log_keys, 0, NULL, at);
    if (!export_time(record, at[LOG_TIME], "timeUnixNano", &ns)) {
        export_lost_record(record, "it has no time");
        return;
    }
    put_service(record, out, at[LOG_SERVICE], at[LOG_RESOURCE]);
    put_body(record, at[LOG_BODY], out);
    chrome_put_time(out, ",\"ts\":", ns);
    tcore_buf_puts(out, ",\"args\":{");
    put_map(record, out, at[LOG_ATTRIBUTES], &log_fields);
    put_argument(record, out, "\"severity\":", at[LOG_SEVERITY]);
    put_argument(record, out, "\"traceId\":", at[LOG_TRACE]);
    put_argument(record, out, "\"spanId\":", at[LOG_SPAN]);
    put_argument(record, out, "\"eventName\":", at[LOG_EVENT]);
    tcore_buf_puts(out, "}\n");
    lose_resource(record, at[LOG_RESOURCE]);
    EXPORT_LOSE_MEMBERS(record, &export_log_keys, at, lost);
}

void chrome_other(struct export_record *record, struct tcore_buf *out)
{
    if (record->type == TCORE_RECORD_METRIC)
        put_counter(record, out);
    else
        put_instant(record, out);
}
