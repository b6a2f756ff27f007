/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Benchmark results that are text: what go test -bench prints, as benchstat reads it, and numbers,
 * one a line. Each value is a metric point, called as import/benchmark.c calls those of others.
 */
#include <config.h>

#include "record/import/cut.h"
#include "record/import/json.h"
#include "record/import/prometheus.h"

#include "c-ctype.h"
#include "model/number.h"
#include "stream/binary_codec.h"

enum { TAGS_MAX = 64 };

struct tag {
    struct tcore_slice key, value;
};

/* What the lines before say about the results: "key: value". */
struct go_result {
    struct import_job *job;
    struct tag tag[TAGS_MAX];
    unsigned tags;
};

static bool is(struct tcore_slice text, const char *word)
{
    return text.length == strlen(word) && memcmp(text.data, word, text.length) == 0;
}

static bool begins(struct tcore_slice text, const char *with)
{
    size_t n = strlen(with);
    return text.length >= n && memcmp(text.data, with, n) == 0;
}

static struct tcore_slice take_word(struct tcore_slice *rest)
{
    const char *at = rest->data, *end = at + rest->length;
    while (at < end && c_isspace(*at))
        at++;
    struct tcore_slice word = {at, 0};
    while (at < end && !c_isspace(*at))
        at++;
    word.length = (size_t)(at - word.data);
    *rest = (struct tcore_slice){at, (size_t)(end - at)};
    return word;
}

static void put_text(struct tcore_buf *out, struct tcore_slice text)
{
    tcore_json_write_string(out, text.data, text.length);
}

/* --- what is said of the results --- */

/* A key has no capitals or blanks and begins with a letter. */
static bool read_tag(struct go_result *g, struct tcore_slice line)
{
    const char *colon = memchr(line.data, ':', line.length);
    size_t length = colon ? (size_t)(colon - line.data) : 0;
    if (!length || !c_islower(line.data[0]))
        return false;
    for (size_t i = 0; i < length; i++)
        if (c_isspace(line.data[i]) || c_isupper(line.data[i]))
            return false;
    struct tag tag = {{line.data, length}, {colon + 1, line.length - length - 1}};
    while (tag.value.length && c_isspace(*tag.value.data))
        tag.value = (struct tcore_slice){tag.value.data + 1, tag.value.length - 1};
    unsigned i = 0;
    while (i < g->tags &&
           !(g->tag[i].key.length == length && memcmp(g->tag[i].key.data, line.data, length) == 0))
        i++;
    if (i == TAGS_MAX) {
        import_bad(g->job, "more than %d keys", TAGS_MAX);
        import_reject_bytes(g->job, line, NULL);
        return true;
    }
    g->tags += i == g->tags;
    g->tag[i] = tag;
    return true;
}

/* Which objects the keys go into: a package tells series apart, the machine is a resource, and the
 * rest, which may differ between two results, is neither. */
static const struct {
    const char *key, *name;
} machine[] = {{"goos", "os.type"}, {"goarch", "host.arch"}, {"cpu", "host.cpu.model.name"}};

static const char *machine_name(const struct tag *tag)
{
    for (size_t i = 0; i < sizeof(machine) / sizeof(*machine); i++)
        if (is(tag->key, machine[i].key))
            return machine[i].name;
    return NULL;
}

static void put_resource(const struct go_result *g, struct tcore_buf *out)
{
    bool any = false;
    for (unsigned i = 0; i < g->tags; i++) {
        const char *name = machine_name(&g->tag[i]);
        if (!name || !g->tag[i].value.length)
            continue;
        tcore_buf_printf(out, "%s\"%s\":", any ? "," : ",\"resource\":{", name);
        put_text(out, g->tag[i].value);
        any = true;
    }
    if (any)
        tcore_buf_putc(out, '}');
}

static void put_metadata(const struct go_result *g, struct tcore_buf *out)
{
    bool any = false;
    for (unsigned i = 0; i < g->tags; i++) {
        const struct tag *tag = &g->tag[i];
        if (machine_name(tag) || is(tag->key, "pkg") || !tag->value.length)
            continue;
        tcore_buf_puts(out, any ? "," : ",\"metadata\":{\"tags\":{");
        put_text(out, tag->key);
        tcore_buf_putc(out, ':');
        put_text(out, tag->value);
        any = true;
    }
    if (any)
        PUT(out, "}}");
}

/* BenchmarkName/sub-8: the last number is how many threads there were. */
static void put_dimensions(const struct go_result *g, struct tcore_slice name,
                           struct tcore_buf *out)
{
    size_t length = name.length;
    while (length && c_isdigit(name.data[length - 1]))
        length--;
    bool threads = length > 1 && length < name.length && name.data[length - 1] == '-';
    PUT(out, ",\"dimensions\":{\"benchmark\":");
    put_text(out, (struct tcore_slice){name.data, threads ? length - 1 : name.length});
    if (threads) {
        PUT(out, ",\"gomaxprocs\":\"");
        tcore_buf_append(out, name.data + length, name.length - length);
        tcore_buf_putc(out, '"');
    }
    for (unsigned i = 0; i < g->tags; i++)
        if (is(g->tag[i].key, "pkg") && g->tag[i].value.length) {
            PUT(out, ",\"pkg\":");
            put_text(out, g->tag[i].value);
        }
    tcore_buf_putc(out, '}');
}

