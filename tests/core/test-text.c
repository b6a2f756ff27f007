/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Regular expressions: flags, groups, replacing, the limits, and odd subjects. */
#include "failing.h"
#include "query/text.h"
#include "tap.h"

static const struct {
    const char *pattern, *modifiers, *subject;
    bool matched;
} cases[] = {
    {"a.c", "", "xabcx", true},
    {"a.c", "", "a\nc", false},
    {"a.c", "p", "a\nc", true},
    {"^abc$", "", "abc", true},
    {"^abc$", "", "abc\n", true},
    {"^b", "", "a\nb", false},
    {"ABC", "", "abc", false},
    {"ABC", "i", "abc", true},
    {"\xc3\x89", "i", "\xc3\xa9", true},
    {"a b # c", "x", "ab", true},
    {"a*", "n", "bbb", false},
    {"a*", "", "bbb", true},
    {"a", "gsl", "a", true},
    {"^.$", "", "\xf0\x9f\x98\x80", true},
    {"^\\w+$", "", "\xc3\xa9t\xc3\xa9", true},
    {"\\p{Lu}", "", "a\xc3\x89", true},
    {"", "", "", true},
    {"^a\\0b$", "", "a", false},
    {"(a)(b)?", "", "ac", true},
    {"(?<!x)y", "", "xy", false},
    {"^.$", "", "\xed\xa0\x80", true}, /* a lone surrogate is one character */
    {"^.x$", "", "\xed\xa0\x80x", true},
    {"\\x{fffd}", "", "a\xed\xb0\x80", true},
};

static void test_cases(void)
{
    struct tcore_matcher *matcher = NULL;
    struct tcore_error err;
    is_int(tcore_matcher_new(&matcher, &err), TCORE_OK, "a matcher");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_pattern *pattern = NULL;
        unsigned flags = 0;
        bool matched = false;
        int status = (int)tcore_text_flags_parse(cases[i].modifiers, strlen(cases[i].modifiers),
                                                 &flags, &err);
        if (status == TCORE_OK)
            status = (int)tcore_pattern_compile(&pattern, cases[i].pattern,
                                                strlen(cases[i].pattern), flags, &err);
        if (status == TCORE_OK)
            status = (int)tcore_pattern_match(pattern, matcher, cases[i].subject,
                                              strlen(cases[i].subject), 0, &matched, NULL, &err);
        ok(status == TCORE_OK && matched == cases[i].matched, "/%s/%s %s", cases[i].pattern,
           cases[i].modifiers, cases[i].matched ? "matches" : "does not match");
        tcore_pattern_free(pattern);
    }
    tcore_matcher_free(matcher);
}

static void test_wrong(void)
{
    static const struct {
        const char *pattern;
        unsigned byte;
    } wrong[] = {{"(", 2}, {"a)", 2},  {"[a", 3},    {"a{2,1}", 6},
                 {"*", 1}, {"\\C", 3}, {"(?<n>a", 7}};
    struct tcore_error err;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct tcore_pattern *pattern = NULL;
        int status = (int)tcore_pattern_compile(&pattern, wrong[i].pattern,
                                                strlen(wrong[i].pattern), 0, &err);
        ok(status == TCORE_BAD_INPUT && !pattern, "/%s/ is wrong: %s", wrong[i].pattern, err.text);
        is_int(err.byte, wrong[i].byte, "at its place");
    }
    unsigned flags;
    is_int(tcore_text_flags_parse("iz", 2, &flags, &err), TCORE_BAD_INPUT, "no such modifier");
    is_int(err.byte, 2, "the second");
    is_int(tcore_text_flags_parse("i\0", 2, &flags, &err), TCORE_BAD_INPUT, "nor a NUL");
}

