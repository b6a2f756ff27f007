/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chrome's trace events, for Perfetto, speedscope and chrome://tracing: a process for each service,
 * in it as many tracks as spans need that overlap without one being the other's child; flows to
 * children on other tracks and along links; counters and instants of metrics and logs.
 *
 * Held of a span, and made of another record: its service as JSON or nothing, then lines: events
 * without their braces, pid and tid, or the ids of linked spans behind an L.
 */
#include <config.h>

#include "base/map.h"
#include "base/sys.h"
#include "cli/message.h"
#include "model/id.h"
#include "record/export/export.h"
#include "record/export/chrome.h"
#include "record/export/tags.h"
#include "record/export/traces.h"
#include "trace/tree.h"

#include <stdlib.h>
#include <string.h>

#define LANES_MAX 1024u /* tracks of a service; then they overlap */

/* The tracks of a service: when the last slice of each ends. */
struct lanes {
    int64_t *end_ns; /* owned */
    uint32_t count, capacity;
};

/* A span of the trace in hand by its id. */
struct named {
    uint64_t span_id;
    uint32_t number;
};

/* Where a span of the trace in hand is. */
struct place {
    uint32_t process, lane; /* lane: TCORE_SPAN_NONE: not placed */
    int64_t inner_end_ns;   /* of the last child on the same track */
};

struct chrome {
    struct export_traces traces;
    struct tcore_map services; /* JSON texts; a process's pid is its number + 1 */
    struct lanes *lanes;       /* owned, by process */
    size_t lanes_capacity;
    struct tcore_trace_tree tree;
    struct tcore_trace_span *spans; /* owned, of the trace in hand */
    struct place *place;            /* owned */
    struct named *named;            /* owned; by id, once a link asks for one */
    bool sorted;
    size_t capacity;
    uint64_t flows;
    struct tcore_buf text;
    bool shown, begun;
};

/* --- elements --- */

static void begin_element(struct chrome *c)
{
    tcore_buf_puts(&c->text, c->begun ? ",\n{" : "[\n{");
    c->begun = true;
}

/* The process of a service; new ones are named. TCORE_MAP_NONE: no memory. */
static uint32_t find_process(struct chrome *c, const char *service, size_t length)
{
    bool added;
    uint32_t number = tcore_map_intern(&c->services, service, length, &added);
    if (number == TCORE_MAP_NONE || !added)
        return number;
    if (number >= c->lanes_capacity) {
        size_t capacity = c->lanes_capacity ? c->lanes_capacity * 2 : 16;
        struct lanes *grown = tcore_reallocarray(c->lanes, capacity, sizeof *grown);
        if (!grown)
            return TCORE_MAP_NONE;
        memset(grown + c->lanes_capacity, 0, (capacity - c->lanes_capacity) * sizeof *grown);
        c->lanes = grown;
        c->lanes_capacity = capacity;
    }
    if (!length)
        return number;
    begin_element(c);
    export_put_int(&c->text,
                   "\"ph\":\"M\",\"name\":\"process_name\",\"pid\":", (int64_t)number + 1);
    tcore_buf_puts(&c->text, ",\"args\":{\"name\":");
    tcore_buf_append(&c->text, service, length);
    tcore_buf_puts(&c->text, "}}");
    return number;
}

static void put_event(struct chrome *c, uint32_t process, uint32_t lane, const char *text,
                      size_t length)
{
    begin_element(c);
    export_put_int(&c->text, "\"pid\":", (int64_t)process + 1);
    export_put_int(&c->text, ",\"tid\":", (int64_t)lane + 1);
    tcore_buf_putc(&c->text, ',');
    tcore_buf_append(&c->text, text, length);
    tcore_buf_putc(&c->text, '}');
}

/* One end of a flow; it binds to the slice around it. */
static void put_flow(struct chrome *c, const struct place *at, bool end, const char *what,
                     int64_t time_ns)
{
    begin_element(c);
    export_put_int(&c->text, "\"pid\":", (int64_t)at->process + 1);
    export_put_int(&c->text, ",\"tid\":", (int64_t)at->lane + 1);
    tcore_buf_puts(&c->text,
                   end ? ",\"ph\":\"f\",\"bp\":\"e\",\"name\":\"" : ",\"ph\":\"s\",\"name\":\"");
    tcore_buf_puts(&c->text, what);
    tcore_buf_puts(&c->text, "\",\"cat\":\"");
    tcore_buf_puts(&c->text, what);
    export_put_int(&c->text, "\",\"id\":", (int64_t)c->flows);
    chrome_put_time(&c->text, ",\"ts\":", time_ns);
    tcore_buf_putc(&c->text, '}');
}

/* --- tracks --- */

