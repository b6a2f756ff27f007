/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/traceql/traceql_run.h"

#include "base/sys.h"

#include <string.h>

enum tcore_status traceql_run_open(struct traceql_run *run, const struct traceql_query *query,
                                   struct tcore_error *err)
{
    *run = (struct traceql_run){.query = query};
    run->result = tcore_calloc(query->spansets + 1, sizeof *run->result);
    if (!run->result || tcore_map_init(&run->groups) != 0)
        return tcore_error_nomem(err);
    return traceql_evaluator_open(&run->evaluator, query, err);
}

void traceql_run_close(struct traceql_run *run)
{
    traceql_evaluator_close(&run->evaluator);
    tcore_map_free(&run->groups);
    tcore_buf_free(&run->key);
    tcore_arena_free(&run->arena);
    tcore_free(run->result);
    *run = (struct traceql_run){0};
}

static enum tcore_status run_pipeline(struct traceql_run *run, uint32_t first,
                                      struct traceql_matches *matches, struct tcore_error *err);

static bool make_room(struct traceql_run *run, struct traceql_spans *spans, uint32_t count)
{
    spans->at = tcore_arena_alloc(&run->arena, ((size_t)count + 1) * sizeof *spans->at);
    spans->count = 0;
    return spans->at;
}

/* --- Braces */

/* Whether the operation is one of the stage's own, and braces with a condition. */
static bool has_condition(const struct traceql_stage *stage, const struct traceql_spanset *spanset)
{
    return spanset->level == stage->level && spanset->relation == TRACEQL_FILTER &&
           spanset->root != TRACEQL_NONE;
}

static enum tcore_status filter_span(struct traceql_run *run, const struct traceql_stage *stage,
                                     uint32_t position, struct tcore_error *err)
{
    struct traceql_value value;
    enum tcore_status status = run->load(run->loader, position, run->evaluator.field, err);
    for (uint32_t i = stage->first; i <= stage->last && status == TCORE_OK; i++) {
        const struct traceql_spanset *spanset = &run->query->spanset[i];
        struct traceql_spans *spans = &run->result[i];
        if (!has_condition(stage, spanset))
            continue;
        status = traceql_evaluate(&run->evaluator, spanset->root, &value, err);
        if (status == TCORE_OK && traceql_is_true(&value))
            spans->at[spans->count++] = position;
    }
    return status;
}

/* All braces of the stage in one pass, so that a span is loaded once. */
static enum tcore_status filter_spans(struct traceql_run *run, const struct traceql_stage *stage,
                                      struct traceql_spans input, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    bool some = false;
    for (uint32_t i = stage->first; i <= stage->last; i++) {
        if (!has_condition(stage, &run->query->spanset[i]))
            continue;
        if (!make_room(run, &run->result[i], input.count))
            return tcore_error_nomem(err);
        some = true;
    }
    for (uint32_t i = 0; some && i < input.count && status == TCORE_OK; i++)
        status = filter_span(run, stage, input.at[i], err);
    return status;
}

/* --- Operations on spansets */

static enum tcore_status join(struct traceql_run *run, const struct traceql_spanset *operation,
                              struct traceql_spans *out, struct tcore_error *err)
{
    struct traceql_spans a = run->result[operation->left], b = run->result[operation->right];
    bool either = operation->relation == TRACEQL_EITHER;
    if (!make_room(run, out, a.count + b.count))
        return tcore_error_nomem(err);
    if (either || (a.count && b.count))
        traceql_unite(a, b, out);
    return TCORE_OK;
}

static enum tcore_status relate(struct traceql_run *run, const struct traceql_spanset *operation,
                                struct traceql_spans *out, struct tcore_error *err)
{
    struct traceql_spans a = run->result[operation->left], b = run->result[operation->right];
    struct traceql_spans related_a, related_b;
    if (!make_room(run, &related_b, b.count))
        return tcore_error_nomem(err);
    traceql_relate(run->structure, operation->relation, operation->negated, a, b, &related_b);
    *out = related_b;
    if (!operation->united)
        return TCORE_OK;
    if (!make_room(run, &related_a, a.count) || !make_room(run, out, a.count + related_b.count))
        return tcore_error_nomem(err);
    traceql_relate(run->structure, traceql_inverse(operation->relation), false, b, a, &related_a);
    traceql_unite(related_a, related_b, out);
    return TCORE_OK;
}

