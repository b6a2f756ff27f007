/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The JSON parser and writer: what is accepted and how it is written back, what is refused and at
 * which column, the shape of the tape, limits, and a failure of every single allocation.
 */
#include "failing.h"
#include "model/json.h"
#include "tap.h"

static struct tcore_json json;
static struct tcore_error err;

/* Parses a copy that ends where the text ends, so that the sanitizer sees any byte read beyond. */
static enum tcore_status parse(const char *text, size_t length)
{
    static char *copy;
    free(copy);
    copy = malloc(length ? length : 1);
    memcpy(copy, text, length);
    return tcore_json_parse(&json, copy, length, &err);
}

static const char *written(void)
{
    static struct tcore_buf buf;
    tcore_buf_clear(&buf);
    tcore_json_write_tree(&buf, &json, 0);
    tcore_buf_putc(&buf, '\0');
    return buf.data;
}

/* For the name of a test: printable and short. */
static const char *shown(const char *text)
{
    static char line[61];
    size_t at = 0;
    for (; text[at] && at < sizeof line - 1; at++)
        line[at] = text[at] < ' ' || text[at] > '~' || text[at] == '#' ? '?' : text[at];
    line[at] = '\0';
    return line;
}

static void accepts(const char *text, const char *wanted)
{
    wanted = wanted ? wanted : text;
    if (parse(text, strlen(text)) != TCORE_OK) {
        ok(false, "accepts %s", shown(text));
        printf("# byte %" PRIu64 ": %s\n", err.byte, err.text);
        return;
    }
    is_str(written(), wanted, "accepts %s", shown(text));
}

