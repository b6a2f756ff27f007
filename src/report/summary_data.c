/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Batches in, groups out; and two of those into one. */
#include <config.h>

#include "report/summary_records.h"

#include "base/sys.h"
#include "c-ctype.h"

#include <string.h>

enum tcore_status summary_open(struct summary_data *data, size_t trace_limit,
                               struct tcore_error *err)
{
    *data = (struct summary_data){.first_ns = INT64_MAX, .last_ns = INT64_MIN};
    data->time = (struct bins){.first = 1, .last = 0};
    data->traces.limit = trace_limit;
    if (tcore_sys()->random(data->traces.seed, sizeof data->traces.seed) != 0)
        return tcore_error_set(err, TCORE_FATAL, "no randomness for a hash table");
    const struct {
        struct groups *groups;
        size_t bytes;
    } all[] = {
        {&data->services, sizeof(struct span_group)},
        {&data->operations, sizeof(struct span_group)},
        {&data->failures, sizeof(struct error_group)},
        {&data->metrics, sizeof(struct metric_group)},
        {&data->aggregates, sizeof(struct aggregate_group)},
        {&data->alerts, sizeof(struct alert_group)},
    };
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all && !status; i++)
        status = groups_open(all[i].groups, all[i].bytes, err);
    return status;
}

static void free_span_groups(struct groups *groups)
{
    for (uint32_t i = 0; groups->items && i < groups->keys.count; i++) {
        struct span_group *group = groups_item(groups, i);
        tcore_histogram_free(&group->durations);
        tcore_free(group->bins);
    }
    groups_free(groups);
}

void summary_free(struct summary_data *data)
{
    free_span_groups(&data->services);
    free_span_groups(&data->operations);
    groups_free(&data->failures);
    groups_free(&data->metrics);
    groups_free(&data->aggregates);
    groups_free(&data->alerts);
    tcore_free(data->traces.entries);
    tcore_buf_free(&data->key);
    tcore_arena_free(&data->arena);
}

/* --- Columns */

struct wanted {
    unsigned types; /* of records that have it */
    const char *name;
    size_t column; /* offset in struct summary_columns */
};

enum tcore_status summary_project(struct summary_columns *columns,
                                  struct tcore_projection *projection, unsigned types,
                                  struct tcore_error *err)
{
#define TYPE(name)   (1u << TCORE_RECORD_##name)
#define COLUMN(name) offsetof(struct summary_columns, name)
    static const struct wanted wanted[] = {
        {TYPE(SPAN), "traceId", COLUMN(trace_id)},
        {TYPE(SPAN), "spanId", COLUMN(span_id)},
        {TYPE(SPAN), "parentSpanId", COLUMN(parent_id)},
        {TYPE(SPAN), "name", COLUMN(name)},
        {TYPE(SPAN) | TYPE(METRIC), "service", COLUMN(service)},
        {TYPE(SPAN), "startTimeUnixNano", COLUMN(start)},
        {TYPE(SPAN), "endTimeUnixNano", COLUMN(end)},
        {TYPE(SPAN), "durationNano", COLUMN(duration)},
        {TYPE(SPAN), "status", COLUMN(status)},
        {TYPE(SPAN), "statusMessage", COLUMN(status_message)},
        {TYPE(METRIC) | TYPE(FINDING) | TYPE(ALERT), "timeUnixNano", COLUMN(time)},
        {TYPE(LOG) | TYPE(FINDING), "severity", COLUMN(severity)},
        {TYPE(METRIC) | TYPE(AGGREGATE) | TYPE(FINDING), "metricName", COLUMN(metric_name)},
        {TYPE(METRIC), "value", COLUMN(value)},
        {TYPE(METRIC), "unit", COLUMN(unit)},
        {TYPE(AGGREGATE), "recordType", COLUMN(record_type)},
        {TYPE(AGGREGATE), "partial", COLUMN(partial)},
        {TYPE(AGGREGATE), "group", COLUMN(group)},
        {TYPE(AGGREGATE), "count", COLUMN(count)},
        {TYPE(AGGREGATE), "errorRate", COLUMN(error_rate)},
        {TYPE(AGGREGATE), "p50", COLUMN(p50)},
        {TYPE(AGGREGATE), "p95", COLUMN(p95)},
        {TYPE(AGGREGATE), "p99", COLUMN(p99)},
        {TYPE(FINDING), "kind", COLUMN(kind)},
        {TYPE(FINDING), "score", COLUMN(score)},
        {TYPE(FINDING), "message", COLUMN(message)},
        {TYPE(ALERT), "fingerprint", COLUMN(fingerprint)},
        {TYPE(ALERT), "startedUnixNano", COLUMN(started)},
        {TYPE(ALERT), "alertId", COLUMN(alert_id)},
        {TYPE(ALERT), "alertName", COLUMN(alert_name)},
        {TYPE(ALERT), "state", COLUMN(state)},
        {TYPE(ALERT), "labels", COLUMN(labels)},
        {TYPE(ALERT), "annotations", COLUMN(annotations)},
    };
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted && !status; i++) {
        const struct tcore_path_key key = {wanted[i].name, strlen(wanted[i].name)};
        size_t *column = (size_t *)(void *)((char *)columns + wanted[i].column);
        *column = SIZE_MAX;
        if (wanted[i].types & types)
            status = tcore_projection_add_path(projection, &key, 1, column, err);
    }
    return status;
}

