/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Slices of trace events: ends find their beginnings in the order of time, parents follow from what
 * lies within what on a thread, flows from the slices that their steps are in.
 */
#include <config.h>

#include "record/import_chrome.h"

#include "base/sys.h"

#include <stdlib.h>

/* So many open slices are looked through for one that a slice lies within: properly nested ones
 * need one. */
enum { WALK_LIMIT = 1000 };

static const struct chrome_event *event_of(const struct chrome *c, uint32_t item)
{
    return c->item[item].event;
}

/* --- ends and beginnings --- */

static uint32_t add_slice(struct chrome *c, uint32_t item, uint32_t below)
{
    const struct chrome_event *event = event_of(c, item);
    int64_t end_ns = INT64_MAX;
    if (event->flags & CHROME_HAS_DURATION &&
        __builtin_add_overflow(event->time_ns, event->duration_ns, &end_ns))
        end_ns = INT64_MAX;
    c->slice[c->slices++] = (struct chrome_slice){
        .begin = event, .end_ns = end_ns, .track = c->item[item].track, .below = below};
    c->item[item].slice = c->slices;
    c->item[item].begins = true;
    return c->slices;
}

static void end_slice(struct chrome *c, uint32_t slice, uint32_t item)
{
    c->slice[slice - 1].end = event_of(c, item);
    c->slice[slice - 1].end_ns = event_of(c, item)->time_ns;
}

static void match_sync(struct chrome *c, uint32_t item)
{
    struct chrome_track *track = &c->track[c->item[item].track];
    if (event_of(c, item)->phase == 'X') {
        add_slice(c, item, 0);
    } else if (event_of(c, item)->phase == 'B') {
        track->open = add_slice(c, item, track->open);
    } else if (track->open) {
        end_slice(c, track->open, item);
        track->open = c->slice[track->open - 1].below;
    } else {
        c->job->result->counts.unmatched_ends++;
    }
}

/* The number of an async slice's key; those of S, T and F are told apart by name, too. */
static bool find_async(struct chrome *c, const struct chrome_event *event, uint32_t *number)
{
    struct tcore_slice id = chrome_text(event, CHROME_ID), name = chrome_text(event, CHROME_NAME);
    bool nestable = event->phase >= 'a' && event->phase != 'p';
    bool added;
    tcore_buf_clear(&c->key);
    tcore_buf_append(&c->key, id.data, id.length);
    tcore_buf_putc(&c->key, nestable ? 'b' : 'S');
    if (!nestable)
        tcore_buf_append(&c->key, name.data, name.length);
    if (c->key.failed)
        return false;
    *number = tcore_map_intern(&c->asyncs, c->key.data, c->key.length, &added);
    if (*number == TCORE_MAP_NONE)
        return false;
    if (added)
        c->async[*number] = 0;
    return true;
}

static bool same_name(const struct chrome_event *a, const struct chrome_event *b)
{
    struct tcore_slice x = chrome_text(a, CHROME_NAME), y = chrome_text(b, CHROME_NAME);
    return x.length == y.length && memcmp(x.data, y.data, x.length) == 0;
}

/* An end is that of the innermost open slice of its name, and of any if it has none. What was
 * opened within that and not ended stays without an end. */
static void end_async(struct chrome *c, uint32_t number, uint32_t item)
{
    const struct chrome_event *event = event_of(c, item);
    bool any = !event->length[CHROME_NAME];
    uint32_t slice = c->async[number];
    while (slice && !any && !same_name(c->slice[slice - 1].begin, event))
        slice = c->slice[slice - 1].below;
    if (!slice) {
        c->job->result->counts.unmatched_ends++;
        return;
    }
    end_slice(c, slice, item);
    c->async[number] = c->slice[slice - 1].below;
}

static bool match_async(struct chrome *c, uint32_t item)
{
    uint32_t number;
    if (!find_async(c, event_of(c, item), &number))
        return false;
    switch (event_of(c, item)->phase) {
    case 'b':
    case 'S':
        c->async[number] = add_slice(c, item, c->async[number]);
        c->slice[c->slices - 1].parent = c->slice[c->slices - 1].below;
        break;
    case 'e':
    case 'F':
        end_async(c, number, item);
        break;
    default:
        c->item[item].slice = c->async[number];
    }
    return true;
}

static bool match(struct chrome *c)
{
    for (uint32_t i = 0; i < c->items; i++) {
        uint32_t item = c->by_time[i];
        char phase = event_of(c, item)->phase;
        if (memchr("BEX", phase, 3))
            match_sync(c, item);
        else if (memchr("bneSTpF", phase, 7) && !match_async(c, item))
            return false;
    }
    return true;
}

/* --- what lies within what --- */

/* Before slices of the same time stands what binds to the next one, behind them what is in one. */
static int rank_of(const struct chrome_item *item)
{
    if (item->begins)
        return 1;
    return item->event->phase == 'f' && !(item->event->flags & CHROME_ENCLOSING) ? 0 : 2;
}

static int compare_places(const void *a, const void *b, void *argument)
{
    const struct chrome *c = argument;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    const struct chrome_item *x = &c->item[i], *y = &c->item[j];
    if (x->track != y->track)
        return x->track < y->track ? -1 : 1;
    if (x->event->time_ns != y->event->time_ns)
        return x->event->time_ns < y->event->time_ns ? -1 : 1;
    if (rank_of(x) != rank_of(y))
        return rank_of(x) - rank_of(y);
    int64_t x_end = x->begins ? c->slice[x->slice - 1].end_ns : 0;
    int64_t y_end = y->begins ? c->slice[y->slice - 1].end_ns : 0;
    if (x_end != y_end)
        return x_end > y_end ? -1 : 1;
    return i < j ? -1 : i > j;
}