static void test_accepted(void)
{
    static const struct {
        const char *text, *wanted; /* NULL: the same */
    } cases[] = {
        {"{}", NULL},
        {"[]", NULL},
        {"null", NULL},
        {"true", NULL},
        {"false", NULL},
        {"0", NULL},
        {"\"\"", NULL},
        {" \t\r\n{ } \n", "{}"},
        {"[ ]", "[]"},
        {"[1 , 2,3\n]", "[1,2,3]"},
        {"{\"a\" : 1 , \"b\" : [ { } , [ ] ] }", "{\"a\":1,\"b\":[{},[]]}"},
        {"[-0,-1,0.0,1e5,1E+5,1.50,-0.0e-0]", NULL},
        {"[9223372036854775807,-9223372036854775808]", NULL},
        {"[9223372036854775808,-9223372036854775809,123456789012345678901234567890]", NULL},
        {"[1e400,1e-400]", NULL},
        {"\"a\\\"b\\\\c\\/d\\b\\f\\n\\r\\t\"", "\"a\\\"b\\\\c/d\\b\\f\\n\\r\\t\""},
        {"\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"", "\"A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {"\"\\u0000\\u001f\\u007f\"", "\"\\u0000\\u001f\x7f\""},
        {"\"\\uD800\"", "\"\\ud800\""},
        {"\"\\udc00\\ud800x\"", "\"\\udc00\\ud800x\""},
        {"\"\\ud800\\u0041\"", "\"\\ud800A\""},
        {"\"\\ud800\\ud83d\\ude00\"", "\"\\ud800\xf0\x9f\x98\x80\""},
        {"\"\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf "
         "\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf\"",
         NULL},
        {"\"a string longer than a vector, sixteen bytes at a time, \xe2\x82\xac and on\"", NULL},
        {"{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}"},
        {"{\"a\":{\"x\":1,\"x\":[2,{\"y\":1,\"y\":2}]},\"\":0,\"a\":{\"x\":1,\"x\":[2,{\"y\":1,"
         "\"y\":2}]}}",
         "{\"a\":{\"x\":[2,{\"y\":2}]},\"\":0}"},
        {"{\"\\u0061\":1,\"a\":2}", "{\"a\":2}"},
        {"{\"a\\u0000b\":1,\"a\":2,\"a\\u0000b\":3}", "{\"a\\u0000b\":3,\"a\":2}"},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        accepts(cases[n].text, cases[n].wanted);
}

static void refuses(const char *text, size_t length, uint64_t byte, const char *reason)
{
    enum tcore_status status = parse(text, length);
    if (status != TCORE_SKIP) {
        ok(false, "refuses %s", shown(text));
        return;
    }
    if (!is_str(err.text, reason, "refuses %s", shown(text)) || err.byte != byte)
        is_int(err.byte, byte, "the column in %s", shown(text));
}

static void test_refused(void)
{
    static const struct {
        const char *text;
        uint64_t byte;
        const char *reason;
    } cases[] = {
        {"", 1, "no value"},
        {"  ", 3, "no value"},
        {"{", 2, "the text ends where a key is missing"},
        {"[", 2, "the text ends where a value is missing"},
        {"{\"a\"", 5, "the text ends behind a key"},
        {"{\"a\":", 6, "the text ends where a value is missing"},
        {"{\"a\":1", 7, "the text ends within an object"},
        {"{\"a\":1,", 8, "the text ends where a key is missing"},
        {"[1", 3, "the text ends within an array"},
        {"[1,", 4, "the text ends where a value is missing"},
        {"\"abc", 5, "the text ends within a string"},
        {"\"abc\\", 6, "the text ends within a string"},
        {"\"abc\\u12", 9, "\\u without four hexadecimal digits"},
        {"\"\\u12g4\"", 6, "\\u without four hexadecimal digits"},
        {"\"\\x\"", 3, "an escape that JSON does not know"},
        {"\"a\tb\"", 3, "a control character in a string"},
        {"\"a\nb\"", 3, "a control character in a string"},
        {"\"a string that is long enough for vectors \x01\"", 43,
         "a control character in a string"},
        {"{\"a\":1,}", 8, "a trailing comma"},
        {"[1,]", 4, "a trailing comma"},
        {"[1, ]", 5, "a trailing comma"},
        {"[,1]", 2, "a comma where a value is missing"},
        {"[1,,2]", 4, "a comma where a value is missing"},
        {"{,\"a\":1}", 2, "a comma where a key is missing"},
        {"{\"a\":}", 6, "a value is missing"},
        {"{\"a\"::1}", 6, "a colon where a value is missing"},
        {"{\"a\" 1}", 6, "no colon behind a key"},
        {"{a:1}", 2, "a key without quotes"},
        {"{1:1}", 2, "a key without quotes"},
        {"{'a':1}", 2, "a string in single quotes"},
        {"['a']", 2, "a string in single quotes"},
        {"[1 2]", 4, "neither a comma nor ] behind an element"},
        {"{\"a\":1 \"b\":2}", 8, "neither a comma nor } behind a member"},
        {"[1}", 3, "} where ] belongs"},
        {"{\"a\":1]", 7, "] where } belongs"},
        {"]", 1, "a value is missing"},
        {"{} {}", 4, "more text behind the value"},
        {"1 1", 3, "more text behind the value"},
        {"[1]]", 4, "more text behind the value"},
        {"NaN", 1, "NaN is no JSON number"},
        {"[nan]", 2, "NaN is no JSON number"},
        {"{\"a\":Infinity}", 6, "Infinity is no JSON number"},
        {"[-Infinity]", 3, "Infinity is no JSON number"},
        {"[-]", 3, "a minus without a number"},
        {"[-a]", 3, "a minus without a number"},
        {"[+1]", 2, "a number with a plus"},
        {"[.5]", 2, "a number without a digit before its point"},
        {"[5.]", 4, "a number without a digit behind its point"},
        {"[5.e1]", 4, "a number without a digit behind its point"},
        {"[5e]", 4, "a number without a digit in its exponent"},
        {"[5e+]", 5, "a number without a digit in its exponent"},
        {"[01]", 3, "a number with a leading zero"},
        {"[-012]", 4, "a number with a leading zero"},
        {"[0x10]", 3, "neither a comma nor ] behind an element"},
        {"[1.2.3]", 5, "neither a comma nor ] behind an element"},
        {"[truth]", 5, "a word that is not true, false or null"},
        {"[nul]", 5, "a word that is not true, false or null"},
        {"tru", 4, "a word that is not true, false or null"},
        {"[True]", 2, "not a JSON value"},
        {"[undefined]", 2, "not a JSON value"},
        {"[1] // no", 5, "more text behind the value"},
        {"[/* no */1]", 2, "a comment"},
        {"[1,# no\n2]", 4, "a comment"},
        {"\xef\xbb\xbf{}", 1, "a byte-order mark"},
        {"\"\xff\"", 2, "invalid UTF-8"},
        {"\"ab\x80\"", 4, "invalid UTF-8"},
        {"\"\xc0\x80\"", 2, "invalid UTF-8"},
        {"\"\xc1\xbf\"", 2, "invalid UTF-8"},
        {"\"\xe0\x9f\xbf\"", 2, "invalid UTF-8"},
        {"\"\xed\xa0\x80\"", 2, "invalid UTF-8"},
        {"\"\xed\xbf\xbf\"", 2, "invalid UTF-8"},
        {"\"\xf0\x8f\xbf\xbf\"", 2, "invalid UTF-8"},
        {"\"\xf4\x90\x80\x80\"", 2, "invalid UTF-8"},
        {"\"\xf5\x80\x80\x80\"", 2, "invalid UTF-8"},
        {"\"\xe2\x82\"", 2, "invalid UTF-8"},
        {"\"\xe2\x82", 2, "invalid UTF-8"},
        {"\"\xe2\x28\xa1\"", 2, "invalid UTF-8"},
        {"\"\xf0\x9f\x98\"", 2, "invalid UTF-8"},
        {"{\"a long key with invalid text \xc3\x28\":1}", 32, "invalid UTF-8"},
        {"[\xc3\xa9]", 2, "not a JSON value"},
        {"[1\f]", 3, "neither a comma nor ] behind an element"},
        {"[\v1]", 2, "not a JSON value"},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        refuses(cases[n].text, strlen(cases[n].text), cases[n].byte, cases[n].reason);
    refuses("[\0]", 3, 2, "a NUL byte outside a string");
    refuses("\"\0\"", 3, 2, "a control character in a string");
    refuses("{}\0", 3, 3, "more text behind the value");
}

/* Every prefix of a valid object is refused, and just behind its end at the latest. */
static void test_prefixes(void)
{
    static const char text[] = "{\"key \\u00e9\\n\":[1.5e3,-2,true,null,{\"\xe2\x82\xac\":\"x\"}],"
                               "\"b\":false}";
    size_t bad = 0;
    for (size_t length = 0; length < sizeof text - 1; length++)
        if (parse(text, length) != TCORE_SKIP || err.byte < 1 || err.byte > length + 1)
            bad++;
    is_int(bad, 0, "no prefix of an object is valid");
    ok(parse(text, sizeof text - 1) == TCORE_OK, "all of it is");
}

static void test_tape(void)
{
    static const char text[] = "{\"a\":[1,-2.5,\"x\\ty\"],\"b\":{\"c\":null},\"a\":true}";
    ok(tcore_json_parse(&json, text, sizeof text - 1, &err) == TCORE_OK, "parses");
    const struct tcore_json_node *n = json.node;
    is_int(json.count, 12, "nodes");
    ok(tcore_json_is_object(&n[0]) && n[0].count == 3 && n[0].next == 12, "the root");
    ok(n[0].value.s == text && n[0].value.len == sizeof text - 1, "a container knows its text");
    ok(n[1].value.kind == TCORE_STRING && n[1].value.s == text + 2 && n[1].value.len == 1,
       "a plain string points into the text");
    ok(tcore_json_is_array(&n[2]) && n[2].count == 3 && n[2].next == 6, "the array");
    is_mem(n[2].value.s, n[2].value.len, "[1,-2.5,\"x\\ty\"]", 15, "its text");
    ok(n[3].value.kind == TCORE_INT && n[3].value.i == 1, "an int64");
    ok(n[4].value.kind == TCORE_NUMBER && n[4].value.len == 4, "another number is its literal");
    is_mem(n[5].value.s, n[5].value.len, "x\ty", 3, "a string with escapes is decoded");
    is_int(tcore_json_find(&json, 0, "a"), 11, "the last of duplicate keys is found");
    is_int(tcore_json_find(&json, 0, "b"), 7, "a key is found");
    is_int(tcore_json_find(&json, 7, "c"), 9, "in an inner object");
    is_int(tcore_json_find(&json, 0, "c"), 0, "a missing one is not");
    is_int(tcore_json_find(&json, 2, "a"), 0, "nor anything in an array");
    is_int(tcore_json_find_n(&json, 0, "bx", 1), 7, "by length");
    size_t members = 0;
    for (uint32_t k = 1; k < n[0].next; k = n[k + 1].next)
        members++;
    is_int(members, 3, "walking the members");
    uint64_t duplicates = 0;
    ok(tcore_json_duplicates(&json, &duplicates) == TCORE_OK, "counting duplicates");
    is_int(duplicates, 1, "one duplicate");
}

static void test_depth(void)
{
    static char text[2 * 1000];
    for (unsigned depth = 511; depth <= 513; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        if (depth <= 512)
            ok(parse(text, 2 * depth) == TCORE_OK, "%u levels", depth);
        else
            refuses(text, 2 * depth, 513, "nested deeper than 512");
    }
    json.depth_limit = 2;
    accepts("{\"a\":[1]}", NULL);
    refuses("{\"a\":[{}]}", 10, 7, "nested deeper than 2");
    json.depth_limit = 1000000;
    size_t deep = 900000;
    char *huge = malloc(2 * deep);
    memset(huge, '[', deep);
    memset(huge + deep, ']', deep);
    ok(parse(huge, 2 * deep) == TCORE_OK && strlen(written()) == 2 * deep,
       "900,000 levels, if one asks for it, need no stack");
    free(huge);
    json.depth_limit = 0;
}

/* Objects of many keys, all different or all alike: time must not explode. */
static void test_many_keys(void)
{
    enum { KEYS = 200000 };
    struct tcore_buf text = {0};
    for (int distinct = 0; distinct < 2; distinct++) {
        tcore_buf_clear(&text);
        tcore_buf_putc(&text, '{');
        for (int n = 0; n < KEYS; n++)
            tcore_buf_printf(&text, "%s\"k%d\":%d", n ? "," : "", distinct ? n : n % 1000, n);
        tcore_buf_printf(&text, "}");
        uint64_t duplicates = 0;
        ok(parse(text.data, text.length) == TCORE_OK &&
               tcore_json_duplicates(&json, &duplicates) == TCORE_OK,
           "%d keys", KEYS);
        is_int(duplicates, distinct ? 0 : KEYS - 1000, "duplicates among them");
        const char *out = written();
        if (distinct)
            ok(strlen(out) == text.length && !memcmp(out, text.data, text.length),
               "distinct keys are written as they came");
        else
            ok(!strncmp(out, "{\"k0\":199000,\"k1\":199001,", 25),
               "of duplicates the last value stands at the first place");
    }
    tcore_buf_free(&text);
}

static void test_write_value(void)
{
    static const struct {
        struct tcore_value value;
        const char *wanted;
    } cases[] = {{{.kind = TCORE_ABSENT}, "null"},
                 {{.kind = TCORE_NULL}, "null"},
                 {{.kind = TCORE_FALSE}, "false"},
                 {{.kind = TCORE_TRUE}, "true"},
                 {{.kind = TCORE_INT, .i = INT64_MIN}, "-9223372036854775808"},
                 {{.kind = TCORE_DOUBLE, .d = 1}, "1.0"},
                 {{.kind = TCORE_DOUBLE, .d = 1e300}, "1e+300"},
                 {{.kind = TCORE_DOUBLE, .d = __builtin_nan("")}, "\"NaN\""},
                 {{.kind = TCORE_DOUBLE, .d = __builtin_inf()}, "\"Infinity\""},
                 {{.kind = TCORE_DOUBLE, .d = -__builtin_inf()}, "\"-Infinity\""},
                 {{.kind = TCORE_NUMBER, .len = 4, .s = "1.50"}, "1.50"},
                 {{.kind = TCORE_STRING, .len = 3, .s = "a\"b"}, "\"a\\\"b\""},
                 {{.kind = TCORE_JSON, .len = 4, .s = "[ 1]"}, "[ 1]"}};
    struct tcore_buf buf = {0};
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        tcore_buf_clear(&buf);
        tcore_json_write_value(&buf, &cases[n].value);
        const char *wanted = cases[n].wanted;
        is_mem(buf.data, buf.length, wanted, tap_length(wanted), "value %zu", n);
    }
    tcore_buf_free(&buf);
}

/* Each byte at each place of a string longer than a vector goes out and comes back the same. */
static void test_write_key(void)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"{\"a\":{ \"x\": 1}}", "{\"a\":{\"x\":1}}"},
        {"{\"b\":1,\"a\":[ 1.0 , 1e0, 10E-1 ],\"ab\":{}}", "{\"a\":[1,1,1],\"ab\":{},\"b\":1}"},
        {"{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}"},
        {"[1.50,-0.0,\"1.0\",null,true,[],[[ ]]]", "[1.5,0,\"1.0\",null,true,[],[[]]]"},
        {"[9223372036854775807,1e400]", "[9223372036854775807,1e400]"},
        {"\"\\u0041\"", "\"A\""},
        {"no JSON", "no JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_buf buf = {0};
        tcore_json_write_key(&buf, cases[i].text, strlen(cases[i].text));
        ok(!buf.failed && buf.length == strlen(cases[i].wanted) &&
               memcmp(buf.data, cases[i].wanted, buf.length) == 0,
           "%s as a key is %.*s", cases[i].text, (int)buf.length, buf.data);
        tcore_buf_free(&buf);
    }
}

