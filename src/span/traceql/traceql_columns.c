/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fields from the columns of a batch. */
#include <config.h>

#include "span/traceql/traceql_load.h"

#include <string.h>

#define NO_COLUMN SIZE_MAX

/* --- Which columns */

static enum tcore_status add_path(struct tcore_projection *projection, const char *first,
                                  const char *second, struct tcore_slice third, size_t *column,
                                  struct tcore_error *err)
{
    struct tcore_path_key keys[3] = {{first, strlen(first)}};
    size_t count = 1;
    if (second)
        keys[count++] = (struct tcore_path_key){second, strlen(second)};
    if (third.data)
        keys[count++] = (struct tcore_path_key){third.data, third.length};
    return tcore_projection_add_path(projection, keys, count, column, err);
}

static enum tcore_status add_resource(struct tcore_projection *projection, struct tcore_slice name,
                                      size_t *column, struct tcore_error *err)
{
    if (name.length == 12 && !memcmp(name.data, "service.name", 12))
        return add_path(projection, "service", NULL, (struct tcore_slice){0}, column, err);
    return add_path(projection, "resource", NULL, name, column, err);
}

/* An attribute of the span itself, its resource and its scope, as far as the field looks there. */
static enum tcore_status add_attribute(const struct traceql_field *field,
                                       struct traceql_columns *columns,
                                       struct tcore_projection *projection, struct tcore_error *err)
{
    enum traceql_source source = field->source;
    bool anywhere = source == TRACEQL_ANYWHERE;
    enum tcore_status status = TCORE_OK;
    if (anywhere || source == TRACEQL_SPAN)
        status = add_path(projection, "attributes", NULL, field->name, &columns->own, err);
    if (status == TCORE_OK && (anywhere || source == TRACEQL_RESOURCE))
        status = add_resource(projection, field->name, &columns->resource, err);
    if (status == TCORE_OK && (anywhere || source == TRACEQL_INSTRUMENTATION))
        status = add_path(projection, "scope", "attributes", field->name, &columns->scope, err);
    return status;
}

static bool looks_at_events(enum traceql_source source)
{
    return source == TRACEQL_ANYWHERE || source == TRACEQL_EVENT || source == TRACEQL_EVENT_NAME ||
           source == TRACEQL_EVENT_TIME;
}

static bool looks_at_links(enum traceql_source source)
{
    return source == TRACEQL_ANYWHERE || source == TRACEQL_LINK ||
           source == TRACEQL_LINK_TRACE_ID || source == TRACEQL_LINK_SPAN_ID;
}

static enum tcore_status add_intrinsic(enum traceql_source source, struct traceql_columns *columns,
                                       struct tcore_projection *projection, struct tcore_error *err)
{
    static const char *const names[] = {
        [TRACEQL_SPAN_NAME] = "name",
        [TRACEQL_SPAN_STATUS] = "status",
        [TRACEQL_SPAN_STATUS_MESSAGE] = "statusMessage",
        [TRACEQL_SPAN_KIND] = "kind",
        [TRACEQL_SPAN_DURATION] = "durationNano",
        [TRACEQL_SPAN_ID] = "spanId",
        [TRACEQL_SPAN_PARENT_ID] = "parentSpanId",
        [TRACEQL_TRACE_ID] = "traceId",
        [TRACEQL_EVENT_TIME] = "startTimeUnixNano",
        [TRACEQL_INSTRUMENTATION_NAME] = "name",
        [TRACEQL_INSTRUMENTATION_VERSION] = "version",
    };
    const struct tcore_slice none = {0};
    if (source == TRACEQL_INSTRUMENTATION_NAME || source == TRACEQL_INSTRUMENTATION_VERSION)
        return add_path(projection, "scope", names[source], none, &columns->own, err);
    if (!names[source])
        return TCORE_OK;
    return add_path(projection, names[source], NULL, none, &columns->own, err);
}

enum tcore_status traceql_add_columns(const struct traceql_query *query, const bool *wanted,
                                      struct traceql_columns *columns,
                                      struct tcore_projection *projection, struct tcore_error *err)
{
    const struct tcore_slice none = {0};
    enum tcore_status status = TCORE_OK;
    for (uint32_t f = 0; f < query->fields && status == TCORE_OK; f++) {
        const struct traceql_field *field = &query->field[f];
        struct traceql_columns *of = &columns[f];
        *of = (struct traceql_columns){NO_COLUMN, NO_COLUMN, NO_COLUMN, NO_COLUMN, NO_COLUMN};
        if (traceql_field_needs_trace(field) || (wanted && !wanted[f]))
            continue;
        status = field->source < TRACEQL_SPAN_NAME
                     ? add_attribute(field, of, projection, err)
                     : add_intrinsic(field->source, of, projection, err);
        if (status == TCORE_OK && looks_at_events(field->source))
            status = add_path(projection, "events", NULL, none, &of->events, err);
        if (status == TCORE_OK && looks_at_links(field->source))
            status = add_path(projection, "links", NULL, none, &of->links, err);
    }
    return status;
}

