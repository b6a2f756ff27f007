/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record read: the records of a repository, all of it the common loop. */
#include <config.h>

#include "cli/filter.h"
#include "record/verbs.h"

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    static const struct cli_operator all = {
        .types = ((1u << TCORE_RECORD_TYPES) - 1) & ~(1u << TCORE_RECORD_CLOCK),
        .passes_text = true,
    };
    (void)options;
    return cli_filter(cli, &all, NULL, argc, argv);
}

const struct cli_verb read_verb = {
    .name = "read",
    .summary = "Print the records of a repository, or of files.",
    .operands = "REPO...",
    .description =
        "Segments come in the order of time, and in a segment records of one type in the order "
        "in which they were archived. Of what --type, --since and --until leave out, segments and "
        "columns are not read.\n"
        "\n"
        "Examples:\n"
        "  trace-record read repository --since=-1h --type=span\n"
        "  trace-record read repository -w '.service == \"cart\"' -b | trace-span assemble\n",
    .groups = CLI_READS | CLI_WRITES,
    .run = run,
};
