/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How often trace-span diff is right: sets of traces from one distribution, whose spans depend on
 * each other and are skewed, have no finding; an operation that became slower is found and named,
 * and its callers as what follows from it. The rates are printed; those that are promised are held.
 */
#include "random.h"
#include "span/diff.h"
#include "tap.h"

#include <math.h>

/* --- A shop that makes traces */

#define OPERATIONS 8
#define CHILDREN   3

struct child {
    int operation;      /* 0: none */
    double probability; /* of the first call */
    double again;       /* of each further one */
};

static const struct {
    const char *service, *name;
    double self_us, sigma, error;
    bool concurrent;
    struct child child[CHILDREN];
} shop[OPERATIONS] = {
    {"front", "GET /", 2000, 0.4, 0.01, false, {{1, 1, 0}, {3, 0.6, 0}, {4, 1, 0}}},
    {"cart", "Get", 1000, 0.5, 0.01, false, {{2, 1, 0.5}}},
    {"db", "SELECT", 800, 1.0, 0.005, false, {{0}}},
    {"ads", "Show", 1500, 0.7, 0.03, false, {{5, 0.3, 0.3}}},
    {"checkout", "Price", 3000, 0.3, 0, true, {{6, 1, 0}, {7, 1, 0}}},
    {"cache", "GET", 200, 1.2, 0, false, {{0}}},
    {"currency", "Convert", 400, 0.3, 0, false, {{0}}},
    {"stock", "Check", 900, 0.15, 0.02, false, {{2, 1, 0}}},
};

#define STOCK 7

/* What is different in a set. */
struct world {
    double slower[OPERATIONS]; /* self times are so many times as long; 0: once */
    double drift;              /* how much the load of a trace depends on that of the one before */
    bool in_turn;              /* nobody calls at the same time */
    int extra_calls;           /* of SELECT by cart */
    double errors;             /* of stock, added */
    bool without_ads;
    double stock_spread; /* in place of the usual; 0: the usual */
    double load_spread;  /* of the logarithm of the load that all spans of a trace share; 0: 0.2 */
};

struct maker {
    struct random_source random;
    const struct world *world;
    struct tcore_trace_store *store;
    struct tcore_trace_intake *intake;
    char trace_id[33];
    unsigned spans;
    double load; /* of the trace at hand: all its spans share it */
};

static struct tcore_slice slice(const char *text)
{
    return (struct tcore_slice){text, strlen(text)};
}

static int64_t make_span(struct maker *m, int operation, unsigned parent, int64_t start_ns);

/* The children of a span; when the last of them ends. */
static int64_t make_children(struct maker *m, int operation, unsigned span, int64_t now_ns)
{
    bool concurrent = shop[operation].concurrent && !m->world->in_turn;
    int64_t end_ns = now_ns;

    for (int c = 0; c < CHILDREN && shop[operation].child[c].operation; c++) {
        const struct child *child = &shop[operation].child[c];
        int extra = operation == 1 ? m->world->extra_calls : 0;

        if (child->operation == 3 && m->world->without_ads)
            continue;
        for (double p = child->probability; random_unit(&m->random) < p || extra-- > 0;
             p = child->again) {
            int64_t ended = make_span(m, child->operation, span, concurrent ? now_ns : end_ns);

            end_ns = ended > end_ns ? ended : end_ns;
        }
    }
    return end_ns;
}

static int64_t make_span(struct maker *m, int operation, unsigned parent, int64_t start_ns)
{
    double slower = m->world->slower[operation] > 0 ? m->world->slower[operation] : 1;
    double spread = operation == STOCK && m->world->stock_spread > 0 ? m->world->stock_spread
                                                                     : shop[operation].sigma;
    double self_ns =
        1000 * m->load * slower * random_lognormal(&m->random, shop[operation].self_us, spread);
    double error = shop[operation].error + (operation == STOCK ? m->world->errors : 0);
    unsigned span = ++m->spans;
    char span_id[17], parent_id[17];
    struct tcore_error err;
    int64_t end_ns = make_children(m, operation, span, start_ns + (int64_t)(self_ns / 2));

    end_ns += (int64_t)(self_ns / 2);
    snprintf(span_id, sizeof span_id, "%016x", span);
    snprintf(parent_id, sizeof parent_id, "%016x", parent);
    struct tcore_span_given given = {
        .trace_id = m->trace_id,
        .span_id = span_id,
        .parent_id = parent ? parent_id : NULL,
        .start = tcore_value_int(start_ns),
        .end = tcore_value_int(end_ns),
        .error = random_unit(&m->random) < error * m->load,
        .kind = TCORE_SPAN_SERVER,
        .service = slice(shop[operation].service),
        .name = slice(shop[operation].name),
    };
    if (tcore_trace_intake_give(m->intake, &given, &err) != TCORE_OK)
        exit(1);
    return end_ns;
}

