/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Adding batches: each row has its series (series.c), finds its cell and adds its value. Spans of
 * which little is asked have a way of their own (plain.c). */
#include "agg/rows.h"

#include "base/sys.h"

static uint32_t metric_symbol(struct symbols *symbols, const char *name)
{
    struct tcore_value value = tcore_value_string(name, strlen(name));
    return symbol_of(symbols, &value);
}

enum tcore_status agg_work_open(struct agg_work *work, const struct agg_plan *plan,
                                struct tcore_error *err)
{
    *work = (struct agg_work){.plan = plan, .seen = {.first_ns = INT64_MAX, .last_ns = INT64_MIN}};
    enum tcore_status status =
        table_init(&work->table, &plan->stats, plan->by_names.count, plan->max_groups, err);
    if (status)
        return status;
    recent_init(&work->recent, plan->by_names.count);
    work->span_metric = metric_symbol(&work->table.symbols, "durationNano");
    work->value_metric = plan->value ? metric_symbol(&work->table.symbols, plan->value) : 0;
    if (work->span_metric != TCORE_MAP_NONE && work->value_metric != TCORE_MAP_NONE)
        return TCORE_OK;
    agg_work_free(work);
    return tcore_error_nomem(err);
}

void agg_work_free(struct agg_work *work)
{
    table_free(&work->table);
    recent_free(&work->recent);
    plain_free(&work->plain);
    if (work->mapper)
        agg_mapper_free(work->mapper);
    tcore_free(work->mapper);
    work->mapper = NULL;
    for (uint32_t i = 0; i < work->newest_count; i++)
        tcore_increase_free(&work->newest[i]);
    tcore_free(work->newest);
    work->newest = NULL;
    work->newest_count = 0;
    tcore_json_free(&work->json);
    tcore_free(work->scratch);
    tcore_free(work->of_codes);
    tcore_free(work->kept);
    tcore_buf_free(&work->key);
    work->scratch = work->of_codes = work->kept = NULL;
}

void agg_span_merge(struct agg_span *into, const struct agg_span *from)
{
    if (from->first_ns < into->first_ns)
        into->first_ns = from->first_ns;
    if (from->last_ns > into->last_ns)
        into->last_ns = from->last_ns;
    into->untimed += from->untimed;
    into->negative += from->negative;
    into->late += from->late;
    into->future += from->future;
    into->partly_late += from->partly_late;
    into->bad_histograms += from->bad_histograms;
    into->bad_rates += from->bad_rates;
    into->cumulative += from->cumulative;
    into->other += from->other;
    into->made += from->made;
    into->by |= from->by;
    into->maybe_cumulative |= from->maybe_cumulative;
}

static bool all_spans(const struct tcore_batch *batch, const uint32_t *rows, size_t count)
{
    uint8_t other = 0;
    for (size_t i = 0; i < count; i++)
        other |= batch->types[rows[i]] ^ TCORE_RECORD_SPAN;
    return !other;
}

static const struct tcore_column *column(const struct tcore_batch *batch, size_t number)
{
    return number == SIZE_MAX ? NULL : &batch->columns[number];
}

enum tcore_status rows_add_other(const struct rows *r, struct tcore_cell *cell, uint32_t row,
                                 enum tcore_record_type type, const struct tcore_value *value,
                                 uint64_t weight)
{
    enum tcore_status status =
        tcore_row_add_other(cell, &r->work->plan->stats, type, value, &r->points, row, weight);
    if (status == TCORE_SKIP)
        r->work->seen.bad_histograms++;
    return status == TCORE_SKIP ? TCORE_OK : status;
}

