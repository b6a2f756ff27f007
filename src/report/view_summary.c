/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The page from top to bottom: what needs attention (alerts, findings), how much there is, then
 * who, what and which trace. Every list is ordered by something that does not depend on the order
 * of the input, ties by name.
 */
#include <config.h>

#include "report/view_summary.h"

#include "base/sys.h"
#include "model/json.h"
#include "cli/human.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct view {
    struct document *document;
    const struct summary_data *data;
    size_t top;
    double seconds; /* from the first span to the last; 0: not known */
};

/* --- Small things */

static struct cell text_or(const struct view *view, struct tcore_slice text, const char *instead)
{
    if (text.length)
        return cell_text(view->document, text.data, text.length);
    return cell_toned(cell_text(view->document, instead, strlen(instead)), TONE_FAINT);
}

/* An object of names and values as people write it, service=cart; other text as it is. */
static void put_pairs(const struct view *view, struct tcore_buf *out, const char *text,
                      size_t length)
{
    struct tcore_json json = {0};
    struct tcore_error err = {0};
    if (tcore_json_parse(&json, text, length, &err) != TCORE_OK ||
        !tcore_json_is_object(&json.node[0])) {
        view->document->failed |= err.status == TCORE_FATAL;
        tcore_buf_append(out, text, length);
    } else {
        for (uint32_t k = 1; k < json.node[0].next; k = json.node[k + 1].next) {
            const struct tcore_value *key = &json.node[k].value, *value = &json.node[k + 1].value;
            tcore_buf_puts(out, k > 1 ? ", " : "");
            tcore_buf_append(out, key->s, key->len);
            tcore_buf_putc(out, '=');
            if (value->kind == TCORE_STRING)
                tcore_buf_append(out, value->s, value->len);
            else
                tcore_json_write_value(out, value);
        }
    }
    tcore_json_free(&json);
}

/* What the annotations of an alert say to people. */
static void put_annotation(const struct view *view, struct tcore_buf *out, const char *text)
{
    struct tcore_json json = {0};
    struct tcore_error err = {0};
    if (tcore_json_parse(&json, text, strlen(text), &err) == TCORE_OK) {
        uint32_t at = tcore_json_find(&json, 0, "summary");
        if (!at)
            at = tcore_json_find(&json, 0, "description");
        if (at && json.node[at].value.kind == TCORE_STRING) {
            tcore_buf_puts(out, ": ");
            tcore_buf_append(out, json.node[at].value.s, json.node[at].value.len);
        }
    }
    view->document->failed |= err.status == TCORE_FATAL;
    tcore_json_free(&json);
}

static struct cell trace_cell(const struct view *view, const uint64_t id[2])
{
    char digits[33];
    snprintf(digits, sizeof digits, "%016" PRIx64 "%016" PRIx64, id[0], id[1]);
    return cell_text(view->document, digits, 32);
}

static struct cell error_cell(uint64_t errors, uint64_t count)
{
    double share = count ? (double)errors / (double)count : 0;
    struct cell cell = cell_number(CELL_SHARE, share);
    return share >= 0.05 ? cell_toned(cell, TONE_BAD)
           : share > 0   ? cell_toned(cell, TONE_WARNING)
                         : cell_toned(cell, TONE_FAINT);
}

static struct cell quantile_cell(const struct span_group *group, double q)
{
    if (!group->timed)
        return (struct cell){0};
    return cell_number(CELL_DURATION,
                       tcore_histogram_quantile(&group->durations, q, (double)group->smallest_ns,
                                                (double)group->largest_ns));
}

static void note_more(const struct view *view, size_t all, const char *what)
{
    if (all > view->top)
        document_paragraph(view->document, TONE_FAINT, "and %zu more %s (--top)", all - view->top,
                           what);
}

