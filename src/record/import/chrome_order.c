/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Slices of trace events: ends find their beginnings in the order of time, parents follow from what
 * lies within what on a thread, flows from the slices that their steps are in.
 */
#include <config.h>

#include "record/import/chrome.h"

#include "base/sys.h"

#include <stdlib.h>

/* So many open slices are looked through for one that a slice lies within: properly nested ones
 * need one. */
enum { WALK_LIMIT = 1000 };

/* --- ends and beginnings --- */

static uint32_t add_slice(struct chrome *c, uint32_t index, uint32_t below)
{
    struct chrome_event *event = &c->event[index];
    int64_t end_ns = INT64_MAX;
    if (event->flags & CHROME_HAS_DURATION &&
        __builtin_add_overflow(event->time_ns, event->duration_ns, &end_ns))
        end_ns = INT64_MAX;
    c->slice[c->slices++] = (struct chrome_slice){.begin = index, .end_ns = end_ns, .below = below};
    event->slice = c->slices;
    event->begins = true;
    return c->slices;
}

static void end_slice(struct chrome *c, uint32_t slice, uint32_t index)
{
    c->slice[slice - 1].end = index + 1;
    c->slice[slice - 1].end_ns = c->event[index].time_ns;
}

static void match_sync(struct chrome *c, uint32_t index)
{
    struct chrome_track *track = &c->track[c->event[index].track];
    if (c->event[index].phase == 'X') {
        add_slice(c, index, 0);
    } else if (c->event[index].phase == 'B') {
        track->open = add_slice(c, index, track->open);
    } else if (track->open) {
        end_slice(c, track->open, index);
        track->open = c->slice[track->open - 1].below;
    } else {
        c->job->result->counts.unmatched_ends++;
    }
}

/* The number of an async slice's key; those of S, T and F are told apart by name, too. */
static bool find_async(struct chrome *c, const struct chrome_event *event, uint32_t *number)
{
    bool nestable = event->phase >= 'a' && event->phase != 'p';
    bool added;
    const uint32_t key[3] = {event->id, nestable, nestable ? 0 : event->name};
    *number = tcore_map_intern(&c->asyncs, key, sizeof(key), &added);
    if (*number == TCORE_MAP_NONE)
        return false;
    if (added)
        c->async[*number] = 0;
    return true;
}

/* An end is that of the innermost open slice of its name, and of any if it has none. What was
 * opened within that and not ended stays without an end. */
static void end_async(struct chrome *c, uint32_t number, uint32_t index)
{
    uint32_t name = c->event[index].name;
    uint32_t slice = c->async[number];
    while (slice && name && c->event[c->slice[slice - 1].begin].name != name)
        slice = c->slice[slice - 1].below;
    if (!slice) {
        c->job->result->counts.unmatched_ends++;
        return;
    }
    end_slice(c, slice, index);
    c->async[number] = c->slice[slice - 1].below;
}

static bool match_async(struct chrome *c, uint32_t index)
{
    uint32_t number;
    if (!find_async(c, &c->event[index], &number))
        return false;
    switch (c->event[index].phase) {
    case 'b':
    case 'S':
        c->async[number] = add_slice(c, index, c->async[number]);
        c->slice[c->slices - 1].parent = c->slice[c->slices - 1].below;
        break;
    case 'e':
    case 'F':
        end_async(c, number, index);
        break;
    default:
        c->event[index].slice = c->async[number];
    }
    return true;
}

static bool match(struct chrome *c)
{
    for (uint32_t i = 0; i < c->events; i++) {
        uint32_t index = c->by_time[i];
        char phase = c->event[index].phase;
        if (memchr("BEX", phase, 3))
            match_sync(c, index);
        else if (memchr("bneSTpF", phase, 7) && !match_async(c, index))
            return false;
    }
    return true;
}

/* --- what lies within what --- */

/* Before slices of the same time stands what binds to the next one, behind them what is in one. */
static int rank_of(const struct chrome_event *event)
{
    if (event->begins)
        return 1;
    return event->phase == 'f' && !(event->flags & CHROME_ENCLOSING) ? 0 : 2;
}

