/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From values of records, and nodes of their JSON, to those of queries. */
#include <config.h>

#include "span/traceql/traceql_load.h"

#include "model/number.h"
#include "trace/tree.h"

#include <math.h>
#include <string.h>

/* --- Scalars */

struct traceql_value traceql_of_scalar(const struct tcore_value *value)
{
    switch ((enum tcore_kind)value->kind) {
    case TCORE_FALSE:
    case TCORE_TRUE:
        return (struct traceql_value){.type = TRACEQL_BOOLEAN, .truth = value->kind == TCORE_TRUE};
    case TCORE_INT:
        return (struct traceql_value){.type = TRACEQL_INTEGER, .integer = value->i};
    case TCORE_DOUBLE:
    case TCORE_NUMBER:
        return (struct traceql_value){.type = TRACEQL_FLOAT, .real = tcore_value_double(value)};
    case TCORE_STRING:
        return (struct traceql_value){.type = TRACEQL_STRING, .text = {value->s, value->len}};
    case TCORE_JSON:
        return (struct traceql_value){.type = TRACEQL_OBJECT, .text = {value->s, value->len}};
    case TCORE_ABSENT:
    case TCORE_NULL:
        break;
    }
    return (struct traceql_value){.type = TRACEQL_NIL};
}

struct traceql_value traceql_status_of(const struct tcore_value *value)
{
    struct traceql_value status = {.type = TRACEQL_STATUS, .integer = TRACEQL_UNSET};
    if (tcore_value_is_text(value, "ok"))
        status.integer = TRACEQL_OK;
    if (tcore_value_is_text(value, "error"))
        status.integer = TRACEQL_ERROR;
    return status;
}

struct traceql_value traceql_kind_of(const struct tcore_value *value)
{
    struct traceql_value kind = {.type = TRACEQL_KIND, .integer = TCORE_SPAN_UNSPECIFIED};
    if (value->kind == TCORE_STRING)
        kind.integer = tcore_span_kind_find(value->s, value->len);
    return kind;
}

struct traceql_value traceql_text_of(const struct tcore_value *value)
{
    struct traceql_value empty = {.type = TRACEQL_STRING, .text = {"", 0}};
    return value->kind == TCORE_STRING ? traceql_of_scalar(value) : empty;
}

struct traceql_value traceql_time_of(const struct tcore_value *value)
{
    struct traceql_value time = {.type = TRACEQL_INTEGER};
    if (tcore_value_int64(value, &time.integer) ||
        (value->kind == TCORE_STRING && tcore_parse_int64(value->s, value->len, &time.integer)))
        return time;
    return (struct traceql_value){.type = TRACEQL_NIL};
}

struct traceql_value traceql_duration_of(const struct tcore_value *duration,
                                         const struct tcore_value *start,
                                         const struct tcore_value *end)
{
    struct traceql_value given = traceql_of_scalar(duration), from, to;
    if (given.type == TRACEQL_INTEGER)
        given.type = TRACEQL_DURATION;
    if (given.type == TRACEQL_DURATION || given.type == TRACEQL_FLOAT)
        return given;
    from = traceql_time_of(start);
    to = traceql_time_of(end);
    given = (struct traceql_value){.type = TRACEQL_DURATION};
    if (from.type == TRACEQL_NIL || to.type == TRACEQL_NIL ||
        __builtin_sub_overflow(to.integer, from.integer, &given.integer) || given.integer < 0)
        return (struct traceql_value){.type = TRACEQL_NIL};
    return given;
}

/* --- Objects that stand for a double: {"doubleValue":"NaN"} */

static struct traceql_value of_object(const struct tcore_json *json, uint32_t node)
{
    uint32_t at = json->node[node].count == 1 ? tcore_json_find(json, node, "doubleValue") : 0;
    struct traceql_value real = {.type = TRACEQL_FLOAT, .real = NAN};
    const struct tcore_value *value = &json->node[at].value;
    if (!at || value->kind != TCORE_STRING)
        return traceql_of_scalar(&json->node[node].value);
    if (tcore_value_is_text(value, "Infinity"))
        real.real = INFINITY;
    if (tcore_value_is_text(value, "-Infinity"))
        real.real = -INFINITY;
    return real;
}

/* --- Lists */

/* Adds to the items at hand what a node has: of an array each element, but nothing of nil. Strings
 * are copied, since a list may outlive the tape. */
