/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rarer parts of a cell: each function here does one thing for all kinds of them. */
#include "stats/cell_extra.h"

#include "base/sys.h"
#include "stats/encode.h"

struct tcore_cell_extra *tcore_cell_need_extra(struct tcore_cell *cell,
                                               const struct tcore_stats *stats)
{
    if (cell->extra)
        return cell->extra;
    cell->extra =
        tcore_calloc(1, sizeof *cell->extra + stats->extra_count * sizeof *cell->extra->state);
    return cell->extra;
}

static void free_state(union tcore_cell_extra_state *state, const struct tcore_stat *stat)
{
    switch (stat->kind) {
    case TCORE_STAT_DISTINCT:
        tcore_distinct_free(&state->distinct);
        break;
    case TCORE_STAT_TOPK:
        tcore_topk_free(&state->topk);
        break;
    case TCORE_STAT_FIELD_SUM:
        tcore_exact_sum_free(&state->field.sum);
        break;
    case TCORE_STAT_EXEMPLARS:
        tcore_exemplars_free(&state->exemplars);
        break;
    case TCORE_STAT_INCREASE:
    case TCORE_STAT_INCREASE_RATE:
        tcore_increase_free(&state->increase);
        break;
    default:
        break;
    }
}

void tcore_cell_extra_free(struct tcore_cell_extra *extra, const struct tcore_stats *stats)
{
    if (!extra)
        return;
    tcore_exact_sum_free(&extra->squares);
    tcore_bounded_histogram_free(&extra->bounded);
    for (size_t i = 0; i < stats->count; i++)
        if (!stats->stat[i].shares)
            free_state(&extra->state[stats->stat[i].extra], &stats->stat[i]);
    tcore_free(extra);
}

static size_t state_bytes(const union tcore_cell_extra_state *state, const struct tcore_stat *stat)
{
    switch (stat->kind) {
    case TCORE_STAT_DISTINCT:
        return tcore_distinct_bytes(&state->distinct);
    case TCORE_STAT_TOPK:
        return tcore_topk_bytes(&state->topk);
    case TCORE_STAT_FIELD_SUM:
        return tcore_exact_sum_bytes(&state->field.sum);
    case TCORE_STAT_EXEMPLARS:
        return state->exemplars.list ? stat->limit * sizeof *state->exemplars.list : 0;
    case TCORE_STAT_INCREASE:
    case TCORE_STAT_INCREASE_RATE:
        return tcore_increase_bytes(&state->increase);
    default:
        return 0;
    }
}

size_t tcore_cell_extra_bytes(const struct tcore_cell *cell, const struct tcore_stats *stats)
{
    const struct tcore_cell_extra *extra = cell->extra;
    if (!extra || !stats->extra_count)
        return 0;
    size_t bytes = sizeof *extra + stats->extra_count * sizeof *extra->state;
    for (size_t i = 0; i < stats->count; i++)
        if (!stats->stat[i].shares)
            bytes += state_bytes(&extra->state[stats->stat[i].extra], &stats->stat[i]);
    return bytes;
}

static enum tcore_status merge_state(union tcore_cell_extra_state *into,
                                     const union tcore_cell_extra_state *from,
                                     const struct tcore_stat *stat)
{
    switch (stat->kind) {
    case TCORE_STAT_DISTINCT:
        return tcore_distinct_merge(&into->distinct, &from->distinct);
    case TCORE_STAT_TOPK:
        return tcore_topk_merge(&into->topk, &from->topk);
    case TCORE_STAT_APDEX:
        return tcore_apdex_merge(&into->apdex, &from->apdex);
    case TCORE_STAT_FIELD_SUM:
        into->field.any |= from->field.any;
        return tcore_exact_sum_merge(&into->field.sum, &from->field.sum);
    case TCORE_STAT_EXEMPLARS:
        return tcore_exemplars_merge(&into->exemplars, stat->limit, &from->exemplars);
    case TCORE_STAT_INCREASE:
    case TCORE_STAT_INCREASE_RATE:
        return tcore_increase_merge(&into->increase, &from->increase);
    default:
        return TCORE_OK;
    }
}

