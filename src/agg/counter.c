/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * increase: what points of metrics say of how much counters grew. Of counters it is their value, of
 * histograms and summaries their count. A series is named by its metric, dimensions, resource and
 * scope, whatever the group it is in.
 */
#include "agg/rows.h"

#include "base/sys.h"
#include "model/symbol.h"

#include <math.h>
#include <string.h>

/* The count of a histogram or summary. */
static bool count_of_points(const struct rows *r, uint32_t row, struct tcore_value *value)
{
    struct tcore_json *json = &r->work->json;
    struct tcore_value text = {0};
    struct tcore_error err = {0};
    if (r->points.histogram)
        text = tcore_column_get(r->points.histogram, row);
    if (text.kind != TCORE_JSON && r->points.summary)
        text = tcore_column_get(r->points.summary, row);
    if (text.kind != TCORE_JSON || tcore_json_parse(json, text.s, text.len, &err))
        return false;
    uint32_t count = tcore_json_find(json, 0, "count");
    if (count)
        *value = json->node[count].value;
    return count != 0;
}

static bool is_text(const struct tcore_column *column, uint32_t row, const char *text)
{
    struct tcore_value value = tcore_column_get(column, row);
    return tcore_value_is_text(&value, text);
}

/* Whether the point is of a kind that grows; *cumulative: it is a total since some start. */
static bool grows(const struct rows *r, uint32_t row, bool *cumulative)
{
    *cumulative = tcore_row_is_cumulative(r->metric_type, r->temporality, row);
    if (*cumulative)
        return true;
    if (is_text(r->temporality, row, "delta"))
        return is_text(r->metric_type, row, "counter") || is_text(r->metric_type, row, "histogram");
    /* a summary says nothing of its temporality: OTLP and Prometheus have totals alone */
    *cumulative = r->points.summary && tcore_column_get(r->points.summary, row).kind == TCORE_JSON;
    return *cumulative;
}

/* An integer, or a finite double. */
static bool make_number(struct tcore_value *value)
{
    if (value->kind == TCORE_INT)
        return true;
    if (!tcore_value_is_number(value))
        return false;
    *value = tcore_value_of_double(tcore_value_double(value));
    return isfinite(value->d);
}

static int64_t time_at(const struct tcore_column *column, uint32_t row, int64_t otherwise)
{
    struct tcore_value time = {0};
    if (column)
        time = tcore_column_get(column, row);
    return time.kind == TCORE_INT ? time.i : otherwise;
}

/* What names the series into work->key. */
static bool name_series(const struct rows *r, uint32_t row)
{
    struct tcore_buf *key = &r->work->key;
    struct tcore_value name = tcore_column_get(r->metric_name, row);
    tcore_buf_clear(key);
    if (name.kind != TCORE_ABSENT)
        tcore_symbol_append(key, &name);
    for (size_t i = 0; i < 3; i++) {
        const struct tcore_column *column = &r->batch->columns[r->work->plan->identity[i]];
        struct tcore_value value = tcore_column_get(column, row);
        tcore_buf_putc(key, '\0');
        if (value.kind != TCORE_ABSENT)
            tcore_symbol_append(key, &value);
    }
    return !key->failed;
}

enum tcore_status rows_add_counter(const struct rows *r, struct tcore_cell *cell,
                                   const struct tcore_stat *stat, uint32_t row,
                                   const struct tcore_value *value, uint64_t weight)
{
    const struct tcore_stats *stats = &r->work->plan->stats;
    bool cumulative;
    if (r->batch->types[row] != TCORE_RECORD_METRIC || !grows(r, row, &cumulative))
        return TCORE_OK;
    struct tcore_counter_point point = {time_at(r->time, row, INT64_MIN),
                                        time_at(r->start_time, row, 0), *value};
    if (!tcore_value_is_number(value) && !count_of_points(r, row, &point.value))
        return TCORE_OK;
    if (!make_number(&point.value))
        return TCORE_OK;
    if (!cumulative)
        return tcore_cell_add_increase(cell, stats, stat, &point.value, weight);
    if (point.time_ns == INT64_MIN)
        return TCORE_OK;
    if (point.start_ns <= 0 || point.start_ns > point.time_ns)
        point.start_ns = TCORE_NO_START; /* 0 is OTLP's for not known */
    if (!name_series(r, row))
        return TCORE_FATAL;
    return tcore_cell_add_counter(cell, stats, stat, r->work->key.data, r->work->key.length,
                                  &point);
}

static bool reserve_newest(struct agg_work *work)
{
    uint32_t count = work->table.series_count;
    if (count <= work->newest_count)
        return true;
    struct tcore_increase *newest = tcore_reallocarray(work->newest, count, sizeof *newest);
    if (!newest)
        return false;
    memset(newest + work->newest_count, 0, (count - work->newest_count) * sizeof *newest);
    work->newest = newest;
    work->newest_count = count;
    return true;
}

enum tcore_status agg_link_counters(struct agg_work *work, struct agg_window *window,
                                    struct tcore_error *err)
{
    const struct agg_plan *plan = work->plan;
    const struct tcore_stat *stat = agg_increase(&plan->stats);
    int64_t origin_ns = work->seen.first_ns;
    if (plan->pane_ns && origin_ns != INT64_MAX)
        origin_ns = agg_pane_time(plan, agg_window_index(origin_ns, plan->pane_ns)).start_ns;
    bool ok = reserve_newest(work);
    for (uint32_t i = 0; ok && i < window->count; i++) {
        struct tcore_cell *cell = &window->cells[i];
        ok = !tcore_cell_link_counters(cell, stat, &work->newest[cell->series], origin_ns);
    }
    return ok ? TCORE_OK : tcore_error_nomem(err);
}
