/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Exponential histograms: the bucket of every boundary against exact arithmetic, the promised error
 * of quantiles over many kinds of data, merging in any order, foreign histograms, bytes.
 */
#include "codec.h"
#include "random.h"
#include "stats/histogram.h"
#include "tap.h"

#include <float.h>
#include <math.h>

typedef unsigned __int128 uint128;

/* Whether m^64 <= 2^exponent, by squaring m six times in limbs of 32 bits. */
static bool power_at_most(uint64_t m, unsigned exponent)
{
    static uint32_t a[136], square[272];
    unsigned length = 2;
    memset(a, 0, sizeof a);
    a[0] = (uint32_t)m;
    a[1] = (uint32_t)(m >> 32);
    for (int times = 0; times < 6; times++) {
        memset(square, 0, sizeof square);
        for (unsigned i = 0; i < length; i++) {
            uint64_t carry = 0;
            for (unsigned j = 0; j < length; j++) {
                uint64_t sum = (uint64_t)a[i] * a[j] + square[i + j] + carry;
                square[i + j] = (uint32_t)sum;
                carry = sum >> 32;
            }
            square[i + length] = (uint32_t)carry;
        }
        length *= 2;
        memcpy(a, square, length * sizeof *a);
    }
    unsigned top = length * 32;
    while (top && !(a[(top - 1) / 32] >> ((top - 1) % 32) & 1))
        top--;
    if (top != exponent + 1)
        return top <= exponent;
    for (unsigned bit = 0; bit < exponent; bit++)
        if (a[bit / 32] >> (bit % 32) & 1)
            return false;
    return true;
}

