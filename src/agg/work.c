/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Adding batches. First the --by columns become symbols, a column at a time; then each row finds
 * its series by a few pair look-ups, its cell, and adds its value.
 */
#include "agg/agg.h"

#include "base/sys.h"
#include "model/json.h"

#include <string.h>

enum { AHEAD = 8 }; /* rows that memory is fetched for before they are added */

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
    tcore_free(work->scratch);
    tcore_buf_free(&work->key);
    work->scratch = NULL;
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
    into->bad_histograms += from->bad_histograms;
    into->bad_rates += from->bad_rates;
    into->cumulative += from->cumulative;
}

static inline bool is_error(const struct tcore_value *v, enum tcore_record_type type)
{
    /* a status is as good as random: the compiler shall not branch on its length */
    static const char other[] = "other";
    const char *text = v->kind == TCORE_STRING && v->len == 5 ? v->s : other;
    uint32_t head, error, fatal;
    memcpy(&head, text, 4);
    memcpy(&error, "erro", 4);
    memcpy(&fatal, "fata", 4);
    return ((head == error) & (text[4] == 'r')) ||
           (type == TCORE_RECORD_LOG && head == fatal && text[4] == 'l');
}

/*
 * A column's value at a row without copying it: integers are handed over as such (true, *integer),
 * anything else by pointer. A value that is put together in memory and read back at once costs more
 * than the rest of the row.
 */
static inline bool integer_at(const struct tcore_column *column, uint32_t row, int64_t *integer,
                              const struct tcore_value **value)
{
    static const struct tcore_value absent;
    *value = &absent;
    if (!column)
        return false;
    switch (column->form) {
    case TCORE_COLUMN_INT64:
        if (column->present && !(column->present[row / 64] >> (row % 64) & 1))
            return false;
        *integer = column->ints[row];
        return true;
    case TCORE_COLUMN_CONSTANT:
        *value = column->values;
        break;
    case TCORE_COLUMN_DICT:
        *value = &column->values[column->codes[row]];
        break;
    case TCORE_COLUMN_VALUES:
        *value = &column->values[row];
        break;
    }
    *integer = (*value)->i;
    return (*value)->kind == TCORE_INT;
}

/* A batch with its columns at hand. */
struct rows {
    struct agg_work *work;
    const struct tcore_batch *batch;
    const uint32_t *row; /* selected */
    size_t count;
    const struct tcore_column *status, *severity, *span_value, *metric_value, *metric_name,
        *histogram, *sample_rate, *metric_type, *temporality, *start_time, *time;
    const uint32_t *by; /* symbols: by[column * count + i] */
    uint32_t *series;   /* of each selected row */
    bool all_spans;
    int64_t closed;
};

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

/* NaN and infinities are written as strings. */
static bool special_double(const struct tcore_value *v, double *d)
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

/* A value that is no integer: a double, a histogram, or nothing that can be summed. */
static enum tcore_status add_other(const struct rows *r, struct agg_cell *cell, uint32_t row,
                                   enum tcore_record_type type, const struct tcore_value *value,
                                   uint64_t weight)
{
    const struct agg_stats *stats = &r->work->plan->stats;
    double d;
    if (tcore_value_is_number(value))
        return cell_add_double(cell, stats, tcore_value_double(value), weight);
    if (type != TCORE_RECORD_METRIC)
        return TCORE_OK;
    if (special_double(value, &d))
        return cell_add_double(cell, stats, d, weight);
    struct tcore_value histogram = {0};
    if (r->histogram)
        histogram = tcore_column_get(r->histogram, row);
    if (histogram.kind != TCORE_JSON)
        return TCORE_OK;
    enum tcore_status status = cell_add_histogram(cell, stats, histogram.s, histogram.len, weight);
    if (status == TCORE_SKIP)
        r->work->seen.bad_histograms++;
    return status == TCORE_SKIP ? TCORE_OK : status;
}

/* distinct, topk, apdex. The value is integer if value is NULL. */
static enum tcore_status add_extras(const struct rows *r, struct agg_cell *cell, uint32_t row,
                                    const struct tcore_value *value, int64_t integer, bool error,
                                    uint64_t weight)
{
    struct agg_work *work = r->work;
    const struct agg_stats *stats = &work->plan->stats;
    for (size_t k = 0; k < stats->count; k++) {
        const struct agg_stat *stat = &stats->stat[k];
        enum tcore_status status = TCORE_OK;
        if (stat->kind == STAT_APDEX && (!value || tcore_value_is_number(value))) {
            status =
                cell_add_apdex(cell, stats, stat,
                               value ? tcore_value_double(value) : (double)integer, error, weight);
        } else if (stat->kind == STAT_DISTINCT || stat->kind == STAT_TOPK) {
            struct tcore_value field = tcore_column_get(&r->batch->columns[stat->column], row);
            if (field.kind == TCORE_ABSENT)
                continue;
            tcore_buf_clear(&work->key);
            symbol_key(&work->key, &field);
            if (work->key.failed)
                return TCORE_FATAL;
            status = cell_add_bytes(cell, stats, stat, work->key.data, work->key.length, weight);
        }
        if (status)
            return status;
    }
    return TCORE_OK;
}

