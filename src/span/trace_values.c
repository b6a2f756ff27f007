/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/trace_values.h"

#include "base/sys.h"

#include <string.h>

#define LONGEST ((size_t)256) /* bytes of a value: what is longer is hardly there twice */

enum tcore_status trace_values_open(struct trace_values *values, const struct cli_strings *only,
                                    struct tcore_error *err)
{
    *values = (struct trace_values){.only = only};
    if (tcore_map_init(&values->members) != 0)
        return tcore_error_set(err, TCORE_FATAL, "no randomness for a hash");
    return TCORE_OK;
}

void trace_values_free(struct trace_values *values)
{
    tcore_map_free(&values->members);
    tcore_json_free(&values->json);
    tcore_buf_free(&values->text);
    tcore_free(values->last);
    tcore_free(values->pair);
    *values = (struct trace_values){0};
}

size_t trace_values_bytes(const struct trace_values *values)
{
    return tcore_map_bytes(&values->members) + values->last_capacity * sizeof *values->last +
           values->capacity * sizeof *values->pair;
}

/* --- Which keys */

/* How a request ended: of failed ones true by definition. */
static bool tells_outcome(const char *key, size_t length)
{
    static const char *const whole[] = {"error",
                                        "error.type",
                                        "error.message",
                                        "error.kind",
                                        "error.object",
                                        "error.stack",
                                        "http.status_code",
                                        "http.response.status_code",
                                        "otel.status_code",
                                        "otel.status_description",
                                        "rpc.grpc.status_code",
                                        "rpc.response.status_code",
                                        "db.response.status_code",
                                        "rpc.connect_rpc.error_code",
                                        "grpc.status_code",
                                        "http.status_text"};
    static const char exception[] = "exception.";
    if (length >= sizeof exception - 1 && memcmp(key, exception, sizeof exception - 1) == 0)
        return true;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (strlen(whole[i]) == length && memcmp(key, whole[i], length) == 0)
            return true;
    return false;
}

static bool is_wanted(const struct trace_values *values, const char *key, size_t length)
{
    if (!values->only->count)
        return !tells_outcome(key, length);
    for (size_t i = 0; i < values->only->count; i++)
        if (strlen(values->only->item[i]) == length &&
            memcmp(values->only->item[i], key, length) == 0)
            return true;
    return false;
}

/* --- Taking in */

static bool add_pair(struct trace_values *values, uint32_t value, uint32_t trace, bool added)
{
    if (value >= values->last_capacity) {
        uint32_t capacity = values->last_capacity ? 2 * values->last_capacity : 1024;
        uint32_t *moved = tcore_reallocarray(values->last, capacity, sizeof *moved);
        if (!moved)
            return false;
        values->last = moved;
        values->last_capacity = capacity;
    }
    if (!added && values->last[value] == trace)
        return true;
    values->last[value] = trace;
    if (values->count == values->capacity) {
        size_t capacity = values->capacity ? values->capacity + values->capacity / 2 : 4096;
        struct trace_value_pair *moved = tcore_reallocarray(values->pair, capacity, sizeof *moved);
        if (!moved)
            return false;
        values->pair = moved;
        values->capacity = capacity;
    }
    values->pair[values->count++] = (struct trace_value_pair){value, trace};
    return true;
}

static bool add_member(struct trace_values *values, uint32_t trace, const char *key,
                       size_t key_length, const struct tcore_value *value)
{
    struct tcore_buf *text = &values->text;
    bool added;
    if (value->kind == TCORE_ABSENT || value->kind == TCORE_NULL || value->kind == TCORE_JSON ||
        !is_wanted(values, key, key_length))
        return true;
    if (value->kind == TCORE_STRING && value->len > LONGEST) {
        values->long_values++;
        return true;
    }
    tcore_buf_clear(text);
    tcore_json_write_string(text, key, key_length);
    tcore_buf_putc(text, ':');
    tcore_json_write_value(text, value);
    if (text->failed)
        return false;
    uint32_t number = tcore_map_intern(&values->members, text->data, text->length, &added);
    return number != TCORE_MAP_NONE && add_pair(values, number, trace, added);
}

