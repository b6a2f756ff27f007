/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/execution/usage.h"

#include "base/sys.h"
#include "model/number.h"
#include "record/execution/execution.h"
#include "record/execution/fold.h"

#include <string.h>

enum tcore_status execution_usage_init(struct execution_usage *usage, struct tcore_error *err)
{
    *usage = (struct execution_usage){
        .cpu_seconds = -1, .peak_bytes = -1, .received_bytes = -1, .sent_bytes = -1};
    if (tcore_map_init(&usage->names) < 0)
        return tcore_error_set(err, TCORE_FATAL, "the system has no randomness to give");
    return TCORE_OK;
}

void execution_usage_free(struct execution_usage *usage)
{
    tcore_free(usage->series);
    tcore_map_free(&usage->names);
    tcore_arena_free(&usage->arena);
}

/* --- Adding up */

static void add_value(struct usage_series *series, const struct tcore_value *value, int64_t time_ns)
{
    series->count++;
    if (!tcore_value_is_number(value))
        return;
    double number = tcore_value_double(value);
    if (!series->numbers || number < series->min)
        series->min = number;
    if (!series->numbers || number > series->max)
        series->max = number;
    if (!series->numbers || time_ns >= series->last_ns) {
        series->last = number;
        series->last_ns = time_ns;
    }
    series->sum += number;
    series->numbers++;
}

/* A member as JSON in the arena, "" if it is absent; NULL: out of memory. */
static const char *copy_member(struct execution_usage *usage, const struct tcore_json *json,
                               const char *name)
{
    struct tcore_buf text = {0};
    uint32_t at = tcore_json_find(json, 0, name);
    if (!at)
        return "";
    tcore_json_write_tree(&text, json, at);
    const char *copy = text.failed ? NULL : tcore_arena_copy(&usage->arena, text.data, text.length);
    tcore_buf_free(&text);
    return copy;
}

/* The series of that record, made if it is new. NULL: out of memory. */
static struct usage_series *find_series(struct execution_usage *usage,
                                        const struct tcore_json *metric)
{
    struct tcore_buf key = {0};
    uint32_t dimensions = tcore_json_find(metric, 0, "dimensions");
    const struct tcore_value *name = execution_member(metric, "metricName");
    tcore_json_write_string(&key, name->s, name->len);
    if (dimensions)
        tcore_json_write_key(&key, metric->node[dimensions].value.s,
                             metric->node[dimensions].value.len);
    uint32_t number =
        key.failed ? TCORE_MAP_NONE : tcore_map_intern(&usage->names, key.data, key.length, NULL);
    tcore_buf_free(&key);
    if (number == TCORE_MAP_NONE)
        return NULL;
    if (number < usage->count)
        return &usage->series[number];
    if (usage->count == usage->capacity) {
        size_t capacity = usage->capacity ? 2 * usage->capacity : 16;
        void *series = tcore_reallocarray(usage->series, capacity, sizeof(*usage->series));
        if (!series)
            return NULL;
        usage->series = series;
        usage->capacity = capacity;
    }
    struct usage_series series = {.name_json = copy_member(usage, metric, "metricName"),
                                  .dimensions_json = copy_member(usage, metric, "dimensions"),
                                  .unit_json = copy_member(usage, metric, "unit"),
                                  .type_json = copy_member(usage, metric, "metricType")};
    if (!series.name_json || !series.dimensions_json || !series.unit_json || !series.type_json)
        return NULL;
    usage->series[usage->count] = series;
    return &usage->series[usage->count++];
}

/* Of the samples that run takes. Whether the metric is one of them. */
static bool is_sample(const struct tcore_value *name)
{
    static const char prefix[] = "process.";
    return name->len > strlen(prefix) && memcmp(name->s, prefix, strlen(prefix)) == 0;
}

static void add_network(struct execution_usage *usage, const struct tcore_json *metric,
                        double value)
{
    uint32_t dimensions = tcore_json_find(metric, 0, "dimensions");
    uint32_t direction =
        dimensions ? tcore_json_find(metric, dimensions, "network.io.direction") : 0;
    if (!direction)
        return;
    if (tcore_value_is_text(&metric->node[direction].value, "receive"))
        usage->received_bytes = value;
    else
        usage->sent_bytes = value;
}