static void test_groups(void)
{
    struct tcore_error err;
    struct tcore_matcher *matcher;
    struct tcore_pattern *pattern;
    size_t spans[8];
    bool matched;
    tcore_matcher_new(&matcher, &err);
    tcore_pattern_compile(&pattern, "(a+)(x)?(b)", 11, 0, &err);
    is_int(tcore_pattern_groups(pattern), 3, "three groups");
    tcore_pattern_match(pattern, matcher, "--aab--", 7, 0, &matched, spans, &err);
    ok(matched && spans[0] == 2 && spans[1] == 5 && spans[2] == 2 && spans[3] == 4 &&
           spans[4] == SIZE_MAX && spans[6] == 4 && spans[7] == 5,
       "where they are");
    tcore_pattern_match(pattern, matcher, "abab", 4, 1, &matched, spans, &err);
    ok(matched && spans[0] == 2, "from an offset on");
    tcore_pattern_free(pattern);
    tcore_pattern_compile(&pattern, "ab", 2, TCORE_TEXT_ANCHORED, &err);
    tcore_pattern_match(pattern, matcher, "ab", 2, 0, &matched, NULL, &err);
    ok(matched, "the whole subject");
    tcore_pattern_match(pattern, matcher, "abc", 3, 0, &matched, NULL, &err);
    ok(!matched, "not the whole subject");
    tcore_pattern_free(pattern);
    tcore_pattern_compile(&pattern, "^b$", 3, TCORE_TEXT_MULTILINE, &err);
    tcore_pattern_match(pattern, matcher, "a\nb\nc", 5, 0, &matched, NULL, &err);
    ok(matched, "a line of several");
    tcore_pattern_free(pattern);
    tcore_matcher_free(matcher);
}

static void replace(const char *regex, const char *subject, const char *replacement,
                    const char *wanted, size_t times)
{
    struct tcore_error err = {0};
    struct tcore_matcher *matcher;
    struct tcore_pattern *pattern;
    struct tcore_buf out = {0};
    size_t count = 0;
    tcore_matcher_new(&matcher, &err);
    tcore_pattern_compile(&pattern, regex, strlen(regex), 0, &err);
    tcore_buf_puts(&out, "> ");
    int status = (int)tcore_pattern_replace(pattern, matcher, subject, strlen(subject), replacement,
                                            strlen(replacement), &out, &count, &err);
    ok(status == TCORE_OK && count == times, "%zu replaced %s", count, err.text);
    is_mem(out.data + 2, out.length - 2, wanted, strlen(wanted), "to %.40s", wanted);
    tcore_buf_free(&out);
    tcore_pattern_free(pattern);
    tcore_matcher_free(matcher);
}

static void test_replace(void)
{
    replace("(?i)(token|password)=[^& ]+", "a?Token=x&b=1&password=yy z", "$1=***",
            "a?Token=***&b=1&password=*** z", 2);
    replace("a", "bcd", "x", "bcd", 0);
    replace("", "ab", "-", "-a-b-", 3);
    replace("(?<n>b)|a", "ab", "[${n}$$]", "[$][b$]", 2);
    char subject[3001], wanted[30001];
    memset(subject, 'a', 3000);
    subject[3000] = '\0';
    for (size_t i = 0; i < 30000; i++)
        wanted[i] = "0123456789"[i % 10];
    wanted[30000] = '\0';
    replace("a", subject, "0123456789", wanted, 3000);

    struct tcore_error err;
    struct tcore_matcher *matcher;
    struct tcore_pattern *pattern;
    struct tcore_buf out = {0};
    tcore_matcher_new(&matcher, &err);
    tcore_pattern_compile(&pattern, "a", 1, 0, &err);
    is_int(tcore_pattern_replace(pattern, matcher, "a", 1, "$9", 2, &out, NULL, &err),
           TCORE_BAD_INPUT, "a group that the pattern has not: %s", err.text);
    is_int(out.length, 0, "nothing appended");
    tcore_buf_free(&out);
    tcore_pattern_free(pattern);
    tcore_matcher_free(matcher);
}

