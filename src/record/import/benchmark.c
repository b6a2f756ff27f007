/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Results of benchmark programs: each run, or round, is a metric point of its own, so that
 * trace-detect compare has the repetitions that it needs. Means and quantiles that the programs
 * worked out are left out. Times are seconds whatever unit they came in, digit for digit, as a unit
 * may change between two results that are compared.
 */
#include <config.h>

#include "record/import/span.h"

#include "model/time.h"

/* The benchmark in hand, and what its points share. */
struct bench {
    struct import_job *job;
    uint32_t name;       /* node, a string */
    uint32_t parameters; /* node of an object, or 0 */
    uint32_t host;       /* node of a string, or 0 */
    int64_t time_ns;     /* 0: not known */
};

static const struct tcore_json_node *node_at(const struct bench *b, uint32_t node)
{
    return &b->job->json.node[node];
}

static uint32_t find(const struct bench *b, uint32_t node, const char *name)
{
    return tcore_json_find(&b->job->json, node, name);
}

static bool is_word(const struct bench *b, uint32_t node, const char *word)
{
    return node && tcore_value_is_text(import_value(b->job, node), word);
}

static bool is_number(const struct bench *b, uint32_t node)
{
    return node && tcore_value_is_number(import_value(b->job, node));
}

/* --- points --- */

static void put_dimensions(struct bench *b)
{
    struct import_job *job = b->job;
    static const char benchmark[] = "benchmark";
    import_attributes_clear(job);
    if (b->parameters)
        for (uint32_t k = b->parameters + 1; k < node_at(b, b->parameters)->next;
             k = node_at(b, k + 1)->next)
            import_attributes_add(
                job, (struct tcore_slice){import_value(job, k)->s, import_value(job, k)->len},
                k + 1, IMPORT_AS_IS);
    import_attributes_add(job, (struct tcore_slice){benchmark, sizeof(benchmark) - 1}, b->name,
                          IMPORT_AS_IS);
    import_attributes_put(job, &job->result->out, ",\"dimensions\":");
}

/* Appends a point up to its value: "benchmark." and the name. */
static void begin_point(struct bench *b, const char *name, size_t length)
{
    struct tcore_buf *out = &b->job->result->out;
    struct tcore_buf whole = {0};
    tcore_buf_puts(&whole, "benchmark.");
    tcore_buf_append(&whole, name, length);
    PUT(out, "{\"type\":\"metric\",\"metricName\":");
    tcore_json_write_string(out, whole.data, whole.length);
    PUT(out, ",\"metricType\":\"gauge\",\"value\":");
    b->job->failed |= whole.failed;
    tcore_buf_free(&whole);
}

static void end_point(struct bench *b, const char *unit)
{
    struct tcore_buf *out = &b->job->result->out;
    if (*unit) {
        PUT(out, ",\"unit\":\"");
        tcore_buf_puts(out, unit);
        tcore_buf_putc(out, '"');
    }
    if (b->time_ns)
        import_put_time(out, ",\"timeUnixNano\":\"", b->time_ns);
    put_dimensions(b);
    if (import_is_text(b->job, b->host)) {
        import_put_text(b->job, ",\"resource\":{\"host.name\":", b->host);
        tcore_buf_putc(out, '}');
    }
    PUT(out, "}\n");
}

/* exponent 0: seconds. */
static void put_time(struct bench *b, const char *name, uint32_t node, int64_t exponent)
{
    begin_point(b, name, strlen(name));
    if (exponent)
        import_put_scaled(&b->job->result->out, import_value(b->job, node), exponent);
    else
        import_put_double(b->job, &b->job->result->out, node, NULL);
    end_point(b, "s");
}

static void put_number(struct bench *b, const char *name, size_t length, uint32_t node,
                       const char *unit)
{
    begin_point(b, name, length);
    tcore_json_write_tree(&b->job->result->out, &b->job->json, node);
    end_point(b, unit);
}

