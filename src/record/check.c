/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record check: whether every byte of a repository is what was written. */
#include <config.h>

#include "cli/message.h"
#include "record/verbs.h"
#include "store/repository.h"
#include "store/segment_check.h"

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
                   "record. Says nothing if all is well; what is damaged is named, a line each, "
                   "and nothing is changed.\n"
                   "\n"
                   "Example:\n"
                   "  trace-record check repository\n",
    .exits = exits,
    .run = run,
};
