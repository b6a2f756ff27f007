/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tags and times of Jaeger and Zipkin. */
#include <config.h>

#include "record/export_tags.h"

#include "model/number.h"

#include <string.h>

void export_put_int(struct tcore_buf *out, const char *label, int64_t i)
{
    char text[TCORE_NUMBER_BYTES];
    tcore_buf_puts(out, label);
    tcore_buf_append(out, text, tcore_format_int64(text, i));
}

void export_put_string(struct export_record *record, struct tcore_buf *out, const char *label,
                       uint32_t node)
{
    tcore_buf_puts(out, label);
    tcore_json_write_value(out, export_value(record, node));
}

/* --- tags --- */

void export_put_tag_of(struct export_record *record, uint32_t node, const char *key,
                       struct tcore_buf *out, export_put_tag *put)
{
    if (node)
        put(record, out, key, strlen(key), export_value(record, node));
}

static void put_word(struct export_record *record, struct tcore_buf *out, const char *key,
                     const char *word, export_put_tag *put)
{
    const struct tcore_value v = tcore_value_string(word, strlen(word));
    put(record, out, key, strlen(key), &v);
}

static void put_status(struct export_record *record, const uint32_t *at, struct tcore_buf *out,
                       export_put_tag *put)
{
    static const char *const codes[] = {"", "OK", "ERROR"};
    const struct tcore_value yes = tcore_value_bool(true);
    int code = at[SPAN_STATUS] ? export_word(record, at[SPAN_STATUS], export_status_codes, 3) : 0;
    if (code < 0)
        export_lost(record, "status");
    if (code > 0)
        put_word(record, out, "otel.status_code", codes[code], put);
    if (code == 2)
        put(record, out, "error", strlen("error"), &yes);
    if (export_is_text(record, at[SPAN_MESSAGE]))
        export_put_tag_of(record, at[SPAN_MESSAGE], "otel.status_description", out, put);
}

static void put_scope(struct export_record *record, uint32_t scope, struct tcore_buf *out,
                      export_put_tag *put)
{
    const struct tcore_json_node *tape = record->json.node;
    if (!scope)
        return;
    export_put_tag_of(record, tcore_json_find(&record->json, scope, "name"), "otel.scope.name", out,
                      put);
    export_put_tag_of(record, tcore_json_find(&record->json, scope, "version"),
                      "otel.scope.version", out, put);
    for (uint32_t k = scope + 1; k < tape[scope].next; k = tape[k + 1].next)
        if (!export_text_is(record, k, "name") && !export_text_is(record, k, "version"))
            export_lost(record,
                        export_text_is(record, k, "attributes") ? "scope.attributes" : "scope");
}

static void put_kind(struct export_record *record, uint32_t node, struct tcore_buf *out,
                     export_put_tag *put)
{
    int kind = node ? export_word(record, node, export_span_kinds, 6) : 0;
    if (kind < 0)
        export_lost(record, "kind");
    if (kind > 0)
        export_put_tag_of(record, node, "span.kind", out, put);
}

void export_put_field_tags(struct export_record *record, const uint32_t *at, bool kind,
                           struct tcore_buf *out, export_put_tag *put)
{
    if (kind)
        put_kind(record, at[SPAN_KIND], out, put);
    put_status(record, at, out, put);
    put_scope(record, at[SPAN_SCOPE], out, put);
    export_put_tag_of(record, at[SPAN_STATE], "w3c.tracestate", out, put);
    export_put_tag_of(record, at[SPAN_DROPPED_ATTRIBUTES], "otel.dropped_attributes_count", out,
                      put);
    export_put_tag_of(record, at[SPAN_DROPPED_EVENTS], "otel.dropped_events_count", out, put);
    export_put_tag_of(record, at[SPAN_DROPPED_LINKS], "otel.dropped_links_count", out, put);
    if (at[SPAN_SCHEMA])
        export_lost(record, "schemaUrl");
}

uint32_t export_service(struct export_record *record, uint32_t service, uint32_t resource)
{
    uint32_t said = resource ? tcore_json_find(&record->json, resource, "service.name") : 0;
    const struct tcore_value *a = export_value(record, said), *b = export_value(record, service);
    if (service && said && (a->kind != b->kind || a->len != b->len || memcmp(a->s, b->s, a->len)))
        export_lost(record, "service");
    if (!export_is_text(record, said))
        said = service;
    return export_is_text(record, said) ? said : 0;
}

/* --- times --- */

bool export_micros(struct export_record *record, uint32_t node, const char *name, int64_t *us)
{
    int64_t ns;
    if (!export_time(record, node, name, &ns))
        return false;
    if (ns % 1000)
        export_lost(record, "nanoseconds");
    *us = ns / 1000;
    return true;
}

bool export_duration_micros(struct export_record *record, const uint32_t *at, int64_t *us)
{
    int64_t start, end, duration;
    bool both = export_int64(record, at[SPAN_START], &start) &&
                export_int64(record, at[SPAN_END], &end) && start >= 0 && end >= start;
    bool said = export_int64(record, at[SPAN_DURATION], &duration) && duration >= 0;
    if (said && both && end - start != duration)
        export_lost(record, "durationNano");
    if (!both && at[SPAN_END])
        export_lost(record, "endTimeUnixNano");
    if (both)
        *us = end / 1000 - start / 1000; /* so that ends come out where they were */
    else if (said)
        *us = duration / 1000;
    if (both ? end % 1000 != 0 : said && duration % 1000)
        export_lost(record, "nanoseconds");
    return both || said;
}