/* --- What they hold */

static struct tcore_value value_at(const struct tcore_batch *batch, size_t column, uint32_t row)
{
    if (column == NO_COLUMN)
        return (struct tcore_value){0};
    return tcore_column_get(&batch->columns[column], row);
}

/* An attribute; arrays and objects are parsed. */
static enum tcore_status load_value(struct traceql_reader *reader, const struct tcore_value *value,
                                    struct traceql_value *to, struct tcore_error *err)
{
    *to = traceql_of_scalar(value);
    if (value->kind != TCORE_JSON)
        return TCORE_OK;
    enum tcore_status status = tcore_json_parse(&reader->list, value->s, value->len, err);
    if (status != TCORE_OK)
        return status == TCORE_SKIP ? TCORE_OK : status;
    return traceql_of_node(reader, &reader->list, 0, to, err);
}

/* Of the events or links in a column. */
static enum tcore_status load_list(struct traceql_reader *reader, const struct tcore_value *list,
                                   const struct traceql_field *field,
                                   const struct traceql_value *start, struct traceql_value *to,
                                   struct tcore_error *err)
{
    *to = (struct traceql_value){.type = TRACEQL_NIL};
    if (list->kind != TCORE_JSON)
        return TCORE_OK;
    enum tcore_status status = tcore_json_parse(&reader->list, list->s, list->len, err);
    if (status != TCORE_OK)
        return status == TCORE_SKIP ? TCORE_OK : status;
    return traceql_of_list(reader, &reader->list, 0, field, start, to, err);
}

static enum tcore_status load_attribute(struct traceql_reader *reader,
                                        const struct traceql_field *field,
                                        const struct traceql_columns *columns,
                                        const struct tcore_batch *batch, uint32_t row,
                                        struct traceql_value *to, struct tcore_error *err)
{
    const struct traceql_value no_start = {.type = TRACEQL_NIL};
    struct tcore_value value = value_at(batch, columns->own, row);
    if (value.kind == TCORE_ABSENT)
        value = value_at(batch, columns->resource, row);
    if (value.kind != TCORE_ABSENT)
        return load_value(reader, &value, to, err);
    value = value_at(batch, columns->events, row);
    enum tcore_status status = load_list(reader, &value, field, &no_start, to, err);
    if (status != TCORE_OK || to->type != TRACEQL_NIL)
        return status;
    value = value_at(batch, columns->links, row);
    status = load_list(reader, &value, field, &no_start, to, err);
    if (status != TCORE_OK || to->type != TRACEQL_NIL)
        return status;
    value = value_at(batch, columns->scope, row);
    return load_value(reader, &value, to, err);
}

static enum tcore_status load_intrinsic(struct traceql_reader *reader,
                                        const struct traceql_field *field,
                                        const struct traceql_columns *columns,
                                        const struct tcore_batch *batch, uint32_t row,
                                        struct traceql_value *to, struct tcore_error *err)
{
    struct tcore_value value = value_at(batch, columns->own, row), none = {0};
    bool of_events = columns->events != NO_COLUMN;
    struct traceql_value start;
    if (of_events || columns->links != NO_COLUMN) {
        start = traceql_time_of(&value);
        value = value_at(batch, of_events ? columns->events : columns->links, row);
        return load_list(reader, &value, field, &start, to, err);
    }
    switch (field->source) {
    case TRACEQL_SPAN_STATUS:
        *to = traceql_status_of(&value);
        break;
    case TRACEQL_SPAN_KIND:
        *to = traceql_kind_of(&value);
        break;
    case TRACEQL_SPAN_DURATION: /* derived by the decoder where it is not there */
        *to = traceql_duration_of(&value, &none, &none);
        break;
    case TRACEQL_SPAN_ID:
    case TRACEQL_SPAN_PARENT_ID:
    case TRACEQL_TRACE_ID:
        *to = traceql_of_scalar(&value);
        break;
    default:
        *to = traceql_text_of(&value);
    }
    return TCORE_OK;
}

enum tcore_status traceql_load_row(struct traceql_reader *reader, const struct traceql_query *query,
                                   const struct traceql_columns *columns,
                                   const struct tcore_batch *batch, uint32_t row,
                                   struct traceql_value *values, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    tcore_arena_reset(&reader->arena);
    for (uint32_t f = 0; f < query->fields && status == TCORE_OK; f++) {
        const struct traceql_field *field = &query->field[f];
        status = field->source < TRACEQL_SPAN_NAME
                     ? load_attribute(reader, field, &columns[f], batch, row, &values[f], err)
                     : load_intrinsic(reader, field, &columns[f], batch, row, &values[f], err);
    }
    return status;
}
