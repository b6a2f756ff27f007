/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of several divisions agrees best with all of them. The start of the series counts as a cut
 * that everybody has, so that no cuts at all is an answer like others. */
#include "stats/segmentation_parts.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define OPINIONS 3 /* members of whom one has to have a cut for it to be right */

static size_t distance(uint32_t a, uint32_t b)
{
    return a > b ? a - b : b - a;
}

static bool has_near(const struct segment_division *d, uint32_t place, size_t margin)
{
    for (size_t i = 0; i < d->count; i++)
        if (distance(d->place[i], place) <= margin)
            return true;
    return false;
}

/* How many cuts of one division have one of the other's within the margin, each counted once:
 * both are in order, so the first that fits is taken. */
static size_t matches(const struct segment_division *a, const struct segment_division *b,
                      size_t margin)
{
    size_t found = 0, j = 0;

    for (size_t i = 0; i < a->count && j < b->count; i++) {
        while (j < b->count && b->place[j] + margin < a->place[i])
            j++;
        if (j < b->count && b->place[j] <= a->place[i] + margin) {
            found++;
            j++;
        }
    }
    return found;
}

static size_t place_at(const struct segment_division *d, size_t i, size_t places)
{
    return i == 0 ? 0 : i <= d->count ? d->place[i - 1] : places;
}

/* The covering of a division's segments by another's: of each the best overlap over union, by its
 * length. */
static double covering(const struct segment_division *truth, const struct segment_division *answer,
                       size_t places)
{
    double sum = 0;
    size_t first = 0;

    for (size_t i = 0; i <= truth->count; i++) {
        size_t from = place_at(truth, i, places), to = place_at(truth, i + 1, places);
        double best = 0;

        while (place_at(answer, first + 1, places) <= from)
            first++;
        for (size_t j = first; j <= answer->count && place_at(answer, j, places) < to; j++) {
            size_t a = place_at(answer, j, places), b = place_at(answer, j + 1, places);
            double overlap = (double)((b < to ? b : to) - (a > from ? a : from));

            best = fmax(best, overlap / (double)((b > to ? b : to) - (a < from ? a : from)));
        }
        sum += best * (double)(to - from);
    }
    return sum / (double)places;
}

double segment_support(const struct segment_division *division, const struct segment_member *member,
                       size_t members, size_t place, size_t margin)
{
    double with = 0, all = 0;

    for (size_t m = 0; m < members; m++) {
        all += member[m].weight;
        if (has_near(&division[m], (uint32_t)place, margin))
            with += member[m].weight;
    }
    return all > 0 ? with / all : 0;
}

static double agreement(const struct segment_division *division,
                        const struct segment_member *member, size_t members, size_t answer,
                        size_t places, size_t margin)
{
    const struct segment_division *d = &division[answer];
    double right = 1, recall = 0, cover = 0, all = 0;

    for (size_t i = 0; i < d->count; i++)
        right +=
            1 - pow(1 - segment_support(division, member, members, d->place[i], margin), OPINIONS);
    for (size_t m = 0; m < members; m++) {
        if (!(member[m].weight > 0))
            continue;
        all += member[m].weight;
        recall += member[m].weight * (1 + (double)matches(&division[m], d, margin)) /
                  (1 + (double)division[m].count);
        cover += member[m].weight * covering(&division[m], d, places);
    }
    double precision = right / (1 + (double)d->count);

    recall /= all;
    return (2 * precision * recall / (precision + recall) + cover / all) / 2;
}

static bool is_same(const struct segment_division *a, const struct segment_division *b)
{
    return a->count == b->count &&
           (a->count == 0 || !memcmp(a->place, b->place, a->count * sizeof *a->place));
}

size_t segment_choose(const struct segment_division *division, const struct segment_member *member,
                      size_t members, size_t places, size_t margin)
{
    double best = -1;
    size_t chosen = 0;

    for (size_t m = 0; m < members; m++) {
        bool seen = !(member[m].weight > 0);

        for (size_t earlier = 0; earlier < m && !seen; earlier++)
            seen = member[earlier].weight > 0 && is_same(&division[earlier], &division[m]);
        if (seen)
            continue;
        double value = agreement(division, member, members, m, places, margin);
        bool fewer = division[m].count < division[chosen].count;

        if (value > best + 1e-12 || (value > best - 1e-12 && fewer)) {
            best = value;
            chosen = m;
        }
    }
    return chosen;
}
