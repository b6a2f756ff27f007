/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The values that options take: durations, sizes, points in time, fractions. Decimals are scaled in
 * 128 bits, so that 0.1s is 100,000,000 ns exactly; what does not fit is refused, never wrapped.
 */
#include <config.h>

#include "cli/options.h"
#include "model/time.h"

#include "c-ctype.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_SECOND INT64_C(1000000000)

static bool fail(const char **reason, const char *text)
{
    *reason = text;
    return false;
}

/* A decimal without sign or exponent, as found in text: 1, 1.5, .5 */
struct decimal {
    uint64_t whole;
    uint64_t fraction; /* of fraction_unit */
    uint64_t fraction_unit;
    bool overflow;
};

/* Reads one; returns where it ends, or NULL if there is no digit. Digits behind the 18th of the
 * fraction are below what any unit here can show. */
static const char *read_decimal(const char *at, struct decimal *d)
{
    const char *start = at;
    *d = (struct decimal){.fraction_unit = 1};
    for (; c_isdigit(*at); at++) {
        if (__builtin_mul_overflow(d->whole, 10, &d->whole) ||
            __builtin_add_overflow(d->whole, (uint64_t)(*at - '0'), &d->whole))
            d->overflow = true;
    }
    size_t digits = (size_t)(at - start);
    if (*at == '.') {
        for (at++; c_isdigit(*at); at++, digits++) {
            if (d->fraction_unit < UINT64_C(1000000000000000000)) {
                d->fraction = d->fraction * 10 + (uint64_t)(*at - '0');
                d->fraction_unit *= 10;
            }
        }
    }
    return digits ? at : NULL;
}

/* sum += d * scale; false if that is beyond int64. */
static bool add_scaled(int64_t *sum, const struct decimal *d, int64_t scale)
{
    unsigned __int128 part = (unsigned __int128)d->fraction * (uint64_t)scale / d->fraction_unit;
    unsigned __int128 total = (unsigned __int128)d->whole * (uint64_t)scale + part;
    return !d->overflow && total <= INT64_MAX && !__builtin_add_overflow(*sum, (int64_t)total, sum);
}

struct unit {
    const char *name;
    int64_t scale;
};

/* The unit that text starts with; the table has longer names before their prefixes. */
static const struct unit *find_unit(const struct unit *units, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strncmp(text, units[i].name, strlen(units[i].name)) == 0)
            return &units[i];
    return NULL;
}

bool cli_parse_duration(const char *text, int64_t *ns, const char **reason)
{
    static const struct unit units[] = {
        {"ns", 1},
        {"us", 1000},
        {"\xc2\xb5s", 1000}, /* micro sign */
        {"ms", 1000000},
        {"s", NS_PER_SECOND},
        {"m", 60 * NS_PER_SECOND},
        {"h", 3600 * NS_PER_SECOND},
        {"d", 86400 * NS_PER_SECOND},
        {"w", 7 * 86400 * NS_PER_SECOND},
        {"y", 365 * 86400 * NS_PER_SECOND},
    };
    static const char none[] = "is not a duration (250ms 10s 5m 2h 7d)";
    int64_t sum = 0;
    if (strcmp(text, "0") == 0) {
        *ns = 0;
        return true;
    }
    do {
        struct decimal d;
        const char *at = read_decimal(text, &d);
        const struct unit *unit = at ? find_unit(units, sizeof units / sizeof *units, at) : NULL;
        if (!unit)
            return fail(reason, none);
        if (!add_scaled(&sum, &d, unit->scale))
            return fail(reason, "is too long a duration (at most 292 years)");
        text = at + strlen(unit->name);
    } while (*text);
    *ns = sum;
    return true;
}

bool cli_parse_size(const char *text, int64_t *bytes, const char **reason)
{
    static const struct unit units[] = {
        {"K", INT64_C(1) << 10}, {"k", INT64_C(1) << 10}, {"M", INT64_C(1) << 20},
        {"G", INT64_C(1) << 30}, {"T", INT64_C(1) << 40}, {"P", INT64_C(1) << 50},
    };
    static const char none[] = "is not a size (64K 1M 2G)";
    int64_t sum = 0;
    struct decimal d;
    const char *at = read_decimal(text, &d);
    if (!at)
        return fail(reason, none);
    const struct unit *unit = find_unit(units, sizeof units / sizeof *units, at);
    if (unit) {
        at += 1;
        if (strcmp(at, "iB") == 0)
            at += 2;
    }
    if (*at || (!unit && d.fraction))
        return fail(reason, none);
    if (!add_scaled(&sum, &d, unit ? unit->scale : 1))
        return fail(reason, "is too large a size");
    *bytes = sum;
    return true;
}

