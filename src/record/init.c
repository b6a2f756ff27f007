/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record init: an empty repository. */
#include <config.h>

#include "cli/message.h"
#include "record/verbs.h"
#include "store/repository.h"

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    struct tcore_error err;
    (void)options;
    if (argc != 1)
        return cli_usage_error(cli, argc ? "one REPO at a time" : "a REPO is missing");
    if (tcore_repository_create(argv[0], &err) != TCORE_OK) {
        err.input = argv[0];
        cli_report(cli, &err);
    }
    return cli_exit_status(cli, false);
}

const struct cli_verb init_verb = {
    .name = "init",
    .summary = "Make an empty repository.",
    .operands = "REPO",
    .description = "REPO must not be there, or be an empty directory. Its files can be read by its "
                   "group and by nobody else.\n"
                   "\n"
                   "Example:\n"
                   "  trace-record init repository\n",
    .run = run,
};
