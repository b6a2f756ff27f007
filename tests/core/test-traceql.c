/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TraceQL: what is refused and where, and what conditions hold on a span. */
#include "span/traceql/traceql_load.h"
#include "span/traceql/traceql_need.h"
#include "span/traceql/traceql_run.h"

#include "tap.h"

/* --- Queries that are wrong */

struct refused {
    const char *query;
    unsigned column;
    const char *why; /* in the message */
};

static const struct refused refused[] = {
    {"", 1, "the query ends where a spanset"},
    {"{", 2, "the query ends where a field or value"},
    {"{}}", 3, "'}' where | or the end"},
    {"{ name }", 3, "true or false, not a string"},
    {"{ 1 }", 3, "true or false, not a number"},
    {"{ duration + 1 }", 12, "true or false, not a number"},
    {"{ status }", 3, "not a status"},
    {"{ name = foo }", 10, "'foo' is no field"},
    {"{ foo = 1 }", 3, "'foo' is no field"},
    {"{ name = }", 10, "'}' where a field or value"},
    {"{ name = \"x }", 10, "the string has no end"},
    {"{ name = `x }", 10, "the string has no end"},
    {"{ name = \"a\\q\" }", 12, "no escape that strings have"},
    {"{ name = \"\\ud800\" }", 11, "no escape that strings have"},
    {"{ duration > 5x }", 15, "neither a digit nor a unit"},
    {"{ duration > 1h30 }", 18, "a unit is missing"},
    {"{ duration > 99999999y }", 14, "too long"},
    {"{ .a = 1e999 }", 8, "too large"},
    {"{ duration > \"x\" }", 12, "a duration and a string"},
    {"{ name > 1 }", 8, "a string and a number"},
    {"{ status > ok }", 10, "a status and a status"},
    {"{ status = server }", 10, "a status and a kind"},
    {"{ kind = \"server\" }", 8, "a kind and a string"},
    {"{ .a > nil }", 6, "an attribute and nil"},
    {"{ .a > true }", 6, "boolean"},
    {"{ name && .a }", 8, "a string and an attribute"},
    {"{ -name = 1 }", 3, "- does not go with a string"},
    {"{ !1 }", 3, "! does not go with a number"},
    {"{ name + 1 = 2 }", 8, "a string and a number"},
    {"{ name =~ \"(\" }", 11, "parenthesis"},
    {"{ name =~ 5 }", 11, "a pattern has to be a string"},
    {"{ name =~ .a }", 11, "a pattern has to be a string"},
    {"{ duration =~ \"a\" }", 12, "a duration and a string"},
    {"{ span: }", 8, "no intrinsic of the scope span"},
    {"{ trace:name = \"x\" }", 9, "'name' is no intrinsic of the scope trace"},
    {"{ resource:name = \"x\" }", 12, "'name' is no intrinsic of the scope resource"},
    {"{ event:id = \"x\" }", 9, "'id' is no intrinsic of the scope event"},
    {"{ link:name = \"x\" }", 8, "'name' is no intrinsic of the scope link"},
    {"{ link:traceId = \"x\" }", 8, "'traceId' is no intrinsic of the scope link"},
    {"{ instrumentation:id = 1 }", 19, "'id' is no intrinsic of the scope instrumentation"},
    {"{ trace:rootServiceName = 1 }", 9, "'rootServiceName' is no intrinsic of the scope trace"},
    {"{ trace.x = 1 }", 3, "'trace' is no field"},
    {"{ traceID = \"x\" }", 3, "'traceID' is no field"},
    {"{ parent:name = \"x\" }", 9, "nothing of TraceQL begins like this"},
    {"{ kind = foo }", 10, "'foo' is no field"},
    {"{ name == \"a\" }", 9, "'=' where a field or value"},
    {"{ name = 'a' }", 10, "nothing of TraceQL begins like this"},
    {"{ not .a }", 3, "'not' is no field"},
    {"{ .a and .b }", 6, "'and' where an operator or }"},
    {"{ .a in (1) }", 6, "'in' where an operator or }"},
    {"{ .a = [1] }", 8, "nothing of TraceQL begins like this"},
    {"{ .a = \"x\" || \"y\" }", 12, "a boolean and a string"},
    {"{ /* name }", 3, "the comment has no end"},
    {"{ } /*/", 5, "the comment has no end"},
    {"{ span. = 1 }", 8, "the name of an attribute is missing"},
    {"{ . = 1 }", 4, "the name of an attribute is missing"},
    {"{ .\"a = 1 }", 12, "no closing quote"},
    {"{ .\"a\\n\" = 1 }", 6, "no escape that attribute names have"},
    {"{ parent = nil }", 3, "parent is no field"},
    {"{ (.a = 1 }", 11, "'}' where an operator or )"},
    {"{ .a = 1 ) }", 10, "')' where an operator or }"},
    {"{ .a = 1 } # }", 12, "nothing of TraceQL begins like this"},
    {"{ .a & .b }", 6, "nothing of TraceQL begins like this"},
    {"{} > ", 6, "the query ends where a spanset"},
    {"{} && | {}", 7, "'|' where a spanset"},
    {"({} | count() > 1", 18, "the query ends where an operator, | or )"},
    {"{} | count()", 13, "has to be compared"},
    {"{} | count(.a) > 1", 12, "'.a' where )"},
    {"{} | sum() > 1", 10, "')' where a field or value"},
    {"{} | avg(name) > 1", 10, "an aggregate needs numbers"},
    {"{} | avg(1) > 1", 10, "an aggregate needs a field"},
    {"{} | avg(duration) > \"x\"", 20, "a number and a string"},
    {"{} | 1 + 2", 11, "has to be compared"},
    {"{} | by(1)", 9, "needs a field of spans"},
    {"{} | by()", 9, "')' where a field"},
    {"{} | select()", 13, "')' where a field"},
    {"{} | select(1)", 13, "'1' where a field"},
    {"{} | select(name,)", 18, "')' where a field"},
    {"{} | coalesce(1)", 15, "'1' where )"},
    {"{} | foo()", 6, "'foo' is no stage"},
    {"{} | rate()", 6, "trace-agg"},
    {"{} | quantile_over_time(duration, .9)", 6, "trace-agg"},
    {"{} | count_over_time() by (name)", 6, "trace-agg"},
    {"{} | min_over_time(duration)", 6, "trace-agg"},
    {"{} | max_over_time(duration)", 6, "trace-agg"},
    {"{} | avg_over_time(duration)", 6, "trace-agg"},
    {"{} | sum_over_time(duration)", 6, "trace-agg"},
    {"{} | histogram_over_time(duration)", 6, "trace-agg"},
    {"{} | compare({ .a })", 6, "trace-agg"},
    {"{} | topk(3)", 6, "trace-agg"},
    {"{} | bottomk(3)", 6, "trace-agg"},
    {"{} with (most_recent=true)", 4, "leave out with()"},
    {"({} | count()) > ({} | count())", 14, "has to be compared"},
    {"({}) = ({})", 6, "two pipelines cannot be compared"},
    {"{ \xff }", 3, "no UTF-8"},
};

