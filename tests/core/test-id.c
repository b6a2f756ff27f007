/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ids in every form they arrive in, and the traceparent header of W3C Trace Context. */
#include "base/sys.h"
#include "model/id.h"
#include "tap.h"

static void test_normalise(void)
{
    static const struct {
        enum tcore_id_class id;
        const char *text;
        enum tcore_id_result result;
        const char *wanted; /* NULL: any */
    } cases[] = {
        {TCORE_TRACE_ID, "5b8efff798038103d269b633813fc60c", TCORE_ID_OK,
         "5b8efff798038103d269b633813fc60c"},
        {TCORE_TRACE_ID, "5B8EFFF798038103D269B633813FC60C", TCORE_ID_OK,
         "5b8efff798038103d269b633813fc60c"},
        {TCORE_TRACE_ID, "eee19b7ec3c1b174", TCORE_ID_OK, "0000000000000000eee19b7ec3c1b174"},
        {TCORE_TRACE_ID, "1", TCORE_ID_OK, "00000000000000000000000000000001"},
        {TCORE_SPAN_ID, "eee19b7ec3c1b174", TCORE_ID_OK, "eee19b7ec3c1b174"},
        {TCORE_SPAN_ID, "ABC", TCORE_ID_OK, "0000000000000abc"},
        {TCORE_TRACE_ID, "", TCORE_ID_ZERO, NULL},
        {TCORE_SPAN_ID, "0", TCORE_ID_ZERO, NULL},
        {TCORE_SPAN_ID, "0000000000000000", TCORE_ID_ZERO, NULL},
        {TCORE_SPAN_ID, "00000000000000000000000000000000", TCORE_ID_ZERO, NULL},
        {TCORE_TRACE_ID, "00000000000000000000000000000000", TCORE_ID_ZERO, NULL},
        /* the bytes in base64, standard and URL */
        {TCORE_TRACE_ID, "W47/95gDgQPSabYzgT/GDA==", TCORE_ID_BASE64,
         "5b8efff798038103d269b633813fc60c"},
        {TCORE_TRACE_ID, "W47_95gDgQPSabYzgT_GDA==", TCORE_ID_BASE64,
         "5b8efff798038103d269b633813fc60c"},
        {TCORE_SPAN_ID, "7uGbfsPBsXQ=", TCORE_ID_BASE64, "eee19b7ec3c1b174"},
        {TCORE_TRACE_ID, "AAAAAAAAAAAAAAAAAAAAAA==", TCORE_ID_ZERO, NULL},
        {TCORE_SPAN_ID, "AAAAAAAAAAA=", TCORE_ID_ZERO, NULL},
        /* the hexadecimal text in base64 */
        {TCORE_TRACE_ID, "NWI4ZWZmZjc5ODAzODEwM2QyNjliNjMzODEzZmM2MGM=", TCORE_ID_BASE64,
         "5b8efff798038103d269b633813fc60c"},
        {TCORE_SPAN_ID, "ZWVlMTliN2VjM2MxYjE3NA==", TCORE_ID_BASE64, "eee19b7ec3c1b174"},
        /* nearly base64 */
        {TCORE_TRACE_ID, "W47/95gDgQPSabYzgT/GDA", TCORE_ID_HASHED, NULL},
        {TCORE_TRACE_ID, "W47/95gDgQPSabYzgT/GDB==", TCORE_ID_HASHED, NULL},
        {TCORE_TRACE_ID, "W47/95gDgQPSabYzgT/G!A==", TCORE_ID_HASHED, NULL},
        {TCORE_SPAN_ID, "W47/95gDgQPSabYzgT/GDA==", TCORE_ID_HASHED, NULL},
        {TCORE_TRACE_ID, "7uGbfsPBsXQ=", TCORE_ID_HASHED, NULL},
        {TCORE_SPAN_ID, "=", TCORE_ID_HASHED, NULL},
        {TCORE_SPAN_ID, "====", TCORE_ID_HASHED, NULL},
        /* no hexadecimal, or too much of it: values are XXH3's */
        {TCORE_SPAN_ID, "5b8efff798038103d269b633813fc60c", TCORE_ID_HASHED, NULL},
        {TCORE_TRACE_ID, "5b8efff798038103d269b633813fc60c0", TCORE_ID_HASHED, NULL},
        {TCORE_SPAN_ID, "a", TCORE_ID_OK, "000000000000000a"},
        {TCORE_SPAN_ID, "abc-def", TCORE_ID_HASHED, NULL},
        {TCORE_TRACE_ID, "order 66", TCORE_ID_HASHED, NULL},
        {TCORE_TRACE_ID, "0x1234", TCORE_ID_HASHED, NULL},
        {TCORE_TRACE_ID, "0af7651916cd43dd8448eb211c80319g", TCORE_ID_HASHED, NULL},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        char out[33] = "", again[33] = "";
        enum tcore_id_result result =
            tcore_id_normalise(cases[n].id, cases[n].text, strlen(cases[n].text), out);
        is_int(result, cases[n].result, "form of \"%s\" as %d digits", cases[n].text, cases[n].id);
        if (cases[n].wanted)
            is_str(out, cases[n].wanted, "its digits");
        if (result == TCORE_ID_ZERO)
            continue;
        ok(strlen(out) == (size_t)cases[n].id &&
               tcore_id_is_canonical(cases[n].id, out, strlen(out)),
           "they are canonical: %s", out);
        tcore_id_normalise(cases[n].id, cases[n].text, strlen(cases[n].text), again);
        is_str(again, out, "and the same each time");
    }
    ok(!tcore_id_is_canonical(TCORE_SPAN_ID, "EEE19B7EC3C1B174", 16), "capitals are not canonical");
    ok(!tcore_id_is_canonical(TCORE_SPAN_ID, "eee19b7ec3c1b17", 15), "nor is a short one");
    ok(!tcore_id_is_canonical(TCORE_SPAN_ID, "eee19b7ec3c1b17x", 16), "nor other letters");
}

