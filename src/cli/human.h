/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Quantities as people read them: three digits that matter, a unit, always in the C locale. */
#ifndef CLI_HUMAN_H
#define CLI_HUMAN_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* "0 s", "830 ns", "4.21 µs" (ascii: us), "12.3 ms", "1.50 s", "2 min 5 s", "3 h 20 min", "5 d". */
void cli_human_duration(struct tcore_buf *out, double nanoseconds, bool ascii);
/* "120-140 ms", or "59.0 s to 2 min" where they are not of one unit; one if they are equal. */
void cli_human_durations(struct tcore_buf *out, double lower, double upper, bool ascii);
/* 1234567 as "1,234,567". */
void cli_human_count(struct tcore_buf *out, uint64_t count);
/* 0.0123 as "1.23", 12345.6 as "12,346", 0.5 as "0.500". */
void cli_human_number(struct tcore_buf *out, double number);
/* A fraction as a percentage: "0 %", "0.52 %", "12.3 %", "100 %". */
void cli_human_share(struct tcore_buf *out, double fraction);
/* RFC 3339 without the digits of a second that a range of range_ns does not need. */
void cli_human_time(struct tcore_buf *out, int64_t time_ns, int64_t range_ns);

#endif
