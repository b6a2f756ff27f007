/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Traces with anti-patterns at known places, among clean ones that come near to each threshold.
 *
 *     antipatterns SEED TRACES TRUTH    spans as NDJSON to standard output
 *
 * Each trace has one plant, or one near miss, of a kind that is drawn; the file TRUTH gets a line
 * "TRACEID KIND" for each plant. Spans are in random order.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)

static uint64_t state;

static uint64_t draw(void) /* splitmix64 */
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* lower to upper, both included */
static int64_t between(int64_t lower, int64_t upper)
{
    return lower + (int64_t)(draw() % (uint64_t)(upper - lower + 1));
}

/* --- Spans */

static char *lines[100000];
static size_t line_count;

struct trace {
    uint64_t id[2];
    int64_t begin; /* the epoch of its times */
    unsigned spans;
    bool old_names; /* attributes as earlier conventions call them */
};

struct span {
    unsigned parent; /* 0: none */
    const char *service, *kind, *name;
    int64_t start, end;
    bool failed;
    const char *attributes; /* members, may be "" */
};

/* Returns the span's number. */
static unsigned put(struct trace *trace, struct span span)
{
    char *line = NULL, parent[64] = "", status[32] = "";
    unsigned number = ++trace->spans;
    if (span.parent)
        snprintf(parent, sizeof parent, "\"parentSpanId\":\"%08" PRIx64 "%08x\",",
                 trace->id[1] & 0xffffffff, span.parent);
    if (span.failed)
        strcpy(status, ",\"status\":\"error\"");
    if (asprintf(&line,
                 "{\"type\":\"span\",\"traceId\":\"%016" PRIx64 "%016" PRIx64
                 "\",\"spanId\":\"%08" PRIx64 "%08x\",%s\"name\":\"%s\",\"kind\":\"%s\","
                 "\"startTimeUnixNano\":\"%" PRId64 "\",\"endTimeUnixNano\":\"%" PRId64
                 "\"%s,\"service\":\"%s\",\"attributes\":{%s}}\n",
                 trace->id[0], trace->id[1], trace->id[1] & 0xffffffff, number, parent, span.name,
                 span.kind, trace->begin + span.start, trace->begin + span.end, status,
                 span.service, span.attributes) < 0)
        exit(1);
    lines[line_count++] = line;
    return number;
}

static unsigned put_root(struct trace *trace, int64_t ns)
{
    char name[64];
    snprintf(name, sizeof name, "GET /orders/%d", (int)between(1, 100000));
    return put(trace, (struct span){.service = "shop",
                                    .kind = "server",
                                    .name = name,
                                    .end = ns,
                                    .attributes = "\"http.route\":\"/orders/{id}\""});
}

/* A query of table number table; value < 0: a placeholder. */
static unsigned query(struct trace *trace, unsigned parent, int table, int value, int64_t start,
                      int64_t ns)
{
    char attributes[256], text[32] = "$1";
    if (value >= 0)
        snprintf(text, sizeof text, value % 2 ? "%d" : "'k%d'", value);
    snprintf(attributes, sizeof attributes,
             trace->old_names ? "\"db.system\":\"mysql\",\"db.statement\":\"SELECT a, b FROM t%d "
                                "WHERE id = %s\""
                              : "\"db.system.name\":\"postgresql\",\"db.query.text\":\"SELECT a, b "
                                "FROM t%d WHERE id = %s\"",
             table, text);
    return put(trace, (struct span){parent, "shop", "client", "SELECT", start, start + ns, false,
                                    attributes});
}

/* A request to a path of a service; extra: more members. */
static unsigned request(struct trace *trace, unsigned parent, const char *path, int64_t start,
                        int64_t ns, bool failed, const char *extra)
{
    char attributes[384];
    snprintf(attributes, sizeof attributes,
             trace->old_names
                 ? "\"http.method\":\"GET\",\"http.url\":\"http://stock:8080%s\",\"net.peer.name\":"
                   "\"stock\"%s"
                 : "\"http.request.method\":\"GET\",\"url.full\":\"http://stock:8080%s\","
                   "\"server.address\":\"stock\"%s",
             path, extra);
    return put(trace, (struct span){parent, "shop", "client", "GET", start, start + ns, failed,
                                    attributes});
}

