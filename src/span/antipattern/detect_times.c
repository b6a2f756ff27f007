/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What times show: services that ran out of time one because of another, time of which nothing is
 * recorded, clocks that disagree.
 */
#include <config.h>

#include "span/antipattern/trial.h"

/* --- Timeouts */

static bool is_timeout(const struct trial *trial, uint32_t span)
{
    return (trial->span[span].facts.flags & FACT_TIMEOUT) && trial_failed(trial, span);
}

/* The chain from its top down to the span, as members, the top first. */
static uint32_t chain(struct trial *trial, uint32_t top, uint32_t span)
{
    const struct tcore_trace_tree *tree = &trial->build->tree;
    uint32_t count = 0;
    for (uint32_t at = span;; at = tree->parent[at]) {
        if (is_timeout(trial, at))
            trial->member[count++] = (struct member){.start_ns = tree->interval[at].start_ns,
                                                     .end_ns = tree->interval[at].end_ns,
                                                     .span = at};
        if (at == top)
            return count;
    }
}

static enum tcore_status judge_chain(struct trial *trial, uint32_t top, uint32_t deepest,
                                     struct tcore_error *err)
{
    struct occurrence occurrence = {
        .pattern = PATTERN_TIMEOUT_CHAIN,
        .value = trial->total[deepest],
        .limit = trial->limits->timeout_services,
        .took_ns = trial_duration(trial, top),
        .confidence = 0.85,
    };
    enum tcore_status status = trial_drag(trial, top, &occurrence.saving_ns, err);
    if (status != TCORE_OK)
        return status;
    uint32_t count = chain(trial, top, deepest);
    return trial_report_members(trial, &occurrence, top, deepest, trial->member, count, err);
}

/* total: how many services have timed out one below the other, down to the span; chosen: the first
 * of these spans; group_of: of that one, the deepest. Failures in between pass it on. */
enum tcore_status detect_timeouts(struct trial *trial, struct tcore_error *err)
{
    const struct tcore_trace_tree *tree = &trial->build->tree;
    const struct tcore_trace_span *spans = trial->build->spans;
    enum tcore_status status = TCORE_OK;
    bool any = false;
    for (uint32_t i = 0; i < tree->count && !any; i++)
        any = trial->span[i].facts.flags & FACT_TIMEOUT;
    if (!any || !trial->limits->wanted[PATTERN_TIMEOUT_CHAIN])
        return TCORE_OK;
    for (uint32_t at = 0; at < tree->count; at++) {
        uint32_t span = tree->order[at], parent = tree->parent[span];
        bool within = parent != TCORE_SPAN_NONE && trial->total[parent] > 0;
        trial->total[span] = within && trial_failed(trial, span) ? trial->total[parent] : 0;
        trial->chosen[span] = trial->total[span] ? trial->chosen[parent] : span;
        trial->attempt[span] = trial->total[span] ? trial->attempt[parent] : TCORE_SPAN_NONE;
        trial->group_of[span] = span;
        if (!is_timeout(trial, span))
            continue;
        /* attempt: the service of the last one that has timed out */
        if (trial->attempt[span] != spans[span].service || !trial->total[span])
            trial->total[span]++;
        trial->attempt[span] = spans[span].service;
        uint32_t *deepest = &trial->group_of[trial->chosen[span]];
        if (trial->total[span] > trial->total[*deepest])
            *deepest = span;
    }
    for (uint32_t i = 0; i < tree->count && status == TCORE_OK; i++)
        if (trial->chosen[i] == i && trial->total[trial->group_of[i]] > 1 &&
            trial->total[trial->group_of[i]] >= trial->limits->timeout_services)
            status = judge_chain(trial, i, trial->group_of[i], err);
    return status;
}

/* --- Gaps */

/* Of a span with children that are no call: what a call waits for is on its other side. */
static bool may_have_gap(const struct trial *trial, uint32_t span)
{
    const struct tcore_trace_tree *tree = &trial->build->tree;
    return tree->first[span + 1] > tree->first[span] && !trial->span[span].is_call;
}

enum tcore_status detect_gaps(struct trial *trial, struct tcore_error *err)
{
    const struct tcore_critical_path *path = &trial->build->path;
    const struct limits *limits = trial->limits;
    double least = limits->gap_share * (double)trial->trace_ns;
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < path->segment_count && limits->wanted[PATTERN_GAP] && status == TCORE_OK;
         i++) {
        const struct tcore_critical_segment *segment = &path->segments[i];
        int64_t ns = segment->end_ns - segment->start_ns;
        if (ns < limits->gap_ns || (double)ns < least || !may_have_gap(trial, segment->span))
            continue;
        struct occurrence occurrence = {
            .pattern = PATTERN_GAP,
            .start_ns = segment->start_ns,
            .value = ns,
            .limit = limits->gap_ns,
            .took_ns = trial_duration(trial, segment->span),
            .saving_ns = ns,
            .confidence = 0.6,
        };
        status = trial_report(trial, &occurrence, segment->span, TCORE_SPAN_NONE, err);
    }
    return status;
}

/* --- Clocks */

/* By how much the clock of the child's host is off, at least; negative: it is behind. 0: nothing
 * says so. A child that ends later may have been given up, unless it took less than its parent. */
static int64_t skew_of(const struct trial *trial, uint32_t span, uint32_t parent,
                       double *confidence)
{
    const struct tcore_trace_span *child = &trial->build->spans[span];
    const struct tcore_trace_span *above = &trial->build->spans[parent];
    if (child->service == above->service || child->kind == TCORE_SPAN_CONSUMER ||
        above->kind == TCORE_SPAN_PRODUCER || !tcore_span_is_timed(child) ||
        !tcore_span_is_timed(above))
        return 0;
    if (child->start_ns < above->start_ns) {
        *confidence = 0.95;
        return child->start_ns - above->start_ns;
    }
    bool fits = child->end_ns - child->start_ns <= above->end_ns - above->start_ns;
    if (above->kind != TCORE_SPAN_CLIENT || !fits || child->end_ns <= above->end_ns)
        return 0;
    *confidence = 0.8;
    return child->end_ns - above->end_ns;
}

enum tcore_status detect_skew(struct trial *trial, struct tcore_error *err)
{
    const struct trace_build *build = trial->build;
    enum tcore_status status = TCORE_OK;
    if (!trial->limits->wanted[PATTERN_CLOCK_SKEW])
        return TCORE_OK;
    for (uint32_t i = 0; i < build->tree.count && status == TCORE_OK; i++) {
        uint32_t parent = build->tree.parent[i];
        double confidence = 0;
        int64_t skew = parent == TCORE_SPAN_NONE ? 0 : skew_of(trial, i, parent, &confidence);
        if ((skew < 0 ? -skew : skew) < trial->limits->skew_ns || !skew)
            continue;
        struct occurrence occurrence = {
            .pattern = PATTERN_CLOCK_SKEW,
            .value = skew,
            .limit = trial->limits->skew_ns,
            .took_ns = trial_duration(trial, i),
            .confidence = confidence,
            .operation = trace_build_service(build, i),
            .evidence = {build->spans[i].span_id, build->spans[parent].span_id},
            .evidence_count = 2,
            .start_ns = build->spans[i].start_ns,
        };
        status = trial_report(trial, &occurrence, parent, TCORE_SPAN_NONE, err);
    }
    return status;
}
