/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/service_map.h"

#include "base/sys.h"
#include "span/skew/skew.h"

#include <string.h>

#define NOBODY UINT32_MAX

/* What tells edges apart; behind it comes the name. */
struct edge_key {
    uint32_t source, target;
    enum edge_kind kind;
};

const struct tcore_stats *service_map_stats(void)
{
    static struct tcore_stat list[] = {
        {.kind = TCORE_STAT_COUNT, .name = "count"},
        {.kind = TCORE_STAT_ERRORS, .name = "errors"},
        {.kind = TCORE_STAT_ERROR_RATE, .name = "errorRate"},
        {.kind = TCORE_STAT_MEAN, .name = "mean"},
        {.kind = TCORE_STAT_QUANTILE, .name = "p50", .quantile = 0.5},
        {.kind = TCORE_STAT_QUANTILE, .name = "p95", .quantile = 0.95},
        {.kind = TCORE_STAT_QUANTILE, .name = "p99", .quantile = 0.99},
        {.kind = TCORE_STAT_MAX, .name = "max"},
    };
    static const struct tcore_stats stats = {
        .stat = list, .count = sizeof list / sizeof *list, .sum = true, .histogram = true};
    return &stats;
}

enum tcore_status service_map_open(struct service_map *map, unsigned depth_limit,
                                   struct tcore_error *err)
{
    *map = (struct service_map){0};
    map->json.depth_limit = depth_limit;
    return tcore_map_init(&map->keys) == 0
               ? TCORE_OK
               : tcore_error_set(err, TCORE_FATAL, "no randomness for a hash");
}

void service_map_close(struct service_map *map)
{
    for (uint32_t i = 0; map->edge && i < map->keys.count; i++) {
        tcore_cell_free(&map->edge[i].latency, service_map_stats());
        tcore_cell_free(&map->edge[i].network, service_map_stats());
    }
    tcore_free(map->edge);
    tcore_map_free(&map->keys);
    tcore_json_free(&map->json);
    tcore_buf_free(&map->key);
}

/* The edge of that key, with the name behind it; NULL without memory. */
static struct edge *find_edge(struct service_map *map, const char *key, size_t length)
{
    if (map->keys.count == map->capacity) {
        uint32_t capacity = map->capacity ? 2 * map->capacity : 64;
        void *grown = tcore_reallocarray(map->edge, capacity, sizeof *map->edge);
        if (!grown)
            return NULL;
        map->edge = grown;
        map->capacity = capacity;
    }
    bool added;
    uint32_t number = tcore_map_intern(&map->keys, key, length, &added);
    if (number == TCORE_MAP_NONE)
        return NULL;
    if (added) {
        struct edge_key is;
        const char *copy = map->keys.keys[number].data;
        memcpy(&is, copy, sizeof is);
        map->edge[number] = (struct edge){
            .kind = is.kind,
            .source = is.source,
            .target = is.target,
            .name = {copy + sizeof is, length - sizeof is},
            .ahead_min = INT64_MAX,
            .ahead_max = INT64_MIN,
        };
    }
    return &map->edge[number];
}

/* --- The edges of a trace */

struct call {
    struct edge_key key;
    struct tcore_slice name;
    bool failed;
    int64_t latency_ns, network_ns; /* -1: not known */
    int64_t ahead_ns;               /* the target's clock, as it was */
};

static void add_clock(struct edge *edge, int64_t min_ns, int64_t max_ns, uint64_t calls)
{
    edge->adjusted += calls;
    edge->ahead_min = min_ns < edge->ahead_min ? min_ns : edge->ahead_min;
    edge->ahead_max = max_ns > edge->ahead_max ? max_ns : edge->ahead_max;
}

static enum tcore_status add_call(struct service_map *map, const struct call *call,
                                  struct tcore_error *err)
{
    tcore_buf_clear(&map->key);
    tcore_buf_append(&map->key, &call->key, sizeof call->key);
    tcore_buf_append(&map->key, call->name.data, call->name.length);
    struct edge *edge = map->key.failed ? NULL : find_edge(map, map->key.data, map->key.length);
    if (!edge)
        return tcore_error_nomem(err);
    tcore_cell_count(&edge->latency, call->failed);
    if (call->ahead_ns)
        add_clock(edge, call->ahead_ns, call->ahead_ns, 1);
    enum tcore_status status = TCORE_OK;
    if (call->latency_ns >= 0)
        status = tcore_cell_add_int(&edge->latency, service_map_stats(), call->latency_ns);
    if (status == TCORE_OK && call->network_ns >= 0) {
        tcore_cell_count(&edge->network, false);
        status = tcore_cell_add_int(&edge->network, service_map_stats(), call->network_ns);
    }
    return status ? tcore_error_nomem(err) : TCORE_OK;
}

static bool failed(const struct trace_build *build, uint32_t span)
{
    return build->spans[span].flags & TCORE_SPAN_ERROR;
}

static int64_t duration(const struct trace_build *build, uint32_t span)
{
    int64_t ns;
    return trace_build_duration(build, span, &ns) ? ns : -1;
}

/* Whether a span of that kind is one side of a call or message, which the other side answers. */
static bool asks(uint8_t kind)
{
    return kind == TCORE_SPAN_CLIENT || kind == TCORE_SPAN_PRODUCER;
}

/* Whether the span is called by its parent: it is of another service, or the other side of a call.
 */
static bool is_called(const struct tcore_trace_span *span, const struct tcore_trace_span *parent)
{
    return span->service != parent->service ||
           (asks(parent->kind) &&
            (span->kind == TCORE_SPAN_SERVER || span->kind == TCORE_SPAN_CONSUMER));
}

