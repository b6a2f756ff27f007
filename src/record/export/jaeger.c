/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Jaeger's JSON, as its API answers and its pages read it: {"data":[trace, ...]}, processes of a
 * trace beside its spans. Links are references that are FOLLOWS_FROM, unless their attribute
 * opentracing.ref_type says otherwise. Held of a span: its process, a newline, its text up to the
 * process's name.
 */
#include <config.h>

#include "base/map.h"
#include "cli/message.h"
#include "model/id.h"
#include "record/export/export.h"
#include "record/export/tags.h"
#include "record/export/traces.h"

#include <string.h>

#define WARNINGS "jaeger.warnings"

struct jaeger {
    struct export_traces traces;
    struct tcore_map processes; /* of the trace in hand */
    struct tcore_buf text;      /* of it */
    bool shown, begun;
};

/* --- spans --- */

static void put_comma(struct tcore_buf *out)
{
    if (out->length && out->data[out->length - 1] != '[')
        tcore_buf_putc(out, ',');
}

static void put_text(struct tcore_buf *out, const char *text, size_t length)
{
    tcore_buf_puts(out, ",\"type\":\"string\",\"value\":");
    tcore_json_write_string(out, text, length);
}

/* The one member of {"bytesValue":"..."}; NULL if v is something else. */
static bool is_bytes(const struct tcore_value *v, struct tcore_slice *base64)
{
    static const char before[] = "{\"bytesValue\":\"", after[] = "\"}";
    size_t begin = sizeof before - 1, end = sizeof after - 1;
    if (v->len < begin + end || memcmp(v->s, before, begin) != 0 ||
        memcmp(v->s + v->len - end, after, end) != 0)
        return false;
    *base64 = (struct tcore_slice){v->s + begin, v->len - begin - end};
    for (size_t i = 0; i < base64->length; i++)
        if (base64->data[i] == '"' || base64->data[i] == '\\')
            return false;
    return true;
}

static void put_nested(struct export_record *record, struct tcore_buf *out,
                       const struct tcore_value *v)
{
    struct tcore_slice base64;
    if (is_bytes(v, &base64)) {
        tcore_buf_puts(out, ",\"type\":\"binary\",\"value\":\"");
        tcore_buf_append(out, base64.data, base64.length);
        tcore_buf_putc(out, '"');
        return;
    }
    export_lost(record, "lists and objects (now texts)");
    put_text(out, v->s, v->len);
}

static void put_value(struct export_record *record, struct tcore_buf *out,
                      const struct tcore_value *v)
{
    bool integer = v->kind == TCORE_INT;
    switch ((enum tcore_kind)v->kind) {
    case TCORE_STRING:
        put_text(out, v->s, v->len);
        break;
    case TCORE_JSON:
        put_nested(record, out, v);
        break;
    case TCORE_TRUE:
    case TCORE_FALSE:
        tcore_buf_puts(out, ",\"type\":\"bool\",\"value\":");
        tcore_json_write_value(out, v);
        break;
    default:
        tcore_buf_puts(out, integer ? ",\"type\":\"int64\",\"value\":"
                                    : ",\"type\":\"float64\",\"value\":");
        tcore_json_write_value(out, v);
        break;
    }
}

static void put_tag(struct export_record *record, struct tcore_buf *out, const char *key,
                    size_t length, const struct tcore_value *v)
{
    if (v->kind == TCORE_NULL) {
        export_lost(record, "nulls");
        return;
    }
    put_comma(out);
    tcore_buf_puts(out, "{\"key\":");
    tcore_json_write_string(out, key, length);
    put_value(record, out, v);
    tcore_buf_putc(out, '}');
}

static void put_map(struct export_record *record, struct tcore_buf *out, uint32_t map,
                    const char *but)
{
    const struct tcore_json_node *tape = record->json.node;
    for (uint32_t k = map + 1; map && k < tape[map].next; k = tape[k + 1].next)
        if (!but || !export_text_is(record, k, but))
            put_tag(record, out, tape[k].value.s, tape[k].value.len, &tape[k + 1].value);
}

/* Fields, then attributes; warnings: the one among these that is none, or 0. */
static void put_tags(struct export_record *record, const uint32_t *at, uint32_t warnings,
                     struct tcore_buf *out)
{
    const struct tcore_json_node *tape = record->json.node;
    uint32_t map = at[SPAN_ATTRIBUTES];
    unsigned done = export_put_field_tags(record, at, true, out, put_tag);
    for (uint32_t k = map + 1; map && k < tape[map].next; k = tape[k + 1].next)
        if (k + 1 != warnings && export_may_put_tag(record, k, done))
            put_tag(record, out, tape[k].value.s, tape[k].value.len, &tape[k + 1].value);
}

