/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-span cut: some fields of each record. All of it is --fields, which other verbs take, too.
 */
#include <config.h>

#include "cli/filter.h"
#include "cli/message.h"
#include "span/verbs.h"

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    static const struct cli_operator whole_lines = {
        .types = 1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_TRACE,
        .passes_text = true,
    };
    (void)options;
    if (!cli->io.fields.count)
        return cli_usage_error(cli, "cut needs --fields=LIST");
    return cli_filter(cli, &whole_lines, NULL, argc, argv);
}

const struct cli_verb span_cut = {
    .name = "cut",
    .summary = "Keep some fields of each record.",
    .operands = "--fields=LIST [INPUT]...",
    .description =
        "A field is a name at the top of the record or in its attributes or resource. Spans and "
        "traces are cut, or records of the types that --type names.\n"
        "\n"
        "Examples:\n"
        "  trace-span cut --fields=service,name,durationNano spans.ndjson\n"
        "  trace-span cut --fields=traceId,http.route --format=tsv spans.ndjson\n",
    .groups = CLI_READS | CLI_WRITES,
    .run = run,
};
