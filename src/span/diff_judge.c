/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What counts, and what follows from what. A change counts if it is unlikely to be chance
 * (Benjamini and Hochberg over all tests that could be significant at all, see R. E. Tarone,
 * Biometrics 46 (1990)) and may be as large as --min-effect: its interval reaches that far.
 *
 * One change shows in many places. Told as a consequence is
 *   a duration, if the operation calls, at any depth, one that takes longer itself, is new, or is
 *     called more often (and the other way round);
 *   errors, if there are more of them in an operation that it calls, at any depth;
 *   that there are more calls, or that it is in more traces, if that is so of who calls it.
 * And of an operation whose self time and duration changed alike only the first is told; of calls
 * only what is not told of the operation itself.
 */
#include <config.h>

#include "span/diff.h"

#include "base/sys.h"
#include "stats/order.h"
#include "stats/serial.h"

#include <math.h>
#include <stdlib.h>

/* --- Chance */

static enum tcore_status adjust(struct diff_tests *tests, struct tcore_error *err)
{
    double level = fmin(tests->options->fdr, tests->options->alpha);
    double *p = tcore_calloc((size_t)tests->eligible + 1, sizeof *p);
    uint32_t count = 0;

    if (!p)
        return tcore_error_nomem(err);
    for (uint32_t i = 0; i < tests->count; i++)
        if (tests->test[i].smallest_p <= level)
            p[count++] = tests->test[i].p;
    enum tcore_status status = count ? tcore_benjamini_hochberg(p, count, p, err) : TCORE_OK;

    count = 0;
    for (uint32_t i = 0; i < tests->count; i++) {
        struct diff_test *test = &tests->test[i];
        bool eligible = test->smallest_p <= level;

        test->adjusted = eligible ? p[count++] : 1;
        test->significant =
            eligible && test->p <= tests->options->alpha && test->adjusted <= tests->options->fdr;
    }
    tcore_free(p);
    return status;
}

/* Whether a change may be as large as --min-effect. */
static bool is_large(const struct diff_tests *tests, const struct diff_test *test)
{
    double effect = tests->options->min_effect, base = test->centre[DIFF_BASE];

    if (test->ratio == 1)
        return false;
    if (base == 0 || isnan(test->lower))
        return true;
    return test->more ? test->upper >= base * (1 + effect) : test->lower <= base / (1 + effect);
}

static enum tcore_status decide(struct diff_tests *tests, struct tcore_error *err)
{
    enum tcore_status status = adjust(tests, err);

    for (uint32_t i = 0; i < tests->count && status == TCORE_OK; i++) {
        struct diff_test *test = &tests->test[i];

        if (!test->significant)
            continue;
        status = diff_estimate(tests, test, err);
        test->counts = is_large(tests, test);
    }
    return status;
}

/* --- Tests by joint */

/* Those that were found; a pointer for each measure of each joint. */
struct found {
    struct diff_tests *tests;
    uint32_t *first; /* the first test of each joint; one more at the end; owned */
    uint32_t *queue; /* of operations to be visited; owned */
    uint32_t *seen;  /* by operation: in which search; owned */
    uint32_t search;
    uint32_t *callee_first, *callee; /* joints of the calls out of each operation; owned */
};

static struct diff_test *find(const struct found *f, uint32_t joint, enum diff_measure measure)
{
    for (uint32_t i = f->first[joint]; i < f->first[joint + 1]; i++)
        if (f->tests->test[i].measure == measure)
            return f->tests->test[i].counts ? &f->tests->test[i] : NULL;
    return NULL;
}

/* The calls out of each operation, side by side. */
static void index_callees(struct found *f)
{
    const struct diff_both *both = f->tests->both;

    for (uint32_t i = both->operation_count; i < both->joint_count; i++)
        f->callee_first[both->joint[i].parent + 2]++;
    for (uint32_t i = 1; i <= both->operation_count; i++)
        f->callee_first[i + 1] += f->callee_first[i];
    for (uint32_t i = both->operation_count; i < both->joint_count; i++)
        f->callee[f->callee_first[both->joint[i].parent + 1]++] = i;
}

static bool index_tests(struct found *f)
{
    const struct diff_both *both = f->tests->both;
    size_t operations = (size_t)both->operation_count;
    uint32_t test = 0;

    f->first = tcore_calloc((size_t)both->joint_count + 1, sizeof *f->first);
    f->queue = tcore_calloc(operations + 1, sizeof *f->queue);
    f->seen = tcore_calloc(operations + 1, sizeof *f->seen);
    f->callee_first = tcore_calloc(operations + 2, sizeof *f->callee_first);
    f->callee = tcore_calloc((size_t)both->joint_count + 1, sizeof *f->callee);
    if (!f->first || !f->queue || !f->seen || !f->callee_first || !f->callee)
        return false;
    for (uint32_t i = 0; i <= both->joint_count; i++) {
        f->first[i] = test;
        while (test < f->tests->count && f->tests->test[test].joint == i)
            test++;
    }
    index_callees(f);
    return true;
}

