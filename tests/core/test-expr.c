/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Expressions that are compiled natively: what is refused and where, jq's precedence, and the
 * answers on records in columns of every form. test-expr-jq holds the answers against libjq.
 */
#include "failing.h"
#include "forms.h"
#include "base/buf.h"
#include "query/expr.h"

enum { COPIES = 70 };

/* --- Refused */

static const struct {
    const char *text;
    unsigned byte;
    const char *says; /* part of the reason */
} bad[] = {
    {".service = \"cart\"", 10, "did you mean =="},
    {".a && .b", 4, "write and"},
    {".a & .b", 4, "write and"},
    {"!.a", 1, "| not"},
    {".name == 'x'", 10, "double quotes"},
    {".a == \"x", 7, "not closed"},
    {".a == \"\\q\"", 8, "escape"},
    {".a == \"\\u12g4\"", 8, "escape"},
    {".a == \"\\(1\"", 11, "not closed"},
    {".a == \"\\(1", 9, "not closed"},
    {".a == \x80", 7, "UTF-8"},
    {".a == \"\xed\xa0\x80\"", 8, "UTF-8"},
    {".a == \"\xc0\xaf\"", 8, "UTF-8"},
    {".a == \"\xf4\x90\x80\x80\"", 8, "UTF-8"},
    {".\xc3\xa9", 2, ".[\"name\"]"},
    {".a ~ 1", 4, "~"},
    {"env", 1, "cannot be used"},
    {".a == env.PATH", 7, "cannot be used"},
    {"$ENV.PATH", 1, "cannot be used"},
    {"\"\\(env)\" == .a", 4, "cannot be used"},
    {"\"\\(\"\\(input)\")\"", 7, "cannot be used"},
    {"[inputs]", 2, "cannot be used"},
    {"input_line_number > 1", 1, "cannot be used"},
    {"include \"x\"; .a", 1, "cannot be used"},
    {"import \"x\" as x; .a", 1, "cannot be used"},
    {"\"x\" | modulemeta", 7, "cannot be used"},
    {".a | stderr", 6, "cannot be used"},
    {"halt", 1, "cannot be used"},
    {".a | halt_error", 6, "cannot be used"},
    {"# x\nhalt", 5, "cannot be used"},
    {"input_filename", 1, "cannot be used"},
    {"get_search_list", 1, "cannot be used"},
    {"$__prog_args", 1, "cannot be used"},
    {".name | test(\"(\")", 16, "pattern"},
    {".name | test(\"ab(\")", 18, "pattern"},
    {".name | test(\"a\"; \"iq\")", 21, "modifier"},
    {".durationNano > 100ms", 17, "write 100*ms"},
    {"any(.events[]; .d < (1.5s))", 22, "write 1.5*s"},
    {".a == 7d and 1e3us < 2", 7, "write 7*d"},
};

static void test_refused(void)
{
    /* No helper: what the native part knows is an error without asking libjq. */
    struct tcore_expr_options options = {.helper = "/nonexistent/tracecore-jq"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct tcore_projection projection = {0};
        struct tcore_error err = {0};
        struct tcore_expr *expr = NULL;
        int status = (int)tcore_expr_compile(&expr, bad[i].text, &options, &projection, &err);
        bool held = status == TCORE_BAD_INPUT && !expr && err.byte == bad[i].byte &&
                    strstr(err.text, bad[i].says);
        ok(held, "refused: %s", one_line(bad[i].text));
        if (!held)
            printf("# status %d, column %u: %s\n", status, (unsigned)err.byte, err.text);
        tcore_expr_free(expr);
        tcore_projection_free(&projection);
    }
}

/* Errors that the native parser explains, if there is no libjq to ask. */
static const struct {
    const char *text;
    unsigned byte;
    const char *says;
} misplaced[] = {
    {"", 1, "a value"},
    {".a ==", 6, "ends where a value"},
    {".a == == 1", 7, "a value is expected instead of =="},
    {"(.a", 4, "ends where )"},
    {".a)", 3, "an operator or the end"},
    {".a == 1 == 2", 9, "do not chain"},
    {"1 < 2 <= 3", 7, "do not chain"},
    {".a and", 7, "ends where a value"},
    {".a or or .b", 7, "a value"},
    {".a.", 4, "a field name"},
    {". a", 3, "an operator or the end"},
    {".[\"a\"", 6, "]"},
    {"has(\"a\"", 8, "; or )"},
    {"IN(1,)", 6, "a value"},
    {"[1", 3, "]"},
    {"{\"a\" 1}", 6, ":"},
    {"{\"a\":1,}", 8, "a key"},
    {"{\"a\":1", 7, ", or }"},
    {".a .b \"c\"", 7, "an operator or the end"},
    {"not not", 5, "an operator or the end"},
};

