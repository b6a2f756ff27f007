/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "detect/grid.h"

#include "base/sys.h"

#include <stdlib.h>

#define REGULAR 0.8 /* share of distances that are near a multiple of the usual one */
#define NEAR    0.1 /* of a step */
#define FILLED  0.8 /* share of steps with a point */

#define SECOND INT64_C(1000000000)
#define DAY    (86400 * SECOND)

/* The next round distance: 1, 2 or 5 times a power of ten up to a second, then what divides a
 * minute, an hour or a day, then days by doubling. */
static int64_t next_round(int64_t ns)
{
    static const int64_t seconds[] = {1,   2,   5,    10,   15,   20,   30,    60,    120,   300,
                                      600, 900, 1200, 1800, 3600, 7200, 10800, 14400, 21600, 43200};
    int64_t round = DAY;

    for (int64_t unit = 1; unit < SECOND; unit *= 10)
        for (int64_t times = 1; times <= 5; times = times == 1 ? 2 : times + 3)
            if (unit * times > ns)
                return unit * times;
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
        if (seconds[i] * SECOND > ns)
            return seconds[i] * SECOND;
    while (round <= ns && round <= INT64_MAX / 2)
        round *= 2;
    return round;
}

/* A distance without the jitter that clocks give it: the roundest within a hundredth. */
static int64_t without_jitter(int64_t ns)
{
    static const int64_t units[] = {DAY,         3600 * SECOND, 60 * SECOND,  SECOND,
                                    SECOND / 10, SECOND / 100,  SECOND / 1000};

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        int64_t rounded = (ns / units[i] + (ns % units[i] >= units[i] / 2)) * units[i];

        if (rounded > 0 && llabs(rounded - ns) <= ns / 100)
            return rounded;
    }
    return ns;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* The distance that most points have, or 0. gap: room for one a point. *usual: the middle one. */
static int64_t regular_step(const struct history *h, int64_t *gap, int64_t *usual)
{
    size_t count = 0, near = 0;

    for (size_t i = 1; i < h->count; i++)
        if (h->point[i].ns > h->point[i - 1].ns)
            gap[count++] = (int64_t)fmin(9e18, (double)h->point[i].ns - (double)h->point[i - 1].ns);
    *usual = 0;
    if (!count)
        return 0;
    qsort(gap, count, sizeof *gap, by_size);
    *usual = gap[count / 2] > 0 ? gap[count / 2] : 1;
    for (size_t i = 0; i < count; i++) {
        double steps = (double)gap[i] / (double)*usual;

        near += steps > 0.5 && fabs(steps - round(steps)) <= NEAR;
    }
    return (double)near >= REGULAR * (double)count ? without_jitter(*usual) : 0;
}

/* --- Steps */

/* The step of a time; times are taken from the middle of a step before to the middle of it where
 * points are at even distances, which leaves room for jitter. */
static size_t step_of(const struct grid *grid, int64_t ns, bool is_regular)
{
    uint64_t since = (uint64_t)ns - (uint64_t)grid->start_ns;
    uint64_t step = (uint64_t)grid->step_ns;

    return (size_t)(since / step + (is_regular && since % step >= step - step / 2));
}

static double span_of(const struct history *h)
{
    return (double)h->point[h->count - 1].ns - (double)h->point[0].ns;
}

/* How many steps of this length have a point. */
static size_t count_filled(const struct history *h, int64_t step_ns)
{
    size_t filled = 0;
    int64_t last = 0;

    for (size_t i = 0; i < h->count; i++) {
        int64_t step = h->point[i].ns / step_ns - (h->point[i].ns % step_ns < 0);

        filled += !i || step != last;
        last = step;
    }
    return filled;
}

/* The shortest round step from this one on that leaves few empty and is not too short. */
static int64_t irregular_step(const struct history *h, int64_t step_ns)
{
    int64_t step = next_round(step_ns - 1);

    while (step < INT64_MAX / 4) {
        double steps = span_of(h) / (double)step;

        if (steps <= 1 ||
            (steps < GRID_LONGEST - 2 && (double)count_filled(h, step) >= FILLED * floor(steps)))
            break;
        step = next_round(step);
    }
    return step;
}

/* Chooses the step and the start. Returns whether points are at even distances. */
static bool choose_step(struct grid *grid, const struct history *h, int64_t step_ns, int64_t *gap)
{
    int64_t usual, first = h->point[0].ns;
    int64_t regular = regular_step(h, gap, &usual);
    double steps;

    grid->start_ns = first;
    grid->step_ns = step_ns ? step_ns : regular ? regular : usual ? irregular_step(h, usual) : 0;
    if (!grid->step_ns)
        return true;
    steps = span_of(h) / (double)grid->step_ns;
    if (steps >= GRID_LONGEST - 1)
        grid->step_ns *=
            (int64_t)fmin(ceil(steps / (GRID_LONGEST - 2)), (double)(INT64_MAX / grid->step_ns));
    if (regular && grid->step_ns == regular)
        return true;
    int64_t over = first % grid->step_ns;

    over += over < 0 ? grid->step_ns : 0;
    grid->start_ns = first < INT64_MIN + over ? INT64_MIN : first - over;
    return false;
}

enum tcore_status grid_make(struct grid *grid, const struct history *history, int64_t step_ns,
                            struct tcore_error *err)
{
    *grid = (struct grid){0};
    if (!history->count)
        return TCORE_OK;
    int64_t *gap = tcore_reallocarray(NULL, history->count, sizeof *gap);
    size_t *points = tcore_calloc(GRID_LONGEST, sizeof *points);
    double *sum = tcore_calloc(GRID_LONGEST, sizeof *sum);

    if (gap && points && sum) {
        bool is_regular = choose_step(grid, history, step_ns, gap);

        for (size_t i = 0; i < history->count; i++) {
            size_t step = grid->step_ns ? step_of(grid, history->point[i].ns, is_regular) : 0;

            points[step]++;
            sum[step] += (history_value(history, i) - sum[step]) / (double)points[step];
            grid->count = step + 1;
        }
        for (size_t i = 0; i < grid->count; i++) {
            grid->empty += !points[i];
            sum[i] = points[i] ? sum[i] : NAN;
        }
        grid->value = sum;
        sum = NULL;
    }
    tcore_free(gap);
    tcore_free(points);
    tcore_free(sum);
    return grid->value ? TCORE_OK : tcore_error_nomem(err);
}

void grid_free(struct grid *grid)
{
    tcore_free(grid->value);
    grid->value = NULL;
}

int64_t grid_time(const struct grid *grid, double i)
{
    double ahead = i * (double)grid->step_ns;

    if ((double)grid->start_ns + ahead >= 9.2233720368547e18)
        return INT64_MAX;
    if ((double)grid->start_ns + ahead <= -9.2233720368547e18)
        return INT64_MIN;
    /* In two parts, as a double does not hold the nanoseconds of a time. */
    return grid->start_ns + (int64_t)floor(i) * grid->step_ns +
           (int64_t)((i - floor(i)) * (double)grid->step_ns);
}

void grid_fill(struct grid *grid)
{
    size_t last = 0; /* the first step is never empty */

    for (size_t i = 1; i < grid->count; i++) {
        if (isnan(grid->value[i]))
            continue;
        for (size_t k = last + 1; k < i; k++)
            grid->value[k] = grid->value[last] + (grid->value[i] - grid->value[last]) *
                                                     ((double)(k - last) / (double)(i - last));
        last = i;
    }
}
