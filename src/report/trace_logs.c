/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "report/trace_logs.h"

#include "base/sys.h"
#include "model/id.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void trace_logs_open(struct trace_logs *logs, size_t limit)
{
    *logs = (struct trace_logs){.limit = limit};
    pthread_mutex_init(&logs->lock, NULL);
}

void trace_logs_free(struct trace_logs *logs)
{
    tcore_arena_free(&logs->arena);
    tcore_free(logs->log);
    pthread_mutex_destroy(&logs->lock);
}

enum tcore_status trace_logs_project(struct trace_logs *logs, struct tcore_projection *projection,
                                     struct tcore_error *err)
{
    const struct {
        struct tcore_path_key key;
        size_t *column;
    } columns[] = {{{"traceId", 7}, &logs->trace_column},
                   {{"spanId", 6}, &logs->span_column},
                   {{"timeUnixNano", 12}, &logs->time_column}};
    enum tcore_status status = TCORE_OK;
    projection->text = true;
    for (size_t i = 0; i < sizeof columns / sizeof *columns && !status; i++)
        status = tcore_projection_add_path(projection, &columns[i].key, 1, columns[i].column, err);
    return status;
}

static bool read_id(const struct tcore_batch *batch, size_t column, uint32_t row,
                    enum tcore_id_class id, char *digits)
{
    struct tcore_value value = tcore_column_get(&batch->columns[column], row);
    return value.kind == TCORE_STRING &&
           tcore_id_normalise(id, value.s, value.len, digits) != TCORE_ID_ZERO;
}

static enum tcore_status keep(struct trace_logs *logs, struct trace_log *log,
                              struct tcore_error *err)
{
    logs->bytes += sizeof *log + log->text.length;
    if (logs->bytes > logs->limit) {
        logs->beyond_limit++;
        return TCORE_OK;
    }
    if (logs->count == logs->capacity) {
        size_t capacity = logs->capacity ? 2 * logs->capacity : 64;
        struct trace_log *all = tcore_reallocarray(logs->log, capacity, sizeof *all);
        if (!all)
            return tcore_error_nomem(err);
        logs->log = all;
        logs->capacity = capacity;
    }
    log->text.data = tcore_arena_copy(&logs->arena, log->text.data, log->text.length);
    if (!log->text.data)
        return tcore_error_nomem(err);
    logs->log[logs->count++] = *log;
    return TCORE_OK;
}

enum tcore_status trace_logs_take(struct trace_logs *logs, const char *only,
                                  const struct tcore_batch *batch, uint32_t row,
                                  struct tcore_error *err)
{
    struct trace_log log = {.text = batch->text[row]};
    struct tcore_value time = tcore_column_get(&batch->columns[logs->time_column], row);
    if (!read_id(batch, logs->trace_column, row, TCORE_TRACE_ID, log.trace_id) ||
        (*only && memcmp(only, log.trace_id, sizeof log.trace_id) != 0))
        return TCORE_OK;
    if (!read_id(batch, logs->span_column, row, TCORE_SPAN_ID, log.span_id))
        memset(log.span_id, '0', sizeof log.span_id);
    (void)tcore_value_int64(&time, &log.time_ns);
    pthread_mutex_lock(&logs->lock);
    enum tcore_status status = keep(logs, &log, err);
    pthread_mutex_unlock(&logs->lock);
    return status;
}

/* --- Their places */

static int compare_span_ids(const void *a, const void *b)
{
    const struct trace_log *x = a, *y = b;
    return memcmp(x->span_id, y->span_id, sizeof x->span_id);
}

static int compare_places(const void *a, const void *b)
{
    const struct trace_log *x = a, *y = b;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    if (x->time_ns != y->time_ns)
        return x->time_ns < y->time_ns ? -1 : 1;
    size_t length = x->text.length < y->text.length ? x->text.length : y->text.length;
    int order = memcmp(x->text.data, y->text.data, length);
    return order ? order : x->text.length < y->text.length ? -1 : x->text.length > y->text.length;
}

static void choose_trace(struct trace_logs *logs, const struct view_trace *view)
{
    const uint64_t *id = view->trace->spans[0]->trace_id;
    char digits[33];
    size_t kept = 0;
    snprintf(digits, sizeof digits, "%016" PRIx64 "%016" PRIx64, id[0], id[1]);
    for (size_t i = 0; i < logs->count; i++)
        if (memcmp(logs->log[i].trace_id, digits, sizeof logs->log[i].trace_id) == 0)
            logs->log[kept++] = logs->log[i];
    logs->count = kept;
}

/* The first log of the span, by bisection; count: none. */
static size_t first_of(const struct trace_logs *logs, const char *span_id)
{
    size_t low = 0, high = logs->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(logs->log[middle].span_id, span_id, 16) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void trace_logs_place(struct trace_logs *logs, const struct view_trace *view)
{
    choose_trace(logs, view);
    if (!logs->count)
        return;
    qsort(logs->log, logs->count, sizeof *logs->log, compare_span_ids);
    for (size_t i = 0; i < logs->count; i++)
        logs->log[i].row = view->row_of[view->tree.root];
    for (uint32_t row = 0; row < view->row_count; row++) {
        char digits[17];
        snprintf(digits, sizeof digits, "%016" PRIx64, view->spans[view->rows[row].span].span_id);
        for (size_t i = first_of(logs, digits);
             i < logs->count && memcmp(logs->log[i].span_id, digits, 16) == 0; i++)
            logs->log[i].row = row;
    }
    qsort(logs->log, logs->count, sizeof *logs->log, compare_places);
}
