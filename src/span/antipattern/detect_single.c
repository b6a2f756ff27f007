/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one span shows by itself: a slow query, a large body, a cold start. */
#include <config.h>

#include "span/antipattern/trial.h"

static enum tcore_status report(struct trial *trial, struct occurrence *occurrence, uint32_t span,
                                struct tcore_error *err)
{
    uint32_t parent = trial->build->tree.parent[span];
    bool by_parent = trial->span[span].is_call && parent != TCORE_SPAN_NONE;
    occurrence->took_ns = trial_duration(trial, span);
    enum tcore_status status = trial_drag(trial, span, &occurrence->saving_ns, err);
    if (status != TCORE_OK)
        return status;
    return trial_report(trial, occurrence, by_parent ? parent : span,
                        trial->span[span].is_call ? span : TCORE_SPAN_NONE, err);
}

static enum tcore_status judge_query(struct trial *trial, uint32_t span, struct tcore_error *err)
{
    struct occurrence occurrence = {
        .pattern = PATTERN_SLOW_QUERY,
        .value = trial_duration(trial, span),
        .limit = trial->limits->slow_query_ns,
        .confidence = 0.95,
    };
    return report(trial, &occurrence, span, err);
}

static bool is_large(const struct trial *trial, uint32_t span)
{
    return trial->span[span].facts.body_bytes > trial->limits->payload_bytes &&
           trial_duration(trial, span) > trial->limits->payload_ns;
}

/* Both sides of a call may tell; the caller's counts. */
static enum tcore_status judge_payload(struct trial *trial, uint32_t span, struct tcore_error *err)
{
    uint32_t parent = trial->build->tree.parent[span];
    if (parent != TCORE_SPAN_NONE && trial->span[parent].is_call && is_large(trial, parent))
        return TCORE_OK;
    struct occurrence occurrence = {
        .pattern = PATTERN_LARGE_PAYLOAD,
        .value = trial->span[span].facts.body_bytes,
        .limit = trial->limits->payload_bytes,
        .confidence = 0.8,
    };
    return report(trial, &occurrence, span, err);
}

static enum tcore_status judge_start(struct trial *trial, uint32_t span, struct tcore_error *err)
{
    struct occurrence occurrence = {
        .pattern = PATTERN_COLD_START,
        .value = trial_duration(trial, span),
        .limit = trial->limits->cold_start_ns,
        .confidence = 0.9,
    };
    return report(trial, &occurrence, span, err);
}

enum tcore_status detect_single(struct trial *trial, struct tcore_error *err)
{
    const struct limits *limits = trial->limits;
    enum tcore_status status = TCORE_OK;
    for (uint32_t i = 0; i < trial->build->tree.count && status == TCORE_OK; i++) {
        const struct trial_span *is = &trial->span[i];
        if (limits->wanted[PATTERN_SLOW_QUERY] && is->is_call && is->facts.call == CALL_DATABASE &&
            trial_duration(trial, i) >= limits->slow_query_ns)
            status = judge_query(trial, i, err);
        if (status == TCORE_OK && limits->wanted[PATTERN_LARGE_PAYLOAD] && is_large(trial, i))
            status = judge_payload(trial, i, err);
        if (status == TCORE_OK && limits->wanted[PATTERN_COLD_START] &&
            (is->facts.flags & FACT_COLD_START) &&
            trial_duration(trial, i) >= limits->cold_start_ns)
            status = judge_start(trial, i, err);
    }
    return status;
}
