/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sums over sampled traces, weighted by their adjusted counts, have no bias: the same traces are
 * sampled with many different randomnesses, and the mean of what is estimated has to be what is so,
 * by its own standard error.
 */
#include "tap.h"

#include "cli/sampling.h"
#include "span/sample.h"
#include "stats/row.h"

#include <math.h>

enum { TRACES = 300, SEEDS = 400, SUMS = 4 };

static const char *const sum_names[SUMS] = {"count", "duration", "errors", "of one service"};

static const struct {
    const char *name, *policy;
    bool before; /* some traces come with a threshold of their own */
} cases[] = {
    {"head", "sampling: {head: 10%}", false},
    {"head behind other sampling", "sampling: {head: 30%}", true},
    {"probability", "sampling: {tail: [{probability: 20%}]}", false},
    {"errors and slow ones",
     "sampling: {tail: [{keep: errors}, {keep: slower_than, value: 800ms}, "
     "{probability: 5%}]}",
     false},
    {"where",
     "sampling: {tail: [{where: '.service == \"a\"', probability: 50%, last: true}, "
     "{probability: 10%}]}",
     false},
    {"rate", "sampling: {tail: [{rate: 5 per second}]}", false},
    {"rate behind other sampling", "sampling: {tail: [{rate: 5 per second}]}", true},
    {"errors and rate", "sampling: {tail: [{keep: errors}, {rate: 3 per second}]}", false},
    {"rate and errors", "sampling: {tail: [{rate: 3 per second}, {keep: errors}]}", false},
    {"two rates", "sampling: {tail: [{keep: errors, rate: 1 per second}, {rate: 8 per 3s}]}",
     false},
    {"shapes", "sampling: {tail: [{shapes: {first: 2, every: 5s, then: 10%}}]}", false},
    {"not",
     "sampling: {tail: [{not: {keep: errors}, probability: 10%, last: true}, "
     "{rate: 1 per second}]}",
     false},
    {"a mix",
     "sampling: {head: 60%, tail: [{keep: errors}, {any: [{keep: slower_than, value: "
     "500ms}, {where: '.service == \"a\"'}], rate: 2 per second}, {shapes: {first: 1, "
     "every: 10s, then: 20%}}, {rate: 4 per 2s}]}",
     true},
};

struct trace {
    struct sample_facts facts;
    struct sample_decision decision;
    uint64_t before; /* threshold */
    double sums[SUMS];
};

