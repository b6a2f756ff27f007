/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exemplars: which traces are kept, in what order, in any order of additions; bytes. */
#include "codec.h"
#include "random.h"
#include "stats/exemplars.h"
#include "tap.h"

#include <math.h>

enum { LIMIT = 5 };

static enum tcore_status encode(const void *state, struct tcore_buf *out)
{
    tcore_exemplars_encode(state, out);
    return TCORE_OK;
}

static enum tcore_status decode(void *state, struct tcore_state_reader *in, struct tcore_error *err)
{
    return tcore_exemplars_decode(state, LIMIT, in, err);
}

static void release(void *state)
{
    tcore_exemplars_free(state);
}

static const struct codec codec = {"exemplars", sizeof(struct tcore_exemplars), encode, decode,
                                   release};

/* Of a trace and a span by small numbers, span 0: none. */
static struct tcore_exemplar exemplar(struct tcore_value value, uint8_t trace, uint8_t span)
{
    uint8_t trace_id[16] = {[15] = trace}, span_id[8] = {[7] = span};
    return tcore_exemplar_of(&value, trace_id, span ? span_id : NULL);
}

static void add(struct tcore_exemplars *exemplars, struct tcore_value value, uint8_t trace,
                uint8_t span)
{
    struct tcore_exemplar e = exemplar(value, trace, span);
    if (tcore_exemplars_add(exemplars, LIMIT, &e) != TCORE_OK)
        abort();
}

static const struct {
    struct tcore_value value;
    uint8_t trace, span;
} added[] = {
    {{.kind = TCORE_INT, .i = 7}, 9, 1},
    {{.kind = TCORE_INT, .i = 7}, 8, 2},            /* as large: the smaller id comes first */
    {{.kind = TCORE_INT, .i = 3}, 8, 1},            /* the trace has a larger one */
    {{.kind = TCORE_INT, .i = 7}, 8, 0},            /* and one with a span */
    {{.kind = TCORE_DOUBLE, .d = 7.5}, 7, 0},       /* beyond all integers */
    {{.kind = TCORE_DOUBLE, .d = 7}, 1, 0},         /* behind the same as an integer */
    {{.kind = TCORE_DOUBLE, .d = NAN}, 2, 0},       /* no value at all */
    {{.kind = TCORE_ABSENT}, 3, 0},                 /* behind all numbers, and gone when full */
    {{.kind = TCORE_DOUBLE, .d = -INFINITY}, 4, 0}, /* but this is one */
};

static void test_order(void)
{
    static const char wanted[] =
        "[{\"traceId\":\"00000000000000000000000000000007\",\"value\":7.5},"
        "{\"traceId\":\"00000000000000000000000000000008\",\"spanId\":\"0000000000000002\","
        "\"value\":7},"
        "{\"traceId\":\"00000000000000000000000000000009\",\"spanId\":\"0000000000000001\","
        "\"value\":7},"
        "{\"traceId\":\"00000000000000000000000000000001\",\"value\":7.0},"
        "{\"traceId\":\"00000000000000000000000000000004\",\"value\":\"-Infinity\"}]";
    enum { COUNT = sizeof added / sizeof *added };
    struct random_source source = {1};
    bool held = true;
    struct tcore_buf text = {0};
    for (int round = 0; round < 500 && held; round++) {
        struct tcore_exemplars parts[2] = {{0}, {0}};
        unsigned order[COUNT];
        for (unsigned i = 0; i < COUNT; i++) {
            unsigned k = (unsigned)random_below(&source, i + 1);
            order[i] = order[k];
            order[k] = i;
        }
        for (unsigned i = 0; i < COUNT; i++)
            add(&parts[random_below(&source, 2)], added[order[i]].value, added[order[i]].trace,
                added[order[i]].span);
        held = tcore_exemplars_merge(&parts[0], LIMIT, &parts[1]) == TCORE_OK;
        tcore_buf_clear(&text);
        tcore_exemplars_write(&parts[0], &text);
        held = held && text.length == sizeof wanted - 1 && !memcmp(text.data, wanted, text.length);
        tcore_exemplars_free(&parts[0]);
        tcore_exemplars_free(&parts[1]);
    }
    ok(held, "the same list in any order and partition: %.*s", (int)text.length, text.data);
    tcore_buf_free(&text);
}

static void test_zero(void)
{
    struct tcore_exemplars plus = {0}, minus = {0};
    add(&plus, tcore_value_of_double(0.0), 1, 1);
    add(&minus, tcore_value_of_double(-0.0), 1, 1);
    ok(codec_same(&codec, &plus, &minus), "-0 is 0");
    tcore_exemplars_free(&plus);
    tcore_exemplars_free(&minus);
}

static void test_bytes(void)
{
    struct tcore_exemplars exemplars = {0};
    codec_check(&codec, &exemplars, "none");
    for (size_t i = 0; i < sizeof added / sizeof *added; i++) {
        add(&exemplars, added[i].value, added[i].trace, added[i].span);
        if (i == 0)
            codec_check(&codec, &exemplars, "one");
    }
    codec_check(&codec, &exemplars, "as many as there may be");
    tcore_exemplars_free(&exemplars);
}

int main(void)
{
    test_order();
    test_zero();
    test_bytes();
    return done_testing();
}
