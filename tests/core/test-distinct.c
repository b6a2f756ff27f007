/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Distinct values: exact up to the limit, within a few standard errors beyond, the same bytes in
 * any order and partition, and what is read from bytes.
 */
#include "codec.h"
#include "random.h"
#include "stats/distinct.h"
#include "tap.h"

static enum tcore_status encode(const void *state, struct tcore_buf *out)
{
    return tcore_distinct_encode(state, out);
}

static enum tcore_status decode(void *state, struct tcore_state_reader *in, struct tcore_error *err)
{
    return tcore_distinct_decode(state, in, err);
}

static void release(void *state)
{
    tcore_distinct_free(state);
}

static const struct codec codec = {"distinct", sizeof(struct tcore_distinct), encode, decode,
                                   release};

static enum tcore_status add_number(struct tcore_distinct *distinct, uint64_t number)
{
    char text[24];
    int length = snprintf(text, sizeof text, "value-%" PRIu64, number);
    return tcore_distinct_add(distinct, text, (size_t)length);
}

static void test_exact(void)
{
    struct tcore_distinct distinct = {0};
    struct random_source source = {1};
    bool held = true;
    is_int(tcore_distinct_count(&distinct), 0, "none");
    tcore_distinct_add(&distinct, NULL, 0);
    tcore_distinct_add(&distinct, "", 0);
    is_int(tcore_distinct_count(&distinct), 1, "the empty value is one");
    for (uint64_t n = 1; n < TCORE_DISTINCT_EXACT_MAX; n++) {
        held &= add_number(&distinct, n) == TCORE_OK;
        held &= add_number(&distinct, 1 + random_below(&source, n)) == TCORE_OK;
        held &= tcore_distinct_count(&distinct) == n + 1;
    }
    is_int(tcore_distinct_bytes(&distinct), 8192 * 16, "16 bytes a value and the slots to spare");
    ok(held && tcore_distinct_is_exact(&distinct), "exact up to %d", TCORE_DISTINCT_EXACT_MAX);
    add_number(&distinct, 5);
    ok(tcore_distinct_is_exact(&distinct), "seeing one again changes nothing");
    add_number(&distinct, TCORE_DISTINCT_EXACT_MAX);
    ok(!tcore_distinct_is_exact(&distinct), "one more is an estimate, and says so");
    uint64_t estimate = tcore_distinct_count(&distinct);
    ok(estimate > 3930 && estimate < 4260, "of about the same: %" PRIu64, estimate);
    is_int(tcore_distinct_bytes(&distinct), 16384, "in 16 KiB");
    tcore_distinct_free(&distinct);
}

static void test_estimate(void)
{
    static const uint64_t counts[] = {5000, 10000, 20000, 40000, 80000, 200000, 1000000};
    double worst = 0;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct tcore_distinct distinct = {0};
        for (uint64_t n = 0; n < counts[i]; n++)
            add_number(&distinct, n * 7919 + i);
        double off = (double)tcore_distinct_count(&distinct) / (double)counts[i] - 1;
        worst = fabs(off) > worst ? fabs(off) : worst;
        ok(fabs(off) < 4 * 0.0081, "%" PRIu64 " values: off by %+.2f %%", counts[i], 100 * off);
        tcore_distinct_free(&distinct);
    }
    ok(worst > 0, "an estimate is not exact: the test can see a difference");
}

static void test_order(void)
{
    static const struct {
        uint64_t values, additions;
        int parts;
    } cases[] = {{1, 10, 3}, {100, 500, 5}, {4096, 20000, 8}, {4200, 20000, 8}, {50000, 60000, 20}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        enum { MOST = 20 };
        struct random_source source = {c};
        struct tcore_distinct whole = {0}, parts[MOST] = {0};
        bool held = true;
        for (uint64_t n = 0; n < cases[c].additions; n++) {
            uint64_t value = random_below(&source, cases[c].values);
            held &= add_number(&whole, value) == TCORE_OK &&
                    add_number(&parts[random_below(&source, (uint64_t)cases[c].parts)], value) ==
                        TCORE_OK;
        }
        for (int left = cases[c].parts; left > 1; left--) {
            struct tcore_distinct *into = &parts[random_below(&source, (uint64_t)left - 1)];
            held &= tcore_distinct_merge(into, &parts[left - 1]) == TCORE_OK;
            tcore_distinct_free(&parts[left - 1]);
        }
        ok(held && codec_same(&codec, &whole, &parts[0]) &&
               tcore_distinct_count(&whole) == tcore_distinct_count(&parts[0]),
           "%" PRIu64 " of %" PRIu64 " values in %d parts: the same bytes",
           tcore_distinct_count(&whole), cases[c].values, cases[c].parts);
        codec_check(&codec, &whole, tcore_distinct_is_exact(&whole) ? "exact" : "estimated");
        tcore_distinct_free(&whole);
        tcore_distinct_free(&parts[0]);
    }
}

