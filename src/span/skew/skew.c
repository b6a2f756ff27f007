/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/skew/skew.h"

#include "base/sys.h"

#include <math.h>
#include <stdlib.h>

#define TIME_MOST (((int64_t)1 << 62) - 1) /* as trace/tree.h has it */

/* What a call says of the offset of a process, less that of another one. */
struct skew_bound {
    uint32_t process, other;
    struct tcore_interval within; /* INT64_MIN, INT64_MAX: it does not say */
};

/* Of a process. */
struct skew_place {
    int64_t offset_ns;
    struct tcore_interval bounds;
    uint32_t least_by, most_by; /* processes that set them */
    uint32_t calls;
    bool contradictory;
};

/* --- Bounds */

static bool is_callee(const struct tcore_trace_span *span)
{
    return span->kind == TCORE_SPAN_UNSPECIFIED || span->kind == TCORE_SPAN_SERVER;
}

/* Whether the parent ended because the child had. */
static bool waits(const struct tcore_trace_span *parent, const struct tcore_trace_span *child)
{
    bool asks = parent->kind == TCORE_SPAN_CLIENT ||
                (parent->kind == TCORE_SPAN_UNSPECIFIED && is_callee(child));
    bool gave_up = parent->flags & TCORE_SPAN_ERROR && !(child->flags & TCORE_SPAN_ERROR);
    return asks && !gave_up && child->end_ns - child->start_ns <= parent->end_ns - parent->start_ns;
}

/* Adds what the child says of its process and its parent's. */
static void add_bounds(const struct trace_build *build, const uint32_t *of_span, uint32_t child,
                       struct skew_bound *bound, uint32_t *count)
{
    uint32_t parent = build->tree.parent[child];
    const struct tcore_trace_span *c = &build->spans[child];
    if (parent == TCORE_SPAN_NONE || of_span[parent] == of_span[child])
        return;
    const struct tcore_trace_span *p = &build->spans[parent];
    if (p->kind == TCORE_SPAN_PRODUCER || c->kind == TCORE_SPAN_CONSUMER ||
        !tcore_span_is_timed(p) || !tcore_span_is_timed(c))
        return;
    struct tcore_interval within = {p->start_ns - c->start_ns, INT64_MAX};
    if (waits(p, c))
        within.end_ns = p->end_ns - c->end_ns;
    bound[(*count)++] = (struct skew_bound){of_span[child], of_span[parent], within};
    bound[(*count)++] = (struct skew_bound){
        of_span[parent],
        of_span[child],
        {within.end_ns == INT64_MAX ? INT64_MIN : -within.end_ns, -within.start_ns}};
}

static int compare_bounds(const void *a, const void *b)
{
    const struct skew_bound *x = a, *y = b;
    if (x->process != y->process)
        return x->process < y->process ? -1 : 1;
    if (x->other != y->other)
        return x->other < y->other ? -1 : 1;
    if (x->within.start_ns != y->within.start_ns)
        return x->within.start_ns < y->within.start_ns ? -1 : 1;
    return x->within.end_ns < y->within.end_ns ? -1 : x->within.end_ns > y->within.end_ns;
}

/* --- Where a process belongs */

/* a + b; open if one of them is. */
static int64_t add(int64_t a, int64_t b)
{
    int64_t sum;
    if (a == INT64_MIN || a == INT64_MAX)
        return a;
    if (b == INT64_MIN || b == INT64_MAX)
        return b;
    if (!__builtin_add_overflow(a, b, &sum))
        return sum;
    return b < 0 ? INT64_MIN : INT64_MAX;
}

static int64_t negative(int64_t ns)
{
    return ns == INT64_MIN ? INT64_MAX : ns == INT64_MAX ? INT64_MIN : -ns;
}

static struct tcore_interval sum_of(const struct tcore_interval *a, const struct tcore_interval *b)
{
    return (struct tcore_interval){add(a->start_ns, b->start_ns), add(a->end_ns, b->end_ns)};
}

static bool holds(const struct tcore_interval *interval, int64_t ns)
{
    return interval->start_ns <= ns && ns <= interval->end_ns;
}

