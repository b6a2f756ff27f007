/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "cli/replace.h"

#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Splits path into an open directory and a name in it. */
static int open_directory(struct cli_replace *r, const char *path)
{
    char resolved[PATH_MAX];
    if (realpath(path, resolved))
        path = resolved;
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    char *directory = slash ? tcore_strndup(path, (size_t)(slash - path) + (slash == path))
                            : tcore_strndup(".", 1);
    r->base = tcore_strndup(base, strlen(base));
    int errnum = directory && r->base ? 0 : ENOMEM;
    if (!errnum)
        r->directory =
            tcore_sys()->openat(AT_FDCWD, directory, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (!errnum && r->directory < 0)
        errnum = errno;
    tcore_free(directory);
    return errnum;
}

static int name_temporary(struct cli_replace *r)
{
    unsigned char random[8];
    if (tcore_sys()->random(random, sizeof random) != 0)
        return errno;
    char *at = r->temporary + sprintf(r->temporary, ".tracecore-");
    for (size_t i = 0; i < sizeof random; i++)
        at += sprintf(at, "%02x", random[i]);
    return 0;
}

int cli_replace_open(struct cli_replace *r, const char *path, int access_mode, mode_t mode)
{
    const struct tcore_sys *sys = tcore_sys();
    *r = CLI_REPLACE_CLOSED;
    int errnum = open_directory(r, path);
    if (!errnum)
        errnum = name_temporary(r);
    if (errnum)
        return errnum;
    if (access("/proc/self/fd", X_OK) == 0) {
        r->fd = sys->openat(r->directory, ".", O_TMPFILE | access_mode | O_CLOEXEC, mode);
        r->unnamed = r->fd >= 0;
    }
    if (r->fd < 0)
        r->fd = sys->openat(r->directory, r->temporary,
                            access_mode | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (r->fd >= 0)
        return 0;
    *r->temporary = '\0'; /* it is not ours */
    return errno;
}

static int give_temporary_name(struct cli_replace *r)
{
    char path[64];
    if (!r->unnamed)
        return 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", r->fd);
    if (tcore_sys()->linkat(AT_FDCWD, path, r->directory, r->temporary, AT_SYMLINK_FOLLOW) != 0)
        return errno;
    r->unnamed = false;
    return 0;
}

/* A file system that cannot do it for folders does not need it. */
static int sync_directory(const struct cli_replace *r)
{
    const struct tcore_sys *sys = tcore_sys();
    int fd = sys->openat(r->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    int errnum = sys->fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
    sys->close(fd);
    return errnum;
}

int cli_replace_commit(struct cli_replace *r, bool durable, bool keep)
{
    const struct tcore_sys *sys = tcore_sys();
    if (durable && sys->fsync(r->fd) != 0)
        return errno;
    int errnum = give_temporary_name(r);
    if (errnum)
        return errnum;
    if (!keep) {
        int fd = r->fd;
        r->fd = -1;
        if (sys->close(fd) != 0)
            return errno;
    }
    if (sys->renameat(r->directory, r->temporary, r->directory, r->base) != 0)
        return errno;
    r->placed = true;
    return durable ? sync_directory(r) : 0;
}

void cli_replace_end(struct cli_replace *r)
{
    const struct tcore_sys *sys = tcore_sys();
    if (!r->placed && !r->unnamed && r->directory >= 0 && *r->temporary)
        (void)sys->unlinkat(r->directory, r->temporary, 0);
    if (!r->placed && r->fd >= 0)
        sys->close(r->fd);
    if (r->directory >= 0)
        sys->close(r->directory);
    tcore_free(r->base);
    *r = CLI_REPLACE_CLOSED;
}
