/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Test Anything Protocol for the C tests. Each check prints one line and returns whether it held,
 * with what was got and wanted on failure; main ends with `return done_testing();`.
 */
#ifndef TRACECORE_TESTS_CORE_TAP_H
#define TRACECORE_TESTS_CORE_TAP_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    unsigned run, failed;
} tap_count;

__attribute__((format(printf, 4, 0))) static inline bool
tap_result(bool held, const char *file, int line, const char *format, va_list args)
{
    tap_count.run++;
    printf("%s %u - ", held ? "ok" : "not ok", tap_count.run);
    vprintf(format, args);
    putchar('\n');
    if (!held) {
        tap_count.failed++;
        printf("# failed at %s:%d\n", file, line);
    }
    fflush(stdout); /* what was printed survives a crash */
    return held;
}

__attribute__((format(printf, 4, 5))) static inline bool tap_ok(bool held, const char *file,
                                                                int line, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tap_result(held, file, line, format, args);
    va_end(args);
    return held;
}

__attribute__((format(printf, 5, 6))) static inline bool
tap_is_int(int64_t got, int64_t wanted, const char *file, int line, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tap_result(got == wanted, file, line, format, args);
    va_end(args);
    if (got != wanted)
        printf("#      got: %" PRId64 "\n#   wanted: %" PRId64 "\n", got, wanted);
    return got == wanted;
}

__attribute__((format(printf, 5, 6))) static inline bool
tap_is_double(double got, double wanted, const char *file, int line, const char *format, ...)
{
    bool same = got == wanted || (got != got && wanted != wanted);
    va_list args;

    va_start(args, format);
    tap_result(same, file, line, format, args);
    va_end(args);
    if (!same)
        printf("#      got: %.17g\n#   wanted: %.17g\n", got, wanted);
    return same;
}

/* A string in diagnostics: one line whatever is in it. */
static inline void tap_show(const char *label, const char *text, size_t length)
{
    printf("#   %6s: ", label);
    if (text == NULL) {
        printf("NULL\n");
        return;
    }
    putchar('"');
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c >= ' ' && c < 0x7f)
            putchar(c);
        else
            printf("\\x%02x", c);
    }
    printf("\" (%zu bytes)\n", length);
}

__attribute__((format(printf, 7, 8))) static inline bool
tap_is_mem(const char *got, size_t got_length, const char *wanted, size_t wanted_length,
           const char *file, int line, const char *format, ...)
{
    bool same = (got == NULL) == (wanted == NULL) && got_length == wanted_length &&
                (got_length == 0 || (got && wanted && memcmp(got, wanted, got_length) == 0));
    va_list args;

    va_start(args, format);
    tap_result(same, file, line, format, args);
    va_end(args);
    if (!same) {
        tap_show("got", got, got_length);
        tap_show("wanted", wanted, wanted_length);
    }
    return same;
}

static inline size_t tap_length(const char *text)
{
    return text == NULL ? 0 : strlen(text);
}

/* ok(condition, format...): the condition holds. */
#define ok(held, ...) tap_ok((held), __FILE__, __LINE__, __VA_ARGS__)
/* is_int(got, wanted, format...): equal as int64_t. */
#define is_int(got, wanted, ...)                                                                   \
    tap_is_int((int64_t)(got), (int64_t)(wanted), __FILE__, __LINE__, __VA_ARGS__)
/* is_double(got, wanted, format...): equal exactly; NaN equals NaN. */
#define is_double(got, wanted, ...) tap_is_double((got), (wanted), __FILE__, __LINE__, __VA_ARGS__)
/* is_str(got, wanted, format...): the same text, or both NULL. */
#define is_str(got, wanted, ...)                                                                   \
    tap_is_mem((got), tap_length(got), (wanted), tap_length(wanted), __FILE__, __LINE__,           \
               __VA_ARGS__)
/* is_mem(got, got_length, wanted, wanted_length, format...): the same bytes. */
#define is_mem(got, got_length, wanted, wanted_length, ...)                                        \
    tap_is_mem((got), (got_length), (wanted), (wanted_length), __FILE__, __LINE__, __VA_ARGS__)

/* Text for the name of a check: one line, and no # to begin a directive. Lives until the next
 * call. */
static inline const char *one_line(const char *text)
{
    static char line[200];

    snprintf(line, sizeof line, "%s", text);
    for (char *at = line; *at; at++)
        if (*at == '\n' || *at == '\r' || *at == '#')
            *at = ' ';
    return line;
}

/* One check that could not be made, and why. */
__attribute__((format(printf, 1, 2))) static inline void skip(const char *format, ...)
{
    va_list args;

    tap_count.run++;
    printf("ok %u # SKIP ", tap_count.run);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

/* Prints the plan; the exit status of the test. */
static inline int done_testing(void)
{
    printf("1..%u\n", tap_count.run);
    return tap_count.failed == 0 && tap_count.run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
