/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers and their text, always in the C locale and exact: reading is
 * correctly rounded, printing a double is the shortest text that reads back the same.
 */
#ifndef TRACECORE_MODEL_NUMBER_H
#define TRACECORE_MODEL_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCORE_NUMBER_BYTES 32 /* enough for any int64 or shortest double with its NUL */

/* Decimal digits of i into out (not NUL-terminated); returns how many, at most 20. */
size_t tcore_format_int64(char *out, int64_t i);
/* How many bytes that makes, without making them. */
size_t tcore_int64_length(int64_t i);
/*
 * The shortest decimal that reads back as d, the nearest to d among those, in ECMAScript's form:
 * 0.000001 to 123456789012345680000.0 without an exponent, 1e-7 and 1.5e+300 with one (a sign,
 * no padding, one digit before the point). Other than there an integral value keeps ".0" (1.0,
 * -0.0), so that a double stays a double. NaN, Infinity, -Infinity as those bare words: the
 * caller quotes them. Returns the length (at most 26; no NUL); out has TCORE_NUMBER_BYTES.
 */
size_t tcore_format_double(char *out, double d);
/* All of text as a decimal int64 (optional minus, no plus, no blanks, leading zeros allowed). */
bool tcore_parse_int64(const char *text, size_t length, int64_t *i);
/* All of text as a JSON number, correctly rounded; overflow gives an infinity. */
bool tcore_parse_double(const char *text, size_t length, double *d);

/* All of text as a JSON number whose exact value is integral and in int64: 2.0 and 15e17 are. */
bool tcore_parse_integral(const char *text, size_t length, int64_t *i);

#endif