static void free_found(struct found *f)
{
    tcore_free(f->first);
    tcore_free(f->queue);
    tcore_free(f->seen);
    tcore_free(f->callee_first);
    tcore_free(f->callee);
}

/* --- What tells the same twice */

static void fold_duration(struct found *f, uint32_t operation)
{
    struct diff_test *self = find(f, operation, DIFF_SELF);
    struct diff_test *whole = find(f, operation, DIFF_DURATION);

    if (self && whole && self->more == whole->more)
        whole->folded = true;
}

/* Of calls what the operation tells; and whether the operation has it by some of them only. */
static void fold_calls(struct found *f, uint32_t operation)
{
    const struct diff_both *both = f->tests->both;
    uint32_t first, end = diff_callers(both, operation, &first);

    for (int m = DIFF_SHARE; m <= DIFF_ERRORS; m++) {
        struct diff_test *whole = m == DIFF_DURATION ? find(f, operation, DIFF_SELF) : NULL;
        uint32_t tested = 0, alike = 0;

        if (!whole)
            whole = find(f, operation, (enum diff_measure)m);
        for (uint32_t c = first; c < end; c++) {
            struct diff_test *part = find(f, c, (enum diff_measure)m);

            tested += f->first[c] < f->first[c + 1];
            if (!whole || !part || part->more != whole->more)
                continue;
            alike++;
            part->folded = true;
        }
        if (whole && alike && alike < tested)
            whole->partly = true;
    }
}

/* --- What follows from what */

/* Follows the reasons of test; whether they lead to it again. */
static bool goes_round(const struct diff_tests *tests, uint32_t test)
{
    uint32_t at = tests->test[test].because;

    for (uint32_t steps = 0; at != DIFF_NONE && steps <= tests->count; steps++) {
        if (at == test)
            return true;
        at = tests->test[at].because;
    }
    return at != DIFF_NONE;
}

static void set_reason(struct diff_tests *tests, struct diff_test *test,
                       const struct diff_test *why)
{
    if (!why)
        return;
    test->because = (uint32_t)(why - tests->test);
    if (goes_round(tests, (uint32_t)(test - tests->test)))
        test->because = DIFF_NONE;
}

static double weight_of(const struct diff_test *test)
{
    return isnan(test->effect_ns) ? 0 : fabs(test->effect_ns);
}

/* The one of two that weighs more; of equal ones the first. */
static struct diff_test *heavier(struct diff_test *a, struct diff_test *b)
{
    if (!a || !b)
        return a ? a : b;
    return weight_of(b) > weight_of(a) ? b : a;
}

/* What at an operation makes those above it slower or faster. */
static struct diff_test *cause_of_time(const struct found *f, uint32_t operation, bool more)
{
    static const enum diff_measure causes[] = {DIFF_SELF, DIFF_SHARE, DIFF_CALLS, DIFF_CONCURRENCY};
    struct diff_test *cause = NULL;

    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++) {
        struct diff_test *test = find(f, operation, causes[i]);

        if (test && !test->folded && (test->effect_ns > 0) == more)
            cause = heavier(cause, test);
    }
    return cause;
}

/* The heaviest reason below an operation, at any depth, for its times or its errors. */
static struct diff_test *search_below(struct found *f, uint32_t operation, bool errors, bool more)
{
    const struct diff_both *both = f->tests->both;
    struct diff_test *cause = NULL, *deepest = NULL;
    uint32_t head = 0, tail = 0;

    f->search++;
    f->seen[operation] = f->search;
    f->queue[tail++] = operation;
    while (head < tail) {
        uint32_t at = f->queue[head++];

        for (uint32_t c = f->callee_first[at]; c < f->callee_first[at + 1]; c++) {
            uint32_t child = both->joint[f->callee[c]].child;

            if (f->seen[child] == f->search)
                continue;
            f->seen[child] = f->search;
            f->queue[tail++] = child;
            struct diff_test *same = find(f, child, errors ? DIFF_ERRORS : DIFF_DURATION);

            if (same && !same->folded && same->more == more)
                deepest = same; /* as far as it comes later */
            if (!errors)
                cause = heavier(cause, cause_of_time(f, child, more));
        }
    }
    return cause ? cause : deepest;
}

/* The change of the same kind in who calls the operation. */
static struct diff_test *search_callers(const struct found *f, const struct diff_test *test)
{
    const struct diff_both *both = f->tests->both;
    const struct diff_joint *joint = &both->joint[test->joint];
    uint32_t first, end = diff_callers(both, joint->child, &first);
    struct diff_test *cause = NULL;

    if (joint->parent != DIFF_NONE)
        return NULL;
    for (uint32_t c = first; c < end; c++) {
        uint32_t caller = both->joint[c].parent;

        for (int m = DIFF_SHARE; m <= DIFF_CALLS; m++) {
            struct diff_test *above = find(f, caller, (enum diff_measure)m);

            if (above && above->more == test->more && caller != joint->child)
                cause = heavier(cause, above);
        }
    }
    return cause;
}

