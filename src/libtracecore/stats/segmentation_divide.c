/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Optimal partitioning for all members in one pass: what a segment leaves is computed once, and the
 * loop over members has no branches. */
#include "base/sys.h"
#include "stats/segmentation_parts.h"

#include <math.h>

double segment_level_squares(const struct segment_sums *s, size_t from, size_t to)
{
    double n = (double)(s->at[to] - s->at[from]), y = s->y[to] - s->y[from];

    return fmax(0, s->yy[to] - s->yy[from] - y * y / n);
}

double segment_line_squares(const struct segment_sums *s, size_t from, size_t to)
{
    double n = (double)(s->at[to] - s->at[from]), y = s->y[to] - s->y[from];
    double middle = ((double)s->at[from] + (double)s->at[to] - 1) / 2;
    double ty = s->ty[to] - s->ty[from] - middle * y;
    double tt = n * (n * n - 1) / 12; /* squares of the numbers around their middle */
    double left = s->yy[to] - s->yy[from] - y * y / n;

    return fmax(0, tt > 0 ? left - ty * ty / tt : left);
}

/* For each member the place before `to` that the last segment begins at. */
static void best_before(const struct segment_sums *sums, const struct segment_member *member,
                        size_t members, size_t shortest, size_t to, double *cost, uint32_t *before)
{
    double *best = cost + to * members;

    for (size_t m = 0; m < members; m++)
        best[m] = INFINITY;
    for (size_t from = 0; from + shortest <= to; from++) {
        double level = segment_level_squares(sums, from, to);
        double line = segment_line_squares(sums, from, to);
        const double *so_far = cost + from * members;

        for (size_t m = 0; m < members; m++) {
            double by_level = level + member[m].level, by_line = line + member[m].line;
            double total = so_far[m] + (by_level < by_line ? by_level : by_line) + member[m].cut;
            int better = total < best[m];

            best[m] = better ? total : best[m];
            before[m] = better ? (uint32_t)from : before[m];
        }
    }
}

/* Follows the places back from the end, and turns them round. */
static size_t trace_back(const uint32_t *before, size_t members, size_t member, size_t end,
                         uint32_t *place)
{
    size_t count = 0;

    for (size_t at = before[end * members + member]; at > 0; at = before[at * members + member])
        place[count++] = (uint32_t)at;
    for (size_t i = 0; i < count / 2; i++) {
        uint32_t other = place[i];

        place[i] = place[count - 1 - i];
        place[count - 1 - i] = other;
    }
    return count;
}

enum tcore_status segment_divide(const struct segment_sums *sums,
                                 const struct segment_member *member, size_t members,
                                 size_t shortest, uint32_t *place,
                                 struct segment_division *division, struct tcore_error *err)
{
    size_t ends = sums->places + 1;
    double *cost = tcore_reallocarray(NULL, ends * members, sizeof *cost);
    uint32_t *before = tcore_calloc(ends * members, sizeof *before);

    if (!cost || !before) {
        tcore_free(cost);
        tcore_free(before);
        return tcore_error_nomem(err);
    }
    for (size_t m = 0; m < members; m++)
        cost[m] = 0;
    for (size_t to = 1; to < ends; to++)
        best_before(sums, member, members, shortest, to, cost, before + to * members);
    for (size_t m = 0; m < members; m++) {
        division[m].place = place + m * ends;
        division[m].count = trace_back(before, members, m, sums->places, place + m * ends);
    }
    tcore_free(cost);
    tcore_free(before);
    return TCORE_OK;
}
