/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/pattern_sum.h"

#include "base/sys.h"

#include <string.h>

const struct tcore_stats *pattern_stats(void)
{
    static struct tcore_stat list[] = {
        {.kind = TCORE_STAT_COUNT, .name = "count"},
        {.kind = TCORE_STAT_ERRORS, .name = "errors"},
        {.kind = TCORE_STAT_ERROR_RATE, .name = "errorRate"},
        {.kind = TCORE_STAT_SUM, .name = "sum"},
        {.kind = TCORE_STAT_MEAN, .name = "mean"},
        {.kind = TCORE_STAT_MIN, .name = "min"},
        {.kind = TCORE_STAT_QUANTILE, .name = "p50", .quantile = 0.5},
        {.kind = TCORE_STAT_QUANTILE, .name = "p95", .quantile = 0.95},
        {.kind = TCORE_STAT_QUANTILE, .name = "p99", .quantile = 0.99},
        {.kind = TCORE_STAT_MAX, .name = "max"},
    };
    static const struct tcore_stats stats = {
        .stat = list, .count = sizeof list / sizeof *list, .sum = true, .histogram = true};
    return &stats;
}

enum tcore_status pattern_sum_open(struct pattern_sum *sum, struct tcore_error *err)
{
    if (tcore_map_init(&sum->map) != 0)
        return tcore_error_set(err, TCORE_FATAL, "no randomness for a hash");
    return shape_labels_open(&sum->labels, err);
}

void pattern_sum_close(struct pattern_sum *sum)
{
    for (uint32_t i = 0; i < sum->map.count && i < sum->capacity; i++)
        tcore_cell_free(&sum->pattern[i].cell, pattern_stats());
    shape_labels_close(&sum->labels);
    shape_free(&sum->shape);
    tcore_map_free(&sum->map);
    tcore_arena_free(&sum->arena);
    tcore_free(sum->pattern);
}

/* --- The pattern of a shape */

static enum tcore_status begin(struct pattern_sum *sum, struct pattern *pattern,
                               const struct pattern *like, struct tcore_error *err)
{
    *pattern = (struct pattern){.hash = like->hash,
                                .entry = like->entry,
                                .feature_count = like->feature_count,
                                .broken = like->broken,
                                .rooted = like->rooted,
                                .variants = 1,
                                .first_ns = INT64_MAX,
                                .last_ns = INT64_MIN};
    size_t bytes = like->feature_count * sizeof *like->features;
    pattern->features = tcore_arena_alloc(&sum->arena, bytes);
    if (!pattern->features)
        return tcore_error_nomem(err);
    memcpy(pattern->features, like->features, bytes);
    return TCORE_OK;
}

/* The pattern of the sum that is of the same shape, an empty one if it is new. */
static enum tcore_status find(struct pattern_sum *sum, const struct pattern *like,
                              struct pattern **pattern, struct tcore_error *err)
{
    bool added;
    uint32_t number = tcore_map_intern(&sum->map, &like->hash, sizeof like->hash, &added);
    if (number == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    if (number >= sum->capacity) {
        size_t n = sum->capacity ? (size_t)sum->capacity * 2 : 64;
        struct pattern *grown = tcore_reallocarray(sum->pattern, n, sizeof *grown);
        if (!grown)
            return tcore_error_nomem(err);
        memset(grown + sum->capacity, 0, (n - sum->capacity) * sizeof *grown);
        sum->pattern = grown;
        sum->capacity = (uint32_t)n;
    }
    *pattern = &sum->pattern[number];
    return added ? begin(sum, *pattern, like, err) : TCORE_OK;
}

/* --- Traces */

/* By start, then id. */
static bool is_before(const struct pattern_trace *a, const struct pattern_trace *b)
{
    const uint64_t *x = a->trace_id, *y = b->trace_id;
    if (a->start_ns != b->start_ns)
        return a->start_ns < b->start_ns;
    return x[0] != y[0] ? x[0] < y[0] : x[1] < y[1];
}

static void offer_slowest(struct pattern *pattern, const struct pattern_trace *slowest)
{
    if (!pattern->slowest.there || slowest->duration_ns > pattern->slowest.duration_ns ||
        (slowest->duration_ns == pattern->slowest.duration_ns &&
         is_before(slowest, &pattern->slowest)))
        pattern->slowest = *slowest;
}

static void offer_first(struct pattern *pattern, const struct pattern_trace *first)
{
    if (!pattern->first.there || is_before(first, &pattern->first))
        pattern->first = *first;
}

/* Whether an entry of the trace failed: a root. */
static bool has_failed(const struct trace_build *build)
{
    for (uint32_t i = 0; i < build->tree.root_count; i++)
        if (build->spans[build->tree.roots[i]].flags & TCORE_SPAN_ERROR)
            return true;
    return false;
}

enum tcore_status pattern_sum_take(struct pattern_sum *sum, const struct trace_build *build,
                                   struct tcore_error *err)
{
    const struct tcore_trace_tree *tree = &build->tree;
    const struct shape *shape = &sum->shape;
    struct pattern *pattern;
    enum tcore_status status = shape_find(&sum->shape, &sum->labels, build, err);
    if (status != TCORE_OK)
        return status;
    struct pattern like = {.hash = shape->hash,
                           .entry = shape->entry,
                           .features = shape->features,
                           .feature_count = shape->feature_count,
                           .broken = shape->broken,
                           .rooted = !(tree->notes[tree->root] & TCORE_NOTE_ORPHAN)};
    status = find(sum, &like, &pattern, err);
    if (status != TCORE_OK)
        return status;
    const uint64_t *id = build->rows[0]->stored.trace_id;
    struct pattern_trace trace = {
        .there = true, .trace_id = {id[0], id[1]}, .duration_ns = -1, .start_ns = INT64_MAX};
    pattern->spans += tree->count;
    tcore_cell_count(&pattern->cell, has_failed(build));
    if (tcore_interval_is_known(&tree->whole)) {
        trace.start_ns = tree->whole.start_ns;
        trace.duration_ns = tree->whole.end_ns - tree->whole.start_ns;
        pattern->first_ns = trace.start_ns < pattern->first_ns ? trace.start_ns : pattern->first_ns;
        pattern->last_ns = trace.start_ns > pattern->last_ns ? trace.start_ns : pattern->last_ns;
        status = tcore_cell_add_int(&pattern->cell, pattern_stats(), trace.duration_ns);
    }
    offer_slowest(pattern, &trace);
    offer_first(pattern, &trace);
    return status ? tcore_error_nomem(err) : TCORE_OK;
}

enum tcore_status pattern_add(struct pattern *into, const struct pattern *from,
                              struct tcore_error *err)
{
    into->spans += from->spans;
    into->first_ns = from->first_ns < into->first_ns ? from->first_ns : into->first_ns;
    into->last_ns = from->last_ns > into->last_ns ? from->last_ns : into->last_ns;
    offer_slowest(into, &from->slowest);
    return tcore_cell_merge(&into->cell, &from->cell, pattern_stats()) == TCORE_OK
               ? TCORE_OK
               : tcore_error_nomem(err);
}

enum tcore_status pattern_sum_merge(struct pattern_sum *into, const struct pattern_sum *from,
                                    struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (uint32_t i = 0; i < from->map.count && status == TCORE_OK; i++) {
        struct pattern *pattern;
        status = find(into, &from->pattern[i], &pattern, err);
        if (status != TCORE_OK)
            break;
        offer_first(pattern, &from->pattern[i].first);
        status = pattern_add(pattern, &from->pattern[i], err);
    }
    return status;
}
