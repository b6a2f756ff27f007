/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-span correlate --by. What belongs to a group is kept once in a map whose keys begin with
 * the group's number: traces, executions, metric names. At the end the keys are sorted.
 */
#include <config.h>

#include "base/sys.h"
#include "cli/filter.h"
#include "cli/message.h"
#include "span/correlate.h"
#include "span/gather.h"
#include "span/trace_facts.h"
#include "span/trace_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUT_PIECE ((size_t)1 << 20)

/* What shares the value besides traces. */
struct group_sum {
    uint64_t logs, metrics;
    struct tcore_interval whole; /* of records, not of their traces */
};

enum member_kind { MEMBER_TRACE, MEMBER_EXECUTION, MEMBER_METRIC };

/* In front of a member's key. */
struct member_head {
    uint32_t group, kind;
};

/* A group's part of the sorted members. */
struct group_place {
    uint32_t group, first, traces, executions, metrics;
};

struct grouping {
    struct cli *cli;
    const struct correlate_options *options;
    size_t memory_bytes;
    struct trace_facts facts;
    size_t *column; /* of each --by; owned */
    size_t execution_column, metric_column;
    struct tcore_map groups, members;
    struct group_sum *sum;
    uint32_t capacity;
    uint64_t small; /* groups with too few traces */
    struct tcore_buf key, text;
    /* at the end */
    uint32_t *order; /* of members */
    struct group_place *place;
    uint32_t place_count, next;
    bool begun;
};

/* --- Taking in */

static enum tcore_status open_columns(void *state, struct tcore_projection *projection,
                                      struct tcore_error *err)
{
    struct grouping *g = state;
    struct tcore_path_key execution = {"executionId", 11}, metric = {"metricName", 10};
    const struct cli_strings *by = &g->options->by;
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < by->count && status == TCORE_OK; i++)
        status = tcore_projection_add_field(projection, by->item[i], &g->column[i], err);
    if (status == TCORE_OK)
        status = trace_facts_columns(&g->facts, projection, err);
    if (status == TCORE_OK)
        status = tcore_projection_add_path(projection, &execution, 1, &g->execution_column, err);
    if (status == TCORE_OK)
        status = tcore_projection_add_path(projection, &metric, 1, &g->metric_column, err);
    if (status == TCORE_OK) {
        projection->columns[g->execution_column].optional = true;
        projection->columns[g->metric_column].optional = true;
    }
    return status;
}

/* The record's values as an object in text; false: it lacks one of them. */
static bool write_group(struct grouping *g, const struct tcore_batch *batch, uint32_t row)
{
    const struct cli_strings *by = &g->options->by;
    tcore_buf_clear(&g->text);
    for (size_t i = 0; i < by->count; i++) {
        struct tcore_value value = tcore_column_get(&batch->columns[g->column[i]], row);
        if (value.kind == TCORE_ABSENT || value.kind == TCORE_NULL)
            return false;
        tcore_buf_putc(&g->text, i ? ',' : '{');
        tcore_json_write_string(&g->text, by->item[i], strlen(by->item[i]));
        tcore_buf_putc(&g->text, ':');
        tcore_json_write_value(&g->text, &value);
    }
    tcore_buf_clear(&g->key); /* 1 and 1.0 are one group */
    tcore_buf_putc(&g->text, '}');
    return true;
}

