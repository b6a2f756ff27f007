/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes a repository as large to its readers as one of a terabyte of NDJSON, on a disk that has no
 * room for that.
 *
 * What is real: each segment is written by the library, and has roll-ups, a trace index and a trace
 * filter of all of its spans (310,000 by default, drawn from shop.h; eight different sets of them,
 * each time with other trace ids) and of some metrics. So catalog, filters, joint roll-ups, and
 * whatever looks only at these have the work that they would have.
 *
 * What is not: of the records themselves only 64 spans and 64 points are there, spread over the
 * segment's time, in one block each; the manifest counts these and no more. So an aggregation that
 * reads records finds only them, and a trace of which no span is there is looked for in a block
 * that does not have it. A file has about a tenth of its real size.
 */
#include <getopt.h>

#include "emit.h"
#include "shop.h"

#include "base/sys.h"
#include "store/repository.h"
#include "stream/binary.h"

enum {
    SETS = 8,
    KEPT = 64,
    METRICS = 10,
    POINT_SECONDS = 10,
    COLUMNS = 13,
};

struct set {
    struct shop shop;
    size_t spans, traces;
    int64_t *start, *duration; /* start: from the segment's */
    uint32_t *service, *name, *status, *trace;
    size_t kept[KEPT]; /* spans that are there, by start */
};

struct points {
    size_t count;
    int64_t *time, *value;
    uint32_t *service, *metric;
};

struct simulation {
    uint64_t segments, spans, first, count;
    int64_t start_ns, segment_ns;
    struct set *sets[SETS];
    struct points points;
    struct tcore_repository *repository;
    struct tcore_block_packer *packer;
    struct tcore_binary_writer *writer;
    struct tcore_buf blocks;
    int64_t *times;
    uint32_t *rows;
    uint8_t *types;
};

static const char *const metric_names[METRICS] = {"http.server.active_requests",
                                                  "http.server.request.count",
                                                  "process.cpu.utilization",
                                                  "process.memory.usage",
                                                  "db.client.connection.count",
                                                  "queue.depth",
                                                  "http.server.response.size",
                                                  "cache.hits",
                                                  "gc.pause",
                                                  "network.io"};

static void *room(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory)
        die("memory");
    return memory;
}

static void check(enum tcore_status status, const struct tcore_error *err)
{
    if (status == TCORE_OK)
        return;
    fprintf(stderr, "simulate: %s\n", err->text);
    exit(4);
}

/* --- What segments are made of */

static const int64_t *order_by;

static int compare_starts(const void *a, const void *b)
{
    int64_t x = order_by[*(const size_t *)a], y = order_by[*(const size_t *)b];
    return (x > y) - (x < y);
}

/* The first, the last, and some between. */
static void keep_some(struct set *t)
{
    size_t *order = room(t->spans, sizeof *order);
    for (size_t i = 0; i < t->spans; i++)
        order[i] = i;
    order_by = t->start;
    qsort(order, t->spans, sizeof *order, compare_starts);
    for (size_t i = 0; i < KEPT; i++)
        t->kept[i] = order[i * (t->spans - 1) / (KEPT - 1)];
    free(order);
}

static struct set *make_set(uint64_t seed, size_t spans, int64_t segment_ns)
{
    struct set *t = room(1, sizeof *t);
    struct span trace[MAX_TRACE_SPANS];
    shop_init(&t->shop, 1);
    t->shop.random = seed * UINT64_C(0x9e3779b97f4a7c15);
    t->start = room(spans, sizeof *t->start);
    t->duration = room(spans, sizeof *t->duration);
    t->service = room(spans, sizeof *t->service);
    t->name = room(spans, sizeof *t->name);
    t->status = room(spans, sizeof *t->status);
    t->trace = room(spans, sizeof *t->trace);
    while (t->spans < spans) {
        size_t left = spans - t->spans;
        int64_t start = (int64_t)((double)t->spans / (double)spans * (double)segment_ns);
        int count = shop_trace(&t->shop, start, trace,
                               left < MAX_TRACE_SPANS ? (int)left : MAX_TRACE_SPANS);
        for (int i = 0; i < count; i++, t->spans++) {
            t->start[t->spans] = trace[i].start_ns;
            t->duration[t->spans] = trace[i].duration_ns;
            t->name[t->spans] = trace[i].operation;
            t->service[t->spans] = (uint32_t)t->shop.operations[trace[i].operation].service;
            t->status[t->spans] = trace[i].error;
            t->trace[t->spans] = (uint32_t)t->traces;
        }
        t->traces++;
    }
    keep_some(t);
    return t;
}

