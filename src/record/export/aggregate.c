/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An aggregate as metrics. */
#include <config.h>

#include "record/export/aggregate.h"

#include "model/number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* What a member of an aggregate is here. */
enum part { PART_KEY, PART_COUNTER, PART_OF_COUNT, PART_OF_VALUE, PART_IN_UNIT };

static const struct {
    const char *name;
    enum part part;
} members[] = {
    {"type", PART_KEY},
    {"recordType", PART_KEY},
    {"metricName", PART_KEY},
    {"group", PART_KEY},
    {"windowStartUnixNano", PART_KEY},
    {"windowNano", PART_KEY},
    {"histogram", PART_KEY},
    {"count", PART_COUNTER},
    {"errors", PART_COUNTER},
    {"rate", PART_OF_COUNT},
    {"errorRate", PART_OF_COUNT},
    {"sum", PART_IN_UNIT},
    {"mean", PART_IN_UNIT},
    {"min", PART_IN_UNIT},
    {"max", PART_IN_UNIT},
    {"stddev", PART_IN_UNIT},
};

static bool begins(const struct tcore_value *name, const char *text)
{
    size_t length = strlen(text);
    return name->len >= length && !memcmp(name->s, text, length);
}

static enum part part_of(const struct tcore_value *name)
{
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (tcore_value_is_text(name, members[i].name))
            return members[i].part;
    return begins(name, "distinct(") ? PART_OF_COUNT : PART_OF_VALUE;
}

/* The quantile that a name like p99.9 says, as a text of it; false: it is another name. */
static bool quantile_of(const struct tcore_value *name, char text[32])
{
    double percent;
    if (name->len < 2 || name->s[0] != 'p' || name->s[1] < '0' || name->s[1] > '9' ||
        !tcore_parse_double(name->s + 1, name->len - 1, &percent) || percent > 100)
        return false;
    snprintf(text, 32, "%.14g", percent / 100); /* 0.999, not what a division makes of it */
    return true;
}

/* --- names --- */

static void put_text(struct tcore_buf *out, const struct tcore_value *v)
{
    tcore_buf_append(out, v->s, v->len);
}

/* span.count is of spans, and span.duration of what they have; NAME.points.count of metric NAME. */
static void name_what(struct export_aggregate *a, uint32_t type, uint32_t metric)
{
    const struct tcore_value *name = export_value(&a->record, metric);
    uint32_t length = export_is_text(&a->record, metric) ? name->len : 0;
    bool of_metric = export_text_is(&a->record, type, "metric") && length;
    a->unit = NULL;
    if (length > 4 && !memcmp(name->s + length - 4, "Nano", 4) && !of_metric) {
        a->unit = "ns";
        length -= 4;
    }
    tcore_buf_clear(&a->base);
    tcore_buf_clear(&a->value);
    put_text(&a->base, export_value(&a->record, of_metric ? metric : type));
    if (of_metric) {
        tcore_buf_putc(&a->base, a->joint);
        tcore_buf_puts(&a->base, "points");
    } else {
        put_text(&a->value, export_value(&a->record, type));
        if (length)
            tcore_buf_putc(&a->value, a->joint);
    }
    tcore_buf_append(&a->value, name->s, length);
}

/* In apdex(500ms) parentheses, which no name of a metric has, become joints. */
static void put_name(const struct export_aggregate *a, enum part part,
                     const struct tcore_value *statistic, struct tcore_buf *name)
{
    const struct tcore_buf *base = part <= PART_OF_COUNT ? &a->base : &a->value;
    tcore_buf_append(name, base->data, base->length);
    tcore_buf_putc(name, a->joint);
    for (uint32_t i = 0; i < statistic->len; i++)
        if (statistic->s[i] != ')')
            tcore_buf_putc(name, statistic->s[i] == '(' ? a->joint : statistic->s[i]);
}

/* --- points --- */

