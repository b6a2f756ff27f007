/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records of trace events, in the order in which the events came: a span of each slice, a log
 * record of each instant, a metric point of each counter's value. A document is one trace, whose id
 * is a hash of what was gathered.
 */
#include <config.h>

#include "record/import/chrome.h"

/* --- parts of records --- */

static void put(struct chrome *c, const char *label, struct tcore_slice text)
{
    tcore_buf_puts(&c->job->result->out, label);
    tcore_buf_append(&c->job->result->out, text.data, text.length);
}

static void put_trace_id(struct chrome *c)
{
    put(c, ",\"traceId\":\"", (struct tcore_slice){c->trace_id, TCORE_TRACE_ID});
    tcore_buf_putc(&c->job->result->out, '"');
}

/* Ids that look random, all different and the same every time: the finalizer of SplitMix64 is a
 * permutation. */
static void put_span_id(struct chrome *c, const char *label, uint32_t slice)
{
    static const char digits[] = "0123456789abcdef";
    char text[TCORE_SPAN_ID];
    uint64_t z = c->seed + slice * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    for (unsigned i = 0; i < TCORE_SPAN_ID; i++)
        text[i] = digits[(z ? z : 1) >> (60 - 4 * i) & 15];
    put(c, label, (struct tcore_slice){text, TCORE_SPAN_ID});
    tcore_buf_putc(&c->job->result->out, '"');
}

static void put_service(struct chrome *c, uint32_t track)
{
    uint32_t name = c->process[c->track[track].process].name;
    if (name)
        put(c, ",\"service\":", chrome_text(c, name));
}

static void put_resource(struct chrome *c, uint32_t track)
{
    const struct chrome_process *process = &c->process[c->track[track].process];
    if (!process->pid && !process->name)
        return;
    PUT(&c->job->result->out, ",\"resource\":{");
    if (process->pid)
        put(c, "\"process.pid\":", chrome_text(c, process->pid));
    if (process->name)
        put(c, process->pid ? ",\"service.name\":" : "\"service.name\":",
            chrome_text(c, process->name));
    tcore_buf_putc(&c->job->result->out, '}');
}

/* Arguments of a beginning and of its end in one object, of which those of the end count. */
static void put_both(struct chrome *c, struct tcore_slice begin, struct tcore_slice end)
{
    struct tcore_buf *out = &c->job->result->out;
    struct tcore_error err;
    tcore_buf_clear(&c->key);
    tcore_buf_putc(&c->key, '{');
    tcore_buf_append(&c->key, begin.data, begin.length);
    tcore_buf_putc(&c->key, ',');
    tcore_buf_append(&c->key, end.data, end.length);
    tcore_buf_putc(&c->key, '}');
    if (c->key.failed ||
        tcore_json_parse(&c->job->json, c->key.data, c->key.length, &err) != TCORE_OK) {
        c->job->failed = true;
        return;
    }
    size_t at = out->length;
    tcore_json_write_tree(out, &c->job->json, 0);
    if (out->failed)
        return;
    memmove(out->data + at, out->data + at + 1, out->length - at - 2); /* without braces */
    out->length -= 2;
}

static void put_attributes(struct chrome *c, const struct chrome_event *event,
                           const struct chrome_event *end, uint32_t track)
{
    struct tcore_buf *out = &c->job->result->out;
    struct tcore_slice own = chrome_attributes(c, event), more = {NULL, 0};
    struct tcore_slice tid = chrome_text(c, c->track[track].tid);
    struct tcore_slice name = chrome_text(c, c->track[track].name);
    if (end)
        more = chrome_attributes(c, end);
    PUT(out, ",\"attributes\":{");
    size_t begin = out->length;
    if (own.length && more.length)
        put_both(c, own, more);
    else
        put(c, "", own.length ? own : more);
    if (tid.length)
        put(c, out->length > begin ? ",\"thread.id\":" : "\"thread.id\":", tid);
    if (name.length)
        put(c, out->length > begin ? ",\"thread.name\":" : "\"thread.name\":", name);
    if (out->length > begin)
        tcore_buf_putc(out, '}');
    else
        out->length -= out->failed ? 0 : strlen(",\"attributes\":{");
}

static void put_name(struct chrome *c, const char *label, const struct chrome_event *event)
{
    put(c, label, chrome_text(c, event->name));
    if (!event->name)
        PUT(&c->job->result->out, "\"\"");
}

/* --- records --- */

