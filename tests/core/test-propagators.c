/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is read of a carrier, and what would be handed on: the rules of W3C Trace Context (Level 2)
 * and Baggage, of B3, of Jaeger and of environment variables as carriers, one case a rule.
 */
#include <config.h>

#include "span/propagator.h"

#include "tap.h"

#define T   "4bf92f3577b34da6a3ce929d0e0e4736"
#define S   "00f067aa0ba902b7"
#define P   "05e3ac9a4f6e3b90"
#define Z16 "0000000000000000"
#define TP  "traceparent: 00-" T "-" S "-01\n"
/* what is handed on of TP */
#define UP TP

struct propagation {
    const char *rule;
    const char *input;
    const char *wanted; /* header lines; "! ": why not; "# ": a note; "= ": of sampling alone */
};

/* --- Cases */

static const struct propagation traceparents[] = {
    {"version 00", TP, UP},
    {"the name in any case, blanks around the value", "TraceParent: \t 00-" T "-" S "-01 \t\r\n",
     UP},
    {"not sampled", "traceparent: 00-" T "-" S "-00\n", "traceparent: 00-" T "-" S "-00\n"},
    {"random", "traceparent: 00-" T "-" S "-02\n", "traceparent: 00-" T "-" S "-02\n"},
    {"sampled and random", "traceparent: 00-" T "-" S "-03\n", "traceparent: 00-" T "-" S "-03\n"},
    {"reserved flags become 0", "traceparent: 00-" T "-" S "-fd\n", UP},
    {"a higher version", "traceparent: 01-" T "-" S "-01\n", UP},
    {"a higher version with more behind", "traceparent: fe-" T "-" S "-01-what: the, future=is\n",
     UP},
    {"a higher version with a dash alone behind", "traceparent: 01-" T "-" S "-01-\n", UP},
    {"a higher version with more in place of the dash", "traceparent: 01-" T "-" S "-01.x\n",
     "! traceparent goes on behind the flags"},
    {"version 00 with more behind", "traceparent: 00-" T "-" S "-01-x\n",
     "! traceparent goes on behind the flags"},
    {"version ff", "traceparent: ff-" T "-" S "-01\n",
     "! traceparent is of version ff, which is invalid"},
    {"a version that is no number", "traceparent: x0-" T "-" S "-01\n",
     "! traceparent has something other than hexadecimal digits in it"},
    {"an upper-case version", "traceparent: 0A-" T "-" S "-01\n",
     "! traceparent has upper-case digits"},
    {"a trace id in upper case", "traceparent: 00-4BF92f3577b34da6a3ce929d0e0e4736-" S "-01\n",
     "! traceparent has upper-case digits"},
    {"a span id in upper case", "traceparent: 00-" T "-00F067aa0ba902b7-01\n",
     "! traceparent has upper-case digits"},
    {"flags in upper case", "traceparent: 00-" T "-" S "-0F\n",
     "! traceparent has upper-case digits"},
    {"a zero trace id", "traceparent: 00-" Z16 Z16 "-" S "-01\n",
     "! traceparent has an all-zero trace id"},
    {"a zero span id", "traceparent: 00-" T "-" Z16 "-01\n",
     "! traceparent has an all-zero span id"},
    {"too short", "traceparent: 00-" T "-" S "-1\n",
     "! traceparent is not of the form 00-TRACEID-SPANID-FLAGS"},
    {"a trace id too short, all else too long",
     "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e473-" S "-011\n",
     "! traceparent is not of the form 00-TRACEID-SPANID-FLAGS"},
    {"nothing", "traceparent:\n", ""},
    {"twice", TP TP, "! there is more than one traceparent"},
    {"twice, but for one empty", TP "traceparent: \n", UP},
    {"two values in one line", "traceparent: 00-" T "-" S "-01,00-" T "-" S "-01\n",
     "! traceparent goes on behind the flags"},
};

