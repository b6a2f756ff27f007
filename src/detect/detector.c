/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a series has seen is kept as at most 64 intervals. A gap that matters is at least some
 * percent of the range, so there are never many of those, and closing the narrowest gap when room
 * runs out loses nothing that could be reported. Quantiles come from the P-square algorithm: R.
 * Jain, I. Chlamtac, Communications of the ACM 28 (1985), with the markers of several quantiles
 * side by side as K. Raatikainen, Simulation 49 (1987), has them.
 */
#include "detect/detector.h"

#include <math.h>
#include <string.h>

/* One threshold for every series, chosen on the development half of the Numenta benchmark. */
#define THRESHOLD      0.055
#define LEAST_DISTANCE (THRESHOLD / 20)
#define LARGEST_P      0.0056            /* 10^-2.25 */
#define DECAY          0.951229424500714 /* exp(-1/20) a value */
#define PENALTY        0.5 /* at most: after a wild value it is back at the threshold in 44 values */
#define BEND           4.0 /* interquartile ranges from the median where the axis starts to bend */
#define LARGEST        1e150 /* in size: beyond it differences could overflow */
#define LEAST_SPREAD   1e-3  /* of the median: what counts as no spread at all */

static const double marker[DETECTOR_QUANTILES] = {0, 0.05, 0.25, 0.5, 0.75, 0.95, 1};

static void insert_sorted(double *sorted, uint32_t count, double value)
{
    uint32_t at = count;

    for (; at > 0 && sorted[at - 1] > value; at--)
        sorted[at] = sorted[at - 1];
    sorted[at] = value;
}

/* Moves marker i one place up or down, by the parabola through it and its neighbours if the result
 * stays between them, else along the line. */
static void move_marker(struct detector *s, int i, double step)
{
    double *q = s->height, *n = s->place;
    double up = (n[i] - n[i - 1] + step) * (q[i + 1] - q[i]) / (n[i + 1] - n[i]);
    double down = (n[i + 1] - n[i] - step) * (q[i] - q[i - 1]) / (n[i] - n[i - 1]);
    double height = q[i] + step / (n[i + 1] - n[i - 1]) * (up + down);

    if (!(height > q[i - 1] && height < q[i + 1])) {
        int to = step > 0 ? i + 1 : i - 1;

        height = q[i] + step * (q[to] - q[i]) / (n[to] - n[i]);
    }
    q[i] = height;
    n[i] += step;
}

static void update_quantiles(struct detector *s, double value)
{
    enum { LAST = DETECTOR_QUANTILES - 1 };
    int cell = 0;

    if (s->seen < DETECTOR_QUANTILES) {
        insert_sorted(s->height, (uint32_t)s->seen, value);
        s->place[s->seen] = (double)s->seen;
        return;
    }
    if (value < s->height[0])
        s->height[0] = value;
    if (value > s->height[LAST])
        s->height[LAST] = value;
    while (cell < LAST - 1 && value >= s->height[cell + 1])
        cell++;
    for (int i = cell + 1; i <= LAST; i++)
        s->place[i] += 1;
    for (int i = 1; i < LAST; i++) {
        double off = marker[i] * (double)s->seen - s->place[i];

        if (off >= 1 && s->place[i + 1] - s->place[i] > 1)
            move_marker(s, i, 1);
        else if (off <= -1 && s->place[i - 1] - s->place[i] < -1)
            move_marker(s, i, -1);
    }
}

static void update_extremes(struct detector *s, double value)
{
    uint32_t kept = s->seen < DETECTOR_EXTREMES ? (uint32_t)s->seen : DETECTOR_EXTREMES;
    uint32_t at;

    if (kept < DETECTOR_EXTREMES || value > s->largest[kept - 1]) {
        at = kept < DETECTOR_EXTREMES ? kept : kept - 1;
        for (; at > 0 && s->largest[at - 1] < value; at--)
            s->largest[at] = s->largest[at - 1];
        s->largest[at] = value;
    }
    if (kept < DETECTOR_EXTREMES || value < s->smallest[kept - 1]) {
        at = kept < DETECTOR_EXTREMES ? kept : kept - 1;
        for (; at > 0 && s->smallest[at - 1] > value; at--)
            s->smallest[at] = s->smallest[at - 1];
        s->smallest[at] = value;
    }
}

