/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Points in time: int64 nanoseconds since 1970-01-01T00:00:00Z, and their RFC 3339 text. */
#ifndef TRACECORE_MODEL_TIME_H
#define TRACECORE_MODEL_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCORE_TIME_BYTES 40

/* "2026-11-23T10:00:00.123456789Z", the fraction without trailing zeros and left out when zero.
 * Returns the length; out has TCORE_TIME_BYTES and is NUL-terminated. */
size_t tcore_format_time(char *out, int64_t unix_ns);
/* RFC 3339 with Z or an offset, up to nine digits of fraction, T or a blank between date and time,
 * time and offset optional (then midnight, UTC). False if it is no such time or beyond int64. */
bool tcore_parse_time(const char *text, size_t length, int64_t *unix_ns);

#endif