/* Numbers of the groups that are in use, sorted; NULL without any or without memory. */
static uint32_t *ranking(const struct view *view, const struct groups *groups,
                         bool (*in_use)(const void *item),
                         int (*compare)(const void *, const void *, void *), size_t *count)
{
    uint32_t *order = tcore_calloc(groups->keys.count + 1, sizeof *order);
    *count = 0;
    if (!order) {
        view->document->failed = true;
        return NULL;
    }
    for (uint32_t i = 0; i < groups->keys.count; i++)
        if (in_use(groups_item(groups, i)))
            order[(*count)++] = i;
    qsort_r(order, *count, sizeof *order, compare, (void *)(uintptr_t)groups);
    if (*count)
        return order;
    tcore_free(order);
    return NULL;
}

static int compare_keys(const struct groups *groups, uint32_t a, uint32_t b)
{
    const struct tcore_map_key *x = &groups->keys.keys[a], *y = &groups->keys.keys[b];
    struct tcore_slice first[2], second[2];
    key_parts(x, &first[0], &first[1]);
    key_parts(y, &second[0], &second[1]);
    for (size_t i = 0; i < 2; i++) {
        size_t shorter = first[i].length < second[i].length ? first[i].length : second[i].length;
        int order = memcmp(first[i].data, second[i].data, shorter);
        if (order || first[i].length != second[i].length)
            return order ? order : first[i].length < second[i].length ? -1 : 1;
    }
    return 0;
}

static int descending(double a, double b)
{
    return a > b ? -1 : a < b;
}

/* --- Head */

static enum tone finding_tone(unsigned rank)
{
    return rank == 2 ? TONE_BAD : rank == 1 ? TONE_WARNING : TONE_PLAIN;
}

static uint64_t trace_count(const struct summary_data *data)
{
    return (uint64_t)data->traces.count << data->traces.level;
}

static void headline(const struct view *view)
{
    const struct summary_data *data = view->data;
    struct tcore_buf text = {0};
    size_t services = 0;
    for (uint32_t i = 0; i < data->services.keys.count; i++) {
        struct tcore_slice name, rest;
        key_parts(&data->services.keys.keys[i], &name, &rest);
        services += name.length && ((struct span_group *)groups_item(&data->services, i))->spans;
    }
    cli_human_count(&text, data->spans);
    tcore_buf_printf(&text, " span%s in %s", data->spans == 1 ? "" : "s",
                     data->traces.level ? "about " : "");
    cli_human_count(&text, trace_count(data));
    tcore_buf_printf(&text, " trace%s of %zu service%s, ", trace_count(data) == 1 ? "" : "s",
                     services, services == 1 ? "" : "s");
    if (data->errors) {
        cli_human_share(&text, (double)data->errors / (double)data->spans);
        tcore_buf_puts(&text, " errors");
    } else {
        tcore_buf_puts(&text, "no errors");
    }
    tcore_buf_putc(&text, '\0');
    view->document->failed |= text.failed;
    if (!text.failed)
        document_title(view->document, text.data);
    tcore_buf_free(&text);
}

static void time_range(const struct view *view)
{
    const struct summary_data *data = view->data;
    struct tcore_buf text = {0};
    if (data->first_ns > data->last_ns)
        return;
    int64_t range = INT64_MAX;
    (void)__builtin_sub_overflow(data->last_ns, data->first_ns, &range);
    cli_human_time(&text, data->first_ns, range);
    tcore_buf_puts(&text, " to ");
    cli_human_time(&text, data->last_ns, range);
    tcore_buf_puts(&text, " (");
    cli_human_duration(&text, (double)range, true);
    tcore_buf_puts(&text, ")");
    document_paragraph(view->document, TONE_FAINT, "%.*s", (int)text.length, text.data);
    view->document->failed |= text.failed;
    tcore_buf_free(&text);
}

