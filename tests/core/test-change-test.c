/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The test for one change: how often it takes chance for one, how often it finds one that is there,
 * and where. All of it is simulation with fixed seeds; TRACECORE_TEST_LONG=yes takes a thousand of
 * each and longer series.
 */
#include "stats/change_test.h"

#include "failing.h"
#include "random.h"
#include "stats/season.h"
#include "tap.h"

#include <math.h>

enum kind { AUTOREGRESSIVE, LOG_NORMAL, SEASONAL, STEP };

struct world {
    enum kind kind;
    double parameter; /* correlation, sigma, amplitude, size of the step in deviations */
    size_t after;     /* values behind the step */
};

static void make(struct random_source *source, const struct world *w, double *value, size_t count)
{
    double r = w->kind == AUTOREGRESSIVE ? w->parameter : 0, last = random_normal(source);

    for (size_t i = 0; i < count; i++) {
        value[i] = last;
        if (w->kind == LOG_NORMAL)
            value[i] = exp(w->parameter * last);
        if (w->kind == SEASONAL)
            value[i] += w->parameter * sin(6.283185307179586 * (double)i / 24);
        if (w->kind == STEP && i + w->after >= count)
            value[i] += w->parameter;
        last = r * last + sqrt(1 - r * r) * random_normal(source);
    }
}

/* As trace-detect change --gate does. */
static struct tcore_change_test test(double *value, size_t count)
{
    struct tcore_change_test result = {0};
    struct tcore_error err;
    size_t period = 0;

    if (tcore_season_period(value, count, &period, &err) != TCORE_OK ||
        tcore_season_remove(value, count, period, &err) != TCORE_OK ||
        tcore_change_test(value, count, &result, &err) != TCORE_OK)
        ok(false, "memory");
    return result;
}

/* How many of so many series are reported at 1 %. */
static size_t alarms(const struct world *w, size_t count, size_t series, uint64_t seed)
{
    struct random_source source = {seed};
    double *value = malloc(count * sizeof *value);
    size_t found = 0;

    for (size_t i = 0; i < series; i++) {
        make(&source, w, value, count);
        found += test(value, count).p_value <= 0.01;
    }
    free(value);
    return found;
}

static void test_nulls(size_t series, size_t longest)
{
    static const struct {
        const char *name;
        struct world world;
    } worlds[] = {
        {"white noise", {AUTOREGRESSIVE, 0, 0}}, {"log-normal", {LOG_NORMAL, 1, 0}},
        {"AR(1) 0.5", {AUTOREGRESSIVE, 0.5, 0}}, {"AR(1) 0.8", {AUTOREGRESSIVE, 0.8, 0}},
        {"24-periodic", {SEASONAL, 1, 0}},       {"24-periodic, strong", {SEASONAL, 4, 0}},
    };
    static const size_t lengths[] = {50, 200, 1000, 10000};

    for (size_t i = 0; i < sizeof worlds / sizeof *worlds; i++)
        for (size_t k = 0; k < sizeof lengths / sizeof *lengths && lengths[k] <= longest; k++) {
            size_t found = alarms(&worlds[i].world, lengths[k], series, 4711 + i);

            ok(found * 100 <= series, "%s, %zu values: %zu alarms of %zu", worlds[i].name,
               lengths[k], found, series);
        }
}

/* few: of so few series that chance takes a part of what is promised. */
static void test_power(size_t series, bool few)
{
    const struct world small = {STEP, 1, 50}, late = {STEP, 2, 8};
    size_t found = alarms(&small, 200, series, 17);

    ok(found * 100 >= series * 78, "1 deviation in the last quarter of 200: %zu of %zu", found,
       series);
    found = alarms(&late, 200, series, 18);
    ok(found * 100 >= series * (few ? 87 : 90),
       "2 deviations with 8 of 200 values after it: %zu of %zu", found, series);
}

static void test_onset(void)
{
    double value[100];
    struct random_source source = {3};
    const struct world w = {STEP, 6, 30};

    make(&source, &w, value, 100);
    struct tcore_change_test result = test(value, 100);

    is_int(result.onset, 70, "the onset is the first value after the change");
    ok(result.p_value < 1e-6, "and it is certain: %g", result.p_value);
    for (size_t i = 0; i < 100; i++)
        value[i] = exp(value[i]);
    struct tcore_change_test bent = test(value, 100);

    ok(bent.onset == result.onset && bent.statistic == result.statistic,
       "the same on another scale");
}

static void test_odd(void)
{
    double value[40] = {0};
    struct tcore_change_test result;

    for (size_t count = 0; count < TCORE_CHANGE_SHORTEST; count++)
        if (test(value, count).p_value < 1)
            ok(false, "%zu values are too few", count);
    result = test(value, 40);
    ok(result.p_value == 1 && result.onset == 0, "a constant does not change");
    for (size_t i = 0; i < 40; i++)
        value[i] = i < 20 ? 1 : 2;
    result = test(value, 40);
    ok(result.onset == 20 && result.p_value < 1e-6, "a step without noise is certain, %g",
       result.p_value);
    for (size_t i = 0; i < 40; i++)
        value[i] = i == 20 ? 1e300 : i % 2 ? -1e-300 : 0;
    ok(test(value, 40).p_value > 0.01, "one wild value is no change");
}

static void test_variance(void)
{
    double r = 0.6, sum = 0;

    ok(fabs(tcore_change_mean_variance(0, 7) - 1.0 / 7) < 1e-15, "1 / n if independent");
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 5; k++)
            sum += pow(r, abs(i - k)) / 25;
    ok(fabs(tcore_change_mean_variance(r, 5) - sum) < 1e-12, "the sum of all covariances: %g", sum);
}

static void test_memory(void)
{
    double value[40] = {1};
    struct tcore_error err;
    struct tcore_change_test result;

    for (unsigned long n = 1; n <= 2; n++) {
        failing_begin(n);
        ok(tcore_change_test(value, 40, &result, &err) == TCORE_FATAL, "allocation %lu fails", n);
        failing_end();
    }
    is_int(failing.live, 0, "nothing leaks");
}

int main(void)
{
    const char *text = getenv("TRACECORE_TEST_LONG");
    bool is_long = text && strcmp(text, "yes") == 0;

    test_nulls(is_long ? 1000 : 300, is_long ? 10000 : 200);
    test_power(is_long ? 1000 : 300, !is_long);
    test_onset();
    test_odd();
    test_variance();
    test_memory();
    return done_testing();
}