/* The window of a row; NULL: it has none (*status TCORE_OK: it is counted elsewhere). */
static inline struct agg_window *window_of(const struct rows *r, uint32_t row,
                                           enum tcore_record_type type, enum tcore_status *status)
{
    struct agg_work *work = r->work;
    int64_t window_ns = work->plan->window_ns, index = 0, time;
    if (work->plan->timed) {
        const struct tcore_value *other;
        if (integer_at(type == TCORE_RECORD_SPAN ? r->start_time : r->time, row, &time, &other)) {
            if (time < work->seen.first_ns)
                work->seen.first_ns = time;
            if (time > work->seen.last_ns)
                work->seen.last_ns = time;
            index = window_ns ? agg_window_index(time, window_ns) : 0;
        } else if (window_ns) {
            work->seen.untimed++;
            return NULL;
        }
        if (window_ns && index < r->closed) {
            work->seen.late++;
            return NULL;
        }
    }
    struct agg_window *window = table_window(&work->table, index);
    if (!window)
        *status = TCORE_FATAL;
    return window;
}

/* How many records this one stands for, in units: the inverse of the rate at which it was sampled.
 * One that is beyond all use, below 2^-32, is taken for none, as 0 is. */
static uint64_t weight_of(const struct rows *r, uint32_t row)
{
    struct tcore_value value = tcore_column_get(r->sample_rate, row);
    if (value.kind == TCORE_ABSENT || value.kind == TCORE_NULL)
        return TCORE_WEIGHT_ONE;
    double rate = tcore_value_double(&value);
    if (rate >= 0x1p-32 && rate <= 1)
        return (uint64_t)((double)TCORE_WEIGHT_ONE / rate + 0.5);
    r->work->seen.bad_rates++;
    return TCORE_WEIGHT_ONE;
}

static bool is_word(const struct tcore_value *value, const char *word)
{
    return value->kind == TCORE_STRING && value->len == strlen(word) &&
           !memcmp(value->s, word, value->len);
}

/* A point of a counter or a histogram that says what came since a start, and not since the point
 * before. A counter that does not say which is taken to be such a one. */
static bool is_cumulative(const struct rows *r, uint32_t row)
{
    struct tcore_value type = tcore_column_get(r->metric_type, row);
    struct tcore_value temporality = tcore_column_get(r->temporality, row);
    if (is_word(&type, "counter"))
        return temporality.kind == TCORE_ABSENT || is_word(&temporality, "cumulative");
    return is_word(&type, "histogram") && is_word(&temporality, "cumulative");
}

static enum tcore_status add_value(const struct rows *r, struct agg_window *window,
                                   struct agg_cell *cell, uint32_t row, bool error, uint64_t weight)
{
    const struct agg_stats *stats = &r->work->plan->stats;
    enum tcore_record_type type = r->batch->types[row];
    int64_t integer = 0;
    const struct tcore_value *value;
    const struct tcore_column *values = type == TCORE_RECORD_SPAN || r->work->value_metric
                                            ? r->span_value
                                        : type == TCORE_RECORD_METRIC ? r->metric_value
                                                                      : NULL;
    bool is_integer = integer_at(values, row, &integer, &value);
    enum tcore_status status;
    if (type == TCORE_RECORD_METRIC && r->temporality)
        r->work->seen.cumulative += is_cumulative(r, row);
    if (!is_integer)
        status = add_other(r, cell, row, type, value, weight);
    else if (weight == TCORE_WEIGHT_ONE)
        status = cell_add_int(cell, stats, integer);
    else
        status = cell_add_weighted_int(cell, stats, integer, weight);
    if (status || !stats->extra_count)
        return status;
    size_t before = cell_extra_bytes(cell, stats);
    status = add_extras(r, cell, row, is_integer ? NULL : value, integer, error, weight);
    window->extra_bytes += cell_extra_bytes(cell, stats) - before;
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
    struct agg_cell *cell = table_cell(window, r->series[i]);
    if (!cell)
        return TCORE_FATAL;
    bool error = false;
    const struct tcore_column *errors = type == TCORE_RECORD_SPAN  ? r->status
                                        : type == TCORE_RECORD_LOG ? r->severity
                                                                   : NULL;
    if (errors) {
        int64_t integer;
        const struct tcore_value *value;
        integer_at(errors, row, &integer, &value);
        error = is_error(value, type);
    }
    uint64_t weight = TCORE_WEIGHT_ONE;
    if (type == TCORE_RECORD_METRIC && r->sample_rate)
        weight = weight_of(r, row);
    if (weight == TCORE_WEIGHT_ONE)
        cell_count(cell, error);
    else
        status = cell_count_weighted(cell, weight, error);
    return status ? status : add_value(r, window, cell, row, error, weight);
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
    if (near && integer_at(r->span_value, r->row[i + AHEAD], &integer, &value))
        tcore_histogram_prefetch_int64(&window->cells[near - 1].histogram, integer);
}

