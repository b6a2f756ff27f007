/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fields from the text of a span. */
#include <config.h>

#include "span/traceql/traceql_load.h"

#include <string.h>

void traceql_reader_free(struct traceql_reader *reader)
{
    tcore_json_free(&reader->span);
    tcore_json_free(&reader->list);
    tcore_arena_free(&reader->arena);
    tcore_buf_free(&reader->items);
    *reader = (struct traceql_reader){0};
}

static struct tcore_value at_key(const struct tcore_json *json, uint32_t object, const char *key)
{
    uint32_t node = tcore_json_find(json, object, key);
    return node ? json->node[node].value : (struct tcore_value){0};
}

/* --- Attributes */

/* The node of the attribute in a member of the record (or that member's attributes); 0: none. */
static uint32_t find_in(const struct tcore_json *json, const char *member, bool below,
                        const struct tcore_slice *name)
{
    uint32_t object = tcore_json_find(json, 0, member);
    if (object && below)
        object = tcore_json_find(json, object, "attributes");
    return object ? tcore_json_find_n(json, object, name->data, name->length) : 0;
}

static bool is_service_name(const struct tcore_slice *name)
{
    return name->length == 12 && !memcmp(name->data, "service.name", 12);
}

static uint32_t find_in_resource(const struct tcore_json *json, const struct tcore_slice *name)
{
    uint32_t service = is_service_name(name) ? tcore_json_find(json, 0, "service") : 0;
    return service ? service : find_in(json, "resource", false, name);
}

static enum tcore_status load_of_list(struct traceql_reader *reader, const char *member,
                                      const struct traceql_field *field,
                                      struct traceql_value *value, struct tcore_error *err)
{
    const struct tcore_json *json = &reader->span;
    uint32_t list = tcore_json_find(json, 0, member);
    struct tcore_value at = at_key(json, 0, "startTimeUnixNano");
    struct traceql_value start = traceql_time_of(&at);
    *value = (struct traceql_value){.type = TRACEQL_NIL};
    return list ? traceql_of_list(reader, json, list, field, &start, value, err) : TCORE_OK;
}

/* Of the span, else the resource, else its events, links and scope. */
static enum tcore_status load_anywhere(struct traceql_reader *reader,
                                       const struct traceql_field *field,
                                       struct traceql_value *value, struct tcore_error *err)
{
    const struct tcore_json *json = &reader->span;
    uint32_t node = find_in(json, "attributes", false, &field->name);
    if (!node)
        node = find_in_resource(json, &field->name);
    if (node)
        return traceql_of_node(reader, json, node, value, err);
    enum tcore_status status = load_of_list(reader, "events", field, value, err);
    if (status == TCORE_OK && value->type == TRACEQL_NIL)
        status = load_of_list(reader, "links", field, value, err);
    if (status != TCORE_OK || value->type != TRACEQL_NIL)
        return status;
    node = find_in(json, "scope", true, &field->name);
    return node ? traceql_of_node(reader, json, node, value, err) : TCORE_OK;
}

static enum tcore_status load_attribute(struct traceql_reader *reader,
                                        const struct traceql_field *field,
                                        struct traceql_value *value, struct tcore_error *err)
{
    uint32_t node = 0;
    switch (field->source) {
    case TRACEQL_SPAN:
        node = find_in(&reader->span, "attributes", false, &field->name);
        break;
    case TRACEQL_RESOURCE:
        node = find_in_resource(&reader->span, &field->name);
        break;
    case TRACEQL_INSTRUMENTATION:
        node = find_in(&reader->span, "scope", true, &field->name);
        break;
    case TRACEQL_EVENT:
        return load_of_list(reader, "events", field, value, err);
    case TRACEQL_LINK:
        return load_of_list(reader, "links", field, value, err);
    default:
        return load_anywhere(reader, field, value, err);
    }
    *value = (struct traceql_value){.type = TRACEQL_NIL};
    return node ? traceql_of_node(reader, &reader->span, node, value, err) : TCORE_OK;
}

/* --- Intrinsics */

static struct traceql_value load_of_scope(const struct tcore_json *json, const char *key)
{
    uint32_t scope = tcore_json_find(json, 0, "scope");
    struct tcore_value value = {0};
    if (scope)
        value = at_key(json, scope, key);
    return traceql_text_of(&value);
}

static struct traceql_value load_duration(const struct tcore_json *json)
{
    struct tcore_value duration = at_key(json, 0, "durationNano");
    struct tcore_value start = at_key(json, 0, "startTimeUnixNano");
    struct tcore_value end = at_key(json, 0, "endTimeUnixNano");
    return traceql_duration_of(&duration, &start, &end);
}

static struct traceql_value load_intrinsic(const struct tcore_json *json,
                                           enum traceql_source source)
{
    static const char *const keys[] = {
        [TRACEQL_SPAN_NAME] = "name",
        [TRACEQL_SPAN_STATUS] = "status",
        [TRACEQL_SPAN_STATUS_MESSAGE] = "statusMessage",
        [TRACEQL_SPAN_KIND] = "kind",
        [TRACEQL_SPAN_ID] = "spanId",
        [TRACEQL_SPAN_PARENT_ID] = "parentSpanId",
        [TRACEQL_TRACE_ID] = "traceId",
    };
    if (source == TRACEQL_SPAN_DURATION)
        return load_duration(json);
    if (source == TRACEQL_INSTRUMENTATION_NAME)
        return load_of_scope(json, "name");
    if (source == TRACEQL_INSTRUMENTATION_VERSION)
        return load_of_scope(json, "version");
    struct tcore_value value = at_key(json, 0, keys[source]);
    if (source == TRACEQL_SPAN_STATUS)
        return traceql_status_of(&value);
    if (source == TRACEQL_SPAN_KIND)
        return traceql_kind_of(&value);
    if (source == TRACEQL_SPAN_NAME || source == TRACEQL_SPAN_STATUS_MESSAGE)
        return traceql_text_of(&value);
    return traceql_of_scalar(&value);
}

static enum tcore_status load_field(struct traceql_reader *reader,
                                    const struct traceql_field *field, struct traceql_value *value,
                                    struct tcore_error *err)
{
    if (field->source < TRACEQL_SPAN_NAME)
        return load_attribute(reader, field, value, err);
    if (field->source == TRACEQL_EVENT_NAME || field->source == TRACEQL_EVENT_TIME)
        return load_of_list(reader, "events", field, value, err);
    if (field->source == TRACEQL_LINK_TRACE_ID || field->source == TRACEQL_LINK_SPAN_ID)
        return load_of_list(reader, "links", field, value, err);
    *value = load_intrinsic(&reader->span, field->source);
    return TCORE_OK;
}

enum tcore_status traceql_load_text(struct traceql_reader *reader,
                                    const struct traceql_query *query, const char *text,
                                    size_t length, bool of_parent, struct traceql_value *values,
                                    struct tcore_error *err)
{
    enum tcore_status status = tcore_json_parse(&reader->span, text, length, err);
    bool is_span = status == TCORE_OK && tcore_json_is_object(&reader->span.node[0]);
    tcore_arena_reset(&reader->arena);
    if (status == TCORE_FATAL)
        return status;
    status = TCORE_OK;
    for (uint32_t f = 0; f < query->fields && status == TCORE_OK; f++) {
        const struct traceql_field *field = &query->field[f];
        if (field->of_parent != of_parent || field->source >= TRACEQL_FIRST_OF_TRACE)
            continue;
        values[f] = (struct traceql_value){.type = TRACEQL_NIL};
        if (is_span)
            status = load_field(reader, field, &values[f], err);
    }
    return status;
}