#define STATE(text) TP "tracestate: " text "\n"
#define LEFT_OUT    UP "# tracestate is invalid and left out\n"
#define K256                                                                                       \
    "k23456789012345678901234567890123456789012345678901234567890123"                              \
    "4"                                                                                            \
    "k23456789012345678901234567890123456789012345678901234567890123"                              \
    "4"                                                                                            \
    "k23456789012345678901234567890123456789012345678901234567890123"                              \
    "4"                                                                                            \
    "k23456789012345678901234567890123456789012345678901234567890123"                              \
    "4"

static const struct propagation tracestates[] = {
    {"members stay in order", STATE("b=2,a=1,c=3"), STATE("b=2,a=1,c=3")},
    {"blanks and empty members go", STATE("  a=1 \t,\t, ,b=2 ,"), STATE("a=1,b=2")},
    {"several fields are one, in order", STATE("b=2") "TraceState: a=1,c=3\n",
     STATE("b=2,a=1,c=3")},
    {"nothing but commas", STATE(" , ,"), UP},
    {"all that a key may have", STATE("a0_-*/@z=1"), STATE("a0_-*/@z=1")},
    {"a key may begin with a digit", STATE("0a=1"), STATE("0a=1")},
    {"a key may have several at signs, and end with one", STATE("a@b@=1"), STATE("a@b@=1")},
    {"but not begin with one", STATE("@a=1"), LEFT_OUT},
    {"nor with a sign", STATE("_a=1"), LEFT_OUT},
    {"a key of 256", STATE(K256 "=1"), STATE(K256 "=1")},
    {"of 257", STATE(K256 "x=1"), LEFT_OUT},
    {"a key in upper case", STATE("A=1"), LEFT_OUT},
    {"a key with a blank behind", STATE("a =1"), LEFT_OUT},
    {"no key", STATE("=1"), LEFT_OUT},
    {"no value", STATE("a="), LEFT_OUT},
    {"no equals sign", STATE("a"), LEFT_OUT},
    {"an equals sign in the value", STATE("a=1=2"), LEFT_OUT},
    {"blanks in and before the value stay", STATE("a= b c ,d=1"), STATE("a= b c,d=1")},
    {"all signs in a value", STATE("a=!\"#$%&'()*+-./:;<>?@[\\]^_`{|}~"),
     STATE("a=!\"#$%&'()*+-./:;<>?@[\\]^_`{|}~")},
    {"a tab in the value", STATE("a=b\tc"), LEFT_OUT},
    {"a letter beyond ASCII", STATE("a=\xc3\xbc"), LEFT_OUT},
    {"a value of 256", STATE("a=" K256), STATE("a=" K256)},
    {"of 257", STATE("a=x" K256), LEFT_OUT},
    {"a key twice", STATE("a=1,b=2,a=3"), LEFT_OUT},
    {"without a traceparent", "tracestate: a=1\n", ""},
    {"beside a bad traceparent", "traceparent: 00-1-2-3\ntracestate: a=1\n",
     "! traceparent is not of the form 00-TRACEID-SPANID-FLAGS"},
};

#define BAGGAGE(text) TP "baggage: " text "\n"
#define BAD_MEMBER    "# 1 member of baggage is invalid and left out\n"

static const struct propagation baggages[] = {
    {"a member", BAGGAGE("a=1"), BAGGAGE("a=1")},
    {"blanks go", BAGGAGE(" a = 1\t; p ; q = 2 ,\tb=2 "), BAGGAGE("a=1;p;q=2,b=2")},
    {"several fields are one", BAGGAGE("a=1") "Baggage: b=2\n", BAGGAGE("a=1,b=2")},
    {"keys have cases, and all signs of a token", BAGGAGE("A!#$%&'*+-.^_`|~0=1"),
     BAGGAGE("A!#$%&'*+-.^_`|~0=1")},
    {"a value with equals signs", BAGGAGE("a=b=c=="), BAGGAGE("a=b=c==")},
    {"an empty value", BAGGAGE("a=,b=1"), BAGGAGE("a=,b=1")},
    {"percent-encoding stays as it is", BAGGAGE("a=%20%C3%bc%zz%"), BAGGAGE("a=%20%C3%bc%zz%")},
    {"a key twice, in order", BAGGAGE("a=1,a=2"), BAGGAGE("a=1,a=2")},
    {"a blank in the value", BAGGAGE("a=b c,d=1"), BAGGAGE("d=1") BAD_MEMBER},
    {"a quote, a backslash", BAGGAGE("a=\"b\",c=\\,d=1"),
     BAGGAGE("d=1") "# 2 members of baggage are invalid and left out\n"},
    {"no value", BAGGAGE("a,d=1"), BAGGAGE("d=1") BAD_MEMBER},
    {"no key", BAGGAGE("=1,d=1"), BAGGAGE("d=1") BAD_MEMBER},
    {"a bad property", BAGGAGE("a=1;p q,d=1"), BAGGAGE("d=1") BAD_MEMBER},
    {"an empty property", BAGGAGE("a=1;,d=1"), BAGGAGE("d=1") BAD_MEMBER},
    {"raw UTF-8", BAGGAGE("a=\xc3\xbc,d=1"), BAGGAGE("d=1") BAD_MEMBER},
    {"beside no traceparent", "baggage: a=1\n", "baggage: a=1\n"},
};

