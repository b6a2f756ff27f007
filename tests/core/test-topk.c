/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The most frequent values: exact up to the limit, bounded error beyond, order, bytes. Apdex too.
 */
#include "codec.h"
#include "random.h"
#include "stats/apdex.h"
#include "stats/topk.h"
#include "tap.h"

#include <math.h>

static enum tcore_status encode(const void *state, struct tcore_buf *out)
{
    return tcore_topk_encode(state, out);
}

static enum tcore_status decode(void *state, struct tcore_state_reader *in, struct tcore_error *err)
{
    return tcore_topk_decode(state, in, err);
}

static void release(void *state)
{
    tcore_topk_free(state);
}

static const struct codec codec = {"top-k", sizeof(struct tcore_topk), encode, decode, release};

static enum tcore_status add_number(struct tcore_topk *topk, uint64_t number, uint64_t weight)
{
    char text[24];
    int length = snprintf(text, sizeof text, "v%" PRIu64, number);
    return tcore_topk_add(topk, text, (size_t)length, weight);
}

static void test_list(void)
{
    static const struct {
        const char *text;
        size_t length;
        uint64_t units;
    } added[] = {{"b", 1, 3},  {"a", 1, 2}, {"", 0, 3},     {"a", 1, 1},
                 {"ab", 2, 3}, {"z", 1, 9}, {"a\0b", 3, 3}, {"\xff", 1, 3}};
    static const struct {
        const char *text;
        size_t length;
        uint64_t units;
    } wanted[] = {{"z", 1, 9},  {"", 0, 3},  {"a", 1, 3},   {"a\0b", 3, 3},
                  {"ab", 2, 3}, {"b", 1, 3}, {"\xff", 1, 3}};
    enum { WANTED = sizeof wanted / sizeof *wanted };
    struct tcore_topk topk = {0};
    struct tcore_topk_item items[20];
    size_t found = 99;
    ok(tcore_topk_list(&topk, 5, items, &found) == TCORE_OK && found == 0, "nothing yet");
    for (size_t i = 0; i < sizeof added / sizeof *added; i++)
        tcore_topk_add(&topk, added[i].text, added[i].length, added[i].units);
    tcore_topk_add(&topk, "nothing", 7, 0);
    ok(tcore_topk_list(&topk, 20, items, &found) == TCORE_OK && found == WANTED,
       "all that were counted");
    for (size_t i = 0; i < found; i++) {
        is_mem(items[i].data, items[i].length, wanted[i].text, wanted[i].length, "place %zu", i);
        is_int(items[i].units, wanted[i].units, "its count");
    }
    ok(tcore_topk_list(&topk, 2, items, &found) == TCORE_OK && found == 2, "the first two only");
    ok(tcore_topk_is_exact(&topk) && topk.error == 0, "exact");
    ok(tcore_topk_bytes(&topk) > 0 && tcore_topk_bytes(&topk) < 1024, "small: %zu bytes",
       tcore_topk_bytes(&topk));
    tcore_topk_free(&topk);
}

/* The number of a value made by add_number(). */
static uint64_t number_of(const struct tcore_topk_item *item)
{
    char text[24] = "";
    memcpy(text, item->data, item->length < sizeof text ? item->length : sizeof text - 1);
    return strtoull(text + 1, NULL, 10);
}

/* Zipf-like: value n is drawn about 1/n as often as value 1. */
static uint64_t draw(struct random_source *source, uint64_t values)
{
    return (uint64_t)exp(random_unit(source) * log((double)values + 1));
}

static void test_order(void)
{
    for (int round = 0; round < 10; round++) {
        enum { PARTS = 7 };
        struct random_source source = {(uint64_t)round};
        struct tcore_topk whole = {0}, parts[PARTS] = {0};
        bool held = true;
        for (int n = 0; n < 20000; n++) {
            uint64_t value = draw(&source, round ? 9999 : 50);
            uint64_t weight = 1 + random_below(&source, 2 * TCORE_WEIGHT_ONE);
            held &= add_number(&whole, value, weight) == TCORE_OK &&
                    add_number(&parts[random_below(&source, PARTS)], value, weight) == TCORE_OK;
        }
        for (int left = PARTS; left > 1; left--) {
            held &= tcore_topk_merge(&parts[random_below(&source, (uint64_t)left - 1)],
                                     &parts[left - 1]) == TCORE_OK;
            tcore_topk_free(&parts[left - 1]);
        }
        ok(held && tcore_topk_is_exact(&parts[0]) && codec_same(&codec, &whole, &parts[0]),
           "%u values in %d parts: the same bytes", whole.count, PARTS);
        if (round < 2)
            codec_check(&codec, &whole, round ? "many values" : "few values");
        tcore_topk_free(&whole);
        tcore_topk_free(&parts[0]);
    }
}

