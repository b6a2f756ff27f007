/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file is written under no name (O_TMPFILE) where the file system can do that, so that not even a
 * kill leaves anything behind; it gets a temporary name at the very end, to be renamed over the old
 * file in one step.
 */
#include <config.h>

#include "cli/sink.h"

#include "base/sys.h"
#include "cli/message.h"
#include "cli/verb_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES ((size_t)256 * 1024)
#define PIPE_BYTES   (1024 * 1024)

static bool fail(struct cli_sink *sink, int errnum)
{
    if (!sink->ended)
        cli_output_failed(sink->cli, sink->name, errnum);
    sink->ended = true;
    return false;
}

static void look_at(struct cli_sink *sink)
{
    struct stat st;
    if (tcore_sys()->fstat(sink->fd, &st) != 0)
        return;
    sink->pipe = S_ISFIFO(st.st_mode);
    sink->terminal = S_ISCHR(st.st_mode) && isatty(sink->fd);
}

static void begin(struct cli_sink *sink, struct cli *cli, const char *name)
{
    *sink = (struct cli_sink){.cli = cli, .name = name, .fd = -1, .directory = -1};
}

bool cli_sink_stdout(struct cli_sink *sink, struct cli *cli)
{
    begin(sink, cli, "standard output");
    sink->fd = STDOUT_FILENO;
    look_at(sink);
    return true;
}

bool cli_sink_in_place(struct cli_sink *sink, struct cli *cli, const char *path)
{
    begin(sink, cli, path);
    sink->fd = tcore_sys()->openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (sink->fd < 0)
        return fail(sink, errno);
    look_at(sink);
    return true;
}

/* --- Files that replace others */

/* Splits path into an open directory and a name in it. A link is followed, so that what it points
 * to is replaced and not the link. */
static bool open_directory(struct cli_sink *sink, const char *path)
{
    char resolved[PATH_MAX];
    if (realpath(path, resolved))
        path = resolved;
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    char *directory = slash ? tcore_strndup(path, (size_t)(slash - path) + (slash == path))
                            : tcore_strndup(".", 1);
    sink->base = tcore_strndup(base, strlen(base));
    if (!directory || !sink->base) {
        tcore_free(directory);
        return fail(sink, ENOMEM);
    }
    sink->directory = tcore_sys()->openat(AT_FDCWD, directory, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    int errnum = errno;
    tcore_free(directory);
    return sink->directory >= 0 || fail(sink, errnum);
}

static bool name_temporary(struct cli_sink *sink)
{
    unsigned char random[8];
    if (tcore_sys()->random(random, sizeof random) != 0)
        return fail(sink, errno);
    char *at = sink->temporary + sprintf(sink->temporary, ".tracecore-");
    for (size_t i = 0; i < sizeof random; i++)
        at += sprintf(at, "%02x", random[i]);
    return true;
}

static bool open_temporary(struct cli_sink *sink)
{
    const struct tcore_sys *sys = tcore_sys();
    if (!name_temporary(sink))
        return false;
    if (access("/proc/self/fd", X_OK) == 0) {
        sink->fd = sys->openat(sink->directory, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
        sink->unnamed = sink->fd >= 0;
    }
    if (sink->fd < 0)
        sink->fd = sys->openat(sink->directory, sink->temporary,
                               O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return sink->fd >= 0 || fail(sink, errno);
}

bool cli_sink_replace(struct cli_sink *sink, struct cli *cli, const char *path)
{
    struct stat st;
    bool exists = stat(path, &st) == 0;
    begin(sink, cli, path);
    if (exists && S_ISDIR(st.st_mode))
        return fail(sink, EISDIR);
    if (exists && !S_ISREG(st.st_mode))
        return cli_sink_in_place(sink, cli, path); /* a pipe, a terminal, /dev/null */
    if (!*path)
        return fail(sink, ENOENT);
    if (path[strlen(path) - 1] == '/')
        return fail(sink, EISDIR);
    if (!open_directory(sink, path) || !open_temporary(sink)) {
        cli_sink_close(sink, true);
        return false;
    }
    if (exists)
        (void)fchmod(sink->fd, st.st_mode & 0777);
    return true;
}

static bool give_temporary_name(struct cli_sink *sink)
{
    char path[64];
    if (!sink->unnamed)
        return true;
    snprintf(path, sizeof path, "/proc/self/fd/%d", sink->fd);
    if (tcore_sys()->linkat(AT_FDCWD, path, sink->directory, sink->temporary, AT_SYMLINK_FOLLOW) !=
        0)
        return fail(sink, errno);
    sink->unnamed = false;
    return true;
}

/* The file gets its name, unless something went wrong. */
static void put_in_place(struct cli_sink *sink, bool discard)
{
    const struct tcore_sys *sys = tcore_sys();
    bool good = !discard && !sink->ended && give_temporary_name(sink);
    if (sink->fd >= 0 && sys->close(sink->fd) != 0 && good)
        good = fail(sink, errno);
    if (good && sys->renameat(sink->directory, sink->temporary, sink->directory, sink->base) != 0)
        good = fail(sink, errno);
    if (!good && sink->fd >= 0 && !sink->unnamed)
        (void)sys->unlinkat(sink->directory, sink->temporary, 0);
}

/* --- Writing */

static bool write_out(struct cli_sink *sink, const char *data, size_t length)
{
    if (sink->ended)
        return false;
    if (sink->pipe && length >= BUFFER_BYTES / 2) {
        (void)fcntl(sink->fd, F_SETPIPE_SZ, PIPE_BYTES); /* fewer turns; refused is no harm */
        sink->pipe = false;
    }
    if (tcore_write_all(sink->fd, data, length) == 0)
        return true;
    if (errno != EPIPE)
        return fail(sink, errno);
    sink->ended = sink->reader_gone = true;
    return false;
}

bool cli_sink_flush(struct cli_sink *sink)
{
    size_t used = sink->used;
    sink->used = 0;
    return used ? write_out(sink, sink->buffer, used) : !sink->ended;
}

bool cli_sink_write(struct cli_sink *sink, const char *data, size_t length)
{
    if (sink->ended)
        return false;
    if (length >= BUFFER_BYTES / 2)
        return cli_sink_flush(sink) && write_out(sink, data, length);
    if (!sink->buffer) {
        sink->buffer = tcore_malloc(BUFFER_BYTES);
        if (!sink->buffer)
            return write_out(sink, data, length);
    }
    if (sink->used + length > BUFFER_BYTES && !cli_sink_flush(sink))
        return false;
    if (length)
        memcpy(sink->buffer + sink->used, data, length);
    sink->used += length;
    return true;
}

void cli_sink_close(struct cli_sink *sink, bool discard)
{
    if (!discard || sink->directory < 0)
        cli_sink_flush(sink);
    if (sink->directory >= 0) {
        put_in_place(sink, discard);
        (void)tcore_sys()->close(sink->directory);
    } else if (sink->fd >= 0 && sink->fd != STDOUT_FILENO && tcore_sys()->close(sink->fd) != 0) {
        fail(sink, errno);
    }
    tcore_free(sink->buffer);
    tcore_free(sink->base);
    sink->buffer = sink->base = NULL;
    sink->fd = sink->directory = -1;
}
