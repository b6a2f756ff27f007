/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Histograms with explicit bounds: Prometheus's quantiles, shared bounds, any order, bytes. */
#include "codec.h"
#include "random.h"
#include "stats/bounded_histogram.h"
#include "tap.h"

#include <math.h>

#define LENGTH(array) (uint32_t)(sizeof(array) / sizeof *(array))

static enum tcore_status encode(const void *state, struct tcore_buf *out)
{
    tcore_bounded_histogram_encode(state, out);
    return TCORE_OK;
}

static enum tcore_status decode(void *state, struct tcore_state_reader *in, struct tcore_error *err)
{
    return tcore_bounded_histogram_decode(state, in, err);
}

static void release(void *state)
{
    tcore_bounded_histogram_free(state);
}

static const struct codec codec = {"histogram with bounds", sizeof(struct tcore_bounded_histogram),
                                   encode, decode, release};

/* Answers worked out by the definition in Prometheus's documentation. */
static void test_quantiles(void)
{
    static const double latency[] = {0.1, 0.25, 0.5, 1}, below_zero[] = {-10, -5, 0, 5};
    static const uint64_t counts[] = {10, 20, 30, 40, 0}, tail[] = {0, 0, 50, 0, 50};
    static const uint64_t negative[] = {4, 4, 4, 4, 4};
    static const struct {
        const char *name;
        const double *bounds;
        const uint64_t *counts;
        double q, min, max, wanted;
    } cases[] = {
        {"the median", latency, counts, 0.5, NAN, NAN, 0.25 + 0.25 * (20 / 30.0)},
        {"in the first bucket, from 0", latency, counts, 0.05, NAN, NAN, 0.05},
        {"at a bound", latency, counts, 0.1, NAN, NAN, 0.1},
        {"the end", latency, counts, 1, NAN, NAN, 1},
        {"the start", latency, counts, 0, NAN, NAN, 0},
        {"clamped to the maximum", latency, counts, 1, NAN, 0.8, 0.8},
        {"clamped to the minimum", latency, counts, 0, 0.02, NAN, 0.02},
        {"in the last bucket", latency, tail, 0.9, NAN, NAN, 1},
        {"behind empty buckets", latency, tail, 0.25, NAN, NAN, 0.375},
        {"below the least", latency, counts, -0.1, NAN, NAN, -INFINITY},
        {"above the most", latency, counts, 1.1, NAN, NAN, INFINITY},
        {"of no q", latency, counts, NAN, NAN, NAN, NAN},
        {"in a first bucket below 0", below_zero, negative, 0.1, NAN, NAN, -10},
        {"between negative bounds", below_zero, negative, 0.3, NAN, NAN, -7.5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_bounded_histogram histogram = {0};
        tcore_bounded_histogram_add(&histogram, cases[i].bounds, 4, cases[i].counts, 5,
                                    TCORE_WEIGHT_ONE, NULL);
        double got =
            tcore_bounded_histogram_quantile(&histogram, cases[i].q, cases[i].min, cases[i].max);
        double wanted = cases[i].wanted;
        ok(got == wanted || fabs(got - wanted) < 1e-15 || (isnan(got) && isnan(wanted)),
           "quantile %s: %.17g", cases[i].name, got);
        tcore_bounded_histogram_free(&histogram);
    }
    struct tcore_bounded_histogram histogram = {0};
    is_double(tcore_bounded_histogram_quantile(&histogram, 0.5, NAN, NAN), NAN, "of nothing");
    uint64_t seven = 7;
    tcore_bounded_histogram_add(&histogram, NULL, 0, &seven, 1, TCORE_WEIGHT_ONE, NULL);
    is_double(tcore_bounded_histogram_quantile(&histogram, 0.5, NAN, NAN), NAN, "without a bound");
    is_int(histogram.total, 7 * TCORE_WEIGHT_ONE, "but seven values");
    codec_check(&codec, &histogram, "without a bound");
    tcore_bounded_histogram_free(&histogram);
}

static void test_refusals(void)
{
    static const double up[] = {1, 2, 3}, down[] = {1, 3, 2}, twice[] = {1, 2, 2};
    static const double nan[] = {1, NAN, 3}, infinite[] = {1, 2, INFINITY};
    static const double minus[] = {-INFINITY, 2, 3};
    static const uint64_t counts[] = {1, 1, 1, 1, 1}, last[] = {1, 1, 1, 0};
    static const uint64_t large[] = {UINT64_MAX, 1, 1, 1}, many[] = {TCORE_COUNT_MAX, 1, 0, 0};
    static const struct {
        const char *name;
        const double *bounds;
        const uint64_t *counts;
        uint32_t count_length;
        enum tcore_status status;
    } cases[] = {
        {"ascending", up, counts, 4, TCORE_OK},
        {"a count too few", up, counts, 3, TCORE_SKIP},
        {"a count too many", up, counts, 5, TCORE_SKIP},
        {"descending", down, counts, 4, TCORE_SKIP},
        {"equal bounds", twice, counts, 4, TCORE_SKIP},
        {"NaN", nan, counts, 4, TCORE_SKIP},
        {"+Inf written out", infinite, counts, 3, TCORE_OK},
        {"+Inf and nothing above", infinite, last, 4, TCORE_OK},
        {"something above +Inf", infinite, counts, 4, TCORE_SKIP},
        {"-Inf", minus, counts, 4, TCORE_SKIP},
        {"counts that overflow", up, large, 4, TCORE_SKIP},
        {"one too many", up, many, 4, TCORE_SKIP},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_bounded_histogram histogram = {0};
        struct tcore_error err = {0};
        enum tcore_status status =
            tcore_bounded_histogram_add(&histogram, cases[i].bounds, 3, cases[i].counts,
                                        cases[i].count_length, TCORE_WEIGHT_ONE, &err);
        ok(status == cases[i].status && (status == TCORE_OK || err.text[0]) &&
               (histogram.units != NULL) == (status == TCORE_OK),
           "a histogram with %s: %s", cases[i].name, err.text);
        tcore_bounded_histogram_free(&histogram);
    }
    struct tcore_bounded_histogram histogram = {0};
    tcore_bounded_histogram_add(&histogram, up, 3, counts, 4, TCORE_UNITS_MAX / 4, NULL);
    is_int(tcore_bounded_histogram_add(&histogram, up, 3, counts, 4, TCORE_UNITS_MAX / 4, NULL),
           TCORE_SKIP, "too many in all");
    is_int(tcore_bounded_histogram_merge(&histogram, &(struct tcore_bounded_histogram){0}),
           TCORE_OK, "nothing more");
    codec_check(&codec, &histogram, "nearly the most");
    tcore_bounded_histogram_free(&histogram);
}

static void test_shared_bounds(void)
{
    static const double a[] = {5, 10, 25, 100}, b[] = {5, 25, 50, 100}, c[] = {7, 8};
    static const uint64_t of_a[] = {1, 2, 4, 8, 16}, of_b[] = {100, 200, 400, 800, 1600};
    static const uint64_t of_c[] = {3, 3, 3};
    struct tcore_bounded_histogram histogram = {0};
    struct tcore_error err;
    tcore_bounded_histogram_add(&histogram, a, 4, of_a, 5, TCORE_WEIGHT_ONE, &err);
    tcore_bounded_histogram_add(&histogram, a, 4, of_a, 5, TCORE_WEIGHT_ONE, &err);
    ok(!histogram.coarsened && histogram.length == 4, "the same bounds stay");
    codec_check(&codec, &histogram, "the same bounds");
    tcore_bounded_histogram_add(&histogram, b, 4, of_b, 5, TCORE_WEIGHT_ONE, &err);
    static const uint64_t shared[] = {102, 212, 1216, 1632};
    bool held = histogram.length == 3 && histogram.bounds[0] == 5 && histogram.bounds[1] == 25 &&
                histogram.bounds[2] == 100;
    for (int i = 0; i < 4 && held; i++)
        held = histogram.units[i] == shared[i] * TCORE_WEIGHT_ONE;
    ok(held && histogram.coarsened, "of other bounds the shared ones stay, and it says so");
    codec_check(&codec, &histogram, "shared bounds");
    tcore_bounded_histogram_add(&histogram, c, 2, of_c, 3, TCORE_WEIGHT_ONE / 2, &err);
    ok(histogram.length == 0 && histogram.units[0] == 3162 * TCORE_WEIGHT_ONE + 9 * 32768,
       "without a shared bound one count stays");
    codec_check(&codec, &histogram, "no shared bound");
    tcore_bounded_histogram_free(&histogram);
}

static enum tcore_status add_any(struct tcore_bounded_histogram *histogram,
                                 struct random_source *source, int kinds)
{
    static const double all[][5] = {{1, 2, 5, 10, 20}, {1, 5, 10, 20, 50}, {0.5, 1, 5, 20, 100}};
    uint64_t counts[6];
    for (int i = 0; i < 6; i++)
        counts[i] = random_below(source, 1000);
    const double *bounds = all[random_below(source, (uint64_t)kinds)];
    uint64_t weight = random_below(source, 2) ? TCORE_WEIGHT_ONE : random_below(source, 200000);
    return tcore_bounded_histogram_add(histogram, bounds, LENGTH(*all), counts, 6, weight, NULL);
}

static void test_order(void)
{
    struct random_source random = {1};
    for (int kinds = 1; kinds <= 3; kinds++) {
        enum { PARTS = 12 };
        struct tcore_bounded_histogram whole = {0}, parts[PARTS] = {0};
        struct random_source a = {5}, b = {5};
        bool held = true;
        for (int i = 0; i < 60; i++)
            held &= add_any(&whole, &a, kinds) == TCORE_OK &&
                    add_any(&parts[random_below(&random, PARTS)], &b, kinds) == TCORE_OK;
        for (int left = PARTS; left > 1; left--) {
            uint64_t into = random_below(&random, (uint64_t)left - 1);
            held &= tcore_bounded_histogram_merge(&parts[into], &parts[left - 1]) == TCORE_OK;
            tcore_bounded_histogram_free(&parts[left - 1]);
        }
        ok(held && codec_same(&codec, &whole, &parts[0]) && whole.coarsened == (kinds > 1),
           "%d kinds of bounds in %d parts, in any order: the same bytes", kinds, PARTS);
        codec_check(&codec, &whole, "weighted");
        tcore_bounded_histogram_free(&whole);
        tcore_bounded_histogram_free(&parts[0]);
    }
    struct tcore_bounded_histogram empty = {0};
    codec_check(&codec, &empty, "empty");
}

static void test_no_memory(void)
{
    bool held = true, more = true;
    long live = failing.live;
    for (unsigned long n = 1; more && held; n++) {
        struct tcore_bounded_histogram a = {0}, b = {0};
        struct random_source source = {2};
        bool failed = false;
        failing_begin(n);
        for (int i = 0; i < 5 && !failed; i++)
            failed = add_any(i % 2 ? &a : &b, &source, 3) != TCORE_OK;
        failed = failed || tcore_bounded_histogram_merge(&a, &b) != TCORE_OK;
        tcore_bounded_histogram_free(&a);
        tcore_bounded_histogram_free(&b);
        more = failing_end();
        held = failed == more;
    }
    ok(held && failing.live == live, "no memory is reported, and nothing leaks");
}

int main(void)
{
    test_quantiles();
    test_refusals();
    test_shared_bounds();
    test_order();
    test_no_memory();
    return done_testing();
}
