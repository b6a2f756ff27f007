/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Trends: sums and slopes that were computed by hand, how often chance is taken for a trend, and
 * how often one that is there is found. Simulations have fixed seeds; TRACECORE_TEST_LONG=yes takes
 * two thousand series of each and longer ones.
 */
#include "stats/trend.h"

#include "failing.h"
#include "random.h"
#include "stats/mann_kendall.h"
#include "stats/season.h"
#include "stats/theil_sen.h"
#include "tap.h"

#include <math.h>

static struct tcore_error err;

/* --- By hand */

static struct tcore_mann_kendall kendall(const double *values, size_t count, size_t period,
                                         double correlation)
{
    struct tcore_mann_kendall result;

    ok(tcore_mann_kendall(values, count, period, correlation, &result, &err) == TCORE_OK,
       "a test of %zu values", count);
    return result;
}

static void test_kendall(void)
{
    /* Five pairs rise and one falls; 4 * 3 * 13 / 18. */
    struct tcore_mann_kendall r = kendall((double[]){5, 7, 6, 9}, 4, 0, 0);

    ok(r.s == 4 && r.pairs == 6 && r.tau == 4.0 / 6, "S %g of %g", r.s, r.pairs);
    is_double(r.variance, 156.0 / 18, "its variance");
    /* z = 3 / sqrt(156 / 18) = 1.01905, P(|Z| > z) = 0.30818 */
    ok(fabs(r.p_value - 0.30818) < 1e-4, "its p-value, %g", r.p_value);
    /* One pair is tied: less 2 * 1 * 9. */
    r = kendall((double[]){1, 2, 2, 3}, 4, 0, 0);
    ok(r.s == 5 && r.pairs == 6, "S with a tie %g", r.s);
    is_double(r.variance, 138.0 / 18, "its variance");
    r = kendall((double[]){3, 3, 3, 3, 3}, 5, 0, 0);
    ok(r.s == 0 && r.variance == 0 && r.p_value == 1, "one value only");
    /* What is missing makes no pair. */
    r = kendall((double[]){5, NAN, 7, 6, NAN, 9}, 6, 0, 0);
    ok(r.s == 4 && r.pairs == 6, "S with gaps %g", r.s);
    /* The phases are 1 2 3 and 9 8 7: three pairs each; 3 * 2 * 11 / 18 each. */
    r = kendall((double[]){1, 9, 2, 8, 3, 7}, 6, 2, 0);
    ok(r.s == 0 && r.pairs == 6, "S by phases %g", r.s);
    is_double(r.variance, 2 * 66.0 / 18, "its variance");
    r = kendall((double[]){1, 9, 2, 10, 3, 11, 4}, 7, 2, 0);
    ok(r.s == 9 && r.tau == 1, "both phases rise: S %g", r.s);
    /* Weights -3 -1 1 3: squares 20, products 3/2 - 3/4 - 9/8 - 1/2 + (-3)/4 + 3/2. */
    double alone = kendall((double[]){5, 7, 6, 9}, 4, 0, 0).variance;

    r = kendall((double[]){5, 7, 6, 9}, 4, 0, 0.5);
    ok(fabs(r.variance / alone - (20 + 2 * (1.5 - 0.75 - 1.125 - 0.5 - 0.75 + 1.5)) / 20) < 1e-12,
       "the variance with correlated neighbours, %g", r.variance / alone);
}

