/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What failed in a trace, and what it spent its time on. */
#include <config.h>

#include "span/trace_parts.h"

#include "model/number.h"

#include <string.h>

#define BOTTLENECKS 5

/* --- Details, from the span's text */

static struct tcore_slice string_at(const struct tcore_json *json, uint32_t object, const char *key)
{
    uint32_t at = object == UINT32_MAX ? 0 : tcore_json_find(json, object, key);
    if (!at || json->node[at].value.kind != TCORE_STRING || !json->node[at].value.len)
        return (struct tcore_slice){0};
    return (struct tcore_slice){json->node[at].value.s, json->node[at].value.len};
}

/* The attributes of the last event that tells of an exception; UINT32_MAX: there is none. *event:
 * the event. */
static uint32_t find_exception(const struct tcore_json *json, uint32_t *event)
{
    uint32_t events = tcore_json_find(json, 0, "events"), found = UINT32_MAX;
    if (!events || !tcore_json_is_array(&json->node[events]))
        return found;
    for (uint32_t e = events + 1; e < json->node[events].next; e = json->node[e].next) {
        struct tcore_slice name = string_at(json, e, "name");
        uint32_t attributes = tcore_json_find(json, e, "attributes");
        if (attributes && name.length == 9 && !memcmp(name.data, "exception", 9)) {
            found = attributes;
            *event = e;
        }
    }
    return found;
}

/* The status code of a protocol, as its text: the type of an error that has no other. */
static struct tcore_slice status_code(const struct tcore_json *json, uint32_t attributes,
                                      char *digits)
{
    static const char *const keys[] = {"http.response.status_code", "http.status_code",
                                       "rpc.grpc.status_code", "rpc.response.status_code"};
    int64_t code;
    for (size_t i = 0; attributes && i < sizeof keys / sizeof *keys; i++) {
        uint32_t at = tcore_json_find(json, attributes, keys[i]);
        if (at && tcore_value_int64(&json->node[at].value, &code))
            return (struct tcore_slice){digits, tcore_format_int64(digits, code)};
    }
    return (struct tcore_slice){0};
}

static struct tcore_slice first_of(struct tcore_slice a, struct tcore_slice b)
{
    return a.data ? a : b;
}

static void put_member(struct tcore_buf *out, const char *key, struct tcore_slice text)
{
    if (!text.data)
        return;
    put_key(out, key, false);
    put_text(out, text);
}

/* When it failed: the exception's time, else the span's end. */
static bool find_error_time(const struct trace_writer *writer, uint32_t span, uint32_t event,
                            int64_t *ns)
{
    const struct tcore_trace_span *known = &writer->build.spans[span];
    uint32_t at = event ? tcore_json_find(&writer->json, event, "timeUnixNano") : 0;
    *ns = known->end_ns;
    if (!at)
        return known->flags & TCORE_SPAN_HAS_END;
    const struct tcore_value *time = &writer->json.node[at].value;
    return time->kind == TCORE_STRING ? tcore_parse_int64(time->s, time->len, ns)
                                      : tcore_value_int64(time, ns);
}

void add_error_detail(struct trace_writer *writer, uint32_t span)
{
    const struct tcore_json *json = &writer->json;
    struct tcore_buf *out = &writer->details;
    uint32_t event = 0, exception = find_exception(json, &event);
    uint32_t attributes = tcore_json_find(json, 0, "attributes");
    struct tcore_slice type = string_at(json, attributes ? attributes : UINT32_MAX, "error.type");
    char digits[TCORE_NUMBER_BYTES];
    int64_t ns;
    type = first_of(type, string_at(json, exception, "exception.type"));
    tcore_buf_puts(out, out->length ? ",{\"spanId\":" : "{\"spanId\":");
    put_id(out, writer->build.spans[span].span_id);
    put_member(out, "serviceName", trace_build_service(&writer->build, span));
    put_member(out, "operationName", trace_build_name(&writer->build, span));
    put_member(out, "errorType", first_of(type, status_code(json, attributes, digits)));
    put_member(out, "message",
               first_of(string_at(json, 0, "statusMessage"),
                        string_at(json, exception, "exception.message")));
    if (find_error_time(writer, span, event, &ns)) {
        put_key(out, "timestamp", false);
        put_time(out, ns);
    }
    tcore_buf_putc(out, '}');
}

/* --- Errors */

static bool has_failed(const struct trace_build *build, uint32_t span)
{
    return build->spans[span].flags & TCORE_SPAN_ERROR;
}

/* Whether a span failed though none of its children did. */
static bool is_origin(const struct trace_build *build, uint32_t span)
{
    const struct tcore_trace_tree *tree = &build->tree;
    bool origin = has_failed(build, span);
    for (uint32_t c = tree->first[span]; c < tree->first[span + 1] && origin; c++)
        origin = !has_failed(build, tree->children[c]);
    return origin;
}

