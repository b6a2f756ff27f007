/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-detect trend: the history of each series flows in, and a finding flows out for each that
 * tends to rise or to fall.
 */
#include <config.h>

#include "stats/trend.h"

#include "base/sys.h"
#include "cli/filter.h"
#include "cli/finding.h"
#include "cli/message.h"
#include "detect/describe.h"
#include "detect/grid.h"
#include "detect/look_back.h"
#include "detect/verbs.h"
#include "model/time.h"
#include "stats/season.h"

#include <inttypes.h>

#define CONFIDENCE 0.95

struct trend_options {
    struct cli_strings stats, by;
    double alpha;
    int64_t step_ns;
    bool exit_code;
};

struct trend {
    struct look_back back; /* first: its histories are what the operator takes in with */
    struct cli *cli;
    const struct trend_options *options;
    uint64_t found;
};

/* A line through a series, as people are told of it. */
struct line {
    int64_t from_ns, to_ns;
    double from, to;     /* where it begins and ends */
    double lower, upper; /* where it might end */
    double seconds;
    size_t period; /* steps; 0: no season */
};

static struct line draw_line(const struct history *h, const struct grid *grid, size_t period,
                             const struct tcore_trend *trend)
{
    double steps = (double)(grid->count - 1);

    return (struct line){
        .from_ns = grid->start_ns,
        .to_ns = grid_time(grid, steps),
        .from = grid_shown(h, trend->level),
        .to = grid_shown(h, trend->level + trend->slope * steps),
        .lower = grid_shown(h, trend->level + trend->lower * steps),
        .upper = grid_shown(h, trend->level + trend->upper * steps),
        .seconds = steps * (double)grid->step_ns / 1e9,
        .period = period,
    };
}

/* "disk_used h1: rises by 1.2 GB (0.9-1.5 GB) a day: 10 GB -> 13 GB since 2026-11-20T00:00:00Z,
 * ..." */
static void put_message(struct tcore_buf *out, const struct trend *t, uint32_t series,
                        const struct line *line, const struct grid *grid, double p_value)
{
    const struct look_back *back = &t->back;
    const char *unit = back->all.history[series].in.unit;
    double rises = line->to >= line->from ? 1 : -1;
    const char *per;
    double seconds = describe_unit_of_time(line->seconds, &per) / line->seconds;
    double low = (line->lower - line->from) * rises, high = (line->upper - line->from) * rises;
    char time[64];

    series_put_label(out, &back->all.table, series);
    tcore_buf_puts(out, rises > 0 ? ": rises by " : ": falls by ");
    describe_value(out, fabs(line->to - line->from) * seconds, unit);
    if (isfinite(low) && isfinite(high)) {
        tcore_buf_puts(out, " (");
        describe_range(out, fmin(low, high) * seconds, fmax(low, high) * seconds, unit);
        tcore_buf_putc(out, ')');
    }
    tcore_buf_printf(out, " a %s: ", per);
    describe_value(out, line->from, unit);
    tcore_buf_puts(out, " -> ");
    describe_value(out, line->to, unit);
    tcore_buf_puts(out, " since ");
    tcore_buf_append(out, time, tcore_format_time(time, line->from_ns));
    if (line->period) {
        tcore_buf_puts(out, ", with a season of ");
        describe_duration(out, (int64_t)line->period * grid->step_ns);
    }
    if (p_value < 0.0001)
        tcore_buf_puts(out, ", p<0.0001");
    else
        tcore_buf_printf(out, ", p=%.2g", p_value);
}

static enum tcore_status report(struct trend *t, uint32_t series, const struct grid *grid,
                                size_t period, const struct tcore_trend *trend,
                                struct tcore_buf *out, struct tcore_error *err)
{
    const struct histories *all = &t->back.all;
    const struct line line = draw_line(&all->history[series], grid, period, trend);
    struct cli_finding finding = CLI_FINDING_EMPTY;
    struct tcore_buf message = {0};

    finding.kind = "trend";
    finding.severity = "info";
    finding.score = trend->tau;
    finding.time_ns = &line.to_ns;
    finding.value = line.to;
    finding.expected = line.from;
    finding.lower = line.lower;
    finding.upper = line.upper;
    finding.p_value = trend->p_value;
    finding.confidence = CONFIDENCE;
    finding.method = trend->of_steps ? "steps" : period ? "seasonal-kendall" : "mann-kendall";
    finding.quantile = intake_quantile(all->table.name[series].stat);
    finding.slope = (line.to - line.from) / line.seconds;
    put_message(&message, t, series, &line, grid, trend->p_value);
    t->found++;
    return look_back_write(&t->back, series, &finding, &message, "", out, err);
}

