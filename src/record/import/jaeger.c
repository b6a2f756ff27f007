/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Jaeger's JSON: answers of its API and what its UI saves, {"data":[trace, ...]}; one trace; and
 * one span with its process in it, as storage has it, in lines or a list. What the UI adds to spans
 * follows from the rest, the parents that it puts into references too, and is left out.
 */
#include <config.h>

#include "record/import/span.h"

enum { TOP_DATA, TOP_TOTAL, TOP_LIMIT, TOP_OFFSET, TOP_ERRORS, TOP_COUNT };
static const struct import_key top_names[TOP_COUNT] = {IMPORT_KEY("data"), IMPORT_KEY("total"),
                                                       IMPORT_KEY("limit"), IMPORT_KEY("offset"),
                                                       IMPORT_KEY("errors")};
static const struct import_keys top_keys = {top_names, TOP_COUNT};

enum { TRACE_ID, TRACE_SPANS, TRACE_PROCESSES, TRACE_WARNINGS, TRACE_COUNT };
static const struct import_key trace_names[TRACE_COUNT] = {
    IMPORT_KEY("traceID"), IMPORT_KEY("spans"), IMPORT_KEY("processes"), IMPORT_KEY("warnings")};
static const struct import_keys trace_keys = {trace_names, TRACE_COUNT};

enum {
    SPAN_TRACE,
    SPAN_ID,
    SPAN_FLAGS,
    SPAN_NAME,
    SPAN_REFERENCES,
    SPAN_START,
    SPAN_DURATION,
    SPAN_TAGS,
    SPAN_LOGS,
    SPAN_PROCESS_ID,
    SPAN_PROCESS,
    SPAN_WARNINGS,
    SPAN_PARENT,  /* of early versions, which had no references */
    SPAN_TAG,     /* Elasticsearch: tags that are fields of their own */
    SPAN_DERIVED, /* the UI's, from here on */
    SPAN_COUNT = SPAN_DERIVED + 6
};
static const struct import_key span_names[SPAN_COUNT] = {IMPORT_KEY("traceID"),
                                                         IMPORT_KEY("spanID"),
                                                         IMPORT_KEY("flags"),
                                                         IMPORT_KEY("operationName"),
                                                         IMPORT_KEY("references"),
                                                         IMPORT_KEY("startTime"),
                                                         IMPORT_KEY("duration"),
                                                         IMPORT_KEY("tags"),
                                                         IMPORT_KEY("logs"),
                                                         IMPORT_KEY("processID"),
                                                         IMPORT_KEY("process"),
                                                         IMPORT_KEY("warnings"),
                                                         IMPORT_KEY("parentSpanID"),
                                                         IMPORT_KEY("tag"),
                                                         IMPORT_KEY("relativeStartTime"),
                                                         IMPORT_KEY("depth"),
                                                         IMPORT_KEY("hasChildren"),
                                                         IMPORT_KEY("childSpanIds"),
                                                         IMPORT_KEY("subsidiarilyReferencedBy"),
                                                         IMPORT_KEY("startTimeMillis")};
static const struct import_keys span_keys = {span_names, SPAN_COUNT};

enum { REFERENCE_TYPE, REFERENCE_TRACE, REFERENCE_SPAN, REFERENCE_INLINE, REFERENCE_COUNT };
static const struct import_key reference_names[REFERENCE_COUNT] = {
    IMPORT_KEY("refType"), IMPORT_KEY("traceID"), IMPORT_KEY("spanID"), IMPORT_KEY("span")};
static const struct import_keys reference_keys = {reference_names, REFERENCE_COUNT};

enum { PROCESS_SERVICE, PROCESS_TAGS, PROCESS_TAG, PROCESS_COUNT };
static const struct import_key process_names[PROCESS_COUNT] = {
    IMPORT_KEY("serviceName"), IMPORT_KEY("tags"), IMPORT_KEY("tag")};
static const struct import_keys process_keys = {process_names, PROCESS_COUNT};

enum { LOG_TIME, LOG_FIELDS, LOG_COUNT };
static const struct import_key log_names[LOG_COUNT] = {IMPORT_KEY("timestamp"),
                                                       IMPORT_KEY("fields")};
static const struct import_keys log_keys = {log_names, LOG_COUNT};

enum { TAG_KEY, TAG_TYPE, TAG_VALUE, TAG_MEMBERS };
static const struct import_key tag_member_names[TAG_MEMBERS] = {
    IMPORT_KEY("key"), IMPORT_KEY("type"), IMPORT_KEY("value")};
static const struct import_keys tag_member_keys = {tag_member_names, TAG_MEMBERS};

