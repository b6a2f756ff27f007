/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A record's message, and the levels above it. */
#include <config.h>

#include "record/export/otlp.h"

#include <string.h>

enum { SCOPE_NAME, SCOPE_VERSION, SCOPE_ATTRIBUTES, SCOPE_DROPPED, SCOPE_SCHEMA, SCOPE_COUNT };
static const struct export_key scope_names[SCOPE_COUNT] = {
    EXPORT_KEY("name"), EXPORT_KEY("version"), EXPORT_KEY("attributes"),
    EXPORT_KEY("droppedAttributesCount"), EXPORT_KEY("schemaUrl")};
static const struct export_keys scope_keys = {scope_names, SCOPE_COUNT};

/* --- levels, as texts --- */

static void put_text(struct export_otlp *o, uint32_t node)
{
    tcore_json_write_value(&o->level, export_value(&o->record, node));
}

static void put_member(struct export_otlp *o, const char *label, uint32_t node)
{
    if (!node)
        return;
    if (o->level.length && o->level.data[o->level.length - 1] != '{')
        tcore_buf_putc(&o->level, ',');
    tcore_buf_puts(&o->level, label);
    put_text(o, node);
}

/* The service is said by the resource. One that says something else is lost; one that says
 * nothing gets it. */
static uint32_t service_to_put(struct export_otlp *o, uint32_t resource, uint32_t service)
{
    const struct tcore_json *json = &o->record.json;
    uint32_t there = resource ? tcore_json_find(json, resource, "service.name") : 0;
    const struct tcore_value *a = export_value(&o->record, there),
                             *b = export_value(&o->record, service);
    if (!service)
        return 0;
    if (there && (a->kind != b->kind || a->len != b->len || memcmp(a->s, b->s, a->len) != 0))
        export_lost(&o->record, "service");
    return there ? 0 : service;
}

/* The resource, the service in front of what it says. */
static void put_resource_text(struct export_otlp *o, uint32_t resource, uint32_t service)
{
    struct tcore_buf *out = &o->level;
    const struct tcore_value *r = export_value(&o->record, resource);
    if (!service) {
        put_member(o, "\"resource\":", resource);
        return;
    }
    tcore_buf_puts(out, "\"resource\":{\"service.name\":");
    put_text(o, service);
    if (resource && o->record.json.node[resource].count) {
        tcore_buf_putc(out, ',');
        tcore_buf_append(out, r->s + 1, r->len - 1); /* behind its brace */
    } else {
        tcore_buf_putc(out, '}');
    }
}

void export_otlp_levels(struct export_otlp *o, uint32_t resource, uint32_t service, uint32_t schema,
                        uint32_t scope)
{
    uint32_t at[SCOPE_COUNT];
    if (scope) /* what is lost of it is lost of each record */
        export_collect(&o->record, &scope_keys, scope, "scope", at);
    service = service_to_put(o, resource, service);
    tcore_buf_clear(&o->level);
    tcore_buf_putc(&o->level, '{');
    put_resource_text(o, resource, service);
    put_member(o, "\"schemaUrl\":", schema);
    tcore_buf_putc(&o->level, '}');
    o->level_end[OTLP_RESOURCE] = o->level.length;
    if (scope)
        put_text(o, scope);
    else
        tcore_buf_puts(&o->level, "{}");
    o->level_end[OTLP_SCOPE] = o->level_end[OTLP_METRIC] = o->level.length;
}

/* --- levels, as messages --- */

enum { TOP_RESOURCE, TOP_SCHEMA, TOP_COUNT };
static const struct export_key top_names[TOP_COUNT] = {EXPORT_KEY("resource"),
                                                       EXPORT_KEY("schemaUrl")};
static const struct export_keys top_keys = {top_names, TOP_COUNT};

/* import puts the count of attributes that were dropped among those that are there. */
static uint32_t find_dropped(struct export_otlp *o, uint32_t resource)
{
    int64_t i;
    uint32_t node = tcore_json_find(&o->record.json, resource, "droppedAttributesCount");
    bool is = node && export_value(&o->record, node)->kind == TCORE_INT &&
              export_int64(&o->record, node, &i) && i > 0 && i <= UINT32_MAX;
    return is ? node : 0;
}

