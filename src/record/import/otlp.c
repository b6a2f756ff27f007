/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * OTLP/JSON and its dialects: resource, scope and record lists under their names of today and of
 * earlier versions, Tempo's batches, and the wrappers that query APIs put around them. A bad
 * record costs itself; a bad resource or scope what is below it.
 */
#include <config.h>

#include "record/import/otlp_rows.h"

enum {
    TOP_SPANS,
    TOP_METRICS,
    TOP_LOGS,
    TOP_BATCHES,     /* Tempo's name for resourceSpans */
    TOP_SCOPE_SPANS, /* a lone ResourceSpans, ... */
    TOP_SCOPE_METRICS,
    TOP_SCOPE_LOGS,
    TOP_TRACE,  /* Tempo's API */
    TOP_RESULT, /* Jaeger's API v3 */
    TOP_COUNT
};
static const struct import_key top_names[TOP_COUNT] = {
    IMPORT_KEY("resourceSpans"), IMPORT_KEY("resourceMetrics"), IMPORT_KEY("resourceLogs"),
    IMPORT_KEY("batches"),       IMPORT_KEY("scopeSpans"),      IMPORT_KEY("scopeMetrics"),
    IMPORT_KEY("scopeLogs"),     IMPORT_KEY("trace"),           IMPORT_KEY("result")};
static const struct import_keys top_keys = {top_names, TOP_COUNT};

enum {
    GROUP_RESOURCE,
    GROUP_SPANS,
    GROUP_METRICS,
    GROUP_LOGS,
    GROUP_OLD_SPANS,
    GROUP_OLD_METRICS,
    GROUP_OLD_LOGS,
    GROUP_SCHEMA,
    GROUP_COUNT
};
static const struct import_key group_names[GROUP_COUNT] = {
    IMPORT_KEY("resource"),
    IMPORT_KEY("scopeSpans"),
    IMPORT_KEY("scopeMetrics"),
    IMPORT_KEY("scopeLogs"),
    IMPORT_KEY("instrumentationLibrarySpans"),
    IMPORT_KEY("instrumentationLibraryMetrics"),
    IMPORT_KEY("instrumentationLibraryLogs"),
    IMPORT_KEY("schemaUrl")};
static const struct import_keys group_keys = {group_names, GROUP_COUNT};

enum {
    SCOPE_SCOPE,
    SCOPE_SPANS,
    SCOPE_METRICS,
    SCOPE_LOGS,
    SCOPE_OLD_SCOPE,
    SCOPE_OLD_LOGS,
    SCOPE_SCHEMA,
    SCOPE_COUNT
};
static const struct import_key scope_names[SCOPE_COUNT] = {IMPORT_KEY("scope"),
                                                           IMPORT_KEY("spans"),
                                                           IMPORT_KEY("metrics"),
                                                           IMPORT_KEY("logRecords"),
                                                           IMPORT_KEY("instrumentationLibrary"),
                                                           IMPORT_KEY("logs"),
                                                           IMPORT_KEY("schemaUrl")};
static const struct import_keys scope_keys = {scope_names, SCOPE_COUNT};

enum { LIBRARY_NAME, LIBRARY_VERSION, LIBRARY_ATTRIBUTES, LIBRARY_DROPPED, LIBRARY_COUNT };
static const struct import_key library_names[LIBRARY_COUNT] = {
    IMPORT_KEY("name"), IMPORT_KEY("version"), IMPORT_KEY("attributes"),
    IMPORT_KEY("droppedAttributesCount")};
static const struct import_keys library_keys = {library_names, LIBRARY_COUNT};

enum { RESOURCE_ATTRIBUTES, RESOURCE_DROPPED, RESOURCE_COUNT };
static const struct import_key resource_names[RESOURCE_COUNT] = {
    IMPORT_KEY("attributes"), IMPORT_KEY("droppedAttributesCount")};
