/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What failed in a trace. */
#include <config.h>

#include "span/trace_parts.h"

#include "span/error_detail.h"

/* --- Details, from the span's text */

void add_error_detail(struct trace_writer *writer, uint32_t span)
{
    const struct tcore_trace_span *known = &writer->build.spans[span];
    struct tcore_buf *out = &writer->details;
    struct error_detail detail;
    error_detail_read(&writer->json, &detail);
    tcore_buf_puts(out, out->length ? ",{\"spanId\":" : "{\"spanId\":");
    put_id(out, known->span_id);
    put_text_member(out, "serviceName", trace_build_service(&writer->build, span));
    put_text_member(out, "operationName", trace_build_name(&writer->build, span));
    put_text_member(out, "errorType", detail.type);
    put_text_member(out, "message", detail.message);
    if (detail.has_time || known->flags & TCORE_SPAN_HAS_END) {
        put_key(out, "timestamp", false);
        put_time(out, detail.has_time ? detail.time_ns : known->end_ns);
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