static void other_counts(const struct view *view)
{
    static const struct {
        enum tcore_record_type type;
        const char *one, *many;
    } types[] = {{TCORE_RECORD_METRIC, "metric point", "metric points"},
                 {TCORE_RECORD_LOG, "log record", "log records"},
                 {TCORE_RECORD_AGGREGATE, "aggregate", "aggregates"},
                 {TCORE_RECORD_FINDING, "finding", "findings"},
                 {TCORE_RECORD_ALERT, "alert transition", "alert transitions"}};
    const struct summary_data *data = view->data;
    struct tcore_buf text = {0};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        uint64_t count = data->records[types[i].type];
        count -= types[i].type == TCORE_RECORD_AGGREGATE ? data->partials : 0;
        if (!count)
            continue;
        tcore_buf_puts(&text, text.length ? ", " : data->spans ? "Also " : "");
        cli_human_count(&text, count);
        tcore_buf_printf(&text, " %s", count == 1 ? types[i].one : types[i].many);
        if (types[i].type == TCORE_RECORD_LOG && data->log_errors)
            tcore_buf_printf(&text, " (%" PRIu64 " of errors)", data->log_errors);
    }
    tcore_buf_putc(&text, '\0');
    view->document->failed |= text.failed;
    if (text.length > 1 && data->spans)
        document_paragraph(view->document, TONE_FAINT, "%s", text.data);
    else if (text.length > 1)
        document_title(view->document, text.data);
    tcore_buf_free(&text);
}

static void head(const struct view *view)
{
    const struct summary_data *data = view->data;
    if (data->spans) {
        headline(view);
        time_range(view);
    }
    other_counts(view);
    uint64_t all = 0;
    for (size_t i = 0; i < TCORE_RECORD_TYPES; i++)
        all += data->records[i];
    if (!all)
        document_title(view->document, "No records.");
    if (data->spanless)
        document_paragraph(view->document, TONE_WARNING,
                           "%" PRIu64 " trace record%s without %s spans, which trace-span assemble "
                           "keeps if --summary is not given.",
                           data->spanless, data->spanless == 1 ? "" : "s",
                           data->spanless == 1 ? "its" : "their");
    if (data->partials)
        document_paragraph(view->document, TONE_WARNING,
                           "%" PRIu64 " record%s of partial aggregates, which trace-agg --merge "
                           "makes whole.",
                           data->partials, data->partials == 1 ? "" : "s");
}

/* --- Alerts and findings */

static bool alert_in_use(const void *item)
{
    const struct alert_group *group = item;
    return group->transitions;
}

static int compare_alerts(const void *a, const void *b, void *groups)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    const struct alert_group *first = groups_item(groups, x), *second = groups_item(groups, y);
    if (first->rank != second->rank)
        return first->rank > second->rank ? -1 : 1;
    if (first->time_ns != second->time_ns)
        return first->time_ns > second->time_ns ? -1 : 1;
    return compare_keys(groups, x, y);
}

/* Since when it is so; of what is over, from when to when it was. */
static void put_when(struct tcore_buf *out, const struct alert_group *alert)
{
    bool over = !alert->rank, lasted = alert->started_ns < alert->time_ns;
    tcore_buf_puts(out, !over ? " since " : lasted ? " from " : " at ");
    cli_human_time(out, lasted ? alert->started_ns : alert->time_ns, INT64_MAX);
    if (!over || !lasted)
        return;
    tcore_buf_puts(out, " to ");
    cli_human_time(out, alert->time_ns, INT64_MAX);
}

static void alerts(const struct view *view)
{
    static const enum tone tones[] = {TONE_GOOD, TONE_WARNING, TONE_WARNING, TONE_BAD};
    size_t count;
    const struct groups *groups = &view->data->alerts;
    uint32_t *order = ranking(view, groups, alert_in_use, compare_alerts, &count);
    if (!order)
        return;
    document_heading(view->document, "Alerts");
    for (size_t i = 0; i < count && i < view->top; i++) {
        const struct alert_group *alert = groups_item(groups, order[i]);
        struct tcore_buf text = {0};
        tcore_buf_puts(&text, alert->name);
        if (*alert->labels && strcmp(alert->labels, "{}") != 0) {
            tcore_buf_puts(&text, " (");
            put_pairs(view, &text, alert->labels, strlen(alert->labels));
            tcore_buf_puts(&text, ")");
        }
        put_when(&text, alert);
        put_annotation(view, &text, alert->text);
        document_remark(view->document, tones[alert->rank], alert->state, text.data, text.length);
        view->document->failed |= text.failed;
        tcore_buf_free(&text);
    }
    note_more(view, count, "alerts");
    tcore_free(order);
}