/* The trace that is being converted. */
struct jaeger {
    struct import_job *job;
    struct import_span span;
    uint32_t trace_id, processes; /* nodes, 0: it has none */
    uint32_t process;             /* whose resource job->resource is; 0: of none */
    uint32_t service;             /* node of its serviceName */
    struct tcore_map by_name;     /* of many processes: number -> */
    struct tcore_buf nodes;       /* node of each */
    bool indexed;
};

static const struct tcore_json_node *node_at(const struct jaeger *j, uint32_t node)
{
    return &j->job->json.node[node];
}

/* --- tags --- */

static enum import_form form_of(const struct jaeger *j, uint32_t type)
{
    static const struct {
        const char *name;
        enum import_form form;
    } forms[] = {{"int64", IMPORT_INTEGER},
                 {"float64", IMPORT_DOUBLE},
                 {"bool", IMPORT_BOOLEAN},
                 {"binary", IMPORT_BINARY}};
    const struct tcore_value *v = import_value(j->job, type);
    if (type && v->kind == TCORE_STRING)
        for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
            if (v->len == strlen(forms[i].name) && memcmp(v->s, forms[i].name, v->len) == 0)
                return forms[i].form;
    return IMPORT_AS_IS;
}

typedef void take_function(struct jaeger *, struct tcore_slice key, uint32_t value,
                           enum import_form);

static void take_attribute(struct jaeger *j, struct tcore_slice key, uint32_t value,
                           enum import_form form)
{
    import_attributes_add(j->job, key, value, form);
}

static void take_span_tag(struct jaeger *j, struct tcore_slice key, uint32_t value,
                          enum import_form form)
{
    import_span_add_tag(j->job, &j->span, key, value, form);
}

static bool take_tag(struct jaeger *j, uint32_t node, take_function *take)
{
    uint32_t at[TAG_MEMBERS];
    if (!tcore_json_is_object(node_at(j, node)))
        return import_bad(j->job, "a tag that is no object");
    import_collect(j->job, &tag_member_keys, node, at);
    const struct tcore_value *key = import_value(j->job, at[TAG_KEY]);
    if (!at[TAG_KEY] || key->kind != TCORE_STRING)
        return import_bad(j->job, "a tag without a key");
    if (at[TAG_VALUE])
        take(j, (struct tcore_slice){key->s, key->len}, at[TAG_VALUE], form_of(j, at[TAG_TYPE]));
    return true;
}

static bool take_tags(struct jaeger *j, uint32_t list, take_function *take)
{
    if (!list)
        return true;
    if (!tcore_json_is_array(node_at(j, list)))
        return import_bad(j->job, "tags that are no array");
    for (uint32_t e = list + 1; e < node_at(j, list)->next; e = node_at(j, e)->next)
        if (!take_tag(j, e, take))
            return false;
    return true;
}

/* Tags that Elasticsearch has as an object; it has '@' where a dot was, which stays. */
static bool take_members(struct jaeger *j, uint32_t node, take_function *take)
{
    if (!node)
        return true;
    if (!tcore_json_is_object(node_at(j, node)))
        return import_bad(j->job, "a tag member that is no object");
    for (uint32_t k = node + 1; k < node_at(j, node)->next; k = node_at(j, k + 1)->next) {
        const struct tcore_value *key = import_value(j->job, k);
        take(j, (struct tcore_slice){key->s, key->len}, k + 1, IMPORT_AS_IS);
    }
    return true;
}

/* --- processes --- */

enum { FEW_PROCESSES = 16 };

/* A table of the processes by name; a later one of the same name is the one that counts. */
static bool index_processes(struct jaeger *j)
{
    const struct tcore_json_node *tape = j->job->json.node;
    if (tcore_map_init(&j->by_name) < 0)
        return false;
    for (uint32_t k = j->processes + 1; k < tape[j->processes].next; k = tape[k + 1].next) {
        uint32_t value = k + 1;
        uint32_t number = tcore_map_intern(&j->by_name, tape[k].value.s, tape[k].value.len, NULL);
        if (number == TCORE_MAP_NONE)
            return false;
        if (number * sizeof(value) == j->nodes.length)
            tcore_buf_append(&j->nodes, &value, sizeof(value));
        else
            memcpy(j->nodes.data + number * sizeof(value), &value, sizeof(value));
        if (j->nodes.failed)
            return false;
    }
    return true;
}

