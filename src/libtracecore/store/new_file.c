/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that get their name when they are whole, and the calls that files of a repository share. */
#include "store/new_file.h"

#include "base/buf.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

enum { MODE = 0640 };

int tcore_lock(int fd, int operation)
{
    int result;
    do
        result = tcore_sys()->flock(fd, operation);
    while (result != 0 && errno == EINTR);
    return result;
}

int tcore_open_regular(int dir, const char *name, int flags)
{
    /* A fifo of that name would block without O_NONBLOCK, which means nothing to files. */
    int fd = tcore_sys()->openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    struct stat st;
    int reason = tcore_sys()->fstat(fd, &st) != 0 ? errno : S_ISREG(st.st_mode) ? 0 : EINVAL;
    if (!reason)
        return fd;
    tcore_sys()->close(fd);
    errno = reason;
    return -1;
}

enum tcore_status tcore_sync_directory(int dir, struct tcore_error *err)
{
    if (tcore_sys()->fsync(dir) != 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot sync a directory");
    return TCORE_OK;
}

static int open_temporary(struct tcore_new_file *file)
{
    uint64_t random;
    if (tcore_sys()->random(&random, sizeof random) != 0)
        return -1;
    snprintf(file->temporary, sizeof file->temporary, TCORE_NEW_FILE_PREFIX "%016llx",
             (unsigned long long)random);
    int fd =
        tcore_sys()->openat(file->dir, file->temporary,
                            O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE);
    if (fd < 0)
        file->temporary[0] = '\0';
    return fd;
}

enum tcore_status tcore_new_file_open(struct tcore_new_file *file, int dir, struct tcore_error *err)
{
    *file = (struct tcore_new_file){.dir = dir, .into = dir, .fd = -1};
    file->fd = tcore_sys()->openat(dir, ".", O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, MODE);
    if (file->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        file->fd = open_temporary(file);
    if (file->fd < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot create a file");
    if (tcore_lock(file->fd, LOCK_EX | LOCK_NB) == 0)
        return TCORE_OK;
    int reason = errno;
    tcore_new_file_drop(file);
    return tcore_error_errno(err, TCORE_FATAL, reason, "cannot lock a new file");
}

void tcore_new_file_drop(struct tcore_new_file *file)
{
    if (file->fd < 0)
        return;
    if (file->temporary[0])
        tcore_sys()->unlinkat(file->dir, file->temporary, 0);
    tcore_sys()->close(file->fd);
    file->fd = -1;
    file->temporary[0] = '\0';
}

static int give_name(struct tcore_new_file *file, const char *name)
{
    if (file->temporary[0])
        return tcore_sys()->linkat(file->dir, file->temporary, file->into, name, 0);
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file->fd);
    return tcore_sys()->linkat(AT_FDCWD, path, file->into, name, AT_SYMLINK_FOLLOW);
}

enum tcore_status tcore_new_file_link(struct tcore_new_file *file, const char *name, bool *named,
                                      struct tcore_error *err)
{
    bool unused;
    if (!named)
        named = &unused;
    *named = false;
    if (!file->unsynced && tcore_sys()->fsync(file->fd) != 0) {
        int reason = errno;
        tcore_new_file_drop(file);
        return tcore_error_errno(err, TCORE_FATAL, reason, "cannot sync the new file %s", name);
    }
    if (give_name(file, name) != 0) {
        int reason = errno;
        tcore_new_file_drop(file);
        if (reason == EEXIST)
            return tcore_error_set(err, TCORE_SKIP, "there is a file %s", name);
        return tcore_error_errno(err, TCORE_FATAL, reason, "cannot name the new file %s", name);
    }
    *named = true;
    /* If this fails, the file has a second name, which a sweep takes away. */
    if (file->temporary[0] && tcore_sys()->unlinkat(file->dir, file->temporary, 0) == 0)
        file->temporary[0] = '\0';
    return file->unsynced ? TCORE_OK : tcore_sync_directory(file->into, err);
}

struct sweep {
    struct tcore_buf names; /* each with its NUL: removing while listing may skip some */
};

static int collect(void *context, const char *name)
{
    struct sweep *sweep = context;
    if (!strncmp(name, TCORE_NEW_FILE_PREFIX, sizeof TCORE_NEW_FILE_PREFIX - 1))
        tcore_buf_append(&sweep->names, name, strlen(name) + 1);
    return 0;
}

enum tcore_status tcore_new_file_sweep(int dir, struct tcore_error *err)
{
    struct sweep sweep = {0};
    enum tcore_status status = TCORE_OK;
    if (tcore_sys()->list(dir, collect, &sweep) != 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot list a directory");
    else
        status = tcore_buf_status(&sweep.names, err);
    for (size_t at = 0; !status && at < sweep.names.length;) {
        const char *name = sweep.names.data + at;
        int fd = tcore_open_regular(dir, name, O_RDONLY);
        if (fd >= 0) {
            if (tcore_lock(fd, LOCK_EX | LOCK_NB) == 0 &&
                tcore_sys()->unlinkat(dir, name, 0) != 0 && errno != ENOENT)
                status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot remove %s", name);
            tcore_sys()->close(fd);
        }
        at += strlen(name) + 1;
    }
    tcore_buf_free(&sweep.names);
    return status;
}
