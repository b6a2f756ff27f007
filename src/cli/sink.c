/* SPDX-License-Identifier: GPL-3.0-or-later */
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
    *sink = (struct cli_sink){.cli = cli, .name = name, .fd = -1, .file = CLI_REPLACE_CLOSED};
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
    int errnum = cli_replace_open(&sink->file, path, O_WRONLY, 0666);
    if (errnum) {
        cli_replace_end(&sink->file);
        return fail(sink, errnum);
    }
    sink->fd = sink->file.fd;
    sink->replaces = true;
    if (exists)
        (void)fchmod(sink->fd, st.st_mode & 0777);
    return true;
}

/* The file gets its name, unless something went wrong. */
static void put_in_place(struct cli_sink *sink, bool discard)
{
    if (!discard && !sink->ended) {
        int errnum = cli_replace_commit(&sink->file, false, false);
        if (errnum)
            fail(sink, errnum);
    }
    cli_replace_end(&sink->file);
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
    if (!discard || !sink->replaces)
        cli_sink_flush(sink);
    if (sink->replaces)
        put_in_place(sink, discard);
    else if (sink->fd >= 0 && sink->fd != STDOUT_FILENO && tcore_sys()->close(sink->fd) != 0)
        fail(sink, errno);
    tcore_free(sink->buffer);
    sink->buffer = NULL;
    sink->fd = -1;
    sink->replaces = false;
}
