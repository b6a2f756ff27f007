/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Too much at a time, or too many: queries of a service that wait for its pool of connections, a
 * span with very many children, a request that makes very many calls.
 */
#include <config.h>

#include "span/antipattern/trial.h"

#include <stdlib.h>

/* --- Queries at a time */

static int compare_starts(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->service != y->service)
        return x->service < y->service ? -1 : 1;
    if (x->start_ns != y->start_ns)
        return x->start_ns < y->start_ns ? -1 : 1;
    return x->span < y->span ? -1 : x->span > y->span;
}

static void sift_down(struct member *heap, uint32_t count, uint32_t at)
{
    struct member sinking = heap[at];
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && heap[child + 1].end_ns < heap[child].end_ns)
            child++;
        if (sinking.end_ns <= heap[child].end_ns)
            break;
        heap[at] = heap[child];
    }
    heap[at] = sinking;
}

static void sift_up(struct member *heap, uint32_t at)
{
    struct member rising = heap[at];
    for (uint32_t above; at && rising.end_ns < heap[above = (at - 1) / 2].end_ns; at = above)
        heap[at] = heap[above];
    heap[at] = rising;
}

/* Of members by start: the most that run at a time, brought to the front of them. A heap of those
 * that run takes the room of those that began. */
static uint32_t most_at_a_time(struct member *members, uint32_t count)
{
    uint32_t running = 0, most = 0;
    int64_t when = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct member next = members[i];
        while (running && members[0].end_ns <= next.start_ns) {
            struct member last = members[--running];
            struct member ended = members[0];
            members[0] = last;
            members[running] = ended;
            if (running)
                sift_down(members, running, 0);
        }
        /* those that ended stand between the heap and i */
        members[i] = members[running];
        members[running] = next;
        sift_up(members, running++);
        if (running > most) {
            most = running;
            when = next.start_ns;
        }
    }
    uint32_t front = 0;
    for (uint32_t i = 0; i < count; i++)
        if (members[i].start_ns <= when && members[i].end_ns > when) {
            struct member swapped = members[front];
            members[front++] = members[i];
            members[i] = swapped;
        }
    return front;
}

static uint32_t queries(struct trial *trial)
{
    const struct tcore_trace_tree *tree = &trial->build->tree;
    uint32_t count = 0;
    for (uint32_t i = 0; i < tree->count; i++)
        if (trial->span[i].is_call && trial->span[i].facts.call == CALL_DATABASE &&
            !trial->span[i].explained && tcore_interval_is_known(&tree->interval[i]))
            trial->member[count++] = (struct member){.start_ns = tree->interval[i].start_ns,
                                                     .end_ns = tree->interval[i].end_ns,
                                                     .service = trial->build->spans[i].service,
                                                     .span = i};
    return count;
}

/* Queries of one service, by start. */
static enum tcore_status judge_queries(struct trial *trial, struct member *members, uint32_t count,
                                       struct tcore_error *err)
{
    uint32_t most = most_at_a_time(members, count);
    if (most < trial->limits->pool_concurrent)
        return TCORE_OK;
    int64_t shortest_ns = INT64_MAX;
    qsort(members, most, sizeof *members, compare_starts);
    uint32_t parent = trial->build->tree.parent[members[0].span];
    for (uint32_t i = 0; i < most; i++)
        if (members[i].end_ns - members[i].start_ns < shortest_ns)
            shortest_ns = members[i].end_ns - members[i].start_ns;
    struct occurrence occurrence = {
        .pattern = PATTERN_POOL_WAIT,
        .value = most,
        .limit = trial->limits->pool_concurrent,
        .took_ns = trial_sum(members, most),
        .confidence = 0.6,
    };
    trial_explain(trial, members, most);
    if (!trial->limits->wanted[PATTERN_POOL_WAIT])
        return TCORE_OK;
    enum tcore_status status =
        trial_saving_at_most(trial, members, most, shortest_ns, &occurrence.saving_ns, err);
    if (status != TCORE_OK)
        return status;
    return trial_report_members(trial, &occurrence,
                                parent == TCORE_SPAN_NONE ? members[0].span : parent,
                                TCORE_SPAN_NONE, members, most, err);
}

static enum tcore_status judge_wait(struct trial *trial, uint32_t span, struct tcore_error *err)
{
    uint32_t parent = trial->build->tree.parent[span];
    struct occurrence occurrence = {
        .pattern = PATTERN_POOL_WAIT,
        .value = trial_duration(trial, span),
        .limit = trial->limits->pool_wait_ns,
        .took_ns = trial_duration(trial, span),
        .confidence = 0.9,
    };
    enum tcore_status status = trial_drag(trial, span, &occurrence.saving_ns, err);
    if (status != TCORE_OK)
        return status;
    return trial_report(trial, &occurrence, parent == TCORE_SPAN_NONE ? span : parent, span, err);
}

