/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/path_groups.h"

#include "base/sys.h"
#include "span/trace_parts.h"

#include <inttypes.h>

static const struct tcore_stats *statistics(void)
{
    static struct tcore_stat list[] = {
        {.kind = TCORE_STAT_COUNT, .name = "count"},
        {.kind = TCORE_STAT_SUM, .name = "sum"},
        {.kind = TCORE_STAT_MEAN, .name = "mean"},
        {.kind = TCORE_STAT_QUANTILE, .name = "p50", .quantile = 0.5},
        {.kind = TCORE_STAT_QUANTILE, .name = "p95", .quantile = 0.95},
        {.kind = TCORE_STAT_QUANTILE, .name = "p99", .quantile = 0.99},
        {.kind = TCORE_STAT_MAX, .name = "max"},
    };
    static const struct tcore_stats stats = {
        .stat = list, .count = sizeof list / sizeof *list, .sum = true, .histogram = true};
    return &stats;
}

enum tcore_status path_groups_open(struct path_groups *groups, const struct cli_strings *by,
                                   unsigned depth_limit, struct tcore_error *err)
{
    *groups = (struct path_groups){0};
    return span_groups_open(&groups->keys, by, depth_limit, err);
}

void path_groups_close(struct path_groups *groups)
{
    for (uint32_t i = 0; i < groups->count; i++)
        tcore_cell_free(&groups->group[i].cell, statistics());
    tcore_free(groups->group);
    tcore_free(groups->of_span);
    span_groups_close(&groups->keys);
}

/* Room for the group of that number, which is new or known. */
static enum tcore_status reserve(struct path_groups *groups, uint32_t number,
                                 struct tcore_error *err)
{
    if (number >= groups->capacity) {
        uint32_t capacity = groups->capacity ? 2 * groups->capacity : 64;
        void *grown = tcore_reallocarray(groups->group, capacity, sizeof *groups->group);
        if (!grown)
            return tcore_error_nomem(err);
        groups->group = grown;
        groups->capacity = capacity;
    }
    if (number == groups->count)
        groups->group[groups->count++] =
            (struct path_group){.least_slack_ns = INT64_MAX, .trace_ns = -1};
    return TCORE_OK;
}

static enum tcore_status find_groups(struct path_groups *groups, const struct trace_build *build,
                                     struct tcore_error *err)
{
    uint32_t count = build->tree.count;
    if (count > groups->span_capacity) {
        tcore_free(groups->of_span);
        groups->of_span = tcore_reallocarray(NULL, count, sizeof *groups->of_span);
        groups->span_capacity = groups->of_span ? count : 0;
        if (!groups->of_span)
            return tcore_error_nomem(err);
    }
    enum tcore_status status = TCORE_OK;
    for (uint32_t i = 0; i < count && status == TCORE_OK; i++) {
        status = span_groups_find(&groups->keys, build, i, &groups->of_span[i], err);
        if (status == TCORE_OK)
            status = reserve(groups, groups->of_span[i], err);
    }
    return status;
}

enum tcore_status path_groups_take(struct path_groups *groups, const struct trace_build *build,
                                   const struct tcore_schedule *schedule, struct tcore_error *err)
{
    const struct tcore_critical_path *path = &build->path;
    enum tcore_status status = find_groups(groups, build, err);
    for (uint32_t i = 0; status == TCORE_OK && i < build->tree.count; i++) {
        struct path_group *group = &groups->group[groups->of_span[i]];
        int64_t slack = schedule->on_path[i] ? -1 : schedule->slack_ns[i];
        group->spans++;
        group->adjusted += (build->spans[i].flags & TCORE_SPAN_MOVED) != 0;
        group->self_ns = add_ns(group->self_ns, build->self_ns[i]);
        group->drag_ns = add_ns(group->drag_ns, schedule->drag_ns[i]);
        if (slack >= 0 && slack < group->least_slack_ns)
            group->least_slack_ns = slack;
    }
    for (uint32_t p = 0; status == TCORE_OK && p < path->span_count; p++) {
        struct path_group *group = &groups->group[groups->of_span[path->spans[p]]];
        group->on_path++;
        group->trace_ns = group->trace_ns < 0 ? 0 : group->trace_ns;
        group->trace_ns = add_ns(group->trace_ns, path->exclusive_ns[p]);
    }
    for (uint32_t p = 0; status == TCORE_OK && p < path->span_count; p++) {
        struct path_group *group = &groups->group[groups->of_span[path->spans[p]]];
        if (group->trace_ns < 0)
            continue; /* it came with an earlier span */
        group->path_ns = add_ns(group->path_ns, group->trace_ns);
        tcore_cell_count(&group->cell, false);
        status = tcore_cell_add_int(&group->cell, statistics(), group->trace_ns);
        group->trace_ns = -1;
    }
    return status ? tcore_error_nomem(err) : TCORE_OK;
}

