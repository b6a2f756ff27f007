/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-detect capacity: the history of what is used of a limit flows in; a finding a series flows
 * out that says when it will be full, and what to do about it.
 */
#include <config.h>

#include "detect/capacity.h"

#include "base/sys.h"
#include "cli/filter.h"
#include "cli/message.h"
#include "detect/verbs.h"

#include <math.h>

static enum tcore_status judge(void *owner, uint32_t series, struct grid *grid,
                               struct tcore_buf *out, struct tcore_error *err)
{
    struct capacity *c = owner;

    (void)out;
    if (c->needs == c->capacity) {
        size_t capacity = c->capacity ? 2 * c->capacity : 64;
        struct need *grown = tcore_reallocarray(c->need, capacity, sizeof *grown);

        if (!grown)
            return tcore_error_nomem(err);
        c->need = grown;
        c->capacity = capacity;
    }
    c->need[c->needs] = (struct need){.series = series};
    return capacity_find_need(c, &c->back.all.history[series], grid, &c->need[c->needs++], err);
}

static enum tcore_status finish_capacity(void *state, struct tcore_buf *out,
                                         struct tcore_error *err)
{
    struct capacity *c = state;
    enum tcore_status status = look_back_at_all(&c->back, out, err);

    if (status == TCORE_OK)
        status = capacity_report(c, out, err);
    c->back.finished = status == TCORE_OK;
    if (status != TCORE_OK)
        return status;
    look_back_note(&c->back, c->cli);
    cli_note(c->cli, "%zu series judged: %zu full by the horizon", c->back.judged, c->full);
    return TCORE_OK;
}

static const char *wrong_option(struct capacity *c)
{
    const struct capacity_options *o = c->options;

    if (!isfinite(o->limit))
        return "--limit=V is missing: what there is of what is used";
    if (o->horizon && !outlook_parse_horizon(o->horizon, &c->horizon))
        return "--horizon is a duration (30d, 4h) or a number of steps";
    if (!(o->interval > 0 && o->interval < 1))
        return "--interval is between 0% and 100%";
    return NULL;
}

_Static_assert(offsetof(struct capacity, back) == 0, "the state begins with the histories");

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    static const struct cli_operator op = {
        .types = LOOK_BACK_TYPES,
        .ordered = true,
        .open = histories_open,
        .batch = histories_batch,
        .finish = finish_capacity,
    };
    const struct capacity_options *o = options;
    struct capacity c = {.cli = cli, .options = o};
    struct tcore_error err;
    const char *wrong = wrong_option(&c);

    if (wrong)
        return cli_usage_error(cli, "%s", wrong);
    if (histories_init(&c.back.all, cli, o->stats, o->by, &err) != TCORE_OK) {
        cli_error(cli, "%s", err.text);
        return CLI_FAILED;
    }
    c.back.owner = &c;
    c.back.judge = judge;
    c.back.step_ns = o->step_ns;
    c.back.shortest = TCORE_FORECAST_SHORTEST;
    int status = cli_filter(cli, &op, &c, argc, argv);

    if (status != CLI_USAGE)
        status = cli_exit_status(cli, o->exit_code && c.back.finished && c.full);
    tcore_free(c.need);
    histories_free(&c.back.all);
    return status;
}

#define OPTION(member) offsetof(struct capacity_options, member)

static const struct cli_option option_table[] = {
    {0, "by", CLI_LIST, OPTION(by), "LIST",
     "the fields that make a series of spans and metrics (spans: service,name)", NULL},
    {0, "exit-code", CLI_FLAG, OPTION(exit_code), NULL,
     "exit with 1 when something is full by the horizon", NULL},
    {0, "horizon", CLI_STRING, OPTION(horizon), "DUR|N",
     "how far to plan ahead: 30d, or a number of steps (as far as the history goes back)", NULL},
    {0, "interval", CLI_PERCENT, OPTION(interval), "PERCENT",
     "how sure to be of the earliest and latest time and of what is needed (90%)", NULL},
    {0, "limit", CLI_DOUBLE, OPTION(limit), "V", "what there is of what each series uses", NULL},
    {0, "stat", CLI_LIST, OPTION(stats), "LIST",
     "the statistics of aggregates to look at (the first of p99, mean, rate, count)", NULL},
    {0, "step", CLI_DURATION, OPTION(step_ns), "DUR",
     "take the mean of each DUR (default: the usual distance of points)", NULL},
};

static const struct capacity_options defaults = {.interval = 0.9, .limit = NAN};

static const struct cli_exit_meaning exits[] = {
    {"1", "with --exit-code: a series is full by the horizon"}, {0}};

const struct cli_verb detect_capacity = {
    .name = "capacity",
    .summary = "Say when limits are reached, what to add and what to move.",
    .operands = "[INPUT]...",
    .description =
        "Takes the history of metrics, aggregates and spans, in any order. Each series gets a\n"
        "finding, the most urgent first: what is used of the limit and what is left, when it will "
        "be\n"
        "full, what it will need by the horizon, how much to add for that, and to which series of\n"
        "the same metric that could be moved instead. Only what rises will be full.\n"
        "\n"
        "Examples:\n"
        "  trace-detect capacity --limit=0.95 --horizon=30d disks.ndjson\n"
        "  trace-detect capacity --limit=500e9 --exit-code disk-bytes.ndjson\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = "fail when the points of all series, 24 bytes each, are more",
    .exits = exits,
    .options = option_table,
    .option_count = sizeof option_table / sizeof *option_table,
    .options_size = sizeof(struct capacity_options),
    .defaults = &defaults,
    .run = run,
};
