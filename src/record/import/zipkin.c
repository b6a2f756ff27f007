/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zipkin's JSON: a list of spans, a list of traces (each a list of spans), or spans in lines. */
#include <config.h>

#include "record/import/zipkin.h"

static const struct import_key span_names[ZIPKIN_COUNT] = {
    IMPORT_KEY("traceId"),        IMPORT_KEY("id"),
    IMPORT_KEY("parentId"),       IMPORT_KEY("name"),
    IMPORT_KEY("kind"),           IMPORT_KEY("timestamp"),
    IMPORT_KEY("duration"),       IMPORT_KEY("localEndpoint"),
    IMPORT_KEY("remoteEndpoint"), IMPORT_KEY("annotations"),
    IMPORT_KEY("tags"),           IMPORT_KEY("debug"),
    IMPORT_KEY("shared"),         IMPORT_KEY("binaryAnnotations")};
static const struct import_keys span_keys = {span_names, ZIPKIN_COUNT};

enum { ENDPOINT_SERVICE, ENDPOINT_IPV4, ENDPOINT_IPV6, ENDPOINT_PORT, ENDPOINT_COUNT };
static const struct import_key endpoint_names[ENDPOINT_COUNT] = {
    IMPORT_KEY("serviceName"), IMPORT_KEY("ipv4"), IMPORT_KEY("ipv6"), IMPORT_KEY("port")};
static const struct import_keys endpoint_keys = {endpoint_names, ENDPOINT_COUNT};

enum { ANNOTATION_TIME, ANNOTATION_VALUE, ANNOTATION_COUNT };
static const struct import_key annotation_names[ANNOTATION_COUNT] = {IMPORT_KEY("timestamp"),
                                                                     IMPORT_KEY("value")};
static const struct import_keys annotation_keys = {annotation_names, ANNOTATION_COUNT};

/* --- endpoints --- */

static bool read_endpoint(struct zipkin *z, uint32_t node, uint32_t *at)
{
    memset(at, 0, ENDPOINT_COUNT * sizeof(*at));
    if (!node)
        return true;
    if (!tcore_json_is_object(zipkin_node(z, node)))
        return import_bad(z->job, "an endpoint that is no object");
    import_collect(z->job, &endpoint_keys, node, at);
    return true;
}

/* Address and port, unless tags have them. */
static void add_address(struct zipkin *z, const uint32_t *at, const char *address, const char *port)
{
    int64_t number;
    uint32_t ip = at[ENDPOINT_IPV4] ? at[ENDPOINT_IPV4] : at[ENDPOINT_IPV6];
    if (import_is_text(z->job, ip))
        import_attributes_add_new(z->job, address, ip, IMPORT_AS_IS);
    if (import_int64(z->job, at[ENDPOINT_PORT], &number) && number)
        import_attributes_add_new(z->job, port, at[ENDPOINT_PORT], IMPORT_INTEGER);
}

static void put_resource(struct zipkin *z, uint32_t name)
{
    struct tcore_buf *out = &z->job->resource;
    tcore_buf_clear(out);
    if (!name)
        return;
    PUT(out, ",\"resource\":{\"service.name\":");
    import_put_string(z->job, out, import_value(z->job, name));
    tcore_buf_putc(out, '}');
}

bool zipkin_set_local(struct zipkin *z, uint32_t endpoint)
{
    uint32_t at[ENDPOINT_COUNT];
    if (!read_endpoint(z, endpoint, at))
        return false;
    z->span.service = import_is_text(z->job, at[ENDPOINT_SERVICE]) ? at[ENDPOINT_SERVICE] : 0;
    put_resource(z, z->span.service);
    z->span.resource = (struct tcore_slice){z->job->resource.data, z->job->resource.length};
    add_address(z, at, "network.local.address", "network.local.port");
    return true;
}

bool zipkin_set_remote(struct zipkin *z, uint32_t endpoint)
{
    uint32_t at[ENDPOINT_COUNT];
    if (!read_endpoint(z, endpoint, at))
        return false;
    if (import_is_text(z->job, at[ENDPOINT_SERVICE]))
        import_attributes_add_new(z->job, "peer.service", at[ENDPOINT_SERVICE], IMPORT_AS_IS);
    add_address(z, at, "network.peer.address", "network.peer.port");
    return true;
}

/* --- spans --- */

static void add_flag(struct zipkin *z, const char *name, uint32_t node)
{
    if (node && import_value(z->job, node)->kind == TCORE_TRUE)
        import_attributes_add_new(z->job, name, node, IMPORT_AS_IS);
}

void zipkin_begin(struct zipkin *z, const uint32_t *at)
{
    import_span_clear(z->job, &z->span);
    z->span.trace_id = at[ZIPKIN_TRACE];
    z->span.span_id = at[ZIPKIN_ID];
    z->span.parent_id = at[ZIPKIN_PARENT];
    z->span.name = at[ZIPKIN_NAME];
    add_flag(z, "zipkin.debug", at[ZIPKIN_DEBUG]);
}

/* A kind that is not known is kept as a tag. */
static bool set_kind(struct zipkin *z, uint32_t node)
{
    if (!node)
        return true;
    if (import_value(z->job, node)->kind != TCORE_STRING)
        return import_bad(z->job, "a kind that is no string");
    import_span_add_tag(z->job, &z->span, (struct tcore_slice){"span.kind", 9}, node, IMPORT_AS_IS);
    return true;
}

