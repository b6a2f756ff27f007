/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a summary takes from metrics, aggregates, findings and alerts. */
#include <config.h>

#include "report/summary_records.h"

#include <math.h>

static const char *keep(struct summary_data *data, struct tcore_slice text)
{
    size_t length = text.length < MAX_TEXT ? text.length : MAX_TEXT;
    while (length < text.length && length && ((unsigned char)text.data[length] & 0xc0) == 0x80)
        length--;
    return tcore_arena_copy(&data->arena, text.data, length);
}

static void later_value(struct metric_group *group, const struct metric_group *more)
{
    bool later = !group->numbers || more->last_ns > group->last_ns ||
                 (more->last_ns == group->last_ns && more->last > group->last);
    if (!more->numbers)
        return;
    if (later) {
        group->last_ns = more->last_ns;
        group->last = more->last;
    }
    if (!group->numbers || more->smallest < group->smallest)
        group->smallest = more->smallest;
    if (!group->numbers || more->largest > group->largest)
        group->largest = more->largest;
    group->numbers += more->numbers;
}

enum tcore_status summary_add_metric(const struct row *row, struct tcore_error *err)
{
    struct summary_data *data = row->data;
    const struct summary_columns *columns = row->columns;
    struct tcore_slice name = text_at(row, columns->metric_name);
    struct tcore_slice service = text_at(row, columns->service);
    struct tcore_slice unit = text_at(row, columns->unit);
    key_pair(&data->key, name.data, name.length, service.data, service.length);
    uint32_t number = data->key.failed
                          ? TCORE_MAP_NONE
                          : groups_find(&data->metrics, data->key.data, data->key.length, NULL);
    if (number == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    struct metric_group *group = groups_item(&data->metrics, number);
    if (!group->unit && unit.length && !(group->unit = keep(data, unit)))
        return tcore_error_nomem(err);
    double value = number_at(row, columns->value);
    struct metric_group more = {
        .numbers = !isnan(value), .last = value, .smallest = value, .largest = value};
    (void)time_at(row, columns->time, &more.last_ns);
    group->points++;
    later_value(group, &more);
    return TCORE_OK;
}

static double larger(double a, double b)
{
    return isnan(a) || b > a ? b : a;
}

static void merge_aggregates(struct aggregate_group *group, const struct aggregate_group *more)
{
    if (!group->rows)
        group->error_rate = group->p50 = group->p95 = group->p99 = NAN;
    group->rows += more->rows;
    group->count += more->count;
    group->error_rate = larger(group->error_rate, more->error_rate);
    group->p50 = larger(group->p50, more->p50);
    group->p95 = larger(group->p95, more->p95);
    group->p99 = larger(group->p99, more->p99);
}

enum tcore_status summary_add_aggregate(const struct row *row, struct tcore_error *err)
{
    struct summary_data *data = row->data;
    const struct summary_columns *columns = row->columns;
    if (value_at(row, columns->partial).kind != TCORE_ABSENT) {
        data->partials++;
        return TCORE_OK;
    }
    struct tcore_slice name = text_at(row, columns->metric_name);
    struct tcore_slice text = text_at(row, columns->group);
    struct tcore_slice type = text_at(row, columns->record_type);
    key_pair(&data->key, name.data, name.length, text.data, text.length);
    uint32_t number = data->key.failed
                          ? TCORE_MAP_NONE
                          : groups_find(&data->aggregates, data->key.data, data->key.length, NULL);
    if (number == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    double count = number_at(row, columns->count);
    const struct aggregate_group more = {
        .rows = 1,
        .count = count > 0 && count < 1e18 ? (uint64_t)count : 0,
        /* a metric has none; trace-agg says 0 of it beside spans that may have some */
        .error_rate = is_text(&type, "metric") ? NAN : number_at(row, columns->error_rate),
        .p50 = number_at(row, columns->p50),
        .p95 = number_at(row, columns->p95),
        .p99 = number_at(row, columns->p99),
    };
    merge_aggregates(groups_item(&data->aggregates, number), &more);
    return TCORE_OK;
}

static int compare_remarks(const struct remark *a, const struct remark *b)
{
    if (a->rank != b->rank)
        return a->rank > b->rank ? -1 : 1;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    if (a->time_ns != b->time_ns)
        return a->time_ns < b->time_ns ? -1 : 1;
    size_t length = a->length < b->length ? a->length : b->length;
    int order = memcmp(a->text, b->text, length);
    return order ? order : a->length < b->length ? -1 : a->length > b->length;
}

/* Keeps it in its place if it is among the first; the text must live as long as data. */
static void keep_remark(struct summary_data *data, const struct remark *remark)
{
    size_t at = data->remark_count;
    while (at && compare_remarks(remark, &data->remarks[at - 1]) < 0)
        at--;
    if (at >= MAX_REMARKS)
        return;
    if (data->remark_count < MAX_REMARKS)
        data->remark_count++;
    memmove(data->remarks + at + 1, data->remarks + at,
            (data->remark_count - at - 1) * sizeof *data->remarks);
    data->remarks[at] = *remark;
}

static bool is_among_first(const struct summary_data *data, const struct remark *remark)
{
    return data->remark_count < MAX_REMARKS ||
           compare_remarks(remark, &data->remarks[MAX_REMARKS - 1]) < 0;
}

enum tcore_status summary_add_finding(const struct row *row, struct tcore_error *err)
{
    struct summary_data *data = row->data;
    const struct summary_columns *columns = row->columns;
    struct tcore_slice severity = text_at(row, columns->severity);
    struct tcore_slice message = text_at(row, columns->message);
    struct remark remark = {
        .rank = is_text(&severity, "critical") ? 2 : is_text(&severity, "warning"),
        .score = number_at(row, columns->score),
    };
    if (isnan(remark.score))
        remark.score = 0;
    if (!message.length)
        message = text_at(row, columns->kind);
    (void)time_at(row, columns->time, &remark.time_ns);
    data->findings[remark.rank]++;
    remark.text = message.data;
    remark.length = message.length < MAX_TEXT ? message.length : MAX_TEXT;
    if (!is_among_first(data, &remark))
        return TCORE_OK;
    remark.text = tcore_arena_copy(&data->arena, remark.text, remark.length);
    if (!remark.text)
        return tcore_error_nomem(err);
    keep_remark(data, &remark);
    return TCORE_OK;
}

/* A later state replaces an earlier one; at the same time the graver one. */
static bool is_later(const struct alert_group *group, const struct alert_group *more)
{
    return !group->transitions || more->time_ns > group->time_ns ||
           (more->time_ns == group->time_ns && more->rank > group->rank);
}

static enum tcore_status merge_alert(struct summary_data *data, struct alert_group *group,
                                     const struct alert_group *more, struct tcore_error *err)
{
    uint64_t transitions = group->transitions + more->transitions;
    if (is_later(group, more)) {
        *group = *more;
        group->state = keep(data, (struct tcore_slice){more->state, strlen(more->state)});
        group->name = keep(data, (struct tcore_slice){more->name, strlen(more->name)});
        group->labels = keep(data, (struct tcore_slice){more->labels, strlen(more->labels)});
        group->text = keep(data, (struct tcore_slice){more->text, strlen(more->text)});
        if (!group->state || !group->name || !group->labels || !group->text)
            return tcore_error_nomem(err);
    }
    group->transitions = transitions;
    return TCORE_OK;
}

enum tcore_status summary_add_alert(const struct row *row, struct tcore_error *err)
{
    struct summary_data *data = row->data;
    const struct summary_columns *columns = row->columns;
    struct tcore_slice id = text_at(row, columns->fingerprint);
    struct tcore_slice name = text_at(row, columns->alert_name);
    struct tcore_slice labels = text_at(row, columns->labels);
    struct tcore_slice state = text_at(row, columns->state);
    struct alert_group more = {.transitions = 1,
                               .rank = is_text(&state, "firing")    ? 3
                                       : is_text(&state, "nodata")  ? 2
                                       : is_text(&state, "pending") ? 1
                                                                    : 0};
    if (!id.length) /* of one time that it fires; the fingerprint is of all of them */
        id = text_at(row, columns->alert_id);
    if (id.length)
        key_pair(&data->key, id.data, id.length, "", 0);
    else
        key_pair(&data->key, name.data, name.length, labels.data, labels.length);
    uint32_t number = data->key.failed
                          ? TCORE_MAP_NONE
                          : groups_find(&data->alerts, data->key.data, data->key.length, NULL);
    if (number == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    struct alert_group *group = groups_item(&data->alerts, number);
    (void)time_at(row, columns->time, &more.time_ns);
    if (!time_at(row, columns->started, &more.started_ns))
        more.started_ns = more.time_ns;
    if (!is_later(group, &more)) {
        group->transitions++;
        return TCORE_OK;
    }
    more.name = keep(data, name);
    more.state = keep(data, state);
    more.labels = keep(data, labels);
    more.text = keep(data, text_at(row, columns->annotations));
    if (!more.name || !more.state || !more.labels || !more.text)
        return tcore_error_nomem(err);
    more.transitions += group->transitions;
    *group = more;
    return TCORE_OK;
}

/* --- Merging */

/* The group of into with from's key. */
static void *counterpart(struct groups *into, const struct groups *from, uint32_t number)
{
    const struct tcore_map_key *key = &from->keys.keys[number];
    uint32_t other = groups_find(into, key->data, key->length, NULL);
    return other == TCORE_MAP_NONE ? NULL : groups_item(into, other);
}

static enum tcore_status merge_metrics(struct summary_data *into, const struct summary_data *from,
                                       struct tcore_error *err)
{
    into->metrics.overflowed |= from->metrics.overflowed;
    for (uint32_t i = 0; i < from->metrics.keys.count; i++) {
        const struct metric_group *more = groups_item(&from->metrics, i);
        struct metric_group *group = counterpart(&into->metrics, &from->metrics, i);
        if (!group)
            return tcore_error_nomem(err);
        group->points += more->points;
        later_value(group, more);
        if (!group->unit && more->unit &&
            !(group->unit = keep(into, (struct tcore_slice){more->unit, strlen(more->unit)})))
            return tcore_error_nomem(err);
    }
    return TCORE_OK;
}

enum tcore_status summary_merge_records(struct summary_data *into, const struct summary_data *from,
                                        struct tcore_error *err)
{
    enum tcore_status status = merge_metrics(into, from, err);
    into->partials += from->partials;
    into->spanless += from->spanless;
    into->aggregates.overflowed |= from->aggregates.overflowed;
    into->alerts.overflowed |= from->alerts.overflowed;
    for (uint32_t i = 0; i < from->aggregates.keys.count && !status; i++) {
        const struct aggregate_group *more = groups_item(&from->aggregates, i);
        struct aggregate_group *group = counterpart(&into->aggregates, &from->aggregates, i);
        if (!group)
            return tcore_error_nomem(err);
        if (more->rows)
            merge_aggregates(group, more);
    }
    for (uint32_t i = 0; i < from->alerts.keys.count && !status; i++) {
        const struct alert_group *more = groups_item(&from->alerts, i);
        struct alert_group *group = counterpart(&into->alerts, &from->alerts, i);
        if (!group)
            return tcore_error_nomem(err);
        if (more->transitions)
            status = merge_alert(into, group, more, err);
    }
    for (size_t i = 0; i < from->remark_count && !status; i++) {
        struct remark remark = from->remarks[i];
        if (!is_among_first(into, &remark))
            break;
        remark.text = tcore_arena_copy(&into->arena, remark.text, remark.length);
        if (!remark.text)
            return tcore_error_nomem(err);
        keep_remark(into, &remark);
    }
    return status;
}
