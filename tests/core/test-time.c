/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RFC 3339 and nanoseconds: tables at the edges of the calendar, and a walk through all of int64.
 */
#include "model/time.h"
#include "tap.h"

#include <time.h>

static void test_both_ways(void)
{
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {{0, "1970-01-01T00:00:00Z"},
                 {1, "1970-01-01T00:00:00.000000001Z"},
                 {-1, "1969-12-31T23:59:59.999999999Z"},
                 {1544712660000000000, "2018-12-13T14:51:00Z"},
                 {1544712660123456789, "2018-12-13T14:51:00.123456789Z"},
                 {1544712660100000000, "2018-12-13T14:51:00.1Z"},
                 {951782400000000000, "2000-02-29T00:00:00Z"},
                 {951868799000000000, "2000-02-29T23:59:59Z"},
                 {951868800000000000, "2000-03-01T00:00:00Z"},
                 {4107542399000000000, "2100-02-28T23:59:59Z"},
                 {4107542400000000000, "2100-03-01T00:00:00Z"},
                 {-2203891200000000000, "1900-03-01T00:00:00Z"},
                 {INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
                 {INT64_MIN, "1677-09-21T00:12:43.145224192Z"}};
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        char text[TCORE_TIME_BYTES];
        int64_t ns = 0;
        is_int(tcore_format_time(text, cases[n].ns), strlen(cases[n].text), "length");
        is_str(text, cases[n].text, "%" PRId64, cases[n].ns);
        ok(tcore_parse_time(text, strlen(text), &ns), "reads %s", cases[n].text);
        is_int(ns, cases[n].ns, "the same");
    }
}

static void test_read(void)
{
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {{"2018-12-13t14:51:00z", 1544712660000000000},
                 {"2018-12-13 14:51:00Z", 1544712660000000000},
                 {"2018-12-13T14:51:00", 1544712660000000000},
                 {"2018-12-13T15:51:00+01:00", 1544712660000000000},
                 {"2018-12-13T09:21:00-0530", 1544712660000000000},
                 {"2018-12-14T14:50:00+23:59", 1544712660000000000},
                 {"2018-12-13T14:51:00-00:00", 1544712660000000000},
                 {"2018-12-13", 1544659200000000000},
                 {"1970-01-01T00:00:00.5+00:00", 500000000},
                 {"1969-12-31T23:59:59.5Z", -500000000},
                 {"2016-12-31T23:59:60Z", 1483228800000000000},
                 {"2018-12-13T14:51:00.000000001", 1544712660000000001}};
    static const char *const bad[] = {
        "",
        "2018",
        "2018-12",
        "2018-13-01",
        "2018-00-01",
        "2018-01-00",
        "2018-01-32",
        "2018-02-29",
        "1900-02-29",
        "2018-04-31",
        "18-12-13",
        "2018-12-13T",
        "2018-12-13T14",
        "2018-12-13T14:51",
        "2018-12-13T24:00:00Z",
        "2018-12-13T14:60:00Z",
        "2018-12-13T14:51:61Z",
        "2018-12-13T14:51:00.Z",
        "2018-12-13T14:51:00.1234567890Z",
        "2018-12-13T14:51:00+24:00",
        "2018-12-13T14:51:00+01:60",
        "2018-12-13T14:51:00+1",
        "2018-12-13T14:51:00Zx",
        "2018-12-13T14:51:00 Z",
        " 2018-12-13",
        "2018/12/13",
        "-018-12-13",
        "2262-04-11T23:47:16.854775808Z",
        "1677-09-21T00:12:43.145224191Z",
        "9999-12-31T23:59:59Z",
        "0000-01-01T00:00:00Z",
        "1544712660000000000",
    };
    int64_t ns;
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        ns = 0;
        ok(tcore_parse_time(cases[n].text, strlen(cases[n].text), &ns), "reads %s", cases[n].text);
        is_int(ns, cases[n].ns, "its value");
    }
    for (size_t n = 0; n < sizeof bad / sizeof *bad; n++)
        ok(!tcore_parse_time(bad[n], strlen(bad[n]), &ns), "no time: \"%s\"", bad[n]);
}

/* Against the C library's calendar, at steps that meet every month and time of day. */
static void test_walk(void)
{
    int wrong = 0, steps = 0;
    for (int64_t s = INT64_MIN / 1000000000; s < INT64_MAX / 1000000000 - 900000; s += 876543) {
        char got[TCORE_TIME_BYTES], wanted[64];
        time_t t = (time_t)s;
        struct tm tm;
        int64_t back;
        gmtime_r(&t, &tm);
        strftime(wanted, sizeof wanted, "%Y-%m-%dT%H:%M:%SZ", &tm);
        tcore_format_time(got, s * 1000000000);
        wrong += strcmp(got, wanted) != 0 || !tcore_parse_time(got, strlen(got), &back) ||
                 back != s * 1000000000;
        steps++;
    }
    is_int(wrong, 0, "%d times between 1677 and 2262 agree with the C library", steps);
}

int main(void)
{
    test_both_ways();
    test_read();
    test_walk();
    return done_testing();
}