enum tcore_status execution_usage_metric(struct execution_usage *usage,
                                         const struct tcore_json *metric, bool own,
                                         struct tcore_error *err)
{
    const struct tcore_value *name = execution_member(metric, "metricName");
    const struct tcore_value *value = execution_member(metric, "value");
    int64_t time_ns = execution_time_of(metric);
    if (name->kind != TCORE_STRING)
        return TCORE_OK;
    if (is_sample(name)) {
        if (own && tcore_value_is_text(name, "process.cpu.utilization"))
            add_value(&usage->cpu, value, time_ns);
        else if (own && tcore_value_is_text(name, "process.memory.usage"))
            add_value(&usage->memory, value, time_ns);
        else if (own && tcore_value_is_text(name, "process.network.io"))
            add_network(usage, metric, tcore_value_double(value));
        return TCORE_OK;
    }
    struct usage_series *series = find_series(usage, metric);
    if (!series)
        return tcore_error_nomem(err);
    add_value(series, value, time_ns);
    return TCORE_OK;
}

static bool read_attribute(const struct tcore_json *span, const char *name, double *number)
{
    uint32_t attributes = tcore_json_find(span, 0, "attributes");
    uint32_t at = attributes ? tcore_json_find(span, attributes, name) : 0;
    if (!at || !tcore_value_is_number(&span->node[at].value))
        return false;
    *number = tcore_value_double(&span->node[at].value);
    return true;
}

void execution_usage_span(struct execution_usage *usage, const struct tcore_json *span)
{
    double user, system;
    if (read_attribute(span, "process.cpu.user_seconds", &user) &&
        read_attribute(span, "process.cpu.system_seconds", &system))
        usage->cpu_seconds = user + system;
    (void)read_attribute(span, "process.memory.max_rss_bytes", &usage->peak_bytes);
}

/* --- As text */

static void put_number(struct tcore_buf *out, const char *name, double number)
{
    char text[TCORE_NUMBER_BYTES];
    tcore_buf_printf(out, ",\"%s\":", name);
    tcore_buf_append(out, text, tcore_format_double(text, number));
}

/* of what: a unit, and what the samples say */
static void put_samples(struct tcore_buf *out, const char *unit, const struct usage_series *series)
{
    tcore_buf_printf(out, "{\"unit\":\"%s\",\"samples\":%llu", unit,
                     (unsigned long long)series->numbers);
    if (!series->numbers)
        return;
    put_number(out, "average", series->sum / (double)series->numbers);
    put_number(out, "current", series->last);
}

static void put_peak(struct tcore_buf *out, const struct usage_series *series, double peak)
{
    if (series->numbers && series->max > peak)
        peak = series->max;
    if (peak >= 0)
        put_number(out, "peak", peak);
}

static void put_series(struct tcore_buf *out, const struct usage_series *series)
{
    tcore_buf_puts(out, "{\"metricName\":");
    tcore_buf_puts(out, series->name_json);
    execution_put_json(out, "metricType", series->type_json);
    execution_put_json(out, "unit", series->unit_json);
    execution_put_json(out, "dimensions", series->dimensions_json);
    tcore_buf_printf(out, ",\"count\":%llu", (unsigned long long)series->count);
    if (series->numbers) {
        put_number(out, "value", series->last);
        put_number(out, "min", series->min);
        put_number(out, "max", series->max);
        put_number(out, "mean", series->sum / (double)series->numbers);
    }
    tcore_buf_putc(out, '}');
}

void execution_usage_put(const struct execution_usage *usage, struct usage_text *text)
{
    *text = (struct usage_text){0};
    put_samples(&text->cpu, "1", &usage->cpu);
    put_peak(&text->cpu, &usage->cpu, -1);
    if (usage->cpu_seconds >= 0)
        put_number(&text->cpu, "seconds", usage->cpu_seconds);
    tcore_buf_append(&text->cpu, "}", 2);
    put_samples(&text->memory, "By", &usage->memory);
    put_peak(&text->memory, &usage->memory, usage->peak_bytes);
    tcore_buf_append(&text->memory, "}", 2);
    tcore_buf_puts(&text->network, "{\"unit\":\"By\"");
    if (usage->received_bytes >= 0)
        put_number(&text->network, "received", usage->received_bytes);
    if (usage->sent_bytes >= 0)
        put_number(&text->network, "sent", usage->sent_bytes);
    tcore_buf_append(&text->network, "}", 2);
    for (size_t i = 0; i < usage->count; i++) {
        tcore_buf_puts(&text->custom, i ? "," : "");
        put_series(&text->custom, &usage->series[i]);
    }
    tcore_buf_putc(&text->custom, '\0');
}

void usage_text_free(struct usage_text *text)
{
    tcore_buf_free(&text->cpu);
    tcore_buf_free(&text->memory);
    tcore_buf_free(&text->network);
    tcore_buf_free(&text->custom);
}
