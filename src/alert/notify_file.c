/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files that alerts are appended to, one line each. Several processes may append to one: each takes
 * the lock for its line, and a line that cannot be written whole is taken back.
 */
#include <config.h>

#include "alert/notify.h"

#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

static bool fail(char *reason, const char *path, int errnum)
{
    snprintf(reason, NOTIFY_REASON_BYTES, "%s: %s", path, strerror(errnum));
    return false;
}

/* Whether what is there ends in the middle of a line, as after a power cut. */
static bool is_torn(int fd, off_t size)
{
    char last = '\n';

    return size > 0 && tcore_sys()->pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

static int append(int fd, const char *line, size_t length)
{
    const struct tcore_sys *sys = tcore_sys();
    struct stat st = {0};
    bool regular = sys->fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    struct tcore_buf text = {0};
    int errnum = 0;

    if (regular && is_torn(fd, st.st_size))
        tcore_buf_putc(&text, '\n');
    tcore_buf_append(&text, line, length);
    tcore_buf_putc(&text, '\n');
    if (text.failed)
        errnum = ENOMEM;
    else if (tcore_write_all(fd, text.data, text.length) != 0)
        errnum = errno;
    if (errnum && regular && sys->ftruncate(fd, st.st_size) != 0)
        errnum = errno;
    tcore_buf_free(&text);
    return errnum;
}

bool notify_file(struct channel_state *state, const char *path, const char *line, size_t length,
                 char *reason)
{
    const struct tcore_sys *sys = tcore_sys();
    int errnum;

    if (state->fd < 0)
        state->fd = sys->openat(AT_FDCWD, path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (state->fd < 0)
        return fail(reason, path, errno);
    while (sys->flock(state->fd, LOCK_EX) != 0)
        if (errno != EINTR)
            return fail(reason, path, errno);
    errnum = append(state->fd, line, length);
    (void)sys->flock(state->fd, LOCK_UN);
    return errnum ? fail(reason, path, errnum) : true;
}
