/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An OTLP log record as a native one. */
#include <config.h>

#include "record/import/otlp.h"

#include "c-ctype.h"

enum {
    LOG_TIME,
    LOG_OBSERVED,
    LOG_NUMBER,
    LOG_TEXT,
    LOG_BODY,
    LOG_ATTRIBUTES,
    LOG_DROPPED,
    LOG_FLAGS,
    LOG_TRACE,
    LOG_SPAN,
    LOG_EVENT,
    LOG_COUNT
};
static const struct import_key log_names[LOG_COUNT] = {IMPORT_KEY("timeUnixNano"),
                                                       IMPORT_KEY("observedTimeUnixNano"),
                                                       IMPORT_KEY("severityNumber"),
                                                       IMPORT_KEY("severityText"),
                                                       IMPORT_KEY("body"),
                                                       IMPORT_KEY("attributes"),
                                                       IMPORT_KEY("droppedAttributesCount"),
                                                       IMPORT_KEY("flags"),
                                                       IMPORT_KEY("traceId"),
                                                       IMPORT_KEY("spanId"),
                                                       IMPORT_KEY("eventName")};
static const struct import_keys log_keys = {log_names, LOG_COUNT};

/* SeverityNumber: four steps to a name (OpenTelemetry's log data model). */
static const char *const severity_names[] = {
    "unspecified", "trace",  "trace2", "trace3", "trace4", "debug",  "debug2", "debug3", "debug4",
    "info",        "info2",  "info3",  "info4",  "warn",   "warn2",  "warn3",  "warn4",  "error",
    "error2",      "error3", "error4", "fatal",  "fatal2", "fatal3", "fatal4"};
static const struct import_enum severity = {"SEVERITY_NUMBER_", severity_names,
                                            sizeof(severity_names) / sizeof(*severity_names),
                                            "severity"};

/* The name of the number's group of four; without a number the text in lower case. */
static void put_severity(struct otlp *o, const uint32_t *at, int64_t number)
{
    struct tcore_buf *out = o->out;
    if (number) {
        PUT(out, ",\"severity\":\"");
        tcore_buf_puts(out, severity_names[(number - 1) / 4 * 4 + 1]);
        tcore_buf_putc(out, '"');
    } else if (import_is_text(o->job, at[LOG_TEXT])) {
        PUT(out, ",\"severity\":");
        size_t begin = out->length;
        import_put_string(o->job, out, import_value(o->job, at[LOG_TEXT]));
        for (size_t i = begin; i < out->length; i++)
            if (c_isupper(out->data[i]) && out->data[i - 1] != '\\')
                out->data[i] = (char)(out->data[i] - 'A' + 'a');
    }
}

static bool put_body(struct otlp *o, uint32_t node)
{
    size_t begin = o->out->length;
    if (!node)
        return true;
    PUT(o->out, ",\"body\":");
    size_t value = o->out->length;
    if (!otlp_put_value(o, o->out, node))
        return false;
    size_t length = o->out->length - value;
    const char *text = o->out->data + value;
    /* nothing in it is as good as absent */
    if ((length == 4 && memcmp(text, "null", 4) == 0) ||
        (length == 2 && (memcmp(text, "{}", 2) == 0 || memcmp(text, "[]", 2) == 0)))
        o->out->length = begin;
    return true;
}

static bool put_close(struct otlp *o)
{
    PUT(o->out, "}\n");
    return true;
}

bool otlp_put_log(struct otlp *o, uint32_t node)
{
    uint32_t at[LOG_COUNT];
    int64_t time_ns, observed_ns, number;
    bool present;
    struct tcore_buf *out = o->out;
    import_collect(o->job, &log_keys, node, at);
    if (!otlp_time(o, at[LOG_TIME], "timeUnixNano", &time_ns) ||
        !otlp_time(o, at[LOG_OBSERVED], "observedTimeUnixNano", &observed_ns))
        return false;
    if (!import_enum(o->job, at[LOG_NUMBER], &severity, &number))
        return import_bad(o->job, "a severityNumber that OTLP does not know");
    PUT(out, "{\"type\":\"log\"");
    otlp_put_time_field(o, out, ",\"timeUnixNano\":", time_ns ? time_ns : observed_ns);
    put_severity(o, at, number);
    if (!put_body(o, at[LOG_BODY]) || !otlp_put_trace_id(o, at[LOG_TRACE], &present) ||
        !otlp_put_span_id(o, at[LOG_SPAN], &present))
        return false;
    otlp_put_service(o);
    if (!otlp_put_attributes(o, at[LOG_ATTRIBUTES]))
        return false;
    tcore_buf_append(out, o->job->resource.data, o->job->resource.length);
    tcore_buf_append(out, o->job->scope.data, o->job->scope.length);
    if (number) {
        PUT(out, ",\"severityNumber\":");
        import_put_int64(out, number);
    }
    return otlp_put_time_field(o, out, ",\"observedTimeUnixNano\":", observed_ns) &&
           otlp_put_text_field(o, out, ",\"eventName\":", at[LOG_EVENT]) &&
           otlp_put_count_field(o, out, ",\"flags\":", at[LOG_FLAGS]) &&
           otlp_put_count_field(o, out, ",\"droppedAttributesCount\":", at[LOG_DROPPED]) &&
           otlp_put_text_field(o, out, ",\"schemaUrl\":", o->schema) &&
           otlp_put_text_field(o, out, ",\"severityText\":", at[LOG_TEXT]) && put_close(o);
}
