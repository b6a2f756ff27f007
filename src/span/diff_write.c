/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What changed as finding records: a sentence, the figures, and a trace of each side that shows it.
 */
#include <config.h>

#include "span/diff.h"

#include "base/sys.h"
#include "cli/finding.h"
#include "cli/human.h"
#include "model/id.h"
#include "model/json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* What is compared, by measure. */
static const struct {
    const char *metric, *method;
    const char *more, *less; /* in a sentence behind the operation */
} kinds[] = {
    [DIFF_SHARE] = {"traceShare", "fisher", "is in more traces", "is in fewer traces"},
    [DIFF_CALLS] = {"callCount", "mann-whitney", "is called more often", "is called less often"},
    [DIFF_SELF] = {"selfNano", "mann-whitney", "itself is slower", "itself is faster"},
    [DIFF_DURATION] = {"durationNano", "mann-whitney", "is slower", "is faster"},
    [DIFF_ERRORS] = {"errorShare", "fisher", "fails more often", "fails less often"},
    [DIFF_CONCURRENCY] = {"concurrentShare", "fisher", "calls at the same time more often",
                          "calls one after the other more often"},
};

static bool is_time(const struct diff_test *test)
{
    return test->measure == DIFF_SELF || test->measure == DIFF_DURATION;
}

static bool has_appeared(const struct diff_test *test)
{
    return test->measure == DIFF_SHARE && !test->hits[DIFF_BASE];
}

static bool has_vanished(const struct diff_test *test)
{
    return test->measure == DIFF_SHARE && !test->hits[DIFF_CAND];
}

/* --- The sentence */

static void put_who(struct tcore_buf *out, const struct diff_both *both, uint32_t joint)
{
    const struct diff_joint *is = &both->joint[joint];

    tcore_buf_puts(out, both->operation[is->child].label);
    if (is->parent != DIFF_NONE) {
        tcore_buf_puts(out, " called by ");
        tcore_buf_puts(out, both->operation[is->parent].label);
    }
}

static const char *what(const struct diff_test *test)
{
    if (has_appeared(test))
        return "appeared";
    if (has_vanished(test))
        return "vanished";
    return test->more ? kinds[test->measure].more : kinds[test->measure].less;
}

static void put_ratio(struct tcore_buf *out, double ratio)
{
    tcore_buf_printf(out, ratio < 10 ? "%.2f" : "%.3g", ratio);
}

/* "12.0 ms -> 13.2 ms, 1.10x (1.08-1.12)" */
static void put_times(struct tcore_buf *out, const struct diff_test *test)
{
    double base = test->centre[DIFF_BASE];

    cli_human_duration(out, base, true);
    tcore_buf_puts(out, " -> ");
    cli_human_duration(out, test->centre[DIFF_CAND], true);
    if (!isfinite(test->ratio) || !(base > 0))
        return;
    tcore_buf_puts(out, ", ");
    put_ratio(out, test->ratio);
    tcore_buf_putc(out, 'x');
    if (isfinite(test->lower) && isfinite(test->upper)) {
        tcore_buf_puts(out, " (");
        put_ratio(out, test->lower / base);
        tcore_buf_putc(out, '-');
        put_ratio(out, test->upper / base);
        tcore_buf_putc(out, ')');
    }
}

static void put_figures(struct tcore_buf *out, const struct diff_test *test)
{
    if (is_time(test)) {
        put_times(out, test);
    } else if (test->measure == DIFF_CALLS) {
        tcore_buf_printf(out, "%.3g -> %.3g times a trace", test->centre[DIFF_BASE],
                         test->centre[DIFF_CAND]);
    } else {
        tcore_buf_printf(out, "in %zu of %zu traces -> %zu of %zu", test->hits[DIFF_BASE],
                         test->count[DIFF_BASE], test->hits[DIFF_CAND], test->count[DIFF_CAND]);
    }
}

/* Who calls what has appeared, or called what has vanished. */
static void put_callers(struct tcore_buf *out, const struct diff_both *both,
                        const struct diff_test *test)
{
    int side = has_vanished(test) ? DIFF_BASE : DIFF_CAND;
    uint32_t first, child = both->joint[test->joint].child;
    uint32_t end = diff_callers(both, child, &first), named = 0;

    if (both->joint[test->joint].parent != DIFF_NONE)
        return;
    for (; first < end; first++) {
        if (!both->joint[first].side[side])
            continue;
        if (named++ == 3) {
            tcore_buf_puts(out, " and others");
            return;
        }
        tcore_buf_puts(out, named > 1 ? ", " : ", called by ");
        tcore_buf_puts(out, both->operation[both->joint[first].parent].label);
    }
}

