/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-detect forecast: the history of each series flows in, and findings flow out that say how it
 * will go on, or which series will pass a limit, and when.
 */
#include <config.h>

#include "detect/forecast.h"

#include "base/sys.h"
#include "cli/filter.h"
#include "cli/message.h"
#include "detect/verbs.h"
#include "model/number.h"

#include <inttypes.h>

static bool has_limit(const struct forecast_options *o)
{
    return !isnan(o->above) || !isnan(o->below);
}

static enum tcore_status judge(void *owner, uint32_t series, struct grid *grid,
                               struct tcore_buf *out, struct tcore_error *err)
{
    struct forecast *f = owner;
    struct tcore_forecast forecast;
    size_t steps = outlook_steps(grid, &f->horizon);

    if (!steps) {
        f->too_far++;
        return TCORE_OK;
    }
    struct tcore_seasons seasons;
    enum tcore_status status = outlook_seasons(grid, &seasons, err);

    if (status == TCORE_OK)
        status = tcore_forecast(grid->value, grid->count, &seasons, steps, &forecast, err);
    if (status != TCORE_OK)
        return status;
    status = forecast_report(f, series, grid, &forecast, out, err);
    tcore_forecast_free(&forecast);
    return status;
}

static enum tcore_status finish_forecast(void *state, struct tcore_buf *out,
                                         struct tcore_error *err)
{
    struct forecast *f = state;
    enum tcore_status status = look_back_at_all(&f->back, out, err);

    if (status != TCORE_OK)
        return status;
    look_back_note(&f->back, f->cli);
    if (f->too_far)
        cli_note(f->cli, "%zu series with more than %d steps to the horizon: nothing is said of %s",
                 f->too_far, OUTLOOK_LONGEST, f->too_far == 1 ? "it" : "them");
    if (has_limit(f->options))
        cli_note(f->cli, "%zu series forecast: %" PRIu64 " may pass a limit",
                 f->back.judged - f->too_far, f->found);
    else
        cli_note(f->cli, "%zu series forecast", f->back.judged - f->too_far);
    return TCORE_OK;
}

/* --- Options */

/* "0.5,0.9". NULL, or what is wrong. */
static const char *read_quantiles(struct forecast *f, const struct cli_strings *list)
{
    static const double usual[] = {0.5, 0.9};

    f->quantiles = list->count ? list->count : sizeof usual / sizeof *usual;
    f->quantile = tcore_reallocarray(NULL, f->quantiles, sizeof *f->quantile);
    if (!f->quantile)
        return "out of memory";
    for (size_t i = 0; i < f->quantiles; i++) {
        const char *text = list->count ? list->item[i] : "";

        f->quantile[i] = list->count ? NAN : usual[i];
        if (list->count && (!tcore_parse_double(text, strlen(text), &f->quantile[i]) ||
                            !(f->quantile[i] > 0 && f->quantile[i] < 1)))
            return "--quantile has probabilities: between 0 and 1";
    }
    return NULL;
}

static const char *wrong_option(struct forecast *f)
{
    const struct forecast_options *o = f->options;

    if (!o->horizon)
        return "--horizon=DUR|N is missing: how far to look ahead";
    if (!outlook_parse_horizon(o->horizon, &f->horizon))
        return "--horizon is a duration (4h, 7d) or a number of steps";
    if (!(o->interval > 0 && o->interval < 1))
        return "--interval is between 0% and 100%";
    if (o->exit_code && !has_limit(o))
        return "--exit-code needs a limit: --above or --below";
    if (has_limit(o) && (o->last || o->quantiles.count))
        return "with --above and --below neither --last nor --quantile means anything";
    return read_quantiles(f, &o->quantiles);
}

_Static_assert(offsetof(struct forecast, back) == 0, "the state begins with the histories");

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    static const struct cli_operator op = {
        .types = LOOK_BACK_TYPES,
        .ordered = true,
        .open = histories_open,
        .batch = histories_batch,
        .finish = finish_forecast,
    };
    const struct forecast_options *o = options;
    struct forecast f = {.cli = cli, .options = o};
    struct tcore_error err;
    const char *wrong = wrong_option(&f);

    if (wrong) {
        tcore_free(f.quantile);
        return cli_usage_error(cli, "%s", wrong);
    }
    if (histories_init(&f.back.all, cli, o->stats, o->by, &err) != TCORE_OK) {
        tcore_free(f.quantile);
        cli_error(cli, "%s", err.text);
        return CLI_FAILED;
    }
    f.back.owner = &f;
    f.back.judge = judge;
    f.back.step_ns = o->step_ns;
    f.back.shortest = TCORE_FORECAST_SHORTEST;
    int status = cli_filter(cli, &op, &f, argc, argv);

    if (status != CLI_USAGE)
        status = cli_exit_status(cli, o->exit_code && f.back.finished && f.found);
    tcore_free(f.quantile);
    histories_free(&f.back.all);
    return status;
}

#define OPTION(member) offsetof(struct forecast_options, member)

static const struct cli_option option_table[] = {
    {0, "above", CLI_DOUBLE, OPTION(above), "V",
     "report only what may reach V by the horizon, and when", NULL},
    {0, "below", CLI_DOUBLE, OPTION(below), "V",
     "report only what may fall to V by the horizon, and when", NULL},
    {0, "by", CLI_LIST, OPTION(by), "LIST",
     "the fields that make a series of spans and metrics (spans: service,name)", NULL},
    {0, "exit-code", CLI_FLAG, OPTION(exit_code), NULL,
     "with --above or --below: exit with 1 when something may pass it", NULL},
    {0, "horizon", CLI_STRING, OPTION(horizon), "DUR|N",
     "how far to look ahead: 4h, 7d, or a number of steps", NULL},
    {0, "interval", CLI_PERCENT, OPTION(interval), "PERCENT",
     "how often the value is to be within lower and upper (90%)", NULL},
    {0, "last", CLI_FLAG, OPTION(last), NULL,
     "write the forecast for the horizon only, and not for each step", NULL},
    {0, "quantile", CLI_LIST, OPTION(quantiles), "LIST",
     "write a finding for each of these; 0.5 is the forecast itself (0.5,0.9)", NULL},
    {0, "stat", CLI_LIST, OPTION(stats), "LIST",
     "the statistics of aggregates to look at (the first of p99, mean, rate, count)", NULL},
    {0, "step", CLI_DURATION, OPTION(step_ns), "DUR",
     "take the mean of each DUR (default: the usual distance of points)", NULL},
};

static const struct forecast_options defaults = {.interval = 0.9, .above = NAN, .below = NAN};

static const struct cli_exit_meaning exits[] = {
    {"1", "with --exit-code: a series may pass a limit"}, {0}};

const struct cli_verb detect_forecast = {
    .name = "forecast",
    .summary = "Say how series will go on, or when they pass a limit.",
    .operands = "[INPUT]...",
    .description = "Takes the history of metrics, aggregates and spans, in any order. The forecast "
                   "is a mean of\n"
                   "simple models, weighted by how well each would have forecast what is known; "
                   "intervals are\n"
                   "made of the errors that this mean would have made.\n"
                   "\n"
                   "Examples:\n"
                   "  trace-detect forecast --horizon=4h metrics.ndjson\n"
                   "  trace-detect forecast --horizon=7d --above=0.95 disks.ndjson\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = "fail when the points of all series, 24 bytes each, are more",
    .exits = exits,
    .options = option_table,
    .option_count = sizeof option_table / sizeof *option_table,
    .options_size = sizeof(struct forecast_options),
    .defaults = &defaults,
    .run = run,
};
