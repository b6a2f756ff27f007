/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rules of a policy on complete traces.
 *
 * A rate of k traces a window is a bottom-k sample: of all that came in the window those k of the
 * greatest R are kept, and T is just above the R of the one behind them. So what a trace stands for
 * does not depend on its own R, and sums weighted by it are without bias; and it is what one T
 * would have kept, so that it can be told in the trace state. Source: E. Cohen, H. Kaplan,
 * "Summarizing data using bottom-k sketches", PODC 2007.
 */
#include <config.h>

#include "span/sample.h"

#include "base/map.h"
#include "base/sys.h"

#include <string.h>

enum { REMEMBERED = 65536 }; /* closed windows whose threshold late traces go by, about */

struct candidate {
    uint64_t randomness;
    void *owner;
    struct sample_decision *decision;
};

/* A rate in one window. */
struct reservoir {
    uint32_t rule;
    bool closed;
    int64_t end_ns;
    uint64_t threshold;     /* once closed */
    struct candidate *heap; /* the least R first; owned */
    size_t count, capacity;
};

/* The shapes that a rule has met in a window and the one behind it. */
struct shapes {
    struct tcore_map map; /* of end of window and shape */
    uint32_t *seen;       /* by number: traces; owned */
    size_t capacity;
    int64_t base_ns; /* the end of the first of both windows */
};

struct sample_rules {
    const struct cli_sampling *sampling;
    void (*settled)(void *state, void *owner);
    void *state;
    struct tcore_map windows;     /* of rule and end of window */
    struct reservoir **reservoir; /* by number in windows; owned, each and all */
    size_t capacity, open;
    struct shapes *shapes; /* by rule; owned */
};

enum tcore_status sample_rules_new(struct sample_rules **rules, const struct cli_sampling *sampling,
                                   void (*settled)(void *state, void *owner), void *state,
                                   struct tcore_error *err)
{
    struct sample_rules *r = *rules = tcore_calloc(1, sizeof *r);
    if (!r)
        return tcore_error_nomem(err);
    *r = (struct sample_rules){.sampling = sampling, .settled = settled, .state = state};
    r->shapes = tcore_calloc(sampling->count + 1, sizeof *r->shapes);
    bool random = r->shapes && !tcore_map_init(&r->windows);
    for (size_t i = 0; i < sampling->count && random; i++)
        random = !tcore_map_init(&r->shapes[i].map);
    if (random)
        return TCORE_OK;
    sample_rules_free(r);
    *rules = NULL;
    return tcore_error_nomem(err);
}

static void free_reservoir(struct reservoir *reservoir)
{
    if (reservoir)
        tcore_free(reservoir->heap);
    tcore_free(reservoir);
}

void sample_rules_free(struct sample_rules *rules)
{
    if (!rules)
        return;
    for (uint32_t i = 0; i < rules->windows.count; i++)
        free_reservoir(rules->reservoir[i]);
    tcore_free(rules->reservoir);
    for (size_t i = 0; rules->shapes && i < rules->sampling->count; i++) {
        tcore_map_free(&rules->shapes[i].map);
        tcore_free(rules->shapes[i].seen);
    }
    tcore_free(rules->shapes);
    tcore_map_free(&rules->windows);
    tcore_free(rules);
}

/* The end of the window that a trace is in, by its start; those without times are in one. */
static int64_t window_end(const struct sample_facts *facts, int64_t per_ns)
{
    int64_t start = facts->start_ns <= facts->end_ns ? facts->start_ns : 0, end;
    int64_t inside = start % per_ns;
    if (__builtin_add_overflow(start - inside - (inside < 0 ? per_ns : 0), per_ns, &end))
        return INT64_MAX;
    return end;
}

/* --- Conditions */

static bool is_met(const struct cli_sampling_condition *c, const struct sample_facts *facts)
{
    size_t met = 0;
    switch (c->kind) {
    case CLI_SAMPLING_ERRORS:
        return facts->errors;
    case CLI_SAMPLING_SLOWER_THAN:
        return facts->start_ns <= facts->end_ns && facts->end_ns - facts->start_ns > c->value_ns;
    case CLI_SAMPLING_WHERE:
        return facts->where >> c->where & 1;
    case CLI_SAMPLING_NOT:
    case CLI_SAMPLING_ANY:
    case CLI_SAMPLING_ALL:
        break;
    }
    for (size_t i = 0; i < c->count; i++)
        met += is_met(&c->item[i], facts);
    return c->kind == CLI_SAMPLING_ALL ? met == c->count : !met == (c->kind == CLI_SAMPLING_NOT);
}

/* --- Rates */