/* Beyond the limit: the true counts lie within the error, and the error within its promise. */
static void test_overflow(void)
{
    enum { VALUES = 20000, ADDITIONS = 200000, LIMIT = 1000 };
    static uint64_t truth[VALUES + 2];
    struct random_source source = {11};
    struct tcore_topk parts[2] = {{.limit = LIMIT}, {.limit = LIMIT}};
    for (int n = 0; n < ADDITIONS; n++) {
        uint64_t value = draw(&source, VALUES);
        truth[value]++;
        add_number(&parts[n % 2], value, TCORE_WEIGHT_ONE);
    }
    tcore_topk_merge(&parts[0], &parts[1]);
    struct tcore_topk *topk = &parts[0];
    static struct tcore_topk_item items[LIMIT];
    size_t found;
    tcore_topk_list(topk, LIMIT, items, &found);
    uint64_t error = topk->error / TCORE_WEIGHT_ONE;
    bool bounded = true;
    static bool seen[VALUES + 2];
    for (size_t i = 0; i < found; i++) {
        uint64_t value = number_of(&items[i]);
        uint64_t count = items[i].units / TCORE_WEIGHT_ONE;
        bounded &= count <= truth[value] && truth[value] <= count + error;
        seen[value] = true;
    }
    for (uint64_t value = 1; value <= VALUES; value++)
        bounded &= seen[value] || truth[value] <= error;
    ok(!tcore_topk_is_exact(topk), "more values than the limit: not exact, and says so");
    ok(bounded, "every true count is within the error of %" PRIu64, error);
    ok(error <= 2 * ADDITIONS / LIMIT, "which is at most 2 * total / limit");
    ok(found <= LIMIT && topk->total == ADDITIONS * TCORE_WEIGHT_ONE, "the total is kept");
    bool first_ten = true;
    for (size_t i = 0; i < 10; i++)
        first_ten &= number_of(&items[i]) <= 20;
    ok(first_ten, "the most frequent are found");
    codec_check(&codec, topk, "beyond its limit");
    tcore_topk_free(&parts[0]);
    tcore_topk_free(&parts[1]);
}

static void test_bytes_limit(void)
{
    static char large[TCORE_TOPK_BYTES_MAX + 1];
    struct tcore_topk topk = {0};
    memset(large, 'x', sizeof large);
    add_number(&topk, 1, 10);
    is_int(tcore_topk_add(&topk, large, TCORE_TOPK_BYTES_MAX / 2, 5), TCORE_OK, "8 MiB");
    is_int(tcore_topk_add(&topk, large, TCORE_TOPK_BYTES_MAX / 2 - 2, 6), TCORE_OK, "8 MiB more");
    ok(tcore_topk_is_exact(&topk), "fit");
    is_int(tcore_topk_add(&topk, "y", 1, 7), TCORE_OK, "one byte more");
    ok(!tcore_topk_is_exact(&topk) && topk.bytes_used <= TCORE_TOPK_BYTES_MAX && topk.error > 0,
       "drops the rarer ones");
    is_int(tcore_topk_add(&topk, large, sizeof large, 100), TCORE_OK, "what never fits");
    ok(topk.error <= topk.total && topk.total == 128, "is in the error and in the total");
    is_int(tcore_topk_add(&topk, "y", 1, TCORE_UNITS_MAX), TCORE_BAD_INPUT, "too many");
    struct tcore_topk other = {0};
    tcore_topk_add(&other, "y", 1, TCORE_UNITS_MAX);
    is_int(tcore_topk_merge(&topk, &other), TCORE_BAD_INPUT, "too many by a merge");
    is_int(topk.total, 128, "nothing was added");
    tcore_topk_free(&topk);
    tcore_topk_free(&other);

    struct tcore_topk one = {.limit = 1};
    for (int i = 0; i < 100; i++)
        add_number(&one, i % 4 ? 7 : (uint64_t)i, TCORE_WEIGHT_ONE);
    ok(one.count <= 1 && one.total == 100 * TCORE_WEIGHT_ONE, "a limit of one");
    tcore_topk_free(&one);
}