static void findings(const struct view *view)
{
    static const char *const names[] = {"info", "warning", "critical"};
    const struct summary_data *data = view->data;
    if (!data->remark_count)
        return;
    document_heading(view->document, "Findings");
    for (size_t i = 0; i < data->remark_count && i < view->top; i++) {
        const struct remark *remark = &data->remarks[i];
        document_remark(view->document, finding_tone(remark->rank), names[remark->rank],
                        remark->text, remark->length);
    }
    note_more(view, data->findings[0] + data->findings[1] + data->findings[2], "findings");
}

/* --- Services */

static bool spans_in_use(const void *item)
{
    const struct span_group *group = item;
    return group->spans;
}

static int compare_by_spans(const void *a, const void *b, void *groups)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    const struct span_group *first = groups_item(groups, x), *second = groups_item(groups, y);
    if (first->spans != second->spans)
        return first->spans > second->spans ? -1 : 1;
    return compare_keys(groups, x, y);
}

/* Mean duration in each bin: what a rate would hide shows here. */
static struct cell latency_spark(const struct view *view, const struct span_group *group)
{
    const struct bins *time = &view->data->time;
    double points[TIME_BINS];
    if (!group->bins || time->first > time->last)
        return (struct cell){.kind = CELL_SPARK};
    size_t count = (size_t)(time->last - time->first) + 1;
    for (size_t i = 0; i < count; i++) {
        const struct bin *bin = &group->bins[i];
        points[i] = bin->timed ? (double)bin->total_ns / (double)bin->timed : NAN;
    }
    return cell_spark(view->document, points, count);
}

static const char *stand_in(uint32_t number)
{
    return number == 0 ? "(all others)" : "(none)";
}

static void services(const struct view *view)
{
    static const struct column columns[] = {
        {"service", false, true, 0}, {"spans", true, false, 0}, {"rate/s", true, false, 3},
        {"errors", true, false, 0},  {"p50", true, false, 2},   {"p95", true, false, 0},
        {"p99", true, false, 4},     {"max", true, false, 5},   {"latency", false, false, 1}};
    size_t count;
    const struct groups *groups = &view->data->services;
    uint32_t *order = ranking(view, groups, spans_in_use, compare_by_spans, &count);
    if (!order)
        return;
    document_heading(view->document, "Services");
    struct table *table = document_table(view->document, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count && i < view->top; i++) {
        const struct span_group *group = groups_item(groups, order[i]);
        struct tcore_slice name, rest;
        struct cell *cell = document_row(view->document, table);
        if (!cell)
            break;
        key_parts(&groups->keys.keys[order[i]], &name, &rest);
        cell[0] = text_or(view, name, stand_in(order[i]));
        cell[1] = cell_count(group->spans);
        if (view->seconds > 0)
            cell[2] = cell_number(CELL_NUMBER, (double)group->spans / view->seconds);
        cell[3] = error_cell(group->errors, group->spans);
        cell[4] = quantile_cell(group, 0.5);
        cell[5] = quantile_cell(group, 0.95);
        cell[6] = quantile_cell(group, 0.99);
        if (group->timed)
            cell[7] = cell_number(CELL_DURATION, (double)group->largest_ns);
        cell[8] = latency_spark(view, group);
    }
    note_more(view, count, "services");
    tcore_free(order);
}

/* --- Operations */

static int compare_by_p95(const void *a, const void *b, void *groups)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    const struct span_group *first = groups_item(groups, x), *second = groups_item(groups, y);
    double p = tcore_histogram_quantile(&first->durations, 0.95, (double)first->smallest_ns,
                                        (double)first->largest_ns);
    double q = tcore_histogram_quantile(&second->durations, 0.95, (double)second->smallest_ns,
                                        (double)second->largest_ns);
    int order = descending(p, q);
    return order ? order : compare_keys(groups, x, y);
}