/* Whether node is a list of numbers that is not empty. */
static bool is_numbers(const struct bench *b, uint32_t node)
{
    if (!node || !tcore_json_is_array(node_at(b, node)) || !node_at(b, node)->count)
        return false;
    for (uint32_t e = node + 1; e < node_at(b, node)->next; e = node_at(b, e)->next)
        if (!is_number(b, e))
            return false;
    return true;
}

static void put_times(struct bench *b, uint32_t list)
{
    for (uint32_t e = list + 1; e < node_at(b, list)->next; e = node_at(b, e)->next)
        put_time(b, "time", e, 0);
}

/* --- documents --- */

typedef bool put_function(struct bench *, uint32_t);

/* Each element of the list; what is bad costs itself. */
static void convert_list(struct bench *b, uint32_t list, put_function *put)
{
    for (uint32_t e = list + 1; e < node_at(b, list)->next; e = node_at(b, e)->next) {
        size_t mark = b->job->result->out.length;
        if (tcore_json_is_object(node_at(b, e))
                ? put(b, e)
                : import_bad(b->job, "a benchmark that is no object"))
            continue;
        b->job->result->out.length = mark;
        import_reject(b->job, e);
    }
}

static bool set_name(struct bench *b, uint32_t name)
{
    b->name = name;
    return import_is_text(b->job, name) || import_bad(b->job, "a benchmark without a name");
}

static void set_date(struct bench *b, uint32_t date)
{
    const struct tcore_value *v = import_value(b->job, date);
    if (!import_is_text(b->job, date) || !tcore_parse_time(v->s, v->len, &b->time_ns))
        b->time_ns = 0;
}

static bool has_list(const struct tcore_json *json, const char *name)
{
    uint32_t list = tcore_json_find(json, 0, name);
    return list && tcore_json_is_array(&json->node[list]);
}

static bool has_object(const struct tcore_json *json, const char *name)
{
    uint32_t object = tcore_json_find(json, 0, name);
    return object && tcore_json_is_object(&json->node[object]);
}

/* --- hyperfine --- */

static bool put_command(struct bench *b, uint32_t node)
{
    uint32_t times = find(b, node, "times"), memory = find(b, node, "memory_usage_byte");
    if (!set_name(b, find(b, node, "command")))
        return false;
    if (!is_numbers(b, times))
        return import_bad(b->job, "a benchmark without the times of its runs (times)");
    b->parameters = find(b, node, "parameters");
    if (b->parameters && !tcore_json_is_object(node_at(b, b->parameters)))
        return import_bad(b->job, "parameters that are no object");
    put_times(b, times);
    if (is_numbers(b, memory))
        for (uint32_t e = memory + 1; e < node_at(b, memory)->next; e = node_at(b, e)->next)
            put_number(b, "memory", strlen("memory"), e, "By");
    return true;
}

static bool probe_hyperfine(const struct tcore_json *json)
{
    uint32_t list = tcore_json_find(json, 0, "results");
    return has_list(json, "results") &&
           (!json->node[list].count || tcore_json_find(json, list + 1, "command"));
}

static void convert_hyperfine(struct import_job *job)
{
    struct bench b = {.job = job};
    convert_list(&b, find(&b, 0, "results"), put_command);
}

const struct import_format import_hyperfine = {
    .name = "hyperfine",
    .summary = "a result of hyperfine --export-json",
    .probe = probe_hyperfine,
    .convert = convert_hyperfine,
};

/* --- google-benchmark --- */

/* Members that are no counters of the benchmark's own. */
static const char *const google_names[] = {"family_index", "per_family_instance_index",
                                           "repetitions",  "repetition_index",
                                           "threads",      "iterations",
                                           "real_time",    "cpu_time",
                                           "complexity_n"};

static bool is_counter(const struct tcore_value *key)
{
    for (size_t i = 0; i < sizeof(google_names) / sizeof(*google_names); i++)
        if (key->len == strlen(google_names[i]) && memcmp(key->s, google_names[i], key->len) == 0)
            return false;
    return true;
}

