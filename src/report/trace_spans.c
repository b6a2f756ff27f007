/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows in a growing array, texts in arenas that change hands when collections are joined. */
#include <config.h>

#include "report/trace_spans.h"

#include "base/sys.h"

#include <stdlib.h>
#include <string.h>

#define TIME_LIMIT ((int64_t)1 << 62) /* of the tree */

enum tcore_status collection_open(struct collection *collection, struct tcore_error *err)
{
    *collection = (struct collection){0};
    collection->arenas = tcore_calloc(1, sizeof *collection->arenas);
    if (!collection->arenas)
        return tcore_error_nomem(err);
    collection->arena_count = 1;
    return TCORE_OK;
}

void collection_free(struct collection *collection)
{
    for (size_t i = 0; i < collection->arena_count; i++)
        tcore_arena_free(&collection->arenas[i]);
    tcore_free(collection->arenas);
    tcore_free(collection->spans);
    *collection = (struct collection){0};
}

size_t collection_bytes(const struct collection *collection)
{
    return collection->text_bytes + collection->capacity * sizeof *collection->spans;
}

enum tcore_status trace_columns_project(struct trace_columns *columns,
                                        struct tcore_projection *projection,
                                        struct tcore_error *err)
{
    const struct {
        const char *name;
        size_t *column;
    } wanted[] = {
        {"traceId", &columns->trace_id},
        {"spanId", &columns->span_id},
        {"parentSpanId", &columns->parent_id},
        {"startTimeUnixNano", &columns->start},
        {"endTimeUnixNano", &columns->end},
        {"status", &columns->status},
        {"kind", &columns->kind},
    };
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted && !status; i++) {
        const struct tcore_path_key key = {wanted[i].name, strlen(wanted[i].name)};
        status = tcore_projection_add_path(projection, &key, 1, wanted[i].column, err);
    }
    projection->text = true;
    return status;
}

/* --- Rows */

static uint64_t digits_of(const char *digits)
{
    uint64_t number = 0;
    for (size_t i = 0; i < 16; i++) {
        char c = digits[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                                : 0;
        number = number << 4 | digit;
    }
    return number;
}

static bool id_at(const struct tcore_batch *batch, size_t column, uint32_t row, uint64_t *id,
                  size_t words)
{
    struct tcore_value value = tcore_column_get(&batch->columns[column], row);
    if (value.kind != TCORE_STRING || value.len != 16 * words)
        return false;
    for (size_t i = 0; i < words; i++)
        id[i] = digits_of(value.s + 16 * i);
    return true;
}

static void read_time(const struct tcore_batch *batch, size_t column, uint32_t row, int64_t *time,
                      uint8_t *flags, uint8_t flag)
{
    struct tcore_value value = tcore_column_get(&batch->columns[column], row);
    if (!tcore_value_int64(&value, time) || *time <= -TIME_LIMIT || *time >= TIME_LIMIT)
        *time = 0;
    else
        *flags |= flag;
}

static bool read_row(const struct trace_columns *columns, const struct tcore_batch *batch,
                     uint32_t row, struct collected_span *span)
{
    *span = (struct collected_span){0};
    if (!id_at(batch, columns->trace_id, row, span->trace_id, 2) ||
        !id_at(batch, columns->span_id, row, &span->span.span_id, 1))
        return false;
    (void)id_at(batch, columns->parent_id, row, &span->span.parent_id, 1);
    read_time(batch, columns->start, row, &span->span.start_ns, &span->span.flags,
              TCORE_SPAN_HAS_START);
    read_time(batch, columns->end, row, &span->span.end_ns, &span->span.flags, TCORE_SPAN_HAS_END);
    struct tcore_value status = tcore_column_get(&batch->columns[columns->status], row);
    if (status.kind == TCORE_STRING && status.len == 5 && memcmp(status.s, "error", 5) == 0)
        span->span.flags |= TCORE_SPAN_ERROR;
    struct tcore_value kind = tcore_column_get(&batch->columns[columns->kind], row);
    if (kind.kind == TCORE_STRING)
        span->span.kind = (uint8_t)tcore_span_kind_find(kind.s, kind.len);
    return true;
}

static bool grow(struct collection *collection, size_t more)
{
    size_t capacity = collection->capacity ? collection->capacity : 256;
    while (capacity - collection->count < more)
        capacity *= 2;
    if (capacity == collection->capacity)
        return true;
    struct collected_span *spans =
        tcore_reallocarray(collection->spans, capacity, sizeof *collection->spans);
    if (!spans)
        return false;
    collection->spans = spans;
    collection->capacity = capacity;
    return true;
}

enum tcore_status collection_add(struct collection *collection, const struct trace_columns *columns,
                                 const struct trace_wanted *wanted, const struct tcore_batch *batch,
                                 const uint32_t *rows, size_t count, struct tcore_error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct collected_span span;
        if (!read_row(columns, batch, rows[i], &span))
            continue;
        if (wanted->trace && memcmp(span.trace_id, wanted->trace_id, sizeof span.trace_id) != 0)
            continue;
        const struct tcore_slice *text = &batch->text[rows[i]];
        span.text.length = text->length;
        span.text.data = tcore_arena_copy(&collection->arenas[0], text->data, text->length);
        if (!span.text.data || !grow(collection, 1))
            return tcore_error_nomem(err);
        collection->text_bytes += text->length;
        collection->spans[collection->count++] = span;
    }
    return TCORE_OK;
}