/* The members of an object of the span. */
static bool add_bag(struct trace_values *values, uint32_t trace, const char *name)
{
    const struct tcore_json *json = &values->json;
    uint32_t bag = tcore_json_find(json, 0, name);
    if (!bag || !tcore_json_is_object(&json->node[bag]))
        return true;
    for (uint32_t k = bag + 1; k < json->node[bag].next; k = json->node[k + 1].next) {
        const struct tcore_value *key = &json->node[k].value;
        bool is_service = key->len == 12 && memcmp(key->s, "service.name", 12) == 0;
        if (!is_service && !add_member(values, trace, key->s, key->len, &json->node[k + 1].value))
            return false;
    }
    return true;
}

static bool add_top(struct trace_values *values, uint32_t trace, const char *name)
{
    uint32_t at = tcore_json_find(&values->json, 0, name);
    return !at || add_member(values, trace, name, strlen(name), &values->json.node[at].value);
}

/* The service is a field of its own, or the resource's. */
static bool add_service(struct trace_values *values, uint32_t trace)
{
    const struct tcore_json *json = &values->json;
    uint32_t at = tcore_json_find(json, 0, "service");
    uint32_t resource = tcore_json_find(json, 0, "resource");
    if (!at && resource)
        at = tcore_json_find(json, resource, "service.name");
    return !at || add_member(values, trace, "service", 7, &json->node[at].value);
}

enum tcore_status trace_values_add(struct trace_values *values, uint32_t trace, const char *text,
                                   size_t length, struct tcore_error *err)
{
    enum tcore_status status = tcore_json_parse(&values->json, text, length, err);
    if (status != TCORE_OK) /* what is no record was rejected before */
        return status == TCORE_SKIP ? TCORE_OK : status;
    bool room = add_service(values, trace) && add_top(values, trace, "name") &&
                add_top(values, trace, "kind") && add_bag(values, trace, "attributes") &&
                add_bag(values, trace, "resource");
    return room ? TCORE_OK : tcore_error_nomem(err);
}

/* --- By value */

enum tcore_status trace_values_index(struct trace_values *values, uint32_t traces, size_t **first,
                                     struct tcore_error *err)
{
    uint32_t count = values->members.count;
    size_t *begin = *first = tcore_calloc((size_t)count + 2, sizeof *begin);
    uint32_t *seen = tcore_calloc((size_t)traces + 1, sizeof *seen); /* value + 1 */
    struct trace_value_pair *sorted = tcore_reallocarray(NULL, values->count + 1, sizeof *sorted);
    if (begin && seen && sorted) {
        size_t kept = 0;
        for (size_t i = 0; i < values->count; i++)
            begin[values->pair[i].value + 2]++;
        for (uint32_t v = 0; v < count; v++)
            begin[v + 2] += begin[v + 1];
        for (size_t i = 0; i < values->count; i++)
            sorted[begin[values->pair[i].value + 1]++] = values->pair[i];
        size_t i = 0;
        for (uint32_t v = 0; v < count; v++) {
            size_t end = begin[v + 1];
            begin[v] = kept;
            for (; i < end; i++) {
                if (seen[sorted[i].trace] == v + 1)
                    continue;
                seen[sorted[i].trace] = v + 1;
                sorted[kept++] = sorted[i];
            }
        }
        begin[count] = kept;
        tcore_free(values->pair);
        values->pair = sorted;
        values->capacity = values->count + 1;
        values->count = kept;
        sorted = NULL;
    }
    bool made = begin && seen && !sorted;
    tcore_free(seen);
    tcore_free(sorted);
    return made ? TCORE_OK : tcore_error_nomem(err);
}
