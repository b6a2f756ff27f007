/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RFC 3339 times and integer nanoseconds, in the proleptic Gregorian calendar, without leap
 * seconds, as Unix time has it. */
#include "model/time.h"
#include "model/number.h"

#include <string.h>

#define NS_PER_S  1000000000
#define S_PER_DAY 86400

/* Days from 1970-01-01. Years are counted from March, so that a leap day is the last of its. */
static int64_t days_from_date(int64_t year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719468;
}

static void date_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097, of_era = days - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t day_of_year = of_era - (365 * y + y / 4 - y / 100);
    int64_t from_march = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * from_march + 2) / 5 + 1);
    *month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    *year = y + era * 400 + (*month <= 2);
}

static char *put_digits(char *to, int64_t value, int count)
{
    for (int i = count - 1; i >= 0; i--, value /= 10)
        to[i] = (char)('0' + value % 10);
    return to + count;
}

size_t tcore_format_time(char *out, int64_t unix_ns)
{
    int64_t ns = unix_ns % NS_PER_S, seconds = unix_ns / NS_PER_S;
    if (ns < 0) {
        ns += NS_PER_S;
        seconds--;
    }
    int64_t of_day = seconds % S_PER_DAY, days = seconds / S_PER_DAY, year;
    if (of_day < 0) {
        of_day += S_PER_DAY;
        days--;
    }
    int month, day;
    date_from_days(days, &year, &month, &day); /* int64 spans 1677 to 2262 */
    char *to = put_digits(out, year, 4);
    *to++ = '-';
    to = put_digits(to, month, 2);
    *to++ = '-';
    to = put_digits(to, day, 2);
    *to++ = 'T';
    to = put_digits(to, of_day / 3600, 2);
    *to++ = ':';
    to = put_digits(to, of_day / 60 % 60, 2);
    *to++ = ':';
    to = put_digits(to, of_day % 60, 2);
    if (ns) {
        *to++ = '.';
        to = put_digits(to, ns, 9);
        while (to[-1] == '0')
            to--;
    }
    *to++ = 'Z';
    *to = '\0';
    return (size_t)(to - out);
}

struct cursor {
    const char *p, *end;
};

static bool take(struct cursor *c, char wanted)
{
    if (c->p == c->end || *c->p != wanted)
        return false;
    c->p++;
    return true;
}

/* Exactly count digits with a value of at most most. */
static bool take_digits(struct cursor *c, int count, int most, int *value)
{
    *value = 0;
    if (c->end - c->p < count)
        return false;
    for (int i = 0; i < count; i++, c->p++) {
        if (*c->p < '0' || *c->p > '9')
            return false;
        *value = *value * 10 + (*c->p - '0');
    }
    return *value <= most;
}

static bool take_fraction(struct cursor *c, int64_t *ns)
{
    int64_t unit = NS_PER_S;
    *ns = 0;
    if (!take(c, '.'))
        return true;
    for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++) {
        unit /= 10;
        if (unit == 0)
            return false;
        *ns += (*c->p - '0') * unit;
    }
    return unit < NS_PER_S;
}

/* Z, +01:00, -0530 or nothing; in seconds east. */
static bool take_offset(struct cursor *c, int64_t *offset)
{
    *offset = 0;
    if (c->p == c->end || take(c, 'Z') || take(c, 'z'))
        return true;
    bool west = take(c, '-');
    int hours, minutes;
    if (!west && !take(c, '+'))
        return false;
    if (!take_digits(c, 2, 23, &hours))
        return false;
    take(c, ':');
    if (!take_digits(c, 2, 59, &minutes))
        return false;
    *offset = hours * 3600 + minutes * 60;
    if (west)
        *offset = -*offset;
    return true;
}

static bool valid_day(int year, int month, int day)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || day < 1)
        return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day <= days[month - 1] + (month == 2 && leap);
}

bool tcore_parse_time(const char *text, size_t length, int64_t *unix_ns)
{
    struct cursor c = {text, text + length};
    int year, month, day, hour = 0, minute = 0, second = 0;
    int64_t ns = 0, offset = 0;
    if (!take_digits(&c, 4, 9999, &year) || !take(&c, '-') || !take_digits(&c, 2, 12, &month) ||
        !take(&c, '-') || !take_digits(&c, 2, 31, &day) || !valid_day(year, month, day))
        return false;
    if (take(&c, 'T') || take(&c, 't') || take(&c, ' ')) {
        /* A leap second, :60, is the first of the next minute, as POSIX counts it. */
        if (!take_digits(&c, 2, 23, &hour) || !take(&c, ':') || !take_digits(&c, 2, 59, &minute) ||
            !take(&c, ':') || !take_digits(&c, 2, 60, &second) || !take_fraction(&c, &ns) ||
            !take_offset(&c, &offset))
            return false;
    }
    if (c.p != c.end)
        return false;
    int64_t seconds =
        days_from_date(year, month, day) * S_PER_DAY + hour * 3600 + minute * 60 + second - offset;
    /* The fraction is added towards zero, so that INT64_MIN's own second does not overflow. */
    if (seconds < 0 && ns) {
        seconds++;
        ns -= NS_PER_S;
    }
    int64_t value;
    if (__builtin_mul_overflow(seconds, (int64_t)NS_PER_S, &value) ||
        __builtin_add_overflow(value, ns, &value))
        return false;
    *unix_ns = value;
    return true;
}