static void make_points(struct points *p, int64_t segment_ns)
{
    uint64_t random = 5;
    size_t steps = (size_t)(segment_ns / (POINT_SECONDS * SECOND_NS));
    p->count = steps * SERVICES * METRICS;
    p->time = room(p->count, sizeof *p->time);
    p->value = room(p->count, sizeof *p->value);
    p->service = room(p->count, sizeof *p->service);
    p->metric = room(p->count, sizeof *p->metric);
    for (size_t i = 0; i < p->count; i++) {
        p->time[i] = (int64_t)(i / (SERVICES * METRICS)) * POINT_SECONDS * SECOND_NS;
        p->value[i] = below(&random, 1000);
        p->service[i] = (uint32_t)(i / METRICS % SERVICES);
        p->metric[i] = (uint32_t)(i % METRICS);
    }
}

static void trace_id(uint64_t segment, uint64_t trace, uint8_t id[16])
{
    uint64_t state = segment << 32 | trace, words[2];
    words[0] = next_random(&state);
    words[1] = next_random(&state);
    memcpy(id, words, sizeof words);
}

static void print_hex(struct tcore_buf *out, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tcore_buf_printf(out, "%02x", bytes[i]);
}

/* --- A segment */

static struct tcore_value *strings(size_t count)
{
    return room(count, sizeof(struct tcore_value));
}

static struct tcore_column dictionary(const struct tcore_value *values, size_t count,
                                      const uint32_t *codes)
{
    return (struct tcore_column){.form = TCORE_COLUMN_DICT,
                                 .values = values,
                                 .value_count = (uint32_t)count,
                                 .codes = codes};
}

static struct tcore_column integers(const int64_t *ints)
{
    return (struct tcore_column){.form = TCORE_COLUMN_INT64, .ints = ints};
}

static struct tcore_rollup_builder *roll_up(struct simulation *s, const struct tcore_column *column,
                                            size_t rows, enum tcore_record_type type)
{
    static const struct tcore_rollup_columns columns = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    struct tcore_rollup_builder *builder;
    struct tcore_error err;
    const struct tcore_batch batch = {
        .rows = rows, .types = s->types, .columns = column, .column_count = COLUMNS};
    memset(s->types, type, rows);
    check(tcore_rollup_builder_new(&builder, TCORE_ROLLUP_WINDOW_NS, &err), &err);
    check(tcore_rollup_add(builder, &columns, &batch, s->rows, rows, &err), &err);
    return builder;
}

static struct tcore_rollup_builder *roll_up_spans(struct simulation *s, const struct set *t,
                                                  int64_t start_ns)
{
    static const struct tcore_value absent;
    struct tcore_value *service = strings(SERVICES), *name = strings(MAX_OPERATIONS),
                       status[2] = {tcore_value_string("unset", 5), tcore_value_string("error", 5)};
    struct tcore_column column[COLUMNS];
    for (int i = 0; i < SERVICES; i++)
        service[i] = tcore_value_string(service_names[i], strlen(service_names[i]));
    for (int i = 0; i < t->shop.operation_count; i++)
        name[i] =
            tcore_value_string(t->shop.operations[i].name, strlen(t->shop.operations[i].name));
    for (int i = 0; i < COLUMNS; i++)
        column[i] = (struct tcore_column){.form = TCORE_COLUMN_CONSTANT, .values = &absent};
    for (size_t i = 0; i < t->spans; i++)
        s->times[i] = start_ns + t->start[i];
    column[0] = dictionary(service, SERVICES, t->service);
    column[1] = dictionary(name, MAX_OPERATIONS, t->name);
    column[2] = integers(s->times);
    column[3] = integers(t->duration);
    column[4] = dictionary(status, 2, t->status);
    struct tcore_rollup_builder *builder = roll_up(s, column, t->spans, TCORE_RECORD_SPAN);
    free(service);
    free(name);
    return builder;
}