/* 16 digits as a number; anything else as 0. */
static uint64_t digits_of(const char *digits)
{
    uint64_t number = 0;
    for (size_t i = 0; i < 16; i++) {
        char c = digits[i];
        unsigned digit = c_isdigit(c)           ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                                : 0;
        number = number << 4 | digit;
    }
    return number;
}

/* --- Spans */

struct span {
    struct tcore_slice service, name;
    int64_t start_ns, end_ns, duration_ns;
    uint64_t trace_id[2], span_id;
    bool has_start, has_end, has_duration, error, has_parent;
};

static void read_span(const struct row *row, struct span *span)
{
    const struct summary_columns *columns = row->columns;
    struct tcore_slice status = text_at(row, columns->status);
    struct tcore_slice trace = text_at(row, columns->trace_id);
    struct tcore_slice id = text_at(row, columns->span_id);
    *span = (struct span){.service = text_at(row, columns->service),
                          .name = text_at(row, columns->name)};
    span->has_start = time_at(row, columns->start, &span->start_ns);
    span->has_end = time_at(row, columns->end, &span->end_ns);
    span->has_duration = time_at(row, columns->duration, &span->duration_ns);
    span->error = is_text(&status, "error");
    span->has_parent = text_at(row, columns->parent_id).length;
    if (trace.length == 32) {
        span->trace_id[0] = digits_of(trace.data);
        span->trace_id[1] = digits_of(trace.data + 16);
    }
    span->span_id = id.length == 16 ? digits_of(id.data) : 0;
}

static enum tcore_status add_to_group(struct span_group *group, const struct span *span,
                                      struct tcore_error *err)
{
    group->spans++;
    group->errors += span->error;
    if (!span->has_duration)
        return TCORE_OK;
    if (!group->timed || span->duration_ns < group->smallest_ns)
        group->smallest_ns = span->duration_ns;
    if (!group->timed || span->duration_ns > group->largest_ns)
        group->largest_ns = span->duration_ns;
    group->timed++;
    group->total_ns += (unsigned __int128)(span->duration_ns > 0 ? span->duration_ns : 0);
    enum tcore_status status = tcore_histogram_insert_int64(&group->durations, span->duration_ns);
    return status == TCORE_FATAL ? tcore_error_nomem(err) : TCORE_OK;
}

static enum tcore_status add_to_bins(struct summary_data *data, struct span_group *service,
                                     const struct span *span, struct tcore_error *err)
{
    if (!span->has_start)
        return TCORE_OK;
    if (!service->bins)
        service->bins = tcore_calloc(TIME_BINS, sizeof *service->bins);
    if (!service->bins)
        return tcore_error_nomem(err);
    bins_reach(&data->time, &data->services, span->start_ns);
    struct bin *bin = &service->bins[bins_index(&data->time, span->start_ns)];
    bin->count++;
    if (!span->has_duration || span->duration_ns < 0)
        return TCORE_OK;
    bin->timed++;
    bin->total_ns += (unsigned __int128)span->duration_ns;
    return TCORE_OK;
}

