/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stages that look at a spanset as a whole: aggregates, by() and coalesce(). */
#include <config.h>

#include "span/traceql/traceql_run.h"

#include <string.h>

/* --- Lists of matches */

/* The room is the next power of two, from 4 on. */
enum tcore_status traceql_add_match(struct traceql_run *run, struct traceql_matches *matches,
                                    struct traceql_match match, struct tcore_error *err)
{
    uint32_t count = matches->count;
    bool full = !count || (count >= 4 && !(count & (count - 1)));
    if (full) {
        size_t room = count ? 2 * (size_t)count : 4;
        struct traceql_match *moved = tcore_arena_alloc(&run->arena, room * sizeof *moved);
        if (!moved)
            return tcore_error_nomem(err);
        if (count)
            memcpy(moved, matches->match, count * sizeof *moved);
        matches->match = moved;
    }
    matches->match[matches->count++] = match;
    return TCORE_OK;
}

/* By marks, so that it does not matter how many there are. */
enum tcore_status traceql_merge(struct traceql_run *run, const struct traceql_matches *matches,
                                struct traceql_spans *out, struct tcore_error *err)
{
    uint32_t *mark = run->structure->mark, first = UINT32_MAX, behind = 0, count = 0;
    for (uint32_t m = 0; m < matches->count; m++) {
        struct traceql_spans spans = matches->match[m].spans;
        for (uint32_t i = 0; i < spans.count; i++)
            mark[spans.at[i]] = 1;
        first = spans.at[0] < first ? spans.at[0] : first;
        behind = spans.at[spans.count - 1] >= behind ? spans.at[spans.count - 1] + 1 : behind;
        count += spans.count;
    }
    *out = (struct traceql_spans){0};
    out->at = tcore_arena_alloc(&run->arena, ((size_t)count + 1) * sizeof *out->at);
    for (uint32_t p = first; p < behind; p++) {
        if (out->at && mark[p])
            out->at[out->count++] = p;
        mark[p] = 0;
    }
    return out->at ? TCORE_OK : tcore_error_nomem(err);
}

/* --- Aggregates */

/* Of the numbers that there are. */
struct tally {
    uint64_t count;
    struct traceql_value sum, least, most;
};

static void add(struct tally *tally, const struct traceql_value *value)
{
    bool comparable;
    if (!tally->count++) {
        tally->sum = tally->least = tally->most = *value;
        return;
    }
    tally->sum = traceql_calculate(TRACEQL_ADD, &tally->sum, value);
    if (traceql_compare(TRACEQL_LESS, value, &tally->least, &comparable))
        tally->least = *value;
    if (traceql_compare(TRACEQL_GREATER, value, &tally->most, &comparable))
        tally->most = *value;
}

static enum tcore_status tally_spans(struct traceql_run *run, uint32_t root,
                                     struct traceql_spans spans, struct tally *tally,
                                     struct tcore_error *err)
{
    struct traceql_value value;
    for (uint32_t i = 0; i < spans.count; i++) {
        enum tcore_status status = run->load(run->loader, spans.at[i], run->evaluator.field, err);
        if (status == TCORE_OK)
            status = traceql_evaluate(&run->evaluator, root, &value, err);
        if (status != TCORE_OK)
            return status;
        if (traceql_is_numeric(&value))
            add(tally, &value);
    }
    return TCORE_OK;
}

static struct traceql_value average(const struct tally *tally)
{
    return (struct traceql_value){.type = TRACEQL_FLOAT,
                                  .real = traceql_real(&tally->sum) / (double)tally->count};
}

/* nil where no span has a number. */
static enum tcore_status aggregate(struct traceql_run *run, const struct traceql_node *node,
                                   struct traceql_spans spans, struct traceql_value *value,
                                   struct tcore_error *err)
{
    struct tally tally = {0};
    if (node->op == TRACEQL_COUNT) {
        *value = (struct traceql_value){.type = TRACEQL_INTEGER, .integer = spans.count};
        return TCORE_OK;
    }
    enum tcore_status status = tally_spans(run, node->left, spans, &tally, err);
    *value = (struct traceql_value){.type = TRACEQL_NIL};
    if (!tally.count)
        return status;
    if (node->op == TRACEQL_AVERAGE)
        *value = average(&tally);
    else if (node->op == TRACEQL_SUM)
        *value = tally.sum;
    else
        *value = node->op == TRACEQL_MINIMUM ? tally.least : tally.most;
    return status;
}