/* Narrows the interval by another one, if something is left. */
static void narrow(struct tcore_interval *interval, const struct tcore_interval *by)
{
    struct tcore_interval both = {by->start_ns > interval->start_ns ? by->start_ns
                                                                    : interval->start_ns,
                                  by->end_ns < interval->end_ns ? by->end_ns : interval->end_ns};
    if (tcore_interval_is_known(&both))
        *interval = both;
}

/* The process has its place: what that says of those that have none yet. */
static void tell_others(struct skew_place *places, const struct skew_bound *bound, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct skew_place *other = &places[bound[i].other];
        int64_t at_ns = places[bound[i].process].offset_ns;
        int64_t least_ns = add(negative(bound[i].within.end_ns), at_ns);
        int64_t most_ns = add(negative(bound[i].within.start_ns), at_ns);
        if (bound[i].other < bound[i].process)
            continue;
        other->calls++;
        if (least_ns > other->bounds.start_ns) {
            other->bounds.start_ns = least_ns;
            other->least_by = bound[i].process;
        }
        if (most_ns < other->bounds.end_ns) {
            other->bounds.end_ns = most_ns;
            other->most_by = bound[i].process;
        }
    }
}

/* The point of the interval that the header gives, for a caller of that offset. */
static int64_t choose(const struct tcore_interval *bounds, int64_t caller_ns)
{
    int64_t least = add(bounds->start_ns, -caller_ns), most = add(bounds->end_ns, -caller_ns);
    bool later = least > 0;
    int64_t near = later ? least : most, far = later ? most : least;
    if (least <= 0 && most >= 0)
        return caller_ns;
    if (far == INT64_MIN || far == INT64_MAX)
        return later ? bounds->start_ns : bounds->end_ns;
    /* the geometric mean less the nearer bound: without loss where both are nearly the same */
    double beyond = (double)(far - near) / (1 + sqrt((double)far / (double)near));
    return (later ? bounds->start_ns : bounds->end_ns) + (int64_t)beyond;
}

/* Finds the place of a process within its bounds. bound[0..count): what it and others say of each
 * other. */
static void find_place(struct skew_place *places, uint32_t number,
                       const struct skew_process *process, const struct skew_bound *bound,
                       uint32_t count)
{
    struct skew_place *place = &places[number];
    struct tcore_interval within = place->bounds;
    int64_t caller_ns = process->caller == TCORE_SPAN_NONE ? 0 : places[process->caller].offset_ns;
    place->contradictory = !tcore_interval_is_known(&within);
    if (place->contradictory) {
        place->offset_ns = caller_ns;
        return;
    }
    /* so that those that come later find a place, */
    for (uint32_t i = 0; i < count; i++)
        if (bound[i].other > number) {
            struct tcore_interval by = sum_of(&places[bound[i].other].bounds, &bound[i].within);
            narrow(&within, &by);
        }
    if (holds(&within, 0))
        return;
    /* and can stay if they may */
    for (uint32_t i = 0; i < count; i++)
        if (bound[i].other > number && holds(&places[bound[i].other].bounds, 0))
            narrow(&within, &bound[i].within);
    place->offset_ns = choose(&within, caller_ns);
}

/* Whether times of the process can be moved so far. */
static bool has_room(const struct skew_process *process, int64_t by_ns)
{
    int64_t sum;
    if (process->first_ns > process->last_ns)
        return true;
    return !__builtin_add_overflow(process->first_ns, by_ns, &sum) && sum >= -TIME_MOST &&
           !__builtin_add_overflow(process->last_ns, by_ns, &sum) && sum <= TIME_MOST;
}

static bool reserve(struct skew *skew, uint32_t spans)
{
    if (spans > skew->bound_capacity) {
        tcore_free(skew->bound);
        tcore_free(skew->place);
        skew->bound = tcore_reallocarray(NULL, 2 * (size_t)spans, sizeof *skew->bound);
        skew->place = tcore_reallocarray(NULL, spans, sizeof *skew->place);
        skew->bound_capacity = skew->bound && skew->place ? spans : 0;
    }
    return skew->bound_capacity;
}

