/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the columns of a batch say of a span: its times, whether it failed. Values are looked at
 * where they are: one that is put together on the stack and read at once stalls. Not installed.
 */
#ifndef TRACECORE_TRACE_SPAN_VALUES_H
#define TRACECORE_TRACE_SPAN_VALUES_H

#include "model/batch.h"
#include "model/number.h"
#include "trace/tree.h"

#include <string.h>

#define TIME_LIMIT ((int64_t)1 << 62) /* differences of such times do not overflow */

static inline const struct tcore_value *value_at(const struct tcore_column *column, uint32_t row,
                                                 struct tcore_value *made)
{
    if (column->form == TCORE_COLUMN_VALUES)
        return &column->values[row];
    if (column->form == TCORE_COLUMN_DICT)
        return &column->values[column->codes[row]];
    *made = tcore_column_get(column, row);
    return made;
}

static inline bool read_time(const struct tcore_value *value, int64_t *ns)
{
    bool is_time = value->kind == TCORE_INT;
    *ns = value->i;
    if (!is_time && value->kind == TCORE_STRING)
        is_time = tcore_parse_int64(value->s, value->len, ns);
    return is_time && *ns > -TIME_LIMIT && *ns < TIME_LIMIT;
}

/* A span that says how long it was but not when it ended. */
static inline void set_end_by_duration(struct tcore_trace_span *span,
                                       const struct tcore_value *duration)
{
    int64_t ns;
    if (!(span->flags & TCORE_SPAN_HAS_START) || !tcore_value_int64(duration, &ns) || ns < 0 ||
        ns > TIME_LIMIT - span->start_ns - 1)
        return;
    span->end_ns = span->start_ns + ns;
    span->flags |= TCORE_SPAN_HAS_END;
}

static inline void set_times(struct tcore_trace_span *span, const struct tcore_value *start,
                             const struct tcore_value *end)
{
    int64_t ns;
    unsigned flags = span->flags;
    flags |= read_time(start, &ns) ? TCORE_SPAN_HAS_START : 0;
    span->start_ns = flags & TCORE_SPAN_HAS_START ? ns : 0;
    flags |= read_time(end, &ns) ? TCORE_SPAN_HAS_END : 0;
    span->end_ns = flags & TCORE_SPAN_HAS_END ? ns : 0;
    span->flags = (uint8_t)flags;
}

/* The trace's interval with the span in it. One that ends before it starts, or lacks a time, is in
 * it with the time that counts: its start, else its end. */
static inline void widen(struct tcore_interval *whole, const struct tcore_trace_span *span)
{
    int64_t start = span->start_ns, end = span->end_ns;
    if (!tcore_span_is_timed(span)) {
        if (!(span->flags & (TCORE_SPAN_HAS_START | TCORE_SPAN_HAS_END)))
            return;
        start = end = span->flags & TCORE_SPAN_HAS_START ? start : end;
    }
    if (start < whole->start_ns)
        whole->start_ns = start;
    if (end > whole->end_ns)
        whole->end_ns = end;
}

static inline bool is_error(const struct tcore_value *status)
{
    return status->kind == TCORE_STRING && status->len == 5 && !memcmp(status->s, "error", 5);
}

static inline bool is_digits(const struct tcore_value *value, uint32_t digits)
{
    return value->kind == TCORE_STRING && value->len == digits;
}

#endif