static bool timed_in_use(const void *item)
{
    const struct span_group *group = item;
    return group->timed;
}

static void operations(const struct view *view)
{
    static const struct column columns[] = {
        {"service", false, true, 0}, {"operation", false, true, 0},
        {"count", true, false, 0},   {"errors", true, false, 2},
        {"p95", true, false, 0},     {"share of time", false, false, 1},
    };
    size_t count;
    const struct groups *groups = &view->data->operations;
    uint32_t *order = ranking(view, groups, timed_in_use, compare_by_p95, &count);
    if (!order)
        return;
    unsigned __int128 total = 0;
    for (size_t i = 0; i < count; i++)
        total += ((const struct span_group *)groups_item(groups, order[i]))->total_ns;
    document_heading(view->document, "Slowest operations");
    struct table *table = document_table(view->document, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count && i < view->top; i++) {
        const struct span_group *group = groups_item(groups, order[i]);
        struct tcore_slice service, name;
        struct cell *cell = document_row(view->document, table);
        if (!cell)
            break;
        key_parts(&groups->keys.keys[order[i]], &service, &name);
        cell[0] = text_or(view, service, stand_in(order[i]));
        cell[1] = text_or(view, name, stand_in(order[i]));
        cell[2] = cell_count(group->spans);
        cell[3] = error_cell(group->errors, group->spans);
        cell[4] = quantile_cell(group, 0.95);
        cell[5] = cell_number(CELL_BAR, total ? (double)group->total_ns / (double)total : 0);
    }
    note_more(view, count, "operations");
    tcore_free(order);
}

/* --- Errors */

static bool failure_in_use(const void *item)
{
    const struct error_group *group = item;
    return group->count;
}

static int compare_failures(const void *a, const void *b, void *groups)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    const struct error_group *first = groups_item(groups, x), *second = groups_item(groups, y);
    if (first->count != second->count)
        return first->count > second->count ? -1 : 1;
    return compare_keys(groups, x, y);
}

static void errors(const struct view *view)
{
    static const struct column columns[] = {{"errors", true, false, 0},
                                            {"service", false, true, 0},
                                            {"operation", false, true, 0},
                                            {"message", false, true, 0},
                                            {"last trace", false, false, 1}};
    size_t count;
    const struct groups *groups = &view->data->failures;
    uint32_t *order = ranking(view, groups, failure_in_use, compare_failures, &count);
    if (!order)
        return;
    document_heading(view->document, "Errors");
    struct table *table = document_table(view->document, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count && i < view->top; i++) {
        const struct error_group *group = groups_item(groups, order[i]);
        struct tcore_slice operation, message, service, name;
        struct cell *cell = document_row(view->document, table);
        if (!cell)
            break;
        key_parts(&groups->keys.keys[order[i]], &operation, &message);
        const struct tcore_map_key inner = {operation.data, (uint32_t)operation.length, 0};
        key_parts(&inner, &service, &name);
        cell[0] = cell_toned(cell_count(group->count), TONE_BAD);
        cell[1] = text_or(view, service, stand_in(order[i]));
        cell[2] = text_or(view, name, stand_in(order[i]));
        cell[3] = text_or(view, message, "(no message)");
        cell[4] = trace_cell(view, group->trace_id);
    }
    note_more(view, count, "kinds of errors");
    tcore_free(order);
}

/* --- Traces */

static uint64_t duration_of(const struct trace_entry *entry)
{
    return entry->start_ns <= entry->end_ns ? (uint64_t)entry->end_ns - (uint64_t)entry->start_ns
                                            : 0;
}

static bool is_slower(const struct trace_entry *a, const struct trace_entry *b)
{
    uint64_t x = duration_of(a), y = duration_of(b);
    if (x != y)
        return x > y;
    return a->id[0] != b->id[0] ? a->id[0] < b->id[0] : a->id[1] < b->id[1];
}

