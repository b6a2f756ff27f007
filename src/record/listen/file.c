/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/listen/file.h"

#include "base/sys.h"
#include "store/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define FILE_BYTES ((off_t)1 << 20)

static enum tcore_status check(const char *path, const struct stat *st, unsigned closed_to,
                               struct tcore_error *err)
{
    if (!S_ISREG(st->st_mode))
        return tcore_error_set(err, TCORE_BAD_INPUT, "%s: is no regular file", path);
    if (closed_to && st->st_uid != geteuid() && st->st_uid != 0)
        return tcore_error_set(err, TCORE_BAD_INPUT, "%s: belongs to another user", path);
    if (st->st_mode & closed_to)
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "%s: is open to others (mode %04o): chmod 600 it", path,
                               (unsigned)st->st_mode & 07777);
    if (st->st_size > FILE_BYTES)
        return tcore_error_set(err, TCORE_BAD_INPUT, "%s: is longer than a megabyte", path);
    return TCORE_OK;
}

enum tcore_status listen_read_file(const char *path, unsigned closed_to, struct tcore_buf *text,
                                   struct tcore_error *err)
{
    struct stat st;
    int fd = tcore_sys()->openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "%s: cannot open", path);
    enum tcore_status status = tcore_sys()->fstat(fd, &st) == 0
                                   ? check(path, &st, closed_to, err)
                                   : tcore_error_errno(err, TCORE_FATAL, errno, "%s", path);
    char *room = status == TCORE_OK ? tcore_buf_reserve(text, (size_t)st.st_size + 1) : NULL;
    ptrdiff_t got = room ? tcore_pread_all(fd, room, (size_t)st.st_size, 0) : 0;
    if (status == TCORE_OK && !room)
        status = tcore_error_nomem(err);
    else if (status == TCORE_OK && got < 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "%s: cannot read", path);
    if (status == TCORE_OK) {
        text->length += (size_t)got;
        text->data[text->length] = '\0';
    }
    tcore_sys()->close(fd);
    return status;
}

void listen_wipe(struct tcore_buf *text)
{
    if (text->data)
        explicit_bzero(text->data, text->capacity);
    tcore_buf_free(text);
}