/* Of two events of one thread and time. */
static int compare_places(const void *a, const void *b, void *argument)
{
    const struct chrome *c = argument;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    const struct chrome_event *x = &c->event[i], *y = &c->event[j];
    if (rank_of(x) != rank_of(y))
        return rank_of(x) - rank_of(y);
    int64_t x_end = x->begins ? c->slice[x->slice - 1].end_ns : 0;
    int64_t y_end = y->begins ? c->slice[y->slice - 1].end_ns : 0;
    if (x_end != y_end)
        return x_end > y_end ? -1 : 1;
    return i < j ? -1 : i > j;
}

/* Whether the event stands on its thread: all but async ones, and instants of more than it. */
static bool is_on_thread(const struct chrome_event *event)
{
    char phase = event->phase;
    if (memchr("iIR", phase, 3))
        return !(event->flags & CHROME_BROAD);
    return phase == 's' || phase == 't' || phase == 'f' ||
           (event->begins && (phase == 'B' || phase == 'X'));
}

/* The thread that is being swept over, from left to right. */
struct sweep {
    struct chrome *c;
    const uint32_t *place; /* events in order */
    uint32_t *stack;       /* open slices, + 1 */
    uint32_t depth;
    uint32_t waits; /* place of the first event that binds to the next slice, + 1 */
};

/* Takes away what is over at that time; a slice without length is over behind it. */
static void close_slices(struct sweep *w, int64_t time_ns, bool slice)
{
    const struct chrome *c = w->c;
    while (w->depth) {
        const struct chrome_slice *top = &c->slice[w->stack[w->depth - 1] - 1];
        bool over = top->end_ns < time_ns ||
                    (slice && top->end_ns == time_ns && c->event[top->begin].time_ns < time_ns);
        if (!over)
            break;
        w->depth--;
    }
}

static void open_slice(struct sweep *w, uint32_t at)
{
    struct chrome *c = w->c;
    uint32_t number = c->event[w->place[at]].slice;
    struct chrome_slice *slice = &c->slice[number - 1];
    uint32_t i = w->depth, steps = 0;
    while (i && c->slice[w->stack[i - 1] - 1].end_ns < slice->end_ns && steps++ < WALK_LIMIT)
        i--;
    if (i && steps <= WALK_LIMIT)
        slice->parent = w->stack[i - 1];
    w->stack[w->depth++] = number;
    for (uint32_t p = w->waits; w->waits && p <= at; p++) {
        struct chrome_event *event = &c->event[w->place[p - 1]];
        if (!event->begins && !event->slice && rank_of(event) == 0)
            event->slice = number;
    }
    w->waits = 0;
}

static void sweep(struct sweep *w, uint32_t count)
{
    struct chrome *c = w->c;
    uint32_t track = UINT32_MAX;
    for (uint32_t at = 0; at < count; at++) {
        struct chrome_event *event = &c->event[w->place[at]];
        if (event->track != track)
            w->depth = w->waits = 0;
        track = event->track;
        close_slices(w, event->time_ns, event->begins);
        if (event->begins)
            open_slice(w, at);
        else if (rank_of(event) == 2 && w->depth)
            event->slice = w->stack[w->depth - 1];
        else if (rank_of(event) == 0 && !w->waits)
            w->waits = at + 1;
    }
}

/* Events of threads by thread, then time: as they are by time already, each is put behind the one
 * before on its thread. end: a counter a track, zeroed. */
static uint32_t place_by_track(const struct chrome *c, uint32_t *place, uint32_t *end)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < c->events; i++)
        end[c->event[i].track] += is_on_thread(&c->event[i]);
    for (uint32_t t = 0; t < c->tracks.count; t++) {
        uint32_t of_track = end[t];
        end[t] = count;
        count += of_track;
    }
    for (uint32_t i = 0; i < c->events; i++) {
        uint32_t event = c->by_time[i];
        if (is_on_thread(&c->event[event]))
            place[end[c->event[event].track]++] = event;
    }
    return count;
}