static void test_misplaced(void)
{
    struct tcore_expr_options options = {.helper = "/nonexistent/tracecore-jq"};
    for (size_t i = 0; i < sizeof misplaced / sizeof *misplaced; i++) {
        struct tcore_projection projection = {0};
        struct tcore_error err = {0};
        struct tcore_expr *expr = NULL;
        int status = (int)tcore_expr_compile(&expr, misplaced[i].text, &options, &projection, &err);
        bool held = status == TCORE_BAD_INPUT && err.byte == misplaced[i].byte &&
                    strstr(err.text, misplaced[i].says);
        ok(held, "misplaced: %s", misplaced[i].text);
        if (!held)
            printf("# status %d, column %u: %s\n", status, (unsigned)err.byte, err.text);
        tcore_expr_free(expr);
        tcore_projection_free(&projection);
    }
    struct tcore_projection projection = {0};
    struct tcore_error err = {0};
    struct tcore_expr *expr = NULL;
    is_int(tcore_expr_compile(&expr, ".events[0].name", &options, &projection, &err), TCORE_FATAL,
           "beyond the native part, without a helper");
    ok(strstr(err.text, "cannot be started"), "says what is missing: %s", err.text);
    tcore_projection_free(&projection);
}

/* --- Answers */

struct answer {
    const char *text;
    char wanted; /* T true, F false or null or nothing, E an error */
};

static const char record[] =
    "{\"type\":\"t\",\"service\":\"cart\",\"name\":\"GET /cart/7\",\"durationNano\":123456789,"
    "\"startTimeUnixNano\":\"1544712660000000001\",\"status\":\"error\","
    "\"attributes\":{\"http.route\":\"/cart\",\"retries\":3,\"ratio\":0.25,\"ok\":true,\"no\":null,"
    "\"empty\":\"\",\"list\":[1,2,{\"a\":\"b\"}],\"map\":{\"k\":{\"z\":1}},\"big\":"
    "9007199254740993,"
    "\"huge\":123456789012345678901234567890,\"one\":1.0,\"neg\":-7,\"exp\":1e3},"
    "\"resource\":{\"service.name\":\"cart\"},\"flag\":false,\"nothing\":null,\"n\":5,"
    "\"text\":\"a\\u00e9\\ud83d\\ude00z\",\"events\":[{\"name\":\"e\",\"timeUnixNano\":\"12\"}]}";

