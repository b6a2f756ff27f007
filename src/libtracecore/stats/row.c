/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rarer ways in which a record adds to a cell. */
#include "stats/row.h"

#include "model/trace_state.h"

bool tcore_row_special(const struct tcore_value *v, double *d)
{
    static const struct {
        const char *name;
        double value;
    } specials[] = {
        {"NaN", __builtin_nan("")}, {"Infinity", __builtin_inf()}, {"-Infinity", -__builtin_inf()}};
    for (size_t i = 0; v->kind == TCORE_STRING && i < 3; i++) {
        if (v->len == strlen(specials[i].name) && !memcmp(v->s, specials[i].name, v->len)) {
            *d = specials[i].value;
            return true;
        }
    }
    return false;
}

enum tcore_status tcore_row_add_other(struct tcore_cell *cell, const struct tcore_stats *stats,
                                      enum tcore_record_type type, const struct tcore_value *value,
                                      const struct tcore_row_points *points, uint32_t row,
                                      uint64_t weight)
{
    double d;
    if (tcore_value_is_number(value))
        return tcore_cell_add_double(cell, stats, tcore_value_double(value), weight);
    if (type != TCORE_RECORD_METRIC)
        return TCORE_OK;
    if (tcore_row_special(value, &d))
        return tcore_cell_add_double(cell, stats, d, weight);
    struct tcore_value text = {0};
    if (points->histogram)
        text = tcore_column_get(points->histogram, row);
    if (text.kind == TCORE_JSON)
        return tcore_cell_add_histogram(cell, stats, text.s, text.len, weight);
    if (points->summary)
        text = tcore_column_get(points->summary, row);
    if (text.kind == TCORE_JSON)
        return tcore_cell_add_summary(cell, stats, text.s, text.len, weight);
    return TCORE_OK;
}

static uint64_t weight_of(double rate, bool *bad)
{
    *bad = !(rate >= 0x1p-32 && rate <= 1);
    return *bad ? TCORE_WEIGHT_ONE : (uint64_t)((double)TCORE_WEIGHT_ONE / rate + 0.5);
}

/* A rate that is beyond all use, below 2^-32, is taken for none, as 0 is. */
uint64_t tcore_row_weight(const struct tcore_column *sample_rate, uint32_t row, bool *bad)
{
    struct tcore_value value = tcore_column_get(sample_rate, row);
    *bad = false;
    if (value.kind == TCORE_ABSENT || value.kind == TCORE_NULL)
        return TCORE_WEIGHT_ONE;
    return weight_of(tcore_value_double(&value), bad);
}

uint64_t tcore_row_span_weight(const struct tcore_column *trace_state, uint32_t row, bool *bad)
{
    int64_t integer;
    const struct tcore_value *value;
    uint64_t threshold;
    *bad = false;
    if (tcore_row_integer(trace_state, row, &integer, &value) || value->kind != TCORE_STRING)
        return TCORE_WEIGHT_ONE;
    const struct tcore_slice state = {value->s, value->len};
    if (!tcore_trace_state_find(&state, &threshold))
        return TCORE_WEIGHT_ONE;
    return weight_of(tcore_trace_state_share(threshold), bad);
}

bool tcore_row_is_unweighted(const struct tcore_column *trace_state, const uint32_t *rows,
                             size_t count)
{
    unsigned strings = 0;
    if (!trace_state || trace_state->form == TCORE_COLUMN_INT64)
        return true;
    if (trace_state->form == TCORE_COLUMN_CONSTANT)
        return trace_state->values[0].kind != TCORE_STRING;
    if (trace_state->form == TCORE_COLUMN_DICT) {
        for (uint32_t i = 0; i < trace_state->value_count; i++)
            strings += trace_state->values[i].kind == TCORE_STRING;
        return !strings;
    }
    for (size_t i = 0; i < count; i++)
        strings += trace_state->values[rows[i]].kind == TCORE_STRING;
    return !strings;
}

bool tcore_row_is_cumulative(const struct tcore_column *metric_type,
                             const struct tcore_column *temporality, uint32_t row)
{
    struct tcore_value type = tcore_column_get(metric_type, row);
    struct tcore_value since = tcore_column_get(temporality, row);
    if (tcore_value_is_text(&type, "counter"))
        return since.kind == TCORE_ABSENT || tcore_value_is_text(&since, "cumulative");
    return tcore_value_is_text(&type, "histogram") && tcore_value_is_text(&since, "cumulative");
}
