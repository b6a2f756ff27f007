/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/execution/status_records.h"

#include "base/sys.h"
#include "record/execution/usage.h"

#include <string.h>

enum tcore_status status_records_init(struct status_records *r, struct tcore_error *err)
{
    *r = (struct status_records){0};
    if (tcore_map_init(&r->ids) < 0)
        return tcore_error_set(err, TCORE_FATAL, "the system has no randomness to give");
    return executions_init(&r->executions, err);
}

void status_records_free(struct status_records *r)
{
    executions_free(&r->executions);
    tcore_map_free(&r->ids);
    tcore_free(r->parents);
    tcore_buf_free(&r->spans);
    tcore_buf_free(&r->metrics);
    tcore_json_free(&r->json);
}

/* --- Who is whose parent */

static enum tcore_status number_of(struct status_records *r, const struct tcore_value *id,
                                   uint32_t *number, struct tcore_error *err)
{
    *number = TCORE_MAP_NONE;
    if (id->kind != TCORE_STRING || !id->len)
        return TCORE_OK;
    *number = tcore_map_intern(&r->ids, id->s, id->len, NULL);
    if (*number == TCORE_MAP_NONE)
        return tcore_error_nomem(err);
    if (*number < r->parent_count)
        return TCORE_OK;
    if (r->parent_count == r->parent_capacity) {
        size_t capacity = r->parent_capacity ? 2 * r->parent_capacity : 64;
        void *parents = tcore_reallocarray(r->parents, capacity, sizeof(*r->parents));
        if (!parents)
            return tcore_error_nomem(err);
        r->parents = parents;
        r->parent_capacity = capacity;
    }
    r->parents[r->parent_count++] = TCORE_MAP_NONE;
    return TCORE_OK;
}

static enum tcore_status add_parent(struct status_records *r, const char *id_member,
                                    struct tcore_error *err)
{
    uint32_t own, parent;
    enum tcore_status status = number_of(r, execution_member(&r->json, id_member), &own, err);
    if (status == TCORE_OK)
        status = number_of(r, execution_member(&r->json, "parentSpanId"), &parent, err);
    if (status == TCORE_OK && own != TCORE_MAP_NONE && parent != TCORE_MAP_NONE)
        r->parents[own] = parent;
    return status;
}

/* Whether the execution is that span, or above it. Parents may go round in circles. */
static bool is_within(const struct status_records *r, const char *id, size_t length)
{
    uint32_t own = tcore_map_find(&r->ids, r->span_id, TCORE_SPAN_ID);
    uint32_t at = tcore_map_find(&r->ids, id, length);
    if (length == TCORE_SPAN_ID && memcmp(id, r->span_id, length) == 0)
        return true;
    for (size_t steps = 0; at != TCORE_MAP_NONE && steps < r->parent_count; steps++) {
        if (at == own)
            return true;
        at = r->parents[at];
    }
    return false;
}

/* --- Reading */

static bool is_of_trace(const struct status_records *r, uint32_t object)
{
    uint32_t at = tcore_json_find(&r->json, object, "traceId");
    return *r->trace_id && at && tcore_value_is_text(&r->json.node[at].value, r->trace_id);
}

static void keep_line(struct tcore_buf *lines, const struct tcore_slice *text)
{
    tcore_buf_append(lines, text->data, text->length);
    tcore_buf_putc(lines, '\n');
}

static enum tcore_status add_span(struct status_records *r, const struct tcore_slice *text,
                                  struct tcore_error *err)
{
    if (!is_of_trace(r, 0))
        return TCORE_OK;
    keep_line(&r->spans, text);
    enum tcore_status status = tcore_buf_status(&r->spans, err);
    return status == TCORE_OK ? add_parent(r, "spanId", err) : status;
}

static enum tcore_status add_metric(struct status_records *r, const struct tcore_slice *text,
                                    struct tcore_error *err)
{
    uint32_t context = tcore_json_find(&r->json, 0, "context");
    if (!context || !is_of_trace(r, context))
        return TCORE_OK;
    keep_line(&r->metrics, text);
    return tcore_buf_status(&r->metrics, err);
}