static void put_times(struct chrome *c, const struct chrome_slice *slice)
{
    struct import_counts *counts = &c->job->result->counts;
    struct tcore_buf *out = &c->job->result->out;
    int64_t duration_ns, start_ns = c->event[slice->begin].time_ns;
    import_put_time(out, ",\"startTimeUnixNano\":\"", start_ns);
    counts->untimed += slice->end_ns == INT64_MAX;
    counts->negative += slice->end_ns < start_ns;
    if (slice->end_ns == INT64_MAX)
        return;
    import_put_time(out, ",\"endTimeUnixNano\":\"", slice->end_ns);
    if (slice->end_ns < start_ns || __builtin_sub_overflow(slice->end_ns, start_ns, &duration_ns))
        return;
    PUT(out, ",\"durationNano\":");
    import_put_int64(out, duration_ns);
}

static void put_links(struct chrome *c, const struct chrome_slice *slice)
{
    struct tcore_buf *out = &c->job->result->out;
    const char *before = ",\"links\":[";
    if (!slice->links)
        return;
    for (uint32_t l = slice->links; l; l = c->link[l - 1].next) {
        tcore_buf_puts(out, before);
        before = ",";
        size_t begin = out->length;
        put_trace_id(c);
        put_span_id(c, ",\"spanId\":\"", c->link[l - 1].target);
        import_close_object(out, begin);
    }
    tcore_buf_putc(out, ']');
}

static void put_slice(struct chrome *c, uint32_t number)
{
    struct tcore_buf *out = &c->job->result->out;
    const struct chrome_slice *slice = &c->slice[number];
    const struct chrome_event *begin = &c->event[slice->begin];
    PUT(out, "{\"type\":\"span\"");
    put_trace_id(c);
    put_span_id(c, ",\"spanId\":\"", number);
    if (slice->parent)
        put_span_id(c, ",\"parentSpanId\":\"", slice->parent - 1);
    put_name(c, ",\"name\":", begin);
    PUT(out, ",\"kind\":\"internal\"");
    put_times(c, slice);
    PUT(out, ",\"status\":\"unset\"");
    put_service(c, begin->track);
    put_attributes(c, begin, slice->end ? &c->event[slice->end - 1] : NULL, begin->track);
    put_resource(c, begin->track);
    put_links(c, slice);
    PUT(out, "}\n");
}

static void put_instant(struct chrome *c, const struct chrome_event *event)
{
    struct tcore_buf *out = &c->job->result->out;
    PUT(out, "{\"type\":\"log\"");
    import_put_time(out, ",\"timeUnixNano\":\"", event->time_ns);
    put_name(c, ",\"body\":", event);
    put_trace_id(c);
    if (event->slice)
        put_span_id(c, ",\"spanId\":\"", event->slice - 1);
    put_service(c, event->track);
    put_attributes(c, event, NULL, event->track);
    put_resource(c, event->track);
    PUT(out, "}\n");
}

/* The usual name of a counter's only series tells nothing. */
static bool is_plain(struct tcore_slice series)
{
    return series.length == 7 && memcmp(series.data, "\"value\"", 7) == 0;
}

static void put_counter(struct chrome *c, const struct chrome_event *event)
{
    struct tcore_buf *out = &c->job->result->out;
    struct tcore_slice id = chrome_text(c, event->id);
    struct tcore_slice series = chrome_text(c, event->flow);
    PUT(out, "{\"type\":\"metric\"");
    put_name(c, ",\"metricName\":", event);
    put(c, ",\"metricType\":\"gauge\",\"value\":", chrome_attributes(c, event));
    import_put_time(out, ",\"timeUnixNano\":\"", event->time_ns);
    if (!is_plain(series) || id.length) {
        PUT(out, ",\"dimensions\":{");
        if (!is_plain(series))
            put(c, "\"series\":", series);
        if (id.length)
            put(c, is_plain(series) ? "\"id\":" : ",\"id\":", id);
        tcore_buf_putc(out, '}');
    }
    put_service(c, event->track);
    put_resource(c, event->track);
    PUT(out, "}\n");
}

static void put_records(struct chrome *c)
{
    for (uint32_t i = 0; i < c->events; i++) {
        const struct chrome_event *event = &c->event[i];
        if (event->begins)
            put_slice(c, event->slice - 1);
        else if (event->phase == 'C')
            put_counter(c, event);
        else if (memchr("iIRnTp", event->phase, 6))
            put_instant(c, event);
        if (!import_drain(c->job))
            return;
    }
}

static void name_trace(struct chrome *c)
{
    char digest[TCORE_TRACE_ID];
    uint8_t bytes[TCORE_TRACE_ID / 2];
    chrome_digest(c, digest);
    tcore_id_normalise(TCORE_TRACE_ID, digest, sizeof(digest), c->trace_id);
    tcore_id_bytes(c->trace_id, bytes, sizeof(bytes));
    memcpy(&c->seed, bytes, sizeof(c->seed));
}

void chrome_finish(void *gathered, struct import_job *job)
{
    struct chrome *c = gathered;
    c->job = job;
    if (!chrome_order(c)) {
        job->failed = true;
        return;
    }
    name_trace(c);
    put_records(c);
    job->failed |= c->key.failed;
}
