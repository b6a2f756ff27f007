/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "detect/outlook.h"

#include "cli/options.h"
#include "model/number.h"
#include "stats/season.h"

#include <string.h>

#define DAY  INT64_C(86400000000000)
#define YEAR (DAY * 1461 / 4)

bool outlook_parse_horizon(const char *text, struct outlook_horizon *horizon)
{
    const char *reason;

    *horizon = (struct outlook_horizon){0};
    if (tcore_parse_int64(text, strlen(text), &horizon->steps))
        return horizon->steps > 0;
    return cli_parse_duration(text, &horizon->ns, &reason) && horizon->ns > 0;
}

size_t outlook_steps(const struct grid *grid, const struct outlook_horizon *horizon)
{
    int64_t steps = horizon->steps;

    if (horizon->ns)
        steps = horizon->ns / grid->step_ns + (horizon->ns % grid->step_ns != 0);
    if (steps > OUTLOOK_LONGEST || steps > INT64_MAX / grid->step_ns)
        return 0;
    return (size_t)steps;
}

/* The lengths of a day, a week and a year in steps, where these are such a part of them that a
 * season can be seen. */
static size_t natural_seasons(const struct grid *grid, size_t *natural)
{
    const size_t shortest = 4;
    size_t count = 0;
    int64_t step = grid->step_ns;

    for (int64_t length = DAY; length <= 7 * DAY; length *= 7)
        if (length % step == 0 && (size_t)(length / step) >= shortest)
            natural[count++] = (size_t)(length / step);
    if (step >= DAY && (size_t)(YEAR / step) >= shortest)
        natural[count++] = (size_t)((YEAR + step / 2) / step);
    return count;
}

enum tcore_status outlook_seasons(struct grid *grid, struct tcore_seasons *seasons,
                                  struct tcore_error *err)
{
    size_t natural[3], found;

    grid_fill(grid);
    enum tcore_status status = tcore_season_period(grid->value, grid->count, &found, err);

    if (status == TCORE_OK)
        *seasons =
            tcore_seasons_choose(grid->count, found, natural, natural_seasons(grid, natural));
    return status;
}
