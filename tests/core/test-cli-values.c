/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The values that options take: what is read as what, and what is refused. */
#include <config.h>

#include "cli/message.h"
#include "cli/options.h"
#include "cli/visible.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>

#define S    INT64_C(1000000000)
#define NOW  (INT64_C(1795433400) * S) /* 2026-11-23T11:30:00Z, a Monday */
#define NONE INT64_MIN

struct int_case {
    const char *text;
    int64_t value; /* NONE: refused */
};

static const struct int_case durations[] = {
    {"0", 0},
    {"0s", 0},
    {"1ns", 1},
    {"7us", 7000},
    {"7\xc2\xb5s", 7000},
    {"250ms", 250000000},
    {"10s", 10 * S},
    {"5m", 300 * S},
    {"2h", 7200 * S},
    {"7d", 7 * 86400 * S},
    {"2w", 14 * 86400 * S},
    {"2y", INT64_C(730) * 86400 * S},
    {"1h30m", 5400 * S},
    {"1d1ns", 86400 * S + 1},
    {"1.5h", 5400 * S},
    {"0.1s", 100000000},
    {".5s", 500000000},
    {"5.s", 5 * S},
    {"0.0000000019s", 1},
    {"9223372036854775807ns", INT64_MAX},
    {"9223372036854775808ns", NONE},
    {"106751d", INT64_C(106751) * 86400 * S},
    {"106752d", NONE},
    {"99999999999999999999999s", NONE},
    {"9223372036s9223372036s", NONE},
    {"", NONE},
    {"10", NONE},
    {"s", NONE},
    {".s", NONE},
    {"-1s", NONE},
    {"+1s", NONE},
    {"1 s", NONE},
    {"1s ", NONE},
    {"1sec", NONE},
    {"1h30", NONE},
    {"1H", NONE},
    {"1e3s", NONE},
    {"0x10s", NONE},
};

static const struct int_case sizes[] = {
    {"0", 0},
    {"123", 123},
    {"64K", 65536},
    {"64k", 65536},
    {"64KiB", 65536},
    {"1M", 1 << 20},
    {"2G", INT64_C(2) << 30},
    {"1T", INT64_C(1) << 40},
    {"1P", INT64_C(1) << 50},
    {"1.5G", INT64_C(3) << 29},
    {"8191P", INT64_C(8191) << 50},
    {"8192P", NONE},
    {"9223372036854775807", INT64_MAX},
    {"9223372036854775808", NONE},
    {"", NONE},
    {"K", NONE},
    {"1.5", NONE},
    {"64KB", NONE},
    {"64B", NONE},
    {"64Ki", NONE},
    {"-1K", NONE},
    {"1K1", NONE},
    {"1 K", NONE},
};

static const struct int_case counts[] = {
    {"0", 0},
    {"8", 8},
    {"007", 7},
    {"9223372036854775807", INT64_MAX},
    {"-1", NONE},
    {"+1", NONE},
    {"", NONE},
    {"9223372036854775808", NONE},
    {"1.0", NONE},
    {"1.", NONE},
    {"1e3", NONE},
    {"one", NONE},
    {"99999999999999999999", NONE},
};

/* TZ=XYZ-1:30, ninety minutes east of Greenwich: the day of NOW began there at 22:30 UTC. */
static const struct int_case times[] = {
    {"now", NOW},
    {"now-1h", NOW - 3600 * S},
    {"now+90s", NOW + 90 * S},
    {"-1h", NOW - 3600 * S},
    {"-1h30m", NOW - 5400 * S},
    {"+2d", NOW + 172800 * S},
    {"-0.5s", NOW - S / 2},
    {"today", INT64_C(1795386600) * S},
    {"today+9h", INT64_C(1795419000) * S},
    {"yesterday", INT64_C(1795300200) * S},
    {"2026-11-23T11:30:00Z", NOW},
    {"2026-11-23T13:00:00+01:30", NOW},
    {"2026-11-23 11:30:00.25Z", NOW + S / 4},
    {"2026-11-23", INT64_C(1795392000) * S},
    {"0", 0},
    {"1795433400", NOW},
    {"1795433400.5", NOW + S / 2},
    {"1795433400000", NOW},
    {"1795433400000000", NOW},
    {"1795433400000000001", NOW + 1},
    {"@1795433400", NOW},
    {"@0.000000001", 1},
    {"-1", -S},
    {"99999999999999999999", NONE},
    {"@99999999999", NONE},
    {"", NONE},
    {"-", NONE},
    {"@", NONE},
    {"nowish", NONE},
    {"now1h", NONE},
    {"today9h", NONE},
    {"tomorrow", NONE},
    {"now-", NONE},
    {"now--1h", NONE},
    {"1e9", NONE},
    {"2026-13-01", NONE},
    {" now", NONE},
};

