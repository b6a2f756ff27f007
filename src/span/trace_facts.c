/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/trace_facts.h"

#include "base/sys.h"
#include "span/trace_parts.h"
#include "trace/span_values.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum tcore_status trace_facts_open(struct trace_facts *facts, struct tcore_error *err)
{
    *facts = (struct trace_facts){0};
    if (tcore_map_init(&facts->ids) != 0 || tcore_map_init(&facts->operations) != 0)
        return tcore_error_set(err, TCORE_FATAL, "no randomness for a hash");
    return TCORE_OK;
}

void trace_facts_free(struct trace_facts *facts)
{
    tcore_map_free(&facts->ids);
    tcore_map_free(&facts->operations);
    tcore_free(facts->of);
    tcore_buf_free(&facts->scratch);
    *facts = (struct trace_facts){0};
}

size_t trace_facts_bytes(const struct trace_facts *facts)
{
    return tcore_map_bytes(&facts->ids) + tcore_map_bytes(&facts->operations) +
           facts->capacity * sizeof *facts->of;
}

static enum tcore_status add_column(struct tcore_projection *projection, const char *first,
                                    const char *second, size_t *column, enum tcore_status status,
                                    struct tcore_error *err)
{
    struct tcore_path_key keys[] = {{first, strlen(first)}, {second, second ? strlen(second) : 0}};
    if (status == TCORE_OK)
        status = tcore_projection_add_path(projection, keys, second ? 2 : 1, column, err);
    if (status == TCORE_OK)
        projection->columns[*column].optional = true;
    return status;
}

enum tcore_status trace_facts_columns(struct trace_facts *facts,
                                      struct tcore_projection *projection, struct tcore_error *err)
{
    const struct {
        const char *first, *second;
        size_t *column;
    } list[] = {
        {"traceId", NULL, &facts->column.trace},
        {"context", "traceId", &facts->column.context_trace},
        {"spanId", NULL, &facts->column.span},
        {"parentSpanId", NULL, &facts->column.parent},
        {"startTimeUnixNano", NULL, &facts->column.start},
        {"endTimeUnixNano", NULL, &facts->column.end},
        {"durationNano", NULL, &facts->column.duration},
        {"timeUnixNano", NULL, &facts->column.time},
        {"status", NULL, &facts->column.status},
        {"service", NULL, &facts->column.service},
        {"name", NULL, &facts->column.name},
    };
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        status = add_column(projection, list[i].first, list[i].second, list[i].column, status, err);
    return status;
}

/* --- Of a record */

static bool read_id(const struct tcore_batch *batch, size_t column, uint32_t row,
                    enum tcore_id_class id, char *digits)
{
    struct tcore_value value = tcore_column_get(&batch->columns[column], row);
    return value.kind == TCORE_STRING &&
           tcore_id_normalise(id, value.s, value.len, digits) != TCORE_ID_ZERO;
}

bool trace_facts_id(const struct trace_facts *facts, const struct tcore_batch *batch, uint32_t row,
                    char id[TCORE_TRACE_ID])
{
    size_t column = batch->types[row] == TCORE_RECORD_METRIC ? facts->column.context_trace
                                                             : facts->column.trace;
    return read_id(batch, column, row, TCORE_TRACE_ID, id);
}

bool trace_facts_time(const struct trace_facts *facts, const struct tcore_batch *batch,
                      uint32_t row, int64_t *ns)
{
    size_t column =
        batch->types[row] == TCORE_RECORD_SPAN ? facts->column.start : facts->column.time;
    struct tcore_value value = tcore_column_get(&batch->columns[column], row);
    return read_time(&value, ns);
}

static uint64_t number_of(const struct tcore_batch *batch, size_t column, uint32_t row)
{
    char digits[TCORE_SPAN_ID + 1] = "";
    return read_id(batch, column, row, TCORE_SPAN_ID, digits) ? strtoull(digits, NULL, 16) : 0;
}

/* --- Traces */

