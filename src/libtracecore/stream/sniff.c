/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Five of the six programs read only the native formats. What else people pipe into them is named
 * here from its first key or line, with the command that converts it.
 */
#include "stream/sniff.h"

#include "stream/binary.h"

#include <stdbool.h>
#include <string.h>

struct signature {
    const char *key; /* first key of the document */
    const char *format;
};

static const struct signature objects[] = {
    {"resourceSpans", "OTLP/JSON"},
    {"resourceMetrics", "OTLP/JSON"},
    {"resourceLogs", "OTLP/JSON"},
    {"resource_spans", "OTLP/JSON"},
    {"resource_metrics", "OTLP/JSON"},
    {"resource_logs", "OTLP/JSON"},
    {"scopeSpans", "OTLP/JSON"},
    {"batches", "OTLP/JSON as Tempo exports it"},
    {"traceEvents", "a Chrome trace"},
    {"displayTimeUnit", "a Chrome trace"},
    {"data", "Jaeger JSON"},
    {"results", "a benchmark result (hyperfine)"},
    {"context", "a benchmark result (google-benchmark)"},
    {"machine_info", "a benchmark result (pytest-benchmark)"},
};

static const char *skip(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
        p++;
    return p;
}

static bool begins(const char *p, const char *end, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(end - p) >= n && !memcmp(p, text, n);
}

/* Whether the object at p begins with one of the keys that google-benchmark's context does. */
static bool is_benchmark_context(const char *p, const char *end)
{
    p = skip(p + 1, end);
    return begins(p, end, "\"date\"") || begins(p, end, "\"host_name\"");
}

/* The foreign format of a document that begins with this object, or NULL. */
static const char *foreign_object(const char *p, const char *end)
{
    p = skip(p + 1, end);
    if (p == end || *p != '"')
        return NULL;
    p++;
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        const char *key = objects[i].key;
        size_t n = strlen(key);
        if (!begins(p, end, key) || (size_t)(end - p) <= n || p[n] != '"')
            continue;
        const char *value = skip(p + n + 1, end);
        if (value < end && *value == ':')
            value = skip(value + 1, end);
        if (value == end)
            return NULL;
        /* common words: a record of ours may begin with them too */
        if (!strcmp(key, "context") && !(*value == '{' && is_benchmark_context(value, end)))
            return NULL;
        if (*value == '[' || *value == '{' || !strcmp(key, "displayTimeUnit"))
            return objects[i].format;
    }
    return NULL;
}

static const char *foreign_array(const char *p, const char *end)
{
    p = skip(p + 1, end);
    if (p == end || *p != '{')
        return NULL;
    const char *close = memchr(p, '}', (size_t)(end - p));
    if (!close)
        close = end;
    static const char *const zipkin[] = {"\"traceId\"", "\"localEndpoint\""};
    for (const char *at = p; (at = memchr(at, '"', (size_t)(close - at))) != NULL; at++) {
        if (begins(at, close, "\"ph\""))
            return "a Chrome trace";
        for (size_t i = 0; i < 2; i++)
            if (begins(at, close, zipkin[i]))
                return "Zipkin JSON";
    }
    return "a JSON array";
}

/* Whether any line of what is there could begin a record. */
static bool any_object_line(const char *p, const char *end)
{
    while (p < end) {
        if (begins(p, end, "\xef\xbb\xbf"))
            p += 3;
        p = skip(p, end);
        if (p < end && *p == '{')
            return true;
        p = memchr(p, '\n', (size_t)(end - p));
        if (!p)
            return false;
    }
    return false;
}

enum tcore_status tcore_sniff(const char *data, size_t length, enum tcore_format *format,
                              struct tcore_error *err)
{
    const char *p = data, *end = data + length;
    *format = TCORE_FORMAT_NDJSON;
    if (length && tcore_binary_probe(data, length)) {
        *format = TCORE_FORMAT_BINARY;
        return TCORE_OK;
    }
    if (begins(p, end, "\xef\xbb\xbf"))
        p += 3;
    p = skip(p, end);
    if (p == end)
        return TCORE_OK;
    const char *foreign = NULL;
    if (*p == '{')
        foreign = foreign_object(p, end);
    else if (*p == '[')
        foreign = foreign_array(p, end);
    else if (begins(p, end, "# HELP ") || begins(p, end, "# TYPE "))
        foreign = "Prometheus text";
    if (foreign && strcmp(foreign, "a JSON array") != 0)
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "looks like %s, which is not read here: convert it with "
                               "'trace-record import'",
                               foreign);
    if (!any_object_line(p, end))
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "is neither NDJSON records nor a binary stream: convert it with "
                               "'trace-record import'");
    return TCORE_OK;
}