static struct tcore_rollup_builder *roll_up_points(struct simulation *s, int64_t start_ns)
{
    static const struct tcore_value absent;
    const struct points *p = &s->points;
    struct tcore_value *service = strings(SERVICES), *metric = strings(METRICS);
    struct tcore_column column[COLUMNS];
    for (int i = 0; i < SERVICES; i++)
        service[i] = tcore_value_string(service_names[i], strlen(service_names[i]));
    for (int i = 0; i < METRICS; i++)
        metric[i] = tcore_value_string(metric_names[i], strlen(metric_names[i]));
    for (int i = 0; i < COLUMNS; i++)
        column[i] = (struct tcore_column){.form = TCORE_COLUMN_CONSTANT, .values = &absent};
    for (size_t i = 0; i < p->count; i++)
        s->times[i] = start_ns + p->time[i];
    column[0] = dictionary(service, SERVICES, p->service);
    column[5] = integers(s->times);
    column[6] = integers(p->value);
    column[7] = dictionary(metric, METRICS, p->metric);
    struct tcore_rollup_builder *builder = roll_up(s, column, p->count, TCORE_RECORD_METRIC);
    free(service);
    free(metric);
    return builder;
}

/* The records that are there, as lines into the writer. */
static void write_records(struct simulation *s, const struct set *t, uint64_t segment,
                          int64_t start_ns)
{
    struct tcore_buf line = {0};
    struct tcore_error err;
    for (size_t k = 0; k < KEPT; k++) {
        size_t i = t->kept[k];
        uint8_t id[16];
        const struct operation *operation = &t->shop.operations[t->name[i]];
        long long start = start_ns + t->start[i];
        trace_id(segment, t->trace[i], id);
        tcore_buf_clear(&line);
        tcore_buf_puts(&line, "{\"type\":\"span\",\"traceId\":\"");
        print_hex(&line, id, sizeof id);
        tcore_buf_printf(&line, "\",\"spanId\":\"%016llx\",\"name\":\"%s\",\"kind\":\"%s\"",
                         (unsigned long long)(segment << 20 | (i + 1)), operation->name,
                         operation->kind);
        tcore_buf_printf(&line,
                         ",\"startTimeUnixNano\":\"%lld\",\"endTimeUnixNano\":\"%lld\","
                         "\"durationNano\":%lld,\"status\":\"%s\",\"service\":\"%s\"}",
                         start, start + (long long)t->duration[i], (long long)t->duration[i],
                         t->status[i] ? "error" : "unset", service_names[t->service[i]]);
        check(tcore_binary_writer_add(s->writer, line.data, line.length, &err), &err);
    }
    for (size_t k = 0; k < KEPT; k++) {
        size_t i = k * (s->points.count - 1) / (KEPT - 1);
        tcore_buf_clear(&line);
        tcore_buf_printf(&line,
                         "{\"type\":\"metric\",\"metricName\":\"%s\",\"metricType\":\"gauge\","
                         "\"value\":%lld,\"timeUnixNano\":\"%lld\",\"service\":\"%s\"}",
                         metric_names[s->points.metric[i]], (long long)s->points.value[i],
                         (long long)(start_ns + s->points.time[i]),
                         service_names[s->points.service[i]]);
        check(tcore_binary_writer_add(s->writer, line.data, line.length, &err), &err);
    }
    check(tcore_binary_writer_flush(s->writer, &err), &err);
    tcore_buf_free(&line);
}

/* In place of what the block's few records gave. */
static void replace_facts(struct simulation *s, struct tcore_packed_block *packed,
                          const struct set *t, uint64_t segment, int64_t start_ns)
{
    tcore_rollup_builder_free(packed->rollup);
    if (packed->entry.type == TCORE_RECORD_METRIC) {
        packed->rollup = roll_up_points(s, start_ns);
        return;
    }
    packed->rollup = roll_up_spans(s, t, start_ns);
    tcore_free(packed->trace);
    packed->trace = tcore_reallocarray(NULL, t->traces, sizeof *packed->trace);
    if (!packed->trace)
        die("memory");
    packed->trace_count = packed->trace_capacity = t->traces;
    for (size_t i = 0; i < t->traces; i++)
        trace_id(segment, i, packed->trace[i]);
}

