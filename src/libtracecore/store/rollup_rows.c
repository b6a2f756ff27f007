/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Adding records to a roll-up, as trace-agg adds them to its cells. Which series a row belongs to
 * is found by the bytes of its strings in a cache of series met lately, in front of the map with
 * its keyed hash.
 */
#include "store/rollup_private.h"

#include "model/symbol.h"
#include "stats/row.h"

#include <string.h>

/* The rows that are being added, and what they are looked at by. */
struct rows {
    struct tcore_rollup_builder *builder;
    const struct tcore_batch *batch;
    const struct tcore_column *service, *name, *start_time, *duration, *status, *time, *value,
        *metric_name, *sample_rate, *trace_state, *metric_type, *temporality;
    struct tcore_row_points points;
};

static enum tcore_status add_path(struct tcore_projection *projection, const char *name,
                                  size_t *column, struct tcore_error *err)
{
    const struct tcore_path_key key = {name, strlen(name)};
    return tcore_projection_add_path(projection, &key, 1, column, err);
}

enum tcore_status tcore_rollup_project(struct tcore_projection *projection,
                                       struct tcore_rollup_columns *columns,
                                       struct tcore_error *err)
{
    static const struct tcore_path_key sample_rate[] = {{"quality", 7}, {"sampleRate", 10}};
    const struct {
        const char *name;
        size_t *column;
    } paths[] = {
        {"durationNano", &columns->duration},   {"startTimeUnixNano", &columns->start_time},
        {"status", &columns->status},           {"traceState", &columns->trace_state},
        {"timeUnixNano", &columns->time},       {"value", &columns->value},
        {"metricName", &columns->metric_name},  {"histogram", &columns->histogram},
        {"summary", &columns->summary},         {"metricType", &columns->metric_type},
        {"temporality", &columns->temporality},
    };
    enum tcore_status status =
        tcore_projection_add_field(projection, "service", &columns->service, err);
    if (!status)
        status = tcore_projection_add_field(projection, "name", &columns->name, err);
    for (size_t i = 0; i < sizeof paths / sizeof *paths && !status; i++)
        status = add_path(projection, paths[i].name, paths[i].column, err);
    if (!status)
        status = tcore_projection_add_path(projection, sample_rate, 2, &columns->sample_rate, err);
    return status;
}

static const struct tcore_value *value_at(const struct tcore_column *column, uint32_t row,
                                          struct tcore_value *integer)
{
    const struct tcore_value *value;
    if (!tcore_row_integer(column, row, &integer->i, &value))
        return value;
    *integer = tcore_value_int(integer->i);
    return integer;
}

static void append_part(struct tcore_buf *key, const struct tcore_value *value)
{
    size_t start = key->length;
    tcore_rollup_key_part(key, NULL, 0);
    if (value->kind == TCORE_ABSENT)
        return;
    tcore_symbol_append(key, value);
    if (key->failed)
        return;
    uint32_t bytes = (uint32_t)(key->length - start - sizeof bytes);
    memcpy(key->data + start, &bytes, sizeof bytes);
}

static uint32_t series_by_key(const struct rows *r, uint32_t row, enum tcore_record_type type,
                              const struct tcore_value *service, const struct tcore_value *name)
{
    struct tcore_buf *key = &r->builder->key;
    struct tcore_value integer, metric = tcore_value_string("durationNano", 12);
    tcore_rollup_key_begin(key, type);
    append_part(key, type == TCORE_RECORD_SPAN ? &metric : value_at(r->metric_name, row, &integer));
    append_part(key, service);
    append_part(key, name);
    return tcore_rollup_series_of(r->builder, key);
}

/* A cheap hash; whoever floods it pays what the map costs. */
static uint32_t hash_of(const struct tcore_value *value, uint32_t hash)
{
    uint64_t head = 0, tail = 0;
    if (value->len >= 8) {
        memcpy(&head, value->s, 8);
        memcpy(&tail, value->s + value->len - 8, 8);
    } else {
        memcpy(&head, value->s, value->len);
    }
    uint64_t mixed = (head ^ (tail << 23 | tail >> 41) ^ hash) + value->len;
    return (uint32_t)(mixed * UINT64_C(0x9e3779b97f4a7c15) >> 40);
}

static bool is_recent(const struct tcore_rollup_recent *entry, const struct tcore_value *service,
                      const struct tcore_value *name)
{
    return entry->name && entry->service_length == service->len &&
           entry->name_length == name->len && !memcmp(entry->service, service->s, service->len) &&
           !memcmp(entry->name, name->s, name->len);
}

