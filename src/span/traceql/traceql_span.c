/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Queries that each span answers by itself: which they are, and such a query on a span. */
#include <config.h>

#include "span/traceql/traceql_run.h"

/* --- Which queries */

static bool is_of_spans(const struct traceql_query *query, const struct traceql_stage *stage)
{
    if (stage->kind == TRACEQL_SELECT)
        return true;
    if (stage->kind != TRACEQL_SPANSETS)
        return false;
    for (uint32_t i = stage->first; i <= stage->last; i++)
        if (query->spanset[i].relation != TRACEQL_FILTER &&
            query->spanset[i].relation != TRACEQL_EITHER)
            return false;
    return true;
}

bool traceql_is_of_spans(const struct traceql_query *query)
{
    for (uint32_t i = 0; i < query->fields; i++)
        if (traceql_field_needs_trace(&query->field[i]))
            return false;
    for (uint32_t s = query->main; s != TRACEQL_NONE; s = query->stage[s].next)
        if (!is_of_spans(query, &query->stage[s]))
            return false;
    return true;
}

bool traceql_adds_members(const struct traceql_query *query)
{
    for (uint32_t s = 0; s < query->stages; s++)
        if (query->stage[s].kind == TRACEQL_SELECT || query->stage[s].kind == TRACEQL_BY)
            return true;
    return false;
}

/* --- On a span */

static enum tcore_status run_stage(struct traceql_evaluator *evaluator,
                                   const struct traceql_stage *stage, bool *truth,
                                   struct tcore_error *err)
{
    struct traceql_value value;
    for (uint32_t i = stage->first; i <= stage->last; i++) {
        const struct traceql_spanset *spanset = &evaluator->query->spanset[i];
        if (spanset->relation == TRACEQL_EITHER) {
            truth[i] = truth[spanset->left] || truth[spanset->right];
            continue;
        }
        truth[i] = spanset->root == TRACEQL_NONE;
        if (truth[i])
            continue;
        enum tcore_status status = traceql_evaluate(evaluator, spanset->root, &value, err);
        if (status != TCORE_OK)
            return status;
        truth[i] = traceql_is_true(&value);
    }
    return TCORE_OK;
}

enum tcore_status traceql_run_span(struct traceql_evaluator *evaluator, bool *truth, bool *matches,
                                   struct tcore_error *err)
{
    const struct traceql_query *query = evaluator->query;
    *matches = true;
    for (uint32_t s = query->main; s != TRACEQL_NONE && *matches; s = query->stage[s].next) {
        const struct traceql_stage *stage = &query->stage[s];
        if (stage->kind != TRACEQL_SPANSETS)
            continue;
        enum tcore_status status = run_stage(evaluator, stage, truth, err);
        if (status != TCORE_OK)
            return status;
        *matches = truth[stage->last];
    }
    return TCORE_OK;
}