static void check_refused(void)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const struct refused *r = &refused[i];
        struct traceql_query query;
        struct tcore_error err = {0};
        enum tcore_status status = traceql_parse(&query, r->query, strlen(r->query), &err);
        bool held = status == TCORE_BAD_INPUT && err.byte == r->column && strstr(err.text, r->why);
        if (!ok(held, "refused: %s", one_line(r->query)))
            printf("# status %d, column %" PRIu64 ": %s\n", (int)status, err.byte, err.text);
        traceql_free(&query);
    }
}

/* Brackets, prefixes and chains, as deep as they may be and deeper. */
static void check_depth(void)
{
    struct traceql_query query;
    struct tcore_error err;
    char text[TRACEQL_LENGTH_LIMIT + 2];
    for (int deep = 0; deep < 2; deep++) {
        int depth = deep ? 20000 : 100, n = 0;
        n += snprintf(text + n, sizeof text - (size_t)n, "{");
        for (int i = 0; i < depth; i++)
            text[n++] = '(';
        n += snprintf(text + n, sizeof text - (size_t)n, ".a");
        for (int i = 0; i < depth; i++)
            text[n++] = ')';
        text[n++] = '}';
        is_int(traceql_parse(&query, text, (size_t)n, &err), deep ? TCORE_BAD_INPUT : TCORE_OK,
               "%d brackets", depth);
        traceql_free(&query);
    }
    int n = snprintf(text, sizeof text, "{}");
    while (n < TRACEQL_LENGTH_LIMIT - 8)
        n += snprintf(text + n, sizeof text - (size_t)n, ">>{.a}");
    is_int(traceql_parse(&query, text, (size_t)n, &err), TCORE_OK, "a chain of %d bytes", n);
    traceql_free(&query);
    memset(text, ' ', sizeof text);
    is_int(traceql_parse(&query, text, TRACEQL_LENGTH_LIMIT + 1, &err), TCORE_BAD_INPUT,
           "a query that is too long");
    traceql_free(&query);
}

