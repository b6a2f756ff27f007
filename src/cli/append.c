/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "cli/append.h"

#include "base/buf.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>

int cli_append_open(const char *path, mode_t mode)
{
    const int flags = O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY;
    int fd = tcore_sys()->openat(AT_FDCWD, path, O_RDWR | flags, mode);
    if (fd < 0 && errno == EACCES) /* may be written, not read */
        fd = tcore_sys()->openat(AT_FDCWD, path, O_WRONLY | flags, mode);
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

static int append_locked(int fd, const char *lines, size_t length)
{
    struct stat st;
    struct tcore_buf whole = {0};
    if (tcore_sys()->fstat(fd, &st) < 0)
        return errno;
    if (ends_within_line(fd, &st)) {
        tcore_buf_putc(&whole, '\n');
        tcore_buf_append(&whole, lines, length);
        if (whole.failed) {
            tcore_buf_free(&whole);
            return ENOMEM;
        }
        lines = whole.data;
        length = whole.length;
    }
    int errnum = tcore_write_all(fd, lines, length) == 0 ? 0 : errno;
    tcore_buf_free(&whole);
    if (errnum && S_ISREG(st.st_mode))
        (void)tcore_sys()->ftruncate(fd, st.st_size);
    return errnum;
}

int cli_append(int fd, const char *lines, size_t length)
{
    if (!lock(fd))
        return errno;
    int errnum = append_locked(fd, lines, length);
    (void)tcore_sys()->flock(fd, LOCK_UN);
    return errnum;
}