static unsigned inner(struct trace *trace, unsigned parent, const char *service, const char *kind,
                      const char *name, int64_t start, int64_t ns, bool failed,
                      const char *attributes)
{
    return put(trace,
               (struct span){parent, service, kind, name, start, start + ns, failed, attributes});
}

/* Own work of the root that is no gap: spans from one time to another. */
static void fill(struct trace *trace, unsigned parent, int64_t from, int64_t to)
{
    int64_t step = 90 * MS;
    for (; from < to; from += step)
        inner(trace, parent, "shop", "internal", "work", from, from + step < to ? step : to - from,
              false, "");
}

/* --- Kinds: each with a plant, or a near miss of it */

static void n_plus_one(struct trace *trace, bool plant)
{
    bool wrapped = draw() % 3 == 0, request_instead = draw() % 3 == 0;
    int way = plant ? 0 : (int)(draw() % 3);
    int calls = way == 1 ? 4 : (int)between(5, 14);
    int64_t each = (way == 2 ? 7 : between(11, 20)) * MS, at = 2 * MS;
    if (way == 2)
        calls = 7; /* 49 ms */
    bool at_once = !plant && way == 0;
    unsigned root = put_root(trace, at_once ? 20 * MS : calls * (each + MS) + 5 * MS);
    int value = draw() % 2 ? -1 : 100;
    if (at_once) {
        for (int i = 0; i < 8; i++)
            query(trace, root, 1, 100 + i, at + i, 12 * MS);
        return;
    }
    for (int i = 0; i < calls; i++, at += each + MS) {
        char path[64];
        unsigned parent = root;
        if (wrapped)
            parent = inner(trace, root, "shop", "internal", "repository.find", at, each, false, "");
        snprintf(path, sizeof path, "/items/%d?full=1", 1000 + i);
        if (request_instead)
            request(trace, parent, path, at, each, false, "");
        else
            query(trace, parent, 1, value < 0 ? -1 : value + i, at, each);
    }
}

static void redundant(struct trace *trace, bool plant)
{
    int calls = (int)between(2, 6), way = plant ? 0 : (int)(draw() % 3);
    bool request_instead = draw() % 2;
    int64_t at = 2 * MS;
    unsigned root = put_root(trace, (calls + 1) * 12 * MS);
    for (int i = 0; i < (plant ? calls : 2); i++, at += 11 * MS) {
        if (way == 2) /* it changes something */
            inner(trace, root, "shop", "client", "INSERT", at, 10 * MS, false,
                  "\"db.system\":\"mysql\",\"db.statement\":\"INSERT INTO t VALUES (1)\"");
        else if (request_instead && way != 1)
            request(trace, root, plant || !i ? "/stock/7" : "/stock/8", at, 10 * MS, false, "");
        else
            query(trace, root, 2, way == 1 ? -1 : plant || !i ? 7 : 8, at, 10 * MS);
    }
}

static void serial(struct trace *trace, bool plant)
{
    if (draw() % 2) { /* queries */
        int calls = (int)between(2, 4), way = (int)(draw() % 2);
        int64_t each = plant ? between(40, 90) : way ? 29 : 45;
        unsigned root = put_root(trace, plant ? calls * 91 * MS + 5 * MS : 900 * MS);
        for (int i = 0; i < (plant ? calls : way ? 3 : 2); i++)
            query(trace, root, 3 + i, 5, (2 + i * 91) * MS, each * MS);
        if (!plant)
            fill(trace, root, 280 * MS, 900 * MS);
        return;
    }
    static const char *const paths[] = {"/prices", "/reviews", "/offers", "/ads"};
    int calls = plant ? (int)between(3, 4) : (int)between(2, 3);
    int64_t each = plant ? between(1100, 1800) : calls == 3 ? 950 : 1800;
    unsigned root = put_root(trace, calls * (each + 2) * MS + 5 * MS);
    for (int i = 0; i < calls; i++)
        request(trace, root, paths[i], (2 + i * (each + 2)) * MS, each * MS, false, "");
}

static void slow_query(struct trace *trace, bool plant)
{
    int64_t ns = plant ? between(500, 2000) * MS : between(450, 499) * MS;
    query(trace, put_root(trace, ns + 10 * MS), 4, 1, 5 * MS, ns);
}