/* Adds the rows that nearly all are: spans in one window, of which no more is asked. What a status
 * means is found out once for each that the column has. */
static enum tcore_status add_plain_spans(const struct rows *r)
{
    const struct tcore_column *statuses = r->status;
    const struct agg_stats *stats = &r->work->plan->stats;
    struct agg_window *window = table_window(&r->work->table, 0);
    bool errors[256];
    bool coded = statuses && statuses->form == TCORE_COLUMN_DICT &&
                 statuses->value_count <= sizeof errors / sizeof *errors;
    for (uint32_t i = 0; coded && i < statuses->value_count; i++)
        errors[i] = is_error(&statuses->values[i], TCORE_RECORD_SPAN);
    enum tcore_status status = window ? TCORE_OK : TCORE_FATAL;
    for (size_t i = 0; i < r->count && !status; i++) {
        prefetch(r, window, i);
        uint32_t row = r->row[i];
        struct agg_cell *cell = table_cell(window, r->series[i]);
        if (!cell)
            return TCORE_FATAL;
        int64_t integer;
        const struct tcore_value *value;
        bool error = false;
        if (coded) {
            error = errors[statuses->codes[row]];
        } else if (statuses) {
            integer_at(statuses, row, &integer, &value);
            error = is_error(value, TCORE_RECORD_SPAN);
        }
        cell_count(cell, error);
        if (integer_at(r->span_value, row, &integer, &value))
            status = cell_add_int(cell, stats, integer);
        else
            status = add_other(r, cell, row, TCORE_RECORD_SPAN, value, TCORE_WEIGHT_ONE);
    }
    return status;
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

/* Fills r->series, of the rows of series met lately without a look at symbols. */
static enum tcore_status find_all_series(struct rows *r, struct tcore_error *err)
{
    struct agg_work *work = r->work;
    const size_t *by = work->plan->by;
    size_t need = (work->table.by_count + 4) * r->count;
    if (need > work->scratch_capacity) {
        uint32_t *memory = tcore_reallocarray(work->scratch, need, sizeof *memory);
        if (!memory)
            return tcore_error_nomem(err);
        work->scratch = memory;
        work->scratch_capacity = need;
    }
    r->series = work->scratch;
    uint32_t *missed = r->series + r->count, *rows = missed + r->count, *rest = rows + r->count;
    if (!r->all_spans || !recent_suits(&work->recent, r->batch, by))
        return find_by_symbols(r, missed, err);
    size_t count = recent_find(&work->recent, r->batch, by, r->row, r->count, r->series, missed);
    if (!count)
        return TCORE_OK;
    struct rows others = *r;
    for (size_t i = 0; i < count; i++)
        rows[i] = r->row[missed[i]];
    others.row = rows;
    others.count = count;
    others.series = rest;
    enum tcore_status status = find_by_symbols(&others, rest + count, err);
    for (size_t i = 0; i < count && !status; i++) {
        r->series[missed[i]] = others.series[i];
        recent_keep(&work->recent, r->batch, by, rows[i], others.series[i]);
    }
    return status;
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

enum tcore_status agg_add(struct agg_work *work, const struct tcore_batch *batch,
                          const uint32_t *rows, size_t count, int64_t closed,
                          struct tcore_error *err)
{
    const struct agg_plan *plan = work->plan;
    if (!count)
        return TCORE_OK;
    struct rows r = {.work = work,
                     .batch = batch,
                     .row = rows,
                     .count = count,
                     .status = column(batch, plan->status),
                     .severity = column(batch, plan->severity),
                     .span_value = column(batch, plan->span_value),
                     .metric_value = column(batch, plan->metric_value),
                     .metric_name = column(batch, plan->metric_name),
                     .histogram = column(batch, plan->histogram),
                     .sample_rate = column(batch, plan->sample_rate),
                     .metric_type = column(batch, plan->metric_type),
                     .temporality = column(batch, plan->temporality),
                     .start_time = column(batch, plan->start_time),
                     .time = column(batch, plan->time),
                     .all_spans = all_spans(batch, rows, count),
                     .closed = closed};
    enum tcore_status status = find_all_series(&r, err);
    if (status)
        return status;
    if (r.all_spans && !plan->timed && !plan->stats.extra_count)
        status = add_plain_spans(&r);
    else
        for (size_t i = 0; i < count && !status; i++)
            status = add_row(&r, i);
    if (status == TCORE_BAD_INPUT)
        return tcore_error_set(err, status, "more than 2^47 values in one group");
    if (status)
        return tcore_error_nomem(err);
    return agg_check_memory(work, err);
}
