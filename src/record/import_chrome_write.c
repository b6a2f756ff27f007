/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records of trace events, in the order in which the events came: a span of each slice, a log
 * record of each instant, a metric point of each counter's value. A document is one trace, whose id
 * is a hash of what was gathered.
 */
#include <config.h>

#include "record/import_chrome.h"

#include "base/sys.h"

/* --- reading what was held --- */

static bool allocate(struct chrome *c, size_t count)
{
    c->item = tcore_calloc(count, sizeof(*c->item));
    c->by_time = tcore_calloc(count, sizeof(*c->by_time));
    c->slice = tcore_calloc(count, sizeof(*c->slice));
    c->link = tcore_calloc(count, sizeof(*c->link));
    c->track = tcore_calloc(count, sizeof(*c->track));
    c->process = tcore_calloc(count, sizeof(*c->process));
    c->async = tcore_calloc(count, sizeof(*c->async));
    c->flow = tcore_calloc(count, sizeof(*c->flow));
    return c->item && c->by_time && c->slice && c->link && c->track && c->process && c->async &&
           c->flow && !tcore_map_init(&c->tracks) && !tcore_map_init(&c->processes) &&
           !tcore_map_init(&c->asyncs) && !tcore_map_init(&c->flows);
}

static void release(struct chrome *c)
{
    void *const owned[] = {c->item,  c->by_time, c->slice, c->link,
                           c->track, c->process, c->async, c->flow};
    for (size_t i = 0; i < sizeof(owned) / sizeof(*owned); i++)
        tcore_free(owned[i]);
    tcore_map_free(&c->tracks);
    tcore_map_free(&c->processes);
    tcore_map_free(&c->asyncs);
    tcore_map_free(&c->flows);
    tcore_buf_free(&c->key);
}

static uint32_t find_process(struct chrome *c, const struct chrome_event *event)
{
    struct tcore_slice pid = chrome_text(event, CHROME_PID);
    uint32_t process = tcore_map_intern(&c->processes, pid.data, pid.length, NULL);
    if (process != TCORE_MAP_NONE)
        c->process[process].pid = pid;
    return process;
}

static uint32_t find_track(struct chrome *c, const struct chrome_event *event)
{
    struct tcore_slice pid = chrome_text(event, CHROME_PID), tid = chrome_text(event, CHROME_TID);
    tcore_buf_clear(&c->key);
    tcore_buf_append(&c->key, pid.data, pid.length);
    tcore_buf_putc(&c->key, '\n');
    tcore_buf_append(&c->key, tid.data, tid.length);
    uint32_t process = find_process(c, event);
    uint32_t track = c->key.failed || process == TCORE_MAP_NONE
                         ? TCORE_MAP_NONE
                         : tcore_map_intern(&c->tracks, c->key.data, c->key.length, NULL);
    if (track != TCORE_MAP_NONE)
        c->track[track].process = process;
    return track;
}

static const struct chrome_event *event_at(const struct tcore_buf *held, size_t offset)
{
    return (const struct chrome_event *)(const void *)(held->data + offset);
}

static bool read_events(struct chrome *c, const struct tcore_buf *held)
{
    for (size_t at = 0; at < held->length; at += event_at(held, at)->size) {
        const struct chrome_event *event = event_at(held, at);
        uint32_t track = find_track(c, event);
        if (track == TCORE_MAP_NONE)
            return false;
        if (event->phase != 'M')
            c->item[c->items++] = (struct chrome_item){.event = event, .track = track};
        else if (event->flags & CHROME_NAMES_PROCESS)
            c->process[c->track[track].process].name = chrome_text(event, CHROME_NAME);
        else
            c->track[track].name = chrome_text(event, CHROME_NAME);
    }
    return true;
}

static size_t count_events(const struct tcore_buf *held)
{
    size_t count = 0;
    for (size_t at = 0; at < held->length; at += event_at(held, at)->size)
        count++;
    return count;
}

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
    const struct chrome_process *process = &c->process[c->track[track].process];
    if (process->name.length)
        put(c, ",\"service\":", process->name);
}