/* --- Conditions on one span */

static const char record[] =
    "{\"type\":\"span\",\"traceId\":\"5b8efff798038103d269b633813fc60c\","
    "\"spanId\":\"eee19b7ec3c1b174\",\"parentSpanId\":\"00000000000000a1\",\"name\":\"GET /\","
    "\"kind\":\"server\",\"startTimeUnixNano\":\"1000\",\"endTimeUnixNano\":\"251000\","
    "\"status\":\"error\",\"statusMessage\":\"boom\",\"attributes\":{\"i\":7,\"f\":2.5,"
    "\"t\":true,\"no\":false,\"s\":\"x\",\"n\":null,\"l\":[1,2,3],\"w\":[\"aa\",\"bb\"],"
    "\"e\":[],\"o\":{\"k\":1},\"nan\":{\"doubleValue\":\"NaN\"},\"a b\":1,\"big\":9007199254740993,"
    "\"m\":[1,\"x\"],\"both\":\"span\",\"q\\\"\":1,\"a-b\":4},"
    "\"resource\":{\"service.name\":\"cart\",\"host\":\"h1\",\"both\":\"resource\"},"
    "\"scope\":{\"name\":\"lib\",\"version\":\"1.2\",\"attributes\":{\"lang\":\"c\"}},"
    "\"events\":[{\"timeUnixNano\":\"2000\",\"name\":\"retry\",\"attributes\":{\"n\":1}},"
    "{\"timeUnixNano\":\"5000\",\"name\":\"exception\",\"attributes\":{\"m\":\"no\",\"n\":2}}],"
    "\"links\":[{\"traceId\":\"000000000000000000000000000000cc\",\"spanId\":\"00000000000000bb\","
    "\"attributes\":{\"r\":\"child_of\"}}]}";

static const char *const bare = "{\"type\":\"span\",\"traceId\":\"1\",\"spanId\":\"2\"}";