static void order_same_times(struct chrome *c, uint32_t *place, uint32_t count)
{
    for (uint32_t from = 0, to; from < count; from = to) {
        const struct chrome_event *first = &c->event[place[from]];
        for (to = from + 1; to < count; to++)
            if (c->event[place[to]].track != first->track ||
                c->event[place[to]].time_ns != first->time_ns)
                break;
        if (to - from > 1)
            qsort_r(place + from, to - from, sizeof(*place), compare_places, c);
    }
}

static bool nest(struct chrome *c)
{
    uint32_t *place = tcore_reallocarray(NULL, c->events, sizeof(*place));
    uint32_t *stack = tcore_reallocarray(NULL, c->slices + 1, sizeof(*stack));
    uint32_t *end = tcore_calloc(c->tracks.count, sizeof(*end));
    bool good = place && stack && end;
    if (good) {
        struct sweep w = {.c = c, .place = place, .stack = stack};
        uint32_t count = place_by_track(c, place, end);
        order_same_times(c, place, count);
        sweep(&w, count);
    }
    tcore_free(place);
    tcore_free(stack);
    tcore_free(end);
    return good;
}

/* --- flows --- */

/* The last slice of the flow of that key; NULL: out of memory. */
static uint32_t *find_flow(struct chrome *c, const struct chrome_event *event, bool bind)
{
    const uint32_t key[3] = {bind ? event->flow : event->id, bind, bind ? 0 : event->name};
    bool added;
    uint32_t number = tcore_map_intern(&c->flows, key, sizeof(key), &added);
    if (number == TCORE_MAP_NONE)
        return NULL;
    if (added)
        c->flow[number] = 0;
    return &c->flow[number];
}

static void add_link(struct chrome *c, uint32_t from, uint32_t target)
{
    if (!from || !target || from == target)
        return;
    c->link[c->links++] = (struct chrome_link){target - 1, c->slice[from - 1].links};
    c->slice[from - 1].links = c->links;
}

/* A slice links to the one that the flow came from. */
static bool follow_flows(struct chrome *c)
{
    for (uint32_t i = 0; i < c->events; i++) {
        const struct chrome_event *event = &c->event[c->by_time[i]];
        bool step = memchr("stf", event->phase, 3) && event->id;
        bool bind =
            event->begins && event->flow && event->flags & (CHROME_FLOW_IN | CHROME_FLOW_OUT);
        uint32_t *flow = step || bind ? find_flow(c, event, bind) : NULL;
        if (!step && !bind)
            continue;
        if (!flow)
            return false;
        if (bind ? event->flags & CHROME_FLOW_IN : event->phase != 's')
            add_link(c, event->slice, *flow);
        if (event->slice && (bind ? event->flags & CHROME_FLOW_OUT : event->phase != 'f'))
            *flow = event->slice;
    }
    return true;
}

static int compare_times(const void *a, const void *b, void *argument)
{
    const struct chrome *c = argument;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    int64_t x = c->event[i].time_ns, y = c->event[j].time_ns;
    if (x != y)
        return x < y ? -1 : 1;
    return i < j ? -1 : i > j;
}

static bool allocate(struct chrome *c)
{
    c->by_time = tcore_reallocarray(NULL, c->events, sizeof(*c->by_time));
    c->slice = tcore_reallocarray(NULL, c->beginnings + 1, sizeof(*c->slice));
    c->link = tcore_reallocarray(NULL, c->flows_seen + 1, sizeof(*c->link));
    c->async = tcore_reallocarray(NULL, c->asyncs_seen + 1, sizeof(*c->async));
    c->flow = tcore_reallocarray(NULL, c->flows_seen + 1, sizeof(*c->flow));
    return c->by_time && c->slice && c->link && c->async && c->flow;
}

bool chrome_order(struct chrome *c)
{
    bool ordered = true;
    if (!allocate(c))
        return false;
    for (uint32_t i = 0; i < c->events; i++) {
        ordered &= !i || c->event[i - 1].time_ns <= c->event[i].time_ns;
        c->by_time[i] = i;
    }
    if (!ordered)
        qsort_r(c->by_time, c->events, sizeof(*c->by_time), compare_times, c);
    return match(c) && nest(c) && follow_flows(c);
}