static const struct import_keys resource_keys = {resource_names, RESOURCE_COUNT};

typedef bool put_function(struct otlp *, uint32_t);

static const struct tcore_json_node *node_at(const struct otlp *o, uint32_t node)
{
    return &o->job->json.node[node];
}

/* Records of one list: a bad one is rejected, the others stay. */
static void convert_records(struct otlp *o, uint32_t list, const char *name, put_function *put)
{
    if (!list)
        return;
    if (!otlp_is_list(o, list, name)) {
        import_reject(o->job, list);
        return;
    }
    for (uint32_t e = list + 1; e < node_at(o, list)->next; e = node_at(o, e)->next) {
        size_t mark = o->out->length;
        bool good = tcore_json_is_object(node_at(o, e))
                        ? put(o, e)
                        : import_bad(o->job, "an element of %s that is no object", name);
        if (!good) {
            o->out->length = mark;
            import_reject(o->job, e);
        }
    }
}

typedef bool put_shared_function(struct otlp *, const uint32_t *at);

/* What records share is above them: collects the members of the object and puts what they share.
 * False: what is below it is lost, and was rejected. */
static bool enter(struct otlp *o, uint32_t node, const struct import_keys *keys, uint32_t *at,
                  const char *whose, put_shared_function *put)
{
    bool good = tcore_json_is_object(node_at(o, node)) ||
                import_bad(o->job, "a %s's records that are no object", whose);
    if (good) {
        import_collect(o->job, keys, node, at);
        o->shared = false;
        good = put(o, at);
    }
    if (!good)
        import_reject(o->job, node);
    return good;
}

static bool put_scope(struct otlp *o, const uint32_t *above)
{
    struct tcore_buf *out = &o->job->scope;
    uint32_t node = above[SCOPE_SCOPE] ? above[SCOPE_SCOPE] : above[SCOPE_OLD_SCOPE];
    uint32_t at[LIBRARY_COUNT] = {0};
    tcore_buf_clear(out);
    if (node && !tcore_json_is_object(node_at(o, node)))
        return import_bad(o->job, "a scope that is no object");
    if (node)
        import_collect(o->job, &library_keys, node, at);
    PUT(out, ",\"scope\":");
    size_t begin = out->length;
    bool good = otlp_put_text_field(o, out, ",\"name\":", at[LIBRARY_NAME]) &&
                otlp_put_text_field(o, out, ",\"version\":", at[LIBRARY_VERSION]) &&
                otlp_put_map_field(o, out, ",\"attributes\":", at[LIBRARY_ATTRIBUTES]) &&
                otlp_put_count_field(o, out, ",\"droppedAttributesCount\":", at[LIBRARY_DROPPED]) &&
                otlp_put_text_field(o, out, ",\"schemaUrl\":", above[SCOPE_SCHEMA]);
    if (out->length == begin) {
        out->length = 0;
    } else {
        out->data[begin] = '{';
        tcore_buf_putc(out, '}');
    }
    return good;
}

bool otlp_enter_scope(struct otlp *o, uint32_t node)
{
    uint32_t at[SCOPE_COUNT];
    return enter(o, node, &scope_keys, at, "scope", put_scope);
}

static void convert_scope(struct otlp *o, uint32_t node)
{
    uint32_t at[SCOPE_COUNT];
    if (!enter(o, node, &scope_keys, at, "scope", put_scope))
        return;
    if (o->rows)
        otlp_rows_enter_scope(o);
    convert_records(o, at[SCOPE_SPANS], "spans", otlp_put_span);
    convert_records(o, at[SCOPE_METRICS], "metrics", otlp_put_metric);
    convert_records(o, at[SCOPE_LOGS] ? at[SCOPE_LOGS] : at[SCOPE_OLD_LOGS], "logRecords",
                    otlp_put_log);
}