static const struct answer answers[] = {
    /* paths */
    {".service == \"cart\"", 'T'},
    {".[\"service\"] == \"cart\"", 'T'},
    {".\"service\" == \"cart\"", 'T'},
    {".service==\"car\"", 'F'},
    {".service!=\"cart\"", 'F'},
    {".attributes[\"http.route\"] == \"/cart\"", 'T'},
    {".attributes.\"http.route\" == \"/cart\"", 'T'},
    {".attributes . retries == 3", 'E'},
    {".attributes .retries == 3", 'T'},
    {".[\"attributes\"][\"retries\"] == 3", 'T'},
    {".attributes.[\"retries\"] == 3", 'T'},
    {".absent", 'F'},
    {".absent == null", 'T'},
    {".absent.deeper == null", 'T'},
    {".nothing.deeper == null", 'T'},
    {".attributes.absent.deeper.still == null", 'T'},
    {".attributes.map.k.z == 1", 'T'},
    {".attributes.map.k.z.q == 1", 'E'},
    {".attributes.retries.x", 'E'},
    {".attributes.list.x", 'E'},
    {".service.x", 'E'},
    {".service.x?", 'F'},
    {".service.x? == 1", 'F'},
    {"(.service.x? == 1) | not", 'F'},
    {".service.x.y?", 'E'},
    {"(.service.x.y)?", 'F'},
    {".service?.x", 'E'},
    {".events.name", 'E'},
    {"(.events|length) == 1", 'T'},
    {".attributes.map == {\"k\":{\"z\":1.0}}", 'T'},
    {".attributes.map == {k:{z:2}}", 'F'},
    {".attributes.list == [1,2,{\"a\":\"b\"}]", 'T'},
    {".attributes.list == [1, 2]", 'F'},
    {".events == [{\"name\":\"e\",\"timeUnixNano\":12}]", 'T'},
    {"(.attributes.map|.k|.z) == 1", 'T'},
    {"((.attributes.map // .x).k).z == 1", 'T'},
    {"(.attributes // 1).retries == 3", 'T'},
    /* numbers */
    {".durationNano > 100*ms", 'T'},
    {".durationNano > 124 * ms", 'F'},
    {".durationNano >= 123456789", 'T'},
    {".durationNano < 0.5 * s", 'T'},
    {".durationNano <= 123456788.5", 'F'},
    {".durationNano > 123456788.5", 'T'},
    {".durationNano == 123456789.0", 'T'},
    {".durationNano != 1.5", 'T'},
    {".durationNano == 1.5", 'F'},
    {".durationNano < 1e300", 'T'},
    {".durationNano < -1e300", 'F'},
    {".durationNano < 123456789012345678901234567890", 'T'},
    {".durationNano < \"a\"", 'T'},
    {".durationNano > null", 'T'},
    {".durationNano < []", 'T'},
    {"1 == 1.0", 'T'},
    {"1m == 60", 'E'},
    {"1*m == 60*s and 1*h == 60*m and 1*d == 24*h and 1*s == 1000*ms and ms == 1000*us and us == "
     "1000*ns and ns == 1",
     'T'},
    {".startTimeUnixNano == 1544712660000000001", 'T'},
    {".startTimeUnixNano == 1544712660000000000", 'F'},
    {".startTimeUnixNano + 1 == 1544712660000000002", 'T'},
    {".attributes.big == 9007199254740993", 'T'},
    {".attributes.big == 9007199254740992", 'F'},
    {".attributes.big == 9007199254740992.0", 'F'},
    {".attributes.huge == 123456789012345678901234567890", 'T'},
    {".attributes.huge == 123456789012345678901234567891", 'F'},
    {".attributes.huge > 9223372036854775807", 'T'},
    {"-.attributes.huge < -9223372036854775807", 'T'},
    {"-.attributes.huge == -123456789012345678901234567890", 'T'},
    {".attributes.one == 1 and .attributes.one == 1.0", 'T'},
    {".attributes.exp == 1000", 'T'},
    {".attributes.ratio * 4 == 1", 'T'},
    {".attributes.retries / 2 == 1.5", 'T'},
    {".attributes.retries % 2 == 1", 'T'},
    {".attributes.neg % 3 == -1", 'T'},
    {"7.9 % 2.9 == 1", 'T'},
    {".attributes.retries % 0.5", 'E'},
    {".attributes.retries / .attributes.absent", 'E'},
    {".attributes.retries / (.n - 5)", 'E'},
    {".attributes.retries - 3 == 0", 'T'},
    {"9223372036854775807 + 1 == 9223372036854775808.0", 'T'},
    {"-9223372036854775808 - 1 < -9223372036854775807", 'T'},
    {"3037000500 * 3037000500 == 9223372037000250000", 'T'},
    {".1 + .2 == 0.30000000000000004", 'T'},
    {"1. == 01", 'T'},
    {"1e3 == 1000 and 1E+3 == 1e3 and 10e-1 == 1", 'T'},
    /* precedence */
    {"1 + 2 * 3 == 7", 'T'},
    {"(1 + 2) * 3 == 9", 'T'},
    {"10 - 2 - 3 == 5", 'T'},
    {"100 / 10 / 2 == 5", 'T'},
    {"-2 * 3 == -6", 'T'},
    {"-1 + 2 == 1", 'T'},
    {"2 - -1 == 3", 'T'},
    {"1 + -1 * 2 == -1", 'T'},
    {"- 5 % 3 == -2", 'T'},
    {"7 % 4 * 2 == 6", 'T'},
    {"true or false and false", 'T'},
    {"(true or false) and false", 'F'},
    {"1 == 1 and 2 == 2", 'T'},
    {"null // 1 == 2", 'F'},
    {"(null // 1) == 1", 'T'},
    {"null // false // 3 == 3", 'T'},
    {"1 // 2 == 3", 'T'},
    {".absent // .service | . == \"cart\"", 'T'},
    {".n | . + 1 == 6", 'T'},
    {".n == 5 | not", 'F'},
    {".n | . == 5 and . < 6", 'T'},
    {"false and .service.x", 'F'},
    {"true or .service.x", 'T'},
    {".service.x or true", 'E'},
    {"true and .service.x", 'E'},
    {"false or .service.x", 'E'},
    {"(.service.x // 1) == 1", 'E'},
    {"(.service.x? // 1) == 1", 'T'},
    {".service.x?//1", 'T'},
    {".a?//.service", 'T'},
    {".service.x == .service.x?", 'F'},
    {".service.x? == .service.x", 'E'},
    {".service.x | true", 'E'},
    {".service.x? | true", 'F'},
    {"(.service.x | true)?", 'F'},
    {".service | true", 'T'},
    {".absent | not", 'T'},
    {"not", 'F'},
    /* order of types */
    {"null < false and false < true and true < 0 and 0 < \"\" and \"\" < [] and [] < {}", 'T'},
    {".nothing < .flag", 'T'},
    {".flag < .attributes.ok", 'T'},
    {".attributes.ok < .n", 'T'},
    {".n < .service", 'T'},
    {".service < .attributes.list", 'T'},
    {".attributes.list < .attributes.map", 'T'},
    {".absent == .nothing", 'T'},
    {".flag == false", 'T'},
    {".flag == null", 'F'},
    {"\"a\" < \"b\" and \"a\" < \"aa\" and \"Z\" < \"a\" and \"z\" < \"\\u00e9\"", 'T'},
    {"[1,2] < [1,3] and [1] < [1,0] and [] < [null]", 'T'},
    {"{\"a\":1} < {\"b\":0} and {\"a\":5,\"b\":1} > {\"a\":6}", 'T'},
    {"{\"b\":1} > {\"a\":1,\"b\":1}", 'T'},
    {".name >= \"GET\" and .name < \"GEU\"", 'T'},
    {".service == .resource[\"service.name\"]", 'T'},
    /* strings */
    {".service + \"x\" == \"cartx\"", 'T'},
    {"null + .service == .service + null", 'T'},
    {".service - \"x\"", 'E'},
    {"-.service", 'E'},
    {".service * 2 == \"cartcart\"", 'T'},
    {".service * 0 == null", 'T'},
    {"2 * .service == \"cartcart\"", 'T'},
    {".service * 1e12", 'E'},
    {"(.name / \"/\") == [\"GET \",\"cart\",\"7\"]", 'T'},
    {"\"a,\" / \",\" == [\"a\",\"\"]", 'T'},
    {"(\"\" / \",\") == [] and (\"ab\" / \"\") == [\"a\",\"b\"]", 'T'},
    {"(.text|length) == 4", 'T'},
    {".text == \"a\\u00E9\\uD83D\\uDE00z\"", 'T'},
    {".text == \"a\xc3\xa9\xf0\x9f\x98\x80z\"", 'T'},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\" == "
     "\"\\u0022\\u005c\\u002f\\u0008\\u000c\\u000a\\u000d\\u0009\"",
     'T'},
    {"\"a\nb\" == \"a\\nb\"", 'T'},
    {".name | startswith(\"GET\")", 'T'},
    {".name | startswith(\"get\")", 'F'},
    {".name | endswith(\"7\")", 'T'},
    {".name|startswith(\"\") and endswith(\"\")", 'T'},
    {".name | contains(\"cart\")", 'T'},
    {".name | contains(\"cast\")", 'F'},
    {".name | contains(\"\")", 'T'},
    {"\"art\" | inside(\"cart\")", 'T'},
    {".n | startswith(\"a\")", 'E'},
    {".absent | startswith(\"a\")", 'E'},
    {".name | startswith(1)", 'E'},
    {".name | contains(1)", 'E'},
    {".n | contains(5)", 'T'},
    {".flag | contains(true)", 'E'},
    {".attributes.list | contains([2,{\"a\":\"b\"}])", 'T'},
    {".attributes.list | contains([3])", 'F'},
    {".attributes.map | contains({\"k\":{}})", 'T'},
    {".attributes.map | contains({\"k\":{\"z\":2}})", 'F'},
    {"[\"foobar\"] | contains([\"bar\"])", 'T'},
    {".name | test(\"^GET /[a-z]+/\\\\d$\")", 'T'},
    {".name | test(\"^get\")", 'F'},
    {".name | test(\"^get\"; \"i\")", 'T'},
    {".name | test(\"G E T\"; \"x\")", 'T'},
    {".name | test(\"GET\"; null)", 'T'},
    {".name | test(\"GET\"; \"gs\")", 'T'},
    {".name | test(\"x*\"; \"n\")", 'F'},
    {".text | test(\"^...z$\")", 'T'},
    {".text | test(\"\\\\w\xc3\xa9\")", 'T'},
    {".n | test(\"5\")", 'E'},
    {".absent | test(\"5\")", 'E'},
    {"(.name|test(\"GET\")) and (.service|test(\"^c\"))", 'T'},
    /* has, in, IN, length */
    {"has(\"service\")", 'T'},
    {"has(\"absent\")", 'F'},
    {"has(\"nothing\")", 'T'},
    {".attributes | has(\"http.route\")", 'T'},
    {".attributes | has(\"no\")", 'T'},
    {".attributes | has(\"absent\")", 'F'},
    {".attributes | has(\"absent\") | not", 'T'},
    {".absent | has(\"x\")", 'F'},
    {".service | has(\"x\")", 'E'},
    {".attributes.list | has(0) and has(2)", 'T'},
    {".attributes.list | has(3)", 'F'},
    {".attributes.list | has(-1)", 'F'},
    {".attributes.list | has(\"a\")", 'E'},
    {".attributes.map | has(\"k\")", 'T'},
    {".attributes.map | has(0)", 'E'},
    {"\"k\" | in({\"k\":1,\"l\":2})", 'T'},
    {".service | in({\"cart\":1,\"shop\":2})", 'T'},
    {".service | in({\"shop\":2})", 'F'},
    {".n | in({\"5\":2})", 'E'},
    {".absent | in({\"5\":2})", 'E'},
    {"\"retries\" | in(.attributes)", 'E'}, /* .attributes of the string */
    {".service | IN(\"shop\",\"cart\")", 'T'},
    {".service | IN(\"shop\",\"car\")", 'F'},
    {".service | IN(1, null, \"cart\", 1.5, [2], {})", 'T'},
    {".n | IN(1,2,3,4,5.0)", 'T'},
    {".absent | IN(null)", 'T'},
    {".attributes.list | IN([1,2,{a:\"b\"}])", 'T'},
    {"IN(.service; \"shop\", \"cart\")", 'T'},
    {"IN(.service; \"shop\")", 'F'},
    {"(.attributes.list|length) == 3 and (.attributes.map|length) == 1", 'T'},
    {"(.absent|length) == 0 and (.attributes.neg|length) == 7 and (.service|length) == 4", 'T'},
    {".flag | length", 'E'},
    {"(.attributes.empty|length) == 0", 'T'},
    /* arrays and objects */
    {"(.attributes.list + [3] | length) == 4", 'T'},
    {"(.attributes.list - [1] | length) == 2", 'T'},
    {"(.attributes.list - [1.0,2,{\"a\":\"b\"}]) == []", 'T'},
    {"(.attributes.map + {\"q\":1}) == {\"q\":1,\"k\":{\"z\":1}}", 'T'},
    {"(.attributes.map + {\"k\":1}) == {\"k\":1}", 'T'},
    {"(.attributes.map * {\"k\":{\"y\":2}}) == {\"k\":{\"y\":2,\"z\":1}}", 'T'},
    {"(.attributes.map * {\"k\":2,\"j\":{}}) == {\"j\":{},\"k\":2}", 'T'},
    {".attributes.list + {}", 'E'},
    {".attributes.map - {}", 'E'},
    {".attributes.map / 2", 'E'},
    {"[] + [] == [] and {} + {} == {}", 'T'},
    /* truth */
    {".n", 'T'},
    {".flag", 'F'},
    {".nothing", 'F'},
    {".attributes.empty", 'T'},
    {".attributes", 'T'},
    {"0", 'T'},
    {"null", 'F'},
    {"true # comment", 'T'},
    {" \t\n true", 'T'},
};

