/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Appending to a file that many processes write to. Each append is one write under an exclusive
 * lock; what a full disk cut short is taken back.
 */
#include <config.h>

#include "record/destination.h"

#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>

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

static int open_for_append(const char *path)
{
    const int flags = O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY;
    int fd = tcore_sys()->openat(AT_FDCWD, path, O_RDWR | flags, 0666);
    if (fd < 0 && errno == EACCES) /* may be written, not read */
        fd = tcore_sys()->openat(AT_FDCWD, path, O_WRONLY | flags, 0666);
    return fd;
}

/* Not every file system and no pipe has locks; there, one write is all there is. */
static bool lock(int fd)
{
    while (tcore_sys()->flock(fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return errno == EINVAL || errno == EOPNOTSUPP || errno == ENOLCK || errno == ENOSYS;
    return true;
}

static bool ends_within_line(int fd, const struct stat *st)
{
    char last;
    return S_ISREG(st->st_mode) && st->st_size > 0 &&
           tcore_sys()->pread(fd, &last, 1, st->st_size - 1) == 1 && last != '\n';
}

static enum tcore_status append_locked(int fd, const char *path, const struct tcore_buf *lines,
                                       struct tcore_error *err)
{
    struct stat st;
    if (!lock(fd) || tcore_sys()->fstat(fd, &st) < 0)
        return failed(path, errno, "cannot lock", err);
    struct tcore_buf whole = {0};
    const struct tcore_buf *text = lines;
    if (ends_within_line(fd, &st)) {
        tcore_buf_putc(&whole, '\n');
        tcore_buf_append(&whole, lines->data, lines->length);
        if (whole.failed) {
            tcore_buf_free(&whole);
            return tcore_error_nomem(err);
        }
        text = &whole;
    }
    int result = tcore_write_all(fd, text->data, text->length);
    int errnum = errno;
    tcore_buf_free(&whole);
    if (result == 0)
        return TCORE_OK;
    if (S_ISREG(st.st_mode))
        (void)tcore_sys()->ftruncate(fd, st.st_size);
    return failed(path, errnum, "cannot append", err);
}

enum tcore_status destination_append(const char *path, const struct tcore_buf *lines,
                                     struct tcore_error *err)
{
    if (lines->failed)
        return tcore_error_nomem(err);
    if (strncmp(path, "http://", 7) == 0 || strncmp(path, "https://", 8) == 0)
        return failed(path, 0, "records are appended to a file; trace-record send posts them", err);
    int fd = open_for_append(path);
    if (fd < 0)
        return failed(path, errno, "cannot open", err);
    enum tcore_status status = append_locked(fd, path, lines, err);
    if (tcore_sys()->close(fd) < 0 && status == TCORE_OK)
        return failed(path, errno, "cannot append", err);
    return status;
}
