/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "detect/intake.h"

#include "base/sys.h"
#include "cli/message.h"
#include "detect/columns.h"
#include "detect/describe.h"

#include <inttypes.h>

/* Of an aggregate the first of these that it has is taken, unless --stat says. */
static const char *const usual_stats[] = {"p99", "mean", "rate", "count"};

/* --- What is taken of a record */

/*
 * What something that only grows did since the point before: per second, or per count for a
 * histogram's sum. False: there is no point before it that it can be compared with.
 */
static bool difference(struct intake *in, struct intake_series *series, double total, double count,
                       struct intake_point *point, bool per_second)
{
    double before = series->previous, count_before = series->previous_count;
    int64_t ns_before = series->previous_ns;
    bool known = series->has_previous;

    if (!point->timed) {
        in->without_time++;
        return false;
    }
    if (known && point->ns <= ns_before) {
        in->unordered++;
        return false;
    }
    series->previous = total;
    series->previous_count = count;
    series->previous_ns = point->ns;
    series->has_previous = true;
    if (!known)
        return false;
    if (total < before || count < count_before) {
        in->resets++;
        return false;
    }
    if (per_second)
        point->value = (total - before) / ((double)(point->ns - ns_before) / 1e9);
    else if (count > count_before)
        point->value = (total - before) / (count - count_before);
    else
        return false; /* nothing happened: no mean */
    return true;
}

static bool read_metric(struct intake *in, struct intake_series *series,
                        const struct tcore_batch *batch, size_t row, struct intake_point *point)
{
    bool is_delta = column_is(batch, in->temporality, row, "delta");
    double value = column_double(batch, in->value, row);
    double sum = column_double(batch, in->sum, row), count = column_double(batch, in->count, row);

    if (isfinite(value)) {
        point->value = value;
        if (is_delta || !column_is(batch, in->metric_type, row, "counter"))
            return true;
        return difference(in, series, value, 0, point, true);
    }
    if (isfinite(sum) && isfinite(count)) {
        point->value = sum / count;
        if (!is_delta)
            return difference(in, series, sum, count, point, false);
        if (count > 0)
            return true;
    }
    in->without_number++;
    return false;
}

static bool read_point(struct intake *in, struct intake_series *series,
                       const struct tcore_batch *batch, size_t row, size_t stat,
                       struct intake_point *point)
{
    switch (batch->types[row]) {
    case TCORE_RECORD_SPAN:
        point->timed = column_ns(batch, in->start, row, &point->ns);
        point->value = column_double(batch, in->duration, row);
        point->is_log = true;
        return true;
    case TCORE_RECORD_AGGREGATE:
        point->timed = column_ns(batch, in->window, row, &point->ns);
        point->value = column_double(batch, in->stat_columns[stat], row);
        return true;
    default:
        point->timed = column_ns(batch, in->time, row, &point->ns);
        return read_metric(in, series, batch, row, point);
    }
}

/* The unit that values of the series are shown in. */
static void set_unit(struct intake *in, struct intake_series *series,
                     const struct series_name *name, const struct tcore_batch *batch, size_t row)
{
    const char *stat = name->stat;
    bool is_count = strcmp(stat, "count") == 0 || strncmp(stat, "error", 5) == 0;

    if (strcmp(stat, "rate") == 0)
        strcpy(series->unit, "/s");
    else if (!is_count)
        unit_of_series(series->unit, sizeof series->unit, name->metric_name,
                       column_value(batch, in->unit, row),
                       column_is(batch, in->metric_type, row, "counter") ? "/s" : "");
}

/* --- The stream */

enum tcore_status intake_open(struct intake *in, struct tcore_projection *projection,
                              struct tcore_error *err)
{
    const struct wanted_column wanted[] = {
        {NULL, "timeUnixNano", &in->time},
        {NULL, "startTimeUnixNano", &in->start},
        {NULL, "windowStartUnixNano", &in->window},
        {NULL, "durationNano", &in->duration},
        {NULL, "value", &in->value},
        {NULL, "metricType", &in->metric_type},
        {NULL, "temporality", &in->temporality},
        {NULL, "unit", &in->unit},
        {"histogram", "sum", &in->sum},
        {"histogram", "count", &in->count},
        {NULL, "traceId", &in->trace_id},
        {NULL, "spanId", &in->span_id},
        {"context", "traceId", &in->context_trace},
        {"context", "spanId", &in->context_span},
    };
    enum tcore_status status =
        want_columns(projection, wanted, sizeof wanted / sizeof *wanted, err);

