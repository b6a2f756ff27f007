/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Five of the six programs read only the native formats. What else people pipe into them is named
 * here from the keys that its first object begins with. The answer depends on the bytes alone,
 * never on how many of them one read happens to give: while it is open, more are asked for.
 */
#include "stream/sniff.h"

#include "model/record.h"
#include "stream/binary.h"
#include "stream/sniff_text.h"
#include "stream/wire.h"

#include <string.h>

enum foreign {
    OTLP,
    OTLP_PROTO,
    TEMPO,
    JAEGER,
    ZIPKIN,
    CHROME,
    PROMETHEUS,
    OPENMETRICS,
    STATSD,
    GO_BENCHMARK,
    NUMBERS,
    CSV,
    TSV,
    HYPERFINE,
    GOOGLE_BENCHMARK,
    PYTEST_BENCHMARK,
    RECORD_ARRAY,
    OVER_LINES,
    ZIP,
    BINARY
};

/* The one place that says what trace-record import reads. */
const struct tcore_foreign tcore_foreign_formats[] = {
    [OTLP] = {"OTLP/JSON", "otlp", NULL},
    [OTLP_PROTO] = {"OTLP protobuf", "otlp-proto", NULL},
    [TEMPO] = {"OTLP/JSON as Tempo exports it", "otlp", NULL},
    [JAEGER] = {"Jaeger JSON", "jaeger", NULL},
    [ZIPKIN] = {"Zipkin JSON", "zipkin", NULL},
    [CHROME] = {"a Chrome trace", "chrome", NULL},
    [PROMETHEUS] = {"Prometheus text", "prometheus", NULL},
    [OPENMETRICS] = {"OpenMetrics", "openmetrics", NULL},
    [STATSD] = {"StatsD", "statsd", NULL},
    [GO_BENCHMARK] = {"a benchmark result (go test)", "benchstat", NULL},
    [NUMBERS] = {"numbers, one a line", "numbers", NULL},
    [CSV] = {"records as CSV", "csv", NULL},
    [TSV] = {"records as TSV", "tsv", NULL},
    [HYPERFINE] = {"a benchmark result (hyperfine)", "hyperfine", NULL},
    [GOOGLE_BENCHMARK] = {"a benchmark result (google-benchmark)", "google-benchmark", NULL},
    [PYTEST_BENCHMARK] = {"a benchmark result (pytest-benchmark)", "pytest-benchmark", NULL},
    [RECORD_ARRAY] = {"a JSON array of records", NULL, "jq -c '.[]' makes lines of it"},
    [OVER_LINES] = {"JSON over several lines", "native", "jq -c . makes lines of it"},
    [ZIP] = {"a ZIP archive", NULL, "unzip -p prints what is in it"},
    [BINARY] = {NULL, NULL, NULL},
};

struct signature {
    const char *key;
    const char *values; /* first characters that its value may have */
    bool first;         /* a common word: it counts only as the first key */
    enum foreign format;
};

static const struct signature signatures[] = {
    {"resourceSpans", "[", false, OTLP},
    {"resourceMetrics", "[", false, OTLP},
    {"resourceLogs", "[", false, OTLP},
    {"resource_spans", "[", false, OTLP},
    {"resource_metrics", "[", false, OTLP},
    {"resource_logs", "[", false, OTLP},
    {"scopeSpans", "[", false, OTLP},
    {"batches", "[", true, TEMPO},
    {"traceEvents", "[", false, CHROME},
    {"displayTimeUnit", "\"", true, CHROME},
    {"data", "[", true, JAEGER},
    {"results", "[", true, HYPERFINE},
    {"machine_info", "{", true, PYTEST_BENCHMARK},
};

/* --- JSON as far as it is there --- */

struct scan {
    const char *at, *end;
    bool ran_out;    /* more would be needed */
    bool over_lines; /* a line ended between two tokens, and the next one goes on */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_any(char c, const char *of)
{
    return memchr(of, c, strlen(of)) != NULL;
}

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && is_blank(*p))
        p++;
    return p;
}

/* To the next token inside a value. A line that was torn is followed by another record, which
 * begins with a brace; what a value goes on with is a key or the end of an object. */
static bool next_token(struct scan *s)
{
    const char *from = s->at;
    s->at = skip_blanks(from, s->end);
    s->ran_out |= s->at == s->end;
    if (s->ran_out)
        return false;
    if (memchr(from, '\n', (size_t)(s->at - from)) && is_any(*s->at, "\"}]"))
        s->over_lines = true;
    return true;
}

static bool scan_string(struct scan *s, struct tcore_slice *text)
{
    const char *from = ++s->at;
    for (; s->at < s->end && *s->at != '"'; s->at++) {
        if (*s->at == '\n')
            return false;
        if (*s->at == '\\' && s->at + 1 < s->end)
            s->at++;
    }
    s->ran_out |= s->at >= s->end;
    if (s->ran_out)
        return false;
    *text = (struct tcore_slice){from, (size_t)(s->at++ - from)};
    return true;
}