static void make_lines(struct tcore_buf *lines, const char *line, size_t copies)
{
    for (size_t i = 0; i < copies; i++) {
        tcore_buf_puts(lines, line);
        tcore_buf_putc(lines, '\n');
    }
}

/* T, F or E if all rows agree, else ?. */
static char ask(struct tcore_expr_state *state, const struct tcore_batch *batch,
                struct tcore_error *err)
{
    uint32_t *rows = forms_room(batch->rows, sizeof *rows);
    size_t count = batch->rows;
    uint64_t failed = 0;
    for (size_t i = 0; i < count; i++)
        rows[i] = (uint32_t)i;
    char got = '?';
    if (tcore_expr_select(state, batch, rows, &count, &failed, err) != TCORE_OK)
        got = '!';
    else if (count == batch->rows && !failed)
        got = 'T';
    else if (count == 0)
        got = failed == batch->rows ? 'E' : failed ? '?' : 'F';
    for (size_t i = 0; i < count; i++)
        if (rows[i] >= batch->rows || (i && rows[i] <= rows[i - 1]))
            got = '?';
    free(rows);
    return got;
}

static void check_answer(const struct answer *a)
{
    static const char *const names[] = {"values", "dictionary", "int64", "constant"};
    struct tcore_expr_options options = {.helper = "/nonexistent/tracecore-jq"};
    struct tcore_projection projection = {0};
    struct tcore_error err = {0};
    struct tcore_expr *expr;
    struct tcore_expr_state *state;
    if (tcore_expr_compile(&expr, a->text, &options, &projection, &err) != TCORE_OK) {
        /* An error that shows while compiling is one for every row, too. */
        ok(a->wanted == 'E' && err.status == TCORE_BAD_INPUT, "%s: %s", a->text, err.text);
        tcore_projection_free(&projection);
        return;
    }
    struct tcore_buf lines = {0};
    struct forms f;
    make_lines(&lines, record, COPIES);
    forms_decode(&f, &projection, lines.data, lines.length);
    bool held = tcore_expr_is_native(expr) && !projection.text;
    if (tcore_expr_state_new(&state, expr, &err) != TCORE_OK)
        held = false;
    for (enum form form = 0; held && form < FORMS; form++) {
        forms_set_all(&f, form);
        char got = ask(state, &f.batch, &err);
        held = got == a->wanted;
        if (!held)
            printf("# as %s: %c %s\n", names[form], got, err.text);
        if (held && (got == 'E') != (tcore_expr_state_reason(state) != NULL))
            held = false;
    }
    ok(held, "%s: %c%s%s", one_line(a->text), a->wanted, a->wanted == 'E' ? ", " : "",
       held && a->wanted == 'E' ? tcore_expr_state_reason(state) : "");
    tcore_expr_state_free(state);
    tcore_expr_free(expr);
    forms_free(&f);
    tcore_buf_free(&lines);
    tcore_projection_free(&projection);
}

