/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-span filter: the spans and traces for which an expression is true, byte for byte as they
 * came. All of it is the common loop: which records, is said by its own options.
 */
#include <config.h>

#include "cli/filter.h"
#include "span/verbs.h"

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    static const struct cli_operator whole_lines = {
        .types = 1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_TRACE,
        .passes_text = true,
    };
    (void)options;
    return cli_filter(cli, &whole_lines, NULL, argc, argv);
}

const struct cli_verb span_filter = {
    .name = "filter",
    .summary = "Keep the spans that match, as they are.",
    .operands = "[INPUT]...",
    .description =
        "Records of other types are counted and left out, unless --pass forwards them or --type "
        "names them.\n"
        "\n"
        "Examples:\n"
        "  trace-span filter -w '.service == \"cart\" and .durationNano > 100*ms' spans\n"
        "  trace-span filter -w '.status == \"error\"' --since=-1h --format=table \\\n"
        "      --fields=service,name,durationNano,http.route spans\n",
    .groups = CLI_READS | CLI_WRITES,
    .run = run,
};
