/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which series each row belongs to. The --by columns become symbols, a column at a time; then a
 * row finds its series by a look-up for each. Most rows need not go that way: strings of series
 * met lately are known by their bytes (agg/recent.h), and of columns with dictionaries each
 * combination of codes goes that way once a batch.
 */
#include "agg/rows.h"

#include "base/sys.h"

/* The metric name's symbol of a row that is no span. */
static uint32_t metric_of(const struct rows *r, uint32_t row, enum tcore_record_type type)
{
    if (type != TCORE_RECORD_METRIC || !r->metric_name)
        return 0;
    struct tcore_value name = tcore_column_get(r->metric_name, row);
    return symbol_of(&r->work->table.symbols, &name);
}

static uint32_t metric_symbol_of(const struct rows *r, uint32_t row)
{
    const struct agg_work *work = r->work;
    enum tcore_record_type type = r->batch->types[row];
    if (work->value_metric)
        return work->value_metric;
    return type == TCORE_RECORD_SPAN ? work->span_metric : metric_of(r, row, type);
}

/* The numbers of (type, metric name): one look-up if all rows are of one type that has one name. */
static bool first_level(const struct rows *r)
{
    struct agg_work *work = r->work;
    struct pair_table *level = &work->table.levels[0];
    uint8_t first = r->batch->types[r->row[0]], differ = 0;
    for (size_t i = 0; i < r->count; i++)
        differ |= r->batch->types[r->row[i]] ^ first;
    bool same = !differ && (work->value_metric || first != TCORE_RECORD_METRIC);
    uint32_t id = PAIR_NONE;
    for (size_t i = 0; i < r->count; i++) {
        if (i == 0 || !same) {
            uint32_t metric = metric_symbol_of(r, r->row[i]);
            id = metric == TCORE_MAP_NONE ? PAIR_NONE
                                          : pair_id(level, r->batch->types[r->row[i]], metric);
            if (id == PAIR_NONE)
                return false;
        }
        r->series[i] = id;
    }
    return true;
}

static uint32_t new_series(const struct rows *r, size_t i, uint32_t last)
{
    struct agg_table *table = &r->work->table;
    uint32_t metric = metric_symbol_of(r, r->row[i]), series = PAIR_NONE;
    uint32_t *by = tcore_reallocarray(NULL, table->by_count, sizeof *by);
    for (size_t k = 0; by && k < table->by_count; k++)
        by[k] = r->by[k * r->count + i];
    if (by)
        series = table_new_series(table, last, r->batch->types[r->row[i]], metric, by);
    tcore_free(by);
    return series;
}

/* Fills r->series a level at a time, so that the look-ups of many rows overlap. False: no memory.
 */
static bool find_series(const struct rows *r)
{
    struct agg_table *table = &r->work->table;
    if (!first_level(r))
        return false;
    for (size_t k = 0; k < table->by_count; k++) {
        struct pair_table *level = &table->levels[k + 1];
        const uint32_t *by = r->by + k * r->count;
        for (size_t i = 0; i < r->count; i++) {
            r->series[i] = pair_id(level, r->series[i], by[i]);
            if (__builtin_expect(r->series[i] == PAIR_NONE, 0))
                return false;
        }
    }
    for (size_t i = 0; i < r->count; i++) {
        uint32_t last = r->series[i];
        bool known = last < table->series_of_capacity && table->series_of[last];
        r->series[i] = known ? table->series_of[last] - 1 : new_series(r, i, last);
        if (__builtin_expect(r->series[i] == PAIR_NONE, 0))
            return false;
    }
    return true;
}

/* Fills r->series by way of the symbols of the --by values. */
static enum tcore_status find_by_symbols(struct rows *r, uint32_t *by, struct tcore_error *err)
{
    struct agg_work *work = r->work;
    for (size_t k = 0; k < work->table.by_count; k++) {
        enum tcore_status status =
            symbols_of_column(&work->table.symbols, &r->batch->columns[work->plan->by[k]], r->row,
                              r->count, by + k * r->count, err);
        if (status)
            return status;
    }
    r->by = by;
    return find_series(r) ? TCORE_OK : tcore_error_nomem(err);
}

/* The series of some rows alone, r->row[which[0..count)], into found[]. scratch has room for
 * by_count + 1 numbers each. */
static enum tcore_status find_some(const struct rows *r, const uint32_t *which, size_t count,
                                   uint32_t *found, uint32_t *scratch, struct tcore_error *err)
{
    struct rows some = *r;
    for (size_t i = 0; i < count; i++)
        scratch[i] = r->row[which[i]];
    some.row = scratch;
    some.count = count;
    some.series = found;
    return find_by_symbols(&some, scratch + count, err);
}