static enum tcore_status find_group(struct grouping *g, uint32_t *group, struct tcore_error *err)
{
    bool added;
    tcore_json_write_key(&g->key, g->text.data, g->text.length);
    if (g->key.failed || g->text.failed)
        return tcore_error_nomem(err);
    *group = tcore_map_intern(&g->groups, g->key.data, g->key.length, &added);
    if (*group == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    if (*group >= g->capacity) {
        uint32_t capacity = g->capacity ? 2 * g->capacity : 256;
        struct group_sum *moved = tcore_reallocarray(g->sum, capacity, sizeof *moved);
        if (!moved)
            return tcore_error_nomem(err);
        g->sum = moved;
        g->capacity = capacity;
    }
    if (added)
        g->sum[*group] = (struct group_sum){.whole = {INT64_MAX, INT64_MIN}};
    return TCORE_OK;
}

static enum tcore_status add_member(struct grouping *g, uint32_t group, enum member_kind kind,
                                    const void *data, size_t length, struct tcore_error *err)
{
    struct member_head head = {group, kind};
    tcore_buf_clear(&g->key);
    tcore_buf_append(&g->key, &head, sizeof head);
    tcore_buf_append(&g->key, data, length);
    if (g->key.failed ||
        tcore_map_intern(&g->members, g->key.data, g->key.length, NULL) == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    return TCORE_OK;
}

static enum tcore_status add_by_column(struct grouping *g, uint32_t group, enum member_kind kind,
                                       const struct tcore_batch *batch, size_t column, uint32_t row,
                                       struct tcore_error *err)
{
    struct tcore_value value = tcore_column_get(&batch->columns[column], row);
    return value.kind == TCORE_STRING ? add_member(g, group, kind, value.s, value.len, err)
                                      : TCORE_OK;
}

/* A record that has the values. trace: its, or TCORE_MAP_NONE. */
static enum tcore_status join(struct grouping *g, const struct tcore_batch *batch, uint32_t row,
                              uint32_t trace, struct tcore_error *err)
{
    uint32_t group = 0;
    int64_t ns;
    enum tcore_status status = find_group(g, &group, err);
    if (status == TCORE_OK && trace != TCORE_MAP_NONE)
        status = add_member(g, group, MEMBER_TRACE, &trace, sizeof trace, err);
    if (status != TCORE_OK)
        return status;
    struct group_sum *sum = &g->sum[group];
    if (trace_facts_time(&g->facts, batch, row, &ns))
        trace_facts_widen(&sum->whole, ns);
    switch (batch->types[row]) {
    case TCORE_RECORD_LOG:
        sum->logs++;
        return TCORE_OK;
    case TCORE_RECORD_METRIC:
        sum->metrics++;
        return add_by_column(g, group, MEMBER_METRIC, batch, g->metric_column, row, err);
    case TCORE_RECORD_EXECUTION:
        return add_by_column(g, group, MEMBER_EXECUTION, batch, g->execution_column, row, err);
    default:
        return TCORE_OK;
    }
}

static enum tcore_status take(struct grouping *g, const struct tcore_batch *batch, uint32_t row,
                              struct tcore_error *err)
{
    char id[TCORE_TRACE_ID];
    uint32_t trace = TCORE_MAP_NONE;
    bool is_span = batch->types[row] == TCORE_RECORD_SPAN;
    bool joins = write_group(g, batch, row);
    enum tcore_status status = TCORE_OK;
    if ((is_span || joins) && trace_facts_id(&g->facts, batch, row, id))
        status = trace_facts_find(&g->facts, id, &trace, err);
    if (status == TCORE_OK && is_span && trace != TCORE_MAP_NONE)
        status = trace_facts_add(&g->facts, trace, batch, row, err);
    if (status == TCORE_OK && joins)
        status = join(g, batch, row, trace, err);
    return status;
}

static enum tcore_status take_batch(void *state, void *worker, const struct tcore_batch *batch,
                                    const uint32_t *rows, size_t count, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    struct grouping *g = state;
    enum tcore_status status = TCORE_OK;
    (void)worker;
    (void)out;
    for (size_t i = 0; i < count && status == TCORE_OK; i++)
        status = take(g, batch, rows[i], err);
    size_t bytes = trace_facts_bytes(&g->facts) + tcore_map_bytes(&g->groups) +
                   tcore_map_bytes(&g->members) + g->capacity * sizeof *g->sum;
    return status == TCORE_OK && bytes > g->memory_bytes
               ? say_memory(g->cli, "values of all traces", err)
               : status;
}

/* --- In order */

static struct member_head head_of(const struct grouping *g, uint32_t member)
{
    struct member_head head;
    memcpy(&head, g->members.keys[member].data, sizeof head);
    return head;
}

static uint32_t trace_of(const struct grouping *g, uint32_t member)
{
    uint32_t trace;
    memcpy(&trace, g->members.keys[member].data + sizeof(struct member_head), sizeof trace);
    return trace;
}

static int compare_bytes(const struct tcore_map_key *x, const struct tcore_map_key *y, size_t skip)
{
    size_t shared = x->length < y->length ? x->length : y->length;
    int order = memcmp(x->data + skip, y->data + skip, shared - skip);
    return order ? order : (x->length > y->length) - (x->length < y->length);
}

static int compare_members(const void *left, const void *right, void *state)
{
    const struct grouping *g = state;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    struct member_head x = head_of(g, a), y = head_of(g, b);
    if (x.group != y.group)
        return x.group < y.group ? -1 : 1;
    if (x.kind != y.kind)
        return x.kind < y.kind ? -1 : 1;
    if (x.kind == MEMBER_TRACE)
        return trace_facts_compare(&g->facts, trace_of(g, a), trace_of(g, b));
    return compare_bytes(&g->members.keys[a], &g->members.keys[b], sizeof x);
}

static int compare_places(const void *left, const void *right, void *state)
{
    const struct grouping *g = state;
    const struct group_place *a = left, *b = right;
    if (a->traces != b->traces)
        return a->traces > b->traces ? -1 : 1;
    return compare_bytes(&g->groups.keys[a->group], &g->groups.keys[b->group], 0);
}

static void find_places(struct grouping *g)
{
    for (uint32_t i = 0; i < g->groups.count; i++)
        g->place[i] = (struct group_place){.group = i};
    for (uint32_t i = 0; i < g->members.count; i++) {
        struct member_head head = head_of(g, g->order[i]);
        struct group_place *place = &g->place[head.group];
        if (!(place->traces + place->executions + place->metrics))
            place->first = i;
        place->traces += head.kind == MEMBER_TRACE;
        place->executions += head.kind == MEMBER_EXECUTION;
        place->metrics += head.kind == MEMBER_METRIC;
    }
}

/* Sorts, and leaves groups out that are too small. */
static enum tcore_status begin(struct grouping *g, struct tcore_error *err)
{
    uint32_t least = g->options->least_traces < 0 ? 2 : (uint32_t)g->options->least_traces;
    g->begun = true;
    g->order = tcore_reallocarray(NULL, (size_t)g->members.count + 1, sizeof *g->order);
    g->place = tcore_reallocarray(NULL, (size_t)g->groups.count + 1, sizeof *g->place);
    if (!g->order || !g->place)
        return tcore_error_nomem(err);
    for (uint32_t i = 0; i < g->members.count; i++)
        g->order[i] = i;
    qsort_r(g->order, g->members.count, sizeof *g->order, compare_members, g);
    find_places(g);
    for (uint32_t i = 0; i < g->groups.count; i++)
        if (g->place[i].traces >= least)
            g->place[g->place_count++] = g->place[i];
    g->small = g->groups.count - g->place_count;
    qsort_r(g->place, g->place_count, sizeof *g->place, compare_places, g);
    return TCORE_OK;
}

/* --- Records */

struct trace_totals {
    uint64_t failed, spans, span_errors;
    struct tcore_interval whole;
    int64_t gap_max_ns, busy_ns;
};

static void add_trace(struct trace_totals *totals, const struct trace_fact *fact)
{
    totals->failed += fact->errors > 0;
    totals->spans += fact->spans;
    totals->span_errors += fact->errors;
    if (!tcore_interval_is_known(&fact->whole))
        return;
    bool later = tcore_interval_is_known(&totals->whole);
    int64_t gap = later ? fact->whole.start_ns - totals->whole.end_ns : 0;
    totals->gap_max_ns = gap > totals->gap_max_ns ? gap : totals->gap_max_ns;
    totals->busy_ns = add_ns(totals->busy_ns, fact->whole.end_ns - fact->whole.start_ns);
    trace_facts_widen(&totals->whole, fact->whole.start_ns);
    trace_facts_widen(&totals->whole, fact->whole.end_ns);
}

static void put_count(struct tcore_buf *out, const char *key, uint64_t count)
{
    tcore_buf_printf(out, ",\"%s\":%" PRIu64, key, count);
}

static void put_trace(const struct grouping *g, uint32_t trace, const struct tcore_interval *before,
                      struct tcore_buf *out)
{
    const struct trace_fact *fact = &g->facts.of[trace];
    bool timed = tcore_interval_is_known(&fact->whole);
    tcore_buf_printf(out, "{\"traceId\":\"%.*s\"", TCORE_TRACE_ID, g->facts.ids.keys[trace].data);
    if (fact->root != TCORE_MAP_NONE) {
        struct tcore_slice service = trace_facts_service(&g->facts, fact->root);
        if (service.data) {
            put_key(out, "serviceName", false);
            put_text(out, service);
        }
        put_key(out, "rootName", false);
        put_text(out, trace_facts_name(&g->facts, fact->root));
    }
    if (timed) {
        put_key(out, "startTime", false);
        put_time(out, fact->whole.start_ns);
        put_key(out, "durationNano", false);
        put_int(out, fact->whole.end_ns - fact->whole.start_ns);
    }
    if (timed && tcore_interval_is_known(before)) {
        put_key(out, "gapNano", false);
        put_int(out, fact->whole.start_ns - before->end_ns);
    }
    if (fact->spans) {
        put_count(out, "spanCount", fact->spans);
        put_count(out, "errorCount", fact->errors);
    }
    tcore_buf_putc(out, '}');
}

/* The traces in order, as far as they are listed. */
static void put_traces(const struct grouping *g, const struct group_place *place,
                       struct tcore_buf *out)
{
    struct tcore_interval before = {INT64_MAX, INT64_MIN};
    uint64_t most = (uint64_t)g->options->most_traces;
    uint32_t listed = place->traces < most ? place->traces : (uint32_t)most;
    put_key(out, "traces", false);
    tcore_buf_putc(out, '[');
    for (uint32_t i = 0; i < listed; i++) {
        uint32_t trace = trace_of(g, g->order[place->first + i]);
        const struct tcore_interval *whole = &g->facts.of[trace].whole;
        tcore_buf_puts(out, i ? "," : "");
        put_trace(g, trace, &before, out);
        if (tcore_interval_is_known(whole)) {
            trace_facts_widen(&before, whole->start_ns);
            trace_facts_widen(&before, whole->end_ns);
        }
    }
    tcore_buf_putc(out, ']');
    if (listed < place->traces)
        put_count(out, "tracesLeftOut", place->traces - listed);
}

static void put_members(const struct grouping *g, const char *key, uint32_t first, uint32_t count,
                        struct tcore_buf *out)
{
    if (!count)
        return;
    put_key(out, key, false);
    for (uint32_t i = 0; i < count; i++) {
        const struct tcore_map_key *member = &g->members.keys[g->order[first + i]];
        size_t head = sizeof(struct member_head);
        tcore_buf_putc(out, i ? ',' : '[');
        put_text(out, (struct tcore_slice){member->data + head, member->length - head});
    }
    tcore_buf_putc(out, ']');
}

static void put_times(const struct trace_totals *totals, const struct tcore_interval *others,
                      uint32_t traces, struct tcore_buf *out)
{
    struct tcore_interval whole = totals->whole;
    if (tcore_interval_is_known(others)) {
        trace_facts_widen(&whole, others->start_ns);
        trace_facts_widen(&whole, others->end_ns);
    }
    if (tcore_interval_is_known(&totals->whole)) {
        put_key(out, "sum", false);
        put_int(out, totals->busy_ns);
    }
    if (!tcore_interval_is_known(&whole))
        return;
    put_key(out, "startTime", false);
    put_time(out, whole.start_ns);
    put_key(out, "endTime", false);
    put_time(out, whole.end_ns);
    if (traces > 1) {
        put_key(out, "gapMaxNano", false);
        put_int(out, totals->gap_max_ns);
    }
}

static void put_group(const struct grouping *g, const struct group_place *place,
                      struct tcore_buf *out)
{
    const struct tcore_map_key *group = &g->groups.keys[place->group];
    const struct group_sum *sum = &g->sum[place->group];
    struct trace_totals totals = {.whole = {INT64_MAX, INT64_MIN}};
    for (uint32_t i = 0; i < place->traces; i++)
        add_trace(&totals, &g->facts.of[trace_of(g, g->order[place->first + i])]);
    tcore_buf_puts(out, "{\"type\":\"aggregate\",\"recordType\":\"trace\","
                        "\"metricName\":\"durationNano\",\"group\":");
    tcore_buf_append(out, group->data, group->length);
    tcore_buf_printf(out, ",\"count\":%" PRIu32 ",\"errors\":%" PRIu64, place->traces,
                     totals.failed);
    put_times(&totals, &sum->whole, place->traces, out);
    put_count(out, "spanCount", totals.spans);
    put_count(out, "spanErrors", totals.span_errors);
    put_count(out, "executionCount", place->executions);
    put_count(out, "logCount", sum->logs);
    put_count(out, "metricCount", sum->metrics);
    put_traces(g, place, out);
    put_members(g, "executionIds", place->first + place->traces, place->executions, out);
    put_members(g, "metricNames", place->first + place->traces + place->executions, place->metrics,
                out);
    tcore_buf_puts(out, "}\n");
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct grouping *g = state;
    enum tcore_status status = g->begun ? TCORE_OK : begin(g, err);
    if (status != TCORE_OK)
        return status;
    while (g->next < g->place_count && out->length < OUTPUT_PIECE && !out->failed)
        put_group(g, &g->place[g->next++], out);
    status = tcore_buf_status(out, err);
    if (status == TCORE_OK && g->next < g->place_count)
        return TCORE_SKIP;
    if (status == TCORE_OK && g->small && g->options->least_traces < 0)
        cli_note(g->cli, "%" PRIu64 " value%s of one trace or none: --min-traces=0 lists them too",
                 g->small, g->small == 1 ? " is" : "s are");
    return status;
}

/* --- The verb */

int correlate_groups(struct cli *cli, const struct correlate_options *options, int count,
                     char **inputs)
{
    static const struct cli_operator grouping = {
        .types = 1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_LOG | 1u << TCORE_RECORD_METRIC |
                 1u << TCORE_RECORD_EXECUTION,
        .ordered = true,
        .open = open_columns,
        .batch = take_batch,
        .finish = finish,
    };
    int64_t memory = cli->io.memory_bytes ? cli->io.memory_bytes : GATHER_MEMORY;
    struct grouping g = {.cli = cli, .options = options, .memory_bytes = (size_t)memory};
    struct tcore_error err;
    int status = CLI_FAILED;
    g.column = tcore_calloc(options->by.count, sizeof *g.column);
    if (g.column && trace_facts_open(&g.facts, &err) == TCORE_OK &&
        tcore_map_init(&g.groups) == 0 && tcore_map_init(&g.members) == 0)
        status = cli_filter(cli, &grouping, &g, count, inputs);
    else
        cli_error(cli, "out of memory");
    trace_facts_free(&g.facts);
    tcore_map_free(&g.groups);
    tcore_map_free(&g.members);
    tcore_buf_free(&g.key);
    tcore_buf_free(&g.text);
    tcore_free(g.column);
    tcore_free(g.sum);
    tcore_free(g.order);
    tcore_free(g.place);
    return status;
}