static void convert_scopes(struct otlp *o, uint32_t list, const char *name)
{
    if (!list)
        return;
    if (!otlp_is_list(o, list, name)) {
        import_reject(o->job, list);
        return;
    }
    for (uint32_t e = list + 1; e < node_at(o, list)->next; e = node_at(o, e)->next)
        convert_scope(o, e);
}

static bool is_service_name(const struct otlp *o, uint32_t key)
{
    const struct tcore_value *k = import_value(o->job, key);
    return k->kind == TCORE_STRING && k->len == 12 && memcmp(k->s, "service.name", 12) == 0;
}

/* The value of service.name if it is a text. */
static uint32_t find_service(struct otlp *o, uint32_t attributes)
{
    uint32_t found = 0;
    if (!attributes)
        return 0;
    if (o->job->wire) { /* keys and values by turns */
        for (uint32_t e = attributes + 1; e < node_at(o, attributes)->next;
             e = node_at(o, e + 1)->next)
            if (is_service_name(o, e))
                found = import_is_text(o->job, e + 1) ? e + 1 : 0;
        return found;
    }
    for (uint32_t e = attributes + 1; e < node_at(o, attributes)->next; e = node_at(o, e)->next) {
        uint32_t key = tcore_json_find(&o->job->json, e, "key");
        if (!key || !is_service_name(o, key))
            continue;
        uint32_t value = tcore_json_find(&o->job->json, e, "value");
        uint32_t text = value ? tcore_json_find(&o->job->json, value, "stringValue") : 0;
        if (value && !text)
            text = tcore_json_find(&o->job->json, value, "string_value");
        found = import_is_text(o->job, text) ? text : 0;
    }
    return found;
}

/* The count of a resource's attributes that are not there stands among those that are. */
static bool put_dropped(struct otlp *o, uint32_t node)
{
    struct tcore_buf *out = &o->job->resource;
    size_t end = out->length;
    if (!otlp_put_count_field(o, out, ",\"droppedAttributesCount\":", node))
        return false;
    if (out->length == end || out->failed)
        return true;
    if (end) {
        memmove(out->data + end - 1, out->data + end, out->length - end); /* over the brace */
        out->length--;
    } else {
        out->length = 0;
        PUT(out, ",\"resource\":{");
        otlp_put_count_field(o, out, "\"droppedAttributesCount\":", node);
    }
    tcore_buf_putc(out, '}');
    return true;
}

static bool put_resource(struct otlp *o, const uint32_t *above)
{
    uint32_t node = above[GROUP_RESOURCE];
    uint32_t at[RESOURCE_COUNT] = {0};
    tcore_buf_clear(&o->job->resource);
    o->service = 0;
    o->schema = above[GROUP_SCHEMA];
    if (!node)
        return true;
    if (!tcore_json_is_object(node_at(o, node)))
        return import_bad(o->job, "a resource that is no object");
    import_collect(o->job, &resource_keys, node, at);
    if (!otlp_put_map_field(o, &o->job->resource, ",\"resource\":", at[RESOURCE_ATTRIBUTES]) ||
        !put_dropped(o, at[RESOURCE_DROPPED]))
        return false;
    o->service = find_service(o, at[RESOURCE_ATTRIBUTES]);
    return true;
}

bool otlp_enter_group(struct otlp *o, uint32_t node)
{
    uint32_t at[GROUP_COUNT];
    return enter(o, node, &group_keys, at, "resource", put_resource);
}

static void convert_group(struct otlp *o, uint32_t node)
{
    uint32_t at[GROUP_COUNT];
    if (!enter(o, node, &group_keys, at, "resource", put_resource))
        return;
    if (o->rows)
        otlp_rows_enter_group(o);
    for (int i = GROUP_SPANS; i <= GROUP_OLD_LOGS; i++)
        convert_scopes(o, at[i], group_names[i].name);
}

