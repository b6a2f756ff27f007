/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a trace spent its time on, and how well. */
#include <config.h>

#include "span/trace_parts.h"

#include "base/sys.h"

#define BOTTLENECKS 5

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
    for (uint32_t i = 0; i < build->tree.count; i++)
        build->self_ns[i] = 0;
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
        if (!one.self_ns || one.self_ns < path->duration_ns / WORTH_A_WORD)
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

static void put_bottlenecks(const struct trace_build *build, struct tcore_buf *out)
{
    struct bottleneck longest[BOTTLENECKS];
    uint32_t count = find_longest(build, longest);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t span = build->path.spans[longest[i].place];
        tcore_buf_puts(out, i ? ",{\"spanId\":" : ",\"bottlenecks\":[{\"spanId\":");
        put_id(out, build->spans[span].span_id);
        put_text_member(out, "serviceName", trace_build_service(build, span));
        put_text_member(out, "operationName", trace_build_name(build, span));
        put_key(out, "selfTime", false);
        put_int(out, longest[i].self_ns);
        put_ratio(out, "share", (double)longest[i].self_ns / (double)build->path.duration_ns);
        tcore_buf_putc(out, '}');
    }
    tcore_buf_puts(out, count ? "]" : "");
}

static enum tcore_status put_parts(struct trace_writer *writer, struct tcore_buf *out,
                                   struct tcore_error *err)
{
    struct trace_build *build = &writer->build;
    enum tcore_status status = TCORE_OK;
    if (build->path.span_count && build->path.duration_ns) {
        sum_segments(build);
        if (!find_waste(writer->analysis, build))
            return tcore_error_nomem(err);
        put_ratio(
            out, "performanceScore",
            100 * ((double)useful_ns(writer->analysis, build) / (double)build->path.duration_ns));
        put_bottlenecks(build, out);
        status = put_chances(writer->analysis, build, out, err);
    }
    put_anomalies(writer, out);
    return status;
}

enum tcore_status put_analysis(struct trace_writer *writer, struct tcore_buf *out,
                               struct tcore_error *err)
{
    size_t begin = out->length;
    if (!writer->analysis)
        writer->analysis = tcore_calloc(1, sizeof *writer->analysis);
    if (!writer->analysis)
        return tcore_error_nomem(err);
    tcore_buf_puts(out, ",\"analysis\":{");
    size_t open = out->length;
    enum tcore_status status = put_parts(writer, out, err);
    if (status != TCORE_OK || out->failed)
        return status;
    if (out->length == open) {
        out->length = begin;
        return TCORE_OK;
    }
    memmove(out->data + open, out->data + open + 1, out->length - open - 1); /* the first comma */
    out->data[out->length - 1] = '}';
    return TCORE_OK;
}