/* The first track that is free by then. */
static uint32_t find_lane(struct lanes *lanes, int64_t start_ns, int64_t end_ns)
{
    uint32_t lane = 0;
    while (lane < lanes->count && lanes->end_ns[lane] > start_ns)
        lane++;
    if (lane == LANES_MAX)
        return LANES_MAX - 1;
    if (lane == lanes->count) {
        if (lanes->count == lanes->capacity) {
            uint32_t capacity = lanes->capacity ? lanes->capacity * 2 : 8;
            int64_t *grown = tcore_reallocarray(lanes->end_ns, capacity, sizeof *grown);
            if (!grown)
                return TCORE_SPAN_NONE;
            lanes->end_ns = grown;
            lanes->capacity = capacity;
        }
        lanes->count++;
    }
    lanes->end_ns[lane] = end_ns;
    return lane;
}

/* On its parent's track if it lies within that, behind the child before. */
static bool is_nested(const struct chrome *c, uint32_t i, uint32_t parent)
{
    const struct tcore_trace_span *s = &c->spans[i], *p = &c->spans[parent];
    const struct place *above = &c->place[parent];
    return tcore_span_is_timed(s) && tcore_span_is_timed(p) && above->lane != TCORE_SPAN_NONE &&
           above->process == c->place[i].process && s->start_ns >= p->start_ns &&
           s->end_ns <= p->end_ns && s->start_ns >= above->inner_end_ns;
}

static bool place_span(struct chrome *c, uint32_t i)
{
    const struct tcore_trace_span *s = &c->spans[i];
    struct place *place = &c->place[i];
    uint32_t parent = c->tree.parent[i];
    place->inner_end_ns = s->start_ns;
    if (parent != TCORE_SPAN_NONE && is_nested(c, i, parent)) {
        place->lane = c->place[parent].lane;
        c->place[parent].inner_end_ns = s->end_ns;
        return true;
    }
    int64_t end = tcore_span_is_timed(s) ? s->end_ns : s->start_ns;
    place->lane = find_lane(&c->lanes[place->process], s->start_ns, end);
    return place->lane != TCORE_SPAN_NONE;
}

/* --- a trace --- */

static int64_t within(const struct tcore_trace_span *s, int64_t time_ns)
{
    if (time_ns < s->start_ns)
        return s->start_ns;
    return tcore_span_is_timed(s) && time_ns > s->end_ns ? s->end_ns : time_ns;
}

static void put_flows(struct chrome *c, uint32_t from, uint32_t to, const char *what)
{
    const struct tcore_trace_span *s = &c->spans[to];
    if (c->place[from].lane == TCORE_SPAN_NONE)
        return;
    c->flows++;
    put_flow(c, &c->place[from], false, what, within(&c->spans[from], s->start_ns));
    put_flow(c, &c->place[to], true, what, s->start_ns);
}

