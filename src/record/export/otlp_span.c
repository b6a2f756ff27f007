/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A native span as an OTLP one. */
#include <config.h>

#include "record/export/fields.h"
#include "record/export/otlp.h"

static void put_event(struct export_otlp *o, uint32_t node)
{
    uint32_t at[EVENT_COUNT];
    export_collect(&o->record, &export_event_keys, node, "events", at);
    export_otlp_time(o, OTLP_FIELD("timeUnixNano", 1), at[EVENT_TIME], "events.timeUnixNano");
    export_otlp_text(o, OTLP_FIELD("name", 2), at[EVENT_NAME], "events.name");
    export_otlp_map(o, OTLP_FIELD("attributes", 3), at[EVENT_ATTRIBUTES], NULL);
    export_otlp_count(o, OTLP_FIELD("droppedAttributesCount", 4), at[EVENT_DROPPED],
                      "events.droppedAttributesCount");
}

static void put_link(struct export_otlp *o, uint32_t node)
{
    uint32_t at[LINK_COUNT];
    export_collect(&o->record, &export_link_keys, node, "links", at);
    export_otlp_id(o, OTLP_FIELD("traceId", 1), at[LINK_TRACE]);
    export_otlp_id(o, OTLP_FIELD("spanId", 2), at[LINK_SPAN]);
    export_otlp_text(o, OTLP_FIELD("traceState", 3), at[LINK_STATE], "links.traceState");
    export_otlp_map(o, OTLP_FIELD("attributes", 4), at[LINK_ATTRIBUTES], NULL);
    export_otlp_count(o, OTLP_FIELD("droppedAttributesCount", 5), at[LINK_DROPPED],
                      "links.droppedAttributesCount");
    export_otlp_flags(o, OTLP_FIELD("flags", 6), at[LINK_FLAGS], "links.flags");
}

static void put_kind(struct export_otlp *o, uint32_t node)
{
    int kind = node ? export_word(&o->record, node, export_span_kinds, 6) : 0;
    if (kind < 0)
        export_lost(&o->record, "kind");
    if (kind > 0)
        otlp_small(&o->w, OTLP_FIELD("kind", 6), kind);
}

static void put_status(struct export_otlp *o, uint32_t status, uint32_t message)
{
    int code = status ? export_word(&o->record, status, export_status_codes, 3) : 0;
    if (code < 0)
        export_lost(&o->record, "status");
    if (code <= 0 && !export_is_text(&o->record, message))
        return;
    size_t mark = otlp_open(&o->w, OTLP_FIELD("status", 15));
    export_otlp_text(o, OTLP_FIELD("message", 2), message, "statusMessage");
    if (code > 0)
        otlp_small(&o->w, OTLP_FIELD("code", 3), code);
    otlp_close(&o->w, mark);
}

/* The duration is what its times say; one that says something else has no place. */
static void check_duration(struct export_otlp *o, const uint32_t *at)
{
    int64_t start, end, duration, difference;
    if (!at[SPAN_DURATION])
        return;
    bool same = export_int64(&o->record, at[SPAN_START], &start) &&
                export_int64(&o->record, at[SPAN_END], &end) &&
                export_int64(&o->record, at[SPAN_DURATION], &duration) &&
                !__builtin_sub_overflow(end, start, &difference) && difference == duration;
    if (!same)
        export_lost(&o->record, "durationNano");
}

void export_otlp_span(struct export_otlp *o)
{
    uint32_t at[SPAN_COUNT];
    o->signal = OTLP_TRACES;
    export_collect(&o->record, &export_span_keys, 0, NULL, at);
    export_otlp_id(o, OTLP_FIELD("traceId", 1), at[SPAN_TRACE]);
    export_otlp_id(o, OTLP_FIELD("spanId", 2), at[SPAN_SPAN]);
    export_otlp_text(o, OTLP_FIELD("traceState", 3), at[SPAN_STATE], "traceState");
    export_otlp_id(o, OTLP_FIELD("parentSpanId", 4), at[SPAN_PARENT]);
    export_otlp_text(o, OTLP_FIELD("name", 5), at[SPAN_NAME], "name");
    put_kind(o, at[SPAN_KIND]);
    export_otlp_time(o, OTLP_FIELD("startTimeUnixNano", 7), at[SPAN_START], "startTimeUnixNano");
    export_otlp_time(o, OTLP_FIELD("endTimeUnixNano", 8), at[SPAN_END], "endTimeUnixNano");
    check_duration(o, at);
    export_otlp_map(o, OTLP_FIELD("attributes", 9), at[SPAN_ATTRIBUTES], NULL);
    export_otlp_count(o, OTLP_FIELD("droppedAttributesCount", 10), at[SPAN_DROPPED_ATTRIBUTES],
                      "droppedAttributesCount");
    export_otlp_list(o, OTLP_FIELD("events", 11), at[SPAN_EVENTS], put_event);
    export_otlp_count(o, OTLP_FIELD("droppedEventsCount", 12), at[SPAN_DROPPED_EVENTS],
                      "droppedEventsCount");
    export_otlp_list(o, OTLP_FIELD("links", 13), at[SPAN_LINKS], put_link);
    export_otlp_count(o, OTLP_FIELD("droppedLinksCount", 14), at[SPAN_DROPPED_LINKS],
                      "droppedLinksCount");
    put_status(o, at[SPAN_STATUS], at[SPAN_MESSAGE]);
    export_otlp_flags(o, OTLP_FIELD("flags", 16), at[SPAN_FLAGS], "flags");
    export_otlp_levels(o, at[SPAN_RESOURCE], at[SPAN_SERVICE], at[SPAN_SCHEMA], at[SPAN_SCOPE]);
}
