/* SPDX-License-Identifier: GPL-3.0-or-later */
/* First causes of failed traces, where they are known: traces are made up with a cause, what
 * follows from it, and what else fails. Fingerprints of stacks. */
#include "made_traces.h"
#include "random.h"
#include "span/error_groups.h"
#include "tap.h"

#define SPANS_MOST 400

/* --- A trace with a cause */

struct world {
    struct random_source random;
    struct made_span span[SPANS_MOST];
    bool dropped[SPANS_MOST]; /* never came about */
    unsigned count;
    unsigned cause;
};

static bool chance(struct world *world, double share)
{
    return random_unit(&world->random) < share;
}

/* Appends a span; its number, or that of the last one if there are enough. */
static unsigned add(struct world *world, int parent, int64_t start_ns, int64_t end_ns)
{
    static const char *const services[] = {"front", "cart", "stock", "user", "pay", "mail"};
    unsigned number = world->count < SPANS_MOST - 1 ? world->count++ : SPANS_MOST - 1;
    struct made_span *span = &world->span[number];
    *span = (struct made_span){.parent = parent,
                               .service = services[random_below(&world->random, 6)],
                               .start_ns = start_ns,
                               .end_ns = end_ns,
                               .kind = TCORE_SPAN_INTERNAL};
    snprintf(span->name, sizeof span->name, "op.%c%c", 'a' + number / 20, 'a' + number % 20);
    return number;
}

/* A tree of calls below a span, one after the other or at once. */
static void grow(struct world *world, unsigned above, unsigned depth)
{
    unsigned children = (unsigned)random_below(&world->random, depth ? 4 : 3) + !depth;
    int64_t start = world->span[above].start_ns + 1000;
    int64_t room = world->span[above].end_ns - start - 1000;
    bool at_once = chance(world, 0.3);
    if (depth == 5 || room < 20000)
        return;
    for (unsigned i = 0; i < children; i++) {
        int64_t part = room / children;
        int64_t from = at_once ? start + (int64_t)i * 10 : start + part * i;
        unsigned child =
            add(world, (int)above, from, from + (at_once ? room - 5000 * i : part) - 500);
        if (world->count < SPANS_MOST / 2)
            grow(world, child, depth + 1);
    }
}

static void fail(struct world *world, unsigned span, const char *type, const char *message)
{
    world->span[span].error = true;
    world->span[span].type = type;
    snprintf(world->span[span].message, sizeof world->span[span].message, "%s", message);
}

/* A call like another one, beside it. */
static unsigned repeat(struct world *world, unsigned span, int64_t start_ns, int64_t end_ns)
{
    unsigned copy = add(world, world->span[span].parent, start_ns, end_ns);
    world->span[copy].service = world->span[span].service;
    memcpy(world->span[copy].name, world->span[span].name, sizeof world->span[span].name);
    return copy;
}

/* A caller that gives up at once: what it would have begun after the span does not come about. */
static void give_up(struct world *world, unsigned span)
{
    struct made_span *above = &world->span[world->span[span].parent];
    for (unsigned i = 0; i < world->count; i++)
        if (world->span[i].parent == world->span[span].parent &&
            world->span[i].start_ns >= world->span[span].end_ns)
            world->dropped[i] = true;
    above->end_ns = world->span[span].end_ns + 500;
}

/* What its ancestors say: the message handed up, another one, or none. */
static void fail_above(struct world *world, unsigned cause)
{
    const char *message = world->span[cause].message;
    bool silent = false; /* one at most lets its error pass without saying so */
    for (int below = (int)cause, at; (at = world->span[below].parent) >= 0; below = at) {
        struct made_span *span = &world->span[at];
        if (chance(world, 0.7))
            give_up(world, (unsigned)below);
        double what = random_unit(&world->random);
        char wrapped[100];
        snprintf(wrapped, sizeof wrapped, "call failed: %.70s", message);
        if (!silent && span->parent >= 0 && at != world->span[cause].parent && what < 0.05) {
            silent = true;
            continue;
        }
        fail(world, (unsigned)at, silent || what < 0.4 ? "503" : "500",
             what < 0.5 || silent ? wrapped
             : what < 0.8         ? "internal error"
                                  : "");
    }
}

