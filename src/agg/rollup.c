/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From the roll-up of a segment instead of its records: its cells are merged into ours, which gives
 * the same state as adding the records would.
 */
#include <config.h>

#include "agg/agg.h"

#include "base/sys.h"
#include "store/rollup.h"

#include <string.h>

/* What the series of a roll-up can be grouped by. */
enum part { PART_SERVICE, PART_NAME, PART_METRIC, PART_NONE };

static enum part part_of(const char *field)
{
    static const char *const names[] = {"service", "name", "metricName"};
    for (int part = PART_SERVICE; part < PART_NONE; part++)
        if (strcmp(field, names[part]) == 0)
            return (enum part)part;
    return PART_NONE;
}

static bool is_rolled_up(enum tcore_stat_kind kind)
{
    switch (kind) {
    case TCORE_STAT_COUNT:
    case TCORE_STAT_RATE:
    case TCORE_STAT_SUM:
    case TCORE_STAT_MEAN:
    case TCORE_STAT_MIN:
    case TCORE_STAT_MAX:
    case TCORE_STAT_QUANTILE:
    case TCORE_STAT_HISTOGRAM:
    case TCORE_STAT_ERRORS:
    case TCORE_STAT_ERROR_RATE:
        return true;
    case TCORE_STAT_STDDEV:
    case TCORE_STAT_DISTINCT:
    case TCORE_STAT_TOPK:
    case TCORE_STAT_APDEX:
    case TCORE_STAT_FIELD_SUM:
    case TCORE_STAT_EXEMPLARS:
    case TCORE_STAT_INCREASE:
    case TCORE_STAT_INCREASE_RATE:
        break;
    }
    return false;
}

unsigned agg_rolls_up(const struct agg_plan *plan)
{
    if (plan->value || plan->roots || plan->own || plan->watermark ||
        plan->pane_ns % TCORE_ROLLUP_WINDOW_NS)
        return 0;
    for (size_t i = 0; i < plan->by_names.count; i++)
        if (part_of(plan->by_names.item[i]) == PART_NONE)
            return 0;
    for (size_t i = 0; i < plan->stats.count; i++)
        if (!is_rolled_up(plan->stats.stat[i].kind))
            return 0;
    return plan->types & (1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_METRIC);
}

/* A symbol by its bytes, which are the same there and here; an empty one is absent. */
static uint32_t symbol(struct agg_work *work, const struct tcore_slice *bytes)
{
    bool added;
    return bytes->length
               ? tcore_map_intern(&work->table.symbols.map, bytes->data, bytes->length, &added)
               : 0;
}

/* The symbol of a field; empty: absent. */
static const struct tcore_slice *part_of_series(const struct tcore_rollup_series *series,
                                                const char *field)
{
    static const struct tcore_slice absent;
    switch (part_of(field)) {
    case PART_SERVICE:
        return &series->service;
    case PART_NAME:
        return &series->name;
    case PART_METRIC: /* spans have one only in roll-ups */
        return series->type == TCORE_RECORD_METRIC ? &series->metric : &absent;
    case PART_NONE:
        break;
    }
    return &absent;
}

/* Columns that its records have. */
static void see_series(const struct agg_plan *plan, const struct tcore_rollup_series *series,
                       bool *seen)
{
    for (size_t i = 0; i < plan->by_names.count; i++)
        seen[plan->by[i]] |= part_of_series(series, plan->by_names.item[i])->length != 0;
}

static uint32_t find_series(struct agg_work *work, const struct tcore_rollup_series *from,
                            uint32_t *by)
{
    const struct agg_plan *plan = work->plan;
    uint32_t metric = symbol(work, &from->metric);
    bool nomem = metric == TCORE_MAP_NONE;
    for (size_t i = 0; i < plan->by_names.count; i++) {
        by[i] = symbol(work, part_of_series(from, plan->by_names.item[i]));
        nomem |= by[i] == TCORE_MAP_NONE;
    }
    return nomem ? PAIR_NONE : table_series(&work->table, from->type, metric, by);
}

/* No more of a cell than records would have left there. */
static enum tcore_status merge(struct tcore_cell *into, const struct tcore_cell *from,
                               const struct tcore_stats *stats)
{
    struct tcore_cell wanted = *from; /* borrows what from owns */
    if (!stats->sum)
        wanted.sum = (struct tcore_exact_sum){0};
    if (!stats->histogram) {
        wanted.histogram = (struct tcore_histogram){0};
        wanted.extra = NULL;
    }
    return tcore_cell_merge(into, &wanted, stats);
}

