/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/service_map.h"

#include "base/sys.h"
#include "span/text_order.h"
#include "span/trace_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *kind_name(enum edge_kind kind)
{
    static const char *const names[] = {"call",     "message", "database", "messaging",
                                        "external", "entry",   "lost"};
    return names[kind];
}

/* An edge with its ends by name; a missing end has no data. */
struct named_edge {
    const struct edge *edge;
    struct tcore_slice source, target;
};

static int compare(const void *left, const void *right)
{
    const struct named_edge *a = left, *b = right;
    if (!a->source.data != !b->source.data)
        return a->source.data ? -1 : 1;
    int order = compare_texts(a->source, b->source);
    order = order ? order : compare_texts(a->target, b->target);
    return order ? order : (int)a->edge->kind - (int)b->edge->kind;
}

/* All edges in order; NULL without memory. To be freed by the caller. */
static struct named_edge *name_edges(const struct service_map *map,
                                     const struct tcore_trace_store *store)
{
    struct named_edge *named = tcore_calloc((size_t)map->keys.count + 1, sizeof *named);
    for (uint32_t i = 0; named && i < map->keys.count; i++) {
        const struct edge *edge = &map->edge[i];
        named[i].edge = edge;
        if (edge->source != UINT32_MAX)
            named[i].source = tcore_trace_store_service(store, edge->source);
        named[i].target = edge->target == UINT32_MAX
                              ? edge->name
                              : tcore_trace_store_service(store, edge->target);
    }
    if (named && map->keys.count)
        qsort(named, map->keys.count, sizeof *named, compare);
    return named;
}

static bool has_service(const struct tcore_trace_store *store, struct tcore_slice name)
{
    uint32_t low = 1, high = tcore_trace_store_services(store); /* in the order of their bytes */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_texts(tcore_trace_store_service(store, middle), name);
        if (!order)
            return true;
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return false;
}

/* Which side has no spans; NULL: none. */
static const char *missing(const struct named_edge *edge, const struct tcore_trace_store *store)
{
    if (edge->edge->kind == EDGE_LOST)
        return "caller";
    if (edge->edge->target != UINT32_MAX)
        return NULL;
    return has_service(store, edge->target) ? "context" : "server";
}

/* --- Records */

static void put_end(const char *name, struct tcore_slice text, struct tcore_buf *out)
{
    if (!text.data)
        return;
    put_key(out, name, true);
    put_text(out, text);
    tcore_buf_putc(out, ',');
}

static const struct tcore_stats *network_stats(void)
{
    static struct tcore_stat list[] = {
        {.kind = TCORE_STAT_MEAN, .name = "networkMeanNano"},
        {.kind = TCORE_STAT_QUANTILE, .name = "networkP50Nano", .quantile = 0.5},
        {.kind = TCORE_STAT_QUANTILE, .name = "networkP95Nano", .quantile = 0.95},
        {.kind = TCORE_STAT_QUANTILE, .name = "networkP99Nano", .quantile = 0.99},
    };
    static const struct tcore_stats stats = {
        .stat = list, .count = sizeof list / sizeof *list, .sum = true, .histogram = true};
    return &stats;
}

static enum tcore_status write_record(const struct named_edge *edge,
                                      const struct tcore_trace_store *store, struct tcore_buf *out)
{
    const char *absent = missing(edge, store);
    tcore_buf_puts(out,
                   "{\"type\":\"aggregate\",\"recordType\":\"span\",\"metricName\":\"callNano\","
                   "\"group\":{");
    put_end("source", edge->source, out);
    put_end("target", edge->target, out);
    tcore_buf_printf(out, "\"connection\":\"%s\"}", kind_name(edge->edge->kind));
    if (absent)
        tcore_buf_printf(out, ",\"missing\":\"%s\"", absent);
    enum tcore_status status = tcore_cell_write(&edge->edge->latency, service_map_stats(), 0, out);
    if (status == TCORE_OK && edge->edge->network.count)
        status = tcore_cell_write(&edge->edge->network, network_stats(), 0, out);
    if (edge->edge->adjusted)
        tcore_buf_printf(out,
                         ",\"adjustedCalls\":%" PRIu64 ",\"clockOffsetMinNano\":%" PRId64
                         ",\"clockOffsetMaxNano\":%" PRId64,
                         edge->edge->adjusted, edge->edge->ahead_min, edge->edge->ahead_max);
    tcore_buf_puts(out, "}\n");
    return status;
}

enum tcore_status service_map_records(struct service_map *map,
                                      const struct tcore_trace_store *store, struct tcore_buf *out,
                                      struct tcore_error *err)
{
    struct named_edge *named = name_edges(map, store);
    bool good = named;
    for (uint32_t i = 0; good && i < map->keys.count; i++)
        good = write_record(&named[i], store, out) == TCORE_OK;
    tcore_free(named);
    return good ? tcore_buf_status(out, err) : tcore_error_nomem(err);
}

/* --- Graphviz */

/* A quoted string; what is no printable character becomes a blank. */
static void put_dot_string(struct tcore_slice text, struct tcore_buf *out)
{
    tcore_buf_putc(out, '"');
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == '"' || c == '\\')
            tcore_buf_putc(out, '\\');
        tcore_buf_putc(out, c < 0x20 || c == 0x7f ? ' ' : (char)c);
    }
    tcore_buf_putc(out, '"');
}

