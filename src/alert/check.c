/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-alert check: rule files in, what is wrong with them out; nothing if they are fine. */
#include <config.h>

#include "alert/rules_file.h"
#include "alert/verbs.h"
#include "cli/message.h"

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    int exit_status = CLI_DONE;

    (void)options;
    if (argc < 1)
        return cli_usage_error(cli, "name the rule FILE to check");
    for (int i = 0; i < argc; i++) {
        struct rules rules = {0};
        int one = rules_load(cli, &rules, argv[i], false);

        rules_free(&rules);
        if (one > exit_status)
            exit_status = one;
    }
    return exit_status;
}

static const struct cli_exit_meaning exits[] = {{"2", "wrong usage, or an error in the rules"},
                                                {0}};

const struct cli_verb alert_check = {
    .name = "check",
    .summary = "Check rule files.",
    .operands = "FILE...",
    .description =
        "Each error is named as FILE:LINE:COLUMN, and the exit status is 2 then. A file without "
        "errors prints nothing but warnings: a channel that is never used.\n"
        "\n"
        "Example:\n"
        "  trace-alert check rules.yaml\n",
    .exits = exits,
    .run = run,
};