/* --- Forms and blocks */

static const char *const many[] = {
    ".n > 500",
    ".n >= 500 and .n < 900",
    ".k == \"k3\"",
    ".k == \"k3\" or .k == \"k5\" and .n < 700",
    ".k | IN(\"k1\",\"k2\")",
    ".k | test(\"[135]$\")",
    ".x.y == 2",
    ".x.y? == 2",
    "(.x.y == 2) | not",
    ".x + 1 > 300",
    ".n / .z > 10",
    ".m == null",
    ".m > 10 or .x.y",
    ".m != 3 and (.k | startswith(\"k1\")) and .n % 2 == 0",
    "(.m // .n) > 100",
    "(.x.y? // .n) > 100",
    ".n == .m",
    ".k < .j",
    "(.k + .j | length) == 4",
    "has(\"m\") and .n > 10",
    ".x | has(\"y\")",
    "(.k|test(\"k\")) and (.j|test(\"7\"))",
    ".c == 1 and .k == \"k1\" or .c != 1",
    ".missing == null and .n < 50",
    ".x.y // .n < 7",
};

static void make_many(struct tcore_buf *lines, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned n = i * 7919 % 1000;
        tcore_buf_printf(lines, "{\"type\":\"t\",\"n\":%u,\"k\":\"k%u\",\"j\":\"j%u\",\"c\":1,", n,
                         i % 7, i % 11);
        if (i % 3)
            tcore_buf_printf(lines, "\"m\":%u,", i % 1000);
        if (i % 5 == 1)
            tcore_buf_printf(lines, "\"x\":{\"y\":%u},", i % 4);
        else if (i % 5 == 2)
            tcore_buf_printf(lines, "\"x\":%u,", i % 600);
        else if (i % 5 == 3)
            tcore_buf_puts(lines, "\"x\":null,");
        tcore_buf_printf(lines, "\"z\":%u}\n", i % 9);
    }
}