static const char *const true_on_record[] = {
    "{}",
    "{ true }",
    /* intrinsics */
    "{ name = \"GET /\" }",
    "{ span:name = `GET /` }",
    "{ \"GET /\" = name }",
    "{ name != \"x\" }",
    "{ name > \"GET\" && name < \"GEU\" && name >= \"GET /\" && name <= \"GET /\" }",
    "{ status = error && span:status = error && status != ok && status != unset }",
    "{ statusMessage = \"boom\" && span:statusMessage =~ \"b.*\" }",
    "{ kind = server && span:kind != client }",
    "{ duration = 250us && span:duration = 0.25ms && duration > 249999 && duration <= 250000ns }",
    "{ duration = 250\xc2\xb5s }",
    "{ duration < 1h30m && duration < 1d && duration < 1w && duration < 1.5s && duration < 1y }",
    "{ span:id = \"eee19b7ec3c1b174\" && span:id = \"EEE19B7EC3C1B174\" }",
    "{ span:parentID = \"a1\" && \"a1\" = span:parentID }",
    "{ trace:id = \"5b8efff798038103d269b633813fc60c\" }",
    "{ event:name = \"retry\" && event:name = \"exception\" && event:name =~ \"ex.*\" }",
    "{ event:timeSinceStart = 1us && event:timeSinceStart >= 4us }",
    "{ link:traceID = \"cc\" && link:spanID = \"bb\" && link:spanID != \"bc\" }",
    "{ instrumentation:name = \"lib\" && instrumentation:version = \"1.2\" }",
    /* scopes */
    "{ span.i = 7 && .i = 7 && .f = 2.5 && .s = \"x\" }",
    "{ resource.service.name = \"cart\" && .service.name = \"cart\" && resource.host = \"h1\" }",
    "{ event.n = 1 && event.n = 2 && event.m = \"no\" }",
    "{ link.r = \"child_of\" && .r = \"child_of\" }",
    "{ instrumentation.lang = \"c\" && .lang = \"c\" }",
    "{ .both = \"span\" && resource.both = \"resource\" && span.both = \"span\" }",
    "{ .\"a b\" = 1 && span.\"a b\" = 1 && .a\" \"b = 1 && .\"q\\\"\" = 1 && .a-b = 4 }",
    /* types */
    "{ .t }",
    "{ .t = true && .no = false && !.no && .t != false }",
    "{ .no || .t }",
    "{ .i = 7.0 && .f > 2 && .f < 3 && 2.5 = .f && .i > 6.5 && .i >= 7 }",
    "{ .big = 9007199254740993 && .big != 9007199254740992 }",
    "{ .i > minInt && .i < maxInt }",
    "{ .nan != 1 }",
    /* nil */
    "{ .zzz = nil && .i != nil && nil = .zzz && .n = nil && .o != nil && .e != nil }",
    "{ nil = nil }",
    "{ !(.zzz = 1) && !(.zzz != 1) && !(.s = 5) && !(.s != 5) }",
    /* lists */
    "{ .l = 2 && .l > 2 && 2 = .l && 2 < .l && .l != 4 && !(.l != 2) }",
    "{ .w =~ \"b+\" && .w !~ \"c+\" && !(.w !~ \"b+\") && .w = \"aa\" }",
    "{ .m = \"x\" && .m = 1 && .m != \"y\" && !(.m = true) && !(.m != true) }",
    "{ !(.e = 1) && !(.e != 1) && !(.l = .l) && !(.o = .o) }",
    /* patterns are anchored */
    "{ name =~ \"GET.*\" && name !~ \"GET\" && name =~ \"POST|GET /\" && !(name =~ \"ET\") }",
    "{ !(.i =~ \"7\") && !(.i !~ \"7\") && !(.zzz !~ \"x\") }",
    /* arithmetic and precedence */
    "{ .i + 1 = 8 && .i - 1 = 6 && .i * 2 = 14 && .i / 2 = 3.5 && .i % 4 = 3 && .i ^ 2 = 49 }",
    "{ 1 + 2 * 3 = 7 && (1 + 2) * 3 = 9 && 2 ^ 3 ^ 2 = 512 && 10 - 2 - 3 = 5 }",
    "{ -2 * 3 = -6 && 2 * -3 = -6 && -2 + 5 = 3 && -2 ^ 2 = -4 && - -1 = 1 }",
    "{ 7 % -1 = 0 && 5 % 0 != 5 && 1 / 0 > maxInt && .i * 1s = 7s && 5.5 % 2 = 1.5 }",
    "{ maxInt + 1 > 1 && -minInt > 0 && minInt - 1 < 0 && maxInt * 2 > maxInt }",
    "{ false && true || true }",
    "{ !false = true && !(1 = 2) }",
    "{ .a-b=4&&.i>=7 }",
    /* comments */
    "{ /* a */ .i /**/ = // 8 }\n 7 /* } */ } // all",
    "//\n{ 8 / /* 3 */ 2 = 4 }",
};

static const char *const false_on_record[] = {
    "{ false }",
    "{ true || true && false }", /* from the left */
    "{ name = \"get /\" }",
    "{ .zzz }",
    "{ !.zzz }",
    "{ .s }",
    "{ .i = \"7\" }",
    "{ .nan = .nan }",
    "{ .nan < 1 || .nan > 1 }",
    "{ .s + 1 = 1 || .zzz + 1 = 1 || -.s = 1 }",
    "{ .service.name != \"cart\" }",
    "{ resource.i = 7 || span.host = \"h1\" || event.i = 7 }",
};

static const char *const true_on_bare[] = {
    "{ name = \"\" && status = unset && kind = unspecified && statusMessage = \"\" }",
    "{ duration = nil && span:parentID = nil && event:name = nil && link:spanID = nil }",
    "{ instrumentation:name = \"\" && .a = nil && resource.service.name = nil && event.a = nil }",
    "{ !(duration > 0s) && !(duration <= 0s) }",
};

