/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an input is by its first bytes: the name that people are given for it, and that it is the
 * same however few of the bytes are there at first.
 */
#include "tap.h"

#include "stream/sniff.h"

static const struct {
    const char *text, *name; /* NULL: ours, or in doubt; "": of no known format */
} cases[] = {
    {"{\"resourceSpans\":[]}\n", "OTLP/JSON"},
    {"{\n  \"resourceMetrics\": [\n", "OTLP/JSON"},
    {"{\"resource_logs\":[{", "OTLP/JSON"},
    {"{\"schemaUrl\":\"x\",\"resourceLogs\":[]}", "OTLP/JSON"},
    {"{\"batches\":[]}", "OTLP/JSON as Tempo exports it"},
    {"{\"data\":[{\"traceID\":\"1\"}]}", "Jaeger JSON"},
    {"{\n  \"traceID\": \"1\",\n  \"spans\": [", "Jaeger JSON"},
    {"{\"_comment\":\"\\\"}\",\"traceID\":\"1\",\"spanID\":\"2\"}", "Jaeger JSON"},
    {"[{\"traceId\":\"1\",\"id\":\"2\"}]", "Zipkin JSON"},
    {"[[{\"annotations\":[{\"type\":\"span\"}],\"id\":\"2\",\"traceId\":\"1\"}]]", "Zipkin JSON"},
    {"[{\"kind\":\"SERVER\",\"localEndpoint\":{}}]", "Zipkin JSON"},
    {"[\n{\"name\":\"a\",\"ph\":\"X\",\"ts\":1},\n", "a Chrome trace"},
    {"[{\"args\":{\"traceId\":1},\"id\":1,\n\"ph\":\"X\"}]", "a Chrome trace"},
    {"{\"traceEvents\":[]}", "a Chrome trace"},
    {"{\"displayTimeUnit\":\"ns\",", "a Chrome trace"},
    {"# HELP up Whether\n# TYPE up gauge\nup 1\n", "Prometheus text"},
    {"up{job=\"a\"} 1\n", "Prometheus text"},
    {"# HELP a b\na 1\n# HELP b c\nb 1 1395066363000\n", "Prometheus text"},
    {"# TYPE a gauge\na 1 1395066363\n", "OpenMetrics"},
    {"a{b=\"c\"} 1 1395066363.25\n", "OpenMetrics"},
    {"# TYPE a info\na_info{b=\"c\"} 1\n", "OpenMetrics"},
    {"# TYPE a counter\na_total 1\n# EOF\n", "OpenMetrics"},
    {"a_bucket{le=\"1\"} 1 # {trace_id=\"a\"} 1\n", "OpenMetrics"},
    {"a.b:1|c\n", "StatsD"},
    {"a.b:-1|g|#x:y\r\n", "StatsD"},
    {"_e{1,1}:a|b\n", "StatsD"},
    {"goos: linux\ngoarch: amd64\n", "a benchmark result (go test)"},
    {"BenchmarkX-8   \t  100\t  12.5 ns/op\n", "a benchmark result (go test)"},
    {"1\n2.5\n-3e-4\n\n.5\n", "numbers, one a line"},
    {"traceId,spanId,name\n", "records as CSV"},
    {"\"timeUnixNano\",\"x\"\n", "records as CSV"},
    {"a\tmetricName\r\n", "records as TSV"},
    {"1\n{\"type\":\"span\"}\n", NULL},
    {"12:30:01 started a|b\n", NULL},
    {"a:1|x\n", NULL},
    {"metricName\n", NULL},
    {"Benchmark of the day\n", NULL},
    {"\n\x0f\x12\r\x12\v\n\x02id\x12\x05"
     "12345",
     "OTLP protobuf"},
    {"\n\x0f\n\r\n\v\n\x01k\x12\x06\n\x04"
     "1234",
     "OTLP protobuf"},
    {"{\"results\":[{\"command\":\"x\"}]}", "a benchmark result (hyperfine)"},
    {"{\"context\":{\"date\":\"2020\"}}", "a benchmark result (google-benchmark)"},
    {"{\"machine_info\":{}}", "a benchmark result (pytest-benchmark)"},
    {"[{\"type\":\"span\",\"traceId\":\"1\"}]", "a JSON array of records"},
    {"[\n  {\n    \"traceId\": \"1\",\n    \"spanId\": \"2\"", "a JSON array of records"},
    {"[{\"metricName\":\"m\"}]", "a JSON array of records"},
    {"{\n  \"type\": \"span\"\n}\n", "JSON over several lines"},
    {"{\"type\":\"span\",\n \"traceId\":\"1\"}\n", "JSON over several lines"},
    {"{\"type\":\"span\",\"attributes\":{\n\"a\":1}}\n", "JSON over several lines"},
    {"{\"a\":1\n}\n", "JSON over several lines"},
    {"[\n{\"a\":1}\n]\n", "JSON over several lines"},
    {"[{\"a\":1},\n{\"a\":2}]\n", "JSON over several lines"},
    {"\177ELF\2\1\1", ""},
    {"\x1f\x9d\x90 no gzip \n", ""},
    {"a,b,c\n1,2,3\n", NULL},
    {"[INFO] started\n{\"type\":\"span\"}\n", NULL},
    {"[1,2]\n", NULL},
    {"[]\n", NULL},
    {"\33[1mbold\33[0m\n", NULL},
    {"\xff\xfe{\1\n", NULL},
    {"\x1e{\"type\":\"span\"}\n", NULL},
    {"", NULL},
    {"\n\n", NULL},
    {"{\"type\":\"span\"}\n", NULL},
    {"{\"type\":\"span\",\"resourceSpans\":[1]}\n", NULL},
    {"{\"type\":\"span\",\"x\":[\n{\"type\":\"span\"}\n", NULL},
    {"{\"type\":\"span\",\n{\"type\":\"span\"}\n", NULL},
    {"{\"type\":\"span\",\"na\n\"traceEvents\":[]\n", NULL},
    {"{\"name\":\"x\",\"data\":[1],\"results\":[2]}\n", NULL},
    {"{\"data\":1}\n", NULL},
    {"{\"context\":{\"traceId\":\"1\"},\"metricName\":\"m\"}\n", NULL},
    {"{oops", NULL},
    {"{\"a\":}", NULL},
    {"}", NULL},
};

static bool same(const struct tcore_sniffed *a, const struct tcore_sniffed *b)
{
    return a->format == b->format && a->foreign == b->foreign;
}

int main(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = cases[i].text;
        size_t length = strlen(text), early = length;
        struct tcore_sniffed all = tcore_sniff(text, length, true);
        const char *name = all.foreign ? all.foreign->name : NULL;
        ok(!all.more && !all.foreign == !cases[i].name &&
               (!all.foreign || !strcmp(name ? name : "", cases[i].name)),
           "%zu: %s", i, all.foreign ? name ? name : "of no format" : "ours");
        for (size_t n = 1; n < length; n++) {
            struct tcore_sniffed part = tcore_sniff(text, n, false);
            if (!part.more && !same(&part, &all))
                early = n;
        }
        ok(early == length, "    whatever the first read gives (%zu of %zu)", early, length);
    }
    struct tcore_error err = {0};
    for (const struct tcore_foreign *f = tcore_foreign_formats; f->name; f++) {
        tcore_sniff_refuse(f, &err);
        ok(strstr(err.text, f->name) &&
               strstr(err.text, f->way_out    ? f->way_out
                                : f->importer ? "convert it with 'trace-record import'"
                                              : "which trace-record import does not read yet"),
           "%s", err.text);
    }
    return done_testing();
}