static void put_process(struct export_record *record, const uint32_t *at, struct tcore_buf *out)
{
    uint32_t service = export_service(record, at[SPAN_SERVICE], at[SPAN_RESOURCE]);
    if (service)
        export_put_string(record, out, "{\"serviceName\":", service);
    else
        tcore_buf_puts(out, "{\"serviceName\":\"\"");
    tcore_buf_puts(out, ",\"tags\":[");
    put_map(record, out, at[SPAN_RESOURCE], service ? "service.name" : NULL);
    tcore_buf_puts(out, "]}");
}

static void put_reference(struct export_record *record, struct tcore_buf *out, bool child,
                          uint32_t trace, uint32_t span)
{
    put_comma(out);
    tcore_buf_puts(out, child ? "{\"refType\":\"CHILD_OF\"" : "{\"refType\":\"FOLLOWS_FROM\"");
    if (trace)
        export_put_string(record, out, ",\"traceID\":", trace);
    if (span)
        export_put_string(record, out, ",\"spanID\":", span);
    tcore_buf_putc(out, '}');
}

/* A span that names no parent gets one there from its first reference into its own trace. */
static bool is_read_as_parent(const struct export_record *record, const uint32_t *span,
                              const uint32_t *link)
{
    const struct tcore_value *own = export_value(record, span[SPAN_TRACE]);
    const struct tcore_value *trace = export_value(record, link[LINK_TRACE]);
    return !span[SPAN_PARENT] && link[LINK_SPAN] &&
           (!link[LINK_TRACE] || (trace->len == own->len && !memcmp(trace->s, own->s, own->len)));
}

static void put_link(struct export_record *record, const uint32_t *span, struct tcore_buf *out,
                     uint32_t node)
{
    uint32_t at[LINK_COUNT];
    export_collect(record, &export_link_keys, node, "links", at);
    uint32_t map = at[LINK_ATTRIBUTES];
    uint32_t type = map ? tcore_json_find(&record->json, map, "opentracing.ref_type") : 0;
    if (map && record->json.node[map].count > (type != 0))
        export_lost(record, "links.attributes");
    if (at[LINK_STATE])
        export_lost(record, "links.traceState");
    if (at[LINK_FLAGS])
        export_lost(record, "links.flags");
    if (at[LINK_DROPPED])
        export_lost(record, "links.droppedAttributesCount");
    if (is_read_as_parent(record, span, at))
        export_lost(record, "links (read as parents)");
    put_reference(record, out, export_text_is(record, type, "child_of"), at[LINK_TRACE],
                  at[LINK_SPAN]);
}

static void put_references(struct export_record *record, const uint32_t *at, struct tcore_buf *out)
{
    const struct tcore_json_node *tape = record->json.node;
    uint32_t list = at[SPAN_LINKS];
    tcore_buf_puts(out, ",\"references\":[");
    if (at[SPAN_PARENT])
        put_reference(record, out, true, at[SPAN_TRACE], at[SPAN_PARENT]);
    for (uint32_t e = list + 1; list && e < tape[list].next; e = tape[e].next)
        put_link(record, at, out, e);
    tcore_buf_putc(out, ']');
}

static void put_log(struct export_record *record, struct tcore_buf *out, uint32_t node)
{
    uint32_t at[EVENT_COUNT];
    int64_t us = 0;
    export_collect(record, &export_event_keys, node, "events", at);
    if (at[EVENT_DROPPED])
        export_lost(record, "events.droppedAttributesCount");
    put_comma(out);
    if (!export_micros(record, at[EVENT_TIME], "events.timeUnixNano", &us))
        export_lost(record, "events without a time (now at 0)");
    export_put_int(out, "{\"timestamp\":", us);
    tcore_buf_puts(out, ",\"fields\":[");
    if (at[EVENT_NAME])
        put_tag(record, out, "event", strlen("event"), export_value(record, at[EVENT_NAME]));
    put_map(record, out, at[EVENT_ATTRIBUTES], NULL);
    tcore_buf_puts(out, "]}");
}

static void put_flags(struct export_record *record, uint32_t node, struct tcore_buf *out)
{
    int64_t flags = 0;
    if (node && (!export_int64(record, node, &flags) || flags & ~1))
        export_lost(record, "flags");
    export_put_int(out, ",\"flags\":", flags & 1);
}

/* The list that import keeps as an attribute; 0: there is none. */
static uint32_t find_warnings(const struct export_record *record, const uint32_t *at)
{
    uint32_t map = at[SPAN_ATTRIBUTES];
    uint32_t node = map ? tcore_json_find(&record->json, map, WARNINGS) : 0;
    return node && tcore_json_is_array(&record->json.node[node]) ? node : 0;
}

