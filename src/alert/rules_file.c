/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rule files are read whole: they are parsed before anything else happens. */
#include <config.h>

#include "alert/rules_file.h"

#include "cli/yaml.h"
#include "cli/message.h"
#include "model/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* errnum: of reading the file. */
static enum tcore_status parse(struct rules *rules, const char *path, int *errnum,
                               struct tcore_error *err)
{
    struct tcore_buf text = {0};
    enum tcore_status status = TCORE_FATAL;

    *errnum = cli_yaml_read_file(AT_FDCWD, path, 0, &text);
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
        cli_note_lines(cli, &rules->problems);
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