static void begin_point(struct export_aggregate *a, const struct tcore_buf *name, const char *kind,
                        const char *unit)
{
    tcore_buf_puts(&a->lines, "{\"type\":\"metric\",\"metricName\":");
    tcore_json_write_string(&a->lines, name->data, name->length);
    tcore_buf_printf(&a->lines, ",\"metricType\":\"%s\"", kind);
    if (unit)
        tcore_buf_printf(&a->lines, ",\"unit\":\"%s\"", unit);
    if (a->timed)
        tcore_buf_printf(&a->lines, ",\"timeUnixNano\":\"%" PRId64 "\"", a->end_ns);
    if (a->group && a->record.json.node[a->group].count) {
        tcore_buf_puts(&a->lines, ",\"dimensions\":");
        tcore_json_write_value(&a->lines, export_value(&a->record, a->group));
    }
}

static void put_member(struct export_aggregate *a, const char *label, uint32_t node)
{
    tcore_buf_puts(&a->lines, label);
    tcore_json_write_value(&a->lines, export_value(&a->record, node));
}

/* begun: what it says is of the time since the window's start, which belongs to it. */
static void end_point(struct export_aggregate *a, bool begun)
{
    a->begun |= begun || a->delta;
    if (a->timed && (begun || a->delta))
        tcore_buf_printf(&a->lines, ",\"startTimeUnixNano\":\"%" PRId64 "\"", a->start_ns);
    tcore_buf_puts(&a->lines, "}\n");
}

static void put_temporality(struct export_aggregate *a)
{
    tcore_buf_printf(&a->lines, ",\"temporality\":\"%s\"", a->delta ? "delta" : "cumulative");
}

static void put_number(struct export_aggregate *a, const struct tcore_value *statistic,
                       uint32_t node, enum part part)
{
    struct tcore_buf name = {0};
    bool counter = part == PART_COUNTER;
    put_name(a, part, statistic, &name);
    begin_point(a, &name, counter ? "counter" : "gauge", part == PART_IN_UNIT ? a->unit : NULL);
    put_member(a, ",\"value\":", node);
    if (counter)
        put_temporality(a);
    end_point(a, counter);
    a->lines.failed |= name.failed;
    tcore_buf_free(&name);
}

static void put_histogram(struct export_aggregate *a)
{
    begin_point(a, &a->value, "histogram", a->unit);
    put_temporality(a);
    put_member(a, ",\"histogram\":", a->histogram);
    end_point(a, true);
}

/* Its sum is one that grows, or is not there. */
static bool summary_has_sum(const struct export_aggregate *a)
{
    double sum;
    return export_number(&a->record, a->sum, &sum) && sum >= 0;
}

/* Its count is of whole records. */
static void put_summary(struct export_aggregate *a)
{
    double count;
    begin_point(a, &a->value, "custom", a->unit);
    tcore_buf_puts(&a->lines, ",\"summary\":{");
    if (export_number(&a->record, a->count, &count) && count >= 0 && count < 0x1p63)
        tcore_buf_printf(&a->lines, "\"count\":%lld,", llround(count));
    if (summary_has_sum(a)) {
        put_member(a, "\"sum\":", a->sum);
        tcore_buf_putc(&a->lines, ',');
    }
    tcore_buf_printf(&a->lines, "\"quantiles\":[%.*s]}", (int)a->quantiles.length,
                     a->quantiles.data);
    end_point(a, true);
}

/* --- a record --- */

static void add_quantile(struct export_aggregate *a, const char *quantile, uint32_t node)
{
    if (a->quantiles.length)
        tcore_buf_putc(&a->quantiles, ',');
    tcore_buf_printf(&a->quantiles, "{\"quantile\":%s,\"value\":", quantile);
    tcore_json_write_value(&a->quantiles, export_value(&a->record, node));
    tcore_buf_putc(&a->quantiles, '}');
}

static bool has_quantiles(const struct export_aggregate *a)
{
    const struct tcore_json_node *tape = a->record.json.node;
    char text[32];
    double d;
    for (uint32_t k = 1; k < tape[0].next; k = tape[k + 1].next)
        if (quantile_of(&tape[k].value, text) && export_number(&a->record, k + 1, &d) && d >= 0)
            return true;
    return false;
}

/* Whether the distribution says the sum. */
static bool is_within(const struct export_aggregate *a, uint32_t sum)
{
    if (sum != a->sum)
        return false;
    return a->histogram ? tcore_json_find(&a->record.json, a->histogram, "sum") != 0
                        : has_quantiles(a) && summary_has_sum(a);
}