static void convert_groups(struct otlp *o, uint32_t list, const char *name)
{
    if (!list)
        return;
    if (!otlp_is_list(o, list, name)) {
        import_reject(o->job, list);
        return;
    }
    for (uint32_t e = list + 1; e < node_at(o, list)->next; e = node_at(o, e)->next)
        convert_group(o, e);
}

/* Which of the outermost members the object has; ignored ones are not counted. */
static void find_top(const struct tcore_json *json, uint32_t node, uint32_t at[TOP_COUNT])
{
    unsigned hint = 0;
    memset(at, 0, TOP_COUNT * sizeof(*at));
    if (!tcore_json_is_object(&json->node[node]))
        return;
    for (uint32_t k = node + 1; k < json->node[node].next; k = json->node[k + 1].next) {
        int key = import_find_key(&top_keys, &json->node[k].value, &hint);
        if (key >= 0)
            at[key] = k + 1;
    }
}

static bool is_otlp(const struct tcore_json *json, uint32_t node, unsigned wrappers)
{
    uint32_t at[TOP_COUNT];
    find_top(json, node, at);
    for (int i = 0; i < TOP_TRACE; i++)
        if (at[i] && tcore_json_is_array(&json->node[at[i]]))
            return true;
    return wrappers && ((at[TOP_TRACE] && is_otlp(json, at[TOP_TRACE], wrappers - 1)) ||
                        (at[TOP_RESULT] && is_otlp(json, at[TOP_RESULT], wrappers - 1)));
}

static bool probe(const struct tcore_json *json)
{
    const struct tcore_json_node *root = &json->node[0];
    if (tcore_json_is_array(root))
        return root->count && is_otlp(json, 1, 1);
    return is_otlp(json, 0, 1);
}

static void convert_document(struct otlp *o, uint32_t node)
{
    uint32_t at[TOP_COUNT];
    find_top(&o->job->json, node, at);
    if (at[TOP_SCOPE_SPANS] || at[TOP_SCOPE_METRICS] || at[TOP_SCOPE_LOGS]) {
        convert_group(o, node);
        return;
    }
    for (int i = TOP_SPANS; i <= TOP_BATCHES; i++)
        convert_groups(o, at[i], top_names[i].name);
    for (int i = TOP_TRACE; i <= TOP_RESULT; i++)
        if (at[i] && is_otlp(&o->job->json, at[i], 0))
            convert_document(o, at[i]);
    for (uint32_t k = node + 1; k < node_at(o, node)->next; k = node_at(o, k + 1)->next) {
        unsigned hint = 0;
        if (import_find_key(&top_keys, import_value(o->job, k), &hint) < 0 &&
            node_at(o, k + 1)->count)
            import_ignored(o->job, import_value(o->job, k)->s, import_value(o->job, k)->len);
    }
}

/* Elements of a list of resources: some of a long one, or one. */
static void convert_list(struct otlp *o)
{
    if (!tcore_json_is_array(node_at(o, 0))) {
        convert_group(o, 0);
        return;
    }
    for (uint32_t e = 1; e < node_at(o, 0)->next; e = node_at(o, e)->next)
        convert_group(o, e);
}

static void convert(struct import_job *job)
{
    struct otlp o = {.job = job,
                     .out = &job->result->out,
                     .learns = job->looks,
                     .rows = otlp_rows_are_wanted(job)};
    if (job->list && job->list->format) {
        convert_list(&o);
        return;
    }
    if (tcore_json_is_object(&job->json.node[0])) {
        convert_document(&o, 0);
        return;
    }
    for (uint32_t e = 1; e < job->json.node[0].next; e = job->json.node[e].next) {
        if (is_otlp(&job->json, e, 1)) {
            convert_document(&o, e);
        } else {
            import_bad(job, "an element that is no OTLP");
            import_reject(job, e);
        }
    }
}

const struct import_format import_otlp_json = {
    .name = "otlp",
    .summary = "OTLP/JSON",
    .probe = probe,
    .convert = convert,
};
