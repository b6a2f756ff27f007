/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers are shown with three significant digits: a message is for people, the fields of the
 * finding have the exact values. */
#include <config.h>

#include "detect/describe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct scale {
    double size;
    const char *unit;
};

/* Of durations in nanoseconds, ascending. */
static const struct scale durations[] = {{1, "ns"},     {1e3, "us"},   {1e6, "ms"},   {1e9, "s"},
                                         {60e9, "min"}, {3600e9, "h"}, {86400e9, "d"}};

/* The largest in which value is at least 1; seconds reach to 120 and minutes to 120. */
static struct scale scale_of(double value, const char *unit)
{
    struct scale scale = {1, strcmp(unit, "1") == 0 ? "" : unit};

    if (strcmp(unit, "ns") != 0)
        return scale;
    scale = durations[0];
    for (size_t i = 1; i < sizeof durations / sizeof *durations; i++)
        if (fabs(value) >= durations[i].size * (i >= 4 ? 2 : 1))
            scale = durations[i];
    return scale;
}

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

static void put_unit(struct tcore_buf *out, struct scale scale)
{
    if (*scale.unit && *scale.unit != '/' && *scale.unit != '%')
        tcore_buf_putc(out, ' ');
    tcore_buf_puts(out, scale.unit);
}

void describe_value(struct tcore_buf *out, double value, const char *unit)
{
    struct scale scale = scale_of(value, unit);

    put_number(out, value / scale.size);
    put_unit(out, scale);
}

void describe_range(struct tcore_buf *out, double lower, double upper, const char *unit)
{
    struct scale scale = scale_of(upper, unit);

    put_number(out, lower / scale.size);
    if (lower < upper) {
        tcore_buf_puts(out, upper < 0 ? " to " : "-");
        put_number(out, upper / scale.size);
    }
    put_unit(out, scale);
}

void describe_duration(struct tcore_buf *out, int64_t ns)
{
    struct scale scale = scale_of((double)ns, "ns");

    tcore_buf_printf(out, "%.0f %s", floor((double)ns / scale.size), scale.unit);
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
