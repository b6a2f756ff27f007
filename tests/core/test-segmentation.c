/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Segmentation of series whose changes are known, of noise, and of what is no proper series; and
 * the optimal division against trying all of them. */
#include "stats/segmentation.h"

#include "failing.h"
#include "random.h"
#include "stats/segmentation_parts.h"
#include "tap.h"

#include <math.h>

static struct tcore_segmentation segment(const double *value, size_t count)
{
    struct tcore_segmentation result;
    struct tcore_error err;

    ok(tcore_segment(value, count, &result, &err) == TCORE_OK, "%zu values are divided", count);
    return result;
}

/* Whether the cuts are at these places, give or take. */
static void expect(const double *value, size_t count, const size_t *at, size_t cuts, size_t margin,
                   const char *what)
{
    struct tcore_segmentation s = segment(value, count);

    is_int(s.count, cuts, "%s: the number of cuts", what);
    for (size_t i = 0; i < cuts && i < s.count; i++)
        ok(s.cut[i].start + margin >= at[i] && s.cut[i].start <= at[i] + margin &&
               s.cut[i].support > 0 && s.cut[i].support <= 1,
           "%s: cut %zu at %zu (%zu), support %g", what, i, s.cut[i].start, at[i],
           s.cut[i].support);
    tcore_segmentation_free(&s);
}

static void test_known(void)
{
    static const size_t steps[] = {60, 140}, kink[] = {100};
    struct random_source source = {5};
    double value[200];

    for (size_t i = 0; i < 200; i++)
        value[i] = (i < 60 ? 0 : i < 140 ? 4 : 1) + random_normal(&source);
    expect(value, 200, steps, 2, 3, "two steps");
    value[30] = 1000;
    value[100] = value[101] = -1000;
    expect(value, 200, steps, 2, 3, "two steps and outliers");
    for (size_t i = 0; i < 200; i++)
        value[i] += 5 * sin(6.283185307179586 * (double)i / 10);
    expect(value, 200, steps, 2, 5, "two steps in a season");
    for (size_t i = 0; i < 200; i++)
        value[i] = (i < 100 ? 0 : 0.2 * (double)(i - 100)) + 0.5 * random_normal(&source);
    expect(value, 200, kink, 1, 10, "a kink");
    for (size_t i = 0; i < 200; i++)
        value[i] = (double)i + random_normal(&source);
    expect(value, 200, NULL, 0, 0, "a trend");
    for (size_t i = 0; i < 200; i++)
        value[i] = i < 100 ? 1e300 : -1e300;
    expect(value, 200, kink, 1, 0, "huge numbers");
    for (size_t i = 0; i < 200; i++)
        value[i] = i < 100 ? 1e-300 : 3e-300;
    expect(value, 200, kink, 1, 0, "tiny numbers");
}

static void test_long(void)
{
    static const size_t at[] = {40321, 77777};
    size_t count = 100000;
    struct random_source source = {6};
    double *value = malloc(count * sizeof *value);

    for (size_t i = 0; i < count; i++)
        value[i] = (i < at[0] ? 0 : i < at[1] ? 3 : 1) + random_normal(&source);
    expect(value, count, at, 2, 20, "100,000 values");
    free(value);
}

static void test_noise(void)
{
    struct random_source source = {7};
    struct tcore_error err;
    double value[200];
    size_t cut = 0;

    for (size_t n = 0; n < 60; n++) {
        struct tcore_segmentation s;

        for (size_t i = 0; i < 200; i++)
            value[i] = random_normal(&source);
        if (tcore_segment(value, 200, &s, &err) == TCORE_OK)
            cut += s.count > 0;
        tcore_segmentation_free(&s);
    }
    ok(cut <= 6, "of 60 series of noise %zu are cut", cut);
}

static void test_odd(void)
{
    double value[64] = {0};

    for (size_t count = 0; count < 12; count++) {
        for (size_t i = 0; i < count; i++)
            value[i] = (double)i;
        expect(value, count, NULL, 0, 0, "few values");
    }
    for (size_t i = 0; i < 64; i++)
        value[i] = 0.1;
    expect(value, 64, NULL, 0, 0, "a constant");
    memset(value, 0, sizeof value);
    value[20] = 5;
    expect(value, 64, NULL, 0, 0, "all but one are equal");
}