/* So many in so long. */
static const struct {
    const char *text;
    int64_t count, per_ns;
} rates[] = {
    {"5 per second", 5, S},
    {"1 per minute", 1, 60 * S},
    {"10 per hour", 10, 3600 * S},
    {"7 per day", 7, 86400 * S},
    {"1 per 10m", 1, 600 * S},
    {"1 per 1h30m", 1, 5400 * S},
    {"0 per second", NONE, 0},
    {"1 per 0", NONE, 0},
    {"1 per 0s", NONE, 0},
    {"1.5 per second", NONE, 0},
    {"-1 per second", NONE, 0},
    {"1 per seconds", NONE, 0},
    {"1 per", NONE, 0},
    {"1/s", NONE, 0},
    {" per second", NONE, 0},
    {"1 per second ", NONE, 0},
    {"99999999999999999999999999999999999 per second", NONE, 0},
    {"", NONE, 0},
};

struct double_case {
    const char *text;
    double value; /* NaN: refused */
};

static const struct double_case fractions[] = {
    {"5%", 0.05},  {"0.05", 0.05}, {"100%", 1},    {"-30%", -0.3}, {"1e-3", 0.001}, {".5%", 0.005},
    {"0", 0},      {"", NAN},      {"%", NAN},     {"5%%", NAN},   {"5 %", NAN},    {"nan", NAN},
    {"inf%", NAN}, {"0x10", NAN},  {"1e999", NAN}, {"five", NAN},  {" 5%", NAN},    {"1,5", NAN},
    {"--5%", NAN}, {"1", 1},       {"10", NAN},    {"1.01", NAN},  {"-10", NAN},    {"250%", 2.5},
};

static const struct double_case numbers[] = {
    {"0.95", 0.95}, {"-2", -2},   {"+2", 2},  {"1e6", 1e6},      {"5%", NAN},
    {"", NAN},      {"1_0", NAN}, {"e", NAN}, {"infinity", NAN},
};

typedef bool (*int_parser)(const char *text, int64_t *value, const char **reason);

static bool parse_time_at_now(const char *text, int64_t *value, const char **reason)
{
    return cli_parse_time(text, NOW, value, reason);
}

static void check_ints(const char *name, int_parser parse, const struct int_case *cases,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t value = NONE;
        const char *reason = NULL;
        if (!parse(cases[i].text, &value, &reason)) {
            value = NONE;
            ok(reason && *reason, "%s '%s': a reason is given", name, cases[i].text);
        }
        is_int(value, cases[i].value, "%s '%s'", name, cases[i].text);
    }
}

typedef bool (*double_parser)(const char *text, double *value, const char **reason);

static void check_doubles(const char *name, double_parser parse, const struct double_case *cases,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double value = NAN;
        const char *reason = NULL;
        if (!parse(cases[i].text, &value, &reason))
            value = NAN;
        is_double(value, cases[i].value, "%s '%s'", name, cases[i].text);
    }
}

static void check_rates(void)
{
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        int64_t count = NONE, per_ns = 0;
        const char *reason = NULL;
        bool parsed = cli_parse_rate(rates[i].text, &count, &per_ns, &reason);
        ok(parsed ? count == rates[i].count && per_ns == rates[i].per_ns
                  : rates[i].count == NONE && reason,
           "rate '%s'", rates[i].text);
    }
}