/* The largest integer of so many bits that is at most 2^(bits - 1 + j/64). */
static uint64_t largest_below(unsigned bits, unsigned j)
{
    uint64_t low = UINT64_C(1) << (bits - 1), high = low * 2 - 1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2 + 1;
        if (power_at_most(middle, 64 * (bits - 1) + j))
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static void test_double_boundaries(void)
{
    unsigned wrong = 0, tried = 0;
    for (unsigned j = 0; j < 64; j++) {
        uint64_t mantissa = largest_below(53, j);
        for (int e = -1022; e <= 1023; e++) {
            double at = ldexp((double)mantissa, e - 52);
            double above = nextafter(at, INFINITY);
            int32_t boundary = e * 64 + (int32_t)j;
            tried += 2;
            wrong += tcore_histogram_index_double(at) != boundary - 1;
            wrong += !isinf(above) && tcore_histogram_index_double(above) != boundary;
        }
    }
    is_int(wrong, 0, "both sides of every boundary in the range of doubles (%u)", tried);
    is_int(tcore_histogram_index_double(DBL_MAX), 65535, "the largest double");
    is_int(tcore_histogram_index_double(DBL_TRUE_MIN), -68737, "the smallest double");
    is_int(tcore_histogram_index_double(1.0), -1, "1 is the upper bound of its bucket");
}

static void test_integer_boundaries(void)
{
    uint64_t largest[64];
    unsigned wrong = 0, tried = 0;
    for (unsigned j = 0; j < 64; j++)
        largest[j] = largest_below(63, j);
    for (unsigned bits = 1; bits <= 63; bits++) {
        for (unsigned j = 0; j < 64; j++) {
            uint64_t at = largest[j] >> (63 - bits);
            int32_t boundary = (int32_t)((bits - 1) * 64 + j);
            tried += 2;
            wrong += tcore_histogram_index_int64((int64_t)at) > boundary - 1;
            wrong += j == 0 && tcore_histogram_index_int64((int64_t)at) != boundary - 1;
            wrong += at < INT64_MAX && tcore_histogram_index_int64((int64_t)at + 1) < boundary;
            wrong += bits > 8 && tcore_histogram_index_int64((int64_t)at) != boundary - 1;
            wrong += bits > 8 && at < INT64_MAX &&
                     tcore_histogram_index_int64((int64_t)at + 1) != boundary;
        }
    }
    is_int(wrong, 0, "both sides of every boundary in the range of int64 (%u)", tried);

    struct random_source source = {1};
    wrong = 0;
    for (int i = 0; i < 100000; i++) {
        int64_t value = (int64_t)(random_bits(&source) >> (11 + random_below(&source, 52))) | 1;
        int32_t index = tcore_histogram_index_int64(value);
        wrong += index != tcore_histogram_index_double((double)value);
        /* the same digits as a subnormal */
        double tiny = ldexp((double)value, -1074);
        wrong += index - 1074 * 64 != tcore_histogram_index_double(tiny);
    }
    is_int(wrong, 0, "integers and doubles, normal and subnormal, agree");
}

static void test_bounds(void)
{
    static const struct {
        int scale;
        int32_t index;
        double lower, upper;
    } cases[] = {
        {6, 0, 1, 1.0108892860517005},
        {6, -1, 0.98922801319397548, 1},
        {6, 63, 1.9784560263879509, 2},
        {6, 640, 1024, 1035.1506289169412},
        {6, 65535, 1.7783284081322982e308, INFINITY},
        {6, -68737, 0x1p-1074, 0x1p-1074}, /* the lower one rounds up */
        {3, 1, 1.0905077326652577, 1.189207115002721},
        {1, 1, 1.4142135623730951, 2},
        {0, 3, 8, 16},
        {-1, -2, 0.0625, 0.25},
        {-4, 1, 65536, 4294967296},
        {-10, 0, 1, INFINITY},
        {-10, -1, 0x1p-1024, 1},
        {-11, 0, 1, INFINITY},
        {-11, -1, 0, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_histogram_bucket bucket;
        tcore_histogram_bounds(cases[i].scale, cases[i].index, &bucket);
        is_double(bucket.lower, cases[i].lower, "lower bound, scale %d bucket %d", cases[i].scale,
                  cases[i].index);
        is_double(bucket.upper, cases[i].upper, "upper bound, scale %d bucket %d", cases[i].scale,
                  cases[i].index);
    }
    double worst = 0;
    bool inside = true;
    for (int32_t index = -68737; index <= 65535; index++) {
        struct tcore_histogram_bucket bucket;
        tcore_histogram_bounds(6, index, &bucket);
        inside &= bucket.lower <= bucket.value && bucket.value <= bucket.upper;
        if (index > -65000 && index < 65000) {
            double above = bucket.upper / bucket.value - 1, below = 1 - bucket.lower / bucket.value;
            worst = fmax(worst, fmax(above * bucket.value / bucket.upper, below));
            worst = fmax(worst, fmax((bucket.upper - bucket.value) / bucket.upper,
                                     (bucket.value - bucket.lower) / bucket.lower));
        }
    }
    ok(inside, "each bucket's value lies in it");
    ok(worst < 0.0054153, "no value is off by more than 0.54153 %%: %.6f", worst);
}

static void test_ranks(void)
{
    static const struct {
        double q;
        uint64_t total, rank;
    } cases[] = {
        {0.5, 0, 0},        {0.5, 1, 1},    {0, 10, 1},      {1, 10, 10},
        {0.07, 100, 7},     {0.95, 20, 19}, {0.5, 10, 5},    {0.5, 11, 6},
        {0.999, 1000, 999}, {0.9, 10, 9},   {0.29, 100, 29}, {0.1, 3, 1},
        {2, 5, 5},          {-1, 5, 1},     {NAN, 5, 1},     {1, TCORE_UNITS_MAX, TCORE_UNITS_MAX}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        is_int(tcore_nearest_rank(cases[i].q, cases[i].total), cases[i].rank,
               "rank of %g among %" PRIu64, cases[i].q, cases[i].total);
}

enum { VALUES = 20000 };

static double draw(const char *kind, struct random_source *source)
{
    if (!strcmp(kind, "log-uniform"))
        return exp2(random_unit(source) * 62);
    if (!strcmp(kind, "lognormal"))
        return random_lognormal(source, 3e6, 1);
    if (!strcmp(kind, "constant"))
        return 12345678;
    if (!strcmp(kind, "integers from 1 to 1000"))
        return (double)(1 + random_below(source, 1000));
    if (!strcmp(kind, "subnormal"))
        return ldexp((double)(1 + random_below(source, UINT64_C(1) << random_below(source, 52))),
                     -1074);
    if (!strcmp(kind, "subnormal to huge"))
        return ldexp(1 + random_unit(source), (int)random_below(source, 2097) - 1074);
    if (!strcmp(kind, "both signs and zeros"))
        return random_below(source, 10) == 0
                   ? 0
                   : random_lognormal(source, 1, 3) * (random_below(source, 3) ? 1 : -1);
    return -random_lognormal(source, 1e-6, 2); /* negative */
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void test_error(void)
{
    static const char *const kinds[] = {"log-uniform",
                                        "lognormal",
                                        "constant",
                                        "integers from 1 to 1000",
                                        "subnormal",
                                        "subnormal to huge",
                                        "both signs and zeros",
                                        "negative"};
    static double values[VALUES];
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct random_source source = {k + 100};
        struct tcore_histogram histogram = {0};
        bool inserted = true;
        for (int i = 0; i < VALUES; i++) {
            values[i] = draw(kinds[k], &source);
            inserted &= tcore_histogram_insert_double(&histogram, values[i]) == TCORE_OK;
        }
        qsort(values, VALUES, sizeof *values, compare_doubles);
        double worst = 0;
        for (int step = 0; step <= 2000; step++) {
            double q = step / 2000.0;
            double exact = values[tcore_nearest_rank(q, VALUES) - 1];
            double got = tcore_histogram_quantile(&histogram, q, values[0], values[VALUES - 1]);
            double off = fabs(got - exact);
            if (fabs(exact) < DBL_MIN &&
                exact != 0) { /* the value is rounded by half a step more */
                off = fmax(0, ldexp(off, 1074) - 0.5);
                exact = ldexp(exact, 1074);
            }
            worst = fmax(worst, exact != 0 ? off / fabs(exact) : off);
        }
        ok(inserted && worst <= 0.0054153, "every quantile within 0.54153 %%, %s: %.6f, %zu bytes",
           kinds[k], worst, tcore_histogram_bytes(&histogram));
        is_double(tcore_histogram_quantile(&histogram, 0, values[0], values[VALUES - 1]) >=
                      values[0],
                  1, "not below the minimum, %s", kinds[k]);
        tcore_histogram_free(&histogram);
    }
}

static void test_small_cases(void)
{
    struct tcore_histogram histogram = {0};
    is_double(tcore_histogram_quantile(&histogram, 0.5, NAN, NAN), NAN, "no value, no quantile");
    is_int(tcore_histogram_insert_double(&histogram, NAN), TCORE_SKIP, "NaN is refused");
    is_int(tcore_histogram_insert_double(&histogram, INFINITY), TCORE_SKIP, "infinity is refused");
    is_int(tcore_histogram_insert_double(&histogram, -INFINITY), TCORE_SKIP,
           "so is minus infinity");
    is_int(tcore_histogram_total(&histogram), 0, "none of them was counted");

    tcore_histogram_insert_int64(&histogram, 0);
    tcore_histogram_insert_double(&histogram, -0.0);
    is_double(tcore_histogram_quantile(&histogram, 1, NAN, NAN), 0, "zeros");
    tcore_histogram_insert_int64(&histogram, INT64_MIN);
    tcore_histogram_insert_int64(&histogram, INT64_MAX);
    is_double(tcore_histogram_quantile(&histogram, 0, (double)INT64_MIN, NAN),
              tcore_histogram_quantile(&histogram, 0, NAN, NAN), "clamping moves nothing inside");
    is_double(tcore_histogram_quantile(&histogram, 0.5, NAN, NAN), 0, "the median of -x 0 0 x");
    is_double(tcore_histogram_quantile(&histogram, 1, NAN, 1000), 1000, "clamped to the maximum");
    is_double(tcore_histogram_quantile(&histogram, 0, -1000, NAN), -1000, "clamped to the minimum");
    is_int(tcore_histogram_total(&histogram), 4 * TCORE_WEIGHT_ONE, "four values");

    struct tcore_histogram_cursor cursor = tcore_histogram_cursor(&histogram);
    struct tcore_histogram_bucket bucket;
    ok(tcore_histogram_next(&cursor, &bucket) && bucket.lower == -0x1p63 &&
           bucket.upper > -0x1p63 && bucket.upper < bucket.value * 0.99 && bucket.value < 0,
       "first the negative bucket");
    ok(tcore_histogram_next(&cursor, &bucket) && bucket.lower == 0 && bucket.upper == 0 &&
           bucket.units == 2 * TCORE_WEIGHT_ONE,
       "then the zeros");
    ok(tcore_histogram_next(&cursor, &bucket) && bucket.lower < 0x1p63 && bucket.upper == 0x1p63,
       "then the positive one");
    ok(!tcore_histogram_next(&cursor, &bucket), "and no more");
    tcore_histogram_free(&histogram);
}

static enum tcore_status encode(const void *state, struct tcore_buf *out)
{
    tcore_histogram_encode(state, out);
    return TCORE_OK;
}

static enum tcore_status decode(void *state, struct tcore_state_reader *in, struct tcore_error *err)
{
    return tcore_histogram_decode(state, in, err);
}

static void release(void *state)
{
    tcore_histogram_free(state);
}

static const struct codec codec = {"histogram", sizeof(struct tcore_histogram), encode, decode,
                                   release};

/* What a record adds in the tests of order: mostly plain, some weighted, negative or zero. */
static enum tcore_status insert_one(struct tcore_histogram *histogram, struct random_source *source,
                                    bool weighted)
{
    int64_t value = (int64_t)random_lognormal(source, 1e6, 1.5);
    uint64_t kind = random_below(source, 20);
    if (kind == 0)
        return tcore_histogram_insert_int64(histogram, 0);
    if (kind == 1)
        value = -value;
    if (kind == 2)
        return tcore_histogram_insert_double(histogram, (double)value * 1e-9);
    if (weighted && kind < 8)
        return tcore_histogram_insert_weighted_int64(histogram, value,
                                                     random_below(source, 10 * TCORE_WEIGHT_ONE));
    return tcore_histogram_insert_int64(histogram, value);
}

/* Values in portions of all lengths, against one by one. */
static void test_many(void)
{
    for (int round = 0; round < 40; round++) {
        enum { MOST = 200 };
        struct random_source random = {(uint64_t)round + 1};
        struct tcore_histogram one = {0}, many = {0};
        bool held = true;
        if (round % 4 == 1) { /* half a record makes units of the counts */
            tcore_histogram_insert_weighted_int64(&one, 5, TCORE_WEIGHT_ONE / 2);
            tcore_histogram_insert_weighted_int64(&many, 5, TCORE_WEIGHT_ONE / 2);
        }
        for (int portion = 0; portion < 400 && held; portion++) {
            int64_t values[MOST];
            size_t count = random_below(&random, MOST + 1);
            for (size_t i = 0; i < count; i++) {
                values[i] = (int64_t)random_lognormal(&random, 1e6, round % 3 ? 0.05 : 2);
                if (round % 2 && random_below(&random, 50) == 0)
                    values[i] = (int64_t)random_bits(&random); /* of either sign, and large */
                if (round % 2 && random_below(&random, 50) == 0)
                    values[i] = 0;
                held &= tcore_histogram_insert_int64(&one, values[i]) == TCORE_OK;
            }
            held &= tcore_histogram_insert_int64s(&many, values, count) == TCORE_OK;
            if (round % 4 == 3 && portion == 200)
                held &= tcore_histogram_reduce_scale(&one, 2) == TCORE_OK &&
                        tcore_histogram_reduce_scale(&many, 2) == TCORE_OK;
        }
        ok(held && codec_same(&codec, &one, &many) &&
               tcore_histogram_total(&one) == tcore_histogram_total(&many),
           "many at a time are the same as one by one, round %d", round);
        tcore_histogram_free(&one);
        tcore_histogram_free(&many);
    }
    struct tcore_histogram full = {0};
    int64_t values[20];
    for (int i = 0; i < 20; i++)
        values[i] = 1000;
    tcore_histogram_insert_int64s(&full, values, 20);
    tcore_histogram_insert_weighted_int64(&full, 1000, TCORE_UNITS_MAX - 30 * TCORE_WEIGHT_ONE);
    is_int(tcore_histogram_insert_int64s(&full, values, 20), TCORE_BAD_INPUT,
           "not beyond the most");
    is_int(tcore_histogram_total(&full), TCORE_UNITS_MAX, "those that fitted are there");
    tcore_histogram_free(&full);
}

static void shuffle(struct tcore_histogram *parts, int count, struct random_source *source)
{
    for (int i = count - 1; i > 0; i--) {
        int j = (int)random_below(source, (uint64_t)i + 1);
        struct tcore_histogram part = parts[i];
        parts[i] = parts[j];
        parts[j] = part;
    }
}

/* Walking the buckets gives ascending values and every unit, as the quantiles do. */
static bool walks(const struct tcore_histogram *histogram)
{
    struct tcore_histogram_cursor cursor = tcore_histogram_cursor(histogram);
    struct tcore_histogram_bucket bucket;
    uint64_t units = 0, total = tcore_histogram_total(histogram);
    double before = -INFINITY;
    while (tcore_histogram_next(&cursor, &bucket)) {
        uint64_t middle = units + bucket.units / 2 + 1;
        double q = (double)middle / (double)total;
        bool far = bucket.units > total / 1000000; /* else q is too coarse to hit it */
        if (bucket.value < before ||
            (far && tcore_histogram_quantile(histogram, q, NAN, NAN) != bucket.value))
            return false;
        before = bucket.value;
        units += bucket.units;
    }
    return units == total;
}

/* The same records, dealt to parts that are merged as a random tree. */
static void test_merge_order(void)
{
    struct random_source random = {77};
    for (int round = 0; round < 60; round++) {
        enum { MOST_PARTS = 40 };
        bool weighted = round % 3 == 1;
        int scale = round % 4 == 3 ? (int)random_below(&random, 16) - 9 : 6;
        int records = 1 << random_below(&random, 13);
        int parts_count = 1 + (int)random_below(&random, MOST_PARTS);
        struct tcore_histogram whole = {0}, parts[MOST_PARTS] = {0};
        struct random_source a = {(uint64_t)round}, b = {(uint64_t)round};
        bool held = true;
        for (int i = 0; i < records; i++) {
            held &= insert_one(&whole, &a, weighted) == TCORE_OK;
            held &= insert_one(&parts[random_below(&random, (uint64_t)parts_count)], &b,
                               weighted) == TCORE_OK;
        }
        held &= tcore_histogram_reduce_scale(&whole, scale) == TCORE_OK;
        held &= tcore_histogram_reduce_scale(&parts[0], scale) == TCORE_OK;
        for (int left = parts_count; left > 1; left--) {
            shuffle(parts, left, &random);
            held &= tcore_histogram_merge(&parts[left - 2], &parts[left - 1]) == TCORE_OK;
            tcore_histogram_free(&parts[left - 1]);
        }
        held = held && codec_same(&codec, &whole, &parts[0]) && walks(&whole) && walks(&parts[0]) &&
               tcore_histogram_total(&whole) == tcore_histogram_total(&parts[0]);
        ok(held, "%d%s records at scale %d in %d parts, merged in any order: the same bytes",
           records, weighted ? " weighted" : "", scale, parts_count);
        tcore_histogram_free(&whole);
        tcore_histogram_free(&parts[0]);
    }
}

static void test_weights(void)
{
    struct tcore_histogram whole = {0}, halves = {0}, repeated = {0};
    for (int64_t value = 1; value <= 1000; value++) {
        tcore_histogram_insert_weighted_int64(&whole, value, 3 * TCORE_WEIGHT_ONE);
        for (int i = 0; i < 6; i++)
            tcore_histogram_insert_weighted_int64(&halves, value, TCORE_WEIGHT_ONE / 2);
        for (int i = 0; i < 3; i++)
            tcore_histogram_insert_int64(&repeated, value);
    }
    ok(!whole.in_units && halves.in_units, "only fractions make units");
    ok(codec_same(&codec, &whole, &repeated), "a weight of 3 is three records");
    ok(codec_same(&codec, &halves, &repeated), "six halves are three records");
    is_double(tcore_histogram_quantile(&halves, 0.37, NAN, NAN),
              tcore_histogram_quantile(&repeated, 0.37, NAN, NAN), "and have the same quantiles");
    tcore_histogram_insert_weighted_int64(&halves, 5, 0);
    ok(codec_same(&codec, &halves, &repeated), "a weight of 0 is nothing");

    is_int(tcore_histogram_insert_weighted_int64(&whole, 7,
                                                 TCORE_UNITS_MAX - tcore_histogram_total(&whole)),
           TCORE_OK, "up to the largest count");
    is_int(tcore_histogram_insert_int64(&whole, 7), TCORE_BAD_INPUT, "not beyond it");
    is_int(tcore_histogram_insert_weighted_double(&whole, 7, 1), TCORE_BAD_INPUT, "by no unit");
    is_int(tcore_histogram_merge(&whole, &repeated), TCORE_BAD_INPUT, "by no merge");
    is_int(tcore_histogram_total(&whole), TCORE_UNITS_MAX, "the count is what it was");
    codec_check(&codec, &whole, "with the largest count");
    tcore_histogram_free(&whole);
    tcore_histogram_free(&halves);
    tcore_histogram_free(&repeated);
}

/* The histogram as a point at a finer scale: each bucket's count goes to one of its parts. */
static bool refine(const struct tcore_histogram *histogram, unsigned levels,
                   struct tcore_exponential *point, struct random_source *source)
{
    struct tcore_exponential coarse = {0};
    if (tcore_histogram_export(histogram, 6, 0, &coarse, NULL) != TCORE_OK)
        return false;
    struct tcore_exponential_side *from[2] = {&coarse.positive, &coarse.negative};
    struct tcore_exponential_side *to[2] = {&point->positive, &point->negative};
    *point = (struct tcore_exponential){.scale = coarse.scale + (int)levels,
                                        .zero_count = coarse.zero_count};
    for (int side = 0; side < 2; side++) {
        to[side]->offset = (int32_t)((uint32_t)from[side]->offset << levels);
        to[side]->length = from[side]->length << levels;
        to[side]->counts = tcore_calloc(to[side]->length, sizeof *to[side]->counts);
        for (uint32_t i = 0; i < from[side]->length; i++)
            to[side]->counts[(i << levels) + random_below(source, UINT64_C(1) << levels)] =
                from[side]->counts[i];
    }
    tcore_exponential_free(&coarse);
    return true;
}

static void test_foreign(void)
{
    struct random_source source = {9};
    struct tcore_histogram histogram = {0};
    for (int i = 0; i < 5000; i++)
        insert_one(&histogram, &source, false);
    for (unsigned levels = 0; levels <= 6; levels++) {
        struct tcore_exponential point = {0};
        struct tcore_histogram back = {0};
        ok(refine(&histogram, levels, &point, &source) &&
               tcore_histogram_add_exponential(&back, &point, TCORE_WEIGHT_ONE, NULL) == TCORE_OK &&
               codec_same(&codec, &histogram, &back),
           "a point of scale %d is reduced exactly", point.scale);
        tcore_histogram_free(&back);
        tcore_exponential_free(&point);
    }
    for (int scale = 5; scale >= -11; scale -= 4) {
        struct tcore_exponential point = {0};
        struct tcore_histogram back = {0}, reduced = {0};
        struct random_source more = {10};
        bool held = tcore_histogram_export(&histogram, scale, 0, &point, NULL) == TCORE_OK &&
                    point.scale == scale;
        for (int i = 0; i < 100; i++) {
            struct random_source same = more;
            insert_one(&back, &more, false);
            insert_one(&reduced, &same, false);
        }
        held &=
            tcore_histogram_add_exponential(&back, &point, 5 * TCORE_WEIGHT_ONE, NULL) == TCORE_OK;
        for (int i = 0; i < 5; i++)
            held &= tcore_histogram_merge(&reduced, &histogram) == TCORE_OK;
        held &= tcore_histogram_reduce_scale(&reduced, scale) == TCORE_OK;
        ok(held && codec_same(&codec, &reduced, &back) && tcore_histogram_scale(&back) == scale,
           "a point of scale %d makes the histogram as coarse", scale);
        tcore_histogram_free(&back);
        tcore_histogram_free(&reduced);
        tcore_exponential_free(&point);
    }
    tcore_histogram_free(&histogram);
}

static void test_foreign_limits(void)
{
    uint64_t ones[4] = {1, 1, 1, 1}, zeros[4] = {0}, large[2] = {UINT64_MAX, 2};
    const struct {
        const char *name;
        struct tcore_exponential point;
        uint64_t weight;
        enum tcore_status status;
        uint64_t records;
        int scale;
    } cases[] = {
        {"nothing", {.scale = -3}, 65536, TCORE_OK, 0, 6},
        {"zeros only", {.scale = 0, .zero_count = 7}, 65536, TCORE_OK, 7, 6},
        {"empty buckets", {.scale = 0, .positive = {1, 4, zeros}}, 65536, TCORE_OK, 0, 6},
        {"empty buckets anywhere",
         {.scale = 0, .positive = {INT32_MAX, 4, zeros}},
         65536,
         TCORE_OK,
         0,
         6},
        {"the finest scale", {.scale = 20, .positive = {-5, 4, ones}}, 65536, TCORE_OK, 4, 6},
        {"finer than any", {.scale = INT32_MAX, .positive = {-5, 4, ones}}, 65536, TCORE_OK, 4, 6},
        {"the coarsest scale", {.scale = -10, .positive = {-1, 2, ones}}, 65536, TCORE_OK, 2, -10},
        {"coarser than any",
         {.scale = INT32_MIN, .positive = {-1, 2, ones}},
         65536,
         TCORE_OK,
         2,
         -11},
        {"the highest bucket", {.scale = 6, .positive = {65535, 1, ones}}, 65536, TCORE_OK, 1, 6},
        {"beyond the highest", {.scale = 6, .positive = {65535, 2, ones}}, 65536, TCORE_SKIP, 0, 6},
        {"the lowest bucket", {.scale = 6, .negative = {-68737, 1, ones}}, 65536, TCORE_OK, 1, 6},
        {"beyond the lowest", {.scale = 6, .negative = {-68738, 2, ones}}, 65536, TCORE_SKIP, 0, 6},
        {"far beyond", {.scale = -10, .positive = {INT32_MAX, 2, ones}}, 65536, TCORE_SKIP, 0, 6},
        {"too many", {.scale = 0, .positive = {0, 2, large}}, 65536, TCORE_SKIP, 0, 6},
        {"too many by weight", {.scale = 0, .positive = {0, 1, large}}, 65536, TCORE_SKIP, 0, 6},
        {"too many zeros", {.scale = 0, .zero_count = UINT64_MAX}, 1, TCORE_OK, 0, 6},
        {"no weight", {.scale = 0, .positive = {0, 4, ones}}, 0, TCORE_OK, 0, 6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_histogram histogram = {0};
        struct tcore_error err = {0};
        enum tcore_status status =
            tcore_histogram_add_exponential(&histogram, &cases[i].point, cases[i].weight, &err);
        enum tcore_status wanted = cases[i].status;
        if (!strcmp(cases[i].name, "too many zeros"))
            wanted = TCORE_SKIP;
        ok(status == wanted && (status == TCORE_OK || err.text[0]) &&
               tcore_histogram_total(&histogram) == cases[i].records * TCORE_WEIGHT_ONE &&
               tcore_histogram_scale(&histogram) == cases[i].scale,
           "a foreign histogram, %s: status %d, scale %d", cases[i].name, (int)status,
           tcore_histogram_scale(&histogram));
        tcore_histogram_free(&histogram);
    }
}

static uint64_t sum_of(const struct tcore_exponential *point)
{
    uint64_t sum = point->zero_count;
    for (uint32_t i = 0; i < point->positive.length; i++)
        sum += point->positive.counts[i];
    for (uint32_t i = 0; i < point->negative.length; i++)
        sum += point->negative.counts[i];
    return sum;
}

static void test_export(void)
{
    static const uint32_t limits[] = {0, 2, 20, 160, 320, 5000};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct random_source source = {i};
        struct tcore_histogram histogram = {0};
        for (int n = 0; n < 3000; n++)
            insert_one(&histogram, &source, i % 2);
        struct tcore_exponential point;
        enum tcore_status status =
            tcore_histogram_export(&histogram, i == 3 ? 4 : 20, limits[i], &point, NULL);
        uint64_t most = limits[i] ? limits[i] : UINT32_MAX;
        uint64_t records =
            (tcore_histogram_total(&histogram) + TCORE_WEIGHT_ONE / 2) / TCORE_WEIGHT_ONE;
        ok(status == TCORE_OK && point.positive.length <= most && point.negative.length <= most &&
               point.positive.length && point.negative.length && point.scale <= (i == 3 ? 4 : 6),
           "exported within %u buckets: scale %d, %u and %u", limits[i], point.scale,
           point.positive.length, point.negative.length);
        is_int(sum_of(&point), records, "and all %" PRIu64 " records are there", records);
        tcore_exponential_free(&point);
        tcore_histogram_free(&histogram);
    }
    /* thirds of a record: no bucket is lost or doubled by rounding */
    struct tcore_histogram thirds = {0};
    for (int64_t value = 1; value <= 300; value++)
        tcore_histogram_insert_weighted_int64(&thirds, value * value, TCORE_WEIGHT_ONE / 3);
    struct tcore_exponential point;
    tcore_histogram_export(&thirds, 6, 0, &point, NULL);
    uint64_t largest = 0;
    for (uint32_t i = 0; i < point.positive.length; i++)
        largest = largest > point.positive.counts[i] ? largest : point.positive.counts[i];
    ok(sum_of(&point) == 100 && largest == 1, "300 thirds are 100 records, spread evenly");
    tcore_exponential_free(&point);
    tcore_histogram_free(&thirds);
}

static void test_bytes(void)
{
    struct tcore_histogram histogram = {0};
    struct random_source source = {4};
    codec_check(&codec, &histogram, "empty");
    tcore_histogram_insert_int64(&histogram, 1000);
    struct tcore_buf bytes = {0};
    tcore_histogram_encode(&histogram, &bytes);
    /* head 0, one bucket, zigzag(637) * 2 */
    is_mem(bytes.data, bytes.length, "\x00\x01\xf4\x13", 4, "one value is four bytes");
    tcore_buf_free(&bytes);
    for (int i = 0; i < 139; i++)
        tcore_histogram_insert_int64(&histogram, (int64_t)random_lognormal(&source, 1e6, 0.7));
    codec_check(&codec, &histogram, "a typical cell");
    for (int i = 0; i < 500; i++)
        insert_one(&histogram, &source, false);
    codec_check(&codec, &histogram, "all signs");
    for (int i = 0; i < 500; i++)
        insert_one(&histogram, &source, true);
    codec_check(&codec, &histogram, "weighted");
    tcore_histogram_reduce_scale(&histogram, -2);
    codec_check(&codec, &histogram, "coarse");
    tcore_histogram_reduce_scale(&histogram, -99);
    is_int(tcore_histogram_scale(&histogram), TCORE_HISTOGRAM_MIN_SCALE, "no coarser than that");
    codec_check(&codec, &histogram, "as coarse as can be");
    tcore_histogram_free(&histogram);
}

static void test_no_memory(void)
{
    bool held = true, more = true;
    long live = failing.live;
    for (unsigned long n = 1; more && held; n++) {
        struct random_source source = {3};
        struct tcore_histogram a = {0}, b = {0};
        struct tcore_exponential point = {0};
        failing_begin(n);
        bool failed = false;
        for (int i = 0; i < 300 && !failed; i++)
            failed = insert_one(i % 3 ? &a : &b, &source, i > 200) != TCORE_OK;
        failed = failed || tcore_histogram_merge(&a, &b) != TCORE_OK ||
                 tcore_histogram_export(&a, 3, 40, &point, NULL) != TCORE_OK ||
                 tcore_histogram_add_exponential(&b, &point, 7, NULL) != TCORE_OK ||
                 tcore_histogram_reduce_scale(&a, 1) != TCORE_OK;
        tcore_histogram_free(&a);
        tcore_histogram_free(&b);
        tcore_exponential_free(&point);
        more = failing_end();
        held = failed == more;
    }
    ok(held && failing.live == live, "no memory is reported, and nothing leaks");
}

int main(void)
{
    test_double_boundaries();
    test_integer_boundaries();
    test_bounds();
    test_ranks();
    test_error();
    test_small_cases();
    test_many();
    test_merge_order();
    test_weights();
    test_foreign();
    test_foreign_limits();
    test_export();
    test_bytes();
    test_no_memory();
    return done_testing();
}
