/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/error_logs.h"

#include "base/sys.h"
#include "model/id.h"
#include "model/number.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SEVERITY_ERROR 17 /* of OpenTelemetry's severity numbers, the least of errors */

/* --- Rows */

enum tcore_status error_logs_project(struct error_log_columns *columns,
                                     struct tcore_projection *projection, struct tcore_error *err)
{
    const struct {
        struct tcore_path_key key;
        size_t *column;
    } wanted[] = {
        {{"severity", 8}, &columns->severity},  {{"severityNumber", 14}, &columns->number},
        {{"traceId", 7}, &columns->trace_id},   {{"spanId", 6}, &columns->span_id},
        {{"timeUnixNano", 12}, &columns->time},
    };
    enum tcore_status status = TCORE_OK;
    projection->text = true;
    for (size_t i = 0; status == TCORE_OK && i < sizeof wanted / sizeof *wanted; i++)
        status = tcore_projection_add_path(projection, &wanted[i].key, 1, wanted[i].column, err);
    return status;
}

static bool is_error(const struct tcore_value *severity, const struct tcore_value *number)
{
    static const char *const names[] = {"error", "fatal", "critical", "crit",
                                        "emerg", "alert", "panic",    "severe"};
    int64_t n;
    if (tcore_value_int64(number, &n))
        return n >= SEVERITY_ERROR;
    if (severity->kind != TCORE_STRING)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (severity->len >= strlen(names[i]) &&
            !strncasecmp(severity->s, names[i], strlen(names[i])))
            return true;
    return false;
}

static bool read_id(const struct tcore_value *value, enum tcore_id_class class, uint64_t *id)
{
    char digits[TCORE_TRACE_ID], half[17] = "";
    if (value->kind != TCORE_STRING ||
        tcore_id_normalise(class, value->s, value->len, digits) == TCORE_ID_ZERO)
        return false;
    for (size_t i = 0; i < (size_t) class / 16; i++) {
        memcpy(half, digits + 16 * i, 16);
        id[i] = strtoull(half, NULL, 16);
    }
    return true;
}

static int64_t read_time(const struct tcore_value *value)
{
    int64_t ns;
    bool known = value->kind == TCORE_STRING ? tcore_parse_int64(value->s, value->len, &ns)
                                             : tcore_value_int64(value, &ns);
    return known ? ns : INT64_MAX;
}

static bool reserve(struct error_logs *logs, size_t count)
{
    if (count <= logs->capacity)
        return true;
    size_t n = logs->capacity ? logs->capacity * 2 : 64;
    n = n < count ? count : n;
    void *log = tcore_reallocarray(logs->log, n, sizeof *logs->log);
    if (!log)
        return false;
    logs->log = log;
    logs->capacity = n;
    return true;
}

enum tcore_status error_logs_take(struct error_logs *logs, const struct error_log_columns *columns,
                                  const struct tcore_batch *batch, uint32_t row,
                                  struct tcore_error *err)
{
    struct tcore_value severity = tcore_column_get(&batch->columns[columns->severity], row);
    struct tcore_value number = tcore_column_get(&batch->columns[columns->number], row);
    struct tcore_value trace_id = tcore_column_get(&batch->columns[columns->trace_id], row);
    struct tcore_value span_id = tcore_column_get(&batch->columns[columns->span_id], row);
    struct tcore_value time = tcore_column_get(&batch->columns[columns->time], row);
    struct error_log log = {.time_ns = read_time(&time)};
    if (!is_error(&severity, &number) || !read_id(&trace_id, TCORE_TRACE_ID, log.trace_id))
        return TCORE_OK;
    read_id(&span_id, TCORE_SPAN_ID, &log.span_id);
    log.length = (uint32_t)batch->text[row].length;
    log.text = tcore_arena_copy(&logs->text, batch->text[row].data, log.length);
    if (!log.text || !reserve(logs, logs->count + 1))
        return tcore_error_nomem(err);
    logs->log[logs->count++] = log;
    return TCORE_OK;
}

size_t error_logs_bytes(const struct error_logs *logs)
{
    return logs->text.bytes + logs->capacity * sizeof *logs->log;
}

/* --- All of them */

enum tcore_status error_logs_join(struct error_logs *into, struct error_logs *from,
                                  struct tcore_error *err)
{
    bool good = reserve(into, into->count + from->count);
    if (good && from->count)
        memcpy(into->log + into->count, from->log, from->count * sizeof *from->log);
    into->count += good ? from->count : 0;
    tcore_free(from->log);
    *from = (struct error_logs){.text = from->text, .next = into->next};
    into->next = from;
    return good ? TCORE_OK : tcore_error_nomem(err);
}

void error_logs_free(struct error_logs *logs)
{
    for (struct error_logs *next, *at = logs->next; at; at = next) {
        next = at->next;
        tcore_arena_free(&at->text);
        tcore_free(at);
    }
    tcore_arena_free(&logs->text);
    tcore_free(logs->log);
    *logs = (struct error_logs){0};
}

static int compare_ids(const struct error_log *log, const uint64_t trace_id[2])
{
    if (log->trace_id[0] != trace_id[0])
        return log->trace_id[0] < trace_id[0] ? -1 : 1;
    return (log->trace_id[1] > trace_id[1]) - (log->trace_id[1] < trace_id[1]);
}

static int compare(const void *left, const void *right)
{
    const struct error_log *a = left, *b = right;
    int order = compare_ids(a, b->trace_id);
    if (order)
        return order;
    if (a->span_id != b->span_id)
        return a->span_id < b->span_id ? -1 : 1;
    if (a->time_ns != b->time_ns)
        return a->time_ns < b->time_ns ? -1 : 1;
    order = memcmp(a->text, b->text, a->length < b->length ? a->length : b->length);
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

void error_logs_sort(struct error_logs *logs)
{
    if (logs->count)
        qsort(logs->log, logs->count, sizeof *logs->log, compare);
}

struct error_log *error_logs_of_trace(const struct error_logs *logs, const uint64_t trace_id[2],
                                      size_t *count)
{
    size_t low = 0, high = logs->count;
    *count = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_ids(&logs->log[middle], trace_id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    while (low + *count < logs->count && !compare_ids(&logs->log[low + *count], trace_id))
        ++*count;
    return *count ? logs->log + low : NULL;
}

struct error_log *error_logs_of_span(struct error_log *of_trace, size_t in_trace, uint64_t span_id,
                                     size_t *count)
{
    size_t at = 0, high = in_trace;
    *count = 0;
    while (at < high) {
        size_t middle = at + (high - at) / 2;
        if (of_trace[middle].span_id < span_id)
            at = middle + 1;
        else
            high = middle;
    }
    while (at + *count < in_trace && of_trace[at + *count].span_id == span_id)
        ++*count;
    return *count ? of_trace + at : NULL;
}