static void put_resource(struct export_otlp *o)
{
    static const char name[] = "droppedAttributesCount";
    uint32_t at[TOP_COUNT], dropped = 0;
    export_collect(&o->record, &top_keys, 0, NULL, at);
    if (at[TOP_RESOURCE])
        dropped = find_dropped(o, at[TOP_RESOURCE]);
    if (at[TOP_RESOURCE]) {
        size_t mark = otlp_open(&o->w, OTLP_FIELD("resource", 1));
        export_otlp_map(o, OTLP_FIELD("attributes", 1), at[TOP_RESOURCE], dropped ? name : NULL);
        export_otlp_count(o, OTLP_FIELD("droppedAttributesCount", 2), dropped, name);
        otlp_close(&o->w, mark);
    }
    export_otlp_text(o, OTLP_FIELD("schemaUrl", 3), at[TOP_SCHEMA], "schemaUrl");
}

static void put_scope(struct export_otlp *o)
{
    uint32_t at[SCOPE_COUNT];
    export_collect(&o->record, &scope_keys, 0, "scope", at);
    if (at[SCOPE_NAME] || at[SCOPE_VERSION] || at[SCOPE_ATTRIBUTES] || at[SCOPE_DROPPED]) {
        size_t mark = otlp_open(&o->w, OTLP_FIELD("scope", 1));
        export_otlp_text(o, OTLP_FIELD("name", 1), at[SCOPE_NAME], "scope.name");
        export_otlp_text(o, OTLP_FIELD("version", 2), at[SCOPE_VERSION], "scope.version");
        export_otlp_map(o, OTLP_FIELD("attributes", 3), at[SCOPE_ATTRIBUTES], NULL);
        export_otlp_count(o, OTLP_FIELD("droppedAttributesCount", 4), at[SCOPE_DROPPED],
                          "scope.droppedAttributesCount");
        otlp_close(&o->w, mark);
    }
    export_otlp_text(o, OTLP_FIELD("schemaUrl", 3), at[SCOPE_SCHEMA], "scope.schemaUrl");
}

enum tcore_status export_otlp_put_level(struct export_otlp *o, enum otlp_level level,
                                        const struct tcore_slice *text, size_t *data,
                                        struct tcore_error *err)
{
    enum tcore_status status = tcore_json_parse(&o->record.json, text->data, text->length, err);
    if (status != TCORE_OK)
        return TCORE_FATAL;
    if (level == OTLP_RESOURCE)
        put_resource(o);
    else if (level == OTLP_SCOPE)
        put_scope(o);
    else
        export_otlp_metric_head(o, data);
    return tcore_buf_status(o->w.out, err);
}

/* --- a record --- */

enum tcore_status export_otlp_put(struct export_otlp *o, const struct tcore_slice *text,
                                  struct tcore_error *err)
{
    struct tcore_buf *out = o->w.out;
    size_t begin = out->length;
    enum tcore_status status = export_record_parse(&o->record, text, err);
    if (status != TCORE_OK)
        return status;
    o->left_out = NULL;
    if (!o->w.protobuf)
        tcore_buf_putc(out, '{');
    if (o->record.type == TCORE_RECORD_SPAN)
        export_otlp_span(o);
    else if (o->record.type == TCORE_RECORD_METRIC)
        export_otlp_metric(o);
    else
        export_otlp_log(o);
    if (!o->w.protobuf)
        tcore_buf_putc(out, '}');
    if (o->left_out) {
        out->length = begin;
        export_lost_record(&o->record, o->left_out);
        return TCORE_SKIP;
    }
    status = tcore_buf_status(&o->level, err);
    return status == TCORE_OK ? tcore_buf_status(out, err) : status;
}

void export_otlp_free(struct export_otlp *o)
{
    export_record_free(&o->record);
    tcore_buf_free(&o->level);
}
