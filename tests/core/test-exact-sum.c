/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Exact sums: known answers where plain addition fails, quadruple precision where that is enough,
 * rounding at every edge, any order and partition, means and standard deviations, bytes.
 */
#include "codec.h"
#include "random.h"
#include "stats/exact_sum.h"
#include "tap.h"

#include <float.h>
#include <math.h>

typedef __float128 quad;
typedef __int128 int128;
typedef unsigned __int128 uint128;

static enum tcore_status encode(const void *state, struct tcore_buf *out)
{
    tcore_exact_sum_encode(state, out);
    return TCORE_OK;
}

static enum tcore_status decode(void *state, struct tcore_state_reader *in, struct tcore_error *err)
{
    return tcore_exact_sum_decode(state, in, err);
}

static void release(void *state)
{
    tcore_exact_sum_free(state);
}

static const struct codec codec = {"sum", sizeof(struct tcore_exact_sum), encode, decode, release};

static void test_known(void)
{
    static const struct {
        const char *name;
        double values[6];
        int count;
        double sum;
    } cases[] = {
        {"nothing", {0}, 0, 0},
        {"negative zeros", {-0.0, -0.0}, 2, 0},
        {"one value", {0.1}, 1, 0.1},
        {"tenths", {0.1, 0.2, 0.3}, 3, 0.6},
        {"cancellation", {1e308, 1, -1e308}, 3, 1},
        {"of the smallest", {1e308, 0x1p-1074, -1e308}, 3, 0x1p-1074},
        {"to zero", {1e308, -0x1p-1074, -1e308, 0x1p-1074}, 4, 0},
        {"overflow on the way", {DBL_MAX, DBL_MAX, -DBL_MAX}, 3, DBL_MAX},
        {"overflow", {DBL_MAX, DBL_MAX}, 2, INFINITY},
        {"negative overflow", {-DBL_MAX, -DBL_MAX}, 2, -INFINITY},
        {"just not overflow", {DBL_MAX, 0x1p969}, 2, DBL_MAX},
        {"the edge of overflow", {DBL_MAX, 0x1p970}, 2, INFINITY},
        {"below the edge", {DBL_MAX, 0x1p970, -0x1p-1074}, 3, DBL_MAX},
        {"half to even, down", {0x1p53, 1}, 2, 0x1p53},
        {"half to even, up", {0x1p53 + 2, 1}, 2, 0x1p53 + 4},
        {"a hair above half", {0x1p53, 1, 0x1p-1074}, 3, 0x1p53 + 2},
        {"a hair below half", {0x1p53 + 2, 1, -0x1p-1074}, 3, 0x1p53 + 2},
        {"subnormals", {0x1p-1074, 0x1p-1074, 0x1p-1074}, 3, 0x1.8p-1073},
        {"subnormal and normal", {DBL_MIN, -0x1p-1074}, 2, DBL_MIN - 0x1p-1074},
        {"signs", {-1.5, 0.25}, 2, -1.25},
        {"NaN", {1, NAN, INFINITY}, 3, NAN},
        {"infinity", {1, INFINITY, -DBL_MAX, INFINITY}, 4, INFINITY},
        {"minus infinity", {1, -INFINITY}, 2, -INFINITY},
        {"both infinities", {INFINITY, -INFINITY}, 2, NAN},
        {"beyond int64", {0x1p63, 0x1p63, 1.0}, 3, 0x1p64},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_exact_sum forward = {0}, backward = {0};
        bool held = true;
        for (int n = 0; n < cases[i].count; n++) {
            double last = cases[i].values[cases[i].count - 1 - n];
            held &= tcore_exact_sum_add_double(&forward, cases[i].values[n]) == TCORE_OK;
            held &= tcore_exact_sum_add_double(&backward, last) == TCORE_OK;
        }
        is_double(tcore_exact_sum_value(&forward), cases[i].sum, "%s", cases[i].name);
        ok(held && codec_same(&codec, &forward, &backward), "%s, backwards", cases[i].name);
        tcore_exact_sum_free(&forward);
        tcore_exact_sum_free(&backward);
    }
}

