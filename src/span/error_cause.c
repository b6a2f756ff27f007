/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Children come before their parents on the way up, where causes are chosen; on the way down, the
 * chains are found. */
#include <config.h>

#include "span/error_cause.h"

#include "base/sys.h"

#include <string.h>
#include <strings.h>

#define MESSAGE_LEAST 4 /* bytes; what is shorter is within many others by chance */

enum { RECOVERED = 1, FAILED_ABOVE = 2, PASSED_ON = 4 };

enum tcore_status error_causes_reserve(struct error_causes *causes, const struct trace_build *build,
                                       struct tcore_error *err)
{
    uint32_t count = build->tree.count;
    if (count > causes->capacity) {
        size_t n = count < 64 ? 64 : count;
        error_causes_free(causes);
        causes->role = tcore_reallocarray(NULL, n, sizeof *causes->role);
        causes->state = tcore_reallocarray(NULL, n, sizeof *causes->state);
        causes->known = tcore_reallocarray(NULL, n, sizeof *causes->known);
        causes->cause = tcore_reallocarray(NULL, n, sizeof *causes->cause);
        if (!causes->role || !causes->state || !causes->known || !causes->cause)
            return tcore_error_nomem(err);
        causes->capacity = (uint32_t)n;
    }
    causes->chain_count = 0;
    causes->first = UINT32_MAX;
    memset(causes->role, 0, count * sizeof *causes->role);
    memset(causes->state, 0, count * sizeof *causes->state);
    for (uint32_t i = 0; i < count; i++)
        causes->known[i] = (struct error_known){.time_ns = INT64_MAX};
    return TCORE_OK;
}

void error_causes_free(struct error_causes *causes)
{
    tcore_free(causes->role);
    tcore_free(causes->known);
    tcore_free(causes->chains);
    tcore_free(causes->cause);
    tcore_free(causes->state);
    *causes = (struct error_causes){0};
}

static bool has_failed(const struct trace_build *build, uint32_t span)
{
    return build->spans[span].flags & TCORE_SPAN_ERROR;
}

/* --- Calls that were tried again */

static bool is_method(struct tcore_slice name)
{
    static const char *const methods[] = {"GET",  "POST",    "PUT",   "DELETE", "PATCH",
                                          "HEAD", "OPTIONS", "TRACE", "CONNECT"};
    if (name.length > 5 && !strncasecmp(name.data, "HTTP ", 5))
        name = (struct tcore_slice){name.data + 5, name.length - 5};
    for (size_t i = 0; name.data && i < sizeof methods / sizeof *methods; i++)
        if (name.length == strlen(methods[i]) && !strncasecmp(name.data, methods[i], name.length))
            return true;
    return false;
}

/* Where a call leads: its first child. */
static uint32_t callee(const struct trace_build *build, uint32_t span)
{
    const struct tcore_trace_tree *tree = &build->tree;
    uint32_t first = tree->first[span];
    return first < tree->first[span + 1] ? tree->children[first] : TCORE_SPAN_NONE;
}

static bool is_same_operation(const struct trace_build *build, uint32_t a, uint32_t b)
{
    return build->spans[a].service == build->spans[b].service &&
           build->spans[a].kind == build->spans[b].kind &&
           build->rows[a]->name == build->rows[b]->name;
}

/* Whether later, a sibling, is failed once more. */
static bool repeats(const struct trace_build *build, uint32_t failed, uint32_t later)
{
    if (!is_same_operation(build, failed, later))
        return false;
    const struct tcore_interval *before = &build->tree.interval[failed];
    const struct tcore_interval *after = &build->tree.interval[later];
    if (tcore_interval_is_known(before) && tcore_interval_is_known(after) &&
        after->start_ns < before->end_ns)
        return false;
    uint32_t a = callee(build, failed), b = callee(build, later);
    if (a == TCORE_SPAN_NONE || b == TCORE_SPAN_NONE)
        return !is_method(trace_build_name(build, failed));
    return is_same_operation(build, a, b);
}

/* Marks the failed ones of siblings[0..count), which are by start, that were repeated with
 * success. */