/* The pipeline in brackets, all its spansets as one. */
static enum tcore_status run_wrapped(struct traceql_run *run, uint32_t first,
                                     struct traceql_spans input, struct traceql_spans *out,
                                     struct tcore_error *err)
{
    struct traceql_match match = {.spans = input};
    struct traceql_matches matches = {&match, 1};
    enum tcore_status status = run_pipeline(run, first, &matches, err);
    return status == TCORE_OK ? traceql_merge(run, &matches, out, err) : status;
}

static enum tcore_status operate(struct traceql_run *run, const struct traceql_spanset *operation,
                                 struct traceql_spans input, struct traceql_spans *out,
                                 struct tcore_error *err)
{
    if (operation->relation == TRACEQL_PIPELINE)
        return run_wrapped(run, operation->left, input, out, err);
    if (operation->relation == TRACEQL_BOTH || operation->relation == TRACEQL_EITHER)
        return join(run, operation, out, err);
    if (operation->relation != TRACEQL_FILTER)
        return relate(run, operation, out, err);
    if (operation->root == TRACEQL_NONE)
        *out = input;
    return TCORE_OK;
}

static enum tcore_status run_spansets(struct traceql_run *run, const struct traceql_stage *stage,
                                      const struct traceql_match *match,
                                      struct traceql_matches *out, struct tcore_error *err)
{
    enum tcore_status status = filter_spans(run, stage, match->spans, err);
    for (uint32_t i = stage->first; i <= stage->last && status == TCORE_OK; i++)
        if (run->query->spanset[i].level == stage->level)
            status = operate(run, &run->query->spanset[i], match->spans, &run->result[i], err);
    if (status != TCORE_OK || !run->result[stage->last].count)
        return status;
    struct traceql_match found = {run->result[stage->last], match->group};
    return traceql_add_match(run, out, found, err);
}

/* --- Stages */

static enum tcore_status run_stage(struct traceql_run *run, const struct traceql_stage *stage,
                                   const struct traceql_match *match, struct traceql_matches *out,
                                   struct tcore_error *err)
{
    bool keeps = true;
    enum tcore_status status = TCORE_OK;
    if (stage->kind == TRACEQL_SPANSETS)
        return run_spansets(run, stage, match, out, err);
    if (stage->kind == TRACEQL_BY)
        return traceql_split(run, stage, match, out, err);
    if (stage->kind == TRACEQL_SCALAR)
        status = traceql_keeps(run, stage, match->spans, &keeps, err);
    return status == TCORE_OK && keeps ? traceql_add_match(run, out, *match, err) : status;
}

static enum tcore_status coalesce(struct traceql_run *run, struct traceql_matches *matches,
                                  struct tcore_error *err)
{
    struct traceql_match all = {0};
    if (!matches->count)
        return TCORE_OK;
    enum tcore_status status = traceql_merge(run, matches, &all.spans, err);
    *matches = (struct traceql_matches){0};
    return status == TCORE_OK ? traceql_add_match(run, matches, all, err) : status;
}

/* matches: what goes in, and then what comes out. */
static enum tcore_status run_pipeline(struct traceql_run *run, uint32_t first,
                                      struct traceql_matches *matches, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (uint32_t s = first; s != TRACEQL_NONE && status == TCORE_OK;
         s = run->query->stage[s].next) {
        const struct traceql_stage *stage = &run->query->stage[s];
        struct traceql_matches out = {0};
        if (stage->kind == TRACEQL_SELECT)
            continue;
        if (stage->kind == TRACEQL_COALESCE) {
            status = coalesce(run, matches, err);
            continue;
        }
        for (uint32_t i = 0; i < matches->count && status == TCORE_OK; i++)
            status = run_stage(run, stage, &matches->match[i], &out, err);
        *matches = out;
    }
    return status;
}

enum tcore_status traceql_run_trace(struct traceql_run *run, struct traceql_matches *matches,
                                    struct tcore_error *err)
{
    struct traceql_match all = {0};
    tcore_arena_reset(&run->arena);
    *matches = (struct traceql_matches){0};
    if (!make_room(run, &all.spans, run->structure->count))
        return tcore_error_nomem(err);
    for (uint32_t p = 0; p < run->structure->count; p++)
        all.spans.at[all.spans.count++] = p;
    enum tcore_status status = traceql_add_match(run, matches, all, err);
    return status == TCORE_OK ? run_pipeline(run, run->query->main, matches, err) : status;
}