/* As deep as a reader may be told to go: no depth takes the program's stack. */
static void test_deep_key(void)
{
    enum { DEPTH = 100000 };
    struct tcore_buf text = {0}, key = {0};
    for (size_t i = 0; i < 2 * (size_t)DEPTH; i++)
        tcore_buf_putc(&text, i < DEPTH ? '[' : ']');
    tcore_json_write_key(&key, text.data, text.length);
    ok(!key.failed && key.length == text.length && memcmp(key.data, text.data, key.length) == 0,
       "a deep value as a key");
    tcore_buf_free(&text);
    tcore_buf_free(&key);
}

static void test_string_positions(void)
{
    size_t bad = 0;
    struct tcore_buf buf = {0};
    for (int c = 0; c < 0x80; c++)
        for (size_t at = 0; at < 40 * 40; at++) {
            char s[40];
            size_t length = at / 40 + 1;
            memset(s, 'x', sizeof s);
            s[at % 40] = (char)c;
            tcore_buf_clear(&buf);
            tcore_json_write_string(&buf, s, length);
            bool plain = at % 40 >= length || (c >= 0x20 && c != '"' && c != '\\');
            if (parse(buf.data, buf.length) != TCORE_OK || json.node[0].value.len != length ||
                memcmp(json.node[0].value.s, s, length) != 0 || plain != (buf.length == length + 2))
                bad++;
        }
    is_int(bad, 0, "every ASCII character at every place of strings of any length survives");
    tcore_buf_free(&buf);
}