/* What fails besides and is not what it came from. */
static void add_decoys(struct world *world)
{
    const struct made_span cause = world->span[world->cause];
    unsigned spans = world->count;
    for (unsigned i = 0; i < spans && world->count < SPANS_MOST - 8; i++) {
        struct made_span *span = &world->span[i];
        int64_t length = span->end_ns - span->start_ns;
        if (!span->error && chance(world, 0.1)) { /* its caller does without it */
            unsigned leaf = add(world, (int)i, span->start_ns + 10, span->start_ns + length / 3);
            fail(world, leaf, "timeout", "cache is away");
        }
        if (span->error && i != world->cause && chance(world, 0.1)) { /* tried again */
            unsigned leaf = add(world, (int)i, span->start_ns + 10, span->start_ns + length / 10);
            fail(world, leaf, "timeout", "connection reset");
            repeat(world, leaf, span->start_ns + length / 9, span->start_ns + length / 8);
        }
        if (span->error && i != world->cause && chance(world, 0.03)) { /* just not important */
            unsigned leaf = add(world, (int)i, span->start_ns + 10, span->start_ns + length / 10);
            fail(world, leaf, "timeout", "no advertisement");
        }
    }
    if (chance(world, 0.3)) { /* what was called off then */
        unsigned later = add(world, cause.parent, cause.start_ns, cause.end_ns + 100);
        fail(world, later, "canceled", "context canceled");
    }
    if (chance(world, 0.2)) { /* tried again in vain */
        int64_t end = world->span[cause.parent].end_ns;
        unsigned again =
            repeat(world, world->cause, cause.end_ns + (end - cause.end_ns) / 3, end - 1);
        fail(world, again, "refused", cause.message);
    }
}

static void make_trace(struct world *world)
{
    world->count = 0;
    memset(world->dropped, 0, sizeof world->dropped);
    add(world, -1, 0, 1000000000);
    grow(world, 0, 0);
    world->cause = 1 + (unsigned)random_below(&world->random, world->count - 1);
    fail(world, world->cause, "refused", "connection refused by 10.0.0.7:5432");
    fail_above(world, world->cause);
    if (world->span[world->cause].parent >= 0 &&
        !world->span[world->span[world->cause].parent].error)
        fail(world, (unsigned)world->span[world->cause].parent, "500", "");
    for (unsigned i = 1; i < world->count; i++)
        world->dropped[i] |= world->dropped[world->span[i].parent];
    add_decoys(world);
    for (unsigned i = 1; i < world->count; i++)
        world->dropped[i] |= world->dropped[world->span[i].parent];
    if (chance(world, 0.2)) { /* clocks that disagree */
        int64_t off = (int64_t)random_below(&world->random, 4000) - 2000;
        const char *service = world->span[random_below(&world->random, world->count)].service;
        for (unsigned i = 0; i < world->count; i++)
            if (world->span[i].service == service) {
                world->span[i].start_ns += off;
                world->span[i].end_ns += off;
            }
    }
}

/* --- Which cause is found */

struct check {
    struct trace_build build;
    const char (*wanted)[32]; /* by trace: the cause's name */
    unsigned right, wrong, none, traces;
};

static void visit(void *state, const struct made_store *made, struct tcore_stored_trace *trace)
{
    static const char *by[] = {"name"};
    struct check *check = state;
    const struct cli_strings names = {by, 1};
    struct error_groups groups;
    struct error_logs logs = {0};
    struct tcore_error err;
    char wanted[64];
    unsigned right = 0, all = 0;
    trace_build_tree(&check->build, made->store, trace, &err);
    error_groups_open(&groups, &names, 0, &err);
    if (error_groups_take(&groups, &check->build, &logs, &err) != TCORE_OK)
        printf("# %s\n", err.text);
    snprintf(wanted, sizeof wanted, "{\"name\":\"%s\"}",
             check->wanted[trace->spans[0]->trace_id[1]]);
    for (uint32_t g = 0; g < groups.map.count; g++) {
        all += groups.group[g].failed_traces != 0;
        right += groups.group[g].failed_traces && !strcmp(groups.map.keys[g].data, wanted);
    }
    check->right += right && all == 1;
    check->wrong += all && !right;
    check->none += !all;
    check->traces++;
    error_groups_close(&groups);
}