/* Bytes that hold together but for one thing. */
static void test_refused(void)
{
    static const struct {
        const char *name, *bytes;
        size_t length;
        enum tcore_status status;
    } cases[] = {
        {"sound",
         "\x03\x00\x06\x01"
         "a\x06",
         6, TCORE_OK},
        {"more than the total",
         "\x03\x00\x05\x01"
         "a\x06",
         6, TCORE_BAD_INPUT},
        {"an error above the total",
         "\x03\x07\x06\x01"
         "a\x06",
         6, TCORE_BAD_INPUT},
        {"a count of zero",
         "\x02\x01"
         "a\x00",
         4, TCORE_BAD_INPUT},
        {"one value twice",
         "\x04\x01"
         "a\x01\x01"
         "a\x01",
         7, TCORE_BAD_INPUT},
        {"values out of order",
         "\x04\x01"
         "b\x01\x01"
         "a\x01",
         7, TCORE_BAD_INPUT},
        {"a varint too long",
         "\x82\x00\x01"
         "a\x01",
         5, TCORE_BAD_INPUT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_topk topk = {0};
        struct tcore_state_reader in = tcore_state_reader(cases[i].bytes, cases[i].length);
        is_int(tcore_topk_decode(&topk, &in, NULL), cases[i].status, "bytes with %s",
               cases[i].name);
        tcore_topk_free(&topk);
    }
}

static void test_failures(void)
{
    bool held = true, more = true;
    long live = failing.live;
    for (unsigned long n = 1; more && held; n++) {
        struct tcore_topk a = {.limit = 40}, b = {0};
        bool failed = false;
        failing_begin(n);
        for (uint64_t i = 0; i < 200 && !failed; i++)
            failed = add_number(&a, i, i + 1) != TCORE_OK || add_number(&b, i * 3, 5) != TCORE_OK;
        struct tcore_topk_item items[3];
        size_t found;
        failed = failed || tcore_topk_merge(&b, &a) != TCORE_OK ||
                 tcore_topk_list(&b, 3, items, &found) != TCORE_OK;
        tcore_topk_free(&a);
        tcore_topk_free(&b);
        more = failing_end();
        held = failed == more;
    }
    ok(held && failing.live == live, "no memory is reported, and nothing leaks");
}

static enum tcore_status apdex_encode(const void *state, struct tcore_buf *out)
{
    tcore_apdex_encode(state, out);
    return TCORE_OK;
}

static enum tcore_status apdex_decode(void *state, struct tcore_state_reader *in,
                                      struct tcore_error *err)
{
    return tcore_apdex_decode(state, in, err);
}

static void apdex_release(void *state)
{
    (void)state;
}

static const struct codec apdex_codec = {"Apdex", sizeof(struct tcore_apdex), apdex_encode,
                                         apdex_decode, apdex_release};

static void test_apdex(void)
{
    static const struct {
        int64_t value, threshold;
        double score;
    } cases[] = {
        {0, 100, 1},
        {100, 100, 1},
        {101, 100, 0.5},
        {400, 100, 0.5},
        {401, 100, 0},
        {INT64_MAX, 100, 0},
        {INT64_MAX, INT64_MAX / 2, 0.5},
        {INT64_MIN, 1, 1},
        {5, -1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_apdex whole = {0}, real = {0};
        tcore_apdex_add_int64(&whole, cases[i].value, cases[i].threshold, TCORE_WEIGHT_ONE);
        tcore_apdex_add_double(&real, (double)cases[i].value, (double)cases[i].threshold, 1);
        is_double(tcore_apdex_value(&whole), cases[i].score, "Apdex of %" PRId64 " at %" PRId64,
                  cases[i].value, cases[i].threshold);
        is_double(tcore_apdex_value(&real), cases[i].score, "the same of doubles");
    }
    struct tcore_apdex apdex = {0}, more = {0};
    is_double(tcore_apdex_value(&apdex), NAN, "no Apdex of nothing");
    is_int(tcore_apdex_add_double(&apdex, NAN, 1, 1), TCORE_SKIP, "NaN is refused");
    for (int i = 0; i < 60; i++)
        tcore_apdex_add_int64(&apdex, 50, 100, TCORE_WEIGHT_ONE);
    for (int i = 0; i < 30; i++)
        tcore_apdex_add_int64(&more, 200, 100, TCORE_WEIGHT_ONE);
    tcore_apdex_add_frustrated(&more, 10 * TCORE_WEIGHT_ONE);
    is_int(tcore_apdex_merge(&apdex, &more), TCORE_OK, "merged");
    is_double(tcore_apdex_value(&apdex), 0.75, "the specification's example: 0.75");
    is_int(tcore_apdex_add_frustrated(&apdex, TCORE_UNITS_MAX), TCORE_BAD_INPUT, "too many");
    tcore_apdex_add_frustrated(&more, TCORE_UNITS_MAX - more.total);
    is_int(tcore_apdex_merge(&apdex, &more), TCORE_BAD_INPUT, "too many by a merge");
    codec_check(&apdex_codec, &apdex, "a hundred");
    codec_check(&apdex_codec, &more, "the most");
}

int main(void)
{
    test_list();
    test_order();
    test_overflow();
    test_bytes_limit();
    test_refused();
    test_failures();
    test_apdex();
    return done_testing();
}