static uint32_t *all_rows(size_t count)
{
    uint32_t *rows = forms_room(count, sizeof *rows);
    for (size_t i = 0; i < count; i++)
        rows[i] = (uint32_t)i;
    return rows;
}

/* All forms, in large and small selections, give what one row after the other gives. */
static void check_many(const char *text, const struct tcore_buf *lines)
{
    struct tcore_projection projection = {0};
    struct tcore_error err = {0};
    struct tcore_expr *expr;
    struct tcore_expr_state *state;
    struct forms f;
    if (tcore_expr_compile(&expr, text, NULL, &projection, &err) != TCORE_OK ||
        tcore_expr_state_new(&state, expr, &err) != TCORE_OK) {
        ok(false, "%s: %s", text, err.text);
        return;
    }
    forms_decode(&f, &projection, lines->data, lines->length);
    size_t rows = f.decoded->rows, wanted_count = 0;
    uint32_t *wanted = all_rows(rows), one;
    uint64_t wanted_failed = 0;
    forms_set_all(&f, FORM_VALUES);
    for (size_t i = 0; i < rows; i++) {
        size_t count = 1;
        one = (uint32_t)i;
        tcore_expr_select(state, &f.batch, &one, &count, &wanted_failed, &err);
        if (count)
            wanted[wanted_count++] = one;
    }
    bool held = true;
    for (unsigned form = 0; form < FORMS + 4; form++) {
        for (size_t c = 0; c < f.decoded->column_count; c++)
            forms_set(&f, c, form < FORMS ? (enum form)form : (enum form)((form + c * 3) % FORMS));
        uint64_t failed = 0;
        size_t count = rows;
        uint32_t *got = all_rows(rows);
        tcore_expr_select(state, &f.batch, got, &count, &failed, &err);
        held = held && count == wanted_count && failed == wanted_failed &&
               memcmp(got, wanted, count * sizeof *got) == 0;
        free(got);
    }
    ok(held, "%s: %zu of %zu rows, %u failed, in every form", text, wanted_count, rows,
       (unsigned)wanted_failed);
    free(wanted);
    forms_free(&f);
    tcore_expr_state_free(state);
    tcore_expr_free(expr);
    tcore_projection_free(&projection);
}

