/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/policy_file.h"

#include "base/sys.h"
#include "cli/helper.h"
#include "cli/message.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* 0, or errno. */
static int read_all(int dirfd, const char *path, struct tcore_buf *text)
{
    const struct tcore_sys *sys = tcore_sys();
    int fd = sys->openat(dirfd, path, O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0), errnum = 0;
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

int policy_load(struct cli *cli, struct policy *policy, int dirfd, const char *path,
                const char *name, bool optional, bool quiet)
{
    struct cli_helper_path helper;
    struct tcore_buf text = {0};
    struct tcore_error err = {0};
    enum tcore_status status = TCORE_FATAL;
    int errnum = read_all(dirfd, path, &text);

    if (errnum == ENOENT && optional) {
        policy_defaults(policy);
        return CLI_DONE;
    }
    if (errnum) {
        cli_error(cli, "%s: %s", name, strerror(errnum));
    } else {
        status = policy_parse(policy, name, text.length ? text.data : "", text.length,
                              cli_helper_path(&helper, "tracecore-jq"), &err);
        if (status == TCORE_FATAL)
            cli_report(cli, &err);
    }
    tcore_buf_free(&text);
    if (status == TCORE_FATAL)
        return CLI_FAILED;
    if (policy->problems.length && (status != TCORE_OK || !quiet))
        print_problems(cli, &policy->problems);
    if (status == TCORE_OK)
        return CLI_DONE;
    cli->usage_error = true;
    return CLI_USAGE;
}
