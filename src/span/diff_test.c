/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is tested. Of an operation: in how many traces it is, and in those its spans, their self
 * times, durations and errors, and whether its children run at the same time. Of calls the same
 * without self times, if the operation is called by others as well; otherwise they say what the
 * operation says. In how many traces there are such calls is asked of traces that have the calling
 * operation, so that they do not change because that does.
 */
#include <config.h>

#include "span/diff.h"

#include "base/sys.h"
#include "stats/order.h"
#include "stats/fisher.h"
#include "stats/proportion.h"
#include "stats/ratio.h"

#include <math.h>

/* The normal approximation of the U test needs so many values beside those that are all equal, in
 * the smaller sample. */
#define ENOUGH_OTHERS 20

bool diff_value(const struct diff_entry *entry, enum diff_measure measure, double *value)
{
    if (measure == DIFF_CALLS) {
        *value = entry->calls;
        return true;
    }
    if (!entry->timed)
        return false;
    *value = (double)(measure == DIFF_SELF ? entry->self_ns : entry->duration_ns) / entry->timed;
    return true;
}

size_t diff_values(const struct diff_subject *subject, enum diff_measure measure, double *value)
{
    size_t count = 0;

    for (uint32_t i = 0; i < subject->count; i++)
        count += diff_value(&subject->entry[i], measure, &value[count]);
    tcore_sort_doubles(value, count);
    return count;
}

double diff_calls_a_trace(const struct diff_both *both, uint32_t joint, int side)
{
    uint32_t traces = both->side[side]->trace_count;

    return traces ? (double)both->joint[joint].total[side].calls / traces : 0;
}

/* --- Shares */

/* In how many of which traces the subject has it. */
static void count_hits(const struct diff_both *both, const struct diff_joint *joint,
                       enum diff_measure measure, int side, size_t *hits, size_t *traces)
{
    const struct diff_subject *subject = joint->side[side];

    *hits = *traces = 0;
    if (measure == DIFF_SHARE) {
        const struct diff_subject *caller =
            joint->parent == DIFF_NONE ? NULL : both->joint[joint->parent].side[side];

        *hits = subject ? subject->count : 0;
        *traces = joint->parent == DIFF_NONE ? both->side[side]->trace_count
                  : caller                   ? caller->count
                                             : 0;
        return;
    }
    for (uint32_t i = 0; i < subject->count; i++) {
        const struct diff_entry *entry = &subject->entry[i];
        bool errors = measure == DIFF_ERRORS;

        *traces += errors || entry->forks;
        *hits += (errors ? entry->errors : entry->concurrent) != 0;
    }
}

static void test_share(const struct diff_tests *tests, struct diff_test *test)
{
    const size_t *hits = test->hits, *count = test->count;

    for (int s = 0; s < DIFF_SIDES; s++) {
        count_hits(tests->both, &tests->both->joint[test->joint], test->measure, s, &test->hits[s],
                   &test->count[s]);
        test->centre[s] = count[s] ? (double)hits[s] / (double)count[s] : 0;
    }
    test->p = tcore_fisher_test(hits[0], count[0] - hits[0], hits[1], count[1] - hits[1]).two_sided;
    test->smallest_p =
        tcore_fisher_smallest(hits[0] + hits[1], count[0], count[0] + count[1]).two_sided;
}

/* --- Values */

/* How many of both samples together equal the commonest value. */
static size_t count_commonest(const double *x, size_t n, const double *y, size_t m)
{
    size_t most = 0;

    for (size_t i = 0, j = 0; i < n || j < m;) {
        double value = j == m || (i < n && x[i] <= y[j]) ? x[i] : y[j];
        size_t run = 0;

        for (; i < n && x[i] == value; i++)
            run++;
        for (; j < m && y[j] == value; j++)
            run++;
        most = run > most ? run : most;
    }
    return most;
}

/* How many values are above limit. */
static size_t count_above(const double *sorted, size_t count, double limit)
{
    size_t low = 0;

    for (size_t high = count; low < high;) {
        size_t middle = low + (high - low) / 2;

        if (sorted[middle] <= limit)
            low = middle + 1;
        else
            high = middle;
    }
    return count - low;
}

/* Samples of few different values, exactly: how many are above the value that splits both together
 * the most evenly. It follows from both together, so that the test is exact. */
static void test_split(struct diff_test *test, const double *x, size_t n, const double *y, size_t m)
{
    size_t best = 0, above_x = 0, above_y = 0;

    for (size_t k = 0; k < n + m; k++) {
        double limit = k < n ? x[k] : y[k - n];
        size_t a = count_above(x, n, limit), b = count_above(y, m, limit);
        size_t smaller = a + b < n + m - a - b ? a + b : n + m - a - b;

        if (smaller > best) {
            best = smaller;
            above_x = a;
            above_y = b;
        }
        /* the next one that is larger */
        const double *sample = k < n ? x : y;
        size_t end = k < n ? n : m, at = k < n ? k : k - n;

        while (at + 1 < end && sample[at + 1] == limit)
            at++, k++;
    }
    test->p = tcore_fisher_test(above_x, n - above_x, above_y, m - above_y).two_sided;
    test->smallest_p = tcore_fisher_smallest(above_x + above_y, n, n + m).two_sided;
}

static double mean(const double *value, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += value[i];
    return sum / (double)count;
}