/* Finds the places of all processes. */
static void place_all(struct skew *skew)
{
    const struct trace_build *build = &skew->build;
    const struct skew_processes *processes = &skew->processes;
    struct skew_place *places = skew->place;
    uint32_t count = 0, begin = 0, end;
    for (uint32_t i = 0; i < build->tree.count; i++)
        add_bounds(build, processes->of_span, i, skew->bound, &count);
    qsort(skew->bound, count, sizeof *skew->bound, compare_bounds);
    for (uint32_t n = 0; n < processes->count; n++)
        places[n] = (struct skew_place){.bounds = {INT64_MIN, INT64_MAX},
                                        .least_by = processes->process[n].caller,
                                        .most_by = processes->process[n].caller};
    for (uint32_t n = 0; n < processes->count; n++, begin = end) {
        const struct skew_process *process = &processes->process[n];
        for (end = begin; end < count && skew->bound[end].process == n;)
            end++;
        if (n) /* the root's clock counts */
            find_place(places, n, process, skew->bound + begin, end - begin);
        if (!has_room(process, places[n].offset_ns)) {
            places[n].offset_ns = 0;
            places[n].contradictory = true;
        }
        tell_others(places, skew->bound + begin, end - begin);
    }
}

/* --- Moving */

static void widen(struct tcore_interval *whole, const struct tcore_trace_span *span)
{
    int64_t start = span->flags & TCORE_SPAN_HAS_START ? span->start_ns : span->end_ns;
    int64_t end = tcore_span_is_timed(span) ? span->end_ns : start;
    if (!(span->flags & (TCORE_SPAN_HAS_START | TCORE_SPAN_HAS_END)))
        return;
    whole->start_ns = start < whole->start_ns ? start : whole->start_ns;
    whole->end_ns = end > whole->end_ns ? end : whole->end_ns;
}

static uint32_t move_rows(struct skew *skew, struct tcore_stored_trace *trace)
{
    uint32_t count = 0;
    trace->whole = (struct tcore_interval){INT64_MAX, INT64_MIN};
    for (uint32_t i = 0; i < trace->count; i++) {
        struct tcore_trace_span *span = &trace->spans[i]->span; /* i is its number in the tree */
        int64_t by_ns = skew->place[skew->processes.of_span[i]].offset_ns;
        if (by_ns && span->flags & TCORE_SPAN_HAS_START)
            span->start_ns += by_ns;
        if (by_ns && span->flags & TCORE_SPAN_HAS_END)
            span->end_ns += by_ns;
        if (by_ns && span->flags & (TCORE_SPAN_HAS_START | TCORE_SPAN_HAS_END)) {
            span->flags |= TCORE_SPAN_MOVED;
            count++;
        }
        widen(&trace->whole, span);
    }
    return count;
}

/* --- Notes */

static bool copy(struct skew *skew, struct tcore_slice *to, struct tcore_slice from)
{
    *to = (struct tcore_slice){0};
    if (!from.data)
        return true;
    *to = (struct tcore_slice){tcore_arena_copy(&skew->notes, from.data, from.length), from.length};
    return to->data;
}

static uint32_t service_of(const struct skew *skew, uint32_t process)
{
    return skew->build.spans[skew->processes.process[process].span].service;
}

static bool take_note(struct skew *skew, uint32_t process, struct skew_clock *clock)
{
    const struct skew_place *place = &skew->place[process];
    const struct skew_process *is = &skew->processes.process[process];
    uint32_t against = is->caller == TCORE_SPAN_NONE ? 0 : is->caller;
    int64_t beyond_ns = place->offset_ns - skew->place[against].offset_ns;
    if (!place->contradictory && beyond_ns)
        against = beyond_ns > 0 ? place->least_by : place->most_by;
    *clock = (struct skew_clock){.service = service_of(skew, process),
                                 .against_service = service_of(skew, against),
                                 .adjustment_ns = place->offset_ns,
                                 .bounds = place->bounds,
                                 .spans = is->spans,
                                 .calls = place->calls,
                                 .contradictory = place->contradictory};
    return copy(skew, &clock->instance, is->instance) &&
           copy(skew, &clock->against_instance, skew->processes.process[against].instance);
}