/* --- results --- */

static void put_point(const struct go_result *g, struct tcore_slice name, struct tcore_slice value,
                      struct tcore_slice unit)
{
    static const struct {
        const char *unit, *metric, *ours;
        int exponent;
    } units[] = {{"ns/op", "time", "s", -9},
                 {"B/op", "allocated", "By", 0},
                 {"allocs/op", "allocations", "1", 0},
                 {"MB/s", "throughput", "By/s", 6}};
    struct tcore_buf *out = &g->job->result->out;
    struct tcore_value v = {.kind = TCORE_NUMBER, .len = (uint32_t)value.length, .s = value.data};
    size_t u = 0;
    while (u < sizeof(units) / sizeof(*units) && !is(unit, units[u].unit))
        u++;
    bool known = u < sizeof(units) / sizeof(*units);
    PUT(out, "{\"type\":\"metric\",\"metricName\":\"benchmark.");
    if (known) {
        tcore_buf_puts(out, units[u].metric);
        tcore_buf_putc(out, '"');
    } else {
        size_t quote = out->length;
        put_text(out, unit);
        if (!out->failed) { /* over the quote that begins it */
            memmove(out->data + quote, out->data + quote + 1, out->length - quote - 1);
            out->length--;
        }
    }
    PUT(out, ",\"metricType\":\"gauge\",\"value\":");
    if (known && units[u].exponent)
        import_put_scaled(out, &v, units[u].exponent);
    else
        tcore_buf_append(out, value.data, value.length);
    PUT(out, ",\"unit\":");
    if (known)
        put_text(out, (struct tcore_slice){units[u].ours, strlen(units[u].ours)});
    else
        put_text(out, unit);
    put_dimensions(g, name, out);
    put_resource(g, out);
    put_metadata(g, out);
    PUT(out, "}\n");
}

/* BenchmarkName N VALUE UNIT [VALUE UNIT]...; a name alone is printed before a benchmark's log. */
static bool read_result(struct go_result *g, struct tcore_slice line)
{
    struct tcore_slice rest = line, name = take_word(&rest), count = take_word(&rest);
    int64_t runs;
    unsigned values = 0;
    double d;
    name = (struct tcore_slice){name.data + strlen("Benchmark"), name.length - strlen("Benchmark")};
    if (!count.length)
        return true;
    if (!tcore_parse_int64(count.data, count.length, &runs))
        return true; /* a line of a log */
    for (;; values++) {
        struct tcore_slice value = take_word(&rest), unit = take_word(&rest);
        if (!value.length)
            break;
        if (!tcore_parse_double(value.data, value.length, &d) || d - d != 0)
            return import_bad(g->job, "a value that is no number");
        if (!unit.length)
            return import_bad(g->job, "a value without a unit");
        put_point(g, name, value, unit);
    }
    g->job->result->documents += values != 0;
    return values || import_bad(g->job, "a benchmark without a value");
}

static void read_go_line(struct import_job *job, struct tcore_slice line)
{
    struct go_result *g = job->state;
    size_t mark = job->result->out.length;
    bool good = true;
    if (!tcore_binary_is_text(line.data, line.length, false))
        good = import_bad(job, "a text that is not UTF-8");
    else if (begins(line, "Benchmark"))
        good = read_result(g, line);
    else if (begins(line, "--- FAIL: Benchmark"))
        good = import_bad(job, "the benchmark failed");
    else
        read_tag(g, line);
    if (!good) {
        job->result->out.length = mark;
        import_reject_bytes(job, line, NULL);
    }
}

static void convert_go(struct import_job *job)
{
    struct go_result g = {.job = job};
    job->state = &g;
    import_each_line(job, read_go_line);
    job->state = NULL;
}

const struct import_format import_benchstat = {
    .name = "benchstat",
    .summary = "what go test -bench prints",
    .input = IMPORT_TEXT,
    .cut = import_cut_whole,
    .convert = convert_go,
};

/* --- numbers --- */

static void read_number(struct import_job *job, struct tcore_slice line)
{
    struct tcore_buf *out = &job->result->out;
    double d;
    int64_t i;
    if (!prometheus_number(line, &d)) {
        import_bad(job, "a line that is no number");
        import_reject_bytes(job, line, NULL);
        return;
    }
    job->result->documents++;
    PUT(out, "{\"type\":\"metric\",\"metricName\":\"value\",\"metricType\":\"gauge\",\"value\":");
    if (tcore_parse_int64(line.data, line.length, &i)) {
        import_put_int64(out, i);
    } else {
        struct tcore_value v = tcore_value_of_double(d);
        tcore_json_write_value(out, &v);
    }
    PUT(out, "}\n");
}

static void convert_numbers(struct import_job *job)
{
    import_each_line(job, read_number);
}

const struct import_format import_numbers = {
    .name = "numbers",
    .summary = "numbers, one a line",
    .input = IMPORT_TEXT,
    .cut = import_cut_lines,
    .convert = convert_numbers,
};