/* The slowest ones in order, in list[0..return). */
static size_t slowest(const struct trace_table *traces, const struct trace_entry **list, size_t top)
{
    size_t count = 0;
    for (size_t i = 0; i < traces->capacity; i++) {
        const struct trace_entry *entry = &traces->entries[i];
        if (!entry->used || (count == top && !is_slower(entry, list[count - 1])))
            continue;
        size_t at = count < top ? count++ : count - 1;
        for (; at && is_slower(entry, list[at - 1]); at--)
            list[at] = list[at - 1];
        list[at] = entry;
    }
    return count;
}

static void traces(const struct view *view)
{
    static const struct column columns[] = {
        {"trace", false, false, 0},  {"duration", true, false, 0},
        {"spans", true, false, 2},   {"errors", true, false, 3},
        {"service", false, true, 1}, {"root operation", false, true, 0},
    };
    const struct summary_data *data = view->data;
    size_t top = view->top < data->traces.count ? view->top : data->traces.count;
    const struct trace_entry **list = tcore_calloc(top + 1, sizeof *list);
    if (!list || !top) {
        view->document->failed |= !list;
        tcore_free(list);
        return;
    }
    size_t count = slowest(&data->traces, list, top);
    document_heading(view->document, "Slowest traces");
    struct table *table = document_table(view->document, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++) {
        const struct trace_entry *entry = list[i];
        struct tcore_slice service, name;
        struct cell *cell = document_row(view->document, table);
        if (!cell)
            break;
        key_parts(&data->operations.keys.keys[entry->root], &service, &name);
        cell[0] = trace_cell(view, entry->id);
        cell[1] = cell_number(CELL_DURATION, (double)duration_of(entry));
        cell[2] = cell_count(entry->spans);
        cell[3] = entry->errors ? cell_toned(cell_count(entry->errors), TONE_BAD)
                                : cell_toned(cell_count(0), TONE_FAINT);
        cell[4] = text_or(view, service, stand_in(entry->root));
        cell[5] = text_or(view, name, stand_in(entry->root));
    }
    if (data->traces.level)
        document_paragraph(view->document, TONE_WARNING,
                           "More traces than --memory holds: these are of one trace in %" PRIu64
                           ", chosen by their ids.",
                           (uint64_t)1 << data->traces.level);
    tcore_free(list);
}

/* --- Metrics and aggregates */

static bool metric_in_use(const void *item)
{
    const struct metric_group *group = item;
    return group->points;
}

static int compare_names(const void *a, const void *b, void *groups)
{
    return compare_keys(groups, *(const uint32_t *)a, *(const uint32_t *)b);
}

static void metrics(const struct view *view)
{
    static const struct column columns[] = {{"metric", false, true, 0}, {"service", false, true, 0},
                                            {"points", true, false, 2}, {"min", true, false, 1},
                                            {"max", true, false, 0},    {"last", true, false, 0},
                                            {"unit", false, true, 3}};
    size_t count;
    const struct groups *groups = &view->data->metrics;
    uint32_t *order = ranking(view, groups, metric_in_use, compare_names, &count);
    if (!order)
        return;
    document_heading(view->document, "Metrics");
    struct table *table = document_table(view->document, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count && i < view->top; i++) {
        const struct metric_group *group = groups_item(groups, order[i]);
        struct tcore_slice name, service;
        struct cell *cell = document_row(view->document, table);
        if (!cell)
            break;
        key_parts(&groups->keys.keys[order[i]], &name, &service);
        cell[0] = text_or(view, name, stand_in(order[i]));
        cell[1] = text_or(view, service, "");
        cell[2] = cell_count(group->points);
        if (group->numbers) {
            cell[3] = cell_number(CELL_NUMBER, group->smallest);
            cell[4] = cell_number(CELL_NUMBER, group->largest);
            cell[5] = cell_number(CELL_NUMBER, group->last);
        }
        if (group->unit)
            cell[6] = cell_text(view->document, group->unit, strlen(group->unit));
    }
    note_more(view, count, "metrics");
    tcore_free(order);
}