static enum tcore_status judge(void *owner, uint32_t series, struct grid *grid,
                               struct tcore_buf *out, struct tcore_error *err)
{
    struct trend *t = owner;
    struct tcore_trend trend;
    size_t period = 0;
    enum tcore_status status = look_back_period(grid, &period, err);

    if (status == TCORE_OK)
        status = tcore_trend(grid->value, grid->count, period, CONFIDENCE, &trend, err);
    if (status != TCORE_OK || isnan(trend.slope) || !(trend.p_value <= t->options->alpha))
        return status;
    return report(t, series, grid, period, &trend, out, err);
}

static enum tcore_status finish_trend(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct trend *t = state;
    enum tcore_status status = look_back_at_all(&t->back, out, err);

    if (status == TCORE_OK) {
        look_back_note(&t->back, t->cli);
        cli_note(t->cli, "%zu series judged: %" PRIu64 " trend%s", t->back.judged, t->found,
                 t->found == 1 ? "" : "s");
    }
    return status;
}

_Static_assert(offsetof(struct trend, back) == 0, "the state begins with the histories");

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    static const struct cli_operator op = {
        .types = LOOK_BACK_TYPES,
        .ordered = true,
        .open = histories_open,
        .batch = histories_batch,
        .finish = finish_trend,
    };
    const struct trend_options *o = options;
    struct trend t = {.cli = cli, .options = o};
    struct tcore_error err;

    if (!(o->alpha > 0 && o->alpha <= 1))
        return cli_usage_error(cli, "--alpha is a probability: above 0, up to 1");
    if (histories_init(&t.back.all, cli, o->stats, o->by, &err) != TCORE_OK) {
        cli_error(cli, "%s", err.text);
        return CLI_FAILED;
    }
    t.back.owner = &t;
    t.back.judge = judge;
    t.back.step_ns = o->step_ns;
    t.back.shortest = TCORE_TREND_SHORTEST;
    int status = cli_filter(cli, &op, &t, argc, argv);

    if (status != CLI_USAGE)
        status = cli_exit_status(cli, o->exit_code && t.back.finished && t.found);
    histories_free(&t.back.all);
    return status;
}

#define OPTION(member) offsetof(struct trend_options, member)

static const struct cli_option option_table[] = {
    {0, "alpha", CLI_DOUBLE, OPTION(alpha), "P",
     "share of series without a trend that may be reported (0.01)", NULL},
    {0, "by", CLI_LIST, OPTION(by), "LIST",
     "the fields that make a series of spans and metrics (spans: service,name)", NULL},
    {0, "exit-code", CLI_FLAG, OPTION(exit_code), NULL, "exit with 1 when a trend was found", NULL},
    {0, "stat", CLI_LIST, OPTION(stats), "LIST",
     "the statistics of aggregates to look at (the first of p99, mean, rate, count)", NULL},
    {0, "step", CLI_DURATION, OPTION(step_ns), "DUR",
     "take the mean of each DUR (default: the usual distance of points)", NULL},
};

static const struct trend_options defaults = {.alpha = 0.01};

static const struct cli_exit_meaning exits[] = {{"1", "with --exit-code: a trend was found"}, {0}};

const struct cli_verb detect_trend = {
    .name = "trend",
    .summary = "Report which series rise or fall, and how fast.",
    .operands = "[INPUT]...",
    .description =
        "Takes the history of metrics, aggregates and spans, in any order. The slope is Theil and\n"
        "Sen's, the test Mann and Kendall's, both within the phases of a season where there is "
        "one.\n"
        "\n"
        "Examples:\n"
        "  trace-detect trend metrics.ndjson\n"
        "  trace-agg --window=1h --by=service,name spans.ndjson | trace-detect trend\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = "fail when the points of all series, 24 bytes each, are more",
    .exits = exits,
    .options = option_table,
    .option_count = sizeof option_table / sizeof *option_table,
    .options_size = sizeof(struct trend_options),
    .defaults = &defaults,
    .run = run,
};