static enum tcore_status add_failure(const struct row *row, const struct span *span,
                                     uint32_t operation, struct tcore_error *err)
{
    struct summary_data *data = row->data;
    struct tcore_slice message = text_at(row, row->columns->status_message);
    const struct tcore_map_key *key = &data->operations.keys.keys[operation];
    if (message.length > MAX_TEXT)
        message.length = MAX_TEXT;
    key_pair(&data->key, key->data, key->length, message.data, message.length);
    uint32_t number = data->key.failed
                          ? TCORE_MAP_NONE
                          : groups_find(&data->failures, data->key.data, data->key.length, NULL);
    if (number == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    struct error_group *group = groups_item(&data->failures, number);
    int64_t time_ns = span->has_start ? span->start_ns : 0;
    bool later = !group->count || time_ns > group->last_ns ||
                 (time_ns == group->last_ns &&
                  memcmp(span->trace_id, group->trace_id, sizeof span->trace_id) > 0);
    group->count++;
    if (later) {
        group->last_ns = time_ns;
        memcpy(group->trace_id, span->trace_id, sizeof group->trace_id);
    }
    return TCORE_OK;
}

static enum tcore_status add_to_trace(struct summary_data *data, const struct span *span,
                                      uint32_t operation, struct tcore_error *err)
{
    struct trace_entry *entry;
    enum tcore_status status = traces_find(&data->traces, span->trace_id, &entry, err);
    if (status || !entry)
        return status;
    const struct trace_entry more = {
        .start_ns = span->has_start ? span->start_ns : INT64_MAX,
        .end_ns = span->has_end     ? span->end_ns
                  : span->has_start ? span->start_ns
                                    : INT64_MIN,
        .root_start_ns = span->has_start ? span->start_ns : INT64_MAX,
        .root_span = span->span_id,
        .root = operation,
        .spans = 1,
        .errors = span->error,
        .orphan = span->has_parent,
    };
    trace_entry_add(entry, &more);
    return TCORE_OK;
}

static enum tcore_status add_span(const struct row *row, struct tcore_error *err)
{
    struct summary_data *data = row->data;
    struct span span;
    read_span(row, &span);
    data->spans++;
    data->errors += span.error;
    data->untimed += !span.has_start;
    if (span.has_start && span.start_ns < data->first_ns)
        data->first_ns = span.start_ns;
    int64_t end = span.has_end ? span.end_ns : span.has_start ? span.start_ns : INT64_MIN;
    if (span.has_start && end > data->last_ns)
        data->last_ns = end;
    key_pair(&data->key, span.service.data, span.service.length, "", 0);
    uint32_t service = data->key.failed
                           ? TCORE_MAP_NONE
                           : groups_find(&data->services, data->key.data, data->key.length, NULL);
    key_pair(&data->key, span.service.data, span.service.length, span.name.data, span.name.length);
    uint32_t operation =
        data->key.failed ? TCORE_MAP_NONE
                         : groups_find(&data->operations, data->key.data, data->key.length, NULL);
    if (service == TCORE_MAP_NONE || operation == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    enum tcore_status status = add_to_group(groups_item(&data->services, service), &span, err);
    if (!status)
        status = add_to_group(groups_item(&data->operations, operation), &span, err);
    if (!status)
        status = add_to_bins(data, groups_item(&data->services, service), &span, err);
    if (!status && span.error)
        status = add_failure(row, &span, operation, err);
    return status ? status : add_to_trace(data, &span, operation, err);
}

enum tcore_status summary_add(struct summary_data *data, const struct summary_columns *columns,
                              const struct tcore_batch *batch, const uint32_t *rows, size_t count,
                              struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    struct row row = {.data = data, .columns = columns, .batch = batch};
    data->negative += batch->negative_durations;
    for (size_t i = 0; i < count && !status; i++) {
        row.number = rows[i];
        data->records[batch->types[rows[i]]]++;
        switch (batch->types[rows[i]]) {
        case TCORE_RECORD_SPAN:
            status = add_span(&row, err);
            break;
        case TCORE_RECORD_METRIC:
            status = summary_add_metric(&row, err);
            break;
        case TCORE_RECORD_LOG: {
            struct tcore_slice severity = text_at(&row, columns->severity);
            data->log_errors += is_text(&severity, "error") || is_text(&severity, "fatal");
            break;
        }
        case TCORE_RECORD_AGGREGATE:
            status = summary_add_aggregate(&row, err);
            break;
        case TCORE_RECORD_FINDING:
            status = summary_add_finding(&row, err);
            break;
        case TCORE_RECORD_ALERT:
            status = summary_add_alert(&row, err);
            break;
        default:
            break;
        }
    }
    return status;
}