/* A selection of some rows only, spread over blocks. */
static void check_part(const struct tcore_buf *lines)
{
    struct tcore_projection projection = {0};
    struct tcore_error err = {0};
    struct tcore_expr *expr;
    struct tcore_expr_state *state;
    struct forms f;
    tcore_expr_compile(&expr, ".n >= 500 and .k == \"k3\"", NULL, &projection, &err);
    tcore_expr_state_new(&state, expr, &err);
    forms_decode(&f, &projection, lines->data, lines->length);
    for (enum form form = 0; form < FORMS; form++) {
        forms_set_all(&f, form);
        uint32_t *rows = all_rows(f.decoded->rows);
        size_t count = 0, given;
        uint64_t failed = 0;
        for (size_t i = 0; i < f.decoded->rows; i += 3)
            rows[count++] = (uint32_t)i;
        given = count;
        tcore_expr_select(state, &f.batch, rows, &count, &failed, &err);
        bool held = count > 0 && count < given;
        for (size_t i = 0; i < count; i++) {
            struct tcore_value n = tcore_column_get(&f.batch.columns[0], rows[i]);
            held = held && rows[i] % 3 == 0 && n.i >= 500 && rows[i] % 7 == 3;
        }
        ok(held, "a third of the rows: %zu of %zu", count, given);
        free(rows);
    }
    forms_free(&f);
    tcore_expr_state_free(state);
    tcore_expr_free(expr);
    tcore_projection_free(&projection);
}

/* --- Columns and limits */

static void check_columns(const char *text, const char *wanted)
{
    struct tcore_projection projection = {0};
    struct tcore_error err = {0};
    struct tcore_expr *expr = NULL;
    struct tcore_buf names = {0};
    tcore_expr_compile(&expr, text, NULL, &projection, &err);
    for (size_t i = 0; i < projection.count; i++)
        tcore_buf_printf(&names, "%s%s", i ? " " : "", projection.columns[i].name);
    tcore_buf_putc(&names, '\0');
    is_str(names.data, wanted, "columns of %s", text);
    tcore_buf_free(&names);
    tcore_expr_free(expr);
    tcore_projection_free(&projection);
}

static void test_columns(void)
{
    check_columns(".service == \"a\" and .durationNano > 1*s", ".service .durationNano");
    check_columns(".attributes[\"http.route\"] == \"a\"", ".attributes[\"http.route\"]");
    check_columns(".service == \"a\" or .service == \"b\"", ".service");
    check_columns(".x.y.z == 1", ".x.y.z .x .x.y");
    check_columns(".attributes | has(\"a\")", ".attributes.a");
    check_columns(".a | .b | .c == 1", ".a.b.c .a .a.b");
}

