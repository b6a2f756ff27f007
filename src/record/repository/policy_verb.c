/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record policy: the policy of a repository, shown or replaced. */
#include <config.h>

#include "record/repository/policy_put.h"

#include "base/sys.h"
#include "cli/message.h"
#include "cli/output.h"
#include "record/repository/audit_event.h"
#include "record/repository/policy_labels.h"
#include "record/repository/policy_file.h"
#include "record/repository/upkeep.h"
#include "record/verbs.h"
#include "store/new_file.h"
#include "store/repository.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define PIECE 65536

/* Appends a whole file. 0, or -1 and errno. */
static int read_file(int dir, const char *path, struct tcore_buf *text)
{
    const struct tcore_sys *sys = tcore_sys();
    int fd = sys->openat(dir, path, O_RDONLY | O_NOCTTY | O_CLOEXEC, 0);
    ssize_t got = fd < 0 ? -1 : 1;
    while (got > 0 && text->length <= CLI_YAML_TEXT_BYTES) {
        char *room = tcore_buf_reserve(text, PIECE);
        got = room ? tcore_read_some(fd, room, PIECE) : -1;
        errno = room ? errno : ENOMEM;
        text->length += got > 0 ? (size_t)got : 0;
    }
    int reason = errno;
    if (fd >= 0)
        sys->close(fd);
    errno = reason;
    return got < 0 ? -1 : 0;
}

/* Whether the policy can be worked by: it is right, and there are the keys of its roles. */
static int check(struct cli *cli, int repository, const char *file, const char *name)
{
    struct policy policy = {0};
    struct policy_labels labels = {0};
    struct tcore_error err = {0};
    int result = policy_load(cli, &policy, repository, file, name, false, false);
    if (result == CLI_DONE && policy_labels_open(&labels, &policy, repository, &err) != TCORE_OK)
        cli_note(cli, "%s: %s; nothing is archived before that is put right", name, err.text);
    policy_labels_free(&labels);
    policy_free(&policy);
    return result;
}

/* Writes the text into a new file of the repository; name gets its name. */
static bool write_new(struct cli *cli, int repository, const struct tcore_buf *text, char *name,
                      size_t bytes)
{
    const struct tcore_sys *sys = tcore_sys();
    unsigned long long number;
    int fd = -1;
    if (sys->random(&number, sizeof number) == 0) {
        snprintf(name, bytes, TCORE_NEW_FILE_PREFIX "%016llx", number);
        fd = sys->openat(repository, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                         0640);
    }
    if (fd >= 0 && tcore_write_all(fd, text->data, text->length) == 0 && sys->fsync(fd) == 0) {
        sys->close(fd);
        return true;
    }
    cli_error(cli, "cannot write the policy: %s", strerror(errno));
    if (fd >= 0) {
        sys->close(fd);
        sys->unlinkat(repository, name, 0);
    }
    return false;
}

int policy_put(struct cli *cli, int repository, const char *file)
{
    const struct tcore_sys *sys = tcore_sys();
    struct tcore_buf text = {0};
    struct tcore_error err = {0};
    char name[sizeof TCORE_NEW_FILE_PREFIX + 16], details[64];
    if (read_file(AT_FDCWD, file, &text) < 0) {
        cli_error(cli, "%s: %s", file, strerror(errno));
        tcore_buf_free(&text);
        return CLI_FAILED;
    }
    snprintf(details, sizeof details, "{\"bytes\":%zu}", text.length);
    bool written = write_new(cli, repository, &text, name, sizeof name);
    tcore_buf_free(&text);
    if (!written)
        return CLI_FAILED;
    int result = check(cli, repository, name, file);
    if (result == CLI_DONE && sys->renameat(repository, name, repository, POLICY_FILE) < 0) {
        cli_error(cli, "cannot replace the policy: %s", strerror(errno));
        result = CLI_FAILED;
    }
    if (result != CLI_DONE) {
        sys->unlinkat(repository, name, 0);
        return result;
    }
    if (tcore_sync_directory(repository, &err) != TCORE_OK) {
        cli_report(cli, &err);
        return CLI_FAILED;
    }
    return audit_event(cli, repository, "policy", details, NULL) ? CLI_DONE : CLI_FAILED;
}

/* What waits in logs may have values that have a label from now on, and logs are not sealed. */
static int seal_logs(struct cli *cli, int repository, const char *name)
{
    struct policy policy = {0};
    struct upkeep upkeep;
    bool left;
    int result = policy_load(cli, &policy, repository, POLICY_FILE, POLICY_FILE, true, true);
    bool labels = policy.label_count != 0;
    policy_free(&policy);
    if (result != CLI_DONE || !labels)
        return result;
    result = upkeep_open(&upkeep, cli, name, true);
    if (result == CLI_DONE && upkeep_take_logs(&upkeep, &left) != TCORE_OK)
        cli_note(cli, "%s: what is in open/ is not sealed yet: %s", name, upkeep.err.text);
    else if (result == CLI_DONE && left)
        cli_note(cli, "%s: what others write to open/ is sealed when they have ended", name);
    upkeep_close(&upkeep);
    return result;
}

static int show(struct cli *cli, int repository, const char *name)
{
    struct tcore_buf text = {0};
    if (read_file(repository, POLICY_FILE, &text) < 0 && errno != ENOENT) {
        cli_error(cli, "%s/" POLICY_FILE ": %s", name, strerror(errno));
        tcore_buf_free(&text);
        return CLI_FAILED;
    }
    struct cli_output *output = cli_output_open(cli);
    if (output && text.length)
        cli_output_lines(output, text.data, text.length);
    if (output)
        cli_output_close(output, false);
    tcore_buf_free(&text);
    return cli_exit_status(cli, false);
}

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    struct tcore_repository *repository;
    struct tcore_error err;
    (void)options;
    if (argc < 1 || argc > 2)
        return cli_usage_error(cli, argc ? "one REPO and one FILE at a time" : "a REPO is missing");
    if (tcore_repository_open(&repository, argv[0], &err) != TCORE_OK) {
        err.input = argv[0];
        cli_report(cli, &err);
        return cli_exit_status(cli, false);
    }
    tcore_repository_close(repository);
    int dir = tcore_sys()->openat(AT_FDCWD, argv[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (dir < 0) {
        cli_error(cli, "%s: %s", argv[0], strerror(errno));
        return CLI_FAILED;
    }
    int result = argc == 1 ? show(cli, dir, argv[0]) : policy_put(cli, dir, argv[1]);
    if (argc == 2 && result == CLI_DONE)
        result = seal_logs(cli, dir, argv[0]);
    tcore_sys()->close(dir);
    return result;
}

const struct cli_verb policy_verb = {
    .name = "policy",
    .summary = "Show or replace the policy of a repository.",
    .operands = "REPO [FILE]",
    .description =
        "Prints policy.yaml of REPO, or checks FILE and puts it in its place, in one step. What "
        "was archived before stays as it is; what waits in logs is put into a segment if the "
        "policy has labels.\n"
        "\n"
        "Examples:\n"
        "  trace-record policy repository\n"
        "  trace-record policy repository new.yaml\n",
    .groups = CLI_OUTPUT,
    .run = run,
};