static void put_failed_ids(const struct trace_build *build, const char *key,
                           bool (*wanted)(const struct trace_build *, uint32_t),
                           struct tcore_buf *out)
{
    bool first = true;
    put_key(out, key, false);
    tcore_buf_putc(out, '[');
    for (uint32_t i = 0; i < build->tree.count; i++) {
        if (!wanted(build, i))
            continue;
        tcore_buf_puts(out, first ? "" : ",");
        put_id(out, build->spans[i].span_id);
        first = false;
    }
    tcore_buf_putc(out, ']');
}

static void put_affected(const struct trace_writer *writer, struct tcore_buf *out)
{
    bool first = true;
    for (uint32_t i = 0; i < writer->involved_count; i++) {
        uint32_t service = writer->involved[i];
        if (!service || !writer->use[service].errors)
            continue;
        tcore_buf_puts(out, first ? "\"affectedServices\":[" : ",");
        put_text(out, tcore_trace_store_service(writer->build.store, service));
        first = false;
    }
    tcore_buf_puts(out, first ? "" : "],");
}

static void put_impact(const struct trace_writer *writer, struct tcore_buf *out)
{
    const struct trace_build *build = &writer->build;
    int64_t on_path = 0;
    for (uint32_t i = 0; i < build->path.span_count; i++)
        on_path += has_failed(build, build->path.spans[i]);
    tcore_buf_puts(out, ",\"errorImpact\":{");
    put_affected(writer, out);
    put_key(out, "rootAffected", true);
    tcore_buf_puts(out, has_failed(build, build->tree.root) ? "true" : "false");
    put_key(out, "criticalPathErrors", false);
    put_int(out, on_path);
    put_failed_ids(build, "originSpans", is_origin, out);
    tcore_buf_putc(out, '}');
}

void put_errors(const struct trace_writer *writer, struct tcore_buf *out)
{
    const struct trace_build *build = &writer->build;
    tcore_buf_puts(out, ",\"errors\":{\"errorCount\":");
    put_int(out, build->trace->errors);
    if (build->trace->errors) {
        put_failed_ids(build, "errorSpans", has_failed, out);
        if (writer->details.length) {
            tcore_buf_puts(out, ",\"errorDetails\":[");
            tcore_buf_append(out, writer->details.data, writer->details.length);
            tcore_buf_putc(out, ']');
        }
        put_impact(writer, out);
    }
    tcore_buf_putc(out, '}');
}

/* --- What took long */

struct bottleneck {
    uint32_t place; /* on the path */
    int64_t self_ns;
};

static bool is_longer(const struct bottleneck *a, const struct bottleneck *b)
{
    return a->self_ns != b->self_ns ? a->self_ns > b->self_ns : a->place < b->place;
}

/* Time on the path by span, into self_ns of each span of the tree (no longer needed). */
static void sum_segments(struct trace_build *build)
{
    const struct tcore_critical_path *path = &build->path;
    for (uint32_t i = 0; i < path->span_count; i++)
        build->self_ns[path->spans[i]] = 0;
    for (size_t i = 0; i < path->segment_count; i++)
        build->self_ns[path->segments[i].span] +=
            path->segments[i].end_ns - path->segments[i].start_ns;
}

/* The longest, longest first; returns how many. */
static uint32_t find_longest(const struct trace_build *build, struct bottleneck *longest)
{
    const struct tcore_critical_path *path = &build->path;
    uint32_t count = 0;
    for (uint32_t i = 0; i < path->span_count; i++) {
        struct bottleneck one = {i, build->self_ns[path->spans[i]]};
        if (!one.self_ns || one.self_ns < path->duration_ns / 10)
            continue;
        uint32_t at = count < BOTTLENECKS ? count++ : BOTTLENECKS;
        for (; at && is_longer(&one, &longest[at - 1]); at--)
            if (at < BOTTLENECKS)
                longest[at] = longest[at - 1];
        if (at < BOTTLENECKS)
            longest[at] = one;
    }
    return count;
}

void put_analysis(struct trace_writer *writer, struct tcore_buf *out)
{
    struct trace_build *build = &writer->build;
    struct bottleneck longest[BOTTLENECKS];
    char share[TCORE_NUMBER_BYTES];
    sum_segments(build);
    uint32_t count = find_longest(build, longest);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t span = build->path.spans[longest[i].place];
        double part = (double)longest[i].self_ns / (double)build->path.duration_ns;
        tcore_buf_puts(out, i ? ",{\"spanId\":" : ",\"analysis\":{\"bottlenecks\":[{\"spanId\":");
        put_id(out, build->spans[span].span_id);
        put_member(out, "serviceName", trace_build_service(build, span));
        put_member(out, "operationName", trace_build_name(build, span));
        put_key(out, "selfTime", false);
        put_int(out, longest[i].self_ns);
        put_key(out, "share", false);
        tcore_buf_append(out, share, tcore_format_double(share, part));
        tcore_buf_putc(out, '}');
    }
    tcore_buf_puts(out, count ? "]}" : "");
}
