/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rule files are read whole: they are parsed before anything else happens. */
#include <config.h>

#include "alert/rules_file.h"

#include "alert/rule_yaml.h"
#include "base/sys.h"
#include "cli/message.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static bool read_all(struct cli *cli, const char *path, struct tcore_buf *text)
{
    const struct tcore_sys *sys = tcore_sys();
    int fd = sys->openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    ssize_t got = fd < 0 ? -1 : 1;

    while (got > 0 && text->length <= YAML_TEXT_BYTES) {
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
        cli_error(cli, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        sys->close(fd);
    return got >= 0;
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

int rules_load(struct cli *cli, struct rules *rules, const char *path, bool quiet)
{
    struct tcore_buf text = {0};
    struct tcore_error err = {0};
    enum tcore_status status;

    if (!read_all(cli, path, &text)) {
        tcore_buf_free(&text);
        return CLI_FAILED;
    }
    status = rules_parse(rules, path, text.length ? text.data : "", text.length, &err);
    tcore_buf_free(&text);
    if (status == TCORE_FATAL) {
        cli_report(cli, &err);
        return CLI_FAILED;
    }
    if (rules->problems.length && (status != TCORE_OK || !quiet))
        print_problems(cli, &rules->problems);
    if (status == TCORE_OK)
        return CLI_DONE;
    cli->usage_error = true;
    return CLI_USAGE;
}