static size_t print_integer(char *out, int128 value)
{
    char digits[48];
    size_t at = sizeof digits, length = 0;
    uint128 magnitude = value < 0 ? -(uint128)value : (uint128)value;
    do
        digits[--at] = (char)('0' + (int)(magnitude % 10));
    while (magnitude /= 10);
    if (value < 0)
        out[length++] = '-';
    memcpy(out + length, digits + at, sizeof digits - at);
    return length + sizeof digits - at;
}

static void test_integers(void)
{
    static const int64_t extremes[] = {INT64_MAX, INT64_MIN, -1, 0, 1, 1000000007};
    struct random_source source = {1};
    struct tcore_exact_sum sum = {0};
    int128 reference = 0;
    bool held = true;
    char text[TCORE_EXACT_TEXT_BYTES], wanted[TCORE_EXACT_TEXT_BYTES];
    for (int i = 0; i < 200000; i++) {
        int64_t value = i % 3 ? extremes[random_below(&source, 6)] : (int64_t)random_bits(&source);
        tcore_exact_sum_add_int64(&sum, value);
        reference += value;
        if (i % 100 == 0) {
            size_t length = tcore_exact_sum_integer_text(&sum, text);
            held &= length == print_integer(wanted, reference) && !memcmp(text, wanted, length) &&
                    text[length] == '\0';
            held &= tcore_exact_sum_value(&sum) == (double)reference;
        }
    }
    ok(held, "integers of 64 bits add up, digit for digit");
    ok(!sum.rest, "without the wide accumulator");

    struct tcore_exact_sum zero = {0};
    is_int(tcore_exact_sum_integer_text(&zero, text), 1, "the sum of nothing has one digit");
    is_str(text, "0", "which is 0");
    tcore_exact_sum_add_double(&zero, 2.0);
    is_int(tcore_exact_sum_integer_text(&zero, text), 0, "no integer once a double was added");
    is_double(tcore_exact_sum_value(&zero), 2, "although it is integral");
    tcore_exact_sum_free(&zero);
    tcore_exact_sum_free(&sum);

    /* the largest there is, and one beyond */
    struct tcore_exact_sum large = {0};
    int64_t most = (int64_t)TCORE_COUNT_MAX;
    for (int i = 0; i < 3; i++)
        tcore_exact_sum_add_weighted_int64(&large, INT64_MIN, (uint64_t)most * TCORE_WEIGHT_ONE);
    size_t length = print_integer(wanted, 3 * ((int128)INT64_MIN * most));
    is_mem(text, tcore_exact_sum_integer_text(&large, text), wanted, length, "weights of 2^48");
    for (int i = 0; i < 300000; i++)
        tcore_exact_sum_add_weighted_int64(&large, INT64_MIN, (uint64_t)most * TCORE_WEIGHT_ONE);
    is_int(tcore_exact_sum_integer_text(&large, text), 0, "beyond 128 bits: no text");
    is_double(tcore_exact_sum_value(&large), (double)((quad)INT64_MIN * most * 300003),
              "but a value");
    tcore_exact_sum_free(&large);
}

/* Doubles whose sum fits the 113 bits of a quad exactly: a 50-bit integer times a small power. */
static void test_against_quad(void)
{
    struct random_source source = {2};
    bool held = true;
    for (int round = 0; round < 2000 && held; round++) {
        struct tcore_exact_sum sum = {0};
        quad reference = 0;
        int base = (int)random_below(&source, 1900) - 1000;
        uint64_t count = 1 + random_below(&source, 100);
        for (uint64_t i = 0; i < count; i++) {
            int64_t digits = (int64_t)(random_bits(&source) >> 12) - (INT64_C(1) << 51);
            double value = ldexp((double)digits, base + (int)random_below(&source, 45));
            held &= tcore_exact_sum_add_double(&sum, value) == TCORE_OK;
            reference += value;
        }
        held &= tcore_exact_sum_value(&sum) == (double)reference;
        tcore_exact_sum_free(&sum);
    }
    ok(held, "2,000 sums of up to 100 doubles are those of quadruple precision");
}

static double any_finite(struct random_source *source)
{
    double value;
    do {
        uint64_t bits = random_bits(source);
        memcpy(&value, &bits, sizeof value);
    } while (!isfinite(value));
    return value;
}