enum tcore_status detect_pool_waits(struct trial *trial, struct tcore_error *err)
{
    const struct limits *limits = trial->limits;
    struct member *members = trial->member;
    uint32_t count = queries(trial);
    enum tcore_status status = TCORE_OK;
    if (count > 1 && count >= limits->pool_concurrent)
        qsort(members, count, sizeof *members, compare_starts);
    for (uint32_t i = 0, end; count >= limits->pool_concurrent && i < count && status == TCORE_OK;
         i = end) {
        for (end = i + 1; end < count && members[end].service == members[i].service;)
            end++;
        if (end - i > 1 && end - i >= limits->pool_concurrent)
            status = judge_queries(trial, members + i, end - i, err);
    }
    for (uint32_t i = 0; i < trial->build->tree.count && status == TCORE_OK; i++)
        if (limits->wanted[PATTERN_POOL_WAIT] && trial_duration(trial, i) > 0 &&
            trial_duration(trial, i) >= limits->pool_wait_ns && trial_is_pool_wait(trial, i))
            status = judge_wait(trial, i, err);
    trial_inherit(trial);
    return status;
}

/* --- Children, and calls */

static struct member timed_member(const struct trial *trial, uint32_t span)
{
    const struct tcore_interval *interval = &trial->build->tree.interval[span];
    return (struct member){
        .start_ns = interval->start_ns, .end_ns = interval->end_ns, .span = span};
}

static enum tcore_status report_group(struct trial *trial, enum pattern pattern, uint32_t at,
                                      struct member *members, uint32_t count, int64_t limit,
                                      struct tcore_error *err)
{
    struct occurrence occurrence = {
        .pattern = pattern,
        .value = count,
        .limit = limit,
        .took_ns = trial_sum(members, count),
        .confidence = 0.7,
    };
    trial_explain(trial, members, count);
    if (!trial->limits->wanted[pattern])
        return TCORE_OK;
    enum tcore_status status = trial_saving(trial, members, count, trial_longest(members, count),
                                            &occurrence.saving_ns, err);
    if (status != TCORE_OK)
        return status;
    return trial_report_members(trial, &occurrence, at, TCORE_SPAN_NONE, members, count, err);
}

enum tcore_status detect_fan_out(struct trial *trial, struct tcore_error *err)
{
    const struct tcore_trace_tree *tree = &trial->build->tree;
    int64_t limit = trial->limits->fan_out_children;
    enum tcore_status status = TCORE_OK;
    for (uint32_t p = 0; p < tree->count && status == TCORE_OK; p++) {
        uint32_t count = 0;
        if (tree->first[p + 1] - tree->first[p] <= limit)
            continue;
        for (uint32_t c = tree->first[p]; c < tree->first[p + 1]; c++)
            if (!trial->span[tree->children[c]].explained &&
                tcore_interval_is_known(&tree->interval[tree->children[c]]))
                trial->member[count++] = timed_member(trial, tree->children[c]);
        if (count > limit)
            status = report_group(trial, PATTERN_FAN_OUT, p, trial->member, count, limit, err);
    }
    trial_inherit(trial);
    return status;
}

/* Whether the service's part of the trace begins with the span. */
static bool is_entry(const struct trial *trial, uint32_t span)
{
    const struct tcore_trace_span *spans = trial->build->spans;
    uint32_t parent = trial->build->tree.parent[span];
    return parent == TCORE_SPAN_NONE || spans[span].kind == TCORE_SPAN_SERVER ||
           spans[span].kind == TCORE_SPAN_CONSUMER || spans[parent].service != spans[span].service;
}

/* Each call belongs to the entry that is nearest above it; entries are numbered by their spans. */
static void find_entries(struct trial *trial)
{
    const struct tcore_trace_tree *tree = &trial->build->tree;
    for (uint32_t at = 0; at < tree->count; at++) {
        uint32_t span = tree->order[at], parent = tree->parent[span];
        const struct trial_span *is = &trial->span[span];
        trial->total[span] = 0; /* calls of an entry */
        /* a call's other side, without a span of its own caller, is called by who is above */
        bool called = is->is_call && parent != TCORE_SPAN_NONE;
        trial->chosen[span] =
            is_entry(trial, span) && !(called && trial->build->spans[span].service ==
                                                     trial->build->spans[parent].service)
                ? span
                : trial->chosen[parent];
        if (called && !is->explained && tcore_interval_is_known(&tree->interval[span]))
            trial->total[trial->chosen[parent]]++;
    }
}

static int compare_entries(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->operation != y->operation)
        return x->operation < y->operation ? -1 : 1;
    return x->span < y->span ? -1 : x->span > y->span;
}

enum tcore_status detect_chatty(struct trial *trial, struct tcore_error *err)
{
    const struct tcore_trace_tree *tree = &trial->build->tree;
    struct member *members = trial->member;
    int64_t limit = trial->limits->chatty_calls;
    enum tcore_status status = TCORE_OK;
    uint32_t count = 0;
    if (tree->count <= limit)
        return TCORE_OK;
    find_entries(trial);
    for (uint32_t i = 0; i < tree->count; i++) {
        uint32_t parent = tree->parent[i];
        if (!trial->span[i].is_call || trial->span[i].explained || parent == TCORE_SPAN_NONE ||
            trial->total[trial->chosen[parent]] < limit ||
            !tcore_interval_is_known(&tree->interval[i]))
            continue;
        members[count] = timed_member(trial, i);
        members[count++].operation = trial->chosen[parent];
    }
    if (count > 1)
        qsort(members, count, sizeof *members, compare_entries);
    for (uint32_t i = 0, end; i < count && status == TCORE_OK; i = end) {
        for (end = i + 1; end < count && members[end].operation == members[i].operation;)
            end++;
        status = report_group(trial, PATTERN_CHATTY, (uint32_t)members[i].operation, members + i,
                              end - i, limit, err);
    }
    return status;
}
