/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A tree of resources, scopes and metrics, with encoded messages at its leaves. */
#include <config.h>

#include "record/export/otlp_batch.h"

#include "base/sys.h"

#include <string.h>

/* Node 0 is none: numbers are one more than the map's. */
struct otlp_node {
    uint32_t first, last; /* children */
    uint32_t next;        /* of the same parent */
    enum otlp_level level;
    struct tcore_buf messages; /* of a leaf */
};

static const struct otlp_field groups[OTLP_SIGNALS] = {OTLP_FIELD_INIT("resourceSpans", 1),
                                                       OTLP_FIELD_INIT("resourceMetrics", 1),
                                                       OTLP_FIELD_INIT("resourceLogs", 1)};
static const struct otlp_field scopes[OTLP_SIGNALS] = {OTLP_FIELD_INIT("scopeSpans", 2),
                                                       OTLP_FIELD_INIT("scopeMetrics", 2),
                                                       OTLP_FIELD_INIT("scopeLogs", 2)};
static const struct otlp_field records[OTLP_SIGNALS] = {
    OTLP_FIELD_INIT("spans", 2), OTLP_FIELD_INIT("metrics", 2), OTLP_FIELD_INIT("logRecords", 2)};
static const struct otlp_field points = OTLP_FIELD_INIT("dataPoints", 1);

static enum otlp_level leaf_level(enum otlp_signal signal)
{
    return signal == OTLP_METRICS ? OTLP_METRIC : OTLP_SCOPE;
}

enum tcore_status otlp_batch_open(struct otlp_batch *batch, bool protobuf, struct tcore_error *err)
{
    *batch = (struct otlp_batch){.levels = {.w = {.protobuf = protobuf}}};
    for (int i = 0; i < OTLP_SIGNALS; i++)
        if (tcore_map_init(&batch->gathered[i].keys) != 0)
            return tcore_error_set(err, TCORE_FATAL, "the system has no randomness to give");
    return TCORE_OK;
}

void otlp_batch_free(struct otlp_batch *batch)
{
    for (int i = 0; i < OTLP_SIGNALS; i++) {
        struct otlp_gathered *g = &batch->gathered[i];
        for (uint32_t n = 0; n < g->capacity; n++)
            tcore_buf_free(&g->node[n].messages);
        tcore_free(g->node);
        tcore_map_free(&g->keys);
    }
    export_otlp_free(&batch->levels);
}

/* Nodes keep their memory from one epoch to the next. */
static struct otlp_node *node_for(struct otlp_gathered *g, uint32_t number)
{
    if (number >= g->capacity) {
        uint32_t capacity = g->capacity ? g->capacity * 2 : 16;
        struct otlp_node *grown = tcore_reallocarray(g->node, capacity, sizeof *grown);
        if (!grown)
            return NULL;
        memset(grown + g->capacity, 0, (capacity - g->capacity) * sizeof *grown);
        g->node = grown;
        g->capacity = capacity;
    }
    return &g->node[number];
}

static void link_child(struct otlp_gathered *g, uint32_t parent, uint32_t child)
{
    uint32_t *first = parent ? &g->node[parent].first : &g->first;
    uint32_t *last = parent ? &g->node[parent].last : &g->last;
    if (*last)
        g->node[*last].next = child;
    else
        *first = child;
    *last = child;
}

enum tcore_status otlp_batch_find(struct otlp_batch *batch, enum otlp_signal signal,
                                  const char *levels, const size_t end[OTLP_LEVELS],
                                  uint32_t *place, struct tcore_error *err)
{
    struct otlp_gathered *g = &batch->gathered[signal];
    *place = 0;
    for (enum otlp_level level = OTLP_RESOURCE; level <= leaf_level(signal); level++) {
        bool added;
        /* texts of different levels differ: one more object stands behind another */
        uint32_t number = tcore_map_intern(&g->keys, levels, end[level], &added);
        struct otlp_node *node = number < UINT32_MAX - 1 ? node_for(g, number + 1) : NULL;
        if (!node)
            return tcore_error_nomem(err);
        if (added) {
            node->first = node->last = node->next = 0;
            node->level = level;
            tcore_buf_clear(&node->messages);
            link_child(g, *place, number + 1);
            g->bytes += end[level];
        }
        *place = number + 1;
    }
    return TCORE_OK;
}