static uint64_t next_random(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void make_traces(struct trace *traces, bool before)
{
    uint64_t state = 7;
    for (size_t i = 0; i < TRACES; i++) {
        int64_t duration = (int64_t)(next_random(&state) % 1000) * 1000000;
        bool error = next_random(&state) % 20 == 0, service = next_random(&state) % 4 == 0;
        traces[i] = (struct trace){
            .facts = {.start_ns = (int64_t)i * 50000000,
                      .spans = 1,
                      .errors = error,
                      .where = service,
                      .shape = next_random(&state) % 9},
            .before = before && i % 3 ? tcore_trace_state_threshold(i % 3 == 1 ? 0.5 : 0.25) : 0,
            .sums = {1, (double)duration, error, service}};
        traces[i].facts.end_ns = traces[i].facts.start_ns + duration;
    }
}

/* What trace-agg would count the trace for, by the state that is written. */
static double count_of(uint64_t threshold)
{
    struct tcore_buf state = {0};
    const struct tcore_slice none = {"", 0};
    bool bad;
    tcore_trace_state_write(&state, &none, threshold);
    const struct tcore_value value = tcore_value_string(state.data, state.length);
    const struct tcore_column column = {.form = TCORE_COLUMN_CONSTANT, .values = &value};
    double count = tcore_units_to_count(tcore_row_span_weight(&column, 0, &bad));
    tcore_buf_free(&state);
    return bad ? NAN : count;
}

static void ignore(void *state, void *owner)
{
    (void)state;
    (void)owner;
}

/* One sample of the traces: adds up what it says of the sums. */
static bool estimate(struct trace *traces, const struct cli_sampling *sampling, uint64_t seed,
                     double sums[SUMS])
{
    struct sample_rules *rules;
    struct tcore_error err;
    uint64_t head = tcore_trace_state_threshold(sampling->head);
    if (sample_rules_new(&rules, sampling, ignore, NULL, &err) != TCORE_OK)
        return false;
    for (size_t i = 0; i < TRACES; i++) {
        struct trace *t = &traces[i];
        t->facts.randomness = next_random(&seed) >> 8;
        if (t->facts.randomness >= t->before && t->facts.randomness >= head &&
            sample_rules_decide(rules, &t->facts, &t->decision, t, &err) != TCORE_OK)
            return false;
    }
    sample_rules_close(rules, INT64_MAX);
    memset(sums, 0, SUMS * sizeof *sums);
    for (size_t i = 0; i < TRACES; i++) {
        struct trace *t = &traces[i];
        uint64_t threshold = t->decision.threshold;
        threshold = threshold > head ? threshold : head;
        threshold = threshold > t->before ? threshold : t->before;
        if (t->facts.randomness < head || t->facts.randomness < t->before ||
            t->facts.randomness < threshold)
            continue;
        for (size_t k = 0; k < SUMS; k++)
            sums[k] += t->sums[k] * count_of(threshold);
    }
    sample_rules_free(rules);
    return true;
}

static void test_bias(size_t number)
{
    static struct trace traces[TRACES];
    struct tcore_arena arena = {0};
    struct tcore_buf problems = {0};
    struct tcore_error err = {0};
    struct cli_sampling sampling = {.head = 1};
    struct cli_schema p = {.name = "p", .arena = &arena, .problems = &problems, .err = &err};
    const char *text = cases[number].policy;
    double mean[SUMS] = {0}, squares[SUMS] = {0}, wanted[SUMS] = {0};
    if (!ok(cli_sampling_read_policy(&p, text, strlen(text), NULL, &sampling) == TCORE_OK, "%s",
            cases[number].name))
        printf("# %.*s%s\n", (int)problems.length, problems.data ? problems.data : "", err.text);
    make_traces(traces, cases[number].before);
    bool done = true;
    for (uint64_t seed = 1; seed <= SEEDS && done; seed++) {
        double sums[SUMS];
        done = estimate(traces, &sampling, seed << 32, sums);
        for (size_t k = 0; k < SUMS; k++) {
            mean[k] += sums[k] / SEEDS;
            squares[k] += sums[k] * sums[k] / SEEDS;
        }
    }
    ok(done, "sampled");
    for (size_t i = 0; i < TRACES; i++)
        for (size_t k = 0; k < SUMS; k++)
            wanted[k] += traces[i].sums[k];
    for (size_t k = 0; k < SUMS; k++) {
        double variance = squares[k] - mean[k] * mean[k];
        double error = sqrt((variance > 0 ? variance : 0) / SEEDS) + 1e-4 * wanted[k] / SEEDS;
        double z = (mean[k] - wanted[k]) / error;
        ok(fabs(z) < 3.5, "%s, %s: bias %+.2f standard errors of %.2f %%", cases[number].name,
           sum_names[k], z, 100 * error / wanted[k]);
    }
    tcore_arena_free(&arena);
    tcore_buf_free(&problems);
}

static const struct {
    const char *policy, *problems;
} bad[] = {
    {"sampling: {had: 0.1}", "p:1:12: unknown key 'had': did you mean head?\n"},
    {"samplin: {}", "p:1:1: unknown key 'samplin': did you mean sampling?\n"},
    {"sampling:\n  tail:\n    - {rates: 5 per second}\n",
     "p:3:8: unknown key 'rates': did you mean rate?\n"},
    {"sampling: {tail: [{probability: 0}]}",
     "p:1:33: probability must be more than 0 (drop: true keeps none)\n"},
    {"sampling: {tail: [{where: '.a ==='}]}", NULL},
    {"sampling: {tail: [{any: []}]}", "p:1:25: any is empty\n"},
    {"sampling: {tail: [{not: {rate: 5 per second}}]}", NULL},
    {"sampling: {tail: [{shapes: {first: 1}}]}",
     "p:1:28: shapes has first, every and then, each more than 0 (shapes: {first: 5, every: 1m, "
     "then: 1%})\n"},
    {"version: 2\nsampling: {}", "p:1:10: version must be 1\n"},
};

static void test_bad(size_t number)
{
    struct tcore_arena arena = {0};
    struct tcore_buf problems = {0};
    struct tcore_error err = {0};
    struct cli_sampling sampling = {.head = 1};
    struct cli_schema p = {.name = "p", .arena = &arena, .problems = &problems, .err = &err};
    const char *text = bad[number].policy;
    is_int(cli_sampling_read_policy(&p, text, strlen(text), NULL, &sampling), TCORE_BAD_INPUT,
           "refused: %s", text);
    if (bad[number].problems)
        is_mem(problems.data, problems.length, bad[number].problems, strlen(bad[number].problems),
               "with its place");
    tcore_arena_free(&arena);
    tcore_buf_free(&problems);
}

int main(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        test_bias(i);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        test_bad(i);
    return done_testing();
}