/* A node's name: what has no spans is another node than a service of that name. */
static void put_dot_node(struct tcore_slice name, bool service, struct tcore_buf *out)
{
    static const char prefix[] = "peer ";
    if (service) {
        put_dot_string(name, out);
        return;
    }
    size_t at = out->length + 1;
    put_dot_string(name, out);
    if (!tcore_buf_reserve(out, sizeof prefix))
        return;
    memmove(out->data + at + sizeof prefix - 1, out->data + at, out->length - at);
    memcpy(out->data + at, prefix, sizeof prefix - 1);
    out->length += sizeof prefix - 1;
}

static void put_dot_peer(const struct named_edge *edge, struct tcore_buf *out)
{
    static const char *const shapes[] = {
        [EDGE_DATABASE] = "cylinder", [EDGE_MESSAGING] = "cds", [EDGE_EXTERNAL] = "box"};
    tcore_buf_puts(out, "    ");
    put_dot_node(edge->target, false, out);
    tcore_buf_puts(out, " [label=");
    put_dot_string(edge->target, out);
    tcore_buf_printf(out, ", shape=%s, style=dashed]\n", shapes[edge->edge->kind]);
}

static void put_dot_duration(double ns, struct tcore_buf *out)
{
    static const char *const units[] = {"ns", "us", "ms", "s"};
    unsigned unit = 0;
    for (; unit < 3 && ns >= 999.5; unit++)
        ns /= 1000;
    tcore_buf_printf(out, "%.3g %s", ns, units[unit]);
}

/* What a person wants to know of an edge: how often, how slow, how bad. */
static void put_dot_label(const struct edge *edge, struct tcore_buf *out)
{
    const struct tcore_cell *cell = &edge->latency;
    double calls = (double)cell->count / TCORE_WEIGHT_ONE;
    double errors = (double)cell->errors / (double)cell->count;
    tcore_buf_printf(out, "%.0f call%s", calls, calls == 1 ? "" : "s");
    if (cell->values) {
        tcore_buf_puts(out, "\\np95 ");
        put_dot_duration(tcore_histogram_quantile(&cell->histogram, 0.95, (double)cell->min_int,
                                                  (double)cell->max_int),
                         out);
    }
    if (errors > 0)
        tcore_buf_printf(out, "\\n%.3g %% failed", errors * 100);
    if (edge->adjusted) {
        double ahead = (double)edge->ahead_max > -(double)edge->ahead_min ? (double)edge->ahead_max
                                                                          : (double)edge->ahead_min;
        tcore_buf_printf(out, "\\nclock %s by ", ahead > 0 ? "ahead" : "behind");
        put_dot_duration(fabs(ahead), out);
    }
}

static void put_dot_edge(const struct named_edge *edge, double most, struct tcore_buf *out)
{
    double calls = (double)edge->edge->latency.count;
    bool entry = edge->edge->source == UINT32_MAX;
    tcore_buf_puts(out, "    ");
    if (entry)
        tcore_buf_puts(out, edge->edge->kind == EDGE_LOST ? "\"peer ?\"" : "\"peer \"");
    else
        put_dot_node(edge->source, true, out);
    tcore_buf_puts(out, " -> ");
    put_dot_node(edge->target, edge->edge->target != UINT32_MAX, out);
    tcore_buf_puts(out, " [label=\"");
    put_dot_label(edge->edge, out);
    tcore_buf_printf(out, "\", penwidth=%.2f%s%s]\n", 1 + 3 * sqrt(calls / most),
                     edge->edge->latency.errors ? ", color=\"#c03030\"" : "",
                     edge->edge->kind == EDGE_MESSAGE || edge->edge->kind == EDGE_MESSAGING
                         ? ", style=dashed"
                         : "");
}

static bool has_kind(const struct service_map *map, enum edge_kind kind)
{
    for (uint32_t i = 0; i < map->keys.count; i++)
        if (map->edge[i].kind == kind)
            return true;
    return false;
}

enum tcore_status service_map_dot(struct service_map *map, const struct tcore_trace_store *store,
                                  struct tcore_buf *out, struct tcore_error *err)
{
    struct named_edge *named = name_edges(map, store);
    double most = 1;
    if (!named)
        return tcore_error_nomem(err);
    tcore_buf_puts(out, "digraph services {\n    rankdir=LR\n    node [shape=box, style=rounded]\n"
                        "    edge [fontsize=10]\n");
    if (has_kind(map, EDGE_ENTRY))
        tcore_buf_puts(out, "    \"peer \" [label=\"\", shape=point]\n");
    if (has_kind(map, EDGE_LOST))
        tcore_buf_puts(out, "    \"peer ?\" [label=\"?\", shape=circle, style=dashed]\n");
    for (uint32_t i = 0; i < map->keys.count; i++) {
        double calls = (double)named[i].edge->latency.count;
        most = calls > most ? calls : most;
        if (named[i].edge->target == UINT32_MAX)
            put_dot_peer(&named[i], out);
    }
    for (uint32_t i = 0; i < map->keys.count; i++)
        put_dot_edge(&named[i], most, out);
    tcore_buf_puts(out, "}\n");
    tcore_free(named);
    return tcore_buf_status(out, err);
}
