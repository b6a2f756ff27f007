/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers are shown with three significant digits: a message is for people, the fields of the
 * finding have the exact values. */
#include <config.h>

#include "detect/describe.h"

#include "cli/human.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void put_number(struct tcore_buf *out, double value)
{
    double size = fabs(value);
    char text[64];

    if (size != 0 && (size < 1e-4 || size >= 1e15)) {
        snprintf(text, sizeof text, "%.2e", value);
    } else {
        int digits = size < 100 && size > 0 ? 2 - (int)floor(log10(size)) : 0;

        snprintf(text, sizeof text, "%.*f", digits > 6 ? 6 : digits, value);
        if (strchr(text, '.')) {
            char *end = text + strlen(text);

            while (end[-1] == '0')
                *--end = '\0';
            if (end[-1] == '.')
                end[-1] = '\0';
        }
    }
    tcore_buf_puts(out, text);
}

static bool is_duration(const char *unit)
{
    return strcmp(unit, "ns") == 0;
}

static void put_unit(struct tcore_buf *out, const char *unit)
{
    if (strcmp(unit, "1") == 0)
        return;
    if (*unit && *unit != '/' && *unit != '%')
        tcore_buf_putc(out, ' ');
    tcore_buf_puts(out, unit);
}

void describe_value(struct tcore_buf *out, double value, const char *unit)
{
    if (is_duration(unit)) {
        cli_human_duration(out, value, true);
        return;
    }
    put_number(out, value);
    put_unit(out, unit);
}

void describe_range(struct tcore_buf *out, double lower, double upper, const char *unit)
{
    if (is_duration(unit)) {
        cli_human_durations(out, lower, upper, true);
        return;
    }
    put_number(out, lower);
    if (lower < upper) {
        tcore_buf_puts(out, upper < 0 ? " to " : "-");
        put_number(out, upper);
    }
    put_unit(out, unit);
}

void describe_duration(struct tcore_buf *out, int64_t ns)
{
    static const struct {
        double size;
        const char *unit;
    } units[] = {{1, "ns"},     {1e3, "us"},   {1e6, "ms"},   {1e9, "s"},
                 {60e9, "min"}, {3600e9, "h"}, {86400e9, "d"}};
    size_t unit = 0;

    for (size_t i = 1; i < sizeof units / sizeof *units; i++)
        if ((double)ns >= units[i].size * (i >= 4 ? 2 : 1)) /* up to 120 s, 120 min, 48 h */
            unit = i;
    tcore_buf_printf(out, "%.0f %s", floor((double)ns / units[unit].size), units[unit].unit);
}

double describe_unit_of_time(double seconds, const char **name)
{
    static const struct {
        double seconds;
        const char *name;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    size_t i = 0;

    while (i + 1 < sizeof units / sizeof *units && seconds < 2 * units[i].seconds)
        i++;
    *name = units[i].name;
    return units[i].seconds;
}

void unit_of_series(char *out, size_t size, const char *metric_name, struct tcore_value stated,
                    const char *behind)
{
    size_t length = stated.kind == TCORE_STRING ? stated.len : 0;
    size_t room = size - strlen(behind) - 1;

    if (strcmp(metric_name, "durationNano") == 0) {
        snprintf(out, size, "ns");
        return;
    }
    if (length > room)
        for (length = room; length && ((unsigned char)stated.s[length] & 0xc0) == 0x80;)
            length--;
    snprintf(out, size, "%.*s%s", (int)length, length ? stated.s : "", behind);
}