static void put_resource(struct chrome *c, uint32_t track)
{
    const struct chrome_process *process = &c->process[c->track[track].process];
    if (!process->pid.length && !process->name.length)
        return;
    PUT(&c->job->result->out, ",\"resource\":{");
    if (process->pid.length)
        put(c, "\"process.pid\":", process->pid);
    if (process->name.length)
        put(c, process->pid.length ? ",\"service.name\":" : "\"service.name\":", process->name);
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
    struct tcore_slice own = chrome_text(event, CHROME_ATTRIBUTES), more = {NULL, 0};
    struct tcore_slice tid = chrome_text(event, CHROME_TID), name = c->track[track].name;
    if (end)
        more = chrome_text(end, CHROME_ATTRIBUTES);
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
    put(c, label, chrome_text(event, CHROME_NAME));
    if (!event->length[CHROME_NAME])
        PUT(&c->job->result->out, "\"\"");
}

/* --- records --- */

static void put_times(struct chrome *c, const struct chrome_slice *slice)
{
    struct import_counts *counts = &c->job->result->counts;
    struct tcore_buf *out = &c->job->result->out;
    int64_t duration_ns, start_ns = slice->begin->time_ns;
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
    PUT(out, "{\"type\":\"span\"");
    put_trace_id(c);
    put_span_id(c, ",\"spanId\":\"", number);
    if (slice->parent)
        put_span_id(c, ",\"parentSpanId\":\"", slice->parent - 1);
    put_name(c, ",\"name\":", slice->begin);
    PUT(out, ",\"kind\":\"internal\"");
    put_times(c, slice);
    PUT(out, ",\"status\":\"unset\"");
    put_service(c, slice->track);
    put_attributes(c, slice->begin, slice->end, slice->track);
    put_resource(c, slice->track);
    put_links(c, slice);
    PUT(out, "}\n");
}

static void put_instant(struct chrome *c, const struct chrome_item *item)
{
    struct tcore_buf *out = &c->job->result->out;
    PUT(out, "{\"type\":\"log\"");
    import_put_time(out, ",\"timeUnixNano\":\"", item->event->time_ns);
    put_name(c, ",\"body\":", item->event);
    put_trace_id(c);
    if (item->slice)
        put_span_id(c, ",\"spanId\":\"", item->slice - 1);
    put_service(c, item->track);
    put_attributes(c, item->event, NULL, item->track);
    put_resource(c, item->track);
    PUT(out, "}\n");
}

/* The usual name of a counter's only series tells nothing. */
static bool is_plain(struct tcore_slice series)
{
    return series.length == 7 && memcmp(series.data, "\"value\"", 7) == 0;
}

static void put_counter(struct chrome *c, const struct chrome_item *item)
{
    struct tcore_buf *out = &c->job->result->out;
    struct tcore_slice id = chrome_text(item->event, CHROME_ID);
    struct tcore_slice series = chrome_text(item->event, CHROME_FLOW);
    PUT(out, "{\"type\":\"metric\"");
    put_name(c, ",\"metricName\":", item->event);
    put(c, ",\"metricType\":\"gauge\",\"value\":", chrome_text(item->event, CHROME_ATTRIBUTES));
    import_put_time(out, ",\"timeUnixNano\":\"", item->event->time_ns);
    if (!is_plain(series) || id.length) {
        PUT(out, ",\"dimensions\":{");
        if (!is_plain(series))
            put(c, "\"series\":", series);
        if (id.length)
            put(c, is_plain(series) ? "\"id\":" : ",\"id\":", id);
        tcore_buf_putc(out, '}');
    }
    put_service(c, item->track);
    put_resource(c, item->track);
    PUT(out, "}\n");
}

static void put_records(struct chrome *c)
{
    for (uint32_t i = 0; i < c->items; i++) {
        const struct chrome_item *item = &c->item[i];
        if (item->begins)
            put_slice(c, item->slice - 1);
        else if (item->event->phase == 'C')
            put_counter(c, item);
        else if (memchr("iIRnTp", item->event->phase, 6))
            put_instant(c, item);
    }
}

static void name_trace(struct chrome *c, const struct tcore_buf *held)
{
    tcore_id_normalise(TCORE_TRACE_ID, held->data, held->length, c->trace_id);
    uint8_t bytes[TCORE_TRACE_ID / 2];
    tcore_id_bytes(c->trace_id, bytes, sizeof(bytes));
    memcpy(&c->seed, bytes, sizeof(c->seed));
}

void chrome_finish(struct import_job *job, const struct tcore_buf *held)
{
    struct chrome c = {.job = job};
    if (allocate(&c, count_events(held)) && read_events(&c, held) && chrome_order(&c)) {
        name_trace(&c, held);
        put_records(&c);
        job->failed |= c.key.failed;
    } else {
        job->failed = true;
    }
    release(&c);
}