static bool aggregate_in_use(const void *item)
{
    const struct aggregate_group *group = item;
    return group->rows;
}

static int compare_aggregates(const void *a, const void *b, void *groups)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    const struct aggregate_group *first = groups_item(groups, x), *second = groups_item(groups, y);
    if (first->count != second->count)
        return first->count > second->count ? -1 : 1;
    return compare_keys(groups, x, y);
}

static struct cell aggregate_cell(double value, bool duration)
{
    if (isnan(value))
        return (struct cell){0};
    return cell_number(duration ? CELL_DURATION : CELL_NUMBER, value);
}

static void aggregates(const struct view *view)
{
    static const struct column columns[] = {
        {"aggregate of", false, true, 0}, {"group", false, true, 0},
        {"rows", true, false, 3},         {"count", true, false, 0},
        {"errors", true, false, 1},       {"highest p50", true, false, 2},
        {"p95", true, false, 0},          {"p99", true, false, 1}};
    size_t count;
    const struct groups *groups = &view->data->aggregates;
    uint32_t *order = ranking(view, groups, aggregate_in_use, compare_aggregates, &count);
    if (!order)
        return;
    document_heading(view->document, "Aggregates");
    struct table *table = document_table(view->document, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count && i < view->top; i++) {
        const struct aggregate_group *group = groups_item(groups, order[i]);
        struct tcore_slice name, text;
        struct cell *cell = document_row(view->document, table);
        if (!cell)
            break;
        key_parts(&groups->keys.keys[order[i]], &name, &text);
        bool duration = name.length == 12 && memcmp(name.data, "durationNano", 12) == 0;
        cell[0] = text_or(view, name, stand_in(order[i]));
        struct tcore_buf pairs = {0};
        put_pairs(view, &pairs, text.data, text.length);
        cell[1] = cell_text(view->document, pairs.length ? pairs.data : "", pairs.length);
        view->document->failed |= pairs.failed;
        tcore_buf_free(&pairs);
        cell[2] = cell_count(group->rows);
        cell[3] = cell_count(group->count);
        if (!isnan(group->error_rate))
            cell[4] = cell_number(CELL_SHARE, group->error_rate);
        cell[5] = aggregate_cell(group->p50, duration);
        cell[6] = aggregate_cell(group->p95, duration);
        cell[7] = aggregate_cell(group->p99, duration);
    }
    note_more(view, count, "groups");
    tcore_free(order);
}

/* --- */

static void note_limits(const struct view *view)
{
    const struct summary_data *data = view->data;
    if (data->untimed)
        document_paragraph(view->document, TONE_WARNING,
                           "%" PRIu64 " span%s without a start: counted, but at no time.",
                           data->untimed, data->untimed == 1 ? "" : "s");
    if (data->negative)
        document_paragraph(view->document, TONE_WARNING,
                           "%" PRIu64 " span%s before it starts: counted without a duration.",
                           data->negative, data->negative == 1 ? " ends" : "s end");
    if (data->operations.overflowed || data->failures.overflowed || data->services.overflowed ||
        data->metrics.overflowed || data->aggregates.overflowed || data->alerts.overflowed)
        document_paragraph(view->document, TONE_WARNING,
                           "More than %d different names of one sort: the rest are counted as "
                           "(all others).",
                           MAX_GROUPS);
    if (data->traces.unfit)
        document_paragraph(view->document, TONE_WARNING,
                           "Some traces could not be counted: --memory is too small.");
}

enum tcore_status view_summary(struct document *document, const struct summary_data *data,
                               size_t top, struct tcore_error *err)
{
    struct view view = {.document = document, .data = data, .top = top};
    if (data->first_ns < data->last_ns)
        view.seconds = ((double)data->last_ns - (double)data->first_ns) / 1e9;
    head(&view);
    alerts(&view);
    findings(&view);
    services(&view);
    operations(&view);
    errors(&view);
    traces(&view);
    metrics(&view);
    aggregates(&view);
    note_limits(&view);
    return document_status(document, err);
}
