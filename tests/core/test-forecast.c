/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Forecasts: of series that say themselves how they go on, how often values are within intervals,
 * and odd ones. Simulations have fixed seeds; TRACECORE_TEST_LONG=yes takes 400 series of each.
 */
#include "stats/forecast.h"

#include "failing.h"
#include "random.h"
#include "stats/order.h"
#include "stats/season.h"
#include "tap.h"

#include <math.h>

#define TAU 6.283185307179586

static struct tcore_error err;

/* --- Seasons */

static void test_seasons(void)
{
    const size_t hourly[] = {24, 168}, weekly[] = {52};
    static const struct {
        size_t count, found, period, longer;
        bool weekly;
    } cases[] = {
        {700, 24, 24, 168, false},  /* a day, and as there are two weeks, a week */
        {300, 24, 24, 24, false},   /* not enough of a week */
        {700, 23, 24, 168, false},  /* near a day */
        {700, 168, 24, 168, false}, /* a week has days */
        {700, 12, 12, 168, false},  /* half a day: the longest multiple that there is */
        {700, 7, 7, 168, false},    /* of which a week is one, by chance */
        {700, 11, 11, 11, false},   /* nothing natural */
        {700, 0, 24, 168, false},   /* nothing found: a day is tried */
        {60, 0, 0, 0, false},       /* but not with less than three */
        {700, 0, 52, 52, true},     {150, 0, 0, 0, true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_seasons s =
            cases[i].weekly ? tcore_seasons_choose(cases[i].count, cases[i].found, weekly, 1)
                            : tcore_seasons_choose(cases[i].count, cases[i].found, hourly, 2);

        ok(s.period == cases[i].period && s.longer == cases[i].longer,
           "%zu values, %zu found: %zu and %zu", cases[i].count, cases[i].found, s.period,
           s.longer);
    }
    ok(tcore_seasons_choose(700, 0, NULL, 0).period == 0, "no natural season, none found");
}

/* --- Intervals by hand */

static void test_conformal(void)
{
    struct tcore_conformal c;
    double e[9];

    for (size_t i = 0; i < 9; i++)
        e[i] = (double)(i * 2 % 9) - 4;
    ok(tcore_conformal_make(&c, e, 9, 1, 1, &err) == TCORE_OK, "nine errors from -4 to 4");
    ok(fabs(c.scale[0] - 20.0 / 9) < 1e-12 && c.freedom == 4.5, "their size and worth");
    is_double(tcore_conformal_bound(&c, 0, 0.5), 0, "the middle one");
    /* The 0.9 quantile of nine is 3.2; Student's t with 4.5 degrees is 1.50 there, and the normal
     * quantile 1.2816. */
    double bound = tcore_conformal_bound(&c, 0, 0.9);

    ok(fabs(bound / (3.2 * 1.50 / 1.2816) - 1) < 0.02, "the 0.9 quantile, widened: %g", bound);
    ok(fabs(tcore_conformal_bound(&c, 0, 0.1) + bound) < 1e-12, "and the same below");
    ok(fabs(tcore_conformal_bound(&c, 2, 0.9) - 3 * bound) < 1e-12, "three steps ahead, thrice");
    ok(fabs(tcore_conformal_probability(&c, 0, bound) - 0.9) < 1e-9, "and back");
    ok(tcore_conformal_probability(&c, 0, 1e6) == 1 - 0x1p-40 &&
           tcore_conformal_probability(&c, 0, -1e6) == 0,
       "what is surely above and below");
    tcore_conformal_free(&c);
    /* Errors of a forecast that are all alike are worth one: two origins of four steps. */
    const double alike[] = {1, 1, 1, 1, -1, -1, -1, -1};

    ok(tcore_conformal_make(&c, alike, 2, 4, 4, &err) == TCORE_OK && c.freedom == 1,
       "two forecasts with errors that are alike are worth two errors: %g", c.freedom);
    tcore_conformal_free(&c);
    const double none[] = {0, 0, 0, 0};

    ok(tcore_conformal_make(&c, none, 2, 2, 1, &err) == TCORE_OK &&
           tcore_conformal_bound(&c, 0, 0.99) == 0 && tcore_conformal_probability(&c, 0, 0) == 1 &&
           tcore_conformal_probability(&c, 0, -1e-9) == 0,
       "no errors at all");
    tcore_conformal_free(&c);
}

/* Tables of Student's t: 0.95 with 3, 0.975 with 5 and 10, 0.995 with 30 degrees. */
static void test_student(void)
{
    static const double tables[][3] = {
        {0.05, 3, 2.353}, {0.025, 5, 2.571}, {0.025, 10, 2.228}, {0.005, 30, 2.750}};

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        double z = tcore_normal_tail_inverse(tables[i][0]);
        double t = tcore_student_of_normal(z, tables[i][1]);

        ok(fabs(t / tables[i][2] - 1) < 0.01, "Student's t with %g degrees: %g", tables[i][1], t);
        ok(fabs(tcore_normal_of_student(t, tables[i][1]) - z) < 1e-12, "and back");
    }
}