/* The window of a row; NULL: it has none (*status TCORE_OK: it is counted elsewhere). */
static inline struct agg_window *window_of(const struct rows *r, uint32_t row,
                                           enum tcore_record_type type, enum tcore_status *status)
{
    struct agg_work *work = r->work;
    int64_t window_ns = work->plan->pane_ns, index = 0, time;
    if (work->plan->timed) {
        const struct tcore_value *other;
        if (tcore_row_integer(type == TCORE_RECORD_SPAN ? r->start_time : r->time, row, &time,
                              &other)) {
            if (time < work->seen.first_ns)
                work->seen.first_ns = time;
            if (time > work->seen.last_ns)
                work->seen.last_ns = time;
            index = window_ns ? agg_window_index(time, window_ns) : 0;
        } else if (window_ns) {
            work->seen.untimed++;
            return NULL;
        }
        if (window_ns && index < r->closed.some) {
            if (index < r->closed.all) {
                work->seen.late++;
                return NULL;
            }
            work->seen.partly_late++;
        }
    }
    struct agg_window *window = table_window(&work->table, index);
    if (!window)
        *status = TCORE_FATAL;
    return window;
}

static enum tcore_status add_value(const struct rows *r, struct agg_window *window,
                                   struct tcore_cell *cell, uint32_t row, bool error,
                                   uint64_t weight)
{
    const struct tcore_stats *stats = &r->work->plan->stats;
    enum tcore_record_type type = r->batch->types[row];
    int64_t integer = 0;
    const struct tcore_value *value;
    const struct tcore_column *values = type == TCORE_RECORD_SPAN || r->work->value_metric
                                            ? r->span_value
                                        : type == TCORE_RECORD_METRIC ? r->metric_value
                                                                      : NULL;
    bool is_integer = tcore_row_integer(values, row, &integer, &value);
    enum tcore_status status;
    if (type == TCORE_RECORD_METRIC && r->temporality &&
        (stats->sum || stats->squares || stats->histogram))
        r->work->seen.cumulative += tcore_row_is_cumulative(r->metric_type, r->temporality, row);
    if (!is_integer)
        status = rows_add_other(r, cell, row, type, value, weight);
    else if (weight == TCORE_WEIGHT_ONE)
        status = tcore_cell_add_int(cell, stats, integer);
    else
        status = tcore_cell_add_weighted_int(cell, stats, integer, weight);
    if (status || !stats->extra_count)
        return status;
    size_t before = tcore_cell_extra_bytes(cell, stats);
    const struct tcore_value whole = tcore_value_int(integer);
    status = rows_add_extras(r, cell, row, is_integer ? &whole : value, error, weight);
    window->extra_bytes += tcore_cell_extra_bytes(cell, stats) - before;
    return status;
}

static enum tcore_status add_row(const struct rows *r, size_t i)
{
    uint32_t row = r->row[i];
    enum tcore_record_type type = r->batch->types[row];
    enum tcore_status status = TCORE_OK;
    struct agg_window *window = window_of(r, row, type, &status);
    if (!window)
        return status;
    struct tcore_cell *cell = table_cell(window, r->series[i]);
    if (!cell)
        return TCORE_FATAL;
    bool error = false;
    const struct tcore_column *errors = type == TCORE_RECORD_SPAN  ? r->status
                                        : type == TCORE_RECORD_LOG ? r->severity
                                                                   : NULL;
    if (errors) {
        int64_t integer;
        const struct tcore_value *value;
        tcore_row_integer(errors, row, &integer, &value);
        error = tcore_row_is_error(value, type);
    }
    uint64_t weight = TCORE_WEIGHT_ONE;
    bool bad = false;
    if (type == TCORE_RECORD_METRIC && r->sample_rate)
        weight = tcore_row_weight(r->sample_rate, row, &bad);
    else if (type == TCORE_RECORD_SPAN && r->trace_state)
        weight = tcore_row_span_weight(r->trace_state, row, &bad);
    r->work->seen.bad_rates += bad;
    if (weight == TCORE_WEIGHT_ONE)
        tcore_cell_count(cell, error);
    else
        status = tcore_cell_count_weighted(cell, weight, error);
    return status ? status : add_value(r, window, cell, row, error, weight);
}

