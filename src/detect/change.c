/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-detect change: the history of each series flows in, and a finding flows out for each time
 * from which on it was different. All points are kept until the end.
 */
#include <config.h>

#include "detect/change.h"

#include "cli/filter.h"
#include "cli/message.h"
#include "detect/verbs.h"
#include "stats/change_test.h"
#include "stats/segmentation.h"

#include <inttypes.h>

/* --- What people are told besides */

static void note_totals(const struct change *c)
{
    size_t shortest = c->options->gate ? TCORE_CHANGE_SHORTEST : 2 * TCORE_SEGMENT_SHORTEST;

    histories_note_left_out(&c->all, c->cli);
    if (c->repeated)
        cli_note(c->cli,
                 "%" PRIu64 " point%s the time of another one of %s series: taken in the order of "
                 "the input",
                 c->repeated, c->repeated == 1 ? " has" : "s have",
                 c->repeated == 1 ? "its" : "their");
    if (c->too_short)
        cli_note(c->cli, "%zu series of less than %zu points: nothing is said of %s", c->too_short,
                 shortest, c->too_short == 1 ? "it" : "them");
    if (c->steady)
        cli_note(c->cli, "%zu series %s one value only", c->steady,
                 c->steady == 1 ? "has" : "have");
    cli_note(c->cli, "%zu series judged: %" PRIu64 " change%s", c->judged, c->found,
             c->found == 1 ? "" : "s");
}

static enum tcore_status finish_change(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct change *c = state;
    enum tcore_status status = change_judge(c, out, err);

    c->finished = status == TCORE_OK;
    if (c->finished)
        note_totals(c);
    return status;
}

double change_alpha(const struct change_options *options)
{
    return options->alpha > 0 ? options->alpha : 0.01;
}

static const char *wrong_option(const struct change_options *o)
{
    if (isnan(o->alpha))
        return NULL;
    if (!o->gate)
        return "--alpha is the significance level of --gate";
    return o->alpha > 0 && o->alpha < 1 ? NULL : "--alpha is a probability: between 0 and 1";
}

_Static_assert(offsetof(struct change, all) == 0, "the state begins with the histories");

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    static const struct cli_operator op = {
        .types = 1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_METRIC | 1u << TCORE_RECORD_AGGREGATE,
        .ordered = true,
        .open = histories_open,
        .batch = histories_batch,
        .finish = finish_change,
    };
    const struct change_options *o = options;
    struct change c = {.cli = cli, .options = o};
    struct tcore_error err;
    int status;

    if (wrong_option(o))
        return cli_usage_error(cli, "%s", wrong_option(o));
    if (histories_init(&c.all, cli, o->stats, o->by, &err) != TCORE_OK) {
        cli_error(cli, "%s", err.text);
        return CLI_FAILED;
    }
    c.all.with_runs = true;
    c.all.table.left_out = RUN_ID;
    status = cli_filter(cli, &op, &c, argc, argv);
    if (status != CLI_USAGE)
        status = cli_exit_status(cli, (o->gate || o->exit_code) && c.finished && c.found);
    histories_free(&c.all);
    return status;
}

#define OPTION(member) offsetof(struct change_options, member)

static const struct cli_option option_table[] = {
    {0, "alpha", CLI_DOUBLE, OPTION(alpha), "P",
     "with --gate: share of unchanged series that may be reported (0.01)", NULL},
    {0, "by", CLI_LIST, OPTION(by), "LIST",
     "the fields that make a series of spans and metrics (spans: service,name)", NULL},
    {0, "exit-code", CLI_FLAG, OPTION(exit_code), NULL,
     "exit with 1 when a change was found, as --gate does anyway", NULL},
    {0, "gate", CLI_FLAG, OPTION(gate), NULL,
     "test each series for one change of its level, and exit with 1 when there is one", NULL},
    {0, "stat", CLI_LIST, OPTION(stats), "LIST",
     "the statistics of aggregates to look at (the first of p99, mean, rate, count)", NULL},
};

static const struct change_options defaults = {.alpha = NAN};

static const struct cli_exit_meaning exits[] = {
    {"1", "with --gate or --exit-code: a series changed"}, {0}};

const struct cli_verb detect_change = {
    .name = "change",
    .summary = "Report since when a series has been different.",
    .operands = "[INPUT]...",
    .description =
        "Takes the history of metrics, aggregates and spans, in any order. Without --gate it is\n"
        "divided as people who look at it would do; --gate is a test that at most 1 % of the\n"
        "series fail that did not change.\n"
        "\n"
        "Examples:\n"
        "  trace-agg --window=1h --by=service,name spans.ndjson | trace-detect change\n"
        "  trace-detect change --gate --by=name benchmarks.ndjson\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = "fail when the points of all series, 24 bytes each, are more",
    .exits = exits,
    .options = option_table,
    .option_count = sizeof option_table / sizeof *option_table,
    .options_size = sizeof(struct change_options),
    .defaults = &defaults,
    .run = run,
};