static void find_reason(struct found *f, struct diff_test *test)
{
    const struct diff_joint *joint = &f->tests->both->joint[test->joint];
    struct diff_test *cause = NULL;

    switch (test->measure) {
    case DIFF_SHARE:
    case DIFF_CALLS:
        cause = search_callers(f, test);
        break;
    case DIFF_DURATION:
        if (joint->parent == DIFF_NONE)
            cause = find(f, joint->child, DIFF_CONCURRENCY);
        if (cause && (cause->effect_ns > 0) != test->more)
            cause = NULL;
        cause = heavier(cause, search_below(f, joint->child, false, test->more));
        break;
    case DIFF_ERRORS:
        cause = search_below(f, joint->child, true, test->more);
        break;
    case DIFF_SELF:
    case DIFF_CONCURRENCY:
        break;
    }
    set_reason(f->tests, test, cause);
}

/* --- Order */

static int by_weight(const void *a, const void *b, void *state)
{
    const struct diff_tests *tests = state;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    const struct diff_test *x = &tests->test[i], *y = &tests->test[j];
    bool x_follows = x->because != DIFF_NONE, y_follows = y->because != DIFF_NONE;
    double x_weight = weight_of(x), y_weight = weight_of(y);

    if (x_follows != y_follows)
        return x_follows ? 1 : -1;
    if (x_weight != y_weight)
        return x_weight > y_weight ? -1 : 1;
    return (i > j) - (i < j);
}

static enum tcore_status list_found(struct diff_tests *tests, struct tcore_error *err)
{
    tests->found = tcore_calloc((size_t)tests->count + 1, sizeof *tests->found);
    if (!tests->found)
        return tcore_error_nomem(err);
    for (uint32_t i = 0; i < tests->count; i++)
        if (tests->test[i].counts && !tests->test[i].folded)
            tests->found[tests->found_count++] = i;
    qsort_r(tests->found, tests->found_count, sizeof *tests->found, by_weight, tests);
    return TCORE_OK;
}

/* --- Dependence */

struct timed_value {
    int64_t ns;
    double value;
};

static int by_time(const void *a, const void *b)
{
    const struct timed_value *x = a, *y = b;

    if (x->ns != y->ns)
        return x->ns < y->ns ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

/* Whether the values of a test depend on those of the trace before. */
static enum tcore_status look_at_order(struct diff_tests *tests, const struct diff_test *test,
                                       int side, struct tcore_error *err)
{
    const struct diff_both *both = tests->both;
    const struct diff_joint *joint = &both->joint[test->joint];
    const struct diff_subject *subject = joint->side[side];
    size_t count = 0;
    struct timed_value *timed = tcore_calloc((size_t)subject->count + 1, sizeof *timed);

    if (!timed)
        return tcore_error_nomem(err);
    for (uint32_t i = 0; i < subject->count; i++) {
        timed[count].ns = both->side[side]->trace[subject->entry[i].trace].start_ns;
        count += diff_value(&subject->entry[i], test->measure, &timed[count].value);
    }
    if (count >= 20) {
        qsort(timed, count, sizeof *timed, by_time);
        for (size_t i = 0; i < count; i++)
            tests->value[0][i] = timed[i].value;
        tcore_free(timed);
        timed = NULL;
        diff_values(subject, test->measure, tests->value[1]);
        double r = tcore_serial_correlation(tests->value[0], tests->value[1], count);

        /* more than three standard errors, and enough to matter */
        if (r >= 0.3 && r * sqrt((double)count) > 3 && !(r <= tests->serial.correlation))
            tests->serial = (struct diff_serial){r, joint->child, side};
    }
    tcore_free(timed);
    return TCORE_OK;
}

static enum tcore_status look_at_orders(struct diff_tests *tests, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;

    for (uint32_t i = 0; i < tests->found_count && status == TCORE_OK; i++) {
        const struct diff_test *test = &tests->test[tests->found[i]];

        if (test->measure != DIFF_SELF && test->measure != DIFF_DURATION)
            continue;
        for (int s = 0; s < DIFF_SIDES && status == TCORE_OK; s++)
            status = look_at_order(tests, test, s, err);
    }
    return status;
}

enum tcore_status diff_judge(struct diff_tests *tests, struct tcore_error *err)
{
    struct found f = {.tests = tests};
    enum tcore_status status = decide(tests, err);

    if (status == TCORE_OK && !index_tests(&f))
        status = tcore_error_nomem(err);
    for (uint32_t i = 0; i < tests->both->operation_count && status == TCORE_OK; i++) {
        fold_duration(&f, i);
        fold_calls(&f, i);
    }
    for (uint32_t i = 0; i < tests->count && status == TCORE_OK; i++)
        if (tests->test[i].counts && !tests->test[i].folded)
            find_reason(&f, &tests->test[i]);
    free_found(&f);
    if (status == TCORE_OK)
        status = list_found(tests, err);
    return status == TCORE_OK ? look_at_orders(tests, err) : status;
}
