/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Adding the rows that nearly all are: spans in one window, of which no more is asked than what
 * cells hold themselves. They are put off until there are some thousands, whatever the batches.
 * Then, if a series has many of them, their values are put together by series (a counting sort), so
 * that a cell and its buckets stay at hand while its values are added; otherwise memory is fetched
 * for the rows ahead.
 */
#include "agg/rows.h"

#include "base/sys.h"

enum {
    AHEAD = 8,    /* rows that memory is fetched for before they are added */
    MEETINGS = 4, /* rows a series, on average, from which on sorting pays */
};

void plain_free(struct plain *plain)
{
    tcore_free(plain->rows);
    tcore_free(plain->tally);
    tcore_free(plain->ends);
    *plain = (struct plain){0};
}

/* Fetches a row's cell, and the bucket of one whose cell has come: there are too many of both for
 * the nearest cache. */
static inline void prefetch(const struct plain_rows *rows, size_t count,
                            const struct agg_window *window, size_t i)
{
    if (i + 2 * AHEAD >= count || rows->series[i + 2 * AHEAD] >= window->direct_length ||
        rows->series[i + AHEAD] >= window->direct_length)
        return;
    uint32_t far = window->direct[rows->series[i + 2 * AHEAD]],
             near = window->direct[rows->series[i + AHEAD]];
    if (far) {
        __builtin_prefetch(&window->cells[far - 1], 1);
        __builtin_prefetch(&window->cells[far - 1].histogram, 1);
    }
    if (near)
        tcore_histogram_prefetch_int64(&window->cells[near - 1].histogram, rows->values[i + AHEAD]);
}

static enum tcore_status add_in_turn(const struct agg_work *work, struct agg_window *window)
{
    const struct plain_rows *rows = work->plain.rows;
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < work->plain.count && !status; i++) {
        prefetch(rows, work->plain.count, window, i);
        struct tcore_cell *cell = table_cell(window, rows->series[i]);
        if (!cell)
            return TCORE_FATAL;
        tcore_cell_count(cell, rows->errors[i]);
        status = tcore_cell_add_int(cell, &work->plan->stats, rows->values[i]);
    }
    return status;
}

static bool reserve(struct plain *plain, size_t series)
{
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
static void sort(struct plain *plain, size_t series_count)
{
    struct plain_rows *rows = plain->rows;
    uint64_t *tally = plain->tally;
    uint32_t *ends = plain->ends, end = 0;
    size_t count = plain->count;
    memset(tally, 0, series_count * sizeof *tally);
    for (size_t i = 0; i < count; i++)
        tally[rows->series[i]] += 1 + ((uint64_t)rows->errors[i] << 32);
    for (size_t i = 0; i < series_count; i++) {
        ends[i] = end;
        end += (uint32_t)tally[i];
    }
    for (size_t i = 0; i < count; i++)
        rows->sorted[ends[rows->series[i]]++] = rows->values[i];
}

static enum tcore_status add_sorted(struct agg_work *work, struct agg_window *window)
{
    struct plain *plain = &work->plain;
    uint32_t series_count = work->table.series_count;
    if (!reserve(plain, series_count))
        return TCORE_FATAL;
    sort(plain, series_count);
    enum tcore_status status = TCORE_OK;
    for (uint32_t series = 0; series < series_count && !status; series++) {
        uint32_t count = (uint32_t)plain->tally[series];
        if (!count)
            continue;
        struct tcore_cell *cell = table_cell(window, series);
        if (!cell)
            return TCORE_FATAL;
        tcore_cell_count_many(cell, count, (uint32_t)(plain->tally[series] >> 32));
        status = tcore_cell_add_ints(cell, &work->plan->stats,
                                     plain->rows->sorted + plain->ends[series] - count, count);
    }
    return status;
}

enum tcore_status rows_settle(struct agg_work *work)
{
    struct plain *plain = &work->plain;
    if (!plain->count)
        return TCORE_OK;
    struct agg_window *window = table_window(&work->table, 0);
    if (!window)
        return TCORE_FATAL;
    bool sorted = work->table.series_count <= plain->count / MEETINGS;
    enum tcore_status status = sorted ? add_sorted(work, window) : add_in_turn(work, window);
    plain->count = 0;
    return status;
}

/* What the statuses of a batch mean; found out once for each that a dictionary has. */
struct statuses {
    const struct tcore_column *column; /* NULL: none is an error */
    bool coded;
    bool errors[256]; /* by code */
};

static struct statuses statuses_of(const struct tcore_column *column)
{
    struct statuses statuses = {.column = column};
    statuses.coded = column && column->form == TCORE_COLUMN_DICT &&
                     column->value_count <= sizeof statuses.errors / sizeof *statuses.errors;
    for (uint32_t i = 0; statuses.coded && i < column->value_count; i++)
        statuses.errors[i] = tcore_row_is_error(&column->values[i], TCORE_RECORD_SPAN);
    return statuses;
}

static inline bool statuses_error(const struct statuses *statuses, uint32_t row)
{
    if (statuses->coded)
        return statuses->errors[statuses->column->codes[row]];
    int64_t integer;
    const struct tcore_value *value;
    tcore_row_integer(statuses->column, row, &integer, &value);
    return tcore_row_is_error(value, TCORE_RECORD_SPAN);
}

/* A span whose duration is no integer: most have none because they end before they start. */
static enum tcore_status add_odd(const struct rows *r, size_t i, bool error,
                                 const struct tcore_value *value)
{
    struct agg_window *window = table_window(&r->work->table, 0);
    struct tcore_cell *cell = window ? table_cell(window, r->series[i]) : NULL;
    if (!cell)
        return TCORE_FATAL;
    tcore_cell_count(cell, error);
    return rows_add_other(r, cell, r->row[i], TCORE_RECORD_SPAN, value, TCORE_WEIGHT_ONE);
}

/* Puts off the rows r->row[from..to), for which there is room. */
static enum tcore_status put_off(const struct rows *r, const struct statuses *statuses, size_t from,
                                 size_t to)
{
    struct plain_rows *rows = r->work->plain.rows;
    size_t count = r->work->plain.count;
    enum tcore_status status = TCORE_OK;
    for (size_t i = from; i < to && !status; i++) {
        uint32_t row = r->row[i];
        int64_t integer;
        const struct tcore_value *value;
        bool error = statuses_error(statuses, row);
        if (__builtin_expect(tcore_row_integer(r->span_value, row, &integer, &value), 1)) {
            rows->series[count] = r->series[i];
            rows->errors[count] = error;
            rows->values[count++] = integer;
        } else {
            status = add_odd(r, i, error, value);
        }
    }
    r->work->plain.count = count;
    return status;
}

enum tcore_status rows_add_plain_spans(const struct rows *r)
{
    struct plain *plain = &r->work->plain;
    if (!plain->rows)
        plain->rows = tcore_malloc(sizeof *plain->rows);
    if (!plain->rows)
        return TCORE_FATAL;
    const struct statuses statuses = statuses_of(r->status);
    enum tcore_status status = TCORE_OK;
    for (size_t from = 0; from < r->count && !status;) {
        size_t room = PLAIN_ROWS - plain->count, rest = r->count - from;
        size_t to = from + (rest < room ? rest : room);
        status = put_off(r, &statuses, from, to);
        from = to;
        if (!status && plain->count == PLAIN_ROWS)
            status = rows_settle(r->work);
    }
    return status;
}
