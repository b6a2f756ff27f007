/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values as people read them, for messages: "123 ms", "1.2-1.4 s", "12.5 By", "2 h". */
#ifndef DETECT_DESCRIBE_H
#define DETECT_DESCRIBE_H

#include "base/buf.h"
#include "model/value.h"

/* unit: "ns" for durations (shown as cli/human.h does), "1" or "" for a plain number, anything
 * else is put behind the number. */
void describe_value(struct tcore_buf *out, double value, const char *unit);
/* Two values as a range in one scale. */
void describe_range(struct tcore_buf *out, double lower, double upper, const char *unit);
/* The unit of a metric as its records state it (no string: none), with something behind it; that of
 * durationNano is ns. Cut at a character where it is too long. */
void unit_of_series(char *out, size_t size, const char *metric_name, struct tcore_value stated,
                    const char *behind);
/* A span of time, rounded to its largest unit. */
void describe_duration(struct tcore_buf *out, int64_t ns);
/* The unit of time for a rate of something that took so long: seconds of "second", "minute", "hour"
 * or "day", of which there are at least two. */
double describe_unit_of_time(double seconds, const char **name);

#endif
