/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Filling in the reason of a failure. */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>

static void fill(struct tcore_error *err, enum tcore_status status, int errnum, const char *format,
                 va_list args)
{
    err->status = status;
    err->errnum = errnum;
    err->input = NULL;
    err->line = 0;
    err->byte = 0;
    vsnprintf(err->text, sizeof err->text, format, args);
}

enum tcore_status tcore_error_set(struct tcore_error *err, enum tcore_status status,
                                  const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        fill(err, status, 0, format, args);
        va_end(args);
    }
    return status;
}

enum tcore_status tcore_error_errno(struct tcore_error *err, enum tcore_status status, int errnum,
                                    const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        fill(err, status, errnum, format, args);
        va_end(args);
    }
    return status;
}

enum tcore_status tcore_error_nomem(struct tcore_error *err)
{
    return tcore_error_errno(err, TCORE_FATAL, ENOMEM, "out of memory");
}
