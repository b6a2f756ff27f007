/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What readers of JSON have in common, on text with an end and on text with a newline behind it:
 * what stands behind either is never read, which the sanitizers watch. */
#include "model/json_text.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

/* A copy of its own size, with a newline behind it if it is read without an end. */
static char *copy_of(const char *text, bool bounded)
{
    size_t length = strlen(text);
    char *copy = malloc(length + !bounded + (length + !bounded == 0));
    memcpy(copy, text, length);
    if (!bounded)
        copy[length] = '\n';
    return copy;
}

static void test_utf8(bool bounded)
{
    static const struct {
        const char *text;
        unsigned length;
    } cases[] = {{"\xc2\x80", 2},
                 {"\xdf\xbf", 2},
                 {"\xe0\xa0\x80", 3},
                 {"\xed\x9f\xbf", 3},
                 {"\xef\xbf\xbf", 3},
                 {"\xf0\x90\x80\x80", 4},
                 {"\xf4\x8f\xbf\xbf", 4},
                 {"\x80", 0},
                 {"\xc1\xbf", 0},
                 {"\xe0\x9f\xbf", 0},
                 {"\xed\xa0\x80", 0},
                 {"\xf0\x8f\xbf\xbf", 0},
                 {"\xf4\x90\x80\x80", 0},
                 {"\xf5\x80\x80\x80", 0},
                 {"\xff", 0},
                 {"\xc3", 0},
                 {"\xe2\x82", 0},
                 {"\xf0\x9f\x98", 0},
                 {"\xf0\x9f", 0},
                 {"\xe2\x28\xa1", 0},
                 {"\xf0\x9f\x98\x41", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = copy_of(cases[i].text, bounded);
        const char *end = bounded ? text + strlen(cases[i].text) : NULL;
        ok(tcore_json_utf8_length(text, end) == cases[i].length, "UTF-8, case %zu", i);
        free(text);
    }
}

static void test_escapes(bool bounded)
{
    static const struct {
        const char *text;
        unsigned length, good;
    } cases[] = {{"\\n", 2, 1},     {"\\\"", 2, 1},    {"\\/x", 2, 1},  {"\\u00e9", 6, 6},
                 {"\\uABcd", 6, 6}, {"\\", 0, 1},      {"\\x", 0, 1},   {"\\u", 0, 2},
                 {"\\u0", 0, 3},    {"\\u00g0", 0, 4}, {"\\u123", 0, 5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = copy_of(cases[i].text, bounded);
        const char *end = bounded ? text + strlen(cases[i].text) : NULL;
        unsigned good, length = tcore_json_escape_length(text, end, &good);
        ok(length == cases[i].length && good == cases[i].good, "escape %s", cases[i].text);
        free(text);
    }
}

static void test_numbers(bool bounded)
{
    static const struct {
        const char *text;
        size_t at;
        enum tcore_json_number what;
    } cases[] = {{"0", 1, TCORE_JSON_NUMBER},         {"-0", 2, TCORE_JSON_NUMBER},
                 {"120,", 3, TCORE_JSON_NUMBER},      {"-1.50e+07]", 9, TCORE_JSON_NUMBER},
                 {"1E5", 3, TCORE_JSON_NUMBER},       {"1x", 1, TCORE_JSON_NUMBER},
                 {"", 0, TCORE_JSON_NO_DIGIT},        {"-", 1, TCORE_JSON_NO_DIGIT},
                 {"-.5", 1, TCORE_JSON_NO_DIGIT},     {"012", 1, TCORE_JSON_LEADING_ZERO},
                 {"-00", 2, TCORE_JSON_LEADING_ZERO}, {"1.", 2, TCORE_JSON_NO_FRACTION},
                 {"1.e5", 2, TCORE_JSON_NO_FRACTION}, {"1e", 2, TCORE_JSON_NO_EXPONENT},
                 {"1.5e-", 5, TCORE_JSON_NO_EXPONENT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = copy_of(cases[i].text, bounded);
        const char *end = bounded ? text + strlen(cases[i].text) : NULL;
        enum tcore_json_number what;
        ok(tcore_json_number_end(text, end, &what) == text + cases[i].at && what == cases[i].what,
           "number '%s'", cases[i].text);
        free(text);
    }
}

static void test_unescape(void)
{
    static const char text[] = "a\\n\\u00e9\\ud83d\\ude00\\ud800\\u0041\\/";
    static const char meant[] = "a\n\xc3\xa9\xf0\x9f\x98\x80\xed\xa0\x80"
                                "A/";
    char out[sizeof text];
    size_t length = tcore_json_unescape(text, text + strlen(text), out);
    ok(length == strlen(meant) && memcmp(out, meant, length) == 0, "a string is decoded");
}

int main(void)
{
    for (int bounded = 0; bounded < 2; bounded++) {
        test_utf8(bounded);
        test_escapes(bounded);
        test_numbers(bounded);
    }
    test_unescape();
    return done_testing();
}