enum tcore_status tcore_cell_extra_merge(struct tcore_cell *into,
                                         const struct tcore_cell_extra *from,
                                         const struct tcore_stats *stats)
{
    struct tcore_cell_extra *extra = tcore_cell_need_extra(into, stats);
    if (!extra)
        return TCORE_FATAL;
    enum tcore_status status = tcore_exact_sum_merge(&extra->squares, &from->squares);
    if (!status)
        status = tcore_bounded_histogram_merge(&extra->bounded, &from->bounded);
    for (size_t i = 0; i < stats->count && !status; i++) {
        const struct tcore_stat *stat = &stats->stat[i];
        if (!stat->shares)
            status = merge_state(&extra->state[stat->extra], &from->state[stat->extra], stat);
    }
    return status;
}

static enum tcore_status encode_state(const union tcore_cell_extra_state *state,
                                      const struct tcore_stat *stat, struct tcore_buf *out)
{
    switch (stat->kind) {
    case TCORE_STAT_DISTINCT:
        return tcore_distinct_encode(&state->distinct, out);
    case TCORE_STAT_TOPK:
        return tcore_topk_encode(&state->topk, out);
    case TCORE_STAT_APDEX:
        tcore_apdex_encode(&state->apdex, out);
        break;
    case TCORE_STAT_FIELD_SUM:
        tcore_encode_uint64(out, state->field.any);
        tcore_exact_sum_encode(&state->field.sum, out);
        break;
    case TCORE_STAT_EXEMPLARS:
        tcore_exemplars_encode(&state->exemplars, out);
        break;
    case TCORE_STAT_INCREASE:
    case TCORE_STAT_INCREASE_RATE:
        return tcore_increase_encode(&state->increase, out);
    default:
        break;
    }
    return TCORE_OK;
}

enum tcore_status tcore_cell_extra_encode(const struct tcore_cell_extra *extra,
                                          const struct tcore_stats *stats, struct tcore_buf *out)
{
    enum tcore_status status = TCORE_OK;
    tcore_exact_sum_encode(&extra->squares, out);
    tcore_bounded_histogram_encode(&extra->bounded, out);
    for (size_t i = 0; i < stats->count && !status; i++)
        if (!stats->stat[i].shares)
            status = encode_state(&extra->state[stats->stat[i].extra], &stats->stat[i], out);
    return status;
}

static enum tcore_status decode_state(union tcore_cell_extra_state *state,
                                      const struct tcore_stat *stat, struct tcore_state_reader *in,
                                      struct tcore_error *err)
{
    uint64_t any;
    switch (stat->kind) {
    case TCORE_STAT_DISTINCT:
        return tcore_distinct_decode(&state->distinct, in, err);
    case TCORE_STAT_TOPK:
        return tcore_topk_decode(&state->topk, in, err);
    case TCORE_STAT_APDEX:
        return tcore_apdex_decode(&state->apdex, in, err);
    case TCORE_STAT_FIELD_SUM:
        if (!tcore_decode_uint64(in, &any) || any > 1)
            return tcore_decode_failed(err, "sum", "bad head");
        state->field.any = any;
        return tcore_exact_sum_decode(&state->field.sum, in, err);
    case TCORE_STAT_EXEMPLARS:
        return tcore_exemplars_decode(&state->exemplars, stat->limit, in, err);
    case TCORE_STAT_INCREASE:
    case TCORE_STAT_INCREASE_RATE:
        return tcore_increase_decode(&state->increase, in, err);
    default:
        return TCORE_OK;
    }
}

enum tcore_status tcore_cell_extra_decode(struct tcore_cell *cell, const struct tcore_stats *stats,
                                          struct tcore_state_reader *in, struct tcore_error *err)
{
    struct tcore_cell_extra *extra = tcore_cell_need_extra(cell, stats);
    if (!extra)
        return tcore_error_nomem(err);
    enum tcore_status status = tcore_exact_sum_decode(&extra->squares, in, err);
    if (!status)
        status = tcore_bounded_histogram_decode(&extra->bounded, in, err);
    for (size_t i = 0; i < stats->count && !status; i++)
        if (!stats->stat[i].shares)
            status = decode_state(&extra->state[stats->stat[i].extra], &stats->stat[i], in, err);
    return status;
}