/* Whether a row takes part in the scope. */
static bool is_in_scope(const struct agg_plan *plan, const struct tcore_batch *batch, uint32_t row)
{
    if (plan->parent_id != SIZE_MAX &&
        tcore_column_get(&batch->columns[plan->parent_id], row).kind != TCORE_ABSENT)
        return false;
    bool own = !plan->own;
    for (size_t k = plan->own; k < plan->by_names.count && !own; k++)
        own = tcore_column_get(&batch->columns[plan->by[k]], row).kind != TCORE_ABSENT;
    return own;
}

/* Leaves of rows[0..count) those that take part in the scope. */
static enum tcore_status scope_rows(struct agg_work *work, const struct tcore_batch *batch,
                                    const uint32_t **rows, size_t *count, struct tcore_error *err)
{
    const struct agg_plan *plan = work->plan;
    if (plan->parent_id == SIZE_MAX && !plan->own)
        return TCORE_OK;
    if (*count > work->kept_capacity) {
        uint32_t *memory = tcore_reallocarray(work->kept, *count, sizeof *memory);
        if (!memory)
            return tcore_error_nomem(err);
        work->kept = memory;
        work->kept_capacity = *count;
    }
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++)
        if (is_in_scope(plan, batch, (*rows)[i]))
            work->kept[kept++] = (*rows)[i];
    *rows = work->kept;
    *count = kept;
    return TCORE_OK;
}

enum tcore_status agg_check_memory(const struct agg_work *work, struct tcore_error *err)
{
    size_t limit = work->plan->table_bytes;
    if (!limit || table_bytes(&work->table) <= limit)
        return TCORE_OK;
    return tcore_error_set(err, TCORE_FATAL,
                           "the groups%s need more memory than --memory allows (--max-groups "
                           "limits them)",
                           work->plan->stats.extra_count ? " and what distinct and topk count"
                                                         : "");
}

enum { CHECK_ROWS = 256 };

/* The table is not measured for each row where rows come one by one. */
static enum tcore_status after_adding(struct agg_work *work, size_t rows, enum tcore_status status,
                                      struct tcore_error *err)
{
    if (status == TCORE_BAD_INPUT)
        return tcore_error_set(err, status, "more than 2^47 values in one group");
    if (status)
        return tcore_error_nomem(err);
    work->unchecked += rows;
    if (work->unchecked < CHECK_ROWS)
        return TCORE_OK;
    work->unchecked = 0;
    return agg_check_memory(work, err);
}

enum tcore_status agg_add(struct agg_work *work, const struct tcore_batch *batch,
                          const uint32_t *rows, size_t count, const struct agg_closed *closed,
                          struct tcore_error *err)
{
    const struct agg_plan *plan = work->plan;
    enum tcore_status status = scope_rows(work, batch, &rows, &count, err);
    if (status || !count)
        return status;
    struct rows r = {.work = work,
                     .batch = batch,
                     .row = rows,
                     .count = count,
                     .status = column(batch, plan->status),
                     .severity = column(batch, plan->severity),
                     .span_value = column(batch, plan->span_value),
                     .metric_value = column(batch, plan->metric_value),
                     .metric_name = column(batch, plan->metric_name),
                     .points = {column(batch, plan->histogram), column(batch, plan->summary)},
                     .sample_rate = column(batch, plan->sample_rate),
                     .trace_state = column(batch, plan->trace_state),
                     .metric_type = column(batch, plan->metric_type),
                     .temporality = column(batch, plan->temporality),
                     .start_time = column(batch, plan->start_time),
                     .time = column(batch, plan->time),
                     .all_spans = all_spans(batch, rows, count),
                     .closed = *closed};
    status = rows_find_series(&r, err);
    if (status)
        return status;
    if (r.all_spans && !plan->timed && !plan->stats.extra_count &&
        tcore_row_is_unweighted(r.trace_state, rows, count))
        status = rows_add_plain_spans(&r);
    else
        for (size_t i = 0; i < count && !status; i++)
            status = add_row(&r, i);
    return after_adding(work, count, status, err);
}

enum tcore_status agg_settle(struct agg_work *work, struct tcore_error *err)
{
    return after_adding(work, CHECK_ROWS, rows_settle(work), err);
}
