/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who took part in a trace, who called whom, and where the time went. */
#include <config.h>

#include "span/trace_parts.h"

#include "base/sys.h"

#include <stdlib.h>

/* --- Taking stock */

static int compare_numbers(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* What each service has of the trace, and which ones there are. */
static bool count_use(struct trace_writer *writer)
{
    const struct trace_build *build = &writer->build;
    uint32_t services = tcore_trace_store_services(build->store);
    for (uint32_t i = 0; i < writer->involved_count; i++) /* of the trace before */
        writer->use[writer->involved[i]] = (struct service_use){0};
    writer->involved_count = 0;
    if (services > writer->service_capacity) {
        tcore_free(writer->use);
        tcore_free(writer->involved);
        writer->use = tcore_calloc(services, sizeof *writer->use);
        writer->involved = tcore_reallocarray(NULL, services, sizeof *writer->involved);
        writer->service_capacity = writer->use && writer->involved ? services : 0;
        if (!writer->service_capacity)
            return false;
    }
    for (uint32_t i = 0; i < build->tree.count; i++) {
        const struct tcore_trace_span *span = &build->spans[i];
        struct service_use *use = &writer->use[span->service];
        if (!use->spans++)
            writer->involved[writer->involved_count++] = span->service;
        use->errors += (span->flags & TCORE_SPAN_ERROR) != 0;
        if (!trace_build_is_call(build, i))
            use->self_ns = add_ns(use->self_ns, build->self_ns[i]);
    }
    qsort(writer->involved, writer->involved_count, sizeof *writer->involved, compare_numbers);
    return true;
}

/* Every span whose parent is of another service. */
static bool list_calls(struct trace_writer *writer)
{
    const struct trace_build *build = &writer->build;
    const struct tcore_trace_tree *tree = &build->tree;
    if (tree->count > writer->call_capacity) {
        tcore_free(writer->calls);
        writer->calls = tcore_reallocarray(NULL, tree->count, sizeof *writer->calls);
        writer->call_capacity = writer->calls ? tree->count : 0;
        if (!writer->calls)
            return false;
    }
    writer->call_count = 0;
    for (uint32_t i = 0; i < tree->count; i++) {
        uint32_t parent = tree->parent[i];
        uint32_t target = tree->spans[i].service;
        if (parent == TCORE_SPAN_NONE || !target)
            continue;
        uint32_t source = tree->spans[parent].service;
        if (source && source != target)
            writer->calls[writer->call_count++] = (struct cross_call){
                .source_service = source, .target_service = target, .source = parent, .target = i};
    }
    return true;
}

/* --- Services */

static void put_service(const struct trace_writer *writer, uint32_t service, struct tcore_buf *out)
{
    put_text(out, tcore_trace_store_service(writer->build.store, service));
}

static void put_involved(const struct trace_writer *writer, struct tcore_buf *out)
{
    bool first = true;
    tcore_buf_puts(out, "\"involvedServices\":[");
    for (uint32_t i = 0; i < writer->involved_count; i++) {
        uint32_t service = writer->involved[i];
        if (!service)
            continue;
        tcore_buf_puts(out, first ? "{\"serviceName\":" : ",{\"serviceName\":");
        put_service(writer, service, out);
        put_key(out, "spanCount", false);
        put_int(out, writer->use[service].spans);
        put_key(out, "errorCount", false);
        put_int(out, writer->use[service].errors);
        tcore_buf_putc(out, '}');
        first = false;
    }
    tcore_buf_putc(out, ']');
}

static int compare_edges(const void *a, const void *b)
{
    const struct cross_call *x = a, *y = b;
    if (x->source_service != y->source_service)
        return x->source_service < y->source_service ? -1 : 1;
    if (x->target_service != y->target_service)
        return x->target_service < y->target_service ? -1 : 1;
    return x->target < y->target ? -1 : x->target > y->target;
}

static int compare_targets(const void *a, const void *b)
{
    const struct cross_call *x = a, *y = b;
    return x->target < y->target ? -1 : x->target > y->target;
}

/* One edge: the calls from begin to before end, all between the same two services. */
static void put_edge(const struct trace_writer *writer, uint32_t begin, uint32_t end,
                     struct tcore_buf *out)
{
    const struct trace_build *build = &writer->build;
    int64_t errors = 0, total = 0, ns;
    for (uint32_t i = begin; i < end; i++) {
        uint32_t target = writer->calls[i].target;
        errors += (build->spans[target].flags & TCORE_SPAN_ERROR) != 0;
        if (trace_build_duration(build, target, &ns))
            total = add_ns(total, ns);
    }
    tcore_buf_puts(out, begin ? ",{\"source\":" : "{\"source\":");
    put_service(writer, writer->calls[begin].source_service, out);
    put_key(out, "target", false);
    put_service(writer, writer->calls[begin].target_service, out);
    put_key(out, "callCount", false);
    put_int(out, end - begin);
    put_key(out, "errorCount", false);
    put_int(out, errors);
    put_key(out, "totalDuration", false);
    put_int(out, total);
    tcore_buf_putc(out, '}');
}

static void put_service_map(struct trace_writer *writer, struct tcore_buf *out)
{
    bool first = true;
    tcore_buf_puts(out, ",\"serviceMap\":{\"nodes\":[");
    for (uint32_t i = 0; i < writer->involved_count; i++) {
        if (!writer->involved[i])
            continue;
        tcore_buf_puts(out, first ? "" : ",");
        put_service(writer, writer->involved[i], out);
        first = false;
    }
    tcore_buf_puts(out, "],\"edges\":[");
    qsort(writer->calls, writer->call_count, sizeof *writer->calls, compare_edges);
    for (uint32_t begin = 0, end; begin < writer->call_count; begin = end) {
        for (end = begin + 1; end < writer->call_count; end++)
            if (writer->calls[end].source_service != writer->calls[begin].source_service ||
                writer->calls[end].target_service != writer->calls[begin].target_service)
                break;
        put_edge(writer, begin, end, out);
    }
    tcore_buf_puts(out, "]}");
}

static void put_call(const struct trace_writer *writer, const struct cross_call *call,
                     struct tcore_buf *out)
{
    const struct trace_build *build = &writer->build;
    const struct tcore_trace_span *source = &build->spans[call->source];
    const struct tcore_trace_span *target = &build->spans[call->target];
    struct tcore_slice name = trace_build_name(build, call->target);
    int64_t ns;
    tcore_buf_puts(out, "{\"sourceService\":");
    put_service(writer, call->source_service, out);
    put_key(out, "targetService", false);
    put_service(writer, call->target_service, out);
    put_key(out, "sourceSpanId", false);
    put_id(out, source->span_id);
    put_key(out, "targetSpanId", false);
    put_id(out, target->span_id);
    put_key(out, "operationName", false);
    put_text(out, name);
    if (trace_build_duration(build, call->target, &ns)) {
        put_key(out, "duration", false);
        put_int(out, ns);
    }
    if (source->kind == TCORE_SPAN_CLIENT && target->kind == TCORE_SPAN_SERVER) {
        put_key(out, "networkLatency", false);
        put_int(out, trace_build_network_ns(build, call->source));
    }
    tcore_buf_puts(out,
                   target->flags & TCORE_SPAN_ERROR ? ",\"error\":true}" : ",\"error\":false}");
}

static void put_calls(struct trace_writer *writer, struct tcore_buf *out)
{
    if (!writer->call_count)
        return;
    qsort(writer->calls, writer->call_count, sizeof *writer->calls, compare_targets);
    tcore_buf_puts(out, ",\"crossServiceCalls\":[");
    for (uint32_t i = 0; i < writer->call_count; i++) {
        tcore_buf_puts(out, i ? "," : "");
        put_call(writer, &writer->calls[i], out);
    }
    tcore_buf_putc(out, ']');
}

enum tcore_status put_services(struct trace_writer *writer, struct tcore_buf *out,
                               struct tcore_error *err)
{
    if (!count_use(writer) || !list_calls(writer))
        return tcore_error_nomem(err);
    bool nobody = writer->involved_count == 1 && !writer->involved[0];
    if (nobody)
        return TCORE_OK;
    tcore_buf_puts(out, ",\"services\":{");
    put_involved(writer, out);
    put_service_map(writer, out);
    put_calls(writer, out);
    tcore_buf_putc(out, '}');
    return TCORE_OK;
}

/* --- Performance */

static void put_service_latencies(const struct trace_writer *writer, struct tcore_buf *out)
{
    bool first = true;
    for (uint32_t i = 0; i < writer->involved_count; i++) {
        uint32_t service = writer->involved[i];
        if (!service)
            continue;
        tcore_buf_puts(out, first ? "\"serviceLatencies\":{" : ",");
        put_service(writer, service, out);
        tcore_buf_putc(out, ':');
        put_int(out, writer->use[service].self_ns);
        first = false;
    }
    tcore_buf_puts(out, first ? "" : "},");
}

void put_performance(const struct trace_writer *writer, struct tcore_buf *out)
{
    const struct trace_build *build = &writer->build;
    int64_t network = 0, processing = 0;
    if (!tcore_interval_is_known(&build->tree.whole))
        return;
    for (uint32_t i = 0; i < build->tree.count; i++)
        if (trace_build_is_call(build, i))
            network = add_ns(network, trace_build_network_ns(build, i));
    for (uint32_t i = 0; i < writer->involved_count; i++)
        processing = add_ns(processing, writer->use[writer->involved[i]].self_ns);
    tcore_buf_puts(out, ",\"performance\":{");
    if (build->path.span_count) {
        put_key(out, "overallLatency", true);
        put_int(out, build->path.duration_ns);
        tcore_buf_putc(out, ',');
    }
    put_service_latencies(writer, out);
    put_key(out, "networkLatency", true);
    put_int(out, network);
    put_key(out, "processingTime", false);
    put_int(out, processing);
    tcore_buf_putc(out, '}');
}