/* --- Series that go on */

static struct tcore_forecast forecast_of(const double *value, size_t count, size_t steps)
{
    const size_t natural[] = {24, 168};
    struct tcore_forecast forecast = {0};
    size_t found;

    if (tcore_season_period(value, count, &found, &err) != TCORE_OK)
        ok(false, "memory");
    struct tcore_seasons seasons = tcore_seasons_choose(count, found, natural, 2);

    if (tcore_forecast(value, count, &seasons, steps, &forecast, &err) != TCORE_OK)
        ok(false, "memory");
    return forecast;
}

static double worst_of(double (*function)(double), size_t count, size_t steps)
{
    double *value = malloc(count * sizeof *value), worst = 0;

    for (size_t i = 0; i < count; i++)
        value[i] = function((double)i);
    struct tcore_forecast f = forecast_of(value, count, steps);

    for (size_t i = 0; i < steps; i++)
        worst = fmax(worst, fabs(f.value[i] - function((double)(count + i))));
    tcore_forecast_free(&f);
    free(value);
    return worst;
}

static double line(double x)
{
    return 100 + 0.5 * x;
}

static double day(double x)
{
    return 50 + 10 * sin(TAU * x / 24);
}

static double growing_day(double x)
{
    return (100 + 0.1 * x) * (1 + 0.3 * sin(TAU * x / 24));
}

/* Days of which each seventh is another one. */
static double week(double x)
{
    return (fmod(floor(x / 24), 7) < 1 ? 20 : 100) + 10 * sin(TAU * x / 24);
}

static void test_exact(void)
{
    double worst = worst_of(line, 200, 24);

    ok(worst < 0.01, "a line, off by %g", worst);
    worst = worst_of(day, 240, 48);
    ok(worst < 0.01, "a day, off by %g", worst);
    worst = worst_of(growing_day, 480, 48);
    ok(worst < 1, "a day that grows, off by %g", worst);
    worst = worst_of(week, 700, 168);
    ok(worst < 0.01, "a week, off by %g", worst);
}

/* --- How often values are within the interval */

enum world { WHITE, AUTOREGRESSIVE, WALK, DAY, DAY_AND_LINE, GROWING_DAY, LOG_NORMAL, WORLDS };

static void make(struct random_source *source, enum world world, double *value, size_t count)
{
    double level = 0;

    for (size_t i = 0; i < count; i++) {
        double e = random_normal(source), x = (double)i;

        if (world == AUTOREGRESSIVE || world == WALK)
            level = (world == WALK ? 1 : 0.7) * level + e;
        value[i] = world == WHITE          ? 100 + e
                   : world == DAY          ? day(x) + e
                   : world == DAY_AND_LINE ? day(x) + 0.05 * x + e
                   : world == GROWING_DAY  ? growing_day(x) * exp(0.05 * e)
                   : world == LOG_NORMAL   ? exp(3 + 0.5 * e)
                                           : 100 + level;
    }
}

