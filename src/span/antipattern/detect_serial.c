/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Calls one after another below the same span that might run at the same time: a trace does not
 * show whether one needs the other's answer. Of databases only what changes nothing: statements of
 * a transaction share a connection.
 */
#include <config.h>

#include "span/antipattern/trial.h"

/* Members that count, brought to the front. */
static uint32_t keep(struct trial *trial, uint32_t count, bool database)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct member *member = &trial->member[i];
        const struct trial_span *is = &trial->span[member->span];
        bool is_database = is->facts.call == CALL_DATABASE;
        if (!is->is_call || is_database != database || trial_failed(trial, member->span) ||
            trial->build->spans[member->span].kind == TCORE_SPAN_PRODUCER)
            continue;
        if (database && ((is->facts.flags & FACT_WRITES) ||
                         member->end_ns - member->start_ns <= trial->limits->serial_query_ns))
            continue;
        trial->member[kept++] = *member;
    }
    return kept;
}

static enum tcore_status judge(struct trial *trial, uint32_t parent, bool database,
                               struct tcore_error *err)
{
    const struct limits *limits = trial->limits;
    struct member *members = trial->member;
    uint32_t count = keep(trial, trial_children(trial, parent), database);
    int64_t least = database ? limits->serial_queries : limits->serial_calls;
    if (count < 2 || count < least)
        return TCORE_OK;
    count = trial_sequence(members, count);
    uint32_t longest = trial_longest(members, count);
    struct occurrence occurrence = {
        .pattern = PATTERN_SERIAL,
        .value = count,
        .limit = least,
        .took_ns = trial_sum(members, count),
        .confidence = database ? 0.4 : 0.3,
    };
    int64_t most = occurrence.took_ns - (members[longest].end_ns - members[longest].start_ns);
    double share_ns = limits->serial_share * (double)trial->trace_ns;
    if (count < 2 || count < least ||
        (database ? (double)most < share_ns : most <= limits->serial_saving_ns))
        return TCORE_OK;
    enum tcore_status status =
        trial_saving(trial, members, count, longest, &occurrence.saving_ns, err);
    if (status != TCORE_OK || (database ? (double)occurrence.saving_ns < share_ns
                                        : occurrence.saving_ns <= limits->serial_saving_ns))
        return status;
    trial_explain(trial, members, count);
    return trial_report_members(trial, &occurrence, parent, TCORE_SPAN_NONE, members, count, err);
}

enum tcore_status detect_serial(struct trial *trial, struct tcore_error *err)
{
    const struct tcore_trace_tree *tree = &trial->build->tree;
    enum tcore_status status = TCORE_OK;
    if (!trial->limits->wanted[PATTERN_SERIAL] || !trial->trace_ns)
        return TCORE_OK;
    for (uint32_t p = 0; p < tree->count && status == TCORE_OK; p++) {
        if (tree->first[p + 1] - tree->first[p] < 2)
            continue;
        status = judge(trial, p, true, err);
        if (status == TCORE_OK)
            status = judge(trial, p, false, err);
    }
    return status;
}