#define B3(text) "b3: " text "\n"

static const struct propagation b3s[] = {
    {"without a decision", B3(T "-" S), B3(T "-" S)},
    {"accept", B3(T "-" S "-1"), B3(T "-" S "-1")},
    {"deny", B3(T "-" S "-0"), B3(T "-" S "-0")},
    {"debug", B3(T "-" S "-d"), B3(T "-" S "-d")},
    {"with a parent", B3(T "-" S "-1-" P), B3(T "-" S "-1-" P)},
    {"a trace id of 64 bits", B3(Z16 "-" S "-1"),
     "! the B3 trace id is not 16 or 32 hexadecimal digits, or all zero"},
    {"a trace id of 64 bits that is none", B3("a3ce929d0e0e4736-" S "-1"),
     B3(Z16 "a3ce929d0e0e4736-" S "-1")},
    {"deny alone", B3("0"), "= 0"},
    {"accept alone", B3("1"), "= 1"},
    {"debug alone", B3("d"), "= d"},
    {"the name in upper case", "B3: " T "-" S "-1\n", B3(T "-" S "-1")},
    {"an unknown decision", B3(T "-" S "-2"), "! the B3 sampling state is none of 0, 1 and d"},
    {"an unknown decision alone", B3("2"),
     "! the B3 trace id is not 16 or 32 hexadecimal digits, or all zero"},
    {"five parts", B3(T "-" S "-1-" P "-1"), "! b3 has more than four parts"},
    {"a span id that is short", B3(T "-abc-1"),
     "! the B3 span id is not 16 hexadecimal digits, or all zero"},
    {"a zero span id", B3(T "-" Z16 "-1"),
     "! the B3 span id is not 16 hexadecimal digits, or all zero"},
    {"a trace id of 20 digits", B3("4bf92f3577b34da6a3ce-" S),
     "! the B3 trace id is not 16 or 32 hexadecimal digits, or all zero"},
    {"a parent that is none", B3(T "-" S "-1-x"),
     "! the B3 parent id is not 16 hexadecimal digits, or all zero"},
    {"one a part",
     "X-B3-TraceId: " T "\nX-B3-ParentSpanId: " P "\nX-B3-SpanId: " S "\nX-B3-Sampled: 1\n",
     B3(T "-" S "-1-" P)},
    {"one a part, undecided", "x-b3-traceid: " T "\nx-b3-spanid: " S "\n", B3(T "-" S)},
    {"one a part, of old tracers", "x-b3-traceid: " T "\nx-b3-spanid: " S "\nx-b3-sampled: false\n",
     B3(T "-" S "-0")},
    {"debug implies accept",
     "x-b3-traceid: " T "\nx-b3-spanid: " S "\nx-b3-flags: 1\nx-b3-sampled: 0\n", B3(T "-" S "-d")},
    {"flags 0 say nothing", "x-b3-traceid: " T "\nx-b3-spanid: " S "\nx-b3-flags: 0\n",
     B3(T "-" S)},
    {"sampled alone", "X-B3-Sampled: 0\n", "= 0"},
    {"flags alone", "X-B3-Flags: 1\n", "= d"},
    {"sampled alone, but what", "X-B3-Sampled: maybe\n",
     "! the B3 sampling state is none of 0, 1 and d"},
    {"a span id alone", "x-b3-spanid: " S "\n",
     "! the B3 trace id is not 16 or 32 hexadecimal digits, or all zero"},
    {"a trace id alone", "x-b3-traceid: " T "\n",
     "! the B3 span id is not 16 hexadecimal digits, or all zero"},
    {"one field goes before one a part",
     B3(T "-" S "-0") "x-b3-traceid: " T "\nx-b3-spanid: " P "\n", B3(T "-" S "-0")},
    {"none", TP, ""},
};

