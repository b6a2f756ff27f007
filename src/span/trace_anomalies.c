/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is wrong with the trace itself: spans that do not fit together. */
#include <config.h>

#include "span/trace_parts.h"

#include "span/skew/skew.h"

#define ANOMALIES_MOST 100 /* metadata.customData counts all */

struct anomalies {
    const struct trace_writer *writer;
    struct tcore_buf *out;
    unsigned count;
};

/* Begins one; false: there are enough. */
static bool begin(struct anomalies *a, const char *type)
{
    if (a->count == ANOMALIES_MOST)
        return false;
    tcore_buf_puts(a->out, a->count++ ? ",{\"type\":\"" : ",\"anomalies\":[{\"type\":\"");
    tcore_buf_puts(a->out, type);
    tcore_buf_putc(a->out, '"');
    return true;
}

static void put_span(struct anomalies *a, const char *type, uint32_t span)
{
    const struct trace_build *build = &a->writer->build;
    if (!begin(a, type))
        return;
    put_key(a->out, "spanId", false);
    put_id(a->out, build->spans[span].span_id);
    put_text_member(a->out, "serviceName", trace_build_service(build, span));
    tcore_buf_putc(a->out, '}');
}

/* With a time: by how much. */
static void put_span_by(struct anomalies *a, const char *type, uint32_t span, int64_t ns)
{
    unsigned before = a->count;
    put_span(a, type, span);
    if (a->count == before || a->out->failed)
        return;
    a->out->length--;
    put_key(a->out, "value", false);
    put_int(a->out, ns);
    tcore_buf_putc(a->out, '}');
}

/* A child that is not within its parent, unless messages have it so. */
static void look_at_times(struct anomalies *a, uint32_t span)
{
    const struct tcore_trace_tree *tree = &a->writer->build.tree;
    const struct tcore_trace_span *child = &tree->spans[span];
    if (!(tree->notes[span] & (TCORE_NOTE_BEFORE_PARENT | TCORE_NOTE_AFTER_PARENT)))
        return;
    const struct tcore_trace_span *parent = &tree->spans[tree->parent[span]];
    bool message = parent->kind == TCORE_SPAN_PRODUCER || child->kind == TCORE_SPAN_CONSUMER;
    if (tree->notes[span] & TCORE_NOTE_BEFORE_PARENT)
        put_span_by(a, child->service == parent->service ? "starts_before_parent" : "clock_skew",
                    span, child->start_ns - parent->start_ns);
    else if (!message)
        put_span_by(a, "ends_after_parent", span, child->end_ns - parent->end_ns);
}

static void look_at(struct anomalies *a, uint32_t span)
{
    const struct tcore_trace_tree *tree = &a->writer->build.tree;
    const struct tcore_trace_span *is = &tree->spans[span];
    unsigned notes = tree->notes[span];
    if (notes & TCORE_NOTE_ORPHAN)
        put_span(a, "orphan", span);
    if (notes & TCORE_NOTE_SELF_PARENT)
        put_span(a, "own_parent", span);
    if (notes & TCORE_NOTE_CYCLE)
        put_span(a, "cycle", span);
    if (notes & TCORE_NOTE_DUPLICATE)
        put_span(a, "duplicate_id", span);
    if (notes & TCORE_NOTE_UNTIMED) {
        bool both = is->flags & TCORE_SPAN_HAS_START && is->flags & TCORE_SPAN_HAS_END;
        if (both)
            put_span_by(a, "negative_duration", span, is->end_ns - is->start_ns);
        else
            put_span(a, "missing_time", span);
    }
    look_at_times(a, span);
}

/* Clocks that were adjusted, and so are to be seen in no span. */
static void look_at_clocks(struct anomalies *a, const struct skew_notes *notes)
{
    for (uint32_t i = 0; notes && i < notes->clock_count; i++) {
        const struct skew_clock *clock = &notes->clocks[i];
        if (!begin(a, clock->contradictory ? "contradictory_clock" : "clock_skew"))
            return;
        put_text_member(a->out, "serviceName",
                        tcore_trace_store_service(a->writer->build.store, clock->service));
        if (!clock->contradictory) {
            put_key(a->out, "value", false);
            put_int(a->out, -clock->adjustment_ns);
        }
        tcore_buf_putc(a->out, '}');
    }
}

void put_anomalies(const struct trace_writer *writer, struct tcore_buf *out)
{
    const struct tcore_trace_tree *tree = &writer->build.tree;
    struct anomalies anomalies = {.writer = writer, .out = out};
    if (tree->root_count > 1 && begin(&anomalies, "several_roots")) {
        put_key(out, "value", false);
        put_int(out, tree->root_count);
        tcore_buf_putc(out, '}');
    }
    look_at_clocks(&anomalies, writer->build.trace->notes);
    for (uint32_t i = 0; i < tree->count; i++)
        if (tree->notes[i] & (uint8_t)~TCORE_NOTE_SHARED)
            look_at(&anomalies, i);
    tcore_buf_puts(out, anomalies.count ? "]" : "");
}