enum tcore_status path_groups_merge(struct path_groups *into, const struct path_groups *from,
                                    struct tcore_error *err)
{
    span_groups_add_seen(&into->keys, &from->keys);
    for (uint32_t i = 0; i < from->count; i++) {
        const struct path_group *other = &from->group[i];
        uint32_t number;
        enum tcore_status status = span_groups_translate(&into->keys, &from->keys, i, &number, err);
        if (status == TCORE_OK)
            status = reserve(into, number, err);
        if (status != TCORE_OK)
            return status;
        struct path_group *group = &into->group[number];
        if (tcore_cell_merge(&group->cell, &other->cell, statistics()) != TCORE_OK)
            return tcore_error_nomem(err);
        group->path_ns = add_ns(group->path_ns, other->path_ns);
        group->self_ns = add_ns(group->self_ns, other->self_ns);
        group->drag_ns = add_ns(group->drag_ns, other->drag_ns);
        if (other->least_slack_ns < group->least_slack_ns)
            group->least_slack_ns = other->least_slack_ns;
        group->spans += other->spans;
        group->on_path += other->on_path;
        group->adjusted += other->adjusted;
    }
    return TCORE_OK;
}

/* --- Records */

static void put_double(double number, struct tcore_buf *out)
{
    struct tcore_value value = {.kind = TCORE_DOUBLE, .d = number};
    tcore_json_write_value(out, &value);
}

static enum tcore_status write_group(const struct path_group *group, struct tcore_slice text,
                                     int64_t all_ns, struct tcore_buf *out)
{
    tcore_buf_puts(out, "{\"type\":\"aggregate\",\"recordType\":\"span\",\"metricName\":"
                        "\"criticalPathNano\",\"group\":");
    tcore_buf_append(out, text.data, text.length);
    enum tcore_status status = tcore_cell_write(&group->cell, statistics(), 0, out);
    tcore_buf_printf(out, ",\"spans\":%" PRIu64 ",\"onPath\":%" PRIu64, group->spans,
                     group->on_path);
    if (all_ns > 0) {
        put_key(out, "share", false);
        put_double((double)group->path_ns / (double)all_ns, out);
    }
    tcore_buf_printf(out, ",\"selfNano\":%" PRId64 ",\"dragNano\":%" PRId64, group->self_ns,
                     group->drag_ns);
    if (group->least_slack_ns != INT64_MAX)
        tcore_buf_printf(out, ",\"slackNano\":%" PRId64, group->least_slack_ns);
    if (group->adjusted)
        tcore_buf_printf(out, ",\"adjustedSpans\":%" PRIu64, group->adjusted);
    tcore_buf_puts(out, "}\n");
    return status;
}

enum tcore_status path_groups_write(struct path_groups *groups,
                                    const struct tcore_trace_store *store, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    struct span_group_place *place = tcore_calloc((size_t)groups->count + 1, sizeof *place);
    struct tcore_buf texts = {0};
    int64_t all_ns = 0;
    for (uint32_t i = 0; place && i < groups->count; i++) {
        place[i].weight = groups->group[i].path_ns;
        all_ns = add_ns(all_ns, groups->group[i].path_ns);
    }
    enum tcore_status status = place ? span_groups_order(&groups->keys, store, place, &texts, err)
                                     : tcore_error_nomem(err);
    for (uint32_t i = 0; status == TCORE_OK && i < groups->count; i++)
        if (write_group(&groups->group[place[i].group], place[i].text, all_ns, out) != TCORE_OK)
            status = tcore_error_nomem(err);
    tcore_free(place);
    tcore_buf_free(&texts);
    return status ? status : tcore_buf_status(out, err);
}