static void put_p(struct tcore_buf *out, double p)
{
    if (p < 0.0001)
        tcore_buf_puts(out, ", p<0.0001");
    else
        tcore_buf_printf(out, ", p=%.2g", p);
}

static void put_message(struct tcore_buf *out, const struct diff_tests *tests,
                        const struct diff_test *test)
{
    const struct diff_both *both = tests->both;

    put_who(out, both, test->joint);
    tcore_buf_printf(out, " %s: ", what(test));
    put_figures(out, test);
    put_p(out, test->adjusted);
    if (has_appeared(test) || has_vanished(test))
        put_callers(out, both, test);
    if (test->partly)
        tcore_buf_puts(out, ", not for all callers");
    if (test->because != DIFF_NONE) {
        const struct diff_test *cause = &tests->test[test->because];

        tcore_buf_puts(out, ", as ");
        put_who(out, both, cause->joint);
        tcore_buf_printf(out, " %s", what(cause));
    }
    tcore_buf_putc(out, '\0');
}

/* --- Traces that show it */

/* Whether entry a shows a test on its side better than b: by the value that is nearest to the
 * centre of its side, or of shares to what makes the hits; then by the trace's id. */
static double distance(const struct diff_test *test, const struct diff_entry *entry, int side)
{
    double value;

    switch (test->measure) {
    case DIFF_SHARE:
        return 0;
    case DIFF_ERRORS:
        return entry->errors ? 0 : 1;
    case DIFF_CONCURRENCY:
        return entry->forks ? (entry->concurrent != 0) != (test->more == (side == DIFF_CAND)) : 2;
    case DIFF_CALLS:
    case DIFF_SELF:
    case DIFF_DURATION:
        break;
    }
    return diff_value(entry, test->measure, &value) ? fabs(value - test->centre[side]) : INFINITY;
}

/* The trace that shows it best; NULL: the side does not have it. */
static const struct diff_trace *choose(const struct diff_tests *tests, const struct diff_test *test,
                                       int side)
{
    const struct diff_subject *subject = tests->both->joint[test->joint].side[side];
    const struct diff_trace *best = NULL;
    double least = INFINITY;

    for (uint32_t i = 0; subject && i < subject->count; i++) {
        const struct diff_trace *trace = &tests->both->side[side]->trace[subject->entry[i].trace];
        double away = distance(test, &subject->entry[i], side);

        if (best && away >= least &&
            (away > least || memcmp(trace->id, best->id, sizeof trace->id) >= 0))
            continue;
        best = trace;
        least = away;
    }
    return best;
}

/* --- Records */

/* The members of the caller's group. */
static void put_parent(struct tcore_buf *out, struct tcore_json *json, struct tcore_slice group)
{
    struct tcore_buf name = {0};

    if (tcore_json_parse(json, group.data, group.length, NULL) != TCORE_OK)
        return;
    for (uint32_t k = 1; k < json->node[0].next; k = json->node[k + 1].next) {
        tcore_buf_clear(&name);
        tcore_buf_puts(&name, "parent.");
        tcore_buf_append(&name, json->node[k].value.s, json->node[k].value.len);
        tcore_buf_puts(out, out->data[out->length - 1] == '{' ? "" : ",");
        tcore_json_write_string(out, name.data, name.length);
        tcore_buf_putc(out, ':');
        tcore_json_write_value(out, &json->node[k + 1].value);
        out->failed |= name.failed;
    }
    tcore_buf_free(&name);
}

void diff_put_group(struct tcore_buf *out, struct tcore_json *json, const struct diff_both *both,
                    uint32_t child, uint32_t parent)
{
    struct tcore_slice group = both->operation[child].group;

    tcore_buf_append(out, group.data, group.length - 1);
    if (parent != DIFF_NONE && out->length)
        put_parent(out, json, both->operation[parent].group);
    tcore_buf_puts(out, "}");
    tcore_buf_putc(out, '\0');
}