/* Over one value of any depth; false: it does not end here, or is none. */
static bool skip_value(struct scan *s)
{
    unsigned depth = 0;
    do {
        struct tcore_slice text;
        if (!next_token(s))
            return false;
        char c = *s->at;
        if (c == '"') {
            if (!scan_string(s, &text))
                return false;
            continue;
        }
        depth += c == '{' || c == '[';
        if ((c == '}' || c == ']') && !depth--)
            return false;
        if (is_any(c, "{}[],:")) {
            s->at++;
        } else {
            while (s->at < s->end && !is_blank(*s->at) && !is_any(*s->at, ",:{}[]\""))
                s->at++;
            s->ran_out |= s->at == s->end;
        }
    } while (depth && !s->ran_out);
    return !s->ran_out;
}

/* The next key of the object that s is in, s being at its value then. False: there is none, or it
 * is not there yet. */
static bool next_key(struct scan *s, struct tcore_slice *key)
{
    if (!next_token(s))
        return false;
    if (*s->at == ',') {
        s->at++;
        if (!next_token(s))
            return false;
    }
    if (*s->at != '"' || !scan_string(s, key) || !next_token(s) || *s->at != ':')
        return false;
    s->at++;
    return next_token(s);
}

static bool is(struct tcore_slice key, const char *name)
{
    return key.length == strlen(name) && !memcmp(key.data, name, key.length);
}

static bool is_one_of(struct tcore_slice key, const char *const *names)
{
    while (*names && !is(key, *names))
        names++;
    return *names;
}

/* --- What an object is --- */

/* Fields that say which type of record of ours it is. */
static const char *const native_keys[] = {"spanId",   "metricName", "executionId",
                                          "severity", "body",       NULL};

/* Whether the value at s is the name of a type of record. */
static bool names_type(const struct scan *s)
{
    struct scan value = *s;
    struct tcore_slice name;
    return *value.at == '"' && scan_string(&value, &name) &&
           tcore_record_type_find(name.data, name.length) != TCORE_RECORD_OTHER;
}

/* Whether the object at s begins with one of the keys that google-benchmark's context does. */
static bool is_benchmark_context(const struct scan *s)
{
    static const char *const keys[] = {"date", "host_name", NULL};
    struct scan value = *s;
    struct tcore_slice key;
    value.at++;
    return *s->at == '{' && next_key(&value, &key) && is_one_of(key, keys);
}

static const struct signature *signature_of(const struct scan *s, struct tcore_slice key,
                                            bool first)
{
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
        if (is(key, signatures[i].key) && (first || !signatures[i].first) &&
            is_any(*s->at, signatures[i].values))
            return &signatures[i];
    return NULL;
}

/* What the document that is the object at s is, NULL: ours, or unknown. */
static const struct tcore_foreign *foreign_object(struct scan *s)
{
    struct tcore_slice key;
    bool trace = false, native = false;
    s->at++;
    for (bool first = true; next_key(s, &key); first = false) {
        const struct signature *signature = signature_of(s, key, first);
        if (signature && !native)
            return &tcore_foreign_formats[signature->format];
        if (first && is(key, "context") && is_benchmark_context(s))
            return &tcore_foreign_formats[GOOGLE_BENCHMARK];
        if (trace && !native && (is(key, "spans") || is(key, "spanID")))
            return &tcore_foreign_formats[JAEGER];
        trace |= is(key, "traceID");
        native |= is(key, "type") || is_one_of(key, native_keys);
        if (!skip_value(s))
            break;
    }
    return NULL;
}

/* What an array is whose first member is the object at s. */
static const struct tcore_foreign *foreign_member(struct scan *s)
{
    static const char *const zipkin_keys[] = {"localEndpoint", "remoteEndpoint",
                                              "binaryAnnotations", NULL};
    struct tcore_slice key;
    bool trace = false, id = false;
    s->at++;
    while (next_key(s, &key)) {
        if (is(key, "ph"))
            return &tcore_foreign_formats[CHROME];
        if ((is(key, "type") && names_type(s)) || is_one_of(key, native_keys))
            return &tcore_foreign_formats[RECORD_ARRAY];
        trace |= is(key, "traceId");
        id |= is(key, "id");
        if ((trace && id) || is_one_of(key, zipkin_keys))
            return &tcore_foreign_formats[ZIPKIN];
        if (!skip_value(s))
            break;
    }
    return NULL;
}

/* Over one byte and the blanks behind it; whether a line ends among them. */
static bool step_over_line(struct scan *s)
{
    const char *from = ++s->at;
    s->at = skip_blanks(from, s->end);
    s->ran_out |= s->at == s->end;
    return memchr(from, '\n', (size_t)(s->at - from)) != NULL;
}