static void swap(struct candidate *a, struct candidate *b)
{
    struct candidate c = *a;
    *a = *b;
    *b = c;
}

static void sift_down(struct reservoir *r)
{
    for (size_t i = 0, child; (child = 2 * i + 1) < r->count; i = child) {
        if (child + 1 < r->count && r->heap[child + 1].randomness < r->heap[child].randomness)
            child++;
        if (r->heap[i].randomness <= r->heap[child].randomness)
            return;
        swap(&r->heap[i], &r->heap[child]);
    }
}

static struct candidate pop(struct reservoir *r)
{
    struct candidate least = r->heap[0];
    r->heap[0] = r->heap[--r->count];
    sift_down(r);
    return least;
}

static bool push(struct reservoir *r, const struct candidate *candidate)
{
    if (r->count == r->capacity) {
        size_t capacity = r->capacity ? 2 * r->capacity : 8;
        struct candidate *heap = tcore_reallocarray(r->heap, capacity, sizeof *heap);
        if (!heap)
            return false;
        r->heap = heap;
        r->capacity = capacity;
    }
    size_t i = r->count++;
    r->heap[i] = *candidate;
    for (; i && r->heap[i].randomness < r->heap[(i - 1) / 2].randomness; i = (i - 1) / 2)
        swap(&r->heap[i], &r->heap[(i - 1) / 2]);
    return true;
}

static void consider(struct sample_decision *decision, uint32_t rule, uint64_t threshold)
{
    if (threshold < decision->threshold || decision->rule == SAMPLE_NO_RULE) {
        decision->threshold = threshold;
        decision->rule = rule;
    }
}

/* A rate has come to its end for a trace, or is beyond it: threshold is above its R then. */
static void settle(struct sample_rules *rules, uint32_t rule, const struct candidate *c,
                   uint64_t threshold)
{
    consider(c->decision, rule, threshold);
    if (!--c->decision->pending)
        rules->settled(rules->state, c->owner);
}

/* What is closed is forgotten when it is much. */
static bool forget_windows(struct sample_rules *rules)
{
    struct reservoir **kept = tcore_reallocarray(NULL, rules->open + 1, sizeof *kept);
    size_t count = 0;
    if (!kept)
        return false;
    for (uint32_t i = 0; i < rules->windows.count; i++) {
        if (rules->reservoir[i]->closed)
            free_reservoir(rules->reservoir[i]);
        else
            kept[count++] = rules->reservoir[i];
    }
    tcore_map_clear(&rules->windows);
    for (size_t i = 0; i < count; i++) {
        const int64_t key[] = {kept[i]->rule, kept[i]->end_ns};
        uint32_t number = tcore_map_intern(&rules->windows, key, sizeof key, NULL);
        rules->reservoir[number == TCORE_MAP_NONE ? i : number] = kept[i];
    }
    tcore_free(kept);
    return true;
}

static struct reservoir *reservoir_of(struct sample_rules *rules, uint32_t rule, int64_t end_ns)
{
    const int64_t key[] = {rule, end_ns};
    bool added;
    if (rules->windows.count >= rules->open + REMEMBERED && !forget_windows(rules))
        return NULL;
    if (rules->windows.count + 1 > rules->capacity) {
        size_t capacity = rules->capacity ? 2 * rules->capacity : 64;
        struct reservoir **list = tcore_reallocarray(rules->reservoir, capacity, sizeof *list);
        if (!list)
            return NULL;
        rules->reservoir = list;
        rules->capacity = capacity;
    }
    uint32_t found = tcore_map_find(&rules->windows, key, sizeof key);
    if (found != TCORE_MAP_NONE)
        return rules->reservoir[found];
    struct reservoir *reservoir = tcore_calloc(1, sizeof *reservoir);
    uint32_t number =
        reservoir ? tcore_map_intern(&rules->windows, key, sizeof key, &added) : TCORE_MAP_NONE;
    if (number == TCORE_MAP_NONE) {
        tcore_free(reservoir);
        return NULL;
    }
    *reservoir = (struct reservoir){.rule = rule, .end_ns = end_ns};
    rules->open++;
    return rules->reservoir[number] = reservoir;
}

static bool enter(struct sample_rules *rules, uint32_t rule, const struct sample_facts *facts,
                  struct sample_decision *decision, void *owner)
{
    const struct cli_sampling_rule *rate = &rules->sampling->rule[rule];
    struct reservoir *r = reservoir_of(rules, rule, window_end(facts, rate->per_ns));
    const struct candidate candidate = {facts->randomness, owner, decision};
    if (!r)
        return false;
    if (r->closed) {
        consider(decision, rule, r->threshold);
        return true;
    }
    if (!push(r, &candidate))
        return false;
    decision->pending++;
    /* one more than are kept: the greatest R of those that are not */
    if (r->count > (size_t)rate->count + 1) {
        struct candidate least = pop(r);
        uint64_t beyond = r->heap[0].randomness + 1;
        if (least.owner == owner) {
            decision->pending--; /* who decides sees to the rest */
            consider(decision, rule, beyond);
        } else {
            settle(rules, rule, &least, beyond);
        }
    }
    return true;
}