/* What a division costs a member, segment by segment. */
static double cost_of(const struct segment_sums *sums, const struct segment_member *m,
                      const uint32_t *place, size_t count)
{
    double cost = 0;

    for (size_t i = 0; i <= count; i++) {
        size_t from = i ? place[i - 1] : 0, to = i < count ? place[i] : sums->places;

        cost += fmin(segment_level_squares(sums, from, to) + m->level,
                     segment_line_squares(sums, from, to) + m->line) +
                m->cut;
    }
    return cost;
}

/* The least cost over all divisions of 14 values into segments of 3 or more. */
static double least_cost(const struct segment_sums *sums, const struct segment_member *m)
{
    double least = INFINITY;

    for (unsigned set = 0; set < 1u << 13; set++) {
        uint32_t place[14];
        size_t count = 0, last = 0;
        bool legal = true;

        for (uint32_t i = 1; i < 14; i++)
            if (set >> (i - 1) & 1) {
                legal &= i - last >= 3;
                place[count++] = i;
                last = i;
            }
        if (legal && 14 - last >= 3)
            least = fmin(least, cost_of(sums, m, place, count));
    }
    return least;
}

static void test_optimal(void)
{
    enum { COUNT = 14, MEMBERS = 5 };
    size_t at[COUNT + 1];
    double y[COUNT + 1] = {0}, ty[COUNT + 1] = {0}, yy[COUNT + 1] = {0};
    struct segment_sums sums = {COUNT, at, y, ty, yy};
    const struct segment_member member[MEMBERS] = {
        {1, 0, INFINITY, 1}, {2, INFINITY, 0, 1}, {1, 0, 0.5, 1}, {0.1, 0, 0.02, 1}, {50, 0, 0, 1}};
    uint32_t place[MEMBERS * (COUNT + 1)];
    struct segment_division division[MEMBERS];
    struct random_source source = {8};
    struct tcore_error err;

    at[0] = 0;
    for (size_t i = 0; i < COUNT; i++) {
        double v = random_normal(&source) + (i >= 6 ? 2 : 0);

        at[i + 1] = i + 1;
        y[i + 1] = y[i] + v;
        ty[i + 1] = ty[i] + (double)i * v;
        yy[i + 1] = yy[i] + v * v;
    }
    ok(segment_divide(&sums, member, MEMBERS, 3, place, division, &err) == TCORE_OK, "divided");
    for (size_t m = 0; m < MEMBERS; m++) {
        double got = cost_of(&sums, &member[m], division[m].place, division[m].count);
        double least = least_cost(&sums, &member[m]);

        ok(fabs(got - least) < 1e-9, "member %zu: no division costs less than %g (%g)", m, got,
           least);
    }
}

/* Five members: three cut at 50 or near it, one nowhere, one everywhere. */
static void test_choice(void)
{
    static const uint32_t near[] = {48}, there[] = {50}, other[] = {52},
                          many[] = {10, 20, 30, 50, 70, 80};
    const struct segment_division division[] = {
        {NULL, 0}, {near, 1}, {there, 1}, {other, 1}, {many, 6}};
    struct segment_member member[5] = {
        {0, 0, 0, 1}, {0, 0, 0, 1}, {0, 0, 0, 1}, {0, 0, 0, 1}, {0, 0, 0, 1}};

    is_int(segment_choose(division, member, 5, 100, 5), 2, "the one in the middle of most");
    ok(fabs(segment_support(division, member, 5, 50, 5) - 0.8) < 1e-12, "four of five have it");
    ok(fabs(segment_support(division, member, 5, 75, 5) - 0.2) < 1e-12, "one has a cut near 75");
    member[4].weight = 20;
    is_int(segment_choose(division, member, 5, 100, 5), 4, "weights count");
    member[4].weight = 0;
    member[0].weight = 20;
    is_int(segment_choose(division, member, 5, 100, 5), 0, "no cut is an answer, too");
}

static void test_memory(void)
{
    double value[100];
    bool more = true;
    unsigned told = 0;

    for (size_t i = 0; i < 100; i++)
        value[i] = (i < 50 ? 0 : 5) + (double)(i % 7) / 7;
    for (unsigned long n = 1; more; n++) {
        struct tcore_segmentation s;
        struct tcore_error err;

        failing_begin(n);
        told += tcore_segment(value, 100, &s, &err) == TCORE_FATAL;
        tcore_segmentation_free(&s);
        more = failing_end();
    }
    ok(told >= 7, "%u failed allocations are told", told);
    is_int(failing.live, 0, "nothing leaks");
}

int main(void)
{
    test_known();
    test_long();
    test_noise();
    test_odd();
    test_optimal();
    test_choice();
    test_memory();
    return done_testing();
}
