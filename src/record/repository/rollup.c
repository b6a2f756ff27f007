/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record rollup: what groups of segments add up to, for questions about months. */
#include <config.h>

#include "cli/message.h"
#include "record/verbs.h"
#include "store/joint.h"
#include "store/known_traces.h"

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    struct tcore_repository *repository;
    struct tcore_error err;
    size_t made = 0, removed = 0;
    (void)options;
    if (argc != 1)
        return cli_usage_error(cli, argc ? "one REPO at a time" : "a REPO is missing");
    enum tcore_status status = tcore_repository_open(&repository, argv[0], &err);
    if (status == TCORE_OK)
        status = tcore_joints_update(repository, &made, &removed, &err);
    if (status == TCORE_OK)
        status = tcore_known_traces_update(repository, &made, &err);
    if (status != TCORE_OK) {
        err.input = argv[0];
        cli_report(cli, &err);
    }
    tcore_repository_close(repository);
    return cli_exit_status(cli, false);
}

const struct cli_verb rollup_verb = {
    .name = "rollup",
    .summary = "Add segments up, so that months can be asked for.",
    .operands = "REPO",
    .description =
        "Every segment has roll-ups of its own. This makes joint ones, of 64 segments each, in "
        "windows of an hour and of a day: trace-agg takes them where its groups, statistics and "
        "windows allow, and gives the same result as without. Those of segments that are gone "
        "are removed. To be run by cron, once an hour or a day.\n"
        "\n"
        "Example:\n"
        "  trace-record rollup repository\n",
    .run = run,
};
