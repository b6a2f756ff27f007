/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Calls that are made again and again. N+1: calls that differ in values only, one after another
 * below the same span, where one call could have asked for all. Redundant: calls that differ in
 * nothing and change nothing, anywhere in a service's part of the trace, where the first answer
 * could have been kept.
 */
#include <config.h>

#include "span/antipattern/trial.h"

#include <stdlib.h>

static int compare_operations(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->service != y->service)
        return x->service < y->service ? -1 : 1;
    if (x->operation != y->operation)
        return x->operation < y->operation ? -1 : 1;
    return x->span < y->span ? -1 : x->span > y->span;
}

static int compare_calls(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->service != y->service)
        return x->service < y->service ? -1 : 1;
    if (x->call != y->call)
        return x->call < y->call ? -1 : 1;
    if (x->start_ns != y->start_ns)
        return x->start_ns < y->start_ns ? -1 : 1;
    return x->span < y->span ? -1 : x->span > y->span;
}

/* --- N+1 */

/* Whether most of the calls are the same as others. */
static bool is_mostly_equal(const struct trial *trial, struct member *members, uint32_t count)
{
    uint32_t distinct = 1;
    for (uint32_t i = 0; i < count; i++)
        if (!(trial->span[members[i].span].facts.flags & FACT_VALUES))
            return false;
    qsort(members, count, sizeof *members, compare_calls);
    for (uint32_t i = 1; i < count; i++)
        distinct += members[i].call != members[i - 1].call;
    return 2 * distinct <= count;
}

static double confidence_of(const struct trial *trial, const struct member *member)
{
    unsigned flags = trial->span[member->span].facts.flags;
    if (!(flags & FACT_OPERATION))
        return 0.7; /* names may hide what differs */
    return flags & FACT_VALUES ? 0.95 : 0.85;
}

/* Calls of one operation below one span. */
static enum tcore_status judge(struct trial *trial, uint32_t parent, struct member *members,
                               uint32_t count, struct tcore_error *err)
{
    const struct limits *limits = trial->limits;
    uint32_t sequence = trial_sequence(members, count);
    int64_t took_ns = trial_sum(members, sequence);
    if (sequence < limits->n_plus_one_calls || took_ns < limits->n_plus_one_total_ns ||
        sequence < count - count / 5 || is_mostly_equal(trial, members, sequence))
        return TCORE_OK;
    struct occurrence occurrence = {
        .pattern = PATTERN_N_PLUS_ONE,
        .value = sequence,
        .limit = limits->n_plus_one_calls,
        .took_ns = took_ns,
        .confidence = confidence_of(trial, members),
    };
    trial_explain(trial, members, sequence);
    if (!limits->wanted[PATTERN_N_PLUS_ONE])
        return TCORE_OK;
    enum tcore_status status = trial_saving(
        trial, members, sequence, trial_longest(members, sequence), &occurrence.saving_ns, err);
    if (status != TCORE_OK)
        return status;
    return trial_report_members(trial, &occurrence, parent, members[0].span, members, sequence,
                                err);
}

enum tcore_status detect_n_plus_one(struct trial *trial, struct tcore_error *err)
{
    const struct tcore_trace_tree *tree = &trial->build->tree;
    struct member *members = trial->member;
    enum tcore_status status = TCORE_OK;
    for (uint32_t p = 0; p < tree->count && status == TCORE_OK; p++) {
        if (tree->first[p + 1] - tree->first[p] < trial->limits->n_plus_one_calls)
            continue;
        uint32_t count = trial_children(trial, p);
        qsort(members, count, sizeof *members, compare_operations);
        for (uint32_t i = 0, end; i < count && status == TCORE_OK; i = end) {
            for (end = i + 1; end < count && members[end].service == members[i].service &&
                              members[end].operation == members[i].operation;)
                end++;
            if (end - i >= trial->limits->n_plus_one_calls)
                status = judge(trial, p, members + i, end - i, err);
        }
    }
    trial_inherit(trial);
    return status;
}

/* --- Redundant calls */

/* Calls of services that change nothing, and whose values are known. */
static uint32_t readings(struct trial *trial)
{
    const struct tcore_trace_tree *tree = &trial->build->tree;
    uint32_t count = 0;
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct trial_span *is = &trial->span[i];
        const struct tcore_interval *interval = &tree->interval[i];
        if (is->is_call && (is->facts.flags & FACT_VALUES) && (is->facts.flags & FACT_READS) &&
            !is->explained && !trial_failed(trial, i) && tcore_interval_is_known(interval))
            trial->member[count++] = (struct member){.call = is->facts.call_hash,
                                                     .start_ns = interval->start_ns,
                                                     .end_ns = interval->end_ns,
                                                     .service = trial->build->spans[i].service,
                                                     .span = i};
    }
    return count;
}

/* Whether the service changes something between the first and the last of the calls, or it would
 * take too long to see. */
static bool is_changed(struct trial *trial, const struct member *members, uint32_t count)
{
    const struct trace_build *build = trial->build;
    trial->work += build->tree.count;
    if (trial->work > TRIAL_WORK_MOST)
        return true;
    for (uint32_t i = 0; i < build->tree.count; i++)
        if (build->spans[i].service == members[0].service && trial->span[i].is_call &&
            (trial->span[i].facts.flags & FACT_WRITES) &&
            build->tree.interval[i].start_ns >= members[0].start_ns &&
            build->tree.interval[i].start_ns <= members[count - 1].start_ns)
            return true;
    return false;
}

static enum tcore_status judge_equal(struct trial *trial, struct member *members, uint32_t count,
                                     struct tcore_error *err)
{
    uint32_t first = members[0].span, parent = trial->build->tree.parent[first];
    struct occurrence occurrence = {
        .pattern = PATTERN_REDUNDANT,
        .value = count,
        .limit = trial->limits->redundant_calls,
        .took_ns = trial_sum(members, count),
        .confidence = is_changed(trial, members, count) ? 0.5 : 0.9,
    };
    trial_explain(trial, members, count);
    if (!trial->limits->wanted[PATTERN_REDUNDANT])
        return TCORE_OK;
    enum tcore_status status = trial_saving(trial, members, count, 0, &occurrence.saving_ns, err);
    if (status != TCORE_OK)
        return status;
    return trial_report_members(trial, &occurrence, parent == TCORE_SPAN_NONE ? first : parent,
                                first, members, count, err);
}

enum tcore_status detect_redundant(struct trial *trial, struct tcore_error *err)
{
    struct member *members = trial->member;
    uint32_t count = readings(trial);
    enum tcore_status status = TCORE_OK;
    int64_t least = trial->limits->redundant_calls < 2 ? 2 : trial->limits->redundant_calls;
    if (count > 1)
        qsort(members, count, sizeof *members, compare_calls);
    for (uint32_t i = 0, end; i < count && status == TCORE_OK; i = end) {
        for (end = i + 1; end < count && members[end].service == members[i].service &&
                          members[end].call == members[i].call;)
            end++;
        if (end - i >= least)
            status = judge_equal(trial, members + i, end - i, err);
    }
    trial_inherit(trial);
    return status;
}