static void large_payload(struct trace *trace, bool plant)
{
    static const char *const keys[][2] = {
        {"http.request.body.size", "http.request_content_length"},
        {"http.response.body.size", "http.response_content_length"}};
    char extra[128];
    bool fast = !plant && draw() % 2;
    int64_t ns = fast ? 99 * MS : between(101, 400) * MS;
    snprintf(extra, sizeof extra, ",\"%s\":%d", keys[draw() % 2][trace->old_names],
             (int)(plant || fast ? between(300001, 5000000) : between(250000, 300000)));
    unsigned call =
        request(trace, put_root(trace, ns + 10 * MS), "/image", 5 * MS, ns, false, extra);
    inner(trace, call, "stock", "server", "GET /image", 6 * MS, ns - 2 * MS, false, extra + 1);
}

static void fan_out(struct trace *trace, bool plant)
{
    int calls = plant ? (int)between(21, 60) : 14, internal = plant ? 0 : 6;
    bool spread = draw() % 2;
    unsigned root = put_root(trace, 40 * MS);
    for (int i = 0; i < calls; i++) {
        char path[64];
        snprintf(path, sizeof path, "/node/%c%c/state", 'a' + i / 26, 'a' + i % 26);
        request(trace, root, path, 2 * MS + (spread ? i * MS / 4 : i), 10 * MS, false, "");
    }
    for (int i = 0; i < internal; i++)
        inner(trace, root, "shop", "internal", "step", (20 + i) * MS, MS, false, "");
}

static void chatty(struct trace *trace, bool plant)
{
    int calls = plant ? (int)between(15, 20) : 14;
    unsigned root = put_root(trace, calls * 4 * MS);
    unsigned parts[3];
    for (int i = 0; i < 3; i++)
        parts[i] = inner(trace, root, "shop", "internal", "part", i * calls / 3 * 4 * MS,
                         (calls / 3 + 1) * 4 * MS, false, "");
    for (int i = 0; i < calls; i++) {
        char path[64];
        snprintf(path, sizeof path, "/topic%c", 'a' + i);
        if (i % 3)
            request(trace, parts[i * 3 / calls], path, i * 4 * MS, 3 * MS, false, "");
        else
            query(trace, parts[i * 3 / calls], 20 + i, 1, i * 4 * MS, 3 * MS);
    }
}

static void pool_wait(struct trace *trace, bool plant)
{
    if (draw() % 3 == 0) {
        int64_t ns = plant ? between(100, 500) * MS : 99 * MS;
        static const char *const names[] = {"HikariPool.getConnection", "pool.acquire",
                                            "acquire connection"};
        inner(trace, put_root(trace, ns + 10 * MS), "shop", "internal", names[draw() % 3], 5 * MS,
              ns, false, "");
        return;
    }
    int queries = plant ? (int)between(10, 30) : 9;
    unsigned root = put_root(trace, 120 * MS);
    for (int i = 0; i < queries; i++)
        query(trace, root, 5 + i % 3, i, 2 * MS + i, between(20, 80) * MS);
    for (int i = 0; !plant && i < 5; i++) /* these come when the others have ended */
        query(trace, root, 5, 50 + i, 90 * MS + i, 10 * MS);
}

static void retry(struct trace *trace, bool plant)
{
    bool layers = plant && draw() % 2;
    int attempts = layers ? 2 : plant ? (int)between(3, 5) : 2;
    unsigned root = put_root(trace, attempts * 50 * MS + 10 * MS);
    for (int i = 0; i < attempts; i++) {
        int64_t at = (5 + i * 50) * MS;
        bool failed = i + 1 < attempts;
        unsigned call = request(trace, root, "/reserve", at, 45 * MS, failed,
                                failed ? ",\"http.response.status_code\":503" : "");
        if (!layers)
            continue;
        unsigned server =
            inner(trace, call, "stock", "server", "GET /reserve", at + MS, 43 * MS, failed, "");
        for (int k = 0; k < 2; k++)
            inner(trace, server, "stock", "client", "Reserve", at + (2 + k * 20) * MS, 18 * MS,
                  failed || k == 0,
                  "\"rpc.system\":\"grpc\",\"rpc.service\":\"Depot\","
                  "\"rpc.method\":\"Reserve\"");
    }
}