static void shuffle(double *values, int count, struct random_source *source)
{
    for (int i = count - 1; i > 0; i--) {
        int j = (int)random_below(source, (uint64_t)i + 1);
        double value = values[i];
        values[i] = values[j];
        values[j] = value;
    }
}

/* Every value with its negative, and one more: in any order only that one is left. */
static void test_cancellation(void)
{
    enum { PAIRS = 200 };
    static double values[2 * PAIRS + 1];
    struct random_source source = {3};
    bool held = true;
    size_t bytes = 0;
    for (int round = 0; round < 300 && held; round++) {
        struct tcore_exact_sum sum = {0};
        double left = any_finite(&source);
        for (int i = 0; i < PAIRS; i++) {
            values[2 * i] = any_finite(&source);
            values[2 * i + 1] = -values[2 * i];
        }
        values[2 * PAIRS] = left;
        shuffle(values, 2 * PAIRS + 1, &source);
        for (int i = 0; i <= 2 * PAIRS; i++)
            held &= tcore_exact_sum_add_double(&sum, values[i]) == TCORE_OK;
        held &= tcore_exact_sum_value(&sum) == left;
        bytes = tcore_exact_sum_bytes(&sum);
        tcore_exact_sum_free(&sum);
    }
    ok(held, "what cancels leaves nothing behind, over all doubles (%zu bytes)", bytes);

    struct tcore_exact_sum typical = {0};
    for (int i = 0; i < 10000; i++)
        tcore_exact_sum_add_double(&typical, random_lognormal(&source, 0.25, 1));
    ok(tcore_exact_sum_bytes(&typical) <= 120, "sums of ordinary doubles are small: %zu bytes",
       tcore_exact_sum_bytes(&typical));
    tcore_exact_sum_free(&typical);
}

static void add_any(struct tcore_exact_sum *sum, struct tcore_exact_sum *squares,
                    struct random_source *source, int kind)
{
    uint64_t weight = random_below(source, 3) ? TCORE_WEIGHT_ONE : random_below(source, 1000000);
    int64_t integer = (int64_t)random_bits(source) >> random_below(source, 63);
    double number = kind == 2 ? any_finite(source) : random_normal(source) * 1e3;
    if (kind == 3 && random_below(source, 500) == 0)
        number = random_below(source, 2) ? INFINITY : -INFINITY;
    bool whole = kind == 0 || (kind != 2 && random_below(source, 2));
    if (whole) {
        tcore_exact_sum_add_weighted_int64(sum, integer, weight);
        tcore_exact_sum_add_square_int64(squares, integer, weight);
    } else {
        tcore_exact_sum_add_weighted_double(sum, number, weight);
        tcore_exact_sum_add_square_double(squares, number, weight);
    }
}

static void test_merge_order(void)
{
    enum { PARTS = 20 };
    static const char *const kinds[] = {"integers", "mixed", "all doubles", "with infinities"};
    struct random_source random = {4};
    for (int round = 0; round < 40; round++) {
        int kind = round % 4;
        struct tcore_exact_sum whole[2] = {{0}}, parts[2][PARTS] = {{{0}}};
        struct random_source a = {(uint64_t)round}, b = {(uint64_t)round};
        bool held = true;
        for (int i = 0; i < 1000; i++) {
            uint64_t part = random_below(&random, PARTS);
            add_any(&whole[0], &whole[1], &a, kind);
            add_any(&parts[0][part], &parts[1][part], &b, kind);
        }
        for (int left = PARTS; left > 1; left--) {
            uint64_t into = random_below(&random, (uint64_t)left - 1);
            for (int which = 0; which < 2; which++) {
                held &=
                    tcore_exact_sum_merge(&parts[which][into], &parts[which][left - 1]) == TCORE_OK;
                tcore_exact_sum_free(&parts[which][left - 1]);
            }
        }
        for (int which = 0; which < 2; which++) {
            double one = tcore_exact_sum_value(&whole[which]);
            double other = tcore_exact_sum_value(&parts[which][0]);
            held &= codec_same(&codec, &whole[which], &parts[which][0]) &&
                    (one == other || (isnan(one) && isnan(other)));
        }
        ok(held, "%s in %d parts, merged in any order: the same bytes", kinds[kind], PARTS);
        for (int which = 0; which < 2; which++) {
            tcore_exact_sum_free(&whole[which]);
            tcore_exact_sum_free(&parts[which][0]);
        }
    }
}

