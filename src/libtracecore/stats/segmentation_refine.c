/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From cuts between blocks to cuts between values. */
#include "base/sys.h"
#include "stats/segmentation_parts.h"

#include <math.h>
#include <stdbool.h>

struct refining {
    const double *value;
    struct segment_sums sums; /* at the cuts: place 0 is the start, the last one the end */
};

static void fill_sums(struct refining *r, size_t count, const struct tcore_segmentation *cuts)
{
    struct segment_sums *sums = &r->sums;
    double y = 0, ty = 0, yy = 0;

    sums->places = cuts->count + 1;
    for (size_t i = 0, place = 0; i <= count; i++) {
        size_t at = place == 0 ? 0 : place <= cuts->count ? cuts->cut[place - 1].start : count;

        if (i == at) {
            sums->at[place] = i;
            sums->y[place] = y;
            sums->ty[place] = ty;
            sums->yy[place] = yy;
            place++;
        }
        if (i < count) {
            y += r->value[i];
            ty += (double)i * r->value[i];
            yy += r->value[i] * r->value[i];
        }
    }
}

/* Moves a place by one value. */
static void step(struct refining *r, size_t place, int by)
{
    struct segment_sums *sums = &r->sums;
    size_t i = by > 0 ? sums->at[place] : sums->at[place] - 1;

    sums->at[place] = by > 0 ? i + 1 : i;
    sums->y[place] += by * r->value[i];
    sums->ty[place] += by * (double)i * r->value[i];
    sums->yy[place] += by * r->value[i] * r->value[i];
}

static double squares_around(const struct segment_sums *sums, size_t place)
{
    return segment_line_squares(sums, place - 1, place) +
           segment_line_squares(sums, place, place + 1);
}

/* Where within a block before and after it two lines leave least. */
static void settle(struct refining *r, size_t place, size_t width)
{
    struct segment_sums *sums = &r->sums;
    size_t from = sums->at[place - 1] + TCORE_SEGMENT_SHORTEST;
    size_t to = sums->at[place + 1] - TCORE_SEGMENT_SHORTEST;
    size_t start = sums->at[place], best = start;
    double least = INFINITY;

    from = from + width > start ? from : start - width;
    to = to < start + width ? to : start + width;
    if (from > to || from > start || to < start)
        return;
    while (sums->at[place] > from)
        step(r, place, -1);
    for (;;) {
        double squares = squares_around(sums, place);

        if (squares < least) {
            least = squares;
            best = sums->at[place];
        }
        if (sums->at[place] == to)
            break;
        step(r, place, 1);
    }
    while (sums->at[place] > best)
        step(r, place, -1);
}

/* A line costs a third of a cut more than a level. */
static double cost(const struct segment_sums *sums, size_t from, size_t to, double least)
{
    return fmin(segment_level_squares(sums, from, to),
                segment_line_squares(sums, from, to) + least / 3);
}

static void drop(struct refining *r, size_t place, struct tcore_segmentation *cuts)
{
    struct segment_sums *sums = &r->sums;

    for (size_t i = place; i < sums->places; i++) {
        sums->at[i] = sums->at[i + 1];
        sums->y[i] = sums->y[i + 1];
        sums->ty[i] = sums->ty[i + 1];
        sums->yy[i] = sums->yy[i + 1];
        if (i < cuts->count)
            cuts->cut[i - 1] = cuts->cut[i];
    }
    sums->places--;
    cuts->count--;
}

/* Drops the cut that explains least, if that is too little. */
static bool drop_one(struct refining *r, double least, struct tcore_segmentation *cuts)
{
    double smallest = INFINITY;
    size_t which = 0;

    for (size_t place = 1; place <= cuts->count; place++) {
        double gain = cost(&r->sums, place - 1, place + 1, least) -
                      cost(&r->sums, place - 1, place, least) -
                      cost(&r->sums, place, place + 1, least);

        if (gain < smallest) {
            smallest = gain;
            which = place;
        }
    }
    if (!which || smallest >= least)
        return false;
    drop(r, which, cuts);
    return true;
}

enum tcore_status segment_refine(const double *value, size_t count, size_t width, double least,
                                 struct tcore_segmentation *cuts, struct tcore_error *err)
{
    size_t places = cuts->count + 2;
    struct refining r = {.value = value};

    r.sums.at = tcore_reallocarray(NULL, places, sizeof *r.sums.at);
    r.sums.y = tcore_reallocarray(NULL, 3 * places, sizeof *r.sums.y);
    if (!r.sums.at || !r.sums.y) {
        tcore_free(r.sums.at);
        tcore_free(r.sums.y);
        return tcore_error_nomem(err);
    }
    r.sums.ty = r.sums.y + places;
    r.sums.yy = r.sums.ty + places;
    fill_sums(&r, count, cuts);
    for (size_t place = 1; place <= cuts->count; place++)
        settle(&r, place, width);
    while (drop_one(&r, least, cuts))
        continue;
    for (size_t place = 1; place <= cuts->count; place++)
        settle(&r, place, width);
    for (size_t i = 0; i < cuts->count; i++)
        cuts->cut[i].start = r.sums.at[i + 1];
    tcore_free(r.sums.at);
    tcore_free(r.sums.y);
    return TCORE_OK;
}
