/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Seasons that are known, with trend, steps and outliers, and series that have none. */
#include "stats/season.h"

#include "failing.h"
#include "random.h"
#include "tap.h"

#include <math.h>

#define COUNT 240

static size_t period_of(const double *values, size_t count)
{
    struct tcore_error err;
    size_t period = 99;

    ok(tcore_season_period(values, count, &period, &err) == TCORE_OK, "a period of %zu values",
       count);
    return period;
}

/* A season of 12 with a trend, a step, little noise and an outlier. */
static void make(double *values, double *season)
{
    struct random_source source = {1};

    for (size_t i = 0; i < COUNT; i++) {
        season[i] = 10 * sin(6.283185307179586 * (double)i / 12);
        values[i] =
            season[i] + 0.1 * (double)i + (i >= 130 ? 25 : 0) + 0.1 * random_normal(&source);
    }
    values[50] = 1e6;
}

static void test_known(void)
{
    double values[COUNT], season[COUNT], before[COUNT];
    double worst = 0;
    struct tcore_error err;

    make(values, season);
    is_int(period_of(values, COUNT), 12, "the period, and not a multiple of it");
    memcpy(before, values, sizeof values);
    ok(tcore_season_remove(values, COUNT, 12, &err) == TCORE_OK, "it is taken out");
    for (size_t i = 0; i < COUNT; i++)
        worst = fmax(worst, fabs(before[i] - values[i] - season[i]));
    ok(worst < 0.5, "what was taken out is the season, %g at worst", worst);
}

static void test_none(void)
{
    struct random_source source = {2};
    double noise[COUNT], level[COUNT], line[COUNT];

    for (size_t i = 0; i < COUNT; i++) {
        noise[i] = random_normal(&source);
        level[i] = 3;
        line[i] = (double)i;
    }
    is_int(period_of(noise, COUNT), 0, "noise has no season");
    is_int(period_of(level, COUNT), 0, "nor has a constant");
    is_int(period_of(line, COUNT), 0, "nor a line");
    for (size_t count = 0; count < 12; count++)
        is_int(period_of(noise, count), 0, "nor %zu values", count);
}

static void test_short(void)
{
    double values[] = {1, 2, 3, 4, 5};
    struct tcore_error err;

    ok(tcore_season_remove(values, 5, 0, &err) == TCORE_OK && values[4] == 5,
       "period 0 is nothing");
    ok(tcore_season_remove(values, 5, 3, &err) == TCORE_OK && values[4] == 5,
       "less than two periods tell nothing");
}

static void test_memory(void)
{
    double values[COUNT], season[COUNT];
    struct tcore_error err;
    size_t period;

    make(values, season);
    failing_begin(1);
    ok(tcore_season_period(values, COUNT, &period, &err) == TCORE_FATAL, "no memory to look");
    failing_begin(1);
    ok(tcore_season_remove(values, COUNT, 12, &err) == TCORE_FATAL, "no memory to take it out");
    failing_end();
}

int main(void)
{
    test_known();
    test_none();
    test_short();
    test_memory();
    return done_testing();
}
