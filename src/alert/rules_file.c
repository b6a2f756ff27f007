/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rule files are read whole: they are parsed before anything else happens. */
#include <config.h>

#include "alert/rules_file.h"

#include "cli/yaml.h"
#include "base/sys.h"
#include "cli/message.h"
#include "model/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* 0, or errno. */
static int read_all(const char *path, struct tcore_buf *text)
{
    const struct tcore_sys *sys = tcore_sys();
    int fd = sys->openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0), errnum = 0;
    ssize_t got = fd < 0 ? -1 : 1;

    while (got > 0 && text->length <= CLI_YAML_TEXT_BYTES) {
        char *room = tcore_buf_reserve(text, 65536);

        if (!room) {
            errno = ENOMEM;
            got = -1;
            break;
        }
        got = tcore_read_some(fd, room, 65536);
        if (got > 0)
            text->length += (size_t)got;
    }
    if (got < 0)
        errnum = errno;
    if (fd >= 0)
        sys->close(fd);
    return errnum;
}

static void print_problems(struct cli *cli, const struct tcore_buf *problems)
{
    const char *line = problems->data, *end = line + problems->length;

    while (line < end) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));

        if (!newline)
            newline = end;
        cli_note(cli, "%.*s", (int)(newline - line), line);
        line = newline + 1;
    }
}

/* errnum: of reading the file. */
static enum tcore_status parse(struct rules *rules, const char *path, int *errnum,
                               struct tcore_error *err)
{
    struct tcore_buf text = {0};
    enum tcore_status status = TCORE_FATAL;

    *errnum = read_all(path, &text);
    if (!*errnum)
        status = rules_parse(rules, path, text.length ? text.data : "", text.length, err);
    tcore_buf_free(&text);
    return status;
}

int rules_load(struct cli *cli, struct rules *rules, const char *path, bool quiet)
{
    struct tcore_error err = {0};
    int errnum;
    enum tcore_status status = parse(rules, path, &errnum, &err);

    if (errnum)
        cli_error(cli, "%s: %s", path, strerror(errnum));
    else if (status == TCORE_FATAL)
        cli_report(cli, &err);
    if (status == TCORE_FATAL)
        return CLI_FAILED;
    if (rules->problems.length && (status != TCORE_OK || !quiet))
        print_problems(cli, &rules->problems);
    if (status == TCORE_OK)
        return CLI_DONE;
    cli->usage_error = true;
    return CLI_USAGE;
}

/* The first line of problems that is no warning. */
static void first_error(const struct rules *rules, struct tcore_slice *line)
{
    const char *at = rules->problems.data, *end = at + rules->problems.length;

    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));

        *line = (struct tcore_slice){at, (size_t)((newline ? newline : end) - at)};
        if (!memmem(at, line->length, ": warning: ", 11))
            return;
        at += line->length + 1;
    }
}

bool rules_load_again(struct cli *cli, struct rules *rules, const char *path)
{
    struct tcore_error err = {0};
    struct tcore_slice line = {0};
    int errnum;
    enum tcore_status status = parse(rules, path, &errnum, &err);

    if (status == TCORE_OK)
        return true;
    if (status == TCORE_BAD_INPUT)
        first_error(rules, &line);
    if (line.length)
        cli_note(cli, "%.*s; the old rules stay", (int)line.length, line.data);
    else
        cli_note(cli, "%s: %s; the old rules stay", path, errnum ? strerror(errnum) : err.text);
    return false;
}