/* By the bytes of strings. */
static enum tcore_status find_by_bytes(struct rows *r, uint32_t *scratch, struct tcore_error *err)
{
    struct agg_work *work = r->work;
    const size_t *by = work->plan->by;
    uint32_t *missed = scratch, *found = missed + r->count;
    size_t count = recent_find(&work->recent, r->batch, by, r->row, r->count, r->series, missed);
    if (!count)
        return TCORE_OK;
    enum tcore_status status = find_some(r, missed, count, found, found + count, err);
    for (size_t i = 0; i < count && !status; i++) {
        r->series[missed[i]] = found[i];
        recent_keep(&work->recent, r->batch, by, r->row[missed[i]], found[i]);
    }
    return status;
}

/* How many combinations of codes the --by columns have; 0: not all have codes, or so many that a
 * table of them is more work than the rows. */
static size_t combinations_of(const struct rows *r)
{
    const struct agg_plan *plan = r->work->plan;
    size_t combinations = 1;
    for (size_t k = 0; k < plan->by_names.count; k++) {
        const struct tcore_column *by = &r->batch->columns[plan->by[k]];
        if (by->form == TCORE_COLUMN_DICT)
            combinations *= by->value_count;
        else if (by->form != TCORE_COLUMN_CONSTANT)
            return 0;
        if (combinations > r->count * 4)
            return 0;
    }
    return combinations;
}

/* r->series becomes the numbers of combinations. */
static void number_combinations(const struct rows *r)
{
    const struct agg_plan *plan = r->work->plan;
    const uint32_t *row = r->row;
    uint32_t *number = r->series;
    size_t count = r->count;
    bool begun = false;
    for (size_t k = 0; k < plan->by_names.count; k++) {
        const struct tcore_column *by = &r->batch->columns[plan->by[k]];
        const uint32_t *codes = by->codes, codes_count = by->value_count;
        if (by->form != TCORE_COLUMN_DICT)
            continue;
        if (begun)
            for (size_t i = 0; i < count; i++)
                number[i] = number[i] * codes_count + codes[row[i]];
        else
            for (size_t i = 0; i < count; i++)
                number[i] = codes[row[i]];
        begun = true;
    }
    if (!begun)
        memset(number, 0, count * sizeof *number);
}

/* By the codes of dictionaries: the first row of each combination goes the long way. */
static enum tcore_status find_by_codes(struct rows *r, size_t combinations, uint32_t *scratch,
                                       struct tcore_error *err)
{
    struct agg_work *work = r->work;
    if (combinations > work->of_codes_capacity) {
        uint32_t *memory = tcore_reallocarray(work->of_codes, combinations, sizeof *memory);
        if (!memory)
            return tcore_error_nomem(err);
        work->of_codes = memory;
        work->of_codes_capacity = combinations;
    }
    uint32_t *of = work->of_codes, *firsts = scratch, *found = firsts + r->count;
    size_t count = 0;
    memset(of, 0, combinations * sizeof *of);
    number_combinations(r);
    uint32_t *series = r->series;
    for (size_t i = 0; i < r->count; i++) {
        if (__builtin_expect(!of[series[i]], 0)) {
            of[series[i]] = 1;
            firsts[count++] = (uint32_t)i;
        }
    }
    enum tcore_status status = find_some(r, firsts, count, found, found + count, err);
    if (status)
        return status;
    for (size_t i = 0; i < count; i++)
        of[series[firsts[i]]] = found[i];
    for (size_t i = 0, rows = r->count; i < rows; i++)
        series[i] = of[series[i]];
    return TCORE_OK;
}

enum tcore_status rows_find_series(struct rows *r, struct tcore_error *err)
{
    struct agg_work *work = r->work;
    size_t need = (work->table.by_count + 4) * r->count;
    if (need > work->scratch_capacity) {
        uint32_t *memory = tcore_reallocarray(work->scratch, need, sizeof *memory);
        if (!memory)
            return tcore_error_nomem(err);
        work->scratch = memory;
        work->scratch_capacity = need;
    }
    r->series = work->scratch;
    uint32_t *scratch = r->series + r->count;
    size_t combinations = r->all_spans ? combinations_of(r) : 0;
    if (combinations)
        return find_by_codes(r, combinations, scratch, err);
    if (r->all_spans && recent_suits(&work->recent, r->batch, work->plan->by))
        return find_by_bytes(r, scratch, err);
    return find_by_symbols(r, scratch, err);
}