static void find_recovered(struct error_causes *causes, const struct trace_build *build,
                           const uint32_t *siblings, uint32_t count)
{
    enum { LOOKED_AT = 256 }; /* later siblings; a loop of thousands is no retry */
    for (uint32_t i = 0; i < count; i++) {
        uint32_t span = siblings[i];
        if (!has_failed(build, span))
            continue;
        for (uint32_t j = i + 1; j < count && j <= i + LOOKED_AT; j++)
            if (!has_failed(build, siblings[j]) && repeats(build, span, siblings[j])) {
                causes->state[span] |= RECOVERED;
                break;
            }
    }
}

/* --- The way up */

/* Whether the parent did not wait for the span. */
static bool is_detached(const struct trace_build *build, uint32_t span)
{
    uint32_t parent = build->tree.parent[span];
    return parent == TCORE_SPAN_NONE || build->spans[span].kind == TCORE_SPAN_CONSUMER ||
           build->spans[parent].kind == TCORE_SPAN_PRODUCER;
}

static bool is_within(const struct error_known *inner, const struct error_known *outer)
{
    return inner->message.length >= MESSAGE_LEAST && outer->message.length &&
           memmem(outer->message.data, outer->message.length, inner->message.data,
                  inner->message.length);
}

/* Whether a failed span says what one below it says, or what that one came from. */
static bool is_handed_up(const struct error_causes *causes, uint32_t below, uint32_t above)
{
    return is_within(&causes->known[below], &causes->known[above]) ||
           is_within(&causes->known[causes->cause[below]], &causes->known[above]);
}

/* When the last child of a span began that did not fail; the least int64 if none did. */
static int64_t find_last_start(const struct trace_build *build, uint32_t span)
{
    const struct tcore_trace_tree *tree = &build->tree;
    for (uint32_t c = tree->first[span + 1]; c > tree->first[span]; c--) { /* by start */
        uint32_t child = tree->children[c - 1];
        if (!has_failed(build, child) && tcore_interval_is_known(&tree->interval[child]))
            return tree->interval[child].start_ns;
    }
    return INT64_MIN;
}

/* How well a failed child explains its parent, which went on until then: the greater, the better.
 */
static int judge(const struct error_causes *causes, const struct trace_build *build, uint32_t child,
                 uint32_t parent, int64_t went_on_ns)
{
    const struct tcore_interval *c = &build->tree.interval[child];
    const struct tcore_interval *p = &build->tree.interval[parent];
    bool in_time =
        !tcore_interval_is_known(c) || !tcore_interval_is_known(p) || c->end_ns <= p->end_ns;
    return 4 * is_handed_up(causes, child, parent) + 2 * in_time + (c->end_ns >= went_on_ns);
}

/* The failed child that a failed span follows from. */
static uint32_t choose(const struct error_causes *causes, const struct trace_build *build,
                       uint32_t span)
{
    const struct tcore_trace_tree *tree = &build->tree;
    uint32_t best = TCORE_SPAN_NONE;
    int best_judgement = 0;
    int64_t went_on_ns = find_last_start(build, span);
    for (uint32_t c = tree->first[span]; c < tree->first[span + 1]; c++) {
        uint32_t child = tree->children[c];
        if (!has_failed(build, child) || causes->state[child] & RECOVERED ||
            is_detached(build, child))
            continue;
        int judgement = judge(causes, build, child, span, went_on_ns);
        int64_t time_ns = causes->known[causes->cause[child]].time_ns;
        if (best == TCORE_SPAN_NONE || judgement > best_judgement ||
            (judgement == best_judgement && time_ns < causes->known[causes->cause[best]].time_ns)) {
            best = child;
            best_judgement = judgement;
        }
    }
    return best;
}

static bool is_same_type(const struct error_known *a, const struct error_known *b)
{
    return a->type.length && a->type.length == b->type.length &&
           !memcmp(a->type.data, b->type.data, a->type.length);
}

/* The failed span that the one at place at of the order follows from though what is between them
 * did not fail. */
static uint32_t look_through(const struct error_causes *causes, const struct trace_build *build,
                             uint32_t at)
{
    enum { LOOKED_AT = 256 }; /* spans below */
    const struct tcore_trace_tree *tree = &build->tree;
    uint32_t span = tree->order[at], best = TCORE_SPAN_NONE, closed = UINT32_MAX;
    for (uint32_t i = at + 1; i < tree->count && i <= at + LOOKED_AT; i++) {
        uint32_t below = tree->order[i];
        if (tree->depth[below] <= tree->depth[span])
            break;
        if (tree->depth[below] > closed)
            continue; /* below a failed one, or what nobody waited for */
        bool failed = has_failed(build, below), detached = is_detached(build, below);
        closed = failed || detached || causes->state[below] & RECOVERED ? tree->depth[below]
                                                                        : UINT32_MAX;
        if (failed && !detached && !(causes->state[below] & RECOVERED) &&
            tree->interval[below].end_ns <= tree->interval[span].end_ns &&
            (is_same_type(&causes->known[below], &causes->known[span]) ||
             is_handed_up(causes, below, span)) &&
            (best == TCORE_SPAN_NONE || causes->known[causes->cause[below]].time_ns <
                                            causes->known[causes->cause[best]].time_ns))
            best = below;
    }
    return best;
}