static void make_traces(struct maker *m, unsigned count)
{
    double before = random_normal(&m->random);
    struct tcore_trace_store_options options = {.names = true};
    struct tcore_error err;

    if (tcore_trace_store_new(&m->store, &options, &err) != TCORE_OK ||
        tcore_trace_intake_new(&m->intake, m->store, &err) != TCORE_OK)
        exit(1);
    for (unsigned t = 0; t < count; t++) {
        double drift = m->world->drift;

        before = drift * before + sqrt(1 - drift * drift) * random_normal(&m->random);
        m->load = exp((m->world->load_spread > 0 ? m->world->load_spread : 0.2) * before);
        m->spans = 0;
        snprintf(m->trace_id, sizeof m->trace_id, "%032x", t + 1);
        make_span(m, 0, 0, INT64_C(1700000000000000000) + (int64_t)t * 1000000000);
    }
    if (tcore_trace_store_seal(m->store, &err) != TCORE_OK)
        exit(1);
}

/* --- A comparison */

struct comparison {
    struct maker maker[DIFF_SIDES];
    struct diff_side side[DIFF_SIDES];
    struct diff_both both;
    struct diff_tests tests;
    size_t bytes;
};

static const char *by_fields[] = {"service", "name"};
static const struct cli_strings by = {by_fields, 2};

static void add_up(struct comparison *c, int s)
{
    struct trace_build build = {0};
    struct tcore_error err;

    if (diff_side_open(&c->side[s], &by, 0, &c->bytes, 0, &err) != TCORE_OK)
        exit(1);
    for (unsigned p = 0; p < TCORE_TRACE_PARTITIONS; p++) {
        struct tcore_trace_group group;

        if (tcore_trace_store_group(c->maker[s].store, p, &group, &err) != TCORE_OK)
            exit(1);
        for (uint32_t t = 0; t < group.trace_count; t++)
            if (trace_build(&build, c->maker[s].store, &group.traces[t], &err) != TCORE_OK ||
                diff_side_take(&c->side[s], &build, &err) != TCORE_OK)
                exit(1);
    }
    trace_build_free(&build);
}

static const struct diff_options usual = {.min_effect = 0.05, .alpha = 0.05, .fdr = 0.01};

static void compare(struct comparison *c, uint64_t seed, const struct world *base,
                    unsigned base_count, const struct world *cand, unsigned cand_count)
{
    struct tcore_error err;

    *c = (struct comparison){0};
    for (int s = 0; s < DIFF_SIDES; s++) {
        c->maker[s].random.state = seed * 2 + (uint64_t)s;
        c->maker[s].random.state = random_bits(&c->maker[s].random);
        c->maker[s].world = s ? cand : base;
        make_traces(&c->maker[s], s ? cand_count : base_count);
        add_up(c, s);
    }
    if (diff_join(&c->both, &c->side[0], c->maker[0].store, &c->side[1], c->maker[1].store, &err) !=
            TCORE_OK ||
        diff_test_all(&c->tests, &c->both, &usual, &err) != TCORE_OK ||
        diff_judge(&c->tests, &err) != TCORE_OK)
        exit(1);
}

static void end(struct comparison *c)
{
    diff_tests_free(&c->tests);
    diff_both_free(&c->both);
    for (int s = 0; s < DIFF_SIDES; s++) {
        diff_side_close(&c->side[s]);
        tcore_trace_store_free(c->maker[s].store);
    }
}

static const struct diff_test *found(const struct comparison *c, uint32_t rank)
{
    return rank < c->tests.found_count ? &c->tests.test[c->tests.found[rank]] : NULL;
}

static const char *label_of(const struct comparison *c, const struct diff_test *test)
{
    return test ? c->both.operation[c->both.joint[test->joint].child].label : "";
}

static const struct world same = {0};

/* --- Nothing changed */

struct chance {
    unsigned runs, with_findings, findings;
};

static struct chance run_by_chance(unsigned runs, unsigned least, unsigned most,
                                   const struct world *world)
{
    struct chance chance = {.runs = runs};
    struct random_source sizes = {most};

    for (unsigned i = 0; i < runs; i++) {
        struct comparison c;
        unsigned base = least + (unsigned)random_below(&sizes, most - least + 1);
        unsigned cand = least + (unsigned)random_below(&sizes, most - least + 1);

        compare(&c, 1000 + i, world, base, world, cand);
        chance.with_findings += c.tests.found_count > 0;
        chance.findings += c.tests.found_count;
        end(&c);
    }
    return chance;
}

static void print_chance(const char *what, struct chance chance)
{
    printf("# %s: %u of %u runs have a finding, %u in all\n", what, chance.with_findings,
           chance.runs, chance.findings);
}

static void test_by_chance(bool longer)
{
    static const struct world drifting = {.drift = 0.5}, drifting_more = {.drift = 0.9};
    struct chance chance = run_by_chance(longer ? 1000 : 100, 20, 300, &same);

    print_chance("20 to 300 traces a side", chance);
    ok(chance.with_findings * 100 <= chance.runs, "without a change there is no finding in 99 %%");
    chance = run_by_chance(longer ? 2000 : 200, 5, 5, &same);
    print_chance("5 traces a side", chance);
    ok(chance.with_findings * 100 <= chance.runs, "nor is there among few traces");
    chance = run_by_chance(longer ? 1000 : 100, 3, 400, &same);
    print_chance("3 to 400 traces a side", chance);
    ok(chance.with_findings * 100 <= chance.runs, "nor where one side has many more");
    print_chance("load AR(1) 0.5 from trace to trace",
                 run_by_chance(longer ? 300 : 30, 100, 100, &drifting));
    print_chance("load AR(1) 0.9 from trace to trace",
                 run_by_chance(longer ? 300 : 30, 100, 100, &drifting_more));
}