static const struct tcore_foreign *foreign_array(struct scan *s)
{
    bool broken = false;
    while (s->at < s->end && *s->at == '[') /* Zipkin has arrays of traces, too */
        broken |= step_over_line(s);
    if (s->ran_out || *s->at != '{')
        return NULL;
    s->over_lines = broken;
    const struct tcore_foreign *foreign = foreign_member(s);
    if (!foreign && !s->ran_out && *s->at == '}') {
        step_over_line(s);
        if (!s->ran_out && *s->at == ',')
            s->over_lines |= step_over_line(s);
    }
    return foreign;
}

/* --- What the input is --- */

static bool begins(const char *p, const char *end, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(end - p) >= n && !memcmp(p, text, n);
}

/* Whether a first line that is no JSON has bytes that no text has. (One in UTF-16 is a reject: the
 * lines behind it may be good.) */
static bool is_binary(struct scan *s)
{
    if (begins(s->at, s->end, "\xff\xfe") || begins(s->at, s->end, "\xfe\xff"))
        return false;
    for (; s->at < s->end && *s->at != '\n'; s->at++) {
        unsigned char c = (unsigned char)*s->at;
        if (c < '\b' || (c > '\r' && c < ' ' && c != '\x1b' && c != '\x1e'))
            return true;
    }
    s->ran_out = s->at == s->end;
    return false;
}

static const struct tcore_foreign *foreign_text(struct scan *s, bool whole)
{
    static const enum foreign formats[] = {[TCORE_TEXT_PROMETHEUS] = PROMETHEUS,
                                           [TCORE_TEXT_OPENMETRICS] = OPENMETRICS,
                                           [TCORE_TEXT_STATSD] = STATSD,
                                           [TCORE_TEXT_GO_BENCHMARK] = GO_BENCHMARK,
                                           [TCORE_TEXT_NUMBERS] = NUMBERS,
                                           [TCORE_TEXT_CSV] = CSV,
                                           [TCORE_TEXT_TSV] = TSV};
    bool more;
    if (begins(s->at, s->end, "PK\3\4"))
        return &tcore_foreign_formats[ZIP];
    enum tcore_text_format format = tcore_sniff_text(s->at, (size_t)(s->end - s->at), whole, &more);
    if (format != TCORE_TEXT_NONE)
        return &tcore_foreign_formats[formats[format]];
    if (is_binary(s))
        return &tcore_foreign_formats[BINARY];
    s->ran_out |= more;
    return NULL;
}

struct tcore_sniffed tcore_sniff(const char *data, size_t length, bool whole)
{
    struct tcore_sniffed sniffed = {TCORE_FORMAT_NDJSON, NULL, false};
    whole |= length >= TCORE_SNIFF_BYTES;
    if (length && tcore_binary_probe(data, length)) {
        sniffed.format = TCORE_FORMAT_BINARY;
        return sniffed;
    }
    /* The first byte of a message is that of a newline, so that blanks must not be skipped first.
     */
    enum tcore_wire_framing framing = tcore_wire_framing(data, length, whole);
    if (framing != TCORE_WIRE_NONE) {
        sniffed.more = framing == TCORE_WIRE_OPEN && !whole;
        sniffed.foreign = framing == TCORE_WIRE_OPEN ? NULL : &tcore_foreign_formats[OTLP_PROTO];
        return sniffed;
    }
    struct scan s = {.at = data, .end = data + length};
    if (begins(s.at, s.end, "\xef\xbb\xbf"))
        s.at += 3;
    s.at = skip_blanks(s.at, s.end);
    if (s.at == s.end)
        s.ran_out = true;
    else if (*s.at == '{')
        sniffed.foreign = foreign_object(&s);
    else if (*s.at == '[')
        sniffed.foreign = foreign_array(&s);
    else
        sniffed.foreign = foreign_text(&s, whole);
    sniffed.more = !sniffed.foreign && s.ran_out && !whole;
    if (!sniffed.foreign && s.over_lines)
        sniffed.foreign = &tcore_foreign_formats[OVER_LINES];
    return sniffed;
}

bool tcore_sniff_records(const char *data, size_t length, bool *text)
{
    const char *p = data, *end = data + length;
    while (p) {
        if (begins(p, end, "\xef\xbb\xbf"))
            p += 3;
        p = skip_blanks(p, end);
        if (p == end)
            return false;
        if (text)
            *text = true;
        if (*p == '{')
            return true;
        p = memchr(p, '\n', (size_t)(end - p));
    }
    return false;
}

enum tcore_status tcore_sniff_refuse(const struct tcore_foreign *foreign, struct tcore_error *err)
{
    if (!foreign || !foreign->name)
        return tcore_error_set(err, TCORE_BAD_INPUT, "is of no format that tracecore knows");
    if (foreign->way_out)
        return tcore_error_set(err, TCORE_BAD_INPUT, "looks like %s: %s", foreign->name,
                               foreign->way_out);
    if (foreign->importer)
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "looks like %s, which is not read here: convert it with "
                               "'trace-record import'",
                               foreign->name);
    return tcore_error_set(err, TCORE_BAD_INPUT,
                           "looks like %s, which trace-record import does not read yet",
                           foreign->name);
}
