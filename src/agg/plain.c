/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Adding the rows that nearly all are: spans in one window, of which no more is asked than what
 * cells hold themselves. Where a batch has many rows a series, their values are put together by
 * series first (a counting sort), so that a cell and its buckets stay at hand while its values are
 * added; otherwise memory is fetched for the rows ahead.
 */
#include "agg/rows.h"

#include "base/sys.h"

enum {
    AHEAD = 8,    /* rows that memory is fetched for before they are added */
    MEETINGS = 4, /* rows a series, on average, from which on sorting pays */
};

/* What the statuses of a batch mean; found out once for each that a dictionary has. */
struct statuses {
    const struct tcore_column *column; /* NULL: none is an error */
    bool coded;
    bool errors[256]; /* by code */
};

static void statuses_init(struct statuses *statuses, const struct tcore_column *column)
{
    statuses->column = column;
    statuses->coded = column && column->form == TCORE_COLUMN_DICT &&
                      column->value_count <= sizeof statuses->errors / sizeof *statuses->errors;
    for (uint32_t i = 0; statuses->coded && i < column->value_count; i++)
        statuses->errors[i] = rows_is_error(&column->values[i], TCORE_RECORD_SPAN);
}

static inline bool statuses_error(const struct statuses *statuses, uint32_t row)
{
    if (statuses->coded)
        return statuses->errors[statuses->column->codes[row]];
    int64_t integer;
    const struct tcore_value *value;
    rows_integer_at(statuses->column, row, &integer, &value);
    return rows_is_error(value, TCORE_RECORD_SPAN);
}

/* Fetches a row's cell, and the bucket of one whose cell has come: there are too many of both for
 * the nearest cache. */
static inline void prefetch(const struct rows *r, const struct agg_window *window, size_t i)
{
    if (i + 2 * AHEAD >= r->count || r->series[i + 2 * AHEAD] >= window->direct_length ||
        r->series[i + AHEAD] >= window->direct_length)
        return;
    uint32_t far = window->direct[r->series[i + 2 * AHEAD]],
             near = window->direct[r->series[i + AHEAD]];
    const struct tcore_value *value;
    int64_t integer;
    if (far) {
        __builtin_prefetch(&window->cells[far - 1], 1);
        __builtin_prefetch(&window->cells[far - 1].histogram, 1);
    }
    if (near && rows_integer_at(r->span_value, r->row[i + AHEAD], &integer, &value))
        tcore_histogram_prefetch_int64(&window->cells[near - 1].histogram, integer);
}

static enum tcore_status add_in_turn(const struct rows *r, struct agg_window *window,
                                     const struct statuses *statuses)
{
    const struct agg_stats *stats = &r->work->plan->stats;
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < r->count && !status; i++) {
        prefetch(r, window, i);
        uint32_t row = r->row[i];
        struct agg_cell *cell = table_cell(window, r->series[i]);
        if (!cell)
            return TCORE_FATAL;
        cell_count(cell, statuses_error(statuses, row));
        int64_t integer;
        const struct tcore_value *value;
        if (rows_integer_at(r->span_value, row, &integer, &value))
            status = cell_add_int(cell, stats, integer);
        else
            status = rows_add_other(r, cell, row, TCORE_RECORD_SPAN, value, TCORE_WEIGHT_ONE);
    }
    return status;
}

void plain_free(struct plain *plain)
{
    tcore_free(plain->tally);
    tcore_free(plain->ends);
    tcore_free(plain->values);
    *plain = (struct plain){0};
}

static bool plain_reserve(struct plain *plain, size_t series, size_t values)
{
    if (values > plain->values_capacity) {
        int64_t *memory = tcore_reallocarray(plain->values, values, sizeof *memory);
        if (!memory)
            return false;
        plain->values = memory;
        plain->values_capacity = values;
    }
    if (series <= plain->series_capacity)
        return true;
    uint64_t *tally = tcore_reallocarray(plain->tally, series, sizeof *tally);
    if (!tally)
        return false;
    plain->tally = tally;
    uint32_t *ends = tcore_reallocarray(plain->ends, series, sizeof *ends);
    if (!ends)
        return false;
    plain->ends = ends;
    plain->series_capacity = series;
    return true;
}

/* Counts rows and errors by series, and puts the values of each series together. */
static void sort(const struct rows *r, const struct statuses *statuses)
{
    uint64_t *tally = r->work->plain.tally;
    uint32_t *ends = r->work->plain.ends, end = 0;
    int64_t *sorted = r->work->plain.values;
    const uint32_t *series = r->series, *row = r->row;
    const int64_t *values = r->span_value->ints;
    const struct statuses known = *statuses; /* or each tally might change it */
    size_t count = r->count, series_count = r->work->table.series_count;
    memset(tally, 0, series_count * sizeof *tally);
    for (size_t i = 0; i < count; i++)
        tally[series[i]] += 1 + ((uint64_t)statuses_error(&known, row[i]) << 32);
    for (size_t i = 0; i < series_count; i++) {
        ends[i] = end;
        end += (uint32_t)tally[i];
    }
    for (size_t i = 0; i < count; i++)
        sorted[ends[series[i]]++] = values[row[i]];
}

static enum tcore_status add_sorted(const struct rows *r, struct agg_window *window,
                                    const struct statuses *statuses)
{
    struct plain *plain = &r->work->plain;
    uint32_t series_count = r->work->table.series_count;
    if (!plain_reserve(plain, series_count, r->count))
        return TCORE_FATAL;
    sort(r, statuses);
    enum tcore_status status = TCORE_OK;
    for (uint32_t series = 0; series < series_count && !status; series++) {
        uint32_t rows = (uint32_t)plain->tally[series];
        if (!rows)
            continue;
        struct agg_cell *cell = table_cell(window, series);
        if (!cell)
            return TCORE_FATAL;
        cell_count_many(cell, rows, (uint32_t)(plain->tally[series] >> 32));
        status = cell_add_ints(cell, &r->work->plan->stats,
                               plain->values + plain->ends[series] - rows, rows);
    }
    return status;
}

enum tcore_status rows_add_plain_spans(const struct rows *r)
{
    struct agg_window *window = table_window(&r->work->table, 0);
    if (!window)
        return TCORE_FATAL;
    struct statuses statuses;
    statuses_init(&statuses, r->status);
    const struct tcore_column *values = r->span_value;
    bool sortable = values && values->form == TCORE_COLUMN_INT64 && !values->present &&
                    r->count <= UINT32_MAX && r->work->table.series_count <= r->count / MEETINGS;
    return sortable ? add_sorted(r, window, &statuses) : add_in_turn(r, window, &statuses);
}