/* --- Something did */

/* spread: of the logarithms of the self times of all traces; what it is by itself and by load. */
static void test_slower(unsigned runs, double own_spread, double load_spread, bool promised)
{
    const struct world base = {.stock_spread = own_spread, .load_spread = load_spread};
    struct world slow = base;
    unsigned named = 0, first = 0, others = 0, callers = 0;

    slow.slower[STOCK] = 1.1;
    for (unsigned i = 0; i < runs; i++) {
        struct comparison c;
        bool is_named = false;

        compare(&c, 77000 + i, &base, 500, &slow, 500);
        for (uint32_t r = 0; r < c.tests.found_count; r++) {
            const struct diff_test *test = found(&c, r);
            bool is_stock = strcmp(label_of(&c, test), "stock Check") == 0;

            is_named |= is_stock && test->measure == DIFF_SELF && test->more;
            others += !is_stock && test->because == DIFF_NONE;
            callers += !is_stock && test->because != DIFF_NONE;
        }
        named += is_named;
        first += strcmp(label_of(&c, found(&c, 0)), "stock Check") == 0;
        end(&c);
    }
    printf(
        "# 10 %% slower in 500 traces, spread %.2f: named in %u of %u runs, first in %u; %u others "
        "named, %u consequences\n",
        hypot(own_spread, load_spread), named, runs, first, others, callers);
    if (!promised)
        return;
    ok(named * 100 >= 95 * runs, "an operation that is 10 %% slower is named in 95 %%");
    ok(first * 100 >= 95 * runs, "and comes first");
    ok(others * 100 <= 2 * runs, "and nothing else is blamed");
}

static void test_chain(void)
{
    static const struct world slow = {.slower = {[STOCK] = 5}};
    struct comparison c;
    unsigned followers = 0;

    compare(&c, 5, &same, 300, &slow, 200);
    for (uint32_t r = 1; r < c.tests.found_count; r++) {
        const struct diff_test *test = found(&c, r);

        followers += test->because == c.tests.found[0] && test->measure == DIFF_DURATION;
    }
    is_str(label_of(&c, found(&c, 0)), "stock Check", "what became slower itself comes first");
    ok(found(&c, 0)->measure == DIFF_SELF && found(&c, 0)->effect_ns > 1e6, "by its self time");
    is_int(c.tests.found_count, 3, "and its callers behind it");
    is_int(followers, 2, "as what follows from it");
    end(&c);
}

/* Whether there is a finding of that measure about that operation, and whether it says more. */
static void expect(const struct comparison *c, const char *label, enum diff_measure measure,
                   bool more, const char *text)
{
    bool there = false;

    for (uint32_t r = 0; r < c->tests.found_count; r++) {
        const struct diff_test *test = found(c, r);

        there |= test->measure == measure && test->more == more && test->because == DIFF_NONE &&
                 strcmp(label_of(c, test), label) == 0;
    }
    ok(there, "%s", text);
}

static void test_kinds(void)
{
    static const struct world calls = {.extra_calls = 2}, errors = {.errors = 0.15},
                              in_turn = {.in_turn = true}, no_ads = {.without_ads = true};
    struct comparison c;

    compare(&c, 21, &same, 100, &calls, 120);
    expect(&c, "db SELECT", DIFF_CALLS, true, "more calls a trace");
    end(&c);
    compare(&c, 22, &errors, 150, &same, 150);
    expect(&c, "stock Check", DIFF_ERRORS, false, "fewer errors");
    end(&c);
    compare(&c, 23, &same, 50, &in_turn, 60);
    expect(&c, "checkout Price", DIFF_CONCURRENCY, false, "calls one after the other");
    end(&c);
    compare(&c, 24, &same, 50, &no_ads, 60);
    expect(&c, "ads Show", DIFF_SHARE, false, "an operation vanished");
    for (uint32_t r = 0; r < c.tests.found_count; r++)
        if (strcmp(label_of(&c, found(&c, r)), "cache GET") == 0)
            ok(found(&c, r)->because != DIFF_NONE, "and what only it called, with it");
    end(&c);
    compare(&c, 25, &no_ads, 3, &same, 3);
    is_int(c.tests.found_count, 0, "what is in some of 3 traces and in none of 3 has not appeared");
    end(&c);
}

int main(void)
{
    const char *length = getenv("TRACECORE_TEST_LONG");
    bool longer = length && strcmp(length, "yes") == 0;

    test_by_chance(longer);
    test_slower(longer ? 200 : 20, 0.15, 0.2, true);
    for (int i = 0; i < 4 && longer; i++)
        test_slower(100, (double[]){0.1, 0.2, 0.3, 0.5}[i], 0.2, false);
    test_chain();
    test_kinds();
    return done_testing();
}