static const char *kind_of(const struct diff_test *test)
{
    if (is_time(test) || test->measure == DIFF_ERRORS)
        return test->more ? "regression" : "improvement";
    return "change";
}

/* Of a consequence info, as its cause says how bad it is. */
static const char *severity_of(const struct diff_tests *tests, const struct diff_test *test)
{
    double effect = tests->options->min_effect;

    if (test->because != DIFF_NONE || strcmp(kind_of(test), "regression") != 0)
        return "info";
    return test->lower >= test->centre[DIFF_BASE] * (1 + effect) ? "critical" : "warning";
}

static bool make_fingerprint(const struct diff_test *test, const char *group, char *fingerprint)
{
    struct tcore_buf identity = {0};
    bool made;

    tcore_buf_printf(&identity, "%s %s", kinds[test->measure].metric, group);
    made = !identity.failed &&
           cli_finding_fingerprint(kind_of(test), identity.data, identity.length, fingerprint);
    tcore_buf_free(&identity);
    return made;
}

/* When the candidate's traces began. */
static const int64_t *first_start(const struct diff_side *side, int64_t *ns)
{
    *ns = INT64_MAX;
    for (uint32_t i = 0; i < side->trace_count; i++)
        if (side->trace[i].start_ns < *ns)
            *ns = side->trace[i].start_ns;
    return *ns < INT64_MAX ? ns : NULL;
}

struct writing {
    const struct diff_tests *tests;
    const int64_t *time_ns;
    struct tcore_json json;
    struct tcore_buf group, message;
};

static bool write_one(struct writing *w, const struct diff_test *test, int64_t rank,
                      struct tcore_buf *out)
{
    struct cli_finding finding = CLI_FINDING_EMPTY;
    char id[DIFF_SIDES][TCORE_TRACE_ID + 1] = {"", ""}, fingerprint[CLI_FINGERPRINT_BYTES];
    const struct cli_evidence evidence[] = {{id[DIFF_CAND], NULL, "cand"},
                                            {id[DIFF_BASE], NULL, "base"}};

    for (int s = 0; s < DIFF_SIDES; s++) {
        const struct diff_trace *trace = choose(w->tests, test, s);

        if (trace)
            tcore_trace_id_digits(trace->id, id[s]);
        id[s][trace ? TCORE_TRACE_ID : 0] = '\0';
    }
    tcore_buf_clear(&w->group);
    tcore_buf_clear(&w->message);
    const struct diff_joint *joint = &w->tests->both->joint[test->joint];

    diff_put_group(&w->group, &w->json, w->tests->both, joint->child, joint->parent);
    put_message(&w->message, w->tests, test);
    if (w->group.failed || w->message.failed || !make_fingerprint(test, w->group.data, fingerprint))
        return false;
    finding.kind = kind_of(test);
    finding.severity = severity_of(w->tests, test);
    finding.score = test->ratio;
    finding.record_type = "span";
    finding.metric_name = kinds[test->measure].metric;
    finding.group = w->group.data;
    finding.time_ns = w->time_ns;
    finding.value = test->centre[DIFF_CAND];
    finding.expected = test->centre[DIFF_BASE];
    finding.lower = test->lower;
    finding.upper = test->upper;
    finding.p_value = test->adjusted;
    finding.rank = rank;
    finding.confidence = 1 - w->tests->options->alpha;
    finding.method = kinds[test->measure].method;
    finding.effect_ns = test->effect_ns;
    finding.quantile = is_time(test) ? 0.5 : NAN;
    finding.message = w->message.data;
    finding.evidence = evidence;
    finding.evidence_count = sizeof evidence / sizeof *evidence;
    finding.fingerprint = fingerprint;
    cli_finding_write(out, &finding);
    return true;
}

enum tcore_status diff_write(const struct diff_tests *tests, struct tcore_buf *out,
                             struct tcore_error *err)
{
    int64_t ns;
    struct writing w = {.tests = tests, .time_ns = first_start(tests->both->side[DIFF_CAND], &ns)};
    bool good = true;

    for (uint32_t i = 0; i < tests->found_count && good; i++)
        good = write_one(&w, &tests->test[tests->found[i]], (int64_t)i + 1, out);
    tcore_json_free(&w.json);
    tcore_buf_free(&w.group);
    tcore_buf_free(&w.message);
    return good ? tcore_buf_status(out, err) : tcore_error_nomem(err);
}