#define UBER(text) "uber-trace-id: " text "\n"

static const struct propagation jaegers[] = {
    {"all digits", UBER(T ":" S ":" P ":1"), UBER(T ":" S ":" P ":1")},
    {"no leading zeros, of 64 bits", UBER("a3ce929d0e0e4736:f067aa0ba902b7:0:1"),
     UBER(Z16 "a3ce929d0e0e4736:" S ":0:1")},
    {"the least that there is", UBER("1:2:0:0"), UBER(Z16 "0000000000000001:0000000000000002:0:0")},
    {"upper case", "Uber-Trace-Id: A:B:C:1\n",
     UBER(Z16 "000000000000000a:000000000000000b:000000000000000c:1")},
    {"encoded colons", UBER("1%3A2%3a0%3A1"), UBER(Z16 "0000000000000001:0000000000000002:0:1")},
    {"debug", UBER(T ":" S ":0:3"), UBER(T ":" S ":0:3")},
    {"other flags are not handed on", UBER(T ":" S ":0:0d"), UBER(T ":" S ":0:1")},
    {"flags of two digits in upper case", UBER(T ":" S ":0:0D"), UBER(T ":" S ":0:1")},
    {"a zero trace id", UBER("0:2:0:1"), "! uber-trace-id has no valid trace id"},
    {"a zero span id", UBER("1:0:0:1"), "! uber-trace-id has no valid span id"},
    {"a trace id that is long", UBER(T "0:2:0:1"), "! uber-trace-id has no valid trace id"},
    {"a span id that is long", UBER("1:" S "0:0:1"), "! uber-trace-id has no valid span id"},
    {"three parts", UBER("1:2:1"),
     "! uber-trace-id is not of the form TRACEID:SPANID:PARENTID:FLAGS"},
    {"five parts", UBER("1:2:3:1:1"),
     "! uber-trace-id is not of the form TRACEID:SPANID:PARENTID:FLAGS"},
    {"no digits", UBER("1:2:x:1"), "! uber-trace-id has no valid parent or flags"},
    {"flags of three digits", UBER("1:2:0:001"), "! uber-trace-id has no valid parent or flags"},
    {"no flags", UBER("1:2:0:"), "! uber-trace-id has no valid parent or flags"},
    {"twice", UBER("1:2:0:1") UBER("1:2:0:1"), "! there is more than one uber-trace-id"},
    {"baggage", UBER(T ":" S ":0:1") "UberCtx-User: J%C3%BC r\nuberctx-n: 1\n",
     UBER(T ":" S ":0:1") "uberctx-user: J%C3%BC%20r\nuberctx-n: 1\n"},
    {"a key that would be members of another name",
     UBER(T ":" S ":0:1") "uberctx-a=1,b: 2\nuberctx-c: 3\n",
     UBER(T ":" S ":0:1") "uberctx-c: 3\n" BAD_MEMBER},
    {"newlines stay encoded", UBER(T ":" S ":0:1") "uberctx-a: x%0d%0aEvil: 1\n",
     UBER(T ":" S ":0:1") "uberctx-a: x%0D%0AEvil:%201\n"},
};