bool cli_parse_rate(const char *text, int64_t *count, int64_t *per_ns, const char **reason)
{
    static const struct unit words[] = {
        {"second", NS_PER_SECOND},
        {"minute", 60 * NS_PER_SECOND},
        {"hour", 3600 * NS_PER_SECOND},
        {"day", 86400 * NS_PER_SECOND},
    };
    static const char none[] = "is not a rate (5 per second, 1 per 10m)";
    const char *per = strstr(text, " per "), *unused;
    char number[32];
    if (!per || per - text >= (int)sizeof number)
        return fail(reason, none);
    memcpy(number, text, (size_t)(per - text));
    number[per - text] = '\0';
    if (!cli_parse_count(number, count, &unused) || !*count)
        return fail(reason, none);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(per + 5, words[i].name) == 0) {
            *per_ns = words[i].scale;
            return true;
        }
    if (!cli_parse_duration(per + 5, per_ns, &unused) || !*per_ns)
        return fail(reason, none);
    return true;
}

/* Midnight, local time (TZ), of the day of now, so many days earlier. */
static bool local_midnight(int64_t now_ns, int days_ago, int64_t *unix_ns)
{
    time_t now = (time_t)(now_ns / NS_PER_SECOND - (now_ns % NS_PER_SECOND < 0));
    struct tm day;
    tzset();
    if (!localtime_r(&now, &day))
        return false;
    day.tm_hour = day.tm_min = day.tm_sec = 0;
    day.tm_mday -= days_ago;
    day.tm_isdst = -1;
    time_t midnight = mktime(&day);
    return !__builtin_mul_overflow((int64_t)midnight, NS_PER_SECOND, unix_ns);
}

/* now, today, yesterday or nothing, then +DUR or -DUR or nothing. */
static bool relative_time(const char *text, int64_t now_ns, int64_t *unix_ns)
{
    static const struct {
        const char *name;
        int days_ago; /* -1: now */
    } anchors[] = {{"now", -1}, {"today", 0}, {"yesterday", 1}};
    int64_t base = now_ns;
    const char *at = text;
    for (size_t i = 0; i < sizeof anchors / sizeof *anchors; i++) {
        size_t length = strlen(anchors[i].name);
        if (strncmp(text, anchors[i].name, length) != 0)
            continue;
        at = text + length;
        if (anchors[i].days_ago >= 0 && !local_midnight(now_ns, anchors[i].days_ago, &base))
            return false;
        break;
    }
    int64_t distance = 0;
    const char *unused;
    if (*at == '+' || *at == '-') {
        if (!cli_parse_duration(at + 1, &distance, &unused))
            return false;
        if (*at == '-')
            distance = -distance;
    } else if (*at || at == text) {
        return false;
    }
    return !__builtin_add_overflow(base, distance, unix_ns);
}

/* Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by size: up to 11
 * digits are seconds (to the year 5138), up to 14, 17 and 20 the smaller units. @ says seconds. */
static bool epoch_time(const char *text, int64_t *unix_ns)
{
    bool seconds = *text == '@';
    text += seconds;
    bool negative = *text == '-';
    text += negative;
    struct decimal d;
    const char *end = read_decimal(text, &d);
    if (!end || *end || d.overflow)
        return false;
    int64_t scale = 1;
    if (seconds || d.whole < UINT64_C(100000000000))
        scale = NS_PER_SECOND;
    else if (d.whole < UINT64_C(100000000000000))
        scale = 1000000;
    else if (d.whole < UINT64_C(100000000000000000))
        scale = 1000;
    int64_t sum = 0;
    if (!add_scaled(&sum, &d, scale))
        return false;
    *unix_ns = negative ? -sum : sum;
    return true;
}

bool cli_parse_time(const char *text, int64_t now_ns, int64_t *unix_ns, const char **reason)
{
    if (tcore_parse_time(text, strlen(text), unix_ns) || relative_time(text, now_ns, unix_ns) ||
        epoch_time(text, unix_ns))
        return true;
    return fail(reason, "is not a time (2026-11-23T10:00:00Z, epoch, now, -1h, today)");
}

/* A plain decimal number with optional sign and exponent, all of text before end; no hexadecimal,
 * no infinity. Programs never leave the C locale, so strtod reads a point. */
static bool parse_number(const char *text, const char *end, double *number)
{
    if (text == end)
        return false;
    for (const char *at = text; at < end; at++)
        if (!c_isdigit(*at) && !strchr("+-.eE", *at))
            return false;
    char *stop;
    double d = strtod(text, &stop);
    *number = d;
    return stop == end && isfinite(d);
}

bool cli_parse_percent(const char *text, double *fraction, const char **reason)
{
    size_t length = strlen(text);
    bool percent = length && text[length - 1] == '%';
    double number;
    if (!parse_number(text, text + length - percent, &number))
        return fail(reason, "is not a fraction (5% or 0.05)");
    if (!percent && fabs(number) > 1)
        return fail(reason, "is above 1: for ten percent write 10%, or 0.1");
    *fraction = percent ? number / 100 : number;
    return true;
}

bool cli_parse_number(const char *text, double *number, const char **reason)
{
    if (!parse_number(text, text + strlen(text), number))
        return fail(reason, "is not a number");
    return true;
}

bool cli_parse_count(const char *text, int64_t *count, const char **reason)
{
    struct decimal d;
    const char *end = read_decimal(text, &d);
    if (!end || *end || strchr(text, '.'))
        return fail(reason, "is not a whole number (0 or more)");
    if (d.overflow || d.whole > INT64_MAX)
        return fail(reason, "is too large");
    *count = (int64_t)d.whole;
    return true;
}