static void cold_start(struct trace *trace, bool plant)
{
    int64_t ns = between(100, 900) * MS;
    const char *told = plant ? "true" : "false";
    char attributes[128];
    snprintf(attributes, sizeof attributes, "\"faas.trigger\":\"http\",\"faas.coldstart\":%s",
             told);
    unsigned call = request(trace, put_root(trace, ns + 10 * MS), "/fn", 5 * MS, ns, false, "");
    inner(trace, call, "resize", "server", "resize", 6 * MS, ns - 2 * MS, false, attributes);
}

static void timeout_chain(struct trace *trace, bool plant)
{
    int64_t ns = between(150, 400) * MS;
    bool second = plant || draw() % 2; /* a near miss fails for another reason */
    const char *told = trace->old_names ? ",\"http.status_code\":504"
                                        : ",\"error.type\":\"java.net.SocketTimeoutException\"";
    unsigned call = request(trace, put_root(trace, ns + 10 * MS), "/quote", 5 * MS, ns, true, told);
    if (!second)
        return;
    unsigned server =
        inner(trace, call, "stock", "server", "GET /quote", 6 * MS, ns - 2 * MS, true,
              plant ? "\"http.response.status_code\":504" : "\"http.response.status_code\":500");
    inner(trace, server, "stock", "client", "Price", 7 * MS, ns - 4 * MS, true,
          plant ? "\"rpc.system\":\"grpc\",\"rpc.grpc.status_code\":4"
                : "\"rpc.system\":\"grpc\",\"rpc.grpc.status_code\":13");
}

static void gap(struct trace *trace, bool plant)
{
    bool share = !plant && draw() % 2;
    int64_t ns = plant ? between(210, 800) * MS : share ? 250 * MS : 195 * MS;
    int64_t rest = share ? 1300 * MS : 100 * MS;
    unsigned root = put_root(trace, ns + rest);
    fill(trace, root, 0, rest / 2);
    fill(trace, root, rest / 2 + ns, rest + ns);
}

static void clock_skew(struct trace *trace, bool plant)
{
    int64_t skew = plant ? between(5, 900) * MS : between(0, 4) * MS;
    bool behind = draw() % 2;
    unsigned call = request(trace, put_root(trace, 100 * MS), "/time", 10 * MS, 60 * MS, false, "");
    /* 60 ms of the call: the server's 50 begin or end beside them */
    inner(trace, call, "stock", "server", "GET /time", behind ? 10 * MS - skew : 20 * MS + skew,
          50 * MS, false, "");
}

static const struct kind {
    const char *name;
    void (*make)(struct trace *trace, bool plant);
} kinds[] = {
    {"n-plus-one", n_plus_one}, {"redundant", redundant},         {"serial", serial},
    {"slow-query", slow_query}, {"large-payload", large_payload}, {"fan-out", fan_out},
    {"chatty", chatty},         {"pool-wait", pool_wait},         {"retry", retry},
    {"cold-start", cold_start}, {"timeout-chain", timeout_chain}, {"gap", gap},
    {"clock-skew", clock_skew},
};

int main(int argc, char **argv)
{
    FILE *truth = argc == 4 ? fopen(argv[3], "w") : NULL;
    if (!truth)
        return 2;
    state = strtoull(argv[1], NULL, 10);
    int traces = atoi(argv[2]);
    for (int i = 0; i < traces; i++) {
        const struct kind *kind = &kinds[draw() % (sizeof kinds / sizeof *kinds)];
        struct trace trace = {.id = {draw(), draw()},
                              .begin = INT64_C(1700000000000000000) + i * 100 * MS,
                              .old_names = draw() % 2};
        bool plant = draw() % 2;
        kind->make(&trace, plant);
        if (plant)
            fprintf(truth, "%016" PRIx64 "%016" PRIx64 " %s\n", trace.id[0], trace.id[1],
                    kind->name);
        if (line_count > 90000)
            return 2;
    }
    for (size_t i = line_count; i-- > 1;) {
        size_t other = draw() % (i + 1);
        char *line = lines[i];
        lines[i] = lines[other];
        lines[other] = line;
    }
    for (size_t i = 0; i < line_count; i++)
        fputs(lines[i], stdout);
    return fclose(truth) || fflush(stdout) ? 1 : 0;
}
