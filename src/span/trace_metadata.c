/* SPDX-License-Identifier: GPL-3.0-or-later */
/* About the record: what was peculiar about its spans, and what was done to their clocks. */
#include <config.h>

#include "span/trace_parts.h"

#include "span/oddities.h"
#include "span/skew/skew.h"

/* --- Clocks */

static void put_clock(const struct trace_writer *writer, const struct skew_clock *clock,
                      struct tcore_buf *out)
{
    const struct tcore_trace_store *store = writer->build.store;
    tcore_buf_puts(out, "{\"serviceName\":");
    put_text(out, tcore_trace_store_service(store, clock->service));
    put_text_member(out, "instance", clock->instance);
    put_key(out, "adjustment", false);
    put_int(out, clock->adjustment_ns);
    if (clock->contradictory)
        tcore_buf_puts(out, ",\"contradictory\":true");
    if (clock->bounds.start_ns != INT64_MIN) {
        put_key(out, "lowerBound", false);
        put_int(out, clock->bounds.start_ns);
    }
    if (clock->bounds.end_ns != INT64_MAX) {
        put_key(out, "upperBound", false);
        put_int(out, clock->bounds.end_ns);
    }
    put_key(out, "againstService", false);
    put_text(out, tcore_trace_store_service(store, clock->against_service));
    put_text_member(out, "againstInstance", clock->against_instance);
    put_key(out, "spanCount", false);
    put_int(out, clock->spans);
    put_key(out, "callCount", false);
    put_int(out, clock->calls);
    tcore_buf_putc(out, '}');
}

static void put_clocks(const struct trace_writer *writer, const struct skew_notes *notes,
                       bool first, struct tcore_buf *out)
{
    put_key(out, "adjustedSpans", first);
    put_int(out, notes->moved);
    put_key(out, "clockAdjustments", false);
    tcore_buf_putc(out, '[');
    for (uint32_t i = 0; i < notes->clock_count; i++) {
        tcore_buf_puts(out, i ? "," : "");
        put_clock(writer, &notes->clocks[i], out);
    }
    tcore_buf_putc(out, ']');
}

/* --- Oddities */

static void put_custom_data(const struct trace_writer *writer, struct tcore_buf *out)
{
    const struct tcore_trace_tree *tree = &writer->build.tree;
    const struct skew_notes *clocks = writer->build.trace->notes;
    struct oddities odd = {0};
    bool any = tree->root_count > 1;
    oddities_count(&odd, tree);
    if (any) {
        tcore_buf_puts(out, ",\"customData\":{\"rootSpans\":");
        put_int(out, tree->root_count);
    }
    for (unsigned bit = 0; bit < ODDITIES; bit++) {
        if (!odd.count[bit])
            continue;
        tcore_buf_puts(out, any ? "" : ",\"customData\":{");
        put_key(out, oddity_member(bit), !any);
        put_int(out, (int64_t)odd.count[bit]);
        any = true;
    }
    if (clocks) {
        tcore_buf_puts(out, any ? "" : ",\"customData\":{");
        put_clocks(writer, clocks, !any, out);
        any = true;
    }
    tcore_buf_puts(out, any ? "}" : "");
}

void put_metadata(const struct trace_writer *writer, struct tcore_buf *out)
{
    const struct tcore_interval *whole = &writer->build.tree.whole;
    tcore_buf_puts(out, ",\"metadata\":{\"traceVersion\":\"1.0\"");
    if (tcore_interval_is_known(whole)) {
        put_key(out, "collectionTimestamp", false);
        put_time(out, whole->end_ns);
    }
    tcore_buf_append(out, writer->tags.data, writer->tags.length);
    put_custom_data(writer, out);
    tcore_buf_putc(out, '}');
}
