/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which columns of the records the aggregation needs: no more than what was asked for makes it look
 * at. */
#include "agg/aggregation.h"

#include "base/sys.h"

#include <string.h>

static enum tcore_status add_path(struct tcore_projection *projection, const char *name,
                                  size_t *column, struct tcore_error *err)
{
    const struct tcore_path_key key = {name, strlen(name)};
    return tcore_projection_add_path(projection, &key, 1, column, err);
}

/* A field that was named; optional: by a scope, so that it may well be missing. */
static enum tcore_status add_field(struct tcore_projection *projection, const char *name,
                                   bool optional, size_t *column, struct tcore_error *err)
{
    enum tcore_status status = tcore_projection_add_field(projection, name, column, err);
    if (!status && optional)
        projection->columns[*column].optional = true;
    return status;
}

static enum tcore_status add_value_columns(struct agg_plan *plan,
                                           struct tcore_projection *projection, unsigned types,
                                           struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    bool spans = types & 1u << TCORE_RECORD_SPAN, metrics = types & 1u << TCORE_RECORD_METRIC;
    if (plan->value) {
        status = tcore_projection_add_field(projection, plan->value, &plan->span_value, err);
        return status;
    }
    if (spans)
        status = add_path(projection, "durationNano", &plan->span_value, err);
    if (!status && metrics)
        status = add_path(projection, "value", &plan->metric_value, err);
    if (!status && metrics)
        status = add_path(projection, "metricName", &plan->metric_name, err);
    if (!status && metrics)
        status = add_path(projection, "histogram", &plan->histogram, err);
    if (!status && metrics)
        status = add_path(projection, "summary", &plan->summary, err);
    return status;
}

/* What tells counters apart, and when they were started. */
static enum tcore_status add_identity(struct agg_plan *plan, struct tcore_projection *projection,
                                      struct tcore_error *err)
{
    static const char *const names[] = {"dimensions", "resource", "scope"};
    enum tcore_status status = add_path(projection, "startTimeUnixNano", &plan->start_time, err);
    for (size_t i = 0; i < 3 && !status; i++)
        status = add_path(projection, names[i], &plan->identity[i], err);
    return status;
}

static enum tcore_status add_other_columns(struct agg_plan *plan,
                                           struct tcore_projection *projection, unsigned types,
                                           struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    bool spans = types & 1u << TCORE_RECORD_SPAN, logs = types & 1u << TCORE_RECORD_LOG;
    bool metrics = types & 1u << TCORE_RECORD_METRIC;
    static const struct tcore_path_key sample_rate[] = {{"quality", 7}, {"sampleRate", 10}};
    bool errors = agg_wants(&plan->stats, TCORE_STAT_ERRORS) ||
                  agg_wants(&plan->stats, TCORE_STAT_ERROR_RATE) ||
                  agg_wants(&plan->stats, TCORE_STAT_APDEX);
    if (errors && spans)
        status = add_path(projection, "status", &plan->status, err);
    if (!status && errors && logs)
        status = add_path(projection, "severity", &plan->severity, err);
    if (!status && plan->timed && spans)
        status = add_path(projection, "startTimeUnixNano", &plan->start_time, err);
    if (!status && plan->timed && (logs || metrics))
        status = add_path(projection, "timeUnixNano", &plan->time, err);
    if (!status && metrics)
        status = tcore_projection_add_path(projection, sample_rate, 2, &plan->sample_rate, err);
    if (!status && spans)
        status = add_path(projection, "traceState", &plan->trace_state, err);
    bool increase = agg_increase(&plan->stats) != NULL;
    bool of_values = plan->stats.sum || plan->stats.squares || plan->stats.histogram || increase;
    if (!status && metrics && of_values && !plan->value)
        status = add_path(projection, "metricType", &plan->metric_type, err);
    if (!status && metrics && of_values && !plan->value)
        status = add_path(projection, "temporality", &plan->temporality, err);
    if (!status && metrics && increase)
        status = add_identity(plan, projection, err);
    for (size_t i = 0; i < plan->stats.count && !status; i++)
        if (plan->stats.stat[i].field)
            status = add_field(projection, plan->stats.stat[i].field, plan->optional_stats,
                               &plan->stats.stat[i].column, err);
    return status;
}

static enum tcore_status add_ids(struct tcore_projection *projection, const char *name,
                                 size_t columns[2], struct tcore_error *err)
{
    const struct tcore_path_key of_context[] = {{"context", 7}, {name, strlen(name)}};
    enum tcore_status status = add_path(projection, name, &columns[0], err);
    return status ? status : tcore_projection_add_path(projection, of_context, 2, &columns[1], err);
}

static enum tcore_status add_id_columns(struct agg_plan *plan, struct tcore_projection *projection,
                                        struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    if (plan->roots)
        status = add_path(projection, "parentSpanId", &plan->parent_id, err);
    if (status || !agg_wants(&plan->stats, TCORE_STAT_EXEMPLARS))
        return status;
    status = add_ids(projection, "traceId", plan->trace_id, err);
    return status ? status : add_ids(projection, "spanId", plan->span_id, err);
}

/* The types that --type leaves. */
static unsigned types_wanted(const struct cli *cli, unsigned ours)
{
    unsigned named = 0;
    for (size_t i = 0; i < cli->io.types.count; i++)
        named |= 1u << tcore_record_type_find(cli->io.types.item[i], strlen(cli->io.types.item[i]));
    return named & ours ? named & ours : ours;
}

enum tcore_status agg_open_columns(void *state, struct tcore_projection *projection,
                                   struct tcore_error *err)
{
    struct aggregation *agg = state;
    struct agg_plan *plan = &agg->plan;
    unsigned types = agg->map.program.data ? plan->types : types_wanted(agg->cli, plan->types);
    plan->by = tcore_calloc(plan->by_names.count, sizeof *plan->by);
    if (!plan->by)
        return tcore_error_nomem(err);
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < plan->by_names.count && !status; i++)
        status =
            add_field(projection, plan->by_names.item[i], plan->optional_by, &plan->by[i], err);
    if (!status)
        status = add_value_columns(plan, projection, types, err);
    if (!status)
        status = add_other_columns(plan, projection, types, err);
    return status ? status : add_id_columns(plan, projection, err);
}
