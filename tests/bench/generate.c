/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes made-up telemetry for the benchmarks: the same options and seed give the same bytes.
 *
 * The spans are those of shop.h's traces. A span is written some seconds after it ended, as an SDK
 * that exports in batches would, so traces are interleaved and nothing is sorted. Spans wait for
 * their turn in a ring of time slots, which bounds memory at any count.
 */
#include <getopt.h>

#include "emit.h"
#include "shop.h"

enum {
    RESOURCES = SERVICES * HOSTS_PER_SERVICE,
    MAX_OTLP_SPANS = 100,
    MIN_OTLP_SPANS = 50,
    SLOTS = 1024,
    SERIES = 1000,
};
#define SLOT_NS  INT64_C(64000000)
#define EPOCH_NS (INT64_C(1790000000) * SECOND_NS) /* the first span starts about here */
#define BATCH_NS (5 * SECOND_NS)                   /* longest wait of an exporter */

struct slot {
    struct span *spans;
    size_t count, room;
};

/* Spans of one resource that wait for their OTLP line. */
struct otlp_batch {
    struct span spans[MAX_OTLP_SPANS];
    int count, target;
};

struct generator {
    uint64_t records;
    int64_t duration_ns;
    bool metrics;
    struct shop shop;
    struct output out;
    struct slot slots[SLOTS];
    int64_t next_slot; /* the first not yet written, counted from EPOCH_NS */
    struct otlp_batch *batches;
};

static uint64_t status_code(const struct span *span)
{
    static const uint16_t usual[16] = {200, 200, 200, 200, 200, 200, 200, 200,
                                       200, 200, 200, 201, 204, 302, 304, 404};
    return span->error ? 500 + span->detail % 4 : usual[span->detail >> 28];
}

static void put_http_attributes(struct output *out, struct object *attributes,
                                const struct span *span, const struct operation *operation)
{
    char address[40];
    if (operation->shape == HTTP_SERVER) {
        text_attribute(out, attributes, "http.route", operation->target);
        text_attribute(out, attributes, "http.request.method", operation->verb);
        number_attribute(out, attributes, "http.response.status_code", status_code(span));
        snprintf(address, sizeof address, "10.%u.%u.%u", span->detail >> 8 & 15,
                 span->detail >> 12 & 255, span->detail >> 20 & 255);
        text_attribute(out, attributes, "client.address", address);
    } else {
        text_attribute(out, attributes, "http.request.method", operation->verb);
        number_attribute(out, attributes, "http.response.status_code", status_code(span));
        text_attribute(out, attributes, "server.address", operation->target);
        number_attribute(out, attributes, "server.port", 8080);
    }
}

static void put_other_attributes(struct output *out, struct object *attributes,
                                 const struct span *span, const struct operation *operation)
{
    switch (operation->shape) {
    case DATABASE:
        text_attribute(out, attributes, "db.system.name", "postgresql");
        text_attribute(out, attributes, "db.collection.name", operation->target);
        text_attribute(out, attributes, "db.operation.name", operation->verb);
        number_attribute(out, attributes, "db.response.returned_rows", span->detail >> 8 & 127);
        break;
    case MESSAGE:
        text_attribute(out, attributes, "messaging.system", "kafka");
        text_attribute(out, attributes, "messaging.destination.name", operation->target);
        number_attribute(out, attributes, "messaging.kafka.offset", span->detail >> 2);
        break;
    default: /* INTERNAL; beyond ASCII now and then */
        text_attribute(out, attributes, "code.function.name", operation->target);
        number_attribute(out, attributes, "thread.id", 20 + (span->detail & 31));
        if ((span->detail >> 8 & 15) == 0)
            text_attribute(out, attributes, "app.query", "cr\303\250me br\303\273l\303\251e");
        break;
    }
}

static void put_attributes(struct output *out, const struct span *span,
                           const struct operation *operation)
{
    struct object attributes;
    object_open(out, &attributes);
    if (out->otlp)
        out->at[-1] = '[';
    if (operation->shape == HTTP_SERVER || operation->shape == HTTP_CLIENT)
        put_http_attributes(out, &attributes, span, operation);
    else
        put_other_attributes(out, &attributes, span, operation);
    object_close(out, &attributes);
    if (out->otlp)
        out->at[-1] = ']';
}

static void put_resource(struct output *out, int service, int host)
{
    char name[48];
    snprintf(name, sizeof name, "%s-%d", service_names[service], host);
    struct object resource;
    object_open(out, &resource);
    if (out->otlp)
        out->at[-1] = '[';
    text_attribute(out, &resource, "service.name", service_names[service]);
    text_attribute(out, &resource, "host.name", name);
    object_close(out, &resource);
    if (out->otlp)
        out->at[-1] = ']';
}

