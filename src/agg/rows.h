/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rows of a batch that are being added: its columns at hand, and the ways that work.c,
 * series.c and plain.c share. Private to these.
 */
#ifndef AGG_ROWS_H
#define AGG_ROWS_H

#include "agg/agg.h"

#include <string.h>

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

/* series.c: fills r->series (in work->scratch). */
enum tcore_status rows_find_series(struct rows *r, struct tcore_error *err);
/* plain.c: adds spans in one window, of which no more is asked than cells hold themselves, or puts
 * them off until rows_settle(). */
enum tcore_status rows_add_plain_spans(const struct rows *r);
enum tcore_status rows_settle(struct agg_work *work);
/* work.c: adds a value that is no integer: a double, a histogram, or nothing that can be summed. */
enum tcore_status rows_add_other(const struct rows *r, struct tcore_cell *cell, uint32_t row,
                                 enum tcore_record_type type, const struct tcore_value *value,
                                 uint64_t weight);

static inline bool rows_is_error(const struct tcore_value *v, enum tcore_record_type type)
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
static inline bool rows_integer_at(const struct tcore_column *column, uint32_t row,
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

#endif