static void encode(struct export_record *record, const uint32_t *at, struct tcore_buf *out)
{
    const struct tcore_json_node *tape = record->json.node;
    uint32_t list = at[SPAN_EVENTS], warnings = find_warnings(record, at);
    int64_t us;
    put_process(record, at, out);
    export_put_string(record, out, "\n{\"traceID\":", at[SPAN_TRACE]);
    export_put_string(record, out, ",\"spanID\":", at[SPAN_SPAN]);
    put_flags(record, at[SPAN_FLAGS], out);
    export_put_string(record, out, ",\"operationName\":", at[SPAN_NAME]);
    put_references(record, at, out);
    if (export_micros(record, at[SPAN_START], "startTimeUnixNano", &us))
        export_put_int(out, ",\"startTime\":", us);
    if (export_duration_micros(record, at, &us))
        export_put_int(out, ",\"duration\":", us);
    tcore_buf_puts(out, ",\"tags\":[");
    put_tags(record, at, warnings, out);
    tcore_buf_puts(out, "],\"logs\":[");
    for (uint32_t e = list + 1; list && e < tape[list].next; e = tape[e].next)
        put_log(record, out, e);
    tcore_buf_putc(out, ']');
    if (warnings)
        export_put_string(record, out, ",\"warnings\":", warnings);
    else
        tcore_buf_puts(out, ",\"warnings\":null");
    tcore_buf_puts(out, ",\"processID\":\"p");
}

/* --- traces --- */

static void put_spans(struct jaeger *j, const struct tcore_stored_trace *trace)
{
    struct tcore_buf *out = &j->text;
    tcore_map_clear(&j->processes);
    for (uint32_t i = 0; i < trace->count; i++) {
        struct tcore_slice text = export_stored_text(trace->spans[i]);
        const char *newline = memchr(text.data, '\n', text.length);
        size_t process = (size_t)(newline - text.data);
        uint32_t number = tcore_map_intern(&j->processes, text.data, process, NULL);
        out->failed |= number == TCORE_MAP_NONE;
        tcore_buf_puts(out, i ? ",\n" : "");
        tcore_buf_append(out, newline + 1, text.length - process - 1);
        export_put_int(out, "", (int64_t)number + 1);
        tcore_buf_puts(out, "\"}");
    }
}

static enum tcore_status put_trace(void *state, const struct tcore_stored_trace *trace,
                                   struct tcore_buf *out, struct tcore_error *err)
{
    struct jaeger *j = state;
    char id[TCORE_TRACE_ID];
    tcore_buf_clear(&j->text);
    tcore_trace_id_digits(trace->spans[0]->trace_id, id);
    tcore_buf_puts(&j->text, j->begun ? ",\n{\"traceID\":\"" : "{\"data\":[\n{\"traceID\":\"");
    tcore_buf_append(&j->text, id, sizeof id);
    tcore_buf_puts(&j->text, "\",\"spans\":[\n");
    put_spans(j, trace);
    tcore_buf_puts(&j->text, "],\n\"processes\":{");
    for (uint32_t p = 0; p < j->processes.count; p++) {
        export_put_int(&j->text, p ? ",\"p" : "\"p", (int64_t)p + 1);
        tcore_buf_puts(&j->text, "\":");
        tcore_buf_append(&j->text, j->processes.keys[p].data, j->processes.keys[p].length);
    }
    tcore_buf_puts(&j->text, "},\"warnings\":null}");
    j->begun = true;
    export_show(out, j->text.data, j->text.length, j->shown);
    return tcore_buf_status(&j->text, err);
}

static void end(void *state, struct tcore_buf *out)
{
    const struct jaeger *j = state;
    tcore_buf_puts(out, j->begun ? "\n]}\n" : "{\"data\":[]}\n");
}

static int run(struct cli *cli, const struct export_options *options, int argc, char **argv)
{
    struct cli_operator operator= export_traces_operator;
    struct jaeger j = {.traces = {.cli = cli, .encode = encode, .trace = put_trace, .end = end},
                       .shown = export_is_shown(cli)};
    int result = CLI_FAILED;
    (void)options;
    operator.types = 1u << TCORE_RECORD_SPAN;
    if (tcore_map_init(&j.processes) != 0)
        cli_error(cli, "the system has no randomness to give");
    else if (export_traces_open(&j.traces))
        result = cli_filter(cli, &operator, & j, argc, argv);
    export_losses_note(&j.traces.losses, cli, "Jaeger");
    export_traces_close(&j.traces);
    tcore_map_free(&j.processes);
    tcore_buf_free(&j.text);
    return result;
}

const struct export_format export_jaeger = {"jaeger", run};