enum tcore_status collection_join(struct collection *into, struct collection *from,
                                  struct tcore_error *err)
{
    size_t arenas = into->arena_count + from->arena_count;
    struct tcore_arena *list = tcore_reallocarray(into->arenas, arenas, sizeof *list);
    if (list)
        into->arenas = list;
    if (!list || !grow(into, from->count))
        return tcore_error_nomem(err);
    memcpy(list + into->arena_count, from->arenas, from->arena_count * sizeof *list);
    into->arena_count = arenas;
    from->arena_count = 0;
    if (from->count)
        memcpy(into->spans + into->count, from->spans, from->count * sizeof *from->spans);
    into->count += from->count;
    into->text_bytes += from->text_bytes;
    collection_free(from);
    return TCORE_OK;
}

/* --- Traces */

static int compare_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_spans(const void *a, const void *b)
{
    const struct collected_span *x = a, *y = b;
    int order = compare_u64(x->trace_id[0], y->trace_id[0]);
    if (!order)
        order = compare_u64(x->trace_id[1], y->trace_id[1]);
    if (!order)
        order = tcore_trace_span_compare(&x->span, &y->span);
    if (!order)
        order = memcmp(x->text.data, y->text.data,
                       x->text.length < y->text.length ? x->text.length : y->text.length);
    return order ? order : compare_u64(x->text.length, y->text.length);
}

static uint64_t length_of(const struct tcore_interval *whole)
{
    return tcore_interval_is_known(whole) ? (uint64_t)whole->end_ns - (uint64_t)whole->start_ns : 0;
}

static int compare_traces(const void *a, const void *b)
{
    const struct collected_trace *x = a, *y = b;
    int order = compare_u64(length_of(&y->whole), length_of(&x->whole));
    if (!order)
        order = compare_u64(x->spans->trace_id[0], y->spans->trace_id[0]);
    return order ? order : compare_u64(x->spans->trace_id[1], y->spans->trace_id[1]);
}

static void add_to_trace(struct collected_trace *trace, const struct tcore_trace_span *span)
{
    trace->count++;
    trace->errors += (span->flags & TCORE_SPAN_ERROR) != 0;
    if (span->flags & TCORE_SPAN_HAS_START && span->start_ns < trace->whole.start_ns)
        trace->whole.start_ns = span->start_ns;
    if (span->flags & TCORE_SPAN_HAS_START && span->start_ns > trace->whole.end_ns)
        trace->whole.end_ns = span->start_ns;
    if (span->flags & TCORE_SPAN_HAS_END && span->end_ns > trace->whole.end_ns)
        trace->whole.end_ns = span->end_ns;
    if (span->flags & TCORE_SPAN_HAS_END && span->end_ns < trace->whole.start_ns)
        trace->whole.start_ns = span->end_ns;
}

enum tcore_status collection_traces(struct collection *collection, struct collected_trace **traces,
                                    size_t *count, struct tcore_error *err)
{
    size_t found = 0;
    const struct collected_span *spans = collection->spans;
    *count = 0;
    if (collection->count)
        qsort(collection->spans, collection->count, sizeof *collection->spans, compare_spans);
    for (size_t i = 0; i < collection->count; i++)
        found += i == 0 ||
                 memcmp(spans[i].trace_id, spans[i - 1].trace_id, sizeof spans[i].trace_id) != 0;
    *traces = tcore_calloc(found + 1, sizeof **traces);
    if (!*traces)
        return tcore_error_nomem(err);
    struct collected_trace *trace = *traces - 1;
    for (size_t i = 0; i < collection->count; i++) {
        if (i == 0 ||
            memcmp(spans[i].trace_id, spans[i - 1].trace_id, sizeof spans[i].trace_id) != 0)
            *++trace =
                (struct collected_trace){.spans = &spans[i], .whole = {INT64_MAX, INT64_MIN}};
        add_to_trace(trace, &spans[i].span);
    }
    qsort(*traces, found, sizeof **traces, compare_traces);
    *count = found;
    return TCORE_OK;
}