static void find_causes(struct error_causes *causes, const struct trace_build *build)
{
    const struct tcore_trace_tree *tree = &build->tree;
    for (uint32_t at = tree->count; at-- > 0;) {
        uint32_t span = tree->order[at];
        if (tree->first[span + 1] - tree->first[span] > 1)
            find_recovered(causes, build, tree->children + tree->first[span],
                           tree->first[span + 1] - tree->first[span]);
        if (!has_failed(build, span))
            continue;
        uint32_t by = choose(causes, build, span);
        if (by == TCORE_SPAN_NONE) {
            by = look_through(causes, build, at);
            if (by != TCORE_SPAN_NONE)
                causes->state[by] |= PASSED_ON;
        }
        causes->cause[span] = by == TCORE_SPAN_NONE ? span : causes->cause[by];
        causes->role[span] = by == TCORE_SPAN_NONE ? ERROR_FURTHER : ERROR_PROPAGATED;
    }
}

/* --- The way down */

static bool is_top(const struct error_causes *causes, const struct trace_build *build,
                   uint32_t span)
{
    return is_detached(build, span) || causes->state[span] & RECOVERED ||
           !(has_failed(build, build->tree.parent[span]) || causes->state[span] & PASSED_ON);
}

static enum tcore_status add_chain(struct error_causes *causes, const struct trace_build *build,
                                   uint32_t top, struct tcore_error *err)
{
    if (causes->chain_count == causes->chain_capacity) {
        size_t n = causes->chain_capacity ? (size_t)causes->chain_capacity * 2 : 16;
        void *chains = tcore_reallocarray(causes->chains, n, sizeof *causes->chains);
        if (!chains)
            return tcore_error_nomem(err);
        causes->chains = chains;
        causes->chain_capacity = (uint32_t)n;
    }
    uint32_t cause = causes->cause[top];
    bool recovered = causes->state[top] & RECOVERED;
    causes->chains[causes->chain_count++] =
        (struct error_chain){.top = top,
                             .cause = cause,
                             .caller = build->tree.parent[top],
                             .entry = is_detached(build, top) && !recovered,
                             .recovered = recovered,
                             .outermost = !(causes->state[top] & FAILED_ABOVE)};
    causes->role[cause] = recovered ? ERROR_RECOVERED : ERROR_CAUSE;
    return TCORE_OK;
}

static void choose_first(struct error_causes *causes, const struct trace_build *build)
{
    int64_t earliest_ns = INT64_MAX;
    for (uint32_t i = 0; i < causes->chain_count; i++) {
        const struct error_chain *chain = &causes->chains[i];
        int64_t time_ns = causes->known[chain->cause].time_ns;
        if (!chain->entry)
            continue;
        if (chain->top == build->tree.root) {
            causes->first = i;
            return;
        }
        if (causes->first == UINT32_MAX || time_ns < earliest_ns) {
            causes->first = i;
            earliest_ns = time_ns;
        }
    }
}

enum tcore_status error_causes_find(struct error_causes *causes, const struct trace_build *build,
                                    struct tcore_error *err)
{
    const struct tcore_trace_tree *tree = &build->tree;
    enum tcore_status status = TCORE_OK;
    find_causes(causes, build);
    for (uint32_t at = 0; at < tree->count && status == TCORE_OK; at++) {
        uint32_t span = tree->order[at], parent = tree->parent[span];
        if (parent != TCORE_SPAN_NONE &&
            (causes->state[parent] & FAILED_ABOVE || has_failed(build, parent)))
            causes->state[span] |= FAILED_ABOVE;
        if (has_failed(build, span) && is_top(causes, build, span))
            status = add_chain(causes, build, span, err);
    }
    choose_first(causes, build);
    return status;
}