enum tcore_status traceql_keeps(struct traceql_run *run, const struct traceql_stage *stage,
                                struct traceql_spans spans, bool *keeps, struct tcore_error *err)
{
    const struct traceql_node *nodes = run->query->node;
    struct traceql_value value;
    for (uint32_t i = nodes[stage->root].first; i <= stage->root; i++) {
        if (nodes[i].op < TRACEQL_COUNT)
            continue;
        enum tcore_status status = aggregate(run, &nodes[i], spans, &run->evaluator.result[i], err);
        if (status != TCORE_OK)
            return status;
    }
    enum tcore_status status = traceql_evaluate(&run->evaluator, stage->root, &value, err);
    *keeps = status == TCORE_OK && traceql_is_true(&value);
    return status;
}

/* --- by() */

/* What spans are grouped by: 1 and 1.0 are one group. */
static void write_key(struct tcore_buf *key, const struct traceql_value *value)
{
    struct traceql_value same = *value;
    if (value->type == TRACEQL_FLOAT && value->real >= -0x1p53 && value->real <= 0x1p53 &&
        value->real == (double)(int64_t)value->real)
        same = (struct traceql_value){.type = TRACEQL_INTEGER, .integer = (int64_t)value->real};
    tcore_buf_clear(key);
    traceql_write(key, &same);
}

/* Numbers the groups of the spans: *number by place in spans. */
static enum tcore_status number_groups(struct traceql_run *run, uint32_t root,
                                       struct traceql_spans spans, uint32_t *number,
                                       struct tcore_error *err)
{
    struct traceql_value value;
    tcore_map_clear(&run->groups);
    for (uint32_t i = 0; i < spans.count; i++) {
        enum tcore_status status = run->load(run->loader, spans.at[i], run->evaluator.field, err);
        if (status == TCORE_OK)
            status = traceql_evaluate(&run->evaluator, root, &value, err);
        if (status != TCORE_OK)
            return status;
        write_key(&run->key, &value);
        number[i] = tcore_map_intern(&run->groups, run->key.data, run->key.length, NULL);
        if (run->key.failed || number[i] == TCORE_MAP_NONE)
            return tcore_error_nomem(err);
    }
    return TCORE_OK;
}

static enum tcore_status make_groups(struct traceql_run *run, const struct traceql_stage *stage,
                                     const struct traceql_match *match, struct traceql_matches *out,
                                     struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (uint32_t g = 0; g < run->groups.count && status == TCORE_OK; g++) {
        const struct tcore_map_key *key = &run->groups.keys[g];
        struct traceql_group *group = tcore_arena_alloc(&run->arena, sizeof *group);
        const char *json = tcore_arena_copy(&run->arena, key->data, key->length);
        struct traceql_match made = {.group = group};
        if (!group || !json)
            return tcore_error_nomem(err);
        *group = (struct traceql_group){stage->label, {json, key->length}, match->group};
        status = traceql_add_match(run, out, made, err);
    }
    return status;
}

enum tcore_status traceql_split(struct traceql_run *run, const struct traceql_stage *stage,
                                const struct traceql_match *match, struct traceql_matches *out,
                                struct tcore_error *err)
{
    struct traceql_spans spans = match->spans;
    uint32_t from = out->count;
    uint32_t *number = tcore_arena_alloc(&run->arena, spans.count * sizeof *number);
    uint32_t *room = tcore_arena_alloc(&run->arena, spans.count * sizeof *room);
    if (!number || !room)
        return tcore_error_nomem(err);
    enum tcore_status status = number_groups(run, stage->root, spans, number, err);
    if (status == TCORE_OK)
        status = make_groups(run, stage, match, out, err);
    if (status != TCORE_OK)
        return status;
    struct traceql_match *made = out->match + from;
    for (uint32_t i = 0; i < spans.count; i++)
        made[number[i]].spans.count++;
    for (uint32_t g = 0; g < run->groups.count; g++) {
        made[g].spans.at = room;
        room += made[g].spans.count;
        made[g].spans.count = 0;
    }
    for (uint32_t i = 0; i < spans.count; i++) {
        struct traceql_spans *group = &made[number[i]].spans;
        group->at[group->count++] = spans.at[i];
    }
    return TCORE_OK;
}