/* Of JSON objects, in which values can have newlines. */
static const struct propagation objects[] = {
    {"names in any case", "{\"TraceParent\":\"00-" T "-" S "-01\",\"n\":1,\"o\":{}}", UP},
    {"a newline behind a traceparent", "{\"traceparent\":\"00-" T "-" S "-01\\r\\nEvil: 1\"}",
     "! traceparent goes on behind the flags"},
    {"a newline in what a later version has",
     "{\"traceparent\":\"01-" T "-" S "-01-\\r\\nEvil: 1\"}", UP},
    {"a newline in a tracestate",
     "{\"traceparent\":\"00-" T "-" S "-01\",\"tracestate\":\"a=1\\r\\nEvil: 1\"}", LEFT_OUT},
    {"a NUL in a tracestate",
     "{\"traceparent\":\"00-" T "-" S "-01\",\"tracestate\":\"a=1\\u0000,b=1\"}", LEFT_OUT},
    {"a NUL in a key", "{\"traceparent\":\"00-" T "-" S "-01\",\"tracestate\":\"a\\u0000=1\"}",
     LEFT_OUT},
    {"a newline in baggage",
     "{\"traceparent\":\"00-" T "-" S "-01\",\"baggage\":\"a=1\\nEvil: 1,b=2\"}",
     BAGGAGE("b=2") BAD_MEMBER},
    {"a newline in a key of baggage",
     "{\"traceparent\":\"00-" T "-" S "-01\",\"baggage\":\"a\\nb=1,c=2\"}",
     BAGGAGE("c=2") BAD_MEMBER},
    {"a newline in a property",
     "{\"traceparent\":\"00-" T "-" S "-01\",\"baggage\":\"a=1;p\\nq=1,c=2\"}",
     BAGGAGE("c=2") BAD_MEMBER},
};

static const struct propagation variables[] = {
    {"names in upper case", "TRACEPARENT=00-" T "-" S "-01\nTRACESTATE=a=1\nBAGGAGE=k=v\n",
     TP "tracestate: a=1\nbaggage: k=v\n"},
    {"in another case they are others",
     "traceparent=00-" T "-" S "-00\nTRACEPARENT=00-" T "-" S "-01\n", UP},
    {"what is empty is not there", "TRACEPARENT=\nTRACESTATE=a=1\n", ""},
};

/* --- Running them */

static void describe(const struct propagator *propagator, enum carrier_kind kind, const char *input,
                     struct tcore_buf *got)
{
    struct carrier from = {0}, to = {0};
    struct trace_context context = {0};
    struct tcore_buf notes = {0};
    struct tcore_error err = {0};
    enum tcore_status status = carrier_read(&from, kind, input, strlen(input), &err);
    if (status == TCORE_OK)
        status = propagator->extract(&from, &context, &notes, &err);
    if (status != TCORE_OK)
        tcore_buf_printf(got, "! %s", err.text);
    else if (context.has_ids && propagator->inject(&context, &to))
        carrier_write(&to, CARRIER_HEADERS, got);
    else if (context.decided)
        tcore_buf_printf(got, "= %s", context.debug ? "d" : context.ids.flags ? "1" : "0");
    else if (context.baggage.data)
        tcore_buf_printf(got, "baggage: %.*s\n", (int)context.baggage.length, context.baggage.data);
    for (size_t i = 0; i < notes.length; i++) {
        if (!i || notes.data[i - 1] == '\n')
            tcore_buf_puts(got, "# ");
        tcore_buf_putc(got, notes.data[i]);
    }
    tcore_buf_putc(got, '\0');
    tcore_buf_free(&notes);
    carrier_free(&from);
    carrier_free(&to);
}

static void run(const char *what, const struct propagator *propagator, enum carrier_kind kind,
                const struct propagation *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct tcore_buf got = {0};
        describe(propagator, kind, cases[i].input, &got);
        is_str(got.data, cases[i].wanted, "%s: %s", what, cases[i].rule);
        tcore_buf_free(&got);
    }
}

#define RUN(what, propagator, kind, cases)                                                         \
    run(what, &(propagator), kind, cases, sizeof(cases) / sizeof *(cases))

/* Lists of many members, name=1 to name=COUNT. */
static void put_members(struct tcore_buf *out, unsigned count, const char *value)
{
    for (unsigned i = 1; i <= count; i++)
        tcore_buf_printf(out, "%sk%u=%s", i > 1 ? "," : "", i, value);
}