    in->stat_columns = tcore_calloc(in->stat_count, sizeof *in->stat_columns);
    if (!in->stat_columns)
        return tcore_error_nomem(err);
    for (size_t i = 0; i < in->stat_count && status == TCORE_OK; i++) {
        const struct wanted_column stat = {NULL, in->stats[i], &in->stat_columns[i]};

        status = in->asked.count
                     ? tcore_projection_add_field(projection, in->stats[i], stat.column, err)
                     : want_columns(projection, &stat, 1, err);
    }
    return status == TCORE_OK ? series_open(in->table, projection, err) : status;
}

static enum tcore_status take(struct intake *in, const struct tcore_batch *batch, size_t row,
                              size_t stat, struct tcore_buf *out, struct tcore_error *err)
{
    bool is_aggregate = batch->types[row] == TCORE_RECORD_AGGREGATE;
    struct intake_point point = {0};
    uint32_t number;
    enum tcore_status status = series_of_row(
        in->table, batch, row, is_aggregate ? in->stats[stat] : "", in->limit, &number, err);

    if (status != TCORE_OK)
        return status;
    if (number == SERIES_NONE) {
        in->beyond_limit++;
        return TCORE_OK;
    }
    struct intake_series *series = in->get(in->owner, number);

    if (!series)
        return tcore_error_nomem(err);
    if (!read_point(in, series, batch, row, stat, &point))
        return TCORE_OK;
    if (!*series->unit)
        set_unit(in, series, &in->table->name[number], batch, row);
    return in->take(in->owner, batch, row, number, &point, out, err);
}

/* Takes each statistic that is asked for, or the first there is. */
static enum tcore_status take_aggregate(struct intake *in, const struct tcore_batch *batch,
                                        size_t row, struct tcore_buf *out, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    bool any = false;

    for (size_t i = 0; i < in->stat_count && status == TCORE_OK; i++) {
        if (!isfinite(column_double(batch, in->stat_columns[i], row)))
            continue;
        any = true;
        status = take(in, batch, row, i, out, err);
        if (!in->asked.count)
            break;
    }
    in->without_number += !any;
    return status;
}

enum tcore_status intake_batch(struct intake *in, const struct tcore_batch *batch,
                               const uint32_t *rows, size_t count, struct tcore_buf *out,
                               struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;

    for (size_t i = 0; i < count && status == TCORE_OK; i++) {
        uint32_t row = rows[i];

        if (batch->types[row] == TCORE_RECORD_AGGREGATE)
            status = take_aggregate(in, batch, row, out, err);
        else if (batch->types[row] == TCORE_RECORD_SPAN &&
                 !isfinite(column_double(batch, in->duration, row)))
            in->without_number++;
        else
            status = take(in, batch, row, 0, out, err);
    }
    return status;
}

static void note_count(struct cli *cli, uint64_t count, const char *one, const char *many)
{
    if (count)
        cli_note(cli, "%" PRIu64 " %s", count, count == 1 ? one : many);
}

void intake_note_left_out(const struct intake *in, struct cli *cli)
{
    note_count(cli, in->without_number, "record had no number to judge",
               "records had no number to judge");
    note_count(cli, in->without_time, "counter point without a time was left out",
               "counter points without a time were left out");
    note_count(cli, in->unordered, "counter point was no later than the one before: left out",
               "counter points were no later than those before: left out");
    note_count(cli, in->resets, "reset of a counter", "resets of counters");
}

/* The span that is the evidence: the record itself, or the one that a metric was taken in. */
void intake_evidence(const struct intake *in, const struct tcore_batch *batch, size_t row,
                     char trace[TCORE_TRACE_ID + 1], char span[TCORE_SPAN_ID + 1])
{
    bool is_span = batch->types[row] == TCORE_RECORD_SPAN;

    column_id(batch, is_span ? in->trace_id : in->context_trace, row, TCORE_TRACE_ID, trace);
    column_id(batch, is_span ? in->span_id : in->context_span, row, TCORE_SPAN_ID, span);
}

double intake_quantile(const char *stat)
{
    double percent;

    if (*stat != 'p' || !tcore_parse_double(stat + 1, strlen(stat + 1), &percent))
        return NAN;
    return percent / 100;
}

void intake_init(struct intake *in, struct series_table *table, struct cli_strings stats)
{
    *in = (struct intake){.table = table, .asked = stats, .limit = SIZE_MAX};
    in->stats = stats.count ? stats.item : usual_stats;
    in->stat_count = stats.count ? stats.count : sizeof usual_stats / sizeof *usual_stats;
}

void intake_free(struct intake *in)
{
    tcore_free(in->stat_columns);
}