enum tcore_status status_records_add(struct status_records *r, enum tcore_record_type type,
                                     const struct tcore_slice *text, struct tcore_error *err)
{
    enum tcore_status status;
    bool named = *r->trace_id && memmem(text->data, text->length, r->trace_id, TCORE_TRACE_ID);
    if (!named && *r->span_id)
        named = memmem(text->data, text->length, r->span_id, TCORE_SPAN_ID);
    if (!named)
        return TCORE_OK;
    if (type == TCORE_RECORD_EXECUTION || type == TCORE_RECORD_LOG) {
        status = executions_add(&r->executions, text->data, text->length, err);
        if (status != TCORE_OK || type == TCORE_RECORD_LOG)
            return status;
    }
    status = execution_parse(&r->json, text->data, text->length, err);
    if (status != TCORE_OK)
        return status == TCORE_SKIP ? TCORE_OK : status;
    if (type == TCORE_RECORD_EXECUTION)
        return add_parent(r, "executionId", err);
    return type == TCORE_RECORD_SPAN ? add_span(r, text, err) : add_metric(r, text, err);
}

bool status_records_choose(struct status_records *r)
{
    const struct execution_records *first = NULL;
    for (size_t i = 0; i < r->executions.count; i++) {
        const struct execution_records *records = &r->executions.list[i];
        if (records->started && strlen(records->id) == TCORE_SPAN_ID &&
            (!first || records->start_ns < first->start_ns))
            first = records;
    }
    if (first)
        memcpy(r->span_id, first->id, sizeof(r->span_id));
    return first;
}

/* --- Metrics */

/* Whether the metric in r->json is the execution's; *own: and not one of what runs within it. */
static bool is_metric_of(const struct status_records *r, const struct execution *e, bool *own)
{
    uint32_t context = tcore_json_find(&r->json, 0, "context");
    uint32_t span = context ? tcore_json_find(&r->json, context, "spanId") : 0;
    const struct tcore_value *id = span ? &r->json.node[span].value : NULL;
    *own = id && tcore_value_is_text(id, r->span_id);
    if (!id) /* of the trace as a whole */
        return !*e->parent_span_id;
    return id->kind == TCORE_STRING && is_within(r, id->s, id->len);
}

/* Calls each with the lines of a buffer, parsed, until it returns other than TCORE_OK. */
static enum tcore_status for_lines(struct status_records *r, const struct tcore_buf *lines,
                                   enum tcore_status (*each)(struct status_records *r, void *state,
                                                             const char *line, size_t length,
                                                             struct tcore_error *err),
                                   void *state, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (size_t at = 0; status == TCORE_OK && at < lines->length;) {
        const char *line = lines->data + at;
        size_t length = (size_t)((const char *)memchr(line, '\n', lines->length - at) - line);
        status = tcore_json_parse(&r->json, line, length, err);
        if (status == TCORE_OK)
            status = each(r, state, line, length, err);
        at += length + 1;
    }
    return status;
}

struct metric_output {
    const struct execution *execution;
    struct tcore_buf *out;
};

static enum tcore_status put_metric(struct status_records *r, void *state, const char *line,
                                    size_t length, struct tcore_error *err)
{
    const struct metric_output *output = state;
    bool own;
    if (is_metric_of(r, output->execution, &own)) {
        tcore_buf_append(output->out, line, length);
        tcore_buf_putc(output->out, '\n');
    }
    return tcore_buf_status(output->out, err);
}

/* The execution, folded; TCORE_SKIP: it was not started. To be freed in any case. */
static enum tcore_status fold_chosen(struct status_records *r, struct execution *e,
                                     struct tcore_error *err)
{
    uint32_t number = tcore_map_find(&r->executions.ids, r->span_id, strlen(r->span_id));
    *e = (struct execution){0};
    if (number == TCORE_MAP_NONE)
        return tcore_error_set(err, TCORE_SKIP, "no execution %s was started there", r->span_id);
    enum tcore_status status = executions_fold(&r->executions, number, e, err);
    if (status == TCORE_OK && !e->started)
        return tcore_error_set(err, TCORE_SKIP, "no execution %s was started there", r->span_id);
    return status;
}

enum tcore_status status_put_metrics(struct status_records *r, struct tcore_buf *out,
                                     struct tcore_error *err)
{
    struct execution execution;
    struct metric_output output = {&execution, out};
    enum tcore_status status = fold_chosen(r, &execution, err);
    if (status == TCORE_OK)
        status = for_lines(r, &r->metrics, put_metric, &output, err);
    execution_free(&execution);
    return status;
}

/* --- The trace */

struct findings {
    const struct execution *execution;
    struct execution_usage usage;
    struct tcore_buf spans, operations, related;
};

static enum tcore_status sum_up_metric(struct status_records *r, void *state, const char *line,
                                       size_t length, struct tcore_error *err)
{
    struct findings *f = state;
    bool own;
    (void)line;
    (void)length;
    return is_metric_of(r, f->execution, &own)
               ? execution_usage_metric(&f->usage, &r->json, own, err)
               : TCORE_OK;
}

