/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two summaries into one: sums, extremes, and numbers of groups translated. */
#include <config.h>

#include "report/summary_records.h"

#include "base/sys.h"

static enum tcore_status merge_span_group(struct span_group *into, const struct span_group *from,
                                          struct tcore_error *err)
{
    if (from->timed && (!into->timed || from->smallest_ns < into->smallest_ns))
        into->smallest_ns = from->smallest_ns;
    if (from->timed && (!into->timed || from->largest_ns > into->largest_ns))
        into->largest_ns = from->largest_ns;
    into->spans += from->spans;
    into->errors += from->errors;
    into->timed += from->timed;
    into->total_ns += from->total_ns;
    enum tcore_status status = tcore_histogram_merge(&into->durations, &from->durations);
    return status == TCORE_FATAL ? tcore_error_nomem(err) : TCORE_OK;
}

/* numbers[i]: what from's group i is in into. */
static enum tcore_status merge_span_groups(struct groups *into, const struct groups *from,
                                           uint32_t *numbers, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    into->overflowed |= from->overflowed;
    for (uint32_t i = 0; i < from->keys.count && !status; i++) {
        const struct tcore_map_key *key = &from->keys.keys[i];
        numbers[i] = groups_find(into, key->data, key->length, NULL);
        if (numbers[i] == TCORE_MAP_NONE)
            return tcore_error_nomem(err);
        status = merge_span_group(groups_item(into, numbers[i]), groups_item(from, i), err);
    }
    return status;
}

/* Brings both to bins that hold the times of both, and adds them. */
static enum tcore_status merge_bins(struct summary_data *into, struct summary_data *from,
                                    const uint32_t *numbers, struct tcore_error *err)
{
    if (from->time.first > from->time.last)
        return TCORE_OK;
    bins_coarsen(&into->time, &into->services, from->time.shift);
    bins_coarsen(&from->time, &from->services, into->time.shift);
    /* first << shift may leave int64 only in the first bin there can be */
    int64_t width = (int64_t)1 << from->time.shift;
    bins_reach(&into->time, &into->services, from->time.first * width);
    bins_reach(&into->time, &into->services, from->time.last * width);
    bins_coarsen(&from->time, &from->services, into->time.shift);
    size_t move = (size_t)(from->time.first - into->time.first);
    for (uint32_t i = 0; i < from->services.keys.count; i++) {
        struct span_group *more = groups_item(&from->services, i);
        struct span_group *group = groups_item(&into->services, numbers[i]);
        if (!more->bins)
            continue;
        if (!group->bins)
            group->bins = tcore_calloc(TIME_BINS, sizeof *group->bins);
        if (!group->bins)
            return tcore_error_nomem(err);
        for (size_t b = 0; b + move < TIME_BINS; b++) {
            group->bins[b + move].count += more->bins[b].count;
            group->bins[b + move].timed += more->bins[b].timed;
            group->bins[b + move].total_ns += more->bins[b].total_ns;
        }
    }
    return TCORE_OK;
}

static enum tcore_status merge_failures(struct summary_data *into, const struct summary_data *from,
                                        struct tcore_error *err)
{
    into->failures.overflowed |= from->failures.overflowed;
    for (uint32_t i = 0; i < from->failures.keys.count; i++) {
        const struct tcore_map_key *key = &from->failures.keys.keys[i];
        const struct error_group *more = groups_item(&from->failures, i);
        uint32_t number = groups_find(&into->failures, key->data, key->length, NULL);
        if (number == TCORE_MAP_NONE)
            return tcore_error_nomem(err);
        struct error_group *group = groups_item(&into->failures, number);
        bool later =
            more->count && (!group->count || more->last_ns > group->last_ns ||
                            (more->last_ns == group->last_ns &&
                             memcmp(more->trace_id, group->trace_id, sizeof more->trace_id) > 0));
        group->count += more->count;
        if (later) {
            group->last_ns = more->last_ns;
            memcpy(group->trace_id, more->trace_id, sizeof group->trace_id);
        }
    }
    return TCORE_OK;
}

static enum tcore_status merge_traces(struct summary_data *into, struct summary_data *from,
                                      const uint32_t *operations, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    into->traces.unfit |= from->traces.unfit;
    traces_raise(&into->traces, from->traces.level);
    if (into->traces.level < from->traces.level)
        into->traces.level = from->traces.level;
    for (size_t i = 0; i < from->traces.capacity && !status; i++) {
        struct trace_entry more = from->traces.entries[i];
        struct trace_entry *entry = NULL;
        if (!more.used)
            continue;
        status = traces_find(&into->traces, more.id, &entry, err);
        if (status || !entry)
            continue;
        more.root = operations[more.root];
        trace_entry_add(entry, &more);
    }
    return status;
}

static void merge_counts(struct summary_data *into, const struct summary_data *from)
{
    for (size_t i = 0; i < TCORE_RECORD_TYPES; i++)
        into->records[i] += from->records[i];
    for (size_t i = 0; i < 3; i++)
        into->findings[i] += from->findings[i];
    into->spans += from->spans;
    into->errors += from->errors;
    into->untimed += from->untimed;
    into->negative += from->negative;
    into->log_errors += from->log_errors;
    if (from->first_ns < into->first_ns)
        into->first_ns = from->first_ns;
    if (from->last_ns > into->last_ns)
        into->last_ns = from->last_ns;
}

enum tcore_status summary_merge(struct summary_data *into, struct summary_data *from,
                                struct tcore_error *err)
{
    uint32_t *services = tcore_calloc(from->services.keys.count + 1, sizeof *services);
    uint32_t *operations = tcore_calloc(from->operations.keys.count + 1, sizeof *operations);
    enum tcore_status status = services && operations ? TCORE_OK : tcore_error_nomem(err);
    merge_counts(into, from);
    if (!status)
        status = merge_span_groups(&into->services, &from->services, services, err);
    if (!status)
        status = merge_bins(into, from, services, err);
    if (!status)
        status = merge_span_groups(&into->operations, &from->operations, operations, err);
    if (!status)
        status = merge_failures(into, from, err);
    if (!status)
        status = merge_traces(into, from, operations, err);
    if (!status)
        status = summary_merge_records(into, from, err);
    tcore_free(services);
    tcore_free(operations);
    return status;
}
