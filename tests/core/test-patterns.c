/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shapes of traces: what does not change one, and shapes that are planted and found again. */
#include "base/sys.h"
#include "made_traces.h"
#include "random.h"
#include "span/pattern_sum.h"
#include "tap.h"

#define SPANS_MOST 64

struct made {
    struct made_span span[SPANS_MOST];
    unsigned count;
};

static void add(struct made *made, int parent, const char *service, const char *name,
                int64_t start_ns)
{
    struct made_span *span = &made->span[made->count++];
    *span = (struct made_span){
        .parent = parent, .service = service, .start_ns = start_ns, .end_ns = start_ns + 100};
    snprintf(span->name, sizeof span->name, "%s", name);
}

/* --- What changes a shape */

struct hashes {
    struct shape_labels labels;
    struct shape shape;
    struct trace_build build;
    uint64_t hash[16];
    bool broken[16];
};

static void take_hash(void *state, const struct made_store *made, struct tcore_stored_trace *trace)
{
    struct hashes *hashes = state;
    struct tcore_error err;
    uint64_t number = trace->spans[0]->trace_id[1];
    trace_build_tree(&hashes->build, made->store, trace, &err);
    if (shape_find(&hashes->shape, &hashes->labels, &hashes->build, &err) != TCORE_OK)
        return;
    hashes->hash[number] = hashes->shape.hash;
    hashes->broken[number] = hashes->shape.broken;
}

static void test_shapes(void)
{
    static struct made shapes[] = {
        [1] = {{{-1, "a", "GET /1", 0, 9, 0, 0, 0, ""},
                {0, "b", "x", 1, 2, 0, 0, 0, ""},
                {0, "c", "y", 3, 4, 0, 0, 0, ""}},
               3},
        /* the other order, and another number */
        [2] = {{{-1, "a", "GET /2", 0, 9, 0, 0, 0, ""},
                {0, "c", "y", 1, 2, 0, 0, 0, ""},
                {0, "b", "x", 3, 4, 0, 0, 0, ""}},
               3},
        /* repeated */
        [3] = {{{-1, "a", "GET /3", 0, 9, 0, 0, 0, ""},
                {0, "b", "x", 1, 2, 0, 0, 0, ""},
                {0, "b", "x", 2, 3, 0, 0, 0, ""},
                {0, "c", "y", 3, 4, 0, 0, 0, ""}},
               4},
        /* below each other */
        [4] = {{{-1, "a", "GET /1", 0, 9, 0, 0, 0, ""},
                {0, "b", "x", 1, 5, 0, 0, 0, ""},
                {1, "c", "y", 3, 4, 0, 0, 0, ""}},
               3},
        /* of another service */
        [5] = {{{-1, "a", "GET /1", 0, 9, 0, 0, 0, ""},
                {0, "d", "x", 1, 2, 0, 0, 0, ""},
                {0, "c", "y", 3, 4, 0, 0, 0, ""}},
               3},
        /* a span is missing */
        [6] = {{{-1, "a", "GET /1", 0, 9, 0, 0, 0, ""}, {-2, "b", "x", 1, 2, 0, 0, 0, ""}}, 2},
    };
    struct hashes hashes = {0};
    struct made_store made;
    struct tcore_error err;
    made_open(&made);
    shape_labels_open(&hashes.labels, &err);
    for (unsigned t = 1; t <= 6; t++)
        for (unsigned i = 0; i < shapes[t].count; i++)
            made_give(&made, t, shapes[t].span, i);
    made_visit(&made, take_hash, &hashes);
    is_int(made.bad, 0, "traces");
    ok(hashes.hash[1] && hashes.hash[2] == hashes.hash[1], "neither order nor numbers count");
    ok(hashes.hash[3] == hashes.hash[1], "nor how often");
    ok(hashes.hash[4] != hashes.hash[1], "what is below counts");
    ok(hashes.hash[5] != hashes.hash[1], "and the service");
    ok(!hashes.broken[1] && hashes.broken[6], "a trace without a span is known");
    is_int((int64_t)(hashes.hash[1] >> 1), 2489139535607384255, "the hash is the same for ever");
    shape_labels_close(&hashes.labels);
    shape_free(&hashes.shape);
    trace_build_free(&hashes.build);
    tcore_trace_store_free(made.store);
}