static void test_many(const char *rule, const char *field, unsigned count, unsigned left,
                      const char *value, const char *note)
{
    struct tcore_buf input = {0}, wanted = {0}, got = {0};
    tcore_buf_printf(&input, "%s%s: ", TP, field);
    put_members(&input, count, value);
    tcore_buf_puts(&input, "\n");
    tcore_buf_putc(&input, '\0');
    tcore_buf_puts(&wanted, UP);
    if (left) {
        tcore_buf_printf(&wanted, "%s: ", field);
        put_members(&wanted, left, value);
        tcore_buf_puts(&wanted, "\n");
    }
    tcore_buf_puts(&wanted, note);
    tcore_buf_putc(&wanted, '\0');
    describe(&propagator_w3c, CARRIER_HEADERS, input.data, &got);
    is_str(got.data, wanted.data, "%s", rule);
    tcore_buf_free(&input);
    tcore_buf_free(&wanted);
    tcore_buf_free(&got);
}

/* k1= and a value of 1,024 bytes: 7 members with commas have 7,195 bytes, 8 have 8,223. */
static void test_bytes(void)
{
    struct tcore_buf value = {0};
    for (unsigned i = 0; i < 1024; i++)
        tcore_buf_putc(&value, 'v');
    tcore_buf_putc(&value, '\0');
    test_many("baggage: what has less than 8,192 bytes", "baggage", 7, 7, value.data, "");
    test_many("baggage: the one that is beyond 8,192 bytes goes", "baggage", 8, 7, value.data,
              "# 1 member of baggage beyond 64, or 8192 bytes, is left out\n");
    value.length = 0;
    tcore_buf_free(&value);
}

static void test_environment_names(void)
{
    struct carrier carrier = {0};
    struct tcore_buf got = {0};
    carrier_add(&carrier, (struct tcore_slice){"uberctx-A.b'c", 13}, (struct tcore_slice){"1", 1});
    carrier_write(&carrier, CARRIER_ENV, &got);
    tcore_buf_putc(&got, '\0');
    is_str(got.data, "UBERCTX_A_B_C=1\n",
           "names of variables have letters, digits and underscores");
    tcore_buf_free(&got);
    carrier_free(&carrier);
}

static void test_json(void)
{
    static const char text[] = "a=1;p,b=%C3%BC%ff+,a=2;q=%20";
    struct tcore_buf got = {0};
    struct tcore_slice baggage = {text, sizeof text - 1};
    baggage_write_json(baggage, &got);
    baggage_write_properties(baggage, "properties", &got);
    tcore_buf_putc(&got, '\0');
    is_str(got.data,
           "{\"b\":\"\xc3\xbc\xef\xbf\xbd+\",\"a\":\"2\"},\"properties\":{\"a\":\"q=%20\"}",
           "as JSON: decoded as UTF-8, and of one key the last");
    tcore_buf_free(&got);
}

int main(void)
{
    RUN("traceparent", propagator_w3c, CARRIER_HEADERS, traceparents);
    RUN("tracestate", propagator_w3c, CARRIER_HEADERS, tracestates);
    RUN("baggage", propagator_w3c, CARRIER_HEADERS, baggages);
    RUN("b3", propagator_b3, CARRIER_HEADERS, b3s);
    RUN("jaeger", propagator_jaeger, CARRIER_HEADERS, jaegers);
    RUN("object", propagator_w3c, CARRIER_JSON, objects);
    RUN("variables", propagator_w3c, CARRIER_ENV, variables);
    test_many("tracestate: 32 members", "tracestate", 32, 32, "1", "");
    test_many("tracestate: 33 members", "tracestate", 33, 0, "1",
              "# tracestate is invalid and left out\n");
    test_many("baggage: 64 members", "baggage", 64, 64, "1", "");
    test_many("baggage: 66 members", "baggage", 66, 64, "1",
              "# 2 members of baggage beyond 64, or 8192 bytes, are left out\n");
    test_bytes();
    test_environment_names();
    test_json();
    return done_testing();
}
