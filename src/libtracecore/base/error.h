/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The reason of a failure, with its place. The caller owns the struct and may
 * reuse it; a callee fills it whenever it returns TCORE_SKIP or worse, and
 * leaves it alone otherwise. The library never prints: only cli/message.c does.
 */
#ifndef TRACECORE_BASE_ERROR_H
#define TRACECORE_BASE_ERROR_H

#include "base/status.h"

#include <stdarg.h>
#include <stdint.h>

#define TCORE_ERROR_TEXT_BYTES 480

struct tcore_error {
    enum tcore_status status;
    int errnum;        /* errno of the failed system call, 0 if none; appended when printed */
    const char *input; /* name of the input or NULL; borrowed, lives as long as the input */
    uint64_t line;     /* 1-based, 0 if it does not apply */
    uint64_t byte;     /* 1-based column in the line (or offset in a binary input), 0 if none */
    char text[TCORE_ERROR_TEXT_BYTES]; /* one sentence without a final stop, UTF-8, no newline */
};

/* Each sets status and text (truncated if too long), clears place and errnum, and returns
 * the status, so that a caller can write: return tcore_error_set(err, TCORE_SKIP, "..."). err may
 * be NULL. */
enum tcore_status tcore_error_set(struct tcore_error *err, enum tcore_status status,
                                  const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same with errno (as given in errnum). */
enum tcore_status tcore_error_errno(struct tcore_error *err, enum tcore_status status, int errnum,
                                    const char *format, ...) __attribute__((format(printf, 4, 5)));
/* "out of memory", TCORE_FATAL. */
enum tcore_status tcore_error_nomem(struct tcore_error *err);

#endif
