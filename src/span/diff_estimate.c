/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How large a change is: how many times as large what is measured has become, with an interval, and
 * what that does to the time of a trace. */
#include <config.h>

#include "span/diff.h"

#include "stats/order.h"
#include "stats/proportion.h"
#include "stats/ratio.h"

#include <math.h>

static double confidence_of(const struct diff_tests *tests)
{
    return 1 - tests->options->alpha;
}

/* From a difference and its interval. */
static void set_difference(struct diff_test *test, double estimate, double lower, double upper)
{
    double base = test->centre[DIFF_BASE];

    test->more = estimate > 0;
    test->ratio = base > 0 ? 1 + estimate / base : estimate > 0 ? INFINITY : 1;
    test->lower = base + lower;
    test->upper = base + upper;
}

static void estimate_share(const struct diff_tests *tests, struct diff_test *test)
{
    struct tcore_proportion_difference d = tcore_proportion_compare(
        test->hits[0], test->count[0], test->hits[1], test->count[1], confidence_of(tests));

    set_difference(test, d.estimate, fmax(d.lower, -test->centre[DIFF_BASE]),
                   fmin(d.upper, 1 - test->centre[DIFF_BASE]));
}

/* The square of a mean's standard error. */
static double error_squared(const double *value, size_t count, double mean)
{
    double squares = 0;

    for (size_t i = 0; i < count; i++)
        squares += (value[i] - mean) * (value[i] - mean);
    return count > 1 ? squares / ((double)count - 1) / (double)count : INFINITY;
}

/* The difference of means: medians of small whole numbers would not move. */
static void estimate_calls(struct diff_tests *tests, struct diff_test *test)
{
    double variance = error_squared(tests->value[0], test->count[0], test->centre[0]) +
                      error_squared(tests->value[1], test->count[1], test->centre[1]);
    double half = tcore_normal_tail_inverse(tests->options->alpha / 2) * sqrt(variance);
    double difference = test->centre[DIFF_CAND] - test->centre[DIFF_BASE];

    set_difference(test, difference, difference - half, difference + half);
}

static enum tcore_status estimate_time(struct diff_tests *tests, struct diff_test *test,
                                       struct tcore_error *err)
{
    double base = test->centre[DIFF_BASE];
    struct tcore_ratio ratio;
    enum tcore_status status =
        tcore_ratio_estimate(&tests->null, tests->value[0], test->count[0], tests->value[1],
                             test->count[1], confidence_of(tests), &ratio, err);

    if (status != TCORE_OK)
        return status;
    test->ratio = ratio.estimate;
    test->more = ratio.estimate > 1;
    test->lower = base + (ratio.lower - 1) * base;
    test->upper = base + (ratio.upper - 1) * base;
    if (base == 0) /* a ratio says nothing then */
        test->lower = test->upper = NAN;
    return TCORE_OK;
}

static double mean_duration(const struct diff_joint *joint)
{
    const struct diff_total *base = &joint->total[DIFF_BASE], *cand = &joint->total[DIFF_CAND];
    const struct diff_total *total = base->timed ? base : cand;

    return total->timed ? total->duration_ns / (double)total->timed : 0;
}

static double effect_of(const struct diff_tests *tests, const struct diff_test *test)
{
    const struct diff_both *both = tests->both;
    const struct diff_joint *joint = &both->joint[test->joint];
    double before = diff_calls_a_trace(both, test->joint, DIFF_BASE);
    double now = diff_calls_a_trace(both, test->joint, DIFF_CAND);

    switch (test->measure) {
    case DIFF_SHARE:
    case DIFF_CALLS:
        return (now - before) * mean_duration(joint);
    case DIFF_SELF:
    case DIFF_DURATION:
        return now * (isfinite(test->ratio) ? test->centre[DIFF_BASE] * (test->ratio - 1)
                                            : test->centre[DIFF_CAND] - test->centre[DIFF_BASE]);
    case DIFF_CONCURRENCY:
        return joint->total[0].timed && joint->total[1].timed
                   ? now * (joint->total[1].duration_ns / (double)joint->total[1].timed -
                            joint->total[0].duration_ns / (double)joint->total[0].timed)
                   : 0;
    case DIFF_ERRORS:
        break;
    }
    return NAN;
}

enum tcore_status diff_estimate(struct diff_tests *tests, struct diff_test *test,
                                struct tcore_error *err)
{
    const struct diff_joint *joint = &tests->both->joint[test->joint];
    enum diff_measure measure = test->measure;
    enum tcore_status status = TCORE_OK;

    if (measure == DIFF_SHARE || measure == DIFF_ERRORS || measure == DIFF_CONCURRENCY) {
        estimate_share(tests, test);
    } else {
        for (int s = 0; s < DIFF_SIDES; s++)
            diff_values(joint->side[s], measure, tests->value[s]);
        if (measure == DIFF_CALLS)
            estimate_calls(tests, test);
        else
            status = estimate_time(tests, test, err);
    }
    test->effect_ns = effect_of(tests, test);
    return status;
}
