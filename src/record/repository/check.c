/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record check: whether every byte of a repository is what was written. */
#include <config.h>

#include "cli/message.h"
#include "record/verbs.h"
#include "store/repository.h"
#include "store/segment_check.h"

#include "base/sys.h"

#include <inttypes.h>
#include <stdio.h>

struct check {
    struct cli *cli;
    const char *repository;
    const char *segment;
    bool found; /* damage */
};

static void tell(void *context, const char *what)
{
    struct check *c = context;
    fflush(stdout);
    cli_note(c->cli, "%s: segments/%s: %s", c->repository, c->segment, what);
    c->found = true;
}

/* Of a segment without its index. */
static enum tcore_status tell_what_is_left(struct check *c, struct tcore_repository *repository,
                                           struct tcore_error *err)
{
    struct tcore_segment *segment;
    enum tcore_status status =
        tcore_repository_salvage_segment(repository, c->segment, &segment, err);
    if (status == TCORE_BAD_INPUT)
        tell(c, err->text);
    if (status != TCORE_OK)
        return status == TCORE_FATAL ? status : TCORE_OK;
    status = tcore_segment_check_blocks(segment, tell, c, err);
    tcore_segment_close(segment);
    return status == TCORE_BAD_INPUT ? TCORE_OK : status;
}

static enum tcore_status check_segment(struct check *c, struct tcore_repository *repository,
                                       struct tcore_error *err)
{
    struct tcore_segment *segment;
    enum tcore_status status = tcore_repository_open_segment(repository, c->segment, &segment, err);
    if (status == TCORE_EOF) /* removed since */
        return TCORE_OK;
    if (status == TCORE_BAD_INPUT) {
        tell(c, err->text);
        return tell_what_is_left(c, repository, err);
    }
    if (status != TCORE_OK)
        return status;
    status = tcore_segment_check(segment, tell, c, err);
    tcore_segment_close(segment);
    return status == TCORE_BAD_INPUT ? TCORE_OK : status;
}

/* Reads a log to its end. A torn end is what a crash leaves, and no damage. */
static void check_log(struct check *c, int dir, const char *name)
{
    struct tcore_log_reader *reader;
    struct tcore_log_entry entry;
    struct tcore_error err = {0};
    enum tcore_status status = tcore_log_reader_open(&reader, dir, name, &err);
    if (status == TCORE_EOF) /* renamed or sealed since */
        return;
    if (status == TCORE_OK) {
        do
            status = tcore_log_read(reader, &entry, &err);
        while (status == TCORE_OK || status == TCORE_SKIP);
        const struct tcore_log_report *report = tcore_log_reader_report(reader);
        if (report->torn_bytes)
            cli_note(c->cli,
                     "%s: open/%s: %" PRIu64 " bytes at its end are of an entry that was "
                     "not finished",
                     c->repository, name, report->torn_bytes);
        if (report->damages)
            tcore_error_set(
                &err, TCORE_BAD_INPUT,
                "damaged log: %" PRIu64 " bytes in %" PRIu64 " place%s are no entry of it",
                report->damaged_bytes, report->damages, report->damages == 1 ? "" : "s");
        if (report->damages && status == TCORE_EOF)
            status = TCORE_BAD_INPUT;
        tcore_log_reader_close(reader);
    }
    if (status != TCORE_OK && status != TCORE_EOF) {
        cli_note(c->cli, "%s: open/%s: %s", c->repository, name, err.text);
        c->found = true;
    }
}

static enum tcore_status check_logs(struct check *c, struct tcore_repository *repository,
                                    struct tcore_error *err)
{
    char **names;
    size_t count;
    int dir;
    enum tcore_status status = tcore_repository_folder(repository, "open", false, &dir, err);
    if (status != TCORE_OK)
        return status == TCORE_EOF ? TCORE_OK : status;
    status = tcore_log_list(dir, &names, &count, err);
    for (size_t i = 0; i < count && status == TCORE_OK; i++)
        check_log(c, dir, names[i]);
    tcore_free(names);
    tcore_sys()->close(dir);
    return status;
}

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    struct check check = {.cli = cli};
    struct tcore_repository *repository;
    struct tcore_segment_list segments = {0};
    struct tcore_error err;
    (void)options;
    if (argc != 1)
        return cli_usage_error(cli, argc ? "one REPO at a time" : "a REPO is missing");
    check.repository = argv[0];
    enum tcore_status status = tcore_repository_open(&repository, argv[0], &err);
    if (status == TCORE_OK)
        status = tcore_repository_list(repository, &segments, &err);
    for (size_t i = 0; i < segments.count && status == TCORE_OK; i++) {
        check.segment = segments.path[i];
        status = check_segment(&check, repository, &err);
    }
    if (status == TCORE_OK)
        status = check_logs(&check, repository, &err);
    if (status != TCORE_OK) {
        err.input = argv[0];
        cli_report(cli, &err);
    }
    tcore_segment_list_free(&segments);
    tcore_repository_close(repository);
    return cli_exit_status(cli, check.found);
}

static const struct cli_exit_meaning exits[] = {
    {"1", "something is damaged"},
    {0},
};

const struct cli_verb check_verb = {
    .name = "check",
    .summary = "Find out whether a repository is what was written.",
    .operands = "REPO",
    .description = "Reads every segment: the digest of the file, every member's checksums, every "
                   "record; and every log. Says nothing if all is well; what is damaged is named, "
                   "a line each, "
                   "and nothing is changed.\n"
                   "\n"
                   "Example:\n"
                   "  trace-record check repository\n",
    .exits = exits,
    .run = run,
};