static enum tcore_status add_items(struct traceql_reader *reader, const struct tcore_json *json,
                                   uint32_t node, struct tcore_error *err)
{
    uint32_t at = node, behind = json->node[node].next;
    if (tcore_json_is_array(&json->node[node]))
        at++;
    for (; at < behind; at = json->node[at].next) {
        const struct tcore_json_node *item = &json->node[at];
        struct traceql_value value =
            tcore_json_is_object(item) ? of_object(json, at) : traceql_of_scalar(&item->value);
        if (value.type == TRACEQL_STRING || value.type == TRACEQL_OBJECT) {
            value.text.data = tcore_arena_copy(&reader->arena, value.text.data, value.text.length);
            if (!value.text.data)
                return tcore_error_nomem(err);
        }
        if (value.type != TRACEQL_NIL)
            tcore_buf_append(&reader->items, &value, sizeof value);
    }
    return tcore_buf_status(&reader->items, err);
}

/* The items at hand as a value: none is nil, one is itself if it need not be a list. */
static enum tcore_status take_items(struct traceql_reader *reader, bool list,
                                    struct traceql_value *value, struct tcore_error *err)
{
    size_t count = reader->items.length / sizeof *value;
    struct traceql_value *items;
    *value = (struct traceql_value){.type = TRACEQL_NIL};
    if (!count && !list)
        return TCORE_OK;
    items = tcore_arena_alloc(&reader->arena, (count + 1) * sizeof *items);
    if (!items)
        return tcore_error_nomem(err);
    if (count)
        memcpy(items, reader->items.data, count * sizeof *items);
    *value = (struct traceql_value){.type = TRACEQL_LIST, .count = (uint32_t)count, .items = items};
    if (count == 1 && !list)
        *value = items[0];
    return TCORE_OK;
}

enum tcore_status traceql_of_node(struct traceql_reader *reader, const struct tcore_json *json,
                                  uint32_t node, struct traceql_value *value,
                                  struct tcore_error *err)
{
    if (tcore_json_is_object(&json->node[node])) {
        *value = of_object(json, node);
        return TCORE_OK;
    }
    if (!tcore_json_is_array(&json->node[node])) {
        *value = traceql_of_scalar(&json->node[node].value);
        return TCORE_OK;
    }
    tcore_buf_clear(&reader->items);
    enum tcore_status status = add_items(reader, json, node, err);
    return status == TCORE_OK ? take_items(reader, true, value, err) : status;
}

/* --- Events and links */

/* The node of the field in an event or link; 0: it has none. */
static uint32_t find_member(const struct tcore_json *json, uint32_t element,
                            const struct traceql_field *field)
{
    uint32_t attributes;
    switch (field->source) {
    case TRACEQL_EVENT_NAME:
        return tcore_json_find(json, element, "name");
    case TRACEQL_EVENT_TIME:
        return tcore_json_find(json, element, "timeUnixNano");
    case TRACEQL_LINK_TRACE_ID:
        return tcore_json_find(json, element, "traceId");
    case TRACEQL_LINK_SPAN_ID:
        return tcore_json_find(json, element, "spanId");
    default:
        attributes = tcore_json_find(json, element, "attributes");
        return attributes
                   ? tcore_json_find_n(json, attributes, field->name.data, field->name.length)
                   : 0;
    }
}

static enum tcore_status add_time(struct traceql_reader *reader, const struct tcore_value *time,
                                  const struct traceql_value *start, struct tcore_error *err)
{
    struct traceql_value at = traceql_time_of(time), since = {.type = TRACEQL_DURATION};
    if (at.type != TRACEQL_NIL && start->type == TRACEQL_INTEGER &&
        !__builtin_sub_overflow(at.integer, start->integer, &since.integer))
        tcore_buf_append(&reader->items, &since, sizeof since);
    return tcore_buf_status(&reader->items, err);
}

enum tcore_status traceql_of_list(struct traceql_reader *reader, const struct tcore_json *json,
                                  uint32_t list, const struct traceql_field *field,
                                  const struct traceql_value *start, struct traceql_value *value,
                                  struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    *value = (struct traceql_value){.type = TRACEQL_NIL};
    if (!tcore_json_is_array(&json->node[list]))
        return TCORE_OK;
    tcore_buf_clear(&reader->items);
    for (uint32_t e = list + 1; e < json->node[list].next && status == TCORE_OK;
         e = json->node[e].next) {
        uint32_t member = tcore_json_is_object(&json->node[e]) ? find_member(json, e, field) : 0;
        if (member && field->source == TRACEQL_EVENT_TIME)
            status = add_time(reader, &json->node[member].value, start, err);
        else if (member)
            status = add_items(reader, json, member, err);
    }
    return status == TCORE_OK ? take_items(reader, false, value, err) : status;
}