/* The message has an escape in it, as messages have. */
static void put_status_message(struct output *out, const struct operation *operation)
{
    PUT(out, "\"\\\"");
    put_text(out, operation->target);
    PUT(out, "\\\" failed: deadline exceeded\"");
}

/* --- Spans */

static void put_ids(struct output *out, struct object *record, const struct span *span)
{
    KEY(out, record, "traceId");
    *out->at++ = '"';
    put_hex(out, span->trace_high);
    put_hex(out, span->trace_low);
    *out->at++ = '"';
    KEY(out, record, "spanId");
    *out->at++ = '"';
    put_hex(out, span->span_id);
    *out->at++ = '"';
    if (span->parent_id) {
        KEY(out, record, "parentSpanId");
        *out->at++ = '"';
        put_hex(out, span->parent_id);
        *out->at++ = '"';
    }
}

static void put_times(struct output *out, struct object *record, const struct span *span)
{
    KEY(out, record, "startTimeUnixNano");
    *out->at++ = '"';
    put_number(out, (uint64_t)span->start_ns);
    *out->at++ = '"';
    KEY(out, record, "endTimeUnixNano");
    *out->at++ = '"';
    put_number(out, (uint64_t)(span->start_ns + span->duration_ns));
    *out->at++ = '"';
}

static void write_native_span(struct output *out, const struct shop *shop, const struct span *span)
{
    const struct operation *operation = &shop->operations[span->operation];
    struct object record;
    reserve(out, RECORD_ROOM);
    object_open(out, &record);
    KEY(out, &record, "type");
    PUT(out, "\"span\"");
    put_ids(out, &record, span);
    KEY(out, &record, "name");
    put_quoted(out, operation->name);
    KEY(out, &record, "kind");
    put_quoted(out, operation->kind);
    put_times(out, &record, span);
    KEY(out, &record, "durationNano");
    put_number(out, (uint64_t)span->duration_ns);
    KEY(out, &record, "status");
    if (span->error) {
        PUT(out, "\"error\"");
        KEY(out, &record, "statusMessage");
        put_status_message(out, operation);
    } else if (operation->service % 4 == 1) { /* some SDKs say ok, most say nothing */
        PUT(out, "\"ok\"");
    } else {
        PUT(out, "\"unset\"");
    }
    KEY(out, &record, "service");
    put_quoted(out, service_names[operation->service]);
    KEY(out, &record, "attributes");
    put_attributes(out, span, operation);
    KEY(out, &record, "resource");
    put_resource(out, operation->service, span->host);
    object_close(out, &record);
    *out->at++ = '\n';
}

static int otlp_kind(const char *kind)
{
    static const char *const kinds[] = {"unspecified", "internal", "server",
                                        "client",      "producer", "consumer"};
    int number = 0;
    while (strcmp(kinds[number], kind) != 0)
        number++;
    return number;
}

static void put_otlp_span(struct output *out, const struct shop *shop, const struct span *span)
{
    const struct operation *operation = &shop->operations[span->operation];
    struct object record;
    reserve(out, RECORD_ROOM);
    object_open(out, &record);
    put_ids(out, &record, span);
    KEY(out, &record, "name");
    put_quoted(out, operation->name);
    KEY(out, &record, "kind");
    put_number(out, (uint64_t)otlp_kind(operation->kind));
    put_times(out, &record, span);
    KEY(out, &record, "attributes");
    put_attributes(out, span, operation);
    KEY(out, &record, "status");
    if (span->error) {
        PUT(out, "{\"message\":");
        put_status_message(out, operation);
        PUT(out, ",\"code\":2}");
    } else if (operation->service % 4 == 1) {
        PUT(out, "{\"code\":1}");
    } else {
        PUT(out, "{}");
    }
    object_close(out, &record);
}
static void write_otlp_batch(struct generator *g, int resource)
{
    struct output *out = &g->out;
    struct otlp_batch *batch = &g->batches[resource];
    if (batch->count == 0)
        return;
    reserve(out, RECORD_ROOM);
    PUT(out, "{\"resourceSpans\":[{\"resource\":{\"attributes\":");
    put_resource(out, resource / HOSTS_PER_SERVICE, resource % HOSTS_PER_SERVICE);
    PUT(out, "},\"scopeSpans\":[{\"scope\":{\"name\":\"shop.instrumentation\"},\"spans\":[");
    for (int i = 0; i < batch->count; i++) {
        put_otlp_span(out, &g->shop, &batch->spans[i]);
        *out->at++ = i + 1 < batch->count ? ',' : ']';
    }
    PUT(out, "}]}]}\n");
    batch->count = 0;
    batch->target =
        MIN_OTLP_SPANS + (int)below(&out->shuffle_random, MAX_OTLP_SPANS - MIN_OTLP_SPANS + 1);
}