/* Whether the item stands on its thread: all but async ones, and instants of more than it. */
static bool is_on_thread(const struct chrome_item *item)
{
    char phase = item->event->phase;
    if (memchr("iIR", phase, 3))
        return !(item->event->flags & CHROME_BROAD);
    return phase == 's' || phase == 't' || phase == 'f' ||
           (item->begins && (phase == 'B' || phase == 'X'));
}

/* The thread that is being swept over, from left to right. */
struct sweep {
    struct chrome *c;
    const uint32_t *place; /* items in order */
    uint32_t *stack;       /* open slices, + 1 */
    uint32_t depth;
    uint32_t waits; /* place of the first item that binds to the next slice, + 1 */
};

/* Takes away what is over at that time; a slice without length is over behind it. */
static void close_slices(struct sweep *w, int64_t time_ns, bool slice)
{
    const struct chrome *c = w->c;
    while (w->depth) {
        const struct chrome_slice *top = &c->slice[w->stack[w->depth - 1] - 1];
        bool over = top->end_ns < time_ns ||
                    (slice && top->end_ns == time_ns && top->begin->time_ns < time_ns);
        if (!over)
            break;
        w->depth--;
    }
}

static void open_slice(struct sweep *w, uint32_t at)
{
    struct chrome *c = w->c;
    uint32_t number = c->item[w->place[at]].slice;
    struct chrome_slice *slice = &c->slice[number - 1];
    uint32_t i = w->depth, steps = 0;
    while (i && c->slice[w->stack[i - 1] - 1].end_ns < slice->end_ns && steps++ < WALK_LIMIT)
        i--;
    if (i && steps <= WALK_LIMIT)
        slice->parent = w->stack[i - 1];
    w->stack[w->depth++] = number;
    for (uint32_t p = w->waits; w->waits && p <= at; p++) {
        struct chrome_item *item = &c->item[w->place[p - 1]];
        if (!item->begins && !item->slice && rank_of(item) == 0)
            item->slice = number;
    }
    w->waits = 0;
}

static void sweep(struct sweep *w, uint32_t count)
{
    struct chrome *c = w->c;
    uint32_t track = UINT32_MAX;
    for (uint32_t at = 0; at < count; at++) {
        struct chrome_item *item = &c->item[w->place[at]];
        if (item->track != track)
            w->depth = w->waits = 0;
        track = item->track;
        close_slices(w, item->event->time_ns, item->begins);
        if (item->begins)
            open_slice(w, at);
        else if (rank_of(item) == 2 && w->depth)
            item->slice = w->stack[w->depth - 1];
        else if (rank_of(item) == 0 && !w->waits)
            w->waits = at + 1;
    }
}

static bool nest(struct chrome *c)
{
    uint32_t *place = tcore_reallocarray(NULL, c->items, sizeof(*place)), count = 0;
    uint32_t *stack = tcore_reallocarray(NULL, c->slices + 1, sizeof(*stack));
    bool good = place && stack;
    for (uint32_t i = 0; good && i < c->items; i++)
        if (is_on_thread(&c->item[i]))
            place[count++] = i;
    if (good) {
        struct sweep w = {.c = c, .place = place, .stack = stack};
        qsort_r(place, count, sizeof(*place), compare_places, c);
        sweep(&w, count);
    }
    tcore_free(place);
    tcore_free(stack);
    return good;
}

/* --- flows --- */

/* The last slice of the flow of that key; NULL: out of memory. */
static uint32_t *find_flow(struct chrome *c, const struct chrome_event *event, bool bind)
{
    struct tcore_slice id = chrome_text(event, bind ? CHROME_FLOW : CHROME_ID);
    struct tcore_slice name = chrome_text(event, CHROME_NAME);
    bool added;
    tcore_buf_clear(&c->key);
    tcore_buf_append(&c->key, id.data, id.length);
    tcore_buf_putc(&c->key, bind ? '>' : '-');
    if (!bind)
        tcore_buf_append(&c->key, name.data, name.length);
    uint32_t number = c->key.failed
                          ? TCORE_MAP_NONE
                          : tcore_map_intern(&c->flows, c->key.data, c->key.length, &added);
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
    for (uint32_t i = 0; i < c->items; i++) {
        const struct chrome_item *item = &c->item[c->by_time[i]];
        const struct chrome_event *event = item->event;
        bool step = memchr("stf", event->phase, 3) && event->length[CHROME_ID];
        bool bind = item->begins && event->length[CHROME_FLOW] &&
                    event->flags & (CHROME_FLOW_IN | CHROME_FLOW_OUT);
        uint32_t *flow = step || bind ? find_flow(c, event, bind) : NULL;
        if (!step && !bind)
            continue;
        if (!flow)
            return false;
        if (bind ? event->flags & CHROME_FLOW_IN : event->phase != 's')
            add_link(c, item->slice, *flow);
        if (item->slice && (bind ? event->flags & CHROME_FLOW_OUT : event->phase != 'f'))
            *flow = item->slice;
    }
    return true;
}

static int compare_times(const void *a, const void *b, void *argument)
{
    const struct chrome *c = argument;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    int64_t x = event_of(c, i)->time_ns, y = event_of(c, j)->time_ns;
    if (x != y)
        return x < y ? -1 : 1;
    return i < j ? -1 : i > j;
}

bool chrome_order(struct chrome *c)
{
    for (uint32_t i = 0; i < c->items; i++)
        c->by_time[i] = i;
    qsort_r(c->by_time, c->items, sizeof(*c->by_time), compare_times, c);
    return match(c) && nest(c) && follow_flows(c);
}