/* Midnights on the days when clocks change in Berlin are not 24 hours apart. */
static void check_midnights(void)
{
    static const struct {
        int64_t now, today, yesterday; /* seconds */
    } cases[] = {
        {1774767600, 1774738800, 1774652400}, /* 2026-03-29 09:00 +02:00: the day began at +01:00 */
        {1774854000, 1774821600, 1774738800}, /* the day after: yesterday had 23 hours */
        {1792998000, 1792969200, 1792879200}, /* 2026-10-26 08:00 +01:00; yesterday had 25 hours */
    };
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = 0;
        const char *reason;
        ok(cli_parse_time("today", cases[i].now * S, &value, &reason), "today is a time");
        is_int(value / S, cases[i].today, "today at %lld", (long long)cases[i].now);
        ok(cli_parse_time("yesterday", cases[i].now * S, &value, &reason), "so is yesterday");
        is_int(value / S, cases[i].yesterday, "yesterday at %lld", (long long)cases[i].now);
    }
}

static void check_nearest(void)
{
    static const char *const names[] = {"where", "window", "slide", "stat", "strict", "by", NULL};
    static const struct {
        const char *text, *nearest;
    } cases[] = {
        {"windw", "window"}, {"wndow", "window"}, {"widnow", "window"}, {"windows", "window"},
        {"were", "where"},   {"stats", "stat"},   {"stirct", "strict"}, {"yb", "by"},
        {"verbose", NULL},   {"x", NULL},         {"", NULL},           {"zzzzzz", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        is_str(cli_nearest(cases[i].text, names), cases[i].nearest, "nearest to '%s'",
               cases[i].text);
}

static void check_visible(void)
{
    static const struct {
        const char *text, *shown, *what;
    } cases[] = {
        {"plain \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "plain \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
         "text in any language stays"},
        {"a\x1b[31mb", "a\\u001b[31mb", "terminal sequences"},
        {"a\nb\tc", "a\nb\\u0009c", "newlines stay, tabs do not"},
        {"\x7f", "\\u007f", "DEL"},
        {"a\xc2\x9b"
         "31m",
         "a\\u009b31m", "C1 controls"},
        {"a\xe2\x80\xae"
         "b",
         "a\\u202eb", "bidirectional overrides"},
        {"\xe2\x80\xa8", "\\u2028", "line separators"},
        {"\xef\xbb\xbfx", "\\ufeffx", "byte-order marks"},
        {"\xf3\xa0\x81\x81", "\\udb40\\udc41", "tag characters"},
        {"\xed\xa0\x80", "\\ud800", "lone surrogates"},
        {"a\xff\xc3", "a\\xff\\xc3", "bytes that are no UTF-8"},
        {"\xc0\xaf", "\\xc0\\xaf", "overlong forms"},
        {"\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80", "beyond Unicode"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcore_buf out = {0};
        cli_visible(&out, cases[i].text, strlen(cases[i].text), true);
        is_mem(out.data, out.length, cases[i].shown, strlen(cases[i].shown), "%s", cases[i].what);
        is_int(cli_is_visible(cases[i].text, strlen(cases[i].text), true),
               strcmp(cases[i].text, cases[i].shown) == 0, "is it visible as it is: %s",
               cases[i].what);
        tcore_buf_free(&out);
    }
    is_int(cli_display_width("ab\xc3\xa4", 4), 3, "width of two-byte characters");
    is_int(cli_display_width("e\xcc\x81", 3), 1, "width of a combining mark");
    is_int(cli_display_width("\xe6\xbc\xa2\xe5\xad\x97", 6), 4, "width of ideographs");
}

#define CHECK(name, parser, table, function)                                                       \
    function(name, parser, table, sizeof(table) / sizeof *(table))

int main(void)
{
    setenv("TZ", "XYZ-1:30", 1);
    CHECK("duration", cli_parse_duration, durations, check_ints);
    CHECK("size", cli_parse_size, sizes, check_ints);
    CHECK("count", cli_parse_count, counts, check_ints);
    CHECK("time", parse_time_at_now, times, check_ints);
    CHECK("fraction", cli_parse_percent, fractions, check_doubles);
    CHECK("number", cli_parse_number, numbers, check_doubles);
    check_rates();
    check_midnights();
    check_nearest();
    check_visible();
    return done_testing();
}