/* The process of that id; 0: there is none. */
static uint32_t find_process(struct jaeger *j, uint32_t id)
{
    const struct tcore_value *v = import_value(j->job, id);
    uint32_t node;
    if (!id || v->kind != TCORE_STRING || !j->processes)
        return 0;
    if (node_at(j, j->processes)->count <= FEW_PROCESSES)
        return tcore_json_find_n(&j->job->json, j->processes, v->s, v->len);
    if (!j->indexed) {
        j->indexed = true;
        j->job->failed |= !index_processes(j);
    }
    uint32_t number = j->job->failed ? TCORE_MAP_NONE : tcore_map_find(&j->by_name, v->s, v->len);
    if (number == TCORE_MAP_NONE)
        return 0;
    memcpy(&node, j->nodes.data + number * sizeof(node), sizeof(node));
    return node;
}

static bool put_resource(struct jaeger *j, uint32_t process)
{
    struct tcore_buf *out = &j->job->resource;
    uint32_t at[PROCESS_COUNT];
    if (process == j->process)
        return true;
    tcore_buf_clear(out);
    j->service = j->process = 0;
    if (!tcore_json_is_object(node_at(j, process)))
        return import_bad(j->job, "a process that is no object");
    import_collect(j->job, &process_keys, process, at);
    import_attributes_clear(j->job);
    if (!take_tags(j, at[PROCESS_TAGS], take_attribute) ||
        !take_members(j, at[PROCESS_TAG], take_attribute))
        return false;
    if (import_is_text(j->job, at[PROCESS_SERVICE])) {
        j->service = at[PROCESS_SERVICE];
        import_attributes_add_new(j->job, "service.name", j->service, IMPORT_AS_IS);
    }
    import_attributes_put(j->job, out, ",\"resource\":");
    j->process = process;
    return true;
}

/* The span's own process, or that of the trace which it names. */
static bool enter_process(struct jaeger *j, const uint32_t *at)
{
    uint32_t process = at[SPAN_PROCESS];
    if (!process)
        process = find_process(j, at[SPAN_PROCESS_ID]);
    if (process)
        return put_resource(j, process);
    tcore_buf_clear(&j->job->resource);
    j->service = j->process = 0;
    return true;
}

/* --- references --- */

static bool read_reference(struct jaeger *j, uint32_t node, uint32_t *at)
{
    if (!tcore_json_is_object(node_at(j, node)))
        return import_bad(j->job, "a reference that is no object");
    import_collect(j->job, &reference_keys, node, at);
    return true;
}

static bool same_text(const struct jaeger *j, uint32_t a, uint32_t b)
{
    const struct tcore_value *x = import_value(j->job, a), *y = import_value(j->job, b);
    return a && b && x->kind == TCORE_STRING && y->kind == TCORE_STRING && x->len == y->len &&
           memcmp(x->s, y->s, x->len) == 0;
}

static bool follows_from(const struct jaeger *j, uint32_t type)
{
    const struct tcore_value *v = import_value(j->job, type);
    return type && v->kind == TCORE_STRING && v->len == 12 && memcmp(v->s, "FOLLOWS_FROM", 12) == 0;
}

/* The reference to the parent: the first CHILD_OF into the same trace, or else FOLLOWS_FROM. 0:
 * there is none. */
static bool find_parent(struct jaeger *j, uint32_t list, uint32_t *parent)
{
    uint32_t followed = 0;
    *parent = 0;
    if (!list)
        return true;
    if (!tcore_json_is_array(node_at(j, list)))
        return import_bad(j->job, "references that are no array");
    for (uint32_t e = list + 1; e < node_at(j, list)->next; e = node_at(j, e)->next) {
        uint32_t at[REFERENCE_COUNT];
        if (!read_reference(j, e, at))
            return false;
        if (*parent ||
            (at[REFERENCE_TRACE] && !same_text(j, at[REFERENCE_TRACE], j->span.trace_id)))
            continue;
        if (!follows_from(j, at[REFERENCE_TYPE])) {
            *parent = e;
            j->span.parent_id = at[REFERENCE_SPAN];
        } else if (!followed) {
            followed = e;
            j->span.parent_id = at[REFERENCE_SPAN];
        }
    }
    if (!*parent)
        *parent = followed;
    return true;
}