static enum tcore_status add_cells(struct agg_work *work, struct tcore_rollup_reader *reader,
                                   uint32_t series, struct tcore_error *err)
{
    const struct agg_plan *plan = work->plan;
    const struct tcore_cell *from;
    int64_t window;
    enum tcore_status status;
    while ((status = tcore_rollup_next_cell(reader, &window, &from, err)) == TCORE_OK) {
        int64_t index = 0;
        if (plan->pane_ns)
            index = agg_window_index(window, plan->pane_ns / tcore_rollup_reader_window(reader));
        struct agg_window *into = table_window(&work->table, index);
        struct tcore_cell *cell = into ? table_cell(into, series) : NULL;
        if (!cell)
            return tcore_error_nomem(err);
        status = merge(cell, from, &plan->stats);
        if (status == TCORE_BAD_INPUT)
            return tcore_error_set(err, TCORE_FATAL, "more than 2^47 values in one group");
        if (status != TCORE_OK)
            return tcore_error_nomem(err);
    }
    return status == TCORE_EOF ? TCORE_OK : status;
}

/* Whether something is told of the records that is not known of each series. */
static bool tells_of_records(const struct tcore_rollup_reader *reader, unsigned types)
{
    for (int type = 0; type < TCORE_RECORD_TYPES; type++) {
        const struct tcore_rollup_totals *totals =
            tcore_rollup_reader_totals(reader, (enum tcore_record_type)type);
        if (types >> type & 1 && (totals->negative | totals->bad_rates | totals->bad_histograms))
            return true;
    }
    return false;
}

static void add_totals(struct agg_work *work, const struct tcore_rollup_reader *reader,
                       unsigned types)
{
    bool of_values = work->plan->stats.sum || work->plan->stats.histogram;
    for (int type = 0; type < TCORE_RECORD_TYPES; type++) {
        if (!(types >> type & 1))
            continue;
        const struct tcore_rollup_totals *totals =
            tcore_rollup_reader_totals(reader, (enum tcore_record_type)type);
        work->seen.negative += totals->negative;
        work->seen.bad_rates += totals->bad_rates;
        work->seen.bad_histograms += totals->bad_histograms;
        work->seen.cumulative += of_values ? totals->cumulative : 0;
    }
}

/* A metric's points were taken by --where. */
static void note_cumulative(struct agg_work *work, const struct tcore_rollup_reader *reader)
{
    bool of_values = work->plan->stats.sum || work->plan->stats.histogram;
    if (of_values && tcore_rollup_reader_totals(reader, TCORE_RECORD_METRIC)->cumulative)
        work->seen.maybe_cumulative = true;
}

static enum tcore_status add_all(struct agg_work *work, struct tcore_rollup_reader *reader,
                                 unsigned types, const bool *wanted, uint32_t *by, bool *seen,
                                 struct tcore_error *err)
{
    struct tcore_rollup_series series;
    bool timed = work->plan->timed;
    enum tcore_status status;
    for (size_t i = 0; (status = tcore_rollup_next_series(reader, &series, err)) == TCORE_OK; i++) {
        if (!(types >> series.type & 1))
            continue;
        see_series(work->plan, &series, seen);
        if (wanted && !wanted[i])
            continue;
        if (wanted && series.type == TCORE_RECORD_METRIC)
            note_cumulative(work, reader);
        uint32_t number = find_series(work, &series, by);
        if (number == PAIR_NONE)
            return tcore_error_nomem(err);
        if (timed && series.first_ns < work->seen.first_ns)
            work->seen.first_ns = series.first_ns;
        if (timed && series.last_ns > work->seen.last_ns)
            work->seen.last_ns = series.last_ns;
        status = add_cells(work, reader, number, err);
        if (status != TCORE_OK)
            return status;
    }
    return status == TCORE_EOF ? TCORE_OK : status;
}

enum tcore_status agg_add_rollup(struct agg_work *work, const struct tcore_slice *rollup,
                                 unsigned types, const bool *wanted, bool *seen,
                                 struct tcore_error *err)
{
    const struct agg_plan *plan = work->plan;
    struct tcore_rollup_reader *reader;
    uint32_t *by = tcore_reallocarray(NULL, plan->by_names.count, sizeof *by);
    if (!by)
        return tcore_error_nomem(err);
    enum tcore_status status =
        tcore_rollup_reader_open(&reader, rollup->data, rollup->length, plan->stats.histogram, err);
    if (status == TCORE_OK && wanted && tells_of_records(reader, types)) {
        status = TCORE_SKIP;
    } else if (status == TCORE_OK) {
        if (!wanted)
            add_totals(work, reader, types);
        status = add_all(work, reader, types, wanted, by, seen, err);
        /* Its checksum was right, so this is no accident; and some of it has been taken. */
        status = status == TCORE_BAD_INPUT ? TCORE_FATAL : status;
    }
    tcore_rollup_reader_free(reader);
    tcore_free(by);
    return status == TCORE_OK ? agg_check_memory(work, err) : status;
}