static void make_segment(struct simulation *s, uint64_t segment)
{
    const struct set *t = s->sets[segment % SETS];
    int64_t start_ns = s->start_ns + (int64_t)segment * s->segment_ns;
    struct tcore_sealing sealing;
    struct tcore_error err;
    size_t bytes;
    bool is_block;
    tcore_buf_clear(&s->blocks);
    write_records(s, t, segment, start_ns);
    check(tcore_sealing_begin(&sealing, s->repository, &err), &err);
    sealing.unsynced = true;
    for (size_t at = 0; at < s->blocks.length; at += bytes) {
        struct tcore_packed_block packed = {0};
        const char *block = s->blocks.data + at;
        check(tcore_binary_unit(block, s->blocks.length - at, &bytes, &is_block, &err), &err);
        check(tcore_pack_block(s->packer, block, bytes, &packed, &err), &err);
        replace_facts(s, &packed, t, segment, start_ns);
        check(tcore_segment_add(sealing.writer, &packed, &err), &err);
        tcore_packed_block_free(&packed);
    }
    check(tcore_sealing_seal(&sealing, &err), &err);
}

static void open_all(struct simulation *s, const char *path)
{
    struct tcore_error err;
    if (!tcore_is_directory(path))
        check(tcore_repository_create(path, &err), &err);
    check(tcore_repository_open(&s->repository, path, &err), &err);
    check(tcore_block_packer_new(&s->packer, &err), &err);
    check(tcore_binary_writer_new(&s->writer, &s->blocks, NULL, &err), &err);
    tcore_binary_writer_for_segments(s->writer);
    size_t most = s->spans > s->points.count ? s->spans : s->points.count;
    s->times = room(most, sizeof *s->times);
    s->rows = room(most, sizeof *s->rows);
    s->types = room(most, sizeof *s->types);
    for (size_t i = 0; i < most; i++)
        s->rows[i] = (uint32_t)i;
}

/* --- Options */

static const char usage[] =
    "Usage: simulate [OPTION]... REPO\n"
    "Adds simulated segments to a repository, which is made if it is not there.\n"
    "  --segments=N     so many (default 7000), one behind the other in time\n"
    "  --spans=N        what each stands for (default 310000)\n"
    "  --seconds=N      of each (default 373)\n"
    "  --first=N        begin with this one, counted from 0 (default 0): several may work at once\n"
    "  --start=SECONDS  of the first one, in Unix time (default 1788220800)\n"
    "  --trace=SEGMENT  only print the id of a trace of which that segment has a span\n";

static uint64_t parse_count(const char *text)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || end == text || *end || *text == '-' || value > UINT32_MAX) {
        fprintf(stderr, "simulate: not a count: %s\n", text);
        exit(2);
    }
    return value;
}

static void print_trace(struct simulation *s, uint64_t segment)
{
    struct tcore_buf text = {0};
    uint8_t id[16];
    const struct set *t = make_set(segment % SETS + 1, (size_t)s->spans, s->segment_ns);
    trace_id(segment, t->trace[t->kept[KEPT / 2]], id);
    print_hex(&text, id, sizeof id);
    printf("%.*s\n", (int)text.length, text.data);
}

int main(int argc, char **argv)
{
    static const struct option known[] = {
        {"segments", required_argument, NULL, 'n'}, {"spans", required_argument, NULL, 's'},
        {"seconds", required_argument, NULL, 'd'},  {"first", required_argument, NULL, 'f'},
        {"start", required_argument, NULL, 'b'},    {"trace", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0}};
    struct simulation s = {.segments = 7000, .spans = 310000};
    uint64_t seconds = 373, start = 1788220800, trace = UINT64_MAX;
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'n':
            s.segments = parse_count(optarg);
            break;
        case 's':
            s.spans = parse_count(optarg);
            break;
        case 'd':
            seconds = parse_count(optarg);
            break;
        case 'f':
            s.first = parse_count(optarg);
            break;
        case 'b':
            start = parse_count(optarg);
            break;
        case 't':
            trace = parse_count(optarg);
            break;
        default:
            fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    s.start_ns = (int64_t)start * SECOND_NS;
    s.segment_ns = (int64_t)seconds * SECOND_NS;
    if (trace != UINT64_MAX) {
        print_trace(&s, trace);
        return 0;
    }
    if (optind != argc - 1 || s.spans < KEPT || seconds < POINT_SECONDS) {
        fputs(usage, stderr);
        return 2;
    }
    for (unsigned i = 0; i < SETS; i++)
        s.sets[i] = make_set(i + 1, (size_t)s.spans, s.segment_ns);
    make_points(&s.points, s.segment_ns);
    open_all(&s, argv[optind]);
    for (uint64_t i = s.first; i < s.first + s.segments; i++)
        make_segment(&s, i);
    return 0;
}