static enum tcore_status take_notes(struct skew *skew, struct tcore_stored_trace *trace,
                                    struct tcore_error *err)
{
    struct skew_notes *notes;
    uint32_t count = 0;
    bool contradictory = false;
    for (uint32_t n = 0; n < skew->processes.count; n++)
        count += skew->place[n].offset_ns || skew->place[n].contradictory;
    if (!count)
        return TCORE_OK;
    notes = tcore_arena_alloc(&skew->notes, sizeof *notes);
    if (!notes)
        return tcore_error_nomem(err);
    *notes = (struct skew_notes){
        .clocks = tcore_arena_alloc(&skew->notes, count * sizeof *notes->clocks)};
    if (!notes->clocks)
        return tcore_error_nomem(err);
    for (uint32_t n = 0; n < skew->processes.count; n++) {
        if (!skew->place[n].offset_ns && !skew->place[n].contradictory)
            continue;
        contradictory |= skew->place[n].contradictory;
        if (!take_note(skew, n, &notes->clocks[notes->clock_count++]))
            return tcore_error_nomem(err);
    }
    notes->moved = move_rows(skew, trace);
    trace->notes = notes;
    skew->moved_traces += notes->moved > 0;
    skew->moved_spans += notes->moved;
    skew->contradictory_traces += contradictory;
    return TCORE_OK;
}

/* Whether a span is outside of its parent, and clocks may be the reason. */
static bool is_suspicious(const struct trace_build *build)
{
    unsigned notes = 0;
    for (uint32_t i = 0; i < build->tree.count; i++)
        notes |= build->tree.notes[i];
    return notes & (TCORE_NOTE_BEFORE_PARENT | TCORE_NOTE_AFTER_PARENT);
}

enum tcore_status skew_adjust(struct skew *skew, const struct tcore_trace_store *store,
                              struct tcore_stored_trace *trace, struct tcore_error *err)
{
    enum tcore_status status = trace_build_tree(&skew->build, store, trace, err);
    skew->traces++;
    if (status != TCORE_OK || !is_suspicious(&skew->build))
        return status;
    status = skew_processes_find(&skew->processes, &skew->build, err);
    if (status != TCORE_OK)
        return status;
    if (!reserve(skew, trace->count))
        return tcore_error_nomem(err);
    place_all(skew);
    return take_notes(skew, trace, err);
}

/* Moves rows back to where their texts have them. */
static enum tcore_status move_back(struct skew *skew, struct tcore_stored_trace *trace,
                                   struct tcore_error *err)
{
    struct tcore_json *json = &skew->processes.json;
    enum tcore_status status = TCORE_OK;
    for (uint32_t i = 0; i < trace->count && status == TCORE_OK; i++) {
        const struct tcore_stored_text *row = (const struct tcore_stored_text *)trace->spans[i];
        struct tcore_trace_span *span = &trace->spans[i]->span;
        if (!(span->flags & TCORE_SPAN_MOVED))
            continue;
        status = tcore_json_parse(json, row->text, row->text_length, err);
        int64_t by_ns = status == TCORE_OK ? skew_moved_ns(row, json) : 0;
        span->start_ns -= span->flags & TCORE_SPAN_HAS_START ? by_ns : 0;
        span->end_ns -= span->flags & TCORE_SPAN_HAS_END ? by_ns : 0;
        span->flags &= (uint8_t)~TCORE_SPAN_MOVED;
    }
    return status == TCORE_SKIP ? TCORE_OK : status;
}

enum tcore_status skew_adjust_again(struct skew *skew, const struct tcore_trace_store *store,
                                    struct tcore_stored_trace *trace, struct tcore_error *err)
{
    uint64_t sums[] = {skew->traces, skew->moved_traces, skew->moved_spans,
                       skew->contradictory_traces};
    tcore_arena_reset(&skew->notes);
    trace->notes = NULL;
    enum tcore_status status = move_back(skew, trace, err);
    if (status == TCORE_OK)
        status = skew_adjust(skew, store, trace, err);
    skew->traces = sums[0];
    skew->moved_traces = sums[1];
    skew->moved_spans = sums[2];
    skew->contradictory_traces = sums[3];
    return status;
}

void skew_free(struct skew *skew)
{
    trace_build_free(&skew->build);
    skew_processes_free(&skew->processes);
    tcore_free(skew->bound);
    tcore_free(skew->place);
    tcore_arena_free(&skew->notes);
    *skew = (struct skew){0};
}