static enum tcore_status test_values(struct diff_tests *tests, struct diff_test *test,
                                     struct tcore_error *err)
{
    const struct diff_joint *joint = &tests->both->joint[test->joint];
    double *x = tests->value[0], *y = tests->value[1];
    size_t n = diff_values(joint->side[0], test->measure, x);
    size_t m = diff_values(joint->side[1], test->measure, y);
    struct tcore_rank_test rank;

    test->count[0] = n;
    test->count[1] = m;
    test->p = test->smallest_p = 1;
    if (!n || !m)
        return TCORE_OK;
    bool calls = test->measure == DIFF_CALLS;

    test->centre[0] = calls ? mean(x, n) : tcore_median(x, n);
    test->centre[1] = calls ? mean(y, m) : tcore_median(y, m);
    enum tcore_status status = tcore_rank_test(&tests->null, x, n, y, m, &rank, err);

    if (status != TCORE_OK)
        return status;
    size_t others = rank.ties ? n + m - count_commonest(x, n, y, m) : n + m;

    if (!rank.exact && others * (n < m ? n : m) < ENOUGH_OTHERS * (n + m)) {
        test_split(test, x, n, y, m);
        return TCORE_OK;
    }
    test->p = rank.p_value;
    test->smallest_p = tcore_rank_smallest_p(n, m);
    if (others <= (n + m) / 2) /* all others on one side */
        test->smallest_p =
            fmax(test->smallest_p, tcore_fisher_smallest(others, n, n + m).two_sided);
    return TCORE_OK;
}

/* --- All tests */

static enum tcore_status add_test(struct diff_tests *tests, uint32_t joint,
                                  enum diff_measure measure, struct tcore_error *err)
{
    if (tests->count == tests->capacity) {
        uint32_t capacity = tests->capacity ? 2 * tests->capacity : 64;
        void *grown = tcore_reallocarray(tests->test, capacity, sizeof *tests->test);

        if (!grown)
            return tcore_error_nomem(err);
        tests->test = grown;
        tests->capacity = capacity;
    }
    struct diff_test *test = &tests->test[tests->count++];

    *test = (struct diff_test){.joint = joint, .measure = measure, .because = DIFF_NONE};
    if (measure == DIFF_SHARE || measure == DIFF_ERRORS || measure == DIFF_CONCURRENCY)
        test_share(tests, test);
    else if (test_values(tests, test, err) != TCORE_OK)
        return TCORE_FATAL;
    double level = fmin(tests->options->fdr, tests->options->alpha);

    tests->eligible += test->smallest_p <= level;
    return TCORE_OK;
}

static bool is_on_both_sides(const struct diff_joint *joint)
{
    return joint->side[DIFF_BASE] && joint->side[DIFF_CAND];
}

/* Whether calls are all that there is of their operation, or either end of them is new or gone:
 * then they say nothing that the operations do not say. */
static bool says_nothing(const struct diff_both *both, const struct diff_joint *calls)
{
    const struct diff_joint *child = &both->joint[calls->child];

    if (!is_on_both_sides(child) || !is_on_both_sides(&both->joint[calls->parent]))
        return true;
    return calls->total[0].calls == child->total[0].calls &&
           calls->total[1].calls == child->total[1].calls;
}

/* Whether the spans of an operation have no children: self times are durations then. */
static bool is_leaf(const struct diff_joint *joint)
{
    return joint->total[0].self_ns == joint->total[0].duration_ns &&
           joint->total[1].self_ns == joint->total[1].duration_ns;
}

static enum tcore_status test_joint(struct diff_tests *tests, uint32_t number,
                                    struct tcore_error *err)
{
    const struct diff_joint *joint = &tests->both->joint[number];
    bool is_operation = joint->parent == DIFF_NONE;

    if (!is_operation && says_nothing(tests->both, joint))
        return TCORE_OK;
    for (int m = DIFF_SHARE; m <= DIFF_CONCURRENCY; m++) {
        bool wanted = m == DIFF_SHARE || is_on_both_sides(joint);

        if (m == DIFF_SELF || m == DIFF_CONCURRENCY)
            wanted = wanted && is_operation;
        if (m == DIFF_DURATION && is_operation)
            wanted = wanted && !is_leaf(joint);
        if (wanted && add_test(tests, number, (enum diff_measure)m, err) != TCORE_OK)
            return TCORE_FATAL;
    }
    return TCORE_OK;
}

enum tcore_status diff_test_all(struct diff_tests *tests, const struct diff_both *both,
                                const struct diff_options *options, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;

    uint32_t most = both->side[0]->trace_count > both->side[1]->trace_count
                        ? both->side[0]->trace_count
                        : both->side[1]->trace_count;

    *tests = (struct diff_tests){.both = both, .options = options, .serial = {NAN, 0, 0}};
    for (int s = 0; s < DIFF_SIDES; s++) {
        tests->value[s] = tcore_reallocarray(NULL, (size_t)most + 1, sizeof *tests->value[s]);
        if (!tests->value[s])
            return tcore_error_nomem(err);
    }
    for (uint32_t i = 0; i < both->joint_count && status == TCORE_OK; i++)
        status = test_joint(tests, i, err);
    return status;
}

void diff_tests_free(struct diff_tests *tests)
{
    tcore_rank_null_free(&tests->null);
    for (int s = 0; s < DIFF_SIDES; s++)
        tcore_free(tests->value[s]);
    tcore_free(tests->test);
    tcore_free(tests->found);
    *tests = (struct diff_tests){0};
}