static bool read_unit(struct bench *b, uint32_t node, int64_t *exponent)
{
    static const struct {
        const char *name;
        int64_t exponent;
    } units[] = {{"ns", -9}, {"us", -6}, {"ms", -3}, {"s", 0}};
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
        if (is_word(b, node, units[i].name)) {
            *exponent = units[i].exponent;
            return true;
        }
    *exponent = -9;
    return !node || import_bad(b->job, "a time_unit that is none of ns, us, ms, s");
}

static bool has_failed(struct bench *b, uint32_t node)
{
    uint32_t error = find(b, node, "error_occurred"), skipped = find(b, node, "skipped");
    uint32_t message = find(b, node, "error_message");
    bool failed = (error && import_value(b->job, error)->kind == TCORE_TRUE) || skipped;
    if (!failed)
        return false;
    if (!message)
        message = find(b, node, "skip_message");
    const struct tcore_value *v = import_value(b->job, message);
    bool text = import_is_text(b->job, message);
    import_bad(b->job, "the benchmark did not run%s%.*s", text ? ": " : "",
               text ? (int)(v->len < 200 ? v->len : 200) : 0, text ? v->s : "");
    return true;
}

static bool put_iteration(struct bench *b, uint32_t node)
{
    uint32_t real = find(b, node, "real_time"), cpu = find(b, node, "cpu_time");
    uint32_t name = find(b, node, "run_name"), type = find(b, node, "run_type");
    int64_t exponent;
    if (type ? is_word(b, type, "aggregate") : find(b, node, "aggregate_name") != 0)
        return true; /* worked out from the others */
    if (!set_name(b, name ? name : find(b, node, "name")) || has_failed(b, node) ||
        !read_unit(b, find(b, node, "time_unit"), &exponent))
        return false;
    if (!is_number(b, real))
        return import_bad(b->job, "a benchmark without a time (real_time)");
    put_time(b, "time", real, exponent);
    if (is_number(b, cpu))
        put_time(b, "cpu_time", cpu, exponent);
    for (uint32_t k = node + 1; k < node_at(b, node)->next; k = node_at(b, k + 1)->next) {
        const struct tcore_value *key = import_value(b->job, k);
        if (is_number(b, k + 1) && is_counter(key))
            put_number(b, key->s, key->len, k + 1, "");
    }
    return true;
}

static bool probe_google(const struct tcore_json *json)
{
    return has_list(json, "benchmarks") && has_object(json, "context");
}

static void convert_google(struct import_job *job)
{
    struct bench b = {.job = job};
    uint32_t context = find(&b, 0, "context");
    set_date(&b, find(&b, context, "date"));
    b.host = find(&b, context, "host_name");
    convert_list(&b, find(&b, 0, "benchmarks"), put_iteration);
}

const struct import_format import_google_benchmark = {
    .name = "google-benchmark",
    .summary = "a result of google-benchmark --benchmark_format=json",
    .probe = probe_google,
    .convert = convert_google,
};

/* --- pytest-benchmark --- */

static bool put_test(struct bench *b, uint32_t node)
{
    uint32_t stats = find(b, node, "stats"), full = find(b, node, "fullname");
    uint32_t data = stats ? find(b, stats, "data") : 0;
    if (!set_name(b, full ? full : find(b, node, "name")))
        return false;
    if (!is_numbers(b, data))
        return import_bad(b->job, "a benchmark without the times of its rounds (stats.data), which "
                                  "--benchmark-save-data keeps");
    put_times(b, data);
    return true;
}

static bool probe_pytest(const struct tcore_json *json)
{
    return has_list(json, "benchmarks") &&
           (has_object(json, "machine_info") || has_object(json, "commit_info"));
}

static void convert_pytest(struct import_job *job)
{
    struct bench b = {.job = job};
    uint32_t machine = find(&b, 0, "machine_info");
    set_date(&b, find(&b, 0, "datetime"));
    b.host = machine ? find(&b, machine, "node") : 0;
    convert_list(&b, find(&b, 0, "benchmarks"), put_test);
}

const struct import_format import_pytest_benchmark = {
    .name = "pytest-benchmark",
    .summary = "a result of pytest --benchmark-json",
    .probe = probe_pytest,
    .convert = convert_pytest,
};