static void test_allocation_failures(void)
{
    struct tcore_buf text = {0};
    tcore_buf_printf(&text, "{\"escaped\\n\":\"%5000s\\u00e9\",\"dup\":1,\"list\":[", "x");
    for (int n = 0; n < 300; n++)
        tcore_buf_printf(&text,
                         "%s{\"a\":%d,\"b\":[[[[[[[[[[[[[[[[[[[[\"\\t\"]]]]]]]]]]]]]]]]]]]]}",
                         n ? "," : "", n);
    tcore_buf_printf(&text, "],\"dup\":{\"x\":1,\"x\":2}}");
    unsigned long wrong = 0, round = 1;
    for (bool failed = true; failed; round++) {
        struct tcore_json own = {0};
        struct tcore_buf out = {0};
        uint64_t duplicates = 0;
        failing_begin(round);
        enum tcore_status status = tcore_json_parse(&own, text.data, text.length, &err);
        if (status == TCORE_OK)
            status = tcore_json_duplicates(&own, &duplicates);
        if (status == TCORE_OK) {
            tcore_json_write_tree(&out, &own, 0);
            status = tcore_buf_status(&out, &err);
        }
        tcore_json_free(&own);
        tcore_buf_free(&out);
        failed = failing_end();
        wrong += status != (failed ? TCORE_FATAL : TCORE_OK);
    }
    ok(round > 10, "each of %lu allocations failed once", round - 2);
    is_int(wrong, 0, "each time the caller was told");
    is_int(failing.live, 0, "nothing leaked");
    tcore_buf_free(&text);
}

int main(void)
{
    test_accepted();
    test_refused();
    test_prefixes();
    test_tape();
    test_depth();
    test_many_keys();
    test_write_value();
    test_write_key();
    test_deep_key();
    test_string_positions();
    test_allocation_failures();
    ok(tcore_json_parse(&json, "[", 1, NULL) == TCORE_SKIP, "an error struct is not needed");
    tcore_json_free(&json);
    return done_testing();
}
