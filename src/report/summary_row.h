/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One record of a batch, for the parts of the summary that read it. */
#ifndef REPORT_SUMMARY_ROW_H
#define REPORT_SUMMARY_ROW_H

#include "report/summary_data.h"

#include <string.h>

#define MAX_TEXT 2048 /* bytes of a message that are kept */

/* One row of a batch. */
struct row {
    struct summary_data *data;
    const struct summary_columns *columns;
    const struct tcore_batch *batch;
    uint32_t number;
};

static inline struct tcore_value value_at(const struct row *row, size_t column)
{
    if (column == SIZE_MAX)
        return (struct tcore_value){0};
    return tcore_column_get(&row->batch->columns[column], row->number);
}

static inline struct tcore_slice text_at(const struct row *row, size_t column)
{
    struct tcore_value value = value_at(row, column);
    if (value.kind != TCORE_STRING && value.kind != TCORE_JSON)
        return (struct tcore_slice){"", 0};
    return (struct tcore_slice){value.s, value.len};
}

static inline double number_at(const struct row *row, size_t column)
{
    struct tcore_value value = value_at(row, column);
    return tcore_value_double(&value);
}

static inline bool time_at(const struct row *row, size_t column, int64_t *time_ns)
{
    struct tcore_value value = value_at(row, column);
    return tcore_value_int64(&value, time_ns);
}

static inline bool is_text(const struct tcore_slice *text, const char *other)
{
    return text->length == strlen(other) && memcmp(text->data, other, text->length) == 0;
}

#endif
