/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/metric/point.h"

#include "model/number.h"

static void put(struct tcore_buf *out, const struct metric_series *series, const char *dimensions,
                const struct metric_moment *moment, const char *value, size_t length)
{
    tcore_buf_printf(out,
                     "{\"type\":\"metric\",\"metricName\":\"%s\",\"metricType\":\"%s\",\"value\":",
                     series->name, series->counter ? "counter" : "gauge");
    tcore_buf_append(out, value, length);
    tcore_buf_printf(out, ",\"unit\":\"%s\",\"timeUnixNano\":\"%lld\"", series->unit,
                     (long long)moment->time_ns);
    if (*dimensions) {
        tcore_buf_puts(out, ",\"dimensions\":{");
        tcore_buf_puts(out, dimensions);
        tcore_buf_putc(out, '}');
    }
    tcore_buf_puts(out, moment->context);
    tcore_buf_puts(out, series->counter ? ",\"temporality\":\"cumulative\"" : "");
    tcore_buf_puts(out, moment->common);
    if (series->counter)
        tcore_buf_printf(out, ",\"isMonotonic\":true,\"startTimeUnixNano\":\"%lld\"",
                         (long long)moment->start_ns);
    tcore_buf_puts(out, "}\n");
}

void metric_point_int(struct tcore_buf *out, const struct metric_series *series,
                      const char *dimensions, const struct metric_moment *moment, int64_t value)
{
    char text[TCORE_NUMBER_BYTES];
    put(out, series, dimensions, moment, text, tcore_format_int64(text, value));
}

void metric_point_double(struct tcore_buf *out, const struct metric_series *series,
                         const char *dimensions, const struct metric_moment *moment, double value)
{
    char text[TCORE_NUMBER_BYTES];
    put(out, series, dimensions, moment, text, tcore_format_double(text, value));
}
