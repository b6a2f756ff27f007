/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/execution/fold.h"

#include "base/sys.h"
#include "model/number.h"

#include <string.h>

enum tcore_status execution_parse(struct tcore_json *json, const char *line, size_t length,
                                  struct tcore_error *err)
{
    struct tcore_error unused;
    enum tcore_status status = tcore_json_parse(json, line, length, &unused);
    if (status == TCORE_FATAL)
        return tcore_error_nomem(err);
    return status == TCORE_OK && tcore_json_is_object(&json->node[0]) ? TCORE_OK : TCORE_SKIP;
}

const struct tcore_value *execution_member(const struct tcore_json *json, const char *name)
{
    static const struct tcore_value absent = {0};
    uint32_t i = tcore_json_find(json, 0, name);
    return i ? &json->node[i].value : &absent;
}

const char *execution_end_of(const struct tcore_value *event)
{
    static const char *const ends[] = {"completed", "failed", "cancelled", "timeout"};
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
        if (tcore_value_is_text(event, ends[i]))
            return ends[i];
    return NULL;
}

int64_t execution_time_of(const struct tcore_json *json)
{
    const struct tcore_value *v = execution_member(json, "timeUnixNano");
    int64_t time_ns = 0;
    if (v->kind == TCORE_STRING)
        (void)tcore_parse_int64(v->s, v->len, &time_ns);
    else
        (void)tcore_value_int64(v, &time_ns);
    return time_ns;
}

enum tcore_status execution_init(struct execution *execution, struct tcore_error *err)
{
    *execution = (struct execution){.trace_id = "",
                                    .parent_span_id = "",
                                    .operation_name = "",
                                    .service = "",
                                    .resource_json = "",
                                    .parent_trace_id = "",
                                    .context_id = "",
                                    .correlation_id = "",
                                    .causation_id = "",
                                    .execution_type = "",
                                    .executor_id = "",
                                    .executor_type = "",
                                    .environment_json = "",
                                    .end_event = "",
                                    .result_json = "",
                                    .error_json = ""};
    if (tcore_map_init(&execution->keys) < 0)
        return tcore_error_set(err, TCORE_FATAL, "the system has no randomness to give");
    return TCORE_OK;
}

void execution_free(struct execution *execution)
{
    tcore_free(execution->attributes);
    tcore_free(execution->moments);
    tcore_map_free(&execution->keys);
    tcore_arena_free(&execution->arena);
}

/* --- attributes */

/* Room for one more of count elements. */
static bool grow(void **list, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return true;
    size_t more = count ? 2 * count : 8;
    void *grown = tcore_reallocarray(*list, more, size);
    if (!grown)
        return false;
    *list = grown;
    *capacity = more;
    return true;
}

