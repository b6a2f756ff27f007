/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A unit is chosen after rounding, so that 999.9 µs is 1.00 ms and not 1000 µs. */
#include <config.h>

#include "cli/human.h"

#include "model/time.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Decimals that leave three digits. */
static int decimals_of(double number)
{
    double size = fabs(number);
    return size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
}

static void long_duration(struct tcore_buf *out, double seconds)
{
    static const struct {
        double seconds;
        const char *large, *small;
    } steps[] = {{86400, "d", "h"}, {3600, "h", "min"}, {60, "min", "s"}};
    static const double parts[] = {3600, 60, 1};
    size_t i = seconds >= 86400 ? 0 : seconds >= 3600 ? 1 : 2;
    double large = floor(seconds / steps[i].seconds);
    double small = floor((seconds - large * steps[i].seconds) / parts[i]);
    if (small > 0 && large < 100)
        tcore_buf_printf(out, "%.0f %s %.0f %s", large, steps[i].large, small, steps[i].small);
    else
        tcore_buf_printf(out, "%.0f %s", large, steps[i].large);
}

static const struct {
    double size;
    const char *unit;
} units[] = {{1, "ns"}, {1e3, "µs"}, {1e6, "ms"}, {1e9, "s"}};

/* Of a duration below a minute. */
static size_t unit_of(double nanoseconds)
{
    double size = fabs(nanoseconds);
    return size < 999.5 ? 0 : size < 999.5e3 ? 1 : size < 999.5e6 ? 2 : 3;
}

static bool is_long(double nanoseconds)
{
    return fabs(nanoseconds) >= 59.95e9;
}

static const char *unit_name(size_t unit, bool ascii)
{
    return ascii && unit == 1 ? "us" : units[unit].unit;
}

void cli_human_duration(struct tcore_buf *out, double nanoseconds, bool ascii)
{
    if (!isfinite(nanoseconds)) {
        tcore_buf_puts(out, "-");
        return;
    }
    if (is_long(nanoseconds)) {
        tcore_buf_puts(out, nanoseconds < 0 ? "-" : "");
        long_duration(out, round(fabs(nanoseconds) / 1e9));
        return;
    }
    if (nanoseconds == 0) {
        tcore_buf_puts(out, "0 s");
        return;
    }
    size_t unit = unit_of(nanoseconds);
    double scaled = nanoseconds / units[unit].size;
    int decimals = unit == 0 && scaled == floor(scaled) ? 0 : decimals_of(scaled);
    tcore_buf_printf(out, "%.*f %s", decimals, scaled, unit_name(unit, ascii));
}

void cli_human_durations(struct tcore_buf *out, double lower, double upper, bool ascii)
{
    if (lower < upper && upper > 0 && lower >= 0 && !is_long(upper)) {
        size_t unit = unit_of(upper);
        cli_human_number(out, lower / units[unit].size);
        tcore_buf_putc(out, '-');
        cli_human_number(out, upper / units[unit].size);
        tcore_buf_printf(out, " %s", unit_name(unit, ascii));
        return;
    }
    cli_human_duration(out, lower, ascii);
    if (lower < upper) {
        tcore_buf_puts(out, " to ");
        cli_human_duration(out, upper, ascii);
    }
}

/* Digits with a comma after each three. */
static void grouped(struct tcore_buf *out, const char *digits)
{
    size_t length = strlen(digits);
    for (size_t i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            tcore_buf_putc(out, ',');
        tcore_buf_putc(out, digits[i]);
    }
}

void cli_human_count(struct tcore_buf *out, uint64_t count)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, count);
    grouped(out, digits);
}

void cli_human_number(struct tcore_buf *out, double number)
{
    double size = fabs(number);
    if (!isfinite(number)) {
        tcore_buf_puts(out, isnan(number) ? "-" : number > 0 ? "infinite" : "-infinite");
    } else if (number != 0 && (size < 1e-3 || size >= 1e15)) {
        tcore_buf_printf(out, "%.2e", number);
    } else if (size < 999.5) {
        int decimals = number == floor(number) ? 0 : size < 0.9995 ? 3 : decimals_of(number);
        tcore_buf_printf(out, "%.*f", decimals, number);
    } else {
        char digits[32];
        snprintf(digits, sizeof digits, "%.0f", size);
        tcore_buf_puts(out, number < 0 ? "-" : "");
        grouped(out, digits);
    }
}

void cli_human_share(struct tcore_buf *out, double fraction)
{
    double percent = 100 * fraction;
    if (!isfinite(percent))
        tcore_buf_puts(out, "-");
    else if (percent != 0 && fabs(percent) < 0.005)
        tcore_buf_puts(out, percent < 0 ? "> -0.01 %" : "< 0.01 %");
    else
        tcore_buf_printf(out, "%.*f %%", percent == floor(percent) ? 0 : decimals_of(percent),
                         percent);
}

void cli_human_time(struct tcore_buf *out, int64_t time_ns, int64_t range_ns)
{
    int64_t step = range_ns >= 60000000000 ? 1000000000 : range_ns >= 60000000 ? 1000000 : 1;
    int64_t rest = time_ns % step;
    char text[TCORE_TIME_BYTES];
    size_t length = tcore_format_time(text, time_ns - (rest < 0 ? rest + step : rest));
    tcore_buf_append(out, text, length);
}