/* The first cell that does not end below value. */
static uint32_t find_cell(const struct detector *s, double value)
{
    uint32_t from = 0, to = s->cells;

    while (from < to) {
        uint32_t middle = (from + to) / 2;

        if (s->high[middle] < value)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool is_inside(const struct detector *s, uint32_t cell, double value)
{
    return cell < s->cells && s->low[cell] <= value;
}

/* The axis on which distances are taken. */
struct axis {
    double centre, scale;
};

/* Scale 0: nothing but zeros was seen. */
static struct axis axis_of(const struct detector *s)
{
    const double *q = s->height;
    double spread = q[4] - q[2];

    if (!(spread > 0))
        spread = q[5] - q[1];
    spread = fmax(spread, LEAST_SPREAD * fabs(q[3]));
    if (!(spread > 0))
        spread = 0.1 * (q[6] - q[0]);
    return (struct axis){q[3], BEND * spread};
}

static double on_axis(struct axis axis, double value)
{
    return asinh((value - axis.centre) / axis.scale);
}

/* Closes the gap that is narrowest on the axis. */
static void close_narrowest_gap(struct detector *s, struct axis axis)
{
    uint32_t narrowest = 0;
    double width = INFINITY;

    for (uint32_t i = 0; i + 1 < s->cells; i++) {
        /* the derivative of asinh at the middle, times the gap: exact enough to choose by */
        double middle = ((s->high[i] + s->low[i + 1]) / 2 - axis.centre) / axis.scale;
        double gap = (s->low[i + 1] - s->high[i]) / sqrt(1 + middle * middle);

        if (gap < width) {
            width = gap;
            narrowest = i;
        }
    }
    uint32_t behind = s->cells - narrowest - 2;

    s->high[narrowest] = s->high[narrowest + 1];
    memmove(s->low + narrowest + 1, s->low + narrowest + 2, behind * sizeof *s->low);
    memmove(s->high + narrowest + 1, s->high + narrowest + 2, behind * sizeof *s->high);
    s->cells--;
}

static void insert_cell(struct detector *s, uint32_t cell, double value)
{
    if (s->cells == DETECTOR_CELLS) {
        close_narrowest_gap(s, axis_of(s));
        cell = find_cell(s, value);
        if (is_inside(s, cell, value))
            return;
    }
    memmove(s->low + cell + 1, s->low + cell, (s->cells - cell) * sizeof *s->low);
    memmove(s->high + cell + 1, s->high + cell, (s->cells - cell) * sizeof *s->high);
    s->low[cell] = s->high[cell] = value;
    s->cells++;
}

/* How far the k largest (smallest) values exceed the next one, summed. */
static double tail_excess(const double *extremes, uint32_t k, struct axis axis)
{
    double base = on_axis(axis, extremes[k]), sum = 0;

    for (uint32_t i = 0; i < k; i++)
        sum += fabs(on_axis(axis, extremes[i]) - base);
    return sum;
}

/* The tail probability of a value that is so far from its nearest. */
static double tail_probability(const struct detector *s, struct axis axis, enum detector_side side,
                               double distance, double range)
{
    /* The upper quarter at most, so that the tail is a tail. */
    uint32_t k = (uint32_t)fmin(DETECTOR_EXTREMES - 1, 0.25 * (double)s->seen);
    double excess = 0;

    if (side != DETECTOR_BELOW)
        excess = tail_excess(s->largest, k, axis);
    if (side != DETECTOR_ABOVE)
        excess = fmax(excess, tail_excess(s->smallest, k, axis));
    double floor = range * 0.01 * k;

    if (!(excess > 0))
        excess = floor;
    return fmin(1, 2 / (double)(s->seen + 1) * pow(1 + distance / excess, -(double)k));
}

/* Scores a value outside of all cells. */
static void score_new_value(const struct detector *s, uint32_t cell, double value,
                            struct detector_verdict *verdict)
{
    struct axis axis = axis_of(s);

    if (!(axis.scale > 0))
        axis.scale = fabs(value - axis.centre);
    double at = on_axis(axis, value), distance = INFINITY;
    double bottom = fmin(on_axis(axis, s->low[0]), at);
    double top = fmax(on_axis(axis, s->high[s->cells - 1]), at);

    if (cell > 0) {
        verdict->nearest = s->high[cell - 1];
        distance = at - on_axis(axis, verdict->nearest);
    }
    if (cell < s->cells && on_axis(axis, s->low[cell]) - at < distance) {
        verdict->nearest = s->low[cell];
        distance = on_axis(axis, verdict->nearest) - at;
    }
    verdict->side = cell == 0          ? DETECTOR_BELOW
                    : cell == s->cells ? DETECTOR_ABOVE
                                       : DETECTOR_BETWEEN;
    double range = fmax(top - bottom, 1 / BEND); /* that is one interquartile range */

    if (distance < LEAST_DISTANCE * range)
        return; /* most values: not even p = 1e-20 would make it worth a report */
    verdict->p_value = tail_probability(s, axis, verdict->side, distance, range);
    verdict->score = -log10(verdict->p_value) * distance / range;
}

static int64_t since_first(struct detector *s, const int64_t *time_ns)
{
    int64_t since;

    if (!time_ns)
        return 0;
    if (!s->timed || *time_ns < s->first_ns)
        s->first_ns = *time_ns;
    s->timed = true;
    return __builtin_sub_overflow(*time_ns, s->first_ns, &since) ? INT64_MAX : since;
}

bool detector_step(struct detector *s, const int64_t *time_ns, double value,
                   struct detector_verdict *verdict)
{
    value = fmin(LARGEST, fmax(-LARGEST, value));
    uint32_t cell = find_cell(s, value);
    bool inside = is_inside(s, cell, value);
    double penalty = s->penalty * DECAY;

    *verdict = (struct detector_verdict){.p_value = 1,
                                         .expected = s->height[3],
                                         .lower = s->height[1],
                                         .upper = s->height[5],
                                         .nearest = value,
                                         .history_ns = since_first(s, time_ns)};
    if (!inside && s->seen >= DETECTOR_WARM_UP)
        score_new_value(s, cell, value, verdict);
    if (verdict->score >= penalty) {
        s->penalty = fmin(verdict->score, PENALTY);
        verdict->score -= penalty;
    } else {
        s->penalty = penalty;
        verdict->score = 0;
    }
    update_quantiles(s, value);
    update_extremes(s, value);
    if (!inside)
        insert_cell(s, cell, value);
    s->seen++;
    return verdict->score >= THRESHOLD && verdict->p_value <= LARGEST_P;
}