/* -1: it is refused. */
static int holds(const char *text, const char *span)
{
    struct traceql_query query;
    struct traceql_evaluator evaluator = {0};
    struct traceql_reader reader = {0};
    struct tcore_error err = {0};
    bool truth[64], matches = false;
    enum tcore_status status = traceql_parse(&query, text, strlen(text), &err);
    if (status == TCORE_OK && !traceql_is_of_spans(&query))
        status = TCORE_SKIP;
    if (status == TCORE_OK)
        status = traceql_evaluator_open(&evaluator, &query, &err);
    if (status == TCORE_OK)
        status =
            traceql_load_text(&reader, &query, span, strlen(span), false, evaluator.field, &err);
    if (status == TCORE_OK)
        status = traceql_run_span(&evaluator, truth, &matches, &err);
    if (status != TCORE_OK)
        printf("# column %" PRIu64 ": %s\n", err.byte, err.text);
    traceql_evaluator_close(&evaluator);
    traceql_reader_free(&reader);
    traceql_free(&query);
    return status == TCORE_OK ? matches : -1;
}

static void check_spans(void)
{
    for (size_t i = 0; i < sizeof true_on_record / sizeof *true_on_record; i++)
        is_int(holds(true_on_record[i], record), 1, "true: %s", one_line(true_on_record[i]));
    for (size_t i = 0; i < sizeof false_on_record / sizeof *false_on_record; i++)
        is_int(holds(false_on_record[i], record), 0, "false: %s", one_line(false_on_record[i]));
    for (size_t i = 0; i < sizeof true_on_bare / sizeof *true_on_bare; i++)
        is_int(holds(true_on_bare[i], bare), 1, "true: %s", one_line(true_on_bare[i]));
    is_int(holds("{ name =~ \"(a|aa)+\" }",
                 "{\"name\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac\"}"),
           0, "a pattern that needs too much work");
    is_int(holds("{ name =~ \"x\" } || { status = error }", record), 1, "either of two");
    is_int(holds("{ name =~ \"G.*\" } | { status = ok } | select(name)", record), 0, "a pipeline");
}

/* --- What is known of names before records are read */

struct required {
    const char *query, *expression;
};

static const struct required requirements[] = {
    {"{}", ""},
    {"{ name = \"a\" }", "(.name // \"\") == \"a\""},
    {"{ \"a\\\"\" = name }", "(.name // \"\") == \"a\\\"\""},
    {"{ resource.service.name = \"s\" && .x = 1 }", "(.service == \"s\")"},
    {"{ .x = 1 && resource.service.name = \"s\" }", "(.service == \"s\")"},
    {"{ name = \"a\" && resource.service.name = \"s\" }",
     "((.name // \"\") == \"a\" and .service == \"s\")"},
    {"{ name = \"a\" || name = \"b\" }", "((.name // \"\") == \"a\" or (.name // \"\") == \"b\")"},
    {"{ name = \"a\" || .x = 1 }", ""},
    {"{ name = \"a\" && (name = \"b\" || .x) }", "((.name // \"\") == \"a\")"},
    {"{ !(name = \"a\") }", ""},
    {"{ name != \"a\" && name = nil && name = name }", ""},
    {"{ parent.resource.service.name = \"s\" }", ""},
    {"{ span.service.name = \"s\" && .service.name = \"s\" }", ""},
    {"{ name =~ \"a|b\" }", "((.name // \"\") | test(\"^(?:a|b)$\"))"},
    {"{ name = \"a\" } || { name = \"b\" } | { .x }",
     "(.name // \"\") == \"a\" or (.name // \"\") == \"b\""},
    {"{ name = \"a\" } || { .x }", ""},
};

static void check_requirements(void)
{
    for (size_t i = 0; i < sizeof requirements / sizeof *requirements; i++) {
        struct traceql_query query;
        struct tcore_error err = {0};
        struct tcore_buf out = {0};
        const char *text = requirements[i].query;
        bool parsed = traceql_parse(&query, text, strlen(text), &err) == TCORE_OK;
        if (parsed)
            traceql_require_span(&query, &out);
        is_mem(parsed && out.length ? out.data : "", out.length, requirements[i].expression,
               strlen(requirements[i].expression), "required: %s", one_line(text));
        tcore_buf_free(&out);
        traceql_free(&query);
    }
}

int main(void)
{
    check_refused();
    check_depth();
    check_spans();
    check_requirements();
    return done_testing();
}
