/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a record adds to a cell: which of its fields count as an error, a value, a weight.
 * trace-agg and the roll-ups of a repository share it, or their answers would differ.
 */
#ifndef TRACECORE_STATS_ROW_H
#define TRACECORE_STATS_ROW_H

#include "model/batch.h"
#include "stats/cell.h"

#include <string.h>

/* Whether a span's status or a log's severity is an error: "error", and of a log "fatal". */
static inline bool tcore_row_is_error(const struct tcore_value *v, enum tcore_record_type type)
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
 * than the rest of the row. column may be NULL: absent.
 */
static inline bool tcore_row_integer(const struct tcore_column *column, uint32_t row,
                                     int64_t *integer, const struct tcore_value **value)
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

/* NaN and infinities, which metrics have as strings. */
bool tcore_row_special(const struct tcore_value *value, double *d);
/* What metrics have instead of a number; NULL: no record has one. */
struct tcore_row_points {
    const struct tcore_column *histogram, *summary;
};

/*
 * Adds a value that is no integer: a double, a metric's histogram or summary where there is no
 * number, or nothing that can be summed. Statuses of stats/cell.h; TCORE_SKIP: a histogram or
 * summary that makes no sense.
 */
enum tcore_status tcore_row_add_other(struct tcore_cell *cell, const struct tcore_stats *stats,
                                      enum tcore_record_type type, const struct tcore_value *value,
                                      const struct tcore_row_points *points, uint32_t row,
                                      uint64_t weight);
/* How many records a metric stands for, in units: the inverse of the rate at which it was sampled.
 * A rate that is none sets *bad, and counts once. */
uint64_t tcore_row_weight(const struct tcore_column *sample_rate, uint32_t row, bool *bad);
/* The same of a span: its adjusted count, from the threshold in its trace state. One that
 * keeps less than 2^-32 sets *bad, and counts once. */
uint64_t tcore_row_span_weight(const struct tcore_column *trace_state, uint32_t row, bool *bad);
/* Whether none of the spans rows[0..count) has a trace state, so that each counts once. */
bool tcore_row_is_unweighted(const struct tcore_column *trace_state, const uint32_t *rows,
                             size_t count);
/* A point of a counter or a histogram that says what came since a start, and not since the point
 * before. A counter that does not say which is taken to be such a one. */
bool tcore_row_is_cumulative(const struct tcore_column *metric_type,
                             const struct tcore_column *temporality, uint32_t row);

#endif