/* The hash is a part of the format: these bytes, computed by another program, must never change. */
static void test_golden(void)
{
    static const struct {
        const char *value, *bytes;
    } cases[] = {
        {"cart", "\x02\x65\x72\x55\x8a\xcc\x6f\x9f\xf6\x22\xcd\x8e\xb1\xb7\x7e\x3f\xa8"},
        {"GET /api/v1/checkout",
         "\x02\xb9\x6a\xde\xab\xb0\xa7\x88\x11\x95\x5c\xcf\x35\xc5\xdc\xed\x7e"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_distinct distinct = {0};
        struct tcore_buf bytes = {0};
        tcore_distinct_add(&distinct, cases[i].value, strlen(cases[i].value));
        tcore_distinct_encode(&distinct, &bytes);
        is_mem(bytes.data, bytes.length, cases[i].bytes, 17, "the bytes of %s", cases[i].value);
        tcore_buf_free(&bytes);
        tcore_distinct_free(&distinct);
    }
}

/* Registers that hardly any data has, as they come from a stranger: an answer, and no loop. */
static void test_full_registers(void)
{
    static unsigned char bytes[1 + 12288];
    static const struct {
        const char *name;
        int ranks[4]; /* of each four registers */
        uint64_t least;
    } cases[] = {{"all full", {51, 51, 51, 51}, UINT64_MAX},
                 {"half of them full", {51, 51, 50, 50}, UINT64_C(1) << 62},
                 {"one in four in use", {0, 0, 0, 1}, 4000},
                 {"all at one", {1, 1, 1, 1}, 10000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int *ranks = cases[i].ranks;
        int four = ranks[0] | ranks[1] << 6 | ranks[2] << 12 | ranks[3] << 18;
        for (size_t at = 1; at < sizeof bytes; at += 3)
            for (size_t j = 0; j < 3; j++)
                bytes[at + j] = (unsigned char)(four >> (8 * j));
        struct tcore_distinct distinct = {0};
        struct tcore_state_reader in = tcore_state_reader(bytes, sizeof bytes);
        enum tcore_status status = tcore_distinct_decode(&distinct, &in, NULL);
        uint64_t count = tcore_distinct_count(&distinct);
        ok(status == TCORE_OK && count >= cases[i].least, "registers, %s: %" PRIu64, cases[i].name,
           count);
        tcore_distinct_free(&distinct);
    }
}

static int no_random(void *buffer, size_t bytes)
{
    (void)buffer;
    (void)bytes;
    return -1;
}

static void test_failures(void)
{
    bool held = true, more = true;
    long live = failing.live;
    for (unsigned long n = 1; more && held; n++) {
        struct tcore_distinct a = {0}, b = {0};
        bool failed = false;
        failing_begin(n);
        for (uint64_t i = 0; i < 5000 && !failed; i++)
            failed = add_number(&a, i) != TCORE_OK || (i < 50 && add_number(&b, i * 3) != TCORE_OK);
        failed = failed || tcore_distinct_merge(&b, &a) != TCORE_OK;
        tcore_distinct_free(&a);
        tcore_distinct_free(&b);
        more = failing_end();
        held = failed == more;
    }
    ok(held && failing.live == live, "no memory is reported, and nothing leaks");

    struct tcore_sys sys = tcore_sys_default;
    struct tcore_distinct distinct = {0};
    sys.random = no_random;
    tcore_sys_set(&sys);
    is_int(add_number(&distinct, 1), TCORE_FATAL, "no randomness is reported");
    tcore_sys_set(NULL);
    is_int(tcore_distinct_count(&distinct), 0, "and nothing was added");
    tcore_distinct_free(&distinct);
}

int main(void)
{
    test_exact();
    test_estimate();
    test_order();
    test_golden();
    test_full_registers();
    test_failures();
    return done_testing();
}