static bool take_tags(struct zipkin *z, uint32_t tags)
{
    const struct tcore_json_node *tape = z->job->json.node;
    if (!tags)
        return true;
    if (!tcore_json_is_object(&tape[tags]))
        return import_bad(z->job, "tags that are no object");
    for (uint32_t k = tags + 1; k < tape[tags].next; k = tape[k + 1].next)
        import_span_add_tag(z->job, &z->span,
                            (struct tcore_slice){tape[k].value.s, tape[k].value.len}, k + 1,
                            IMPORT_AS_IS);
    return true;
}

static bool read_times(struct zipkin *z, const uint32_t *at)
{
    struct import_span *span = &z->span;
    span->has_start = at[ZIPKIN_TIME] != 0;
    span->has_duration = at[ZIPKIN_DURATION] != 0;
    return (!span->has_start ||
            import_micros(z->job, at[ZIPKIN_TIME], "timestamp", &span->start_ns)) &&
           (!span->has_duration ||
            import_micros(z->job, at[ZIPKIN_DURATION], "duration", &span->duration_ns));
}

bool zipkin_put_annotation(struct zipkin *z, uint32_t time, uint32_t value, bool first)
{
    struct tcore_buf *out = &z->job->result->out;
    int64_t time_ns;
    tcore_buf_puts(out, first ? ",\"events\":[" : ",");
    size_t begin = out->length;
    if (time) {
        if (!import_micros(z->job, time, "the timestamp of an annotation", &time_ns))
            return false;
        import_put_time(out, ",\"timeUnixNano\":\"", time_ns);
    }
    import_put_text(z->job, ",\"name\":", value);
    import_close_object(out, begin);
    return true;
}

static bool put_annotations(struct zipkin *z, uint32_t list)
{
    const struct tcore_json_node *tape = z->job->json.node;
    if (!list)
        return true;
    if (!tcore_json_is_array(&tape[list]))
        return import_bad(z->job, "annotations that are no array");
    for (uint32_t e = list + 1; e < tape[list].next; e = tape[e].next) {
        uint32_t at[ANNOTATION_COUNT];
        if (!tcore_json_is_object(&tape[e]))
            return import_bad(z->job, "an annotation that is no object");
        import_collect(z->job, &annotation_keys, e, at);
        if (!zipkin_put_annotation(z, at[ANNOTATION_TIME], at[ANNOTATION_VALUE], e == list + 1))
            return false;
    }
    if (tape[list].count)
        tcore_buf_putc(&z->job->result->out, ']');
    return true;
}

static bool put_v2(struct zipkin *z, const uint32_t *at)
{
    zipkin_begin(z, at);
    add_flag(z, "zipkin.shared", at[ZIPKIN_SHARED]);
    if (!set_kind(z, at[ZIPKIN_KIND]) || !take_tags(z, at[ZIPKIN_TAGS]) || !read_times(z, at) ||
        !zipkin_set_local(z, at[ZIPKIN_LOCAL]) || !zipkin_set_remote(z, at[ZIPKIN_REMOTE]))
        return false;
    import_span_settle(z->job, &z->span);
    if (!import_span_begin(z->job, &z->span) || !put_annotations(z, at[ZIPKIN_ANNOTATIONS]))
        return false;
    import_span_end(z->job, &z->span);
    return true;
}

static bool put_span(struct zipkin *z, uint32_t node)
{
    uint32_t at[ZIPKIN_COUNT];
    if (!tcore_json_is_object(zipkin_node(z, node)))
        return import_bad(z->job, "a span that is no object");
    import_collect(z->job, &span_keys, node, at);
    return zipkin_is_v1(z, at) ? zipkin_put_v1(z, at) : put_v2(z, at);
}

static void convert_span(struct zipkin *z, uint32_t node)
{
    struct import_result *result = z->job->result;
    size_t mark = result->out.length;
    if (put_span(z, node))
        return;
    result->out.length = mark;
    import_reject(z->job, node);
}

static void convert_list(struct zipkin *z, uint32_t list)
{
    for (uint32_t e = list + 1; e < zipkin_node(z, list)->next; e = zipkin_node(z, e)->next) {
        if (list == 0 && tcore_json_is_array(zipkin_node(z, e)))
            convert_list(z, e);
        else
            convert_span(z, e);
    }
}

/* Records of ours have spanId, Jaeger's spans spanID. */
static bool is_span(const struct tcore_json *json, uint32_t node)
{
    return tcore_json_find(json, node, "traceId") && tcore_json_find(json, node, "id") &&
           !tcore_json_find(json, node, "spanId");
}

static bool has_span(const struct tcore_json *json, uint32_t list)
{
    const struct tcore_json_node *tape = json->node;
    if (!tcore_json_is_array(&tape[list]))
        return false;
    for (uint32_t e = list + 1; e < tape[list].next; e = tape[e].next)
        if (is_span(json, e) || (list == 0 && has_span(json, e)))
            return true;
    return false;
}

static bool probe(const struct tcore_json *json)
{
    return is_span(json, 0) || has_span(json, 0) || import_is_empty_list(json);
}

static void convert(struct import_job *job)
{
    struct zipkin z = {.job = job};
    if (tcore_json_is_array(&job->json.node[0]))
        convert_list(&z, 0);
    else
        convert_span(&z, 0);
    tcore_buf_clear(&job->resource);
}

const struct import_format import_zipkin = {
    .name = "zipkin",
    .summary = "Zipkin JSON",
    .probe = probe,
    .convert = convert,
};
