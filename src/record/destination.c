/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where records go that are made one by one. */
#include <config.h>

#include "record/destination.h"

#include "base/sys.h"
#include "cli/append.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *destination_path(const char *to)
{
    const char *from_environment = getenv("TRACE_TO");
    if (to)
        return to;
    return from_environment && *from_environment ? from_environment : "trace.ndjson";
}

static enum tcore_status failed(const char *path, int errnum, const char *what,
                                struct tcore_error *err)
{
    tcore_error_errno(err, TCORE_FATAL, errnum, "%s", what);
    err->input = path;
    return TCORE_FATAL;
}

enum tcore_status destination_append(const char *path, const struct tcore_buf *lines,
                                     struct tcore_error *err)
{
    if (lines->failed)
        return tcore_error_nomem(err);
    if (strncmp(path, "http://", 7) == 0 || strncmp(path, "https://", 8) == 0)
        return failed(path, 0, "records are appended to a file; trace-record send posts them", err);
    int fd = cli_append_open(path, 0666);
    if (fd < 0)
        return failed(path, errno, "cannot open", err);
    int errnum = cli_append(fd, lines->data, lines->length);
    if (tcore_sys()->close(fd) < 0 && !errnum)
        errnum = errno;
    return errnum ? failed(path, errnum, "cannot append", err) : TCORE_OK;
}