/* --- Planted shapes */

#define SHAPES 12

/* Shape k: a tree of 7 to 16 operations; those of one entry differ by a third or more. */
static void plant(struct made *shape, unsigned k, struct random_source *random)
{
    static const char *const services[] = {"front", "cart", "stock", "user", "pay", "mail"};
    unsigned spans = 7 + (unsigned)random_below(random, 10);
    char name[32];
    shape->count = 0;
    snprintf(name, sizeof name, "GET /page.%c", 'a' + k / 2); /* two shapes share each entry */
    add(shape, -1, "front", name, 0);
    for (unsigned i = 1; i < spans; i++) {
        int parent = (int)random_below(random, i < 3 ? i : 3 + (i - 3) / 2 + 1);
        snprintf(name, sizeof name, "op.%c%c", 'a' + k, 'a' + i);
        add(shape, parent >= (int)i ? (int)i - 1 : parent, services[random_below(random, 6)], name,
            10 * i);
    }
}

/* A trace of a shape, with noise: repeated siblings, and spans that are missing. */
static void vary(const struct made *shape, struct made *trace, struct random_source *random)
{
    int place[SPANS_MOST];
    int lost = random_unit(random) < 0.3 ? (int)random_below(random, shape->count) : -1;
    trace->count = 0;
    for (unsigned i = 0; i < shape->count; i++) {
        int parent = shape->span[i].parent;
        unsigned copies =
            i && random_unit(random) < 0.3 ? 2 + (unsigned)random_below(random, 3) : 1;
        if ((int)i == lost) {
            place[i] = -2;
            continue;
        }
        parent = parent == -1 ? -1 : place[parent];
        place[i] = (int)trace->count;
        for (unsigned n = 0; n < copies && trace->count < SPANS_MOST; n++)
            add(trace, parent, shape->span[i].service, shape->span[i].name,
                (int64_t)random_below(random, 1000));
    }
}

struct found {
    struct pattern_sum sum;
    struct trace_build build;
};

static void take(void *state, const struct made_store *made, struct tcore_stored_trace *trace)
{
    struct found *found = state;
    struct tcore_error err;
    trace_build_tree(&found->build, made->store, trace, &err);
    if (pattern_sum_take(&found->sum, &found->build, &err) != TCORE_OK)
        printf("# %s\n", err.text);
}

static void test_planted(uint64_t seed)
{
    enum { EACH = 200 };
    static struct made shapes[SHAPES], trace;
    struct random_source random = {seed};
    struct found found = {0};
    struct made_store made;
    struct tcore_error err;
    struct pattern **patterns = NULL;
    size_t count = 0;
    unsigned right = 0;
    made_open(&made);
    pattern_sum_open(&found.sum, &err);
    for (unsigned k = 0; k < SHAPES; k++)
        plant(&shapes[k], k, &random);
    for (unsigned t = 0; t < SHAPES * EACH; t++) {
        vary(&shapes[t % SHAPES], &trace, &random);
        for (unsigned i = 0; i < trace.count; i++)
            made_give(&made, t + 1, trace.span, i);
    }
    made_visit(&made, take, &found);
    is_int(made.bad, 0, "seed %" PRIu64 ": traces", seed);
    ok(found.sum.map.count > 2 * SHAPES, "%u shapes", found.sum.map.count);
    is_int(pattern_cluster(&found.sum, 0.7, &patterns, &count, &err), TCORE_OK, "patterns");
    is_int((int64_t)count, SHAPES, "as many as were planted");
    for (size_t i = 0; i < count; i++)
        right += patterns[i]->cell.count == (uint64_t)EACH * TCORE_WEIGHT_ONE;
    is_int(right, SHAPES, "each with its traces");
    tcore_free(patterns);
    pattern_sum_close(&found.sum);
    trace_build_free(&found.build);
    tcore_trace_store_free(made.store);
}

int main(void)
{
    test_shapes();
    for (uint64_t seed = 1; seed <= 5; seed++)
        test_planted(seed);
    return done_testing();
}