static void test_cover(size_t series, double slack)
{
    static const char *const names[WORLDS] = {"white noise", "AR(1) 0.7",       "a random walk",
                                              "a day",       "a day on a line", "a growing day",
                                              "log-normal"};
    double all = 0;

    for (size_t w = 0; w < WORLDS; w++) {
        double within = 0, below = 0;

        for (size_t i = 0; i < series; i++) {
            struct random_source source = {1000 * w + i};
            double value[448];

            make(&source, (enum world)w, value, 448);
            struct tcore_forecast f = forecast_of(value, 400, 48);

            for (size_t k = 0; k < 48; k++) {
                within += value[400 + k] >= tcore_forecast_quantile(&f, k, 0.05) &&
                          value[400 + k] <= tcore_forecast_quantile(&f, k, 0.95);
                below += value[400 + k] <= tcore_forecast_quantile(&f, k, 0.9);
            }
            tcore_forecast_free(&f);
        }
        within /= 48 * (double)series;
        below /= 48 * (double)series;
        all += within / WORLDS;
        ok(fabs(within - 0.9) <= 0.05 + slack, "%s: %.3f within the 90 %% interval", names[w],
           within);
        ok(fabs(below - 0.9) <= 0.06 + slack, "and %.3f below the 0.9 quantile", below);
    }
    ok(fabs(all - 0.9) <= 0.02, "all: %.3f", all);
}

/* --- Odd ones */

static void test_odd(void)
{
    double value[200];

    for (size_t i = 0; i < 200; i++)
        value[i] = 7;
    struct tcore_forecast f = forecast_of(value, 200, 10);

    ok(f.value[9] == 7 && tcore_forecast_quantile(&f, 9, 0.01) == 7 &&
           tcore_forecast_quantile(&f, 9, 0.99) == 7,
       "a constant goes on, without a doubt");
    tcore_forecast_free(&f);
    f = forecast_of(value, TCORE_FORECAST_SHORTEST, 1000);
    ok(f.value[999] == 7, "a thousand steps from the fewest values");
    tcore_forecast_free(&f);
    for (size_t i = 0; i < 200; i++)
        value[i] = i % 50 == 49 ? 1 : 0;
    f = forecast_of(value, 200, 100);
    bool sane = true;

    for (size_t i = 0; i < 100; i++)
        sane &= f.value[i] >= 0 && tcore_forecast_quantile(&f, i, 0.05) >= 0;
    ok(sane, "what was never below 0 is not forecast below it");
    tcore_forecast_free(&f);
    for (size_t i = 0; i < 200; i++)
        value[i] = (i % 2 ? 1e150 : -1e150) * (double)(i % 7);
    f = forecast_of(value, 200, 50);
    sane = true;
    for (size_t i = 0; i < 50; i++)
        sane &= isfinite(f.value[i]) && isfinite(tcore_forecast_quantile(&f, i, 0.95));
    ok(sane, "huge values are no crash");
    tcore_forecast_free(&f);
    for (size_t i = 0; i < 200; i++)
        value[i] = exp(0.2 * (double)i);
    f = forecast_of(value, 200, 2000);
    ok(isfinite(f.value[1999]), "an explosion does not go on for ever: %g", f.value[1999]);
    tcore_forecast_free(&f);
}

/* Of wild values in a day's season the forecast is little worse than without. */
static void test_outliers(void)
{
    static const size_t places[] = {37, 120, 250, 301, 433};
    struct random_source source = {5};
    double value[480], off = 0;

    make(&source, DAY, value, 480);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        value[places[i]] += 200;
    struct tcore_forecast f = forecast_of(value, 480, 48);

    for (size_t i = 0; i < 48; i++)
        off += fabs(f.value[i] - day((double)(480 + i))) / 48;
    ok(off < 5, "five values 20 times as far out as the season, and the forecast is off by %g",
       off);
    tcore_forecast_free(&f);
}

static void test_memory(void)
{
    const struct tcore_seasons seasons = {4, 4};
    struct tcore_forecast f;
    double value[40];
    bool more = true;

    for (size_t i = 0; i < 40; i++)
        value[i] = (double)(i * 7 % 11);
    for (unsigned long n = 1; more; n++) {
        failing_begin(n);
        enum tcore_status status = tcore_forecast(value, 40, &seasons, 5, &f, &err);

        if (status == TCORE_OK)
            tcore_forecast_free(&f);
        more = failing_end();
        ok(status == (more ? TCORE_FATAL : TCORE_OK), "allocation %lu", n);
    }
    is_int(failing.live, 0, "nothing leaks");
}

int main(void)
{
    const char *text = getenv("TRACECORE_TEST_LONG");
    bool is_long = text && strcmp(text, "yes") == 0;

    test_seasons();
    test_conformal();
    test_student();
    test_exact();
    test_cover(is_long ? 400 : 40, is_long ? 0 : 0.02);
    test_odd();
    test_outliers();
    test_memory();
    return done_testing();
}