/* Catastrophic patterns end with an error, soon. */
static void test_limit(void)
{
    static const char *const patterns[] = {"(a+)+$", "(a|aa)+$", "(a*)*b", "(?:(?:a?){20}a{20})*$",
                                           "^(([a-z])+.)+[A-Z]([a-z])+$"};
    static const char subject[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!";
    struct tcore_error err;
    struct tcore_matcher *matcher;
    tcore_matcher_new(&matcher, &err);
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        struct tcore_pattern *pattern;
        bool matched = true;
        tcore_pattern_compile(&pattern, patterns[i], strlen(patterns[i]), 0, &err);
        int64_t begin = tcore_sys()->monotonic_ns();
        int status = (int)tcore_pattern_match(pattern, matcher, subject, sizeof subject - 1, 0,
                                              &matched, NULL, &err);
        int64_t took = tcore_sys()->monotonic_ns() - begin;
        ok((status == TCORE_SKIP || status == TCORE_OK) && !matched, "/%s/ ends: %s (%.1f ms)",
           patterns[i], status == TCORE_SKIP ? err.text : "no match", (double)took / 1e6);
        if (i == 0)
            is_str(err.text, "the pattern needs too much work", "it says why");
        struct tcore_buf out = {0};
        tcore_pattern_replace(pattern, matcher, subject, sizeof subject - 1, "x", 1, &out, NULL,
                              &err);
        tcore_buf_free(&out);
        tcore_pattern_free(pattern);
    }
    tcore_matcher_free(matcher);
}

static void test_cache(void)
{
    struct tcore_error err;
    struct tcore_pattern_cache *cache;
    const struct tcore_pattern *a, *b, *c;
    is_int(tcore_pattern_cache_new(&cache, &err), TCORE_OK, "a cache");
    tcore_pattern_cache_get(cache, &a, "x", 1, 0, &err);
    tcore_pattern_cache_get(cache, &b, "x", 1, TCORE_TEXT_CASELESS, &err);
    tcore_pattern_cache_get(cache, &c, "x", 1, 0, &err);
    ok(a == c && a != b, "the same text and flags are one pattern");
    is_int(tcore_pattern_cache_get(cache, &b, "(", 1, 0, &err), TCORE_BAD_INPUT, "a wrong one");
    for (unsigned i = 0; i < 100; i++) {
        char text[8];
        int length = snprintf(text, sizeof text, "a%u", i);
        tcore_pattern_cache_get(cache, &b, text, (size_t)length, 0, &err);
    }
    tcore_pattern_cache_get(cache, &c, "x", 1, 0, &err);
    ok(a == c, "after many others, too");
    tcore_pattern_cache_free(cache);
}

static void test_memory(void)
{
    unsigned wrong = 0, n = 1;
    for (bool more = true; more; n++) {
        struct tcore_pattern_cache *cache = NULL;
        struct tcore_matcher *matcher = NULL;
        const struct tcore_pattern *pattern;
        struct tcore_buf out = {0};
        bool matched;
        failing_begin(n);
        enum tcore_status status = tcore_pattern_cache_new(&cache, NULL);
        if (status == TCORE_OK)
            status = tcore_pattern_cache_get(cache, &pattern, "a", 1, 0, NULL);
        if (status == TCORE_OK)
            status = tcore_matcher_new(&matcher, NULL);
        if (status == TCORE_OK)
            status = tcore_pattern_match(pattern, matcher,
                                         "\xed\xa0\x80"
                                         "a",
                                         4, 0, &matched, NULL, NULL);
        if (status == TCORE_OK)
            status = tcore_pattern_replace(pattern, matcher, "a", 1, "b", 1, &out, NULL, NULL);
        tcore_buf_free(&out);
        tcore_matcher_free(matcher);
        tcore_pattern_cache_free(cache);
        more = failing_end();
        wrong += status != (more ? TCORE_FATAL : TCORE_OK);
        wrong += failing.live != 0;
    }
    is_int(wrong, 0, "each of %u allocations failed once", n - 2);
}

int main(void)
{
    test_cases();
    test_wrong();
    test_groups();
    test_replace();
    test_limit();
    test_cache();
    test_memory();
    return done_testing();
}