static enum tcore_status add_attribute(struct execution *e, const char *key, size_t key_length,
                                       uint32_t *number, struct tcore_error *err)
{
    void *list = e->attributes;
    *number = tcore_map_intern(&e->keys, key, key_length, NULL);
    if (*number == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    if (*number < e->attribute_count)
        return TCORE_OK;
    if (!grow(&list, e->attribute_count, &e->attribute_capacity, sizeof(*e->attributes)))
        return tcore_error_nomem(err);
    e->attributes = list;
    const char *copy = tcore_arena_copy(&e->arena, key, key_length);
    if (!copy)
        return tcore_error_nomem(err);
    e->attributes[e->attribute_count++] = (struct execution_attribute){copy, ""};
    return TCORE_OK;
}

enum tcore_status execution_set(struct execution *e, const char *key, size_t key_length,
                                const char *value_json, size_t length, struct tcore_error *err)
{
    uint32_t number;
    const char *value = tcore_arena_copy(&e->arena, value_json, length);
    if (!value)
        return tcore_error_nomem(err);
    enum tcore_status status = add_attribute(e, key, key_length, &number, err);
    if (status == TCORE_OK)
        e->attributes[number].value_json = value;
    return status;
}

static enum tcore_status fold_attributes(struct execution *e, const struct tcore_json *json,
                                         struct tcore_error *err)
{
    uint32_t map = tcore_json_find(json, 0, "attributes");
    const struct tcore_json_node *node = json->node;
    struct tcore_buf value = {0};
    enum tcore_status status = TCORE_OK;
    if (!map || !tcore_json_is_object(&node[map]))
        return TCORE_OK;
    for (uint32_t k = map + 1; status == TCORE_OK && k < node[map].next; k = node[k + 1].next) {
        tcore_buf_clear(&value);
        tcore_json_write_tree(&value, json, k + 1);
        status = tcore_buf_status(&value, err);
        if (status == TCORE_OK)
            status =
                execution_set(e, node[k].value.s, node[k].value.len, value.data, value.length, err);
    }
    tcore_buf_free(&value);
    return status;
}

/* --- members */

/* Keeps the text of a member if it has one. False: out of memory. */
static bool keep_text(struct execution *e, const struct tcore_json *json, const char *name,
                      const char **text)
{
    const struct tcore_value *v = execution_member(json, name);
    if (v->kind != TCORE_STRING)
        return true;
    const char *copy = tcore_arena_copy(&e->arena, v->s, v->len);
    if (copy)
        *text = copy;
    return copy != NULL;
}

/* Keeps a value as JSON, of the text of an object so many bytes less on either side. */
static bool keep_tree(struct execution *e, const struct tcore_json *json, uint32_t at, size_t less,
                      const char **text)
{
    struct tcore_buf tree = {0};
    tcore_json_write_tree(&tree, json, at);
    const char *copy =
        tree.failed ? NULL : tcore_arena_copy(&e->arena, tree.data + less, tree.length - 2 * less);
    tcore_buf_free(&tree);
    if (copy)
        *text = copy;
    return copy != NULL;
}

/* Keeps a map that is not empty, without its braces. */
static bool keep_map(struct execution *e, const struct tcore_json *json, const char *name,
                     const char **text)
{
    uint32_t i = tcore_json_find(json, 0, name);
    return !i || !tcore_json_is_object(&json->node[i]) || !json->node[i].count ||
           keep_tree(e, json, i, 1, text);
}

static bool keep_value(struct execution *e, const struct tcore_json *json, const char *name,
                       const char **text)
{
    uint32_t i = tcore_json_find(json, 0, name);
    return !i || json->node[i].value.kind == TCORE_NULL || keep_tree(e, json, i, 0, text);
}

/* --- events */

static enum tcore_status fold_moment(struct execution *e, const struct tcore_json *json,
                                     const char *name_member, bool checkpoint,
                                     struct tcore_error *err)
{
    uint32_t name = tcore_json_find(json, 0, name_member);
    uint32_t attributes = tcore_json_find(json, 0, "attributes");
    struct execution_moment moment = {
        .time_ns = execution_time_of(json), .attributes_json = "", .checkpoint = checkpoint};
    void *list = e->moments;
    if (!name || json->node[name].value.kind != TCORE_STRING)
        return TCORE_OK;
    if (!grow(&list, e->moment_count, &e->moment_capacity, sizeof(*e->moments)))
        return tcore_error_nomem(err);
    e->moments = list;
    if (!keep_tree(e, json, name, 0, &moment.name_json) ||
        (attributes && json->node[attributes].count &&
         !keep_tree(e, json, attributes, 0, &moment.attributes_json)))
        return tcore_error_nomem(err);
    e->moments[e->moment_count++] = moment;
    return TCORE_OK;
}

static enum tcore_status fold_start(struct execution *e, const struct tcore_json *json,
                                    struct tcore_error *err)
{
    e->started = true;
    e->start_ns = execution_time_of(json);
    bool good = keep_text(e, json, "traceId", &e->trace_id) &&
                keep_text(e, json, "parentSpanId", &e->parent_span_id) &&
                keep_text(e, json, "parentTraceId", &e->parent_trace_id) &&
                keep_text(e, json, "contextId", &e->context_id) &&
                keep_text(e, json, "correlationId", &e->correlation_id) &&
                keep_text(e, json, "causationId", &e->causation_id) &&
                keep_text(e, json, "operationName", &e->operation_name) &&
                keep_text(e, json, "executionType", &e->execution_type) &&
                keep_text(e, json, "executorId", &e->executor_id) &&
                keep_text(e, json, "executorType", &e->executor_type) &&
                keep_text(e, json, "service", &e->service) &&
                keep_map(e, json, "environment", &e->environment_json) &&
                keep_map(e, json, "resource", &e->resource_json);
    return good ? fold_attributes(e, json, err) : tcore_error_nomem(err);
}

static enum tcore_status fold_end(struct execution *e, const struct tcore_json *json,
                                  const char *event, struct tcore_error *err)
{
    if (!e->ended) {
        e->ended = true;
        e->end_event = event;
        e->end_ns = execution_time_of(json);
        if (!keep_value(e, json, "result", &e->result_json) ||
            !keep_value(e, json, "error", &e->error_json))
            return tcore_error_nomem(err);
    }
    return fold_attributes(e, json, err);
}

static enum tcore_status fold_event(struct execution *e, const struct tcore_json *json,
                                    struct tcore_error *err)
{
    const struct tcore_value *event = execution_member(json, "event");
    const char *end = execution_end_of(event);
    if (event->kind == TCORE_ABSENT)
        return TCORE_OK;
    if (tcore_value_is_text(event, "started"))
        return e->started ? TCORE_OK : fold_start(e, json, err);
    if (tcore_value_is_text(event, "checkpoint"))
        return fold_moment(e, json, "name", true, err);
    return end ? fold_end(e, json, end, err) : fold_attributes(e, json, err);
}

enum tcore_status execution_fold(struct execution *e, const char *id, const struct tcore_json *json,
                                 struct tcore_error *err)
{
    if (tcore_value_is_text(execution_member(json, "executionId"), id))
        return fold_event(e, json, err);
    if (tcore_value_is_text(execution_member(json, "type"), "log") &&
        tcore_value_is_text(execution_member(json, "spanId"), id))
        return fold_moment(e, json, "eventName", false, err);
    return TCORE_OK;
}