static void add_related(struct tcore_buf *related, const char *trace_id, size_t length)
{
    if (length == TCORE_TRACE_ID && !memmem(related->data, related->length, trace_id, length)) {
        tcore_buf_puts(related, related->length ? "," : "");
        tcore_json_write_string(related, trace_id, length);
    }
}

static void add_links(struct status_records *r, struct tcore_buf *related)
{
    uint32_t links = tcore_json_find(&r->json, 0, "links");
    const struct tcore_json_node *node = r->json.node;
    if (!links || !tcore_json_is_array(&node[links]))
        return;
    for (uint32_t e = links + 1; e < node[links].next; e = node[e].next) {
        uint32_t id = tcore_json_find(&r->json, e, "traceId");
        if (id && node[id].value.kind == TCORE_STRING &&
            !tcore_value_is_text(&node[id].value, r->trace_id))
            add_related(related, node[id].value.s, node[id].value.len);
    }
}

static enum tcore_status take_span(struct status_records *r, void *state, const char *line,
                                   size_t length, struct tcore_error *err)
{
    struct findings *f = state;
    const struct tcore_value *id = execution_member(&r->json, "spanId");
    if (id->kind != TCORE_STRING || !is_within(r, id->s, id->len))
        return TCORE_OK;
    tcore_buf_puts(&f->spans, f->spans.length ? "," : "");
    tcore_buf_append(&f->spans, line, length);
    add_links(r, &f->related);
    if (tcore_value_is_text(id, r->span_id))
        execution_usage_span(&f->usage, &r->json);
    return tcore_buf_status(&f->spans, err);
}

/* What was executed within. */
static enum tcore_status put_operations(struct status_records *r, struct tcore_buf *out,
                                        struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; status == TCORE_OK && i < r->executions.count; i++) {
        const struct execution_records *records = &r->executions.list[i];
        struct execution e;
        if (!records->started || strcmp(records->id, r->span_id) == 0 ||
            !is_within(r, records->id, strlen(records->id)))
            continue;
        status = executions_fold(&r->executions, i, &e, err);
        if (status == TCORE_OK) {
            const struct execution_state state = execution_state_of(&e);
            execution_operation_put(out, records->id, &e, &state);
        }
        execution_free(&e);
    }
    return status == TCORE_OK ? tcore_buf_status(out, err) : status;
}

static enum tcore_status find_out(struct status_records *r, struct findings *f,
                                  struct tcore_error *err)
{
    enum tcore_status status = execution_usage_init(&f->usage, err);
    add_related(&f->related, f->execution->parent_trace_id, strlen(f->execution->parent_trace_id));
    if (status == TCORE_OK)
        status = for_lines(r, &r->metrics, sum_up_metric, f, err);
    if (status == TCORE_OK)
        status = for_lines(r, &r->spans, take_span, f, err);
    if (status == TCORE_OK)
        status = put_operations(r, &f->operations, err);
    tcore_buf_putc(&f->spans, '\0');
    tcore_buf_putc(&f->operations, '\0');
    tcore_buf_putc(&f->related, '\0');
    if (f->spans.failed || f->operations.failed || f->related.failed)
        return tcore_error_nomem(err);
    return status;
}

static enum tcore_status put_found(struct status_records *r, const struct findings *f,
                                   struct tcore_buf *out, struct tcore_error *err)
{
    struct usage_text text;
    const struct execution_state state = execution_state_of(f->execution);
    execution_usage_put(&f->usage, &text);
    out->failed |=
        text.cpu.failed || text.memory.failed || text.network.failed || text.custom.failed;
    if (!out->failed)
        execution_trace_put(out, r->span_id, f->execution, &state,
                            &(struct execution_findings){.cpu_json = text.cpu.data,
                                                         .memory_json = text.memory.data,
                                                         .network_json = text.network.data,
                                                         .custom_json = text.custom.data,
                                                         .spans_json = f->spans.data,
                                                         .operations_json = f->operations.data,
                                                         .related_json = f->related.data});
    usage_text_free(&text);
    return tcore_buf_status(out, err);
}

enum tcore_status status_put_trace(struct status_records *r, struct tcore_buf *out,
                                   struct tcore_error *err)
{
    struct execution execution;
    struct findings f = {.execution = &execution};
    enum tcore_status status = fold_chosen(r, &execution, err);
    if (status == TCORE_OK) {
        status = find_out(r, &f, err);
        if (status == TCORE_OK)
            status = put_found(r, &f, out, err);
        execution_usage_free(&f.usage);
    }
    tcore_buf_free(&f.spans);
    tcore_buf_free(&f.operations);
    tcore_buf_free(&f.related);
    execution_free(&execution);
    return status;
}