/* By how much the span was moved. */
static enum tcore_status read_moved(struct service_map *map, const struct trace_build *build,
                                    uint32_t span, int64_t *ns, struct tcore_error *err)
{
    const struct tcore_stored_text *row = build->rows[span];
    enum tcore_status status = TCORE_OK;
    *ns = 0;
    if (row->stored.span.flags & TCORE_SPAN_MOVED)
        status = tcore_json_parse(&map->json, row->text, row->text_length, err);
    if (status == TCORE_OK)
        *ns = skew_moved_ns(row, &map->json);
    return status == TCORE_SKIP ? TCORE_OK : status;
}

/* From the span's parent to the span. */
static enum tcore_status add_child(struct service_map *map, const struct trace_build *build,
                                   uint32_t span, uint32_t parent, struct tcore_error *err)
{
    const struct tcore_trace_span *child = &build->spans[span], *above = &build->spans[parent];
    bool message = child->kind == TCORE_SPAN_CONSUMER || above->kind == TCORE_SPAN_PRODUCER;
    struct call call = {
        .key = {above->service, child->service, message ? EDGE_MESSAGE : EDGE_CALL},
        .failed = failed(build, span),
        .latency_ns = duration(build, span),
        .network_ns = -1,
    };
    if (above->kind == TCORE_SPAN_CLIENT && !message) {
        call.failed |= failed(build, parent);
        if (duration(build, parent) >= 0)
            call.latency_ns = duration(build, parent);
        if (call.latency_ns >= 0 && child->kind == TCORE_SPAN_SERVER)
            call.network_ns = trace_build_network_ns(build, parent);
    }
    int64_t child_ns, above_ns;
    enum tcore_status status = read_moved(map, build, span, &child_ns, err);
    if (status == TCORE_OK)
        status = read_moved(map, build, parent, &above_ns, err);
    if (status != TCORE_OK)
        return status;
    if (__builtin_sub_overflow(above_ns, child_ns, &call.ahead_ns))
        call.ahead_ns = 0;
    return add_call(map, &call, err);
}

/* From a span that asks for something and has nothing below it. */
static enum tcore_status add_peer(struct service_map *map, const struct trace_build *build,
                                  uint32_t span, struct tcore_error *err)
{
    const struct tcore_stored_text *row = build->rows[span];
    struct call call = {
        .key = {build->spans[span].service, NOBODY, EDGE_EXTERNAL},
        .failed = failed(build, span),
        .latency_ns = duration(build, span),
        .network_ns = -1,
    };
    enum tcore_status status = tcore_json_parse(&map->json, row->text, row->text_length, err);
    if (status == TCORE_OK)
        call.name = peer_name(&map->json, &call.key.kind);
    if (status == TCORE_FATAL)
        return status;
    if (!call.name.length) {
        map->nameless++;
        return TCORE_OK;
    }
    return add_call(map, &call, err);
}

/* To a span that nobody in the trace calls. */
static enum tcore_status add_entry(struct service_map *map, const struct trace_build *build,
                                   uint32_t span, struct tcore_error *err)
{
    bool lost = build->tree.notes[span] & TCORE_NOTE_ORPHAN;
    struct call call = {
        .key = {NOBODY, build->spans[span].service, lost ? EDGE_LOST : EDGE_ENTRY},
        .failed = failed(build, span),
        .latency_ns = duration(build, span),
        .network_ns = -1,
    };
    return add_call(map, &call, err);
}

static bool is_answered(const struct trace_build *build, uint32_t span)
{
    const struct tcore_trace_tree *tree = &build->tree;
    for (uint32_t c = tree->first[span]; c < tree->first[span + 1]; c++) {
        const struct tcore_trace_span *child = &build->spans[tree->children[c]];
        if (is_called(child, &build->spans[span]) || asks(child->kind))
            return true;
    }
    return false;
}

enum tcore_status service_map_take(struct service_map *map, const struct trace_build *build,
                                   const bool *wanted, struct tcore_error *err)
{
    const struct tcore_trace_tree *tree = &build->tree;
    enum tcore_status status = TCORE_OK;
    for (uint32_t i = 0; i < tree->count && status == TCORE_OK; i++) {
        uint32_t parent = tree->parent[i];
        if (wanted && (!wanted[i] || (parent != TCORE_SPAN_NONE && !wanted[parent])))
            continue;
        if (parent == TCORE_SPAN_NONE)
            status = add_entry(map, build, i, err);
        else if (is_called(&build->spans[i], &build->spans[parent]))
            status = add_child(map, build, i, parent, err);
        if (status == TCORE_OK && asks(build->spans[i].kind) && !is_answered(build, i))
            status = add_peer(map, build, i, err);
    }
    return status;
}

enum tcore_status service_map_merge(struct service_map *into, const struct service_map *from,
                                    struct tcore_error *err)
{
    into->nameless += from->nameless;
    for (uint32_t i = 0; i < from->keys.count; i++) {
        const struct tcore_map_key *key = &from->keys.keys[i];
        struct edge *edge = find_edge(into, key->data, key->length);
        if (!edge ||
            tcore_cell_merge(&edge->latency, &from->edge[i].latency, service_map_stats()) ||
            tcore_cell_merge(&edge->network, &from->edge[i].network, service_map_stats()))
            return tcore_error_nomem(err);
        if (from->edge[i].adjusted)
            add_clock(edge, from->edge[i].ahead_min, from->edge[i].ahead_max,
                      from->edge[i].adjusted);
    }
    return TCORE_OK;
}
