/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Retries: attempts at one call, one after another below the same span, each but perhaps the last
 * failed. Where an attempt's own calls are retried, too, attempts multiply: what counts are those
 * at the lowest layer for one call at the highest.
 */
#include <config.h>

#include "span/antipattern/trial.h"

#include "base/sys.h"

#include <stdlib.h>

#define NONE UINT32_MAX

static int compare_operations(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->service != y->service)
        return x->service < y->service ? -1 : 1;
    if (x->operation != y->operation)
        return x->operation < y->operation ? -1 : 1;
    if (x->start_ns != y->start_ns)
        return x->start_ns < y->start_ns ? -1 : 1;
    return x->span < y->span ? -1 : x->span > y->span;
}

/* Whether b may be another attempt at what a tried. */
static bool follows(const struct trial *trial, const struct member *a, const struct member *b)
{
    const struct span_facts *x = &trial->span[a->span].facts, *y = &trial->span[b->span].facts;
    bool other = (x->flags & y->flags & FACT_VALUES) && a->call != b->call;
    return a->service == b->service && a->operation == b->operation && !other &&
           b->start_ns >= a->end_ns && trial_failed(trial, a->span);
}

/* Attempts at the lowest layer that a span stands for. */
static int64_t attempts_of(const struct trial *trial, uint32_t span)
{
    int64_t resends = trial->span[span].facts.resends;
    return trial->total[span] > 1 + resends ? trial->total[span] : 1 + resends;
}

static enum tcore_status add_group(struct trial *trial, uint32_t parent,
                                   const struct member *members, uint32_t count, int64_t total,
                                   struct tcore_error *err)
{
    if (trial->group_count == trial->group_capacity) {
        uint32_t capacity = trial->group_capacity ? 2 * trial->group_capacity : 16;
        void *grown = tcore_reallocarray(trial->group, capacity, sizeof *trial->group);
        if (!grown)
            return tcore_error_nomem(err);
        trial->group = grown;
        trial->group_capacity = capacity;
    }
    trial->group[trial->group_count] =
        (struct retry_group){parent, trial->attempt_count, count, total, trial->group_of[parent]};
    trial->group_of[parent] = trial->group_count++;
    for (uint32_t i = 0; i < count; i++)
        trial->attempt[trial->attempt_count++] = members[i].span;
    return TCORE_OK;
}

/* Groups below one span, once those below its children are known. */
static enum tcore_status group_children(struct trial *trial, uint32_t parent,
                                        struct tcore_error *err)
{
    const struct tcore_trace_tree *tree = &trial->build->tree;
    enum tcore_status status = TCORE_OK;
    uint32_t failed = 0;
    trial->group_of[parent] = NONE;
    trial->total[parent] = 1;
    for (uint32_t c = tree->first[parent]; c < tree->first[parent + 1]; c++) {
        uint32_t child = tree->children[c];
        if (attempts_of(trial, child) > trial->total[parent])
            trial->total[parent] = attempts_of(trial, child);
        failed += trial_failed(trial, child);
    }
    if (!failed || tree->first[parent + 1] - tree->first[parent] < 2)
        return TCORE_OK;
    struct member *members = trial->member;
    uint32_t count = trial_children(trial, parent);
    qsort(members, count, sizeof *members, compare_operations);
    for (uint32_t i = 0, end; i < count && status == TCORE_OK; i = end) {
        int64_t total = attempts_of(trial, members[i].span);
        for (end = i + 1; end < count && follows(trial, &members[end - 1], &members[end]); end++)
            total += trial->span[members[end].span].facts.resends
                         ? trial->total[members[end].span] /* its number says it was counted */
                         : attempts_of(trial, members[end].span);
        if (end - i > 1)
            status = add_group(trial, parent, members + i, end - i, total, err);
        if (total > trial->total[parent])
            trial->total[parent] = total;
    }
    return status;
}

static enum tcore_status report(struct trial *trial, uint32_t parent, const uint32_t *attempts,
                                uint32_t count, int64_t total, struct tcore_error *err)
{
    struct member *members = trial->member;
    for (uint32_t i = 0; i < count; i++) {
        const struct tcore_interval *interval = &trial->build->tree.interval[attempts[i]];
        members[i] = (struct member){
            .start_ns = interval->start_ns, .end_ns = interval->end_ns, .span = attempts[i]};
        trial->span[attempts[i]].explained = true;
    }
    struct occurrence occurrence = {
        .pattern = PATTERN_RETRY,
        .value = total,
        .limit = trial->limits->retry_attempts,
        .took_ns = trial_sum(members, count),
        .confidence = count > 1 ? 0.9 : 0.8,
    };
    uint32_t kept = count > 1 ? count - 1 : NONE;
    enum tcore_status status =
        trial_saving(trial, members, count, kept, &occurrence.saving_ns, err);
    if (status != TCORE_OK || !trial->limits->wanted[PATTERN_RETRY])
        return status;
    return trial_report_members(trial, &occurrence, parent, attempts[0], members, count, err);
}

/* Those that are not below an attempt that was reported. */
static enum tcore_status report_groups(struct trial *trial, struct tcore_error *err)
{
    const struct tcore_trace_tree *tree = &trial->build->tree;
    int64_t limit = trial->limits->retry_attempts;
    enum tcore_status status = TCORE_OK;
    for (uint32_t i = 0; i < tree->count; i++)
        trial->inside[i] = false;
    for (uint32_t at = 0; at < tree->count && status == TCORE_OK; at++) {
        uint32_t span = tree->order[at], parent = tree->parent[span];
        bool inside = trial->inside[span] || (parent != NONE && trial->inside[parent]);
        trial->inside[span] = inside;
        uint32_t resends = trial->span[span].facts.resends;
        if (!inside && trial->span[span].is_call && resends && resends + 1 >= limit)
            status = report(trial, parent == NONE ? span : parent, &span, 1, resends + 1, err);
        for (uint32_t g = trial->group_of[span]; g != NONE && status == TCORE_OK && !inside;
             g = trial->group[g].next) {
            const struct retry_group *group = &trial->group[g];
            if (group->total < limit)
                continue;
            for (uint32_t i = 0; i < group->count; i++)
                trial->inside[trial->attempt[group->first + i]] = true;
            status =
                report(trial, span, trial->attempt + group->first, group->count, group->total, err);
        }
    }
    return status;
}

enum tcore_status detect_retries(struct trial *trial, struct tcore_error *err)
{
    const struct tcore_trace_tree *tree = &trial->build->tree;
    enum tcore_status status = TCORE_OK;
    bool any = false;
    for (uint32_t i = 0; i < tree->count && !any; i++)
        any = trial->span[i].facts.resends || trial_failed(trial, i);
    if (!any)
        return TCORE_OK;
    trial->group_count = trial->attempt_count = 0;
    for (uint32_t at = tree->count; at-- > 0 && status == TCORE_OK;)
        status = group_children(trial, tree->order[at], err);
    if (status == TCORE_OK)
        status = report_groups(trial, err);
    trial_inherit(trial);
    return status;
}
