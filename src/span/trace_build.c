/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/trace_build.h"

#include "base/sys.h"

#include <stdlib.h>

static bool reserve(struct trace_build *build, uint32_t count)
{
    if (count <= build->capacity)
        return true;
    tcore_free(build->spans);
    tcore_free(build->self_ns);
    build->spans = tcore_reallocarray(NULL, count, sizeof *build->spans);
    build->self_ns = tcore_reallocarray(NULL, count, sizeof *build->self_ns);
    build->capacity = build->spans && build->self_ns ? count : 0;
    return build->capacity;
}

enum tcore_status trace_build_tree(struct trace_build *build, const struct tcore_trace_store *store,
                                   struct tcore_stored_trace *trace, struct tcore_error *err)
{
    if (!reserve(build, trace->count))
        return tcore_error_nomem(err);
    build->store = store;
    build->trace = trace;
    build->rows = (struct tcore_stored_text **)trace->spans;
    qsort(trace->spans, trace->count, sizeof *trace->spans, tcore_stored_text_compare);
    for (uint32_t i = 0; i < trace->count; i++)
        build->spans[i] = trace->spans[i]->span;
    return tcore_trace_tree_build(&build->tree, build->spans, trace->count, err);
}

enum tcore_status trace_build(struct trace_build *build, const struct tcore_trace_store *store,
                              struct tcore_stored_trace *trace, struct tcore_error *err)
{
    enum tcore_status status = trace_build_tree(build, store, trace, err);
    if (status == TCORE_OK)
        status = tcore_critical_path_find(&build->path, &build->tree, build->tree.root, err);
    if (status == TCORE_OK)
        tcore_trace_self_times(&build->tree, build->self_ns);
    return status;
}

void trace_build_free(struct trace_build *build)
{
    tcore_trace_tree_free(&build->tree);
    tcore_critical_path_free(&build->path);
    tcore_free(build->spans);
    tcore_free(build->self_ns);
    *build = (struct trace_build){0};
}

struct tcore_slice trace_build_service(const struct trace_build *build, uint32_t span)
{
    return tcore_trace_store_service(build->store, build->spans[span].service);
}

struct tcore_slice trace_build_name(const struct trace_build *build, uint32_t span)
{
    return tcore_trace_store_name(build->store, build->rows[span]->name);
}

bool trace_build_duration(const struct trace_build *build, uint32_t span, int64_t *ns)
{
    const struct tcore_interval *interval = &build->tree.interval[span];
    if (!tcore_interval_is_known(interval))
        return false;
    *ns = interval->end_ns - interval->start_ns;
    return true;
}

bool trace_build_is_call(const struct trace_build *build, uint32_t span)
{
    const struct tcore_trace_tree *tree = &build->tree;
    if (build->spans[span].kind != TCORE_SPAN_CLIENT)
        return false;
    for (uint32_t c = tree->first[span]; c < tree->first[span + 1]; c++)
        if (build->spans[tree->children[c]].kind == TCORE_SPAN_SERVER)
            return true;
    return false;
}

int64_t trace_build_network_ns(const struct trace_build *build, uint32_t span)
{
    const struct tcore_trace_tree *tree = &build->tree;
    int64_t left, ns;
    if (!trace_build_duration(build, span, &left))
        return 0;
    for (uint32_t c = tree->first[span]; c < tree->first[span + 1]; c++)
        if (build->spans[tree->children[c]].kind == TCORE_SPAN_SERVER &&
            trace_build_duration(build, tree->children[c], &ns))
            left = ns < left ? left - ns : 0;
    return left;
}

int64_t add_ns(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}