/* The root of a quad to its full precision, by two steps of Newton's method. */
static quad root_of(quad square)
{
    if (square <= 0)
        return 0;
    quad root = sqrt((double)square);
    for (int i = 0; i < 3; i++)
        root = (root + square / root) / 2;
    return root;
}

static void test_known_moments(void)
{
    static const struct {
        const char *name;
        double values[8];
        int count;
        double mean, stddev;
    } cases[] = {
        {"nothing", {0}, 0, NAN, NAN},
        {"one value", {3.5}, 1, 3.5, NAN},
        {"two values", {1, 2}, 2, 1.5, 0.70710678118654757},
        {"equal values", {0.1, 0.1, 0.1}, 3, 0.1, 0},
        {"a textbook's", {2, 4, 4, 4, 5, 5, 7, 9}, 8, 5, 2.1380899352993952},
        {"far from zero", {1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16}, 4, 1e9 + 10, 5.4772255750516612},
        {"farther", {1e15 + 0.25, 1e15 + 0.5}, 2, 1e15 + 0.375, 0.17677669529663689},
        {"huge", {1e308, -1e308}, 2, 0, 1.4142135623730951e308},
        {"too huge", {DBL_MAX, -DBL_MAX}, 2, 0, INFINITY},
        {"tiny", {0x1p-1074, 0x1p-1073}, 2, 0x1p-1073, 0x1p-1074},
        {"a third", {0, 0, 1}, 3, 1 / 3.0, 0.57735026918962573},
        {"infinity", {1, INFINITY}, 2, INFINITY, NAN},
        {"NaN", {1, NAN}, 2, NAN, NAN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_exact_sum sum = {0}, squares = {0};
        for (int n = 0; n < cases[i].count; n++) {
            tcore_exact_sum_add_double(&sum, cases[i].values[n]);
            tcore_exact_sum_add_square_double(&squares, cases[i].values[n], TCORE_WEIGHT_ONE);
        }
        uint64_t units = (uint64_t)cases[i].count * TCORE_WEIGHT_ONE;
        is_double(tcore_exact_mean(&sum, units), cases[i].mean, "mean of %s", cases[i].name);
        is_double(tcore_exact_stddev(&sum, &squares, units), cases[i].stddev,
                  "standard deviation of %s", cases[i].name);
        tcore_exact_sum_free(&sum);
        tcore_exact_sum_free(&squares);
    }
}

static void test_moments(void)
{
    struct random_source source = {5};
    bool mean_held = true, stddev_held = true;
    for (int round = 0; round < 3000; round++) {
        struct tcore_exact_sum sum = {0}, squares = {0};
        int64_t values[50];
        int count = 2 + (int)random_below(&source, 49);
        uint64_t shift = 20 + random_below(&source, 40);
        int128 total = 0, total_squares = 0;
        for (int i = 0; i < count; i++) {
            values[i] = (int64_t)random_bits(&source) >> shift;
            if (round % 2) /* far from zero, close together */
                values[i] = INT64_C(1000000000000000) + values[i] % 1000;
            tcore_exact_sum_add_int64(&sum, values[i]);
            tcore_exact_sum_add_square_int64(&squares, values[i], TCORE_WEIGHT_ONE);
            total += values[i];
            total_squares += (int128)values[i] * values[i];
        }
        quad mean = (quad)total / count, deviations = 0;
        for (int i = 0; i < count; i++)
            deviations += ((quad)values[i] - mean) * ((quad)values[i] - mean);
        uint64_t units = (uint64_t)count * TCORE_WEIGHT_ONE;
        mean_held &= tcore_exact_mean(&sum, units) == (double)mean;
        stddev_held &=
            tcore_exact_stddev(&sum, &squares, units) == (double)root_of(deviations / (count - 1));
        tcore_exact_sum_free(&sum);
        tcore_exact_sum_free(&squares);
    }
    ok(mean_held, "3,000 means are those of quadruple precision");
    ok(stddev_held, "and so are the standard deviations");
}

/* A weight of k is k records; fractions add up. */
static void test_weights(void)
{
    struct random_source source = {6};
    struct tcore_exact_sum weighted[2] = {{0}}, repeated[2] = {{0}}, halves[2] = {{0}};
    uint64_t units = 0;
    for (int i = 0; i < 200; i++) {
        double value = i % 2 ? random_normal(&source) : (double)(i * 1000);
        uint64_t times = random_below(&source, 6);
        units += times * TCORE_WEIGHT_ONE;
        tcore_exact_sum_add_weighted_double(&weighted[0], value, times * TCORE_WEIGHT_ONE);
        tcore_exact_sum_add_square_double(&weighted[1], value, times * TCORE_WEIGHT_ONE);
        for (uint64_t n = 0; n < times; n++) {
            tcore_exact_sum_add_double(&repeated[0], value);
            tcore_exact_sum_add_square_double(&repeated[1], value, TCORE_WEIGHT_ONE);
        }
        for (uint64_t n = 0; n < 2 * times; n++) {
            tcore_exact_sum_add_weighted_double(&halves[0], value, TCORE_WEIGHT_ONE / 2);
            tcore_exact_sum_add_square_double(&halves[1], value, TCORE_WEIGHT_ONE / 2);
        }
    }
    for (int which = 0; which < 2; which++) {
        const char *what = which ? "squares" : "values";
        ok(codec_same(&codec, &weighted[which], &repeated[which]), "weights repeat %s", what);
        ok(codec_same(&codec, &halves[which], &repeated[which]), "halves of %s add up", what);
    }
    is_double(tcore_exact_stddev(&weighted[0], &weighted[1], units),
              tcore_exact_stddev(&repeated[0], &repeated[1], units), "the same deviation");

    struct tcore_exact_sum thirds = {0};
    tcore_exact_sum_add_weighted_int64(&thirds, 1, TCORE_WEIGHT_ONE / 4);
    is_double(tcore_exact_sum_value(&thirds), 0.25, "a quarter of a record");
    char text[TCORE_EXACT_TEXT_BYTES];
    is_int(tcore_exact_sum_integer_text(&thirds, text), 0, "is no integer");
    is_double(tcore_exact_mean(&thirds, TCORE_WEIGHT_ONE / 4), 1, "but has an exact mean");
    tcore_exact_sum_free(&thirds);
    for (int which = 0; which < 2; which++) {
        tcore_exact_sum_free(&weighted[which]);
        tcore_exact_sum_free(&repeated[which]);
        tcore_exact_sum_free(&halves[which]);
    }
}

/* Sums that no data has: they are answered, not obeyed. */
static void test_impossible(void)
{
    struct tcore_exact_sum sum = {0}, squares = {0};
    tcore_exact_sum_add_int64(&sum, 100);
    tcore_exact_sum_add_int64(&squares, 1);
    is_double(tcore_exact_stddev(&sum, &squares, 2 * TCORE_WEIGHT_ONE), NAN,
              "squares too small for the sum");
    tcore_exact_sum_add_int64(&squares, -100);
    is_double(tcore_exact_stddev(&sum, &squares, 2 * TCORE_WEIGHT_ONE), NAN, "negative squares");
    tcore_exact_sum_free(&sum);
    tcore_exact_sum_free(&squares);
}

static void test_bytes(void)
{
    static const struct {
        const char *name;
        double value;
        const char *bytes;
        size_t length;
    } known[] = {
        {"0.0", 0.0, "\x01", 1},
        {"1.0", 1.0, "\x09\x00\x01", 3},
        {"256.0", 256.0, "\x09\x02\x01", 3},
        {"-0.5", -0.5, "\x0b\x01\x80", 3},
        {"Infinity", INFINITY, "\x05\x00\x01\x00", 4},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct tcore_exact_sum sum = {0};
        struct tcore_buf bytes = {0};
        tcore_exact_sum_add_double(&sum, known[i].value);
        tcore_exact_sum_encode(&sum, &bytes);
        is_mem(bytes.data, bytes.length, known[i].bytes, known[i].length, "bytes of %s",
               known[i].name);
        tcore_buf_free(&bytes);
        tcore_exact_sum_free(&sum);
    }
    static const char *const kinds[] = {"integers", "mixed", "all doubles", "with infinities"};
    for (int kind = 0; kind < 4; kind++) {
        struct random_source source = {7};
        struct tcore_exact_sum sum = {0}, squares = {0};
        codec_check(&codec, &sum, "empty");
        for (int i = 0; i < 2000; i++)
            add_any(&sum, &squares, &source, kind);
        codec_check(&codec, &sum, kinds[kind]);
        codec_check(&codec, &squares, "the squares of these");
        tcore_exact_sum_free(&sum);
        tcore_exact_sum_free(&squares);
    }
}

/* The widest states that are accepted, added up and used in every way. */
static void test_extremes(void)
{
    struct tcore_exact_sum sum = {0}, squares = {0};
    for (int sign = 0; sign < 2; sign++) {
        double large = sign ? -DBL_MAX : DBL_MAX;
        for (int i = 0; i < 100; i++) {
            tcore_exact_sum_add_weighted_double(&sum, large, UINT64_MAX);
            tcore_exact_sum_add_square_double(&squares, large, UINT64_MAX);
            tcore_exact_sum_add_weighted_double(&sum, 0x1p-1074, 1);
            tcore_exact_sum_add_square_double(&squares, 0x1p-1074, 1);
        }
    }
    struct tcore_exact_sum twice = {0};
    bool held = true;
    for (int i = 0; i < 20; i++) {
        held &= tcore_exact_sum_merge(&twice, &squares) == TCORE_OK &&
                tcore_exact_sum_merge(&squares, &twice) == TCORE_OK;
    }
    ok(held, "the largest squares double forty times");
    is_double(tcore_exact_sum_value(&sum), 0x1p-1074 * (200 / 65536.0),
              "of the rest nothing is lost");
    is_double(tcore_exact_sum_value(&squares), INFINITY, "the largest squares");
    is_double(tcore_exact_stddev(&squares, &twice, 3 * TCORE_WEIGHT_ONE), NAN,
              "squares in place of a sum");
    is_double(tcore_exact_stddev(&sum, &squares, UINT64_MAX), INFINITY, "the largest deviation");
    codec_check(&codec, &squares, "the largest squares");
    tcore_exact_sum_free(&sum);
    tcore_exact_sum_free(&squares);
    tcore_exact_sum_free(&twice);
}

static void test_no_memory(void)
{
    bool held = true, more = true;
    long live = failing.live;
    for (unsigned long n = 1; more && held; n++) {
        static const double values[] = {1, 0.1, 1e300, -1e-300, INFINITY, -7.25, 1e18};
        struct tcore_exact_sum a = {0}, b = {0};
        failing_begin(n);
        bool failed = false;
        for (size_t i = 0; i < sizeof values / sizeof *values && !failed; i++)
            failed = tcore_exact_sum_add_double(&a, values[i]) != TCORE_OK ||
                     tcore_exact_sum_add_square_double(&b, values[i], 3) != TCORE_OK;
        failed = failed || tcore_exact_sum_merge(&a, &b) != TCORE_OK;
        tcore_exact_sum_free(&a);
        tcore_exact_sum_free(&b);
        more = failing_end();
        held = failed == more;
    }
    ok(held && failing.live == live, "no memory is reported, and nothing leaks");

    struct tcore_exact_sum sum = {0};
    tcore_exact_sum_add_double(&sum, 1e10);
    failing_begin(1);
    enum tcore_status status = tcore_exact_sum_add_double(&sum, 0.5);
    failing_end();
    ok(status == TCORE_FATAL && tcore_exact_sum_value(&sum) == 1e10,
       "a failed addition adds nothing");
    tcore_exact_sum_free(&sum);
}

int main(void)
{
    test_known();
    test_integers();
    test_against_quad();
    test_cancellation();
    test_merge_order();
    test_known_moments();
    test_moments();
    test_weights();
    test_impossible();
    test_bytes();
    test_extremes();
    test_no_memory();
    return done_testing();
}