static void test_limits(void)
{
    struct tcore_expr_options options = {.helper = "/nonexistent/tracecore-jq"};
    static const struct {
        const char *begin, *repeat, *end;
        unsigned count;
        enum tcore_status wanted;
        const char *label;
    } cases[] = {
        {"", "(", "", 100000, TCORE_BAD_INPUT, "100,000 open parentheses"},
        {"", "-", "1", 100000, TCORE_BAD_INPUT, "100,000 minus signs"},
        {"1", " | .", "", 100000, TCORE_BAD_INPUT, "100,000 pipes"},
        {"1", "+1", "", 100000, TCORE_BAD_INPUT, "100,000 summands"},
        {"1", "+1", "", 1000, TCORE_OK, "1,000 summands"},
        {".a==0", " or .a==1", "", 1500, TCORE_OK, "1,500 alternatives"},
        {".a", ".a", "", 100000, TCORE_BAD_INPUT, "a path of 100,000 keys"},
        {"", "[", "", 100000, TCORE_BAD_INPUT, "100,000 open brackets"},
        {".a|", "(.+.)|", ".", 40, TCORE_FATAL, "a value doubled 40 times is left to libjq"},
        {"\"", "\\(\"", "", 1000, TCORE_BAD_INPUT, "1,000 nested interpolations"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_buf text = {0};
        struct tcore_projection projection = {0};
        struct tcore_error err = {0};
        struct tcore_expr *expr = NULL;
        tcore_buf_puts(&text, cases[i].begin);
        for (unsigned k = 0; k < cases[i].count; k++)
            tcore_buf_puts(&text, cases[i].repeat);
        tcore_buf_puts(&text, cases[i].end);
        tcore_buf_putc(&text, '\0');
        is_int(tcore_expr_compile(&expr, text.data, &options, &projection, &err), cases[i].wanted,
               "%s: %.60s", cases[i].label, err.text);
        tcore_expr_free(expr);
        tcore_projection_free(&projection);
        tcore_buf_free(&text);
    }
}

/* Results that only together are too large: each row gets its own answer. */
static void test_room(void)
{
    static const struct {
        const char *text;
        size_t kept;
        uint64_t failed;
    } cases[] = {
        {"(.k * 1e6 | length) == 2e6", 100, 0},
        {"(.k * (.n * 1e7) | length) > 1e6", 3, 96}, /* 20 n MB: up to 64 MiB */
    };
    struct tcore_buf lines = {0};
    for (unsigned i = 0; i < 100; i++)
        tcore_buf_printf(&lines, "{\"type\":\"t\",\"k\":\"xy\",\"n\":%u,\"z\":%u}\n", i, i % 9);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_projection projection = {0};
        struct tcore_error err = {0};
        struct tcore_expr *expr;
        struct tcore_expr_state *state;
        struct forms f;
        tcore_expr_compile(&expr, cases[i].text, NULL, &projection, &err);
        tcore_expr_state_new(&state, expr, &err);
        forms_decode(&f, &projection, lines.data, lines.length);
        for (enum form form = FORM_VALUES; form <= FORM_DICT; form++) {
            forms_set_all(&f, form);
            uint32_t *rows = all_rows(100);
            size_t count = 100;
            uint64_t failed = 0;
            tcore_expr_select(state, &f.batch, rows, &count, &failed, &err);
            ok(count == cases[i].kept && failed == cases[i].failed, "%s: %zu rows, %u failed %s",
               cases[i].text, count, (unsigned)failed,
               failed ? tcore_expr_state_reason(state) : "");
            free(rows);
        }
        forms_free(&f);
        tcore_expr_state_free(state);
        tcore_expr_free(expr);
        tcore_projection_free(&projection);
    }
    tcore_buf_free(&lines);
}

/* Every allocation fails once: no crash, no leak, and success when none fails. */
static void test_memory(void)
{
    static const char text[] = "(.name | test(\"GET\")) and .attributes.list - [1] != [] and "
                               "(.service + \"x\" | IN(\"cartx\", \"b\")) and (.attributes.map * "
                               "{\"k\":{\"y\":2}} | length) == 1 and .attributes.map < {\"z\":1}";
    struct tcore_buf lines = {0};
    struct tcore_projection whole = {0};
    struct tcore_expr *expr;
    struct forms f;
    make_lines(&lines, record, 3);
    tcore_expr_compile(&expr, text, NULL, &whole, NULL);
    forms_decode(&f, &whole, lines.data, lines.length);
    forms_set_all(&f, FORM_VALUES);
    tcore_expr_free(expr);
    unsigned wrong = 0, n = 1;
    for (bool done = false; !done && n < 10000; n++) {
        struct tcore_projection projection = {0};
        struct tcore_expr_state *state = NULL;
        uint32_t rows[3] = {0, 1, 2};
        size_t count = 3;
        uint64_t failed = 0;
        failing_begin(n);
        enum tcore_status status = tcore_expr_compile(&expr, text, NULL, &projection, NULL);
        if (status == TCORE_OK)
            status = tcore_expr_state_new(&state, expr, NULL);
        if (status == TCORE_OK)
            status = tcore_expr_select(state, &f.batch, rows, &count, &failed, NULL);
        done = status == TCORE_OK;
        wrong += status != TCORE_OK && status != TCORE_FATAL;
        wrong += done && (count != 3 || failed);
        tcore_expr_state_free(state);
        if (expr)
            tcore_expr_free(expr);
        tcore_projection_free(&projection);
        failing_end();
        wrong += failing.live != 0;
    }
    is_int(wrong, 0, "each of %u allocations failed once", n);
    forms_free(&f);
    tcore_projection_free(&whole);
    tcore_buf_free(&lines);
}

int main(void)
{
    struct tcore_buf lines = {0};
    test_refused();
    test_misplaced();
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        check_answer(&answers[i]);
    make_many(&lines, 5000);
    for (size_t i = 0; i < sizeof many / sizeof *many; i++)
        check_many(many[i], &lines);
    check_part(&lines);
    tcore_buf_free(&lines);
    test_columns();
    test_limits();
    test_room();
    test_memory();
    return done_testing();
}
