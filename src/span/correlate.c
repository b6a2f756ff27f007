/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-span correlate: traces that share a value, and values that failed or slow traces share. */
#include <config.h>

#include "cli/message.h"
#include "cli/table.h"
#include "span/correlate.h"
#include "span/verbs.h"

#include <stddef.h>
#include <string.h>

static int check(struct cli *cli, const struct correlate_options *options)
{
    bool slow = options->of && strcmp(options->of, "slow") == 0;
    if (!options->of && !options->by.count)
        return cli_usage_error(cli, "correlate needs --by=FIELD or --of=errors|slow");
    if (options->slower_than && !slow)
        return cli_usage_error(cli, "--slower-than is for --of=slow");
    if (options->of && options->least_traces >= 0)
        return cli_usage_error(cli, "--min-traces is not for --of");
    if (options->alpha <= 0 || options->alpha > 1)
        return cli_usage_error(cli, "--alpha must be more than 0 and at most 1");
    return CLI_DONE;
}

static int run(struct cli *cli, void *verb_options, int argc, char **argv)
{
    static const char *const groups[] = {"count", "errors", "spanCount", "startTime", "gapMaxNano"};
    static const char *const others[] = {"executionCount", "logCount", "metricCount"};
    static const char *contrasts[] = {"rank", "value", "expected", "pValue", "message"};
    struct cli_columns columns = {0};
    const struct correlate_options *options = verb_options;
    int status = check(cli, options);
    if (status != CLI_DONE)
        return status;
    if (options->of)
        cli_table_on_terminal(cli, contrasts, sizeof contrasts / sizeof *contrasts);
    cli_columns_add(&columns, groups, sizeof groups / sizeof *groups);
    if (cli_table_is_wide(cli))
        cli_columns_add(&columns, others, sizeof others / sizeof *others);
    cli_columns_add(&columns, options->by.item, options->by.count);
    if (!options->of)
        cli_table_on_terminal(cli, columns.name, columns.count);
    return options->of ? correlate_contrast(cli, options, argc, argv)
                       : correlate_groups(cli, options, argc, argv);
}

static const struct cli_option options[] = {
    {0, "by", CLI_LIST, offsetof(struct correlate_options, by), "LIST",
     "traces with the same values of these fields; with --of: only these fields are looked at",
     NULL},
    {0, "of", CLI_CHOICE, offsetof(struct correlate_options, of), "WHAT",
     "instead: values that such traces have more often than the others", "errors|slow"},
    {0, "slower-than", CLI_STRING, offsetof(struct correlate_options, slower_than), "DUR|pNN",
     "what is slow: longer than this, or than this share of all traces (default p90)", NULL},
    {0, "min-traces", CLI_INT, offsetof(struct correlate_options, least_traces), "N",
     "only groups of N traces or more (default 2)", NULL},
    {0, "max-traces", CLI_INT, offsetof(struct correlate_options, most_traces), "N",
     "list no more than N traces of a group (default 100)", NULL},
    {0, "alpha", CLI_DOUBLE, offsetof(struct correlate_options, alpha), "P",
     "with --of: the share of false findings that is accepted (default 0.05)", NULL},
};

static const struct correlate_options defaults = {
    .least_traces = -1, .most_traces = 100, .alpha = 0.05};

const struct cli_verb span_correlate = {
    .name = "correlate",
    .summary = "Find traces that share a value, and what failed traces share.",
    .operands = "[INPUT]...",
    .description =
        "With --by a group is what has the same value of a field, such as user.id, session.id or "
        "correlationId: traces of which some span, log or execution has it, in the order of "
        "time and with the gaps between them, and executions, logs and metrics that have it. With "
        "several fields a record must have all of them.\n"
        "\n"
        "With --of=errors failed traces, those with a span whose status is error, are compared "
        "with the others: which values of which attributes, resource attributes and names do they "
        "have more often? Each value has Fisher's exact test, and p-values are adjusted for their "
        "number after Benjamini and Hochberg. Values that are on the same traces are one finding. "
        "With --of=slow the slowest traces are compared.\n"
        "\n"
        "Examples:\n"
        "  trace-span correlate --by=user.id spans.ndjson\n"
        "  trace-span correlate --of=errors spans.ndjson\n"
        "  trace-span correlate --of=slow --slower-than=2s --by=host.name repo\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = "fail when what is known of all traces is more (default 1G)",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct correlate_options),
    .defaults = &defaults,
    .run = run,
};