static void test_causes(uint64_t seed)
{
    enum { TRACES = 2000 };
    static char wanted[TRACES + 1][32];
    static struct world world;
    struct check check = {.wanted = (const char(*)[32])wanted};
    struct made_store made;
    world.random.state = seed;
    made_open(&made);
    for (unsigned t = 1; t <= TRACES; t++) {
        make_trace(&world);
        memcpy(wanted[t], world.span[world.cause].name, sizeof wanted[t]);
        for (unsigned i = 0; i < world.count; i++)
            if (!world.dropped[i])
                made_give(&made, t, world.span, i);
    }
    made_visit(&made, visit, &check);
    is_int(made.bad, 0, "seed %" PRIu64 ": traces are made", seed);
    is_int(check.traces, TRACES, "all of them");
    is_int(check.none, 0, "each has a cause");
    ok(check.right >= TRACES * 95 / 100, "the right one in %.1f %%", check.right * 100.0 / TRACES);
    trace_build_free(&check.build);
    tcore_trace_store_free(made.store);
}

/* --- Stacks */

static const struct {
    const char *what, *a, *b;
    bool same;
    const char *frame;
} stacks[] = {
    {"Java, other lines and messages",
     "java.io.IOException: no 7\n\tat a.B.c(B.java:10)\n\tat d.E.f(E.java:20)\n",
     "java.io.IOException: no 8 at all\n\tat a.B.c(B.java:11)\n\tat d.E.f(E.java:21)\n", true,
     "at a.B.c(B.java)"},
    {"Java, another frame", "x: y\n\tat a.B.c(B.java:10)\n", "x: y\n\tat a.B.d(B.java:10)\n", false,
     "at a.B.c(B.java)"},
    {"Java, another cause's type",
     "x: y\n\tat a.B.c(B.java:1)\nCaused by: p.Q: z\n\tat e.F.g(F.java:2)\n",
     "x: y\n\tat a.B.c(B.java:1)\nCaused by: p.R: z\n\tat e.F.g(F.java:2)\n", false,
     "at a.B.c(B.java)"},
    {"Java, another cause's message",
     "x: y\n\tat a.B.c(B.java:1)\nCaused by: p.Q: z\n\tat e.F.g(F.java:2)\n",
     "x: y\n\tat a.B.c(B.java:1)\nCaused by: p.Q: u\n\tat e.F.g(F.java:2)\n", true,
     "at a.B.c(B.java)"},
    {"Python, the innermost frame is the last",
     "Traceback (most recent call last):\n  File \"/a.py\", line 3, in f\n    g()\n  File "
     "\"/b.py\", "
     "line 9, in g\n    h()\nValueError: 7\n",
     "Traceback (most recent call last):\n  File \"/a.py\", line 4, in f\n    g()\n  File "
     "\"/b.py\", "
     "line 12, in g\n    h()\nValueError: 8\n",
     true, "File \"/b.py\", in g"},
    {"JavaScript", "TypeError: x\n    at f (/srv/a.js:10:5)\n",
     "TypeError: y\n    at f (/srv/a.js:11:9)\n", true, "at f (/srv/a.js)"},
    {"Go, arguments are values",
     "goroutine 7 [running]:\nmain.f(0xc000012, 0x7)\n\t/srv/a.go:10 +0x1d\n",
     "goroutine 9 [running]:\nmain.f(0xc0000ff, 0x9)\n\t/srv/a.go:11 +0x2d\n", true, "main.f()"},
    {"addresses", "#0 0x7f12 in f a.c:10\n", "#0 0x7fff in f a.c:12\n", true, "#  in f a.c"},
    {"no frames", "nothing", "nothing", true, ""},
};

static void test_stacks(void)
{
    for (size_t i = 0; i < sizeof stacks / sizeof *stacks; i++) {
        struct tcore_buf frame = {0};
        uint64_t a =
            error_stack_fingerprint((struct tcore_slice){stacks[i].a, strlen(stacks[i].a)}, &frame);
        uint64_t b =
            error_stack_fingerprint((struct tcore_slice){stacks[i].b, strlen(stacks[i].b)}, NULL);
        ok((a == b) == stacks[i].same, "%s", stacks[i].what);
        tcore_buf_putc(&frame, 0);
        is_str(frame.data, stacks[i].frame, "and the frame");
        tcore_buf_free(&frame);
    }
    is_int(error_stack_fingerprint((struct tcore_slice){"nothing", 7}, NULL), 0, "no fingerprint");
}

int main(void)
{
    test_stacks();
    for (uint64_t seed = 1; seed <= 3; seed++)
        test_causes(seed);
    return done_testing();
}
