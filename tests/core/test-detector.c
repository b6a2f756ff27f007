/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The streaming detector on made-up series: what must be found, what must not, and how often noise
 * is reported (rates are printed; the seed is fixed).
 */
#include "detect/detector.h"

#include "tap.h"

#include <float.h>
#include <math.h>

static uint64_t seed = 88172645463325252;

static double uniform(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return ((double)(seed >> 11) + 0.5) * 0x1p-53;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

/* Feeds count values and returns how many were reported; *first is the index of the first. */
static unsigned feed(struct detector *series, const double *value, int count, int *first)
{
    struct detector_verdict verdict;
    unsigned reported = 0;

    for (int i = 0; i < count; i++) {
        if (detector_step(series, NULL, value[i], &verdict) && reported++ == 0 && first)
            *first = i;
    }
    return reported;
}

static void test_spike(void)
{
    unsigned missed = 0, learnt = 0;

    for (int round = 0; round < 400; round++) {
        struct detector series = {0};
        struct detector_verdict verdict;
        int before = round % 100;

        for (int i = 0; i < before; i++)
            detector_step(&series, NULL, 120 + 20 * uniform(), &verdict);
        bool reported = detector_step(&series, NULL, 400, &verdict);

        missed += before >= DETECTOR_WARM_UP && !reported;
        learnt += before < DETECTOR_WARM_UP && reported;
    }
    is_int(missed, 0, "three times the usual is reported from the 17th value on");
    is_int(learnt, 0, "what comes before that is learnt, not reported");
}

static void test_report(void)
{
    struct detector series = {0};
    struct detector_verdict verdict;
    bool reported = false;

    for (int64_t i = 0; i < 100; i++) {
        int64_t ns = 1000 + i * 10;

        reported = detector_step(&series, &ns, 120 + 20 * uniform(), &verdict);
    }
    int64_t ns = 2000;

    reported = detector_step(&series, &ns, 400, &verdict);
    ok(reported && verdict.p_value < 1e-6, "far beyond: p is %.1e", verdict.p_value);
    ok(verdict.side == DETECTOR_ABOVE && verdict.nearest < 141, "it is above all that was seen");
    ok(verdict.lower > 118 && verdict.lower < 124 && verdict.upper > 136 && verdict.upper < 142,
       "usual are %.1f to %.1f", verdict.lower, verdict.upper);
    ok(verdict.expected > 125 && verdict.expected < 135, "expected is %.1f", verdict.expected);
    is_int(verdict.history_ns, 1000, "the history is as long as the times say");
    ns = 500;
    reported = detector_step(&series, &ns, 130, &verdict);
    ok(!reported && verdict.history_ns == 0, "an earlier time moves the start of the history");
    reported = detector_step(&series, NULL, 0, &verdict);
    ok(verdict.side == DETECTOR_BELOW && verdict.history_ns == 0, "below all, and without a time");
    ok(!detector_step(&series, NULL, 400, &verdict), "what was seen once is not new");
}

static void test_level(void)
{
    double value[400];
    struct detector series = {0};
    int first = -1;

    for (int i = 0; i < 400; i++)
        value[i] = (i < 200 ? 100 : 150) + 5 * uniform();
    unsigned reported = feed(&series, value, 400, &first);

    is_int(first, 200, "a new level is reported where it begins");
    is_int(reported, 1, "and once");
}

static void test_gap(void)
{
    double value[500];
    struct detector series = {0};
    int first = -1;

    for (int i = 0; i < 500; i++)
        value[i] = (i % 2 ? 10 : 100) + uniform();
    value[400] = 55;
    feed(&series, value, 500, &first);
    is_int(first, 400, "a value between two levels that was never seen");
}

static void test_constant(void)
{
    struct detector series = {0};
    struct detector_verdict verdict;
    unsigned reported = 0;

    for (int i = 0; i < 1000; i++)
        reported += detector_step(&series, NULL, 20, &verdict);
    is_int(reported, 0, "a constant is never reported");
    ok(!detector_step(&series, NULL, 20 * (1 + 1e-6), &verdict), "nor a rounding error beside it");
    ok(detector_step(&series, NULL, 30, &verdict), "what differs from it is");

    struct detector zero = {0};

    for (int i = 0; i < 100; i++)
        reported += detector_step(&zero, NULL, 0, &verdict);
    ok(detector_step(&zero, NULL, 1, &verdict), "the first that is not zero");
    is_int(reported, 0, "zeros are not reported");
}

static void test_units(void)
{
    static const double factor[] = {1e-9, 1, 1e6, -3}, offset[] = {0, 100, -70, 7};
    double value[1000];
    unsigned expected = 0;

    for (int i = 0; i < 1000; i++)
        value[i] = normal() + (i % 300 == 299 ? 12 : 0);
    for (int c = 0; c < 4; c++) {
        struct detector series = {0};
        double changed[1000];

        for (int i = 0; i < 1000; i++)
            changed[i] = value[i] * factor[c] + offset[c] * fabs(factor[c]);
        unsigned reported = feed(&series, changed, 1000, NULL);

        if (c == 0)
            expected = reported;
        is_int(reported, expected, "the same reports in units of %g with an offset of %g",
               factor[c], offset[c]);
    }
    ok(expected > 0, "there were some");
}

static void test_hostile(void)
{
    static const double value[] = {0,      -0.0, DBL_MAX, -DBL_MAX, DBL_MIN, 4.9e-324, 1e300,
                                   1e-300, 1,    -1,      1e150,    1e16,    1e16 + 2, 3.5};
    struct detector series = {0};
    struct detector_verdict verdict;
    unsigned unsound = 0;

    for (int i = 0; i < 20000; i++) {
        double next = value[(size_t)(uniform() * 14)] * (i % 3 ? 1 : uniform());
        int64_t ns = i % 2 ? INT64_MIN : INT64_MAX;

        detector_step(&series, &ns, next, &verdict);
        unsound += !(verdict.p_value > 0 && verdict.p_value <= 1) || !isfinite(verdict.score) ||
                   !isfinite(verdict.expected) || verdict.history_ns < 0;
        for (uint32_t c = 1; c < series.cells; c++)
            unsound += !(series.high[c - 1] < series.low[c]);
        for (int q = 1; q < DETECTOR_QUANTILES && i >= DETECTOR_QUANTILES; q++)
            unsound += !(series.height[q - 1] <= series.height[q]) ||
                       !(series.place[q - 1] < series.place[q]);
    }
    is_int(unsound, 0, "extreme values and times leave the state sound");
}

/* Quantiles of a long stream are near the true ones. */
static void test_quantiles(void)
{
    struct detector series = {0};
    struct detector_verdict verdict;

    for (int i = 0; i < 20000; i++)
        detector_step(&series, NULL, uniform(), &verdict);
    ok(fabs(verdict.lower - 0.05) < 0.01 && fabs(verdict.expected - 0.5) < 0.02 &&
           fabs(verdict.upper - 0.95) < 0.01,
       "quantiles of uniform values: %.3f %.3f %.3f", verdict.lower, verdict.expected,
       verdict.upper);
}

/* Reports a series of count values of noise, after the warm-up. */
static double noise_rate(int kind, int count, int rounds)
{
    unsigned reported = 0;

    for (int r = 0; r < rounds; r++) {
        struct detector series = {0};
        struct detector_verdict verdict;
        double level = 0, value = 0;

        for (int i = 0; i < count; i++) {
            double z = normal();

            level = 0.9 * level + z;
            switch (kind) {
            case 0:
                value = z;
                break;
            case 1:
                value = uniform();
                break;
            case 2:
                value = 100 * exp(0.3 * z);
                break;
            case 3:
                value = -log(uniform());
                break;
            case 4:
                value = level;
                break;
            case 5:
                value = floor(10 * uniform());
                break;
            case 6:
                value = z / normal();
                break;
            }
            reported += detector_step(&series, NULL, value, &verdict);
        }
    }
    return (double)reported / rounds;
}

static void test_noise(void)
{
    static const struct {
        const char *name;
        double limit_40, limit_1000;
    } noise[] = {{"normal", 0.2, 5},         {"uniform", 0.1, 0.5}, {"log-normal", 0.2, 5},
                 {"exponential", 0.2, 5},    {"AR(1) 0.9", 0.2, 5}, {"ten integers", 0.1, 0.5},
                 {"Cauchy (no mean)", 1, 13}};

    for (int kind = 0; kind < 7; kind++) {
        double short_rate = noise_rate(kind, 40, 400), long_rate = noise_rate(kind, 1000, 40);

        ok(short_rate <= noise[kind].limit_40 && long_rate <= noise[kind].limit_1000,
           "%s noise: %.2f reports in 40 values, %.1f in 1,000", noise[kind].name, short_rate,
           long_rate);
    }
}

int main(void)
{
    test_spike();
    test_report();
    test_level();
    test_gap();
    test_constant();
    test_units();
    test_hostile();
    test_quantiles();
    test_noise();
    return done_testing();
}