static void test_hash_is_stable(void)
{
    char span[17] = "", trace[33] = "";
    tcore_id_normalise(TCORE_SPAN_ID, "abc-def", 7, span);
    tcore_id_normalise(TCORE_TRACE_ID, "abc-def", 7, trace);
    is_str(span, "31616261d1b925c5", "XXH3 of 64 bits for a span id");
    is_str(trace, "60f6dc34ca49291acfbc5e6db0990b5e", "XXH3 of 128 bits for a trace id");
}

static void test_traceparent(void)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", true},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff", true},
        {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true},
        {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-brings", true},
        {"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-", true},
        {"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-011", false},
        {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.x", false},
        {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false},
        {"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0A", false},
        {"0A-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", false},
        {"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902bg-01", false},
        {".0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
        {"", false},
    };
    struct tcore_traceparent tp;
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        ok(tcore_traceparent_parse(cases[n].text, strlen(cases[n].text), &tp) == cases[n].valid,
           "%s: %s", cases[n].valid ? "valid" : "invalid", cases[n].text);
    const char *text = cases[2].text;
    char out[56];
    ok(tcore_traceparent_parse(text, strlen(text), &tp), "parses");
    is_str(tp.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736", "its trace id");
    is_str(tp.span_id, "00f067aa0ba902b7", "its span id");
    is_int(tp.flags, 255, "its flags");
    tcore_traceparent_format(&tp, out);
    is_str(out, text, "and is written the same");
}

static int no_random(void *buffer, size_t bytes)
{
    (void)buffer;
    (void)bytes;
    return -1;
}

/* All zero at first. */
static int late_random(void *buffer, size_t bytes)
{
    static int calls;
    memset(buffer, calls++ ? 0xa5 : 0, bytes);
    return 0;
}

static void test_draw(void)
{
    char id[33] = "", other[33] = "";
    is_int(tcore_id_draw(TCORE_TRACE_ID, id), 0, "a trace id is drawn");
    ok(strlen(id) == 32 && tcore_id_is_canonical(TCORE_TRACE_ID, id, 32), "it is canonical");
    tcore_id_draw(TCORE_TRACE_ID, other);
    ok(strcmp(id, other) != 0, "the next one is another");
    struct tcore_sys sys = tcore_sys_default;
    sys.random = late_random;
    tcore_sys_set(&sys);
    is_int(tcore_id_draw(TCORE_SPAN_ID, id), 0, "zeros are drawn again");
    is_str(id, "a5a5a5a5a5a5a5a5", "until they are none");
    sys.random = no_random;
    is_int(tcore_id_draw(TCORE_SPAN_ID, id), -1, "without randomness it fails");
    tcore_sys_set(NULL);
}

int main(void)
{
    test_draw();
    test_normalise();
    test_hash_is_stable();
    test_traceparent();
    return done_testing();
}