/* OpenTracing's kind of reference is an attribute of the link, as semantic conventions have it. */
static bool put_link(struct jaeger *j, uint32_t node)
{
    struct tcore_buf *out = &j->job->result->out;
    struct import_originals originals = {.count = 0};
    uint32_t at[REFERENCE_COUNT];
    size_t begin = out->length;
    if (!read_reference(j, node, at) ||
        !import_put_id(j->job, &originals, IMPORT_TRACE_ID,
                       at[REFERENCE_TRACE] ? at[REFERENCE_TRACE] : j->span.trace_id) ||
        !import_put_id(j->job, &originals, IMPORT_SPAN_ID, at[REFERENCE_SPAN]))
        return false;
    PUT(out, ",\"attributes\":{\"opentracing.ref_type\":\"");
    tcore_buf_puts(out, follows_from(j, at[REFERENCE_TYPE]) ? "follows_from\"" : "child_of\"");
    import_attributes_clear(j->job);
    import_add_originals(j->job, &originals);
    size_t open = out->length;
    import_attributes_put(j->job, out, "");
    if (out->length > open)
        out->data[open] = ',';
    else
        tcore_buf_putc(out, '}');
    tcore_buf_putc(out, '}');
    if (!out->failed)
        out->data[begin] = '{';
    return true;
}

static bool put_links(struct jaeger *j, uint32_t list, uint32_t parent)
{
    struct tcore_buf *out = &j->job->result->out;
    const char *before = ",\"links\":[";
    if (!list)
        return true;
    for (uint32_t e = list + 1; e < node_at(j, list)->next; e = node_at(j, e)->next) {
        if (e == parent)
            continue;
        tcore_buf_puts(out, before);
        before = ",";
        if (!put_link(j, e))
            return false;
    }
    if (*before != ',' || before[1])
        return true;
    tcore_buf_putc(out, ']');
    return true;
}

/* --- logs --- */

static void take_field(struct jaeger *j, struct tcore_slice key, uint32_t value,
                       enum import_form form)
{
    bool event = key.length == 5 && memcmp(key.data, "event", 5) == 0;
    if (event && import_value(j->job, value)->kind == TCORE_STRING && !j->span.name)
        j->span.name = value;
    else
        import_attributes_add(j->job, key, value, form);
}

/* A log is an event; its field "event" is the name. */
static bool put_event(struct jaeger *j, uint32_t node)
{
    struct tcore_buf *out = &j->job->result->out;
    uint32_t at[LOG_COUNT], name = j->span.name;
    int64_t time_ns;
    if (!tcore_json_is_object(node_at(j, node)))
        return import_bad(j->job, "a log that is no object");
    import_collect(j->job, &log_keys, node, at);
    import_attributes_clear(j->job);
    j->span.name = 0;
    if (!take_tags(j, at[LOG_FIELDS], take_field))
        return false;
    size_t begin = out->length;
    if (at[LOG_TIME]) {
        if (!import_micros(j->job, at[LOG_TIME], "the timestamp of a log", &time_ns))
            return false;
        import_put_time(out, ",\"timeUnixNano\":\"", time_ns);
    }
    import_put_text(j->job, ",\"name\":", j->span.name);
    import_attributes_put(j->job, out, ",\"attributes\":");
    j->span.name = name;
    import_close_object(out, begin);
    return true;
}

static bool put_events(struct jaeger *j, uint32_t list)
{
    struct tcore_buf *out = &j->job->result->out;
    if (!list)
        return true;
    if (!tcore_json_is_array(node_at(j, list)))
        return import_bad(j->job, "logs that are no array");
    if (!node_at(j, list)->count)
        return true;
    PUT(out, ",\"events\":");
    for (uint32_t e = list + 1; e < node_at(j, list)->next; e = node_at(j, e)->next) {
        tcore_buf_putc(out, e == list + 1 ? '[' : ',');
        if (!put_event(j, e))
            return false;
    }
    tcore_buf_putc(out, ']');
    return true;
}

/* --- spans and traces --- */

static bool read_times(struct jaeger *j, const uint32_t *at)
{
    struct import_span *span = &j->span;
    span->has_start = at[SPAN_START] != 0;
    span->has_duration = at[SPAN_DURATION] != 0;
    return (!span->has_start ||
            import_micros(j->job, at[SPAN_START], "startTime", &span->start_ns)) &&
           (!span->has_duration ||
            import_micros(j->job, at[SPAN_DURATION], "duration", &span->duration_ns));
}

