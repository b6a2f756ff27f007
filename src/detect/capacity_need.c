/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a series will need. As far as forecasts can be tried, a quarter of the history or one
 * season, it goes on as forecast says; from there on as the last season, raised by the slope of the
 * trend, and its interval by the slopes at the ends of the trend's interval. Where the test finds
 * no trend the slope is 0, and only a series that rises will be full.
 */
#include <config.h>

#include "detect/capacity.h"

#include "stats/trend.h"

#include <math.h>

#define ALPHA       0.05 /* of the test for a trend */
#define IN_SIGHT    10   /* histories, beyond which nothing is said of when it is full */
#define MANY_CYCLES 4    /* that a trend within the phases of a season needs */

enum side { LOW, MIDDLE, HIGH };

struct path {
    const struct tcore_forecast *forecast;
    size_t period; /* what repeats beyond the forecast, 1 or more */
    double slope[3], quantile[3];
};

static double forecast_at(const struct path *path, enum side side, size_t i)
{
    return side == MIDDLE ? path->forecast->value[i]
                          : tcore_forecast_quantile(path->forecast, i, path->quantile[side]);
}

/* Any step ahead, from 0. */
static double path_at(const struct path *path, enum side side, double i)
{
    double known = (double)path->forecast->steps, period = (double)path->period;

    if (i < known)
        return forecast_at(path, side, (size_t)i);
    double seasons = floor((i - known) / period) + 1;

    return forecast_at(path, side, (size_t)(i - seasons * period)) +
           seasons * period * path->slope[side];
}

/* The first step at which the limit is reached. */
static struct capacity_time when(const struct path *path, enum side side, double limit,
                                 double farthest)
{
    size_t known = path->forecast->steps;
    double first = INFINITY, period = (double)path->period;

    for (size_t i = 0; i < known; i++)
        if (forecast_at(path, side, i) >= limit)
            return (struct capacity_time){true, (double)i + 1};
    for (size_t i = known - path->period; i < known && path->slope[side] > 0; i++) {
        double short_of = limit - forecast_at(path, side, i);
        double seasons = fmax(1, ceil(short_of / (path->slope[side] * period)));

        first = fmin(first, (double)i + seasons * period + 1);
    }
    return (struct capacity_time){first <= farthest, first};
}

/* The most in so many steps. */
static double most(const struct path *path, enum side side, double steps)
{
    double known = (double)path->forecast->steps, period = (double)path->period;
    double highest = -INFINITY;

    for (double i = 0; i < steps && i < known + period; i++)
        highest = fmax(highest, path_at(path, side, i));
    for (double i = fmax(known, steps - period); i < steps; i++)
        highest = fmax(highest, path_at(path, side, i));
    return highest;
}

/* Values as the history is judged: of durations logarithms. */
static void fill_in(struct need *need, const struct history *h, const struct grid *grid,
                    const struct path *path, double limit, double steps)
{
    double use = -INFINITY, farthest = IN_SIGHT * (double)grid->count;

    for (size_t i = grid->count - path->period; i < grid->count; i++)
        use = fmax(use, grid->value[i]);
    need->use = grid_shown(h, use);
    need->expected = grid_shown(h, most(path, MIDDLE, steps));
    need->lower = grid_shown(h, most(path, LOW, steps));
    need->upper = grid_shown(h, most(path, HIGH, steps));
    if (!(path->slope[MIDDLE] > 0) || use >= limit)
        return;
    need->full = when(path, MIDDLE, limit, farthest);
    need->earliest = when(path, HIGH, limit, farthest);
    need->latest = when(path, LOW, limit, farthest);
}

/* How much each side rises a step. */
static enum tcore_status find_slopes(const struct grid *grid, size_t period, double interval,
                                     double *slope, struct tcore_error *err)
{
    struct tcore_trend trend;
    enum tcore_status status =
        tcore_trend(grid->value, grid->count, grid->count >= MANY_CYCLES * period ? period : 0,
                    interval, &trend, err);
    bool is_trend = status == TCORE_OK && trend.p_value <= ALPHA && isfinite(trend.lower) &&
                    isfinite(trend.upper);

    slope[LOW] = is_trend ? trend.lower : 0;
    slope[MIDDLE] = is_trend ? trend.slope : 0;
    slope[HIGH] = is_trend ? trend.upper : 0;
    return status;
}

/* Steps to the horizon. */
static double horizon_of(const struct capacity *c, const struct grid *grid)
{
    if (c->horizon.ns)
        return ceil((double)c->horizon.ns / (double)grid->step_ns);
    return c->horizon.steps ? (double)c->horizon.steps : (double)grid->count;
}

enum tcore_status capacity_find_need(const struct capacity *c, const struct history *history,
                                     struct grid *grid, struct need *need, struct tcore_error *err)
{
    double limit = c->options->limit, outside = (1 - c->options->interval) / 2;
    double steps = horizon_of(c, grid);
    struct tcore_forecast forecast;
    struct tcore_seasons seasons;
    struct path path = {.forecast = &forecast, .quantile = {outside, 0.5, 1 - outside}};
    enum tcore_status status = outlook_seasons(grid, &seasons, err);

    if (status == TCORE_OK)
        status = find_slopes(grid, seasons.period, c->options->interval, path.slope, err);
    if (status != TCORE_OK)
        return status;
    path.period = seasons.longer ? seasons.longer : 1;
    status = tcore_forecast(grid->value, grid->count, &seasons,
                            grid->count / 4 > path.period ? grid->count / 4 : path.period,
                            &forecast, err);
    if (status != TCORE_OK)
        return status;
    need->now_ns = grid_time(grid, (double)(grid->count - 1));
    need->step_ns = grid->step_ns;
    need->horizon_ns = (int64_t)fmin(steps * (double)grid->step_ns, 9.2e18);
    fill_in(need, history, grid, &path, history->is_log ? log(fmax(1, limit)) : limit, steps);
    tcore_forecast_free(&forecast);
    return TCORE_OK;
}