static void write_span(struct generator *g, const struct span *span)
{
    if (!g->out.otlp) {
        write_native_span(&g->out, &g->shop, span);
        return;
    }
    int resource = g->shop.operations[span->operation].service * HOSTS_PER_SERVICE + span->host;
    struct otlp_batch *batch = &g->batches[resource];
    batch->spans[batch->count++] = *span;
    if (batch->count >= batch->target)
        write_otlp_batch(g, resource);
}

/* Writes what is due before the given time, slot by slot, in random order inside a slot. */
static void write_due(struct generator *g, int64_t until_ns)
{
    for (; (g->next_slot + 1) * SLOT_NS <= until_ns; g->next_slot++) {
        struct slot *slot = &g->slots[g->next_slot % SLOTS];
        for (size_t left = slot->count; left > 0; left--) {
            size_t pick = below(&g->shop.random, (uint32_t)left);
            write_span(g, &slot->spans[pick]);
            slot->spans[pick] = slot->spans[left - 1];
        }
        slot->count = 0;
    }
}

static void enqueue(struct generator *g, const struct span *span)
{
    int64_t wait_ns = (int64_t)(uniform(&g->shop.random) * (double)BATCH_NS);
    int64_t due_ns = span->start_ns - EPOCH_NS + span->duration_ns + wait_ns;
    int64_t index = due_ns / SLOT_NS;
    if (index > g->next_slot + SLOTS - 1)
        index = g->next_slot + SLOTS - 1;
    struct slot *slot = &g->slots[index % SLOTS];
    if (slot->count == slot->room) {
        slot->room = slot->room ? 2 * slot->room : 64;
        slot->spans = realloc(slot->spans, slot->room * sizeof *slot->spans);
        if (!slot->spans)
            die("memory");
    }
    slot->spans[slot->count++] = *span;
}

static void generate_spans(struct generator *g)
{
    struct span spans[MAX_TRACE_SPANS];
    for (uint64_t made = 0; made < g->records;) {
        double share = (double)made / (double)g->records;
        int64_t offset_ns = (int64_t)(share * (double)g->duration_ns);
        uint64_t left = g->records - made;
        int limit = left < MAX_TRACE_SPANS ? (int)left : MAX_TRACE_SPANS;
        write_due(g, offset_ns);
        int count = shop_trace(&g->shop, EPOCH_NS + offset_ns, spans, limit);
        for (int i = 0; i < count; i++)
            enqueue(g, &spans[i]);
        made += (uint64_t)count;
    }
    write_due(g, (g->next_slot + SLOTS) * SLOT_NS);
    for (int resource = 0; g->out.otlp && resource < RESOURCES; resource++)
        write_otlp_batch(g, resource);
}

/* --- Metrics */

struct metric {
    const char *name, *type, *unit;
    uint32_t typical; /* thousandths of the unit, or counted at a step */
};

static void write_metric(struct generator *g, uint32_t series, uint64_t step, int64_t time_ns)
{
    static const struct metric metrics[10] = {
        {"http.server.active_requests", "gauge", "{request}", 40000},
        {"http.server.request.count", "counter", "{request}", 900},
        {"process.cpu.utilization", "gauge", "1", 350},
        {"process.memory.usage", "gauge", "MiBy", 512000},
        {"db.client.connection.count", "gauge", "{connection}", 16000},
        {"queue.depth", "gauge", "{message}", 120000},
        {"http.server.response.size", "gauge", "By", 2048500},
        {"cache.hits", "counter", "{hit}", 5000},
        {"gc.pause", "timer", "ms", 3200},
        {"network.io", "counter", "By", 88000},
    };
    const struct metric *metric = &metrics[series % 10];
    int service = (int)(series / 10 % SERVICES);
    uint32_t instance = series / (10 * SERVICES);
    bool counter = strcmp(metric->type, "counter") == 0;
    struct object record, dimensions;
    char text[32];
    struct output *out = &g->out;
    reserve(out, RECORD_ROOM);
    object_open(out, &record);
    KEY(out, &record, "type");
    PUT(out, "\"metric\"");
    KEY(out, &record, "metricName");
    put_quoted(out, metric->name);
    KEY(out, &record, "metricType");
    put_quoted(out, metric->type);
    KEY(out, &record, "value");
    uint32_t noise = below(&g->shop.random, metric->typical);
    if (counter)
        put_number(out, step * metric->typical + noise);
    else
        put_thousandths(out, metric->typical / 2 + noise);
    KEY(out, &record, "unit");
    put_quoted(out, metric->unit);
    KEY(out, &record, "timeUnixNano");
    *out->at++ = '"';
    put_number(out, (uint64_t)time_ns);
    *out->at++ = '"';
    KEY(out, &record, "dimensions");
    object_open(out, &dimensions);
    snprintf(text, sizeof text, "%s-%u", service_names[service], instance);
    text_attribute(out, &dimensions, "instance", text);
    text_attribute(out, &dimensions, "zone", instance % 3 ? "eu-1b" : "eu-1a");
    object_close(out, &dimensions);
    if (counter) {
        KEY(out, &record, "temporality");
        PUT(out, "\"cumulative\"");
    }
    KEY(out, &record, "service");
    put_quoted(out, service_names[service]);
    KEY(out, &record, "resource");
    put_resource(out, service, (int)(instance % HOSTS_PER_SERVICE));
    object_close(out, &record);
    *out->at++ = '\n';
}