static void test_slope(void)
{
    /* The example of Sen's paper: values at 1 2 3 4 10 12 18. */
    double sen[18];
    struct tcore_theil_sen r;

    for (size_t i = 0; i < 18; i++)
        sen[i] = NAN;
    sen[0] = 9, sen[1] = 15, sen[2] = 19, sen[3] = 20, sen[9] = 45, sen[11] = 55, sen[17] = 78;
    ok(tcore_theil_sen(sen, 18, 0, 0, &r, &err) == TCORE_OK, "Sen's example");
    is_double(r.slope, 4, "its slope");
    /* 21 slopes; with 11 of them outside the interval is from number 5 to number 17. */
    ok(tcore_theil_sen(sen, 18, 0, 11, &r, &err) == TCORE_OK, "with an interval");
    is_double(r.lower, 15.0 / 4, "its lower end, number 5 of 21");
    is_double(r.upper, 46.0 / 11, "its upper end, number 17");
    ok(tcore_theil_sen(sen, 18, 0, 21, &r, &err) == TCORE_OK && isinf(r.lower) && isinf(r.upper),
       "too few pairs for an interval");
    /* By phases: slopes 1/2 and 2/2, 1/2 ... of a saw. */
    ok(tcore_theil_sen((double[]){0, 100, 1, 101, 2, 102}, 6, 2, 0, &r, &err) == TCORE_OK &&
           r.slope == 0.5,
       "a saw rises by %g", r.slope);
    ok(tcore_theil_sen((double[]){7}, 1, 0, 0, &r, &err) == TCORE_OK && isnan(r.slope),
       "one value has no slope");
    ok(tcore_theil_sen_pairs(5, 0) == 10 && tcore_theil_sen_pairs(7, 2) == 9 &&
           tcore_theil_sen_pairs(3, 5) == 0,
       "how many pairs there are");
}

/* --- Simulated */

struct world {
    double correlation, slope, amplitude;
    size_t period;
};

static void make(struct random_source *source, const struct world *w, double *value, size_t count)
{
    bool wanders = w->correlation == 1;
    double r = w->correlation, last = random_normal(source);

    for (size_t i = 0; i < count; i++) {
        value[i] = last + w->slope * (double)i;
        if (w->period)
            value[i] += w->amplitude * sin(6.283185307179586 * (double)i / (double)w->period);
        last = r * last + (wanders ? 1 : sqrt(1 - r * r)) * random_normal(source);
    }
}

struct rates {
    size_t found, covered;
};

static struct tcore_trend trend_of(const double *value, size_t count)
{
    struct tcore_trend trend;
    size_t period;

    if (tcore_season_period(value, count, &period, &err) != TCORE_OK ||
        tcore_trend(value, count, period, 0.95, &trend, &err) != TCORE_OK)
        ok(false, "memory");
    return trend;
}

static struct rates rates_of(const struct world *w, size_t count, size_t series, uint64_t seed)
{
    struct random_source source = {seed};
    double *value = malloc(count * sizeof *value);
    struct rates rates = {0};

    for (size_t i = 0; i < series; i++) {
        make(&source, w, value, count);
        struct tcore_trend trend = trend_of(value, count);

        rates.found += trend.p_value <= 0.05;
        rates.covered += trend.lower <= w->slope && trend.upper >= w->slope;
    }
    free(value);
    return rates;
}

static void test_nulls(size_t series)
{
    static const struct {
        const char *name;
        struct world world;
        size_t lengths[4];
    } worlds[] = {
        {"white noise", {0, 0, 0, 0}, {10, 20, 50, 200}},
        {"AR(1) 0.3", {0.3, 0, 0, 0}, {10, 20, 50, 200}},
        {"AR(1) 0.5", {0.5, 0, 0, 0}, {10, 20, 50, 200}},
        {"AR(1) 0.8", {0.8, 0, 0, 0}, {10, 20, 50, 200}},
        {"AR(1) 0.95", {0.95, 0, 0, 0}, {50, 200}},
        {"a random walk", {1, 0, 0, 0}, {200, 1000}},
        {"24-periodic", {0, 0, 12, 24}, {200}},
        {"24-periodic, 0.5", {0.5, 0, 12, 24}, {200}},
    };

    for (size_t i = 0; i < sizeof worlds / sizeof *worlds; i++)
        for (size_t k = 0; k < 4 && worlds[i].lengths[k]; k++) {
            struct rates r = rates_of(&worlds[i].world, worlds[i].lengths[k], series, 99 + i);

            ok(r.found * 100 <= series * 5 && r.covered * 100 >= series * 95,
               "%s, %zu values: a trend in %zu of %zu at 5 %%, 95 %% intervals hold %zu",
               worlds[i].name, worlds[i].lengths[k], r.found, series, r.covered);
        }
}