static void close_window(struct sample_rules *rules, struct reservoir *r)
{
    uint64_t count = (uint64_t)rules->sampling->rule[r->rule].count;
    r->threshold = r->count > count ? r->heap[0].randomness + 1 : 0;
    r->closed = true;
    rules->open--;
    for (size_t i = 0; i < r->count; i++)
        settle(rules, r->rule, &r->heap[i], r->threshold);
    tcore_free(r->heap);
    r->heap = NULL;
    r->count = r->capacity = 0;
}

void sample_rules_close(struct sample_rules *rules, int64_t watermark_ns)
{
    for (uint32_t i = 0; rules->open && i < rules->windows.count; i++)
        if (!rules->reservoir[i]->closed && rules->reservoir[i]->end_ns <= watermark_ns)
            close_window(rules, rules->reservoir[i]);
}

/* --- Shapes */

/* How often the shape came in the window; NULL: no memory. */
static uint32_t *seen_of(struct shapes *shapes, int64_t end_ns, uint64_t shape)
{
    const int64_t key[] = {end_ns, (int64_t)shape};
    bool added;
    uint32_t number = tcore_map_intern(&shapes->map, key, sizeof key, &added);
    if (number == TCORE_MAP_NONE)
        return NULL;
    if (number >= shapes->capacity) {
        size_t capacity = 2 * (size_t)number + 64;
        uint32_t *seen = tcore_reallocarray(shapes->seen, capacity, sizeof *seen);
        if (!seen)
            return NULL;
        shapes->seen = seen;
        shapes->capacity = capacity;
    }
    if (added)
        shapes->seen[number] = 0;
    return &shapes->seen[number];
}

/* Whether the trace is among the first of its shape. */
static bool is_among_first(struct sample_rules *rules, uint32_t number,
                           const struct sample_facts *facts, bool *failed)
{
    const struct cli_sampling_rule *rule = &rules->sampling->rule[number];
    struct shapes *shapes = &rules->shapes[number];
    int64_t end = window_end(facts, rule->per_ns);
    if (!shapes->map.count || (end > shapes->base_ns && end - shapes->base_ns > rule->per_ns)) {
        tcore_map_clear(&shapes->map);
        shapes->base_ns = end;
    }
    uint32_t *seen = seen_of(shapes, end, facts->shape);
    *failed = !seen;
    if (*failed || *seen >= rule->count)
        return false;
    ++*seen;
    return true;
}

/* --- A trace */

static bool ask(struct sample_rules *rules, uint32_t number, const struct sample_facts *facts,
                struct sample_decision *decision, void *owner)
{
    const struct cli_sampling_rule *rule = &rules->sampling->rule[number];
    bool failed = false;
    switch (rule->action) {
    case CLI_SAMPLING_KEEP:
        consider(decision, number, 0);
        break;
    case CLI_SAMPLING_DROP:
        consider(decision, number, TCORE_TRACE_STATE_ALL);
        break;
    case CLI_SAMPLING_PROBABILITY:
        consider(decision, number, tcore_trace_state_threshold(rule->share));
        break;
    case CLI_SAMPLING_SHAPES:
        consider(decision, number,
                 is_among_first(rules, number, facts, &failed)
                     ? 0
                     : tcore_trace_state_threshold(rule->share));
        break;
    case CLI_SAMPLING_RATE:
        failed = !enter(rules, number, facts, decision, owner);
        break;
    }
    return !failed;
}

enum tcore_status sample_rules_decide(struct sample_rules *rules, const struct sample_facts *facts,
                                      struct sample_decision *decision, void *owner,
                                      struct tcore_error *err)
{
    const struct cli_sampling *sampling = rules->sampling;
    *decision = (struct sample_decision){.threshold = sampling->count ? TCORE_TRACE_STATE_ALL : 0,
                                         .rule = SAMPLE_NO_RULE};
    for (uint32_t i = 0; i < sampling->count; i++) {
        if (!is_met(&sampling->rule[i].when, facts))
            continue;
        if (!ask(rules, i, facts, decision, owner))
            return tcore_error_nomem(err);
        /* what is kept surely needs no other rule, and no place in a rate */
        if (sampling->rule[i].last || !decision->threshold)
            break;
    }
    return TCORE_OK;
}