static int compare_named(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    if (x->span_id != y->span_id)
        return x->span_id < y->span_id ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

/* The first span of this trace with that id; TCORE_SPAN_NONE: there is none. */
static uint32_t find_span(struct chrome *c, uint64_t span_id)
{
    uint32_t low = 0, high = c->tree.count;
    for (uint32_t i = 0; i < c->tree.count && !c->sorted; i++)
        c->named[i] = (struct named){c->spans[i].span_id, i};
    if (!c->sorted)
        qsort(c->named, c->tree.count, sizeof *c->named, compare_named);
    c->sorted = true;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (c->named[middle].span_id < span_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->tree.count && c->named[low].span_id == span_id ? c->named[low].number
                                                                   : TCORE_SPAN_NONE;
}

/* False: no span of this trace has the id. */
static bool put_link(struct chrome *c, uint32_t to, const char *digits)
{
    uint8_t bytes[TCORE_SPAN_ID / 2];
    uint64_t id = 0;
    tcore_id_bytes(digits, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        id = id << 8 | bytes[i];
    uint32_t from = find_span(c, id);
    if (from != TCORE_SPAN_NONE)
        put_flows(c, from, to, "link");
    return from != TCORE_SPAN_NONE;
}

static void put_lines(struct chrome *c, uint32_t i, const char *at, const char *end)
{
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (*at != 'L')
            put_event(c, c->place[i].process, c->place[i].lane, at, (size_t)(newline - at));
        else if (!put_link(c, i, at + 1))
            export_lose(&c->traces.losses, TCORE_RECORD_SPAN, CHROME_LINKS, strlen(CHROME_LINKS));
        at = newline + 1;
    }
}

static bool reserve(struct chrome *c, size_t count)
{
    if (count <= c->capacity)
        return true;
    tcore_free(c->spans);
    tcore_free(c->place);
    tcore_free(c->named);
    c->spans = tcore_reallocarray(NULL, count, sizeof *c->spans);
    c->place = tcore_reallocarray(NULL, count, sizeof *c->place);
    c->named = tcore_reallocarray(NULL, count, sizeof *c->named);
    c->capacity = c->spans && c->place && c->named ? count : 0;
    return c->capacity;
}

/* Places the spans, in the order of their starts. */
static bool place_trace(struct chrome *c, const struct tcore_stored_trace *trace)
{
    for (uint32_t i = 0; i < trace->count; i++) {
        struct tcore_slice text = export_stored_text(trace->spans[i]);
        const char *newline = memchr(text.data, '\n', text.length);
        uint32_t process = find_process(c, text.data, (size_t)(newline - text.data));
        if (process == TCORE_MAP_NONE)
            return false;
        c->place[i] = (struct place){process, TCORE_SPAN_NONE, 0};
        if (c->spans[i].flags & TCORE_SPAN_HAS_START && !place_span(c, i))
            return false;
    }
    return true;
}

static enum tcore_status put_trace(void *state, const struct tcore_stored_trace *trace,
                                   struct tcore_buf *out, struct tcore_error *err)
{
    struct chrome *c = state;
    if (!reserve(c, trace->count))
        return tcore_error_nomem(err);
    for (uint32_t i = 0; i < trace->count; i++)
        c->spans[i] = trace->spans[i]->span;
    c->sorted = false;
    enum tcore_status status = tcore_trace_tree_build(&c->tree, c->spans, trace->count, err);
    tcore_buf_clear(&c->text);
    if (status == TCORE_OK && !place_trace(c, trace))
        status = tcore_error_nomem(err);
    for (uint32_t i = 0; i < trace->count && status == TCORE_OK; i++) {
        struct tcore_slice text = export_stored_text(trace->spans[i]);
        const char *newline = memchr(text.data, '\n', text.length);
        const struct place *p = &c->place[i];
        uint32_t parent = c->tree.parent[i];
        if (p->lane == TCORE_SPAN_NONE)
            continue;
        put_lines(c, i, newline + 1, text.data + text.length);
        if (parent != TCORE_SPAN_NONE &&
            (c->place[parent].process != p->process || c->place[parent].lane != p->lane))
            put_flows(c, parent, i, "parent");
    }
    export_show(out, c->text.data, c->text.length, c->shown);
    return status == TCORE_OK ? tcore_buf_status(&c->text, err) : status;
}

static enum tcore_status take_others(void *state, const struct tcore_buf *others,
                                     struct tcore_buf *out, struct tcore_error *err)
{
    struct chrome *c = state;
    const char *at = others->data, *end = others->data + others->length;
    tcore_buf_clear(&c->text);
    while (at < end) {
        const char *service = at, *first = memchr(at, '\n', (size_t)(end - at));
        const char *event = first + 1, *newline = memchr(event, '\n', (size_t)(end - event));
        uint32_t process = find_process(c, service, (size_t)(first - service));
        if (process == TCORE_MAP_NONE)
            return tcore_error_nomem(err);
        put_event(c, process, 0, event, (size_t)(newline - event));
        at = newline + 1;
    }
    export_show(out, c->text.data, c->text.length, c->shown);
    return tcore_buf_status(&c->text, err);
}

static void end(void *state, struct tcore_buf *out)
{
    const struct chrome *c = state;
    tcore_buf_puts(out, c->begun ? "\n]\n" : "[]\n");
}

static void free_chrome(struct chrome *c)
{
    export_traces_close(&c->traces);
    for (size_t i = 0; i < c->lanes_capacity; i++)
        tcore_free(c->lanes[i].end_ns);
    tcore_free(c->lanes);
    tcore_map_free(&c->services);
    tcore_trace_tree_free(&c->tree);
    tcore_free(c->spans);
    tcore_free(c->place);
    tcore_free(c->named);
    tcore_buf_free(&c->text);
}

static int run(struct cli *cli, const struct export_options *options, int argc, char **argv)
{
    struct cli_operator operator= export_traces_operator;
    struct chrome c = {.traces = {.cli = cli,
                                  .encode = chrome_span,
                                  .other = chrome_other,
                                  .take = take_others,
                                  .trace = put_trace,
                                  .end = end},
                       .shown = export_is_shown(cli)};
    int result = CLI_FAILED;
    (void)options;
    operator.types = 1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_METRIC | 1u << TCORE_RECORD_LOG;
    if (tcore_map_init(&c.services) != 0)
        cli_error(cli, "the system has no randomness to give");
    else if (export_traces_open(&c.traces))
        result = cli_filter(cli, &operator, & c, argc, argv);
    export_losses_note(&c.traces.losses, cli, "Chrome");
    free_chrome(&c);
    return result;
}

const struct export_format export_chrome = {"chrome", run};