/* A member that is no key: name and value. Quantiles of a summary are not negative, in either
 * format; those that are become gauges like others. */
static void take_statistic(struct export_aggregate *a, uint32_t node)
{
    const struct tcore_value *name = export_value(&a->record, node);
    enum part part = part_of(name);
    char quantile[32];
    double d;
    if (part == PART_KEY)
        return;
    bool number = export_number(&a->record, node + 1, &d);
    bool of_summary = quantile_of(name, quantile);
    if (!number || (of_summary && a->histogram))
        export_lose(&a->record.losses, a->record.type, name->s, name->len);
    else if (of_summary && d >= 0)
        add_quantile(a, quantile, node + 1);
    else if (!is_within(a, node + 1))
        put_number(a, name, node + 1, of_summary ? PART_IN_UNIT : part);
}

static void read_window(struct export_aggregate *a)
{
    a->begun = false;
    int64_t length;
    const struct tcore_json *json = &a->record.json;
    a->timed = export_time(&a->record, tcore_json_find(json, 0, "windowStartUnixNano"),
                           "windowStartUnixNano", &a->start_ns) &&
               export_int64(&a->record, tcore_json_find(json, 0, "windowNano"), &length) &&
               !__builtin_add_overflow(a->start_ns, length, &a->end_ns);
}

/* An object, or there is none. */
static uint32_t histogram_of(struct export_aggregate *a)
{
    uint32_t node = tcore_json_find(&a->record.json, 0, "histogram");
    if (!node || tcore_json_is_object(&a->record.json.node[node]))
        return node;
    export_lost(&a->record, "histogram");
    return 0;
}

/* NULL, or why it has no place. */
static const char *refuse(const struct export_aggregate *a, uint32_t type)
{
    const struct tcore_json *json = &a->record.json;
    if (tcore_json_find(json, 0, "partial"))
        return "of a partial: trace-agg --merge tells it";
    if (!export_is_text(&a->record, type))
        return "it has no recordType";
    return NULL;
}

enum tcore_status export_aggregate_put(struct export_aggregate *a, const struct tcore_slice *text,
                                       struct tcore_error *err)
{
    const struct tcore_json *json = &a->record.json;
    enum tcore_status status = export_record_parse(&a->record, text, err);
    tcore_buf_clear(&a->lines);
    tcore_buf_clear(&a->quantiles);
    if (status != TCORE_OK)
        return status;
    uint32_t type = tcore_json_find(json, 0, "recordType");
    const char *why = refuse(a, type);
    if (why) {
        export_lost_record(&a->record, why);
        return TCORE_OK;
    }
    name_what(a, type, tcore_json_find(json, 0, "metricName"));
    read_window(a);
    a->group = tcore_json_find(json, 0, "group");
    a->histogram = histogram_of(a);
    a->count = tcore_json_find(json, 0, "count");
    a->sum = tcore_json_find(json, 0, "sum");
    if (a->histogram)
        put_histogram(a);
    for (uint32_t k = 1; k < json->node[0].next; k = json->node[k + 1].next)
        take_statistic(a, k);
    if (a->quantiles.length)
        put_summary(a);
    if (a->timed && !a->begun)
        export_lost(&a->record, "windowNano");
    a->lines.failed |= a->base.failed || a->value.failed || a->quantiles.failed;
    return tcore_buf_status(&a->lines, err);
}

bool export_aggregate_next(const struct export_aggregate *a, size_t *at, struct tcore_slice *line)
{
    const char *begin = a->lines.data + *at;
    if (*at == a->lines.length)
        return false;
    const char *newline = memchr(begin, '\n', a->lines.length - *at);
    *line = (struct tcore_slice){begin, (size_t)(newline - begin)};
    *at += line->length + 1;
    return true;
}

void export_aggregate_free(struct export_aggregate *a)
{
    struct tcore_buf *const all[] = {&a->lines, &a->base, &a->value, &a->quantiles};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        tcore_buf_free(all[i]);
    export_record_free(&a->record);
}