static uint32_t series_of(const struct rows *r, uint32_t row, enum tcore_record_type type)
{
    struct tcore_value integers[2];
    const struct tcore_value *service = value_at(r->service, row, &integers[0]),
                             *name = value_at(r->name, row, &integers[1]);
    struct tcore_rollup_builder *b = r->builder;
    if (type != TCORE_RECORD_SPAN || service->kind != TCORE_STRING || name->kind != TCORE_STRING ||
        !service->len || !name->len)
        return series_by_key(r, row, type, service, name);
    uint32_t hash = hash_of(name, hash_of(service, 0)) % TCORE_ROLLUP_CACHE;
    struct tcore_rollup_recent *entry = &b->recent[hash];
    if (is_recent(entry, service, name))
        return entry->series;
    uint32_t series = series_by_key(r, row, type, service, name);
    if (series != TCORE_MAP_NONE) {
        struct tcore_rollup_key parts = tcore_rollup_key_parts(&b->keys.keys[series]);
        *entry = (struct tcore_rollup_recent){
            .service = parts.part[1].data + 1, /* behind the symbols' kinds */
            .name = parts.part[2].data + 1,
            .service_length = service->len,
            .name_length = name->len,
            .series = series,
        };
    }
    return series;
}

static enum tcore_status add_value(const struct rows *r, struct tcore_cell *cell, uint32_t row,
                                   enum tcore_record_type type, uint64_t weight)
{
    struct tcore_rollup_totals *totals = &r->builder->totals[type];
    const struct tcore_column *values = type == TCORE_RECORD_SPAN ? r->duration : r->value;
    const struct tcore_value *value;
    int64_t integer;
    if (type == TCORE_RECORD_METRIC)
        totals->cumulative += tcore_row_is_cumulative(r->metric_type, r->temporality, row);
    if (!tcore_row_integer(values, row, &integer, &value)) {
        enum tcore_status status =
            tcore_row_add_other(cell, &tcore_rollup_stats, type, value, &r->points, row, weight);
        totals->bad_histograms += status == TCORE_SKIP;
        return status == TCORE_SKIP ? TCORE_OK : status;
    }
    if (weight != TCORE_WEIGHT_ONE)
        return tcore_cell_add_weighted_int(cell, &tcore_rollup_stats, integer, weight);
    return tcore_cell_add_int(cell, &tcore_rollup_stats, integer);
}

/* A span or metric. TCORE_BAD_INPUT, or TCORE_FATAL when the type is given up. */
static enum tcore_status add_placed(const struct rows *r, uint32_t row, enum tcore_record_type type,
                                    int64_t time)
{
    struct tcore_rollup_builder *b = r->builder;
    uint64_t weight;
    uint32_t series = series_of(r, row, type);
    if (series == TCORE_MAP_NONE)
        return TCORE_FATAL;
    tcore_rollup_widen(b, series, time, time);
    struct tcore_cell *cell =
        tcore_rollup_cell_of(b, series, tcore_rollup_window(time, b->window_ns));
    if (!cell)
        return TCORE_FATAL;
    bool bad;
    weight = type == TCORE_RECORD_METRIC ? tcore_row_weight(r->sample_rate, row, &bad)
                                         : tcore_row_span_weight(r->trace_state, row, &bad);
    b->totals[type].bad_rates += bad;
    bool error = false;
    if (type == TCORE_RECORD_SPAN) {
        int64_t integer;
        const struct tcore_value *value;
        tcore_row_integer(r->status, row, &integer, &value);
        error = tcore_row_is_error(value, type);
    }
    enum tcore_status status = TCORE_OK;
    if (weight == TCORE_WEIGHT_ONE)
        tcore_cell_count(cell, error);
    else
        status = tcore_cell_count_weighted(cell, weight, error);
    return status ? status : add_value(r, cell, row, type, weight);
}

static enum tcore_status add_row(const struct rows *r, uint32_t row)
{
    enum tcore_record_type type = (enum tcore_record_type)r->batch->types[row];
    struct tcore_rollup_totals *totals = &r->builder->totals[type];
    const struct tcore_value *other;
    int64_t time;
    bool rolled_up = type == TCORE_RECORD_SPAN || type == TCORE_RECORD_METRIC;
    if (!rolled_up || totals->given_up ||
        !tcore_row_integer(type == TCORE_RECORD_SPAN ? r->start_time : r->time, row, &time,
                           &other)) {
        totals->unplaced++;
        return TCORE_OK;
    }
    totals->placed++;
    enum tcore_status status = add_placed(r, row, type, time);
    if (status == TCORE_BAD_INPUT)
        totals->given_up = true;
    return totals->given_up ? TCORE_OK : status;
}

enum tcore_status tcore_rollup_add(struct tcore_rollup_builder *builder,
                                   const struct tcore_rollup_columns *columns,
                                   const struct tcore_batch *batch, const uint32_t *rows,
                                   size_t count, struct tcore_error *err)
{
    const struct tcore_column *column = batch->columns;
    const struct rows r = {.builder = builder,
                           .batch = batch,
                           .service = &column[columns->service],
                           .name = &column[columns->name],
                           .start_time = &column[columns->start_time],
                           .duration = &column[columns->duration],
                           .status = &column[columns->status],
                           .time = &column[columns->time],
                           .value = &column[columns->value],
                           .metric_name = &column[columns->metric_name],
                           .points = {&column[columns->histogram], &column[columns->summary]},
                           .sample_rate = &column[columns->sample_rate],
                           .trace_state = &column[columns->trace_state],
                           .metric_type = &column[columns->metric_type],
                           .temporality = &column[columns->temporality]};
    for (size_t i = 0; i < count; i++)
        if (add_row(&r, rows[i]))
            return tcore_error_nomem(err);
    return TCORE_OK;
}