enum tcore_status trace_facts_find(struct trace_facts *facts, const char id[TCORE_TRACE_ID],
                                   uint32_t *trace, struct tcore_error *err)
{
    bool added;
    *trace = tcore_map_intern(&facts->ids, id, TCORE_TRACE_ID, &added);
    if (*trace == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    if (*trace >= facts->capacity) {
        uint32_t capacity = facts->capacity ? 2 * facts->capacity : 256;
        struct trace_fact *moved = tcore_reallocarray(facts->of, capacity, sizeof *moved);
        if (!moved)
            return tcore_error_nomem(err);
        facts->of = moved;
        facts->capacity = capacity;
    }
    if (added)
        facts->of[*trace] =
            (struct trace_fact){.whole = {INT64_MAX, INT64_MIN}, .root = TCORE_MAP_NONE};
    return TCORE_OK;
}

void trace_facts_widen(struct tcore_interval *whole, int64_t ns)
{
    whole->start_ns = ns < whole->start_ns ? ns : whole->start_ns;
    whole->end_ns = ns > whole->end_ns ? ns : whole->end_ns;
}

/* The key of an operation is the length of its service, 0 without one and else one more, then the
 * service and the name. */
static enum tcore_status find_operation(struct trace_facts *facts, const struct tcore_batch *batch,
                                        uint32_t row, uint32_t *operation, struct tcore_error *err)
{
    struct tcore_value service = tcore_column_get(&batch->columns[facts->column.service], row);
    struct tcore_value name = tcore_column_get(&batch->columns[facts->column.name], row);
    uint32_t length = service.kind == TCORE_STRING ? service.len + 1 : 0;
    struct tcore_buf *key = &facts->scratch;
    tcore_buf_clear(key);
    tcore_buf_append(key, &length, sizeof length);
    if (length)
        tcore_buf_append(key, service.s, service.len);
    if (name.kind == TCORE_STRING)
        tcore_buf_append(key, name.s, name.len);
    *operation = key->failed ? TCORE_MAP_NONE
                             : tcore_map_intern(&facts->operations, key->data, key->length, NULL);
    return *operation == TCORE_MAP_NONE ? tcore_error_nomem(err) : TCORE_OK;
}

struct tcore_slice trace_facts_service(const struct trace_facts *facts, uint32_t operation)
{
    const struct tcore_map_key *key = &facts->operations.keys[operation];
    uint32_t length;
    memcpy(&length, key->data, sizeof length);
    return length ? (struct tcore_slice){key->data + sizeof length, length - 1}
                  : (struct tcore_slice){0};
}

struct tcore_slice trace_facts_name(const struct trace_facts *facts, uint32_t operation)
{
    const struct tcore_map_key *key = &facts->operations.keys[operation];
    size_t before = sizeof(uint32_t) + trace_facts_service(facts, operation).length;
    return (struct tcore_slice){key->data + before, key->length - before};
}

/* Whether a span is the root rather than the one so far: one without a parent, the first of them,
 * and the smaller id of two that start at once. */
static bool is_rather_root(const struct trace_fact *fact, bool top, int64_t start_ns, uint64_t id)
{
    if (fact->root == TCORE_MAP_NONE || top != fact->root_is_top)
        return fact->root == TCORE_MAP_NONE || top;
    if (start_ns != fact->root_start_ns)
        return start_ns < fact->root_start_ns;
    return id < fact->root_id;
}

/* SplitMix64's finish, so that sums of small numbers do not meet. */
static uint64_t spread(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

enum tcore_status trace_facts_add(struct trace_facts *facts, uint32_t trace,
                                  const struct tcore_batch *batch, uint32_t row,
                                  struct tcore_error *err)
{
    const struct tcore_column *columns = batch->columns;
    struct trace_fact *fact = &facts->of[trace];
    struct tcore_value start = tcore_column_get(&columns[facts->column.start], row);
    struct tcore_value end = tcore_column_get(&columns[facts->column.end], row);
    struct tcore_value duration = tcore_column_get(&columns[facts->column.duration], row);
    struct tcore_value status = tcore_column_get(&columns[facts->column.status], row);
    struct tcore_trace_span span = {0};
    uint32_t operation;
    set_times(&span, &start, &end);
    if (!(span.flags & TCORE_SPAN_HAS_END))
        set_end_by_duration(&span, &duration);
    widen(&fact->whole, &span);
    fact->spans++;
    fact->errors += is_error(&status);
    if (find_operation(facts, batch, row, &operation, err) != TCORE_OK)
        return TCORE_FATAL;
    fact->shape += spread(operation);
    bool top = !number_of(batch, facts->column.parent, row);
    int64_t start_ns = span.flags & TCORE_SPAN_HAS_START ? span.start_ns : INT64_MAX;
    uint64_t id = number_of(batch, facts->column.span, row);
    if (is_rather_root(fact, top, start_ns, id)) {
        fact->root = operation;
        fact->root_is_top = top;
        fact->root_start_ns = start_ns;
        fact->root_id = id;
    }
    return TCORE_OK;
}

int trace_facts_compare(const struct trace_facts *facts, uint32_t a, uint32_t b)
{
    const struct tcore_interval *x = &facts->of[a].whole, *y = &facts->of[b].whole;
    if (x->start_ns != y->start_ns)
        return x->start_ns < y->start_ns ? -1 : 1;
    return memcmp(facts->ids.keys[a].data, facts->ids.keys[b].data, TCORE_TRACE_ID);
}

/* --- As a record */

void trace_facts_put(const struct trace_facts *facts, uint32_t trace, struct tcore_buf *out)
{
    const struct trace_fact *fact = &facts->of[trace];
    tcore_buf_printf(out, "\"traceId\":\"%.*s\"", TCORE_TRACE_ID, facts->ids.keys[trace].data);
    if (fact->root != TCORE_MAP_NONE) {
        struct tcore_slice service = trace_facts_service(facts, fact->root);
        put_key(out, "rootSpanId", false);
        put_id(out, fact->root_id);
        if (service.data) {
            put_key(out, "serviceName", false);
            put_text(out, service);
        }
        put_key(out, "rootName", false);
        put_text(out, trace_facts_name(facts, fact->root));
    }
    if (tcore_interval_is_known(&fact->whole)) {
        put_key(out, "timeline", false);
        tcore_buf_puts(out, "{\"startTime\":");
        put_time(out, fact->whole.start_ns);
        put_key(out, "endTime", false);
        put_time(out, fact->whole.end_ns);
        put_key(out, "totalDuration", false);
        put_int(out, fact->whole.end_ns - fact->whole.start_ns);
        tcore_buf_putc(out, '}');
    }
    if (fact->spans)
        tcore_buf_printf(out,
                         ",\"structure\":{\"spanCount\":%" PRIu64
                         "},\"errors\":{\"errorCount\":%" PRIu64 "}",
                         fact->spans, fact->errors);
}