/* A rise of as many deviations over the whole length. */
static void test_power(size_t series)
{
    struct rates r = rates_of(&(struct world){0, 2.0 / 100, 0, 0}, 100, series, 5);

    ok(r.found * 100 >= series * 95, "2 deviations in 100 values: %zu of %zu found", r.found,
       series);
    r = rates_of(&(struct world){0.5, 3.0 / 200, 0, 0}, 200, series, 6);
    ok(r.found * 100 >= series * 95, "3 in 200 of AR(1) 0.5: %zu of %zu", r.found, series);
    r = rates_of(&(struct world){0, 1.5 / 240, 12, 24}, 240, series, 7);
    ok(r.found * 100 >= series * 95, "1.5 below a season of 12: %zu of %zu", r.found, series);
    struct rates walk = rates_of(&(struct world){1, 0.5, 0, 0}, 200, series, 9);

    ok(walk.found * 100 >= series * 95, "a random walk with steps of 0.5: %zu of %zu", walk.found,
       series);
    ok(r.covered * 100 >= series * 92, "and the interval holds %zu", r.covered);
}

/* --- Odd ones */

static void test_odd(void)
{
    double value[40];

    for (size_t i = 0; i < 40; i++)
        value[i] = 7;
    struct tcore_trend r = trend_of(value, 40);

    ok(r.slope == 0 && r.p_value == 1, "a constant has no trend");
    for (size_t count = 0; count < TCORE_TREND_SHORTEST; count++)
        if (!isnan(trend_of(value, count).slope) || trend_of(value, count).p_value != 1)
            ok(false, "%zu values are too few", count);
    for (size_t i = 0; i < 40; i++)
        value[i] = i % 5 ? NAN : (double)i;
    r = trend_of(value, 40);
    ok(r.slope == 1 && r.level == 0 && r.p_value < 0.05, "a line in eight of 40 values: %g",
       r.p_value);
    for (size_t i = 0; i < 40; i++)
        value[i] = (double)i * 0.5 + 3 + (i == 10 ? 1e300 : i == 30 ? -1e300 : 0);
    r = trend_of(value, 40);
    ok(r.slope == 0.5 && r.level == 3 && r.p_value < 1e-6, "two wild values bend no line, %g",
       r.slope);
    for (size_t i = 0; i < 40; i++)
        value[i] = NAN;
    ok(isnan(trend_of(value, 40).slope), "nothing at all has no trend");
}

/* More pairs than are looked at: with and without a season. */
static void test_long(void)
{
    static double value[20000];
    struct random_source source = {8};

    make(&source, &(struct world){0, 0.001, 0, 0}, value, 20000);
    value[7] = NAN;
    struct tcore_trend r = trend_of(value, 20000);

    ok(fabs(r.slope - 0.001) < 2e-5 && r.lower <= 0.001 && r.upper >= 0.001,
       "20,000 values: %g (%g to %g)", r.slope, r.lower, r.upper);
    ok(fabs(r.level) < 0.1, "which begin at %g", r.level);
    make(&source, &(struct world){0, 0.001, 30, 24}, value, 20000);
    value[7] = NAN;
    r = trend_of(value, 20000);
    ok(fabs(r.slope - 0.001) < 2e-5 && r.p_value < 1e-9, "with a season %g", r.slope);
}

static void test_memory(void)
{
    double value[40];
    struct tcore_trend result;
    bool more = true;

    for (size_t i = 0; i < 40; i++)
        value[i] = (double)(i * 7 % 11);
    for (unsigned long n = 1; more; n++) {
        failing_begin(n);
        enum tcore_status status = tcore_trend(value, 40, 0, 0.95, &result, &err);

        more = failing_end();
        ok(status == (more ? TCORE_FATAL : TCORE_OK), "allocation %lu", n);
    }
    is_int(failing.live, 0, "nothing leaks");
}

int main(void)
{
    const char *text = getenv("TRACECORE_TEST_LONG");
    bool is_long = text && strcmp(text, "yes") == 0;

    test_kendall();
    test_slope();
    test_nulls(is_long ? 2000 : 300);
    test_power(is_long ? 1000 : 100);
    test_odd();
    test_long();
    test_memory();
    return done_testing();
}
