/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a row adds to the statistics that have a state of their own. */
#include "agg/rows.h"

#include "model/id.h"
#include "model/symbol.h"

/* distinct and topk: a field's value, whatever it is. */
static enum tcore_status add_bytes(const struct rows *r, struct tcore_cell *cell,
                                   const struct tcore_stat *stat, uint32_t row, uint64_t weight)
{
    struct tcore_buf *key = &r->work->key;
    struct tcore_value field = tcore_column_get(&r->batch->columns[stat->column], row);
    if (field.kind == TCORE_ABSENT)
        return TCORE_OK;
    tcore_buf_clear(key);
    tcore_symbol_append(key, &field);
    if (key->failed)
        return TCORE_FATAL;
    return tcore_cell_add_bytes(cell, &r->work->plan->stats, stat, key->data, key->length, weight);
}

static enum tcore_status add_field(const struct rows *r, struct tcore_cell *cell,
                                   const struct tcore_stat *stat, uint32_t row, uint64_t weight)
{
    struct tcore_value field = tcore_column_get(&r->batch->columns[stat->column], row);
    return tcore_value_is_number(&field)
               ? tcore_cell_add_field(cell, &r->work->plan->stats, stat, &field, weight)
               : TCORE_OK;
}

/* The bytes of an id, which belongs to the record or to the context it was made in. */
static bool id_of(const struct rows *r, const size_t columns[2], enum tcore_id_class id,
                  uint32_t row, uint8_t *bytes)
{
    for (size_t i = 0; i < 2; i++) {
        if (columns[i] == SIZE_MAX)
            continue;
        struct tcore_value text = tcore_column_get(&r->batch->columns[columns[i]], row);
        if (text.kind != TCORE_STRING || !tcore_id_is_canonical(id, text.s, text.len))
            continue;
        tcore_id_bytes(text.s, bytes, id / 2);
        return true;
    }
    return false;
}

static enum tcore_status add_exemplar(const struct rows *r, struct tcore_cell *cell,
                                      const struct tcore_stat *stat, uint32_t row,
                                      const struct tcore_value *value)
{
    const struct agg_plan *plan = r->work->plan;
    uint8_t trace_id[TCORE_TRACE_ID / 2], span_id[TCORE_SPAN_ID / 2];
    if (!id_of(r, plan->trace_id, TCORE_TRACE_ID, row, trace_id))
        return TCORE_OK;
    bool has_span = id_of(r, plan->span_id, TCORE_SPAN_ID, row, span_id);
    struct tcore_exemplar exemplar = tcore_exemplar_of(value, trace_id, has_span ? span_id : NULL);
    return tcore_cell_add_exemplar(cell, &plan->stats, stat, &exemplar);
}

enum tcore_status rows_add_extras(const struct rows *r, struct tcore_cell *cell, uint32_t row,
                                  const struct tcore_value *value, bool error, uint64_t weight)
{
    const struct tcore_stats *stats = &r->work->plan->stats;
    enum tcore_status status = TCORE_OK;
    struct tcore_value special;
    double d;
    if (r->batch->types[row] == TCORE_RECORD_METRIC && tcore_row_special(value, &d)) {
        special = tcore_value_of_double(d);
        value = &special;
    }
    for (size_t k = 0; k < stats->count && !status; k++) {
        const struct tcore_stat *stat = &stats->stat[k];
        if (stat->shares)
            continue;
        switch (stat->kind) {
        case TCORE_STAT_DISTINCT:
        case TCORE_STAT_TOPK:
            status = add_bytes(r, cell, stat, row, weight);
            break;
        case TCORE_STAT_APDEX:
            if (tcore_value_is_number(value))
                status = tcore_cell_add_apdex(cell, stats, stat, tcore_value_double(value), error,
                                              weight);
            break;
        case TCORE_STAT_FIELD_SUM:
            status = add_field(r, cell, stat, row, weight);
            break;
        case TCORE_STAT_EXEMPLARS:
            status = add_exemplar(r, cell, stat, row, value);
            break;
        case TCORE_STAT_INCREASE:
        case TCORE_STAT_INCREASE_RATE:
            status = rows_add_counter(r, cell, stat, row, value, weight);
            break;
        default:
            break;
        }
    }
    return status;
}
