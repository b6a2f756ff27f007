/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record init: an empty repository. */
#include <config.h>

#include "base/sys.h"
#include "cli/message.h"
#include "record/repository/policy_put.h"
#include "record/verbs.h"
#include "store/repository.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct init_options {
    const char *policy;
};

static int put_policy(struct cli *cli, const char *path, const char *policy)
{
    int dir = tcore_sys()->openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (dir < 0) {
        cli_error(cli, "%s: %s", path, strerror(errno));
        return CLI_FAILED;
    }
    int result = policy_put(cli, dir, policy);
    tcore_sys()->close(dir);
    return result;
}

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    struct tcore_error err;
    const struct init_options *o = options;
    if (argc != 1)
        return cli_usage_error(cli, argc ? "one REPO at a time" : "a REPO is missing");
    if (tcore_repository_create(argv[0], &err) != TCORE_OK) {
        err.input = argv[0];
        cli_report(cli, &err);
    } else if (o->policy) {
        return put_policy(cli, argv[0], o->policy);
    }
    return cli_exit_status(cli, false);
}

static const struct cli_option options[] = {
    {0, "policy", CLI_STRING, offsetof(struct init_options, policy), "FILE",
     "its policy, which is checked", NULL},
};

const struct cli_verb init_verb = {
    .name = "init",
    .summary = "Make an empty repository.",
    .operands = "REPO",
    .description = "REPO must not be there, or be an empty directory. Its files can be read by its "
                   "group and by nobody else.\n"
                   "\n"
                   "Example:\n"
                   "  trace-record init repository\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct init_options),
    .run = run,
};
