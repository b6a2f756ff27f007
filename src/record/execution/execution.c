/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing the records of executions, their fields in the schema's order. */
#include <config.h>

#include "record/execution/execution.h"

#include "model/number.h"
#include "record/attributes.h"

#include <string.h>
#include <unistd.h>

static void put_name(struct tcore_buf *out, const char *name)
{
    tcore_buf_puts(out, ",\"");
    tcore_buf_puts(out, name);
    tcore_buf_puts(out, "\":");
}

void execution_put_text(struct tcore_buf *out, const char *name, const char *text)
{
    if (!text || !*text)
        return;
    put_name(out, name);
    attributes_put_text(out, text, strlen(text));
}

void execution_put_json(struct tcore_buf *out, const char *name, const char *json)
{
    if (!json || !*json)
        return;
    put_name(out, name);
    tcore_buf_puts(out, json);
}

void execution_put_map(struct tcore_buf *out, const char *name, const char *members)
{
    if (!members || !*members)
        return;
    put_name(out, name);
    tcore_buf_putc(out, '{');
    tcore_buf_puts(out, members);
    tcore_buf_putc(out, '}');
}

void execution_put_time(struct tcore_buf *out, const char *name, int64_t time_ns)
{
    char text[TCORE_NUMBER_BYTES];
    put_name(out, name);
    tcore_buf_putc(out, '"');
    tcore_buf_append(out, text, tcore_format_int64(text, time_ns));
    tcore_buf_putc(out, '"');
}

void execution_put_event(struct tcore_buf *out, const struct execution_event *event)
{
    tcore_buf_puts(out, "{\"type\":\"execution\"");
    execution_put_text(out, "event", event->event);
    execution_put_text(out, "executionId", event->execution_id);
    execution_put_text(out, "traceId", event->trace_id);
    execution_put_text(out, "parentSpanId", event->parent_span_id);
    execution_put_text(out, "contextId", event->context_id);
    execution_put_text(out, "correlationId", event->correlation_id);
    execution_put_text(out, "causationId", event->causation_id);
    execution_put_text(out, "operationName", event->operation_name);
    execution_put_text(out, "executionType", event->execution_type);
    execution_put_text(out, "executorId", event->executor_id);
    execution_put_text(out, "executorType", event->executor_type);
    execution_put_map(out, "environment", event->environment_json);
    execution_put_time(out, "timeUnixNano", event->time_ns);
    execution_put_text(out, "name", event->name);
    execution_put_json(out, "result", event->result_json);
    execution_put_json(out, "error", event->error_json);
    execution_put_map(out, "attributes", event->attributes_json);
    execution_put_text(out, "service", event->service);
    execution_put_map(out, "resource", event->resource_json);
    tcore_buf_puts(out, "}\n");
}

void execution_put_span(struct tcore_buf *out, const struct execution_span *span)
{
    tcore_buf_puts(out, "{\"type\":\"span\"");
    execution_put_text(out, "traceId", span->trace_id);
    execution_put_text(out, "spanId", span->span_id);
    execution_put_text(out, "parentSpanId", span->parent_span_id);
    put_name(out, "name");
    attributes_put_text(out, span->name, strlen(span->name));
    execution_put_text(out, "kind", "internal");
    execution_put_time(out, "startTimeUnixNano", span->start_ns);
    execution_put_time(out, "endTimeUnixNano", span->end_ns);
    if (span->end_ns >= span->start_ns)
        tcore_buf_printf(out, ",\"durationNano\":%lld", (long long)(span->end_ns - span->start_ns));
    execution_put_text(out, "status", span->status);
    execution_put_text(out, "statusMessage", span->status_message);
    execution_put_text(out, "service", span->service);
    execution_put_map(out, "attributes", span->attributes_json);
    execution_put_map(out, "resource", span->resource_json);
    if (span->events_json && *span->events_json) {
        put_name(out, "events");
        tcore_buf_putc(out, '[');
        tcore_buf_puts(out, span->events_json);
        tcore_buf_putc(out, ']');
    }
    execution_put_text(out, "traceState", span->trace_state);
    if (span->flags)
        tcore_buf_printf(out, ",\"flags\":%u", span->flags);
    tcore_buf_puts(out, "}\n");
}

void execution_host_name(char name[256])
{
    if (gethostname(name, 255) < 0)
        name[0] = '\0';
    name[255] = '\0';
}

void execution_put_resource(struct tcore_buf *out, const char *service)
{
    char host[256];
    execution_host_name(host);
    if (service && *service) {
        tcore_buf_puts(out, "\"service.name\":");
        attributes_put_text(out, service, strlen(service));
    }
    if (*host) {
        tcore_buf_puts(out, service && *service ? ",\"host.name\":" : "\"host.name\":");
        attributes_put_text(out, host, strlen(host));
    }
}
