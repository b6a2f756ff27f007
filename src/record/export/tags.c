/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tags and times of Jaeger and Zipkin. */
#include <config.h>

#include "record/export/tags.h"

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

enum tag {
    TAG_KIND,
    TAG_CODE,
    TAG_ERROR,
    TAG_DESCRIPTION,
    TAG_SCOPE_NAME,
    TAG_SCOPE_VERSION,
    TAG_STATE,
    TAG_DROPPED_ATTRIBUTES,
    TAG_DROPPED_EVENTS,
    TAG_DROPPED_LINKS,
    TAG_COUNT
};
static const struct export_key tag_names[TAG_COUNT] = {EXPORT_KEY("span.kind"),
                                                       EXPORT_KEY("otel.status_code"),
                                                       EXPORT_KEY("error"),
                                                       EXPORT_KEY("otel.status_description"),
                                                       EXPORT_KEY("otel.scope.name"),
                                                       EXPORT_KEY("otel.scope.version"),
                                                       EXPORT_KEY("w3c.tracestate"),
                                                       EXPORT_KEY("otel.dropped_attributes_count"),
                                                       EXPORT_KEY("otel.dropped_events_count"),
                                                       EXPORT_KEY("otel.dropped_links_count")};
static const struct export_keys tag_keys = {tag_names, TAG_COUNT};

struct field_tags {
    struct export_record *record;
    struct tcore_buf *out;
    export_put_tag *put;
    unsigned done; /* bits by enum tag */
};

static void put_value(struct field_tags *t, enum tag tag, const struct tcore_value *v)
{
    t->put(t->record, t->out, tag_names[tag].name, tag_names[tag].length, v);
    t->done |= 1u << tag;
}

/* A field's value as a tag, if it is there. */
static void put_field(struct field_tags *t, enum tag tag, uint32_t node)
{
    if (node)
        put_value(t, tag, export_value(t->record, node));
}

static void put_status(struct field_tags *t, const uint32_t *at)
{
    static const char *const codes[] = {"", "OK", "ERROR"};
    int code =
        at[SPAN_STATUS] ? export_word(t->record, at[SPAN_STATUS], export_status_codes, 3) : 0;
    if (code < 0) {
        export_lost(t->record, "status");
        code = 0;
    }
    const struct tcore_value word = tcore_value_string(codes[code], strlen(codes[code]));
    const struct tcore_value yes = tcore_value_bool(true);
    if (code > 0)
        put_value(t, TAG_CODE, &word);
    if (code == 2)
        put_value(t, TAG_ERROR, &yes);
    if (export_is_text(t->record, at[SPAN_MESSAGE]))
        put_field(t, TAG_DESCRIPTION, at[SPAN_MESSAGE]);
}

static void put_scope(struct field_tags *t, uint32_t scope)
{
    struct export_record *record = t->record;
    const struct tcore_json_node *tape = record->json.node;
    if (!scope)
        return;
    put_field(t, TAG_SCOPE_NAME, tcore_json_find(&record->json, scope, "name"));
    put_field(t, TAG_SCOPE_VERSION, tcore_json_find(&record->json, scope, "version"));
    for (uint32_t k = scope + 1; k < tape[scope].next; k = tape[k + 1].next)
        if (!export_text_is(record, k, "name") && !export_text_is(record, k, "version"))
            export_lost(record,
                        export_text_is(record, k, "attributes") ? "scope.attributes" : "scope");
}

static void put_kind(struct field_tags *t, uint32_t node)
{
    int kind = node ? export_word(t->record, node, export_span_kinds, 6) : 0;
    if (kind < 0)
        export_lost(t->record, "kind");
    if (kind > 0)
        put_field(t, TAG_KIND, node);
}

unsigned export_put_field_tags(struct export_record *record, const uint32_t *at, bool kind,
                               struct tcore_buf *out, export_put_tag *put)
{
    struct field_tags t = {record, out, put, 0};
    if (kind)
        put_kind(&t, at[SPAN_KIND]);
    put_status(&t, at);
    put_scope(&t, at[SPAN_SCOPE]);
    put_field(&t, TAG_STATE, at[SPAN_STATE]);
    put_field(&t, TAG_DROPPED_ATTRIBUTES, at[SPAN_DROPPED_ATTRIBUTES]);
    put_field(&t, TAG_DROPPED_EVENTS, at[SPAN_DROPPED_EVENTS]);
    put_field(&t, TAG_DROPPED_LINKS, at[SPAN_DROPPED_LINKS]);
    if (at[SPAN_SCHEMA])
        export_lost(record, "schemaUrl");
    return t.done;
}

bool export_may_put_tag(struct export_record *record, uint32_t node, unsigned put)
{
    int tag = export_key_number(record, node, &tag_keys);
    if (tag >= 0)
        export_lost(record, "attributes with names that stand for fields");
    return tag < 0 || !(put >> tag & 1);
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