void otlp_batch_add(struct otlp_batch *batch, enum otlp_signal signal, uint32_t place,
                    const char *message, size_t length)
{
    struct otlp_gathered *g = &batch->gathered[signal];
    struct tcore_buf *out = &g->node[place].messages;
    size_t before = out->length;
    if (batch->levels.w.protobuf)
        otlp_message_head(out, signal == OTLP_METRICS ? points.number : records[signal].number,
                          length);
    else if (before)
        tcore_buf_putc(out, ',');
    tcore_buf_append(out, message, length);
    g->bytes += out->length - before;
    g->records++;
}

/* --- taking --- */

static void put_messages(struct otlp_batch *batch, enum otlp_signal signal,
                         const struct otlp_node *node)
{
    struct otlp_writer *w = &batch->levels.w;
    otlp_open_list(w, signal == OTLP_METRICS ? &points : &records[signal]);
    tcore_buf_append(w->out, node->messages.data, node->messages.length);
    w->out->failed |= node->messages.failed;
    otlp_close_list(w);
}

/* The nodes from first on, whose parent's texts have so many bytes; three levels deep. */
static enum tcore_status put_nodes(struct otlp_batch *batch, enum otlp_signal signal,
                                   uint32_t first, size_t above, struct tcore_error *err)
{
    struct otlp_writer *w = &batch->levels.w;
    struct otlp_gathered *g = &batch->gathered[signal];
    enum otlp_level level = g->node[first].level;
    const struct otlp_field *field = level == OTLP_RESOURCE ? &groups[signal]
                                     : level == OTLP_SCOPE  ? &scopes[signal]
                                                            : &records[signal];
    enum tcore_status status = TCORE_OK;
    otlp_open_list(w, field);
    for (uint32_t n = first; n && status == TCORE_OK; n = g->node[n].next) {
        const struct tcore_map_key *key = &g->keys.keys[n - 1];
        struct tcore_slice text = {key->data + above, key->length - above};
        size_t data = 0, mark = otlp_open_item(w, field);
        status = export_otlp_put_level(&batch->levels, level, &text, &data, err);
        if (status == TCORE_OK && level == leaf_level(signal))
            put_messages(batch, signal, &g->node[n]);
        else if (status == TCORE_OK)
            status = put_nodes(batch, signal, g->node[n].first, key->length, err);
        if (level == OTLP_METRIC)
            otlp_close(w, data);
        otlp_close(w, mark);
    }
    otlp_close_list(w);
    return status;
}

enum tcore_status otlp_batch_take(struct otlp_batch *batch, enum otlp_signal signal,
                                  struct tcore_buf *out, struct tcore_error *err)
{
    struct otlp_gathered *g = &batch->gathered[signal];
    struct otlp_writer *w = &batch->levels.w;
    enum tcore_status status = TCORE_OK;
    static const enum tcore_record_type types[OTLP_SIGNALS] = {
        TCORE_RECORD_SPAN, TCORE_RECORD_METRIC, TCORE_RECORD_LOG};
    w->out = out;
    batch->levels.record.type = types[signal];
    batch->levels.record.members_counted = true;
    if (!w->protobuf)
        tcore_buf_putc(out, '{');
    if (g->first)
        status = put_nodes(batch, signal, g->first, 0, err);
    if (!w->protobuf)
        tcore_buf_putc(out, '}');
    tcore_map_clear(&g->keys);
    g->first = g->last = 0;
    g->records = 0;
    g->bytes = 0;
    g->epoch++;
    return status == TCORE_OK ? tcore_buf_status(out, err) : status;
}
