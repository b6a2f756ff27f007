/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fields of the record type come first, in its order, and then the others: the canonical form. */
#include <config.h>

#include "record/execution/trace.h"

#include "model/time.h"
#include "record/execution/execution.h"
#include "record/repository/lifetime.h"

#include <string.h>

struct execution_state execution_state_of(const struct execution *e)
{
    struct execution_state state = {.status = e->end_event};
    if (e->ended)
        return state;
    state.lost = lifetime_look(e->environment_json, e->resource_json, &state.pid) == LIFETIME_OVER;
    state.status = state.lost ? "failed" : "running";
    return state;
}

/* ,"NAME":[elements] */
static void put_list(struct tcore_buf *out, const char *name, const char *elements)
{
    tcore_buf_printf(out, ",\"%s\":[", name);
    tcore_buf_puts(out, elements);
    tcore_buf_putc(out, ']');
}

static void put_point(struct tcore_buf *out, const char *name, int64_t time_ns)
{
    char text[TCORE_TIME_BYTES];
    tcore_format_time(text, time_ns);
    execution_put_text(out, name, text);
}

/* Checkpoints or else events, each as {"NAME":...,"timestamp":...,"attributes":{...}}. */
static void put_moments(struct tcore_buf *out, const struct execution *e, bool checkpoints,
                        const char *name)
{
    bool first = true;
    for (size_t i = 0; i < e->moment_count; i++) {
        const struct execution_moment *moment = &e->moments[i];
        if (moment->checkpoint != checkpoints)
            continue;
        tcore_buf_printf(out, "%s{\"%s\":", first ? "" : ",", name);
        tcore_buf_puts(out, moment->name_json);
        put_point(out, "timestamp", moment->time_ns);
        execution_put_json(out, "attributes", moment->attributes_json);
        tcore_buf_putc(out, '}');
        first = false;
    }
}

/* Attributes that are texts, or else the others. */
static void put_attributes(struct tcore_buf *out, const struct execution *e, bool texts)
{
    bool first = true;
    for (size_t i = 0; i < e->attribute_count; i++) {
        const struct execution_attribute *attribute = &e->attributes[i];
        if ((*attribute->value_json == '"') != texts)
            continue;
        tcore_buf_puts(out, first ? "" : ",");
        tcore_json_write_string(out, attribute->key, strlen(attribute->key));
        tcore_buf_putc(out, ':');
        tcore_buf_puts(out, attribute->value_json);
        first = false;
    }
}

static void put_metadata(struct tcore_buf *out, const struct execution *e)
{
    tcore_buf_puts(out, ",\"metadata\":{\"tags\":{");
    put_attributes(out, e, true);
    tcore_buf_puts(out, "},\"annotations\":[");
    put_moments(out, e, false, "text");
    tcore_buf_puts(out, "],\"customData\":{");
    put_attributes(out, e, false);
    tcore_buf_puts(out, "}}");
}

static void put_context(struct tcore_buf *out, const struct execution *e)
{
    const char *type = *e->execution_type ? e->execution_type : "operation";
    const char *executor = *e->executor_type ? e->executor_type : "system";
    tcore_buf_puts(out, ",\"context\":{\"executionType\":");
    tcore_json_write_string(out, type, strlen(type));
    tcore_buf_puts(out, ",\"executorId\":");
    tcore_json_write_string(out, e->executor_id, strlen(e->executor_id));
    execution_put_text(out, "executorType", executor);
    tcore_buf_puts(out, ",\"environment\":{");
    tcore_buf_puts(out, e->environment_json);
    tcore_buf_puts(out, *e->environment_json && *e->resource_json ? "," : "");
    tcore_buf_puts(out, e->resource_json);
    tcore_buf_puts(out, "}}");
}

static void put_end(struct tcore_buf *out, const struct execution *e)
{
    if (!e->ended)
        return;
    put_point(out, "endTime", e->end_ns);
    if (e->end_ns >= e->start_ns)
        tcore_buf_printf(out, ",\"duration\":%lld", (long long)(e->end_ns - e->start_ns));
}

static void put_timeline(struct tcore_buf *out, const struct execution *e)
{
    char text[TCORE_TIME_BYTES];
    tcore_format_time(text, e->start_ns);
    tcore_buf_printf(out, ",\"timeline\":{\"startTime\":\"%s\"", text);
    put_end(out, e);
    tcore_buf_puts(out, ",\"checkpoints\":[");
    put_moments(out, e, true, "name");
    tcore_buf_puts(out, "]}");
}

static void put_findings(struct tcore_buf *out, const struct execution_findings *findings)
{
    tcore_buf_puts(out, ",\"performance\":{\"cpuUsage\":");
    tcore_buf_puts(out, findings->cpu_json);
    execution_put_json(out, "memoryUsage", findings->memory_json);
    execution_put_json(out, "networkUsage", findings->network_json);
    put_list(out, "customMetrics", findings->custom_json);
    tcore_buf_putc(out, '}');
    put_list(out, "spans", findings->spans_json);
    put_list(out, "operations", findings->operations_json);
}

static void put_correlation(struct tcore_buf *out, const struct execution *e,
                            const struct execution_findings *findings)
{
    const char *correlation = *e->correlation_id ? e->correlation_id : e->trace_id;
    tcore_buf_puts(out, ",\"correlation\":{\"correlationId\":");
    tcore_json_write_string(out, correlation, strlen(correlation));
    execution_put_text(out, "causationId", e->causation_id);
    put_list(out, "relatedTraces", findings ? findings->related_json : "");
    tcore_buf_putc(out, '}');
}

void execution_trace_put(struct tcore_buf *out, const char *id, const struct execution *e,
                         const struct execution_state *state,
                         const struct execution_findings *findings)
{
    tcore_buf_puts(out, "{\"type\":\"execution\"");
    execution_put_text(out, "executionId", id);
    execution_put_text(out, "traceId", e->trace_id);
    execution_put_text(out, "parentSpanId", e->parent_span_id);
    execution_put_text(out, "parentTraceId", e->parent_trace_id);
    execution_put_text(out, "contextId", e->context_id);
    tcore_buf_puts(out, ",\"operationName\":");
    tcore_json_write_string(out, e->operation_name, strlen(e->operation_name));
    execution_put_time(out, "timeUnixNano", e->start_ns);
    execution_put_json(out, "result", e->result_json);
    if (state->lost)
        tcore_buf_puts(out, ",\"error\":{\"message\":\"its process is over, and its end was not "
                            "recorded\",\"type\":\"lost\"}");
    else
        execution_put_json(out, "error", e->error_json);
    execution_put_text(out, "service", e->service);
    put_metadata(out, e);
    put_context(out, e);
    put_timeline(out, e);
    execution_put_text(out, "status", state->status);
    if (findings)
        put_findings(out, findings);
    put_correlation(out, e, findings);
    tcore_buf_puts(out, "}\n");
}

void execution_operation_put(struct tcore_buf *out, const char *id, const struct execution *e,
                             const struct execution_state *state)
{
    tcore_buf_printf(out, "%s{\"operationId\":\"%.16s\",\"operationName\":", out->length ? "," : "",
                     id);
    tcore_json_write_string(out, e->operation_name, strlen(e->operation_name));
    execution_put_text(out, "parentId", e->parent_span_id);
    execution_put_text(out, "status", state->status);
    put_point(out, "startTime", e->start_ns);
    put_end(out, e);
    tcore_buf_putc(out, '}');
}