static bool put_span(struct jaeger *j, uint32_t node)
{
    struct import_job *job = j->job;
    uint32_t at[SPAN_COUNT], parent;
    int64_t flags;
    import_collect(job, &span_keys, node, at);
    if (!enter_process(j, at))
        return false;
    import_span_clear(job, &j->span);
    struct import_span *span = &j->span;
    span->trace_id = at[SPAN_TRACE] ? at[SPAN_TRACE] : j->trace_id;
    span->span_id = at[SPAN_ID];
    span->name = at[SPAN_NAME];
    span->service = j->service;
    span->resource = (struct tcore_slice){job->resource.data, job->resource.length};
    span->sampled = import_int64(job, at[SPAN_FLAGS], &flags) && flags & 1;
    if (!find_parent(j, at[SPAN_REFERENCES], &parent) || !read_times(j, at) ||
        !take_tags(j, at[SPAN_TAGS], take_span_tag) ||
        !take_members(j, at[SPAN_TAG], take_span_tag))
        return false;
    if (!parent)
        span->parent_id = at[SPAN_PARENT];
    import_span_settle(job, span);
    if (at[SPAN_WARNINGS] && node_at(j, at[SPAN_WARNINGS])->count)
        import_attributes_add_new(job, "jaeger.warnings", at[SPAN_WARNINGS], IMPORT_AS_IS);
    if (!import_span_begin(job, span) || !put_events(j, at[SPAN_LOGS]) ||
        !put_links(j, at[SPAN_REFERENCES], parent))
        return false;
    import_span_end(job, span);
    return true;
}

static void convert_span(struct jaeger *j, uint32_t node)
{
    size_t mark = j->job->result->out.length;
    if (tcore_json_is_object(node_at(j, node)) ? put_span(j, node)
                                               : import_bad(j->job, "a span that is no object"))
        return;
    j->job->result->out.length = mark;
    import_reject(j->job, node);
}

static bool is_span(const struct tcore_json *json, uint32_t node)
{
    return tcore_json_find(json, node, "spanID") && tcore_json_find(json, node, "traceID");
}

static bool is_trace(const struct tcore_json *json, uint32_t node)
{
    uint32_t spans = tcore_json_find(json, node, "spans");
    return spans && tcore_json_is_array(&json->node[spans]) &&
           (tcore_json_find(json, node, "traceID") || tcore_json_find(json, node, "processes") ||
            (json->node[spans].count && is_span(json, spans + 1)));
}

static void leave_trace(struct jaeger *j)
{
    if (j->indexed)
        tcore_map_free(&j->by_name);
    tcore_buf_free(&j->nodes);
    *j = (struct jaeger){.job = j->job};
    tcore_buf_clear(&j->job->resource);
}

static void convert_trace(struct jaeger *j, uint32_t node)
{
    uint32_t at[TRACE_COUNT];
    import_collect(j->job, &trace_keys, node, at);
    leave_trace(j);
    j->trace_id = at[TRACE_ID];
    j->processes = at[TRACE_PROCESSES];
    if (!at[TRACE_SPANS])
        return;
    if (j->processes && !tcore_json_is_object(node_at(j, j->processes))) {
        import_bad(j->job, "a trace whose processes are no object");
        import_reject(j->job, node);
        return;
    }
    for (uint32_t e = at[TRACE_SPANS] + 1; e < node_at(j, at[TRACE_SPANS])->next;
         e = node_at(j, e)->next)
        convert_span(j, e);
    leave_trace(j);
}

static void convert_list(struct jaeger *j, uint32_t list)
{
    for (uint32_t e = list + 1; e < node_at(j, list)->next; e = node_at(j, e)->next) {
        if (is_trace(&j->job->json, e)) {
            convert_trace(j, e);
        } else if (is_span(&j->job->json, e)) {
            convert_span(j, e);
        } else {
            import_bad(j->job, "an element that is neither a trace nor a span of Jaeger's");
            import_reject(j->job, e);
        }
    }
}

/* An empty list is an answer with nothing in it. */
static bool is_list(const struct tcore_json *json, uint32_t list, bool empty)
{
    if (!tcore_json_is_array(&json->node[list]))
        return false;
    for (uint32_t e = list + 1; e < json->node[list].next; e = json->node[e].next)
        if (is_trace(json, e) || is_span(json, e))
            return true;
    return empty && !json->node[list].count;
}

static bool probe(const struct tcore_json *json)
{
    uint32_t data = tcore_json_find(json, 0, "data");
    return (data && is_list(json, data, true)) || is_trace(json, 0) || is_span(json, 0) ||
           is_list(json, 0, false);
}

static void convert(struct import_job *job)
{
    struct jaeger j = {.job = job};
    uint32_t at[TOP_COUNT];
    tcore_buf_clear(&job->resource);
    if (tcore_json_is_array(&job->json.node[0])) {
        convert_list(&j, 0);
    } else if (is_trace(&job->json, 0)) {
        convert_trace(&j, 0);
    } else if (is_span(&job->json, 0)) {
        convert_span(&j, 0);
    } else {
        import_collect(job, &top_keys, 0, at);
        convert_list(&j, at[TOP_DATA]);
    }
    tcore_buf_clear(&job->resource);
}

const struct import_format import_jaeger = {
    .name = "jaeger",
    .summary = "Jaeger JSON",
    .probe = probe,
    .convert = convert,
};