static void generate_metrics(struct generator *g)
{
    for (uint64_t i = 0; i < g->records; i++) {
        double share = (double)i / (double)g->records;
        int64_t jitter_ns = below(&g->shop.random, 200000000);
        int64_t offset_ns = (int64_t)(share * (double)g->duration_ns) + jitter_ns;
        write_metric(g, (uint32_t)(i % SERIES), i / SERIES, EPOCH_NS + offset_ns);
    }
}

/* --- Options */

static const char usage[] = "Usage: generate [OPTION]...\n"
                            "Writes made-up spans as NDJSON to standard output.\n"
                            "  --spans=N          how many records (default 1000000)\n"
                            "  --seed=N           another N gives other records (default 1)\n"
                            "  --duration=SECONDS they start within this time (default 1200)\n"
                            "  --shuffle-keys     the keys of every record in random order\n"
                            "  --metrics          metric points of 1,000 series instead\n"
                            "  --otlp             the same spans as OTLP/JSON lines of 50 to 100\n";

static uint64_t parse_count(const char *text, uint64_t limit)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || end == text || *end || *text == '-' || value > limit) {
        fprintf(stderr, "generate: not a count: %s\n", text);
        exit(2);
    }
    return value;
}

static void parse_options(struct generator *g, int argc, char **argv)
{
    static const struct option known[] = {
        {"spans", required_argument, NULL, 'n'},    {"seed", required_argument, NULL, 's'},
        {"duration", required_argument, NULL, 'd'}, {"shuffle-keys", no_argument, NULL, 'k'},
        {"metrics", no_argument, NULL, 'm'},        {"otlp", no_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0}};
    uint64_t seed = 1;
    int option;
    g->records = 1000000;
    g->duration_ns = 1200 * SECOND_NS;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'n':
            g->records = parse_count(optarg, UINT64_C(1) << 40);
            break;
        case 's':
            seed = parse_count(optarg, UINT64_MAX);
            break;
        case 'd':
            g->duration_ns = (int64_t)parse_count(optarg, 100000000) * SECOND_NS;
            break;
        case 'k':
            g->out.shuffle_keys = true;
            break;
        case 'm':
            g->metrics = true;
            break;
        case 'o':
            g->out.otlp = true;
            break;
        default:
            fputs(usage, option == 'h' ? stdout : stderr);
            exit(option == 'h' ? 0 : 2);
        }
    }
    if (optind < argc || (g->out.otlp && (g->metrics || g->out.shuffle_keys))) {
        fputs(usage, stderr);
        exit(2);
    }
    g->out.shuffle_random = ~seed;
    shop_init(&g->shop, seed);
}

int main(int argc, char **argv)
{
    struct generator *g = calloc(1, sizeof *g);
    if (!g)
        die("memory");
    parse_options(g, argc, argv);
    g->out.buffer = g->out.at = malloc(OUTPUT_BYTES);
    g->batches = calloc(RESOURCES, sizeof *g->batches);
    if (!g->out.buffer || !g->batches)
        die("memory");
    for (int resource = 0; resource < RESOURCES; resource++)
        g->batches[resource].target = MIN_OTLP_SPANS + resource;
    if (g->metrics)
        generate_metrics(g);
    else
        generate_spans(g);
    flush(&g->out);
    for (int i = 0; i < SLOTS; i++)
        free(g->slots[i].spans);
    free(g->batches);
    free(g->out.buffer);
    free(g);
    return 0;
}
