/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stats/segmentation.h"

#include "base/sys.h"
#include "stats/order.h"
#include "stats/season.h"
#include "stats/segmentation_parts.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define SHARES    13 /* of the squares, that a cut may cost */
#define PICTURES  (4 * SHARES)
#define MEMBERS   (PICTURES + 2) /* the last two are the divisions at the lowest cost */
#define BY_LEVELS PICTURES
#define BY_LINES  (PICTURES + 1)

struct segmenting {
    double *value; /* tamed, without season, mean 0 and variance 1; owned */
    double *scratch;
    size_t count, width; /* values; of a block */
    double noise;        /* variance */
    double chance;       /* squares that a cut explains by chance, about a third of them */
    struct segment_sums sums;
    struct segment_member member[MEMBERS];
    struct segment_division division[MEMBERS];
    uint32_t *place; /* owned */
};

/* --- Preparing the values */

/* The deviation of the noise, by the differences of neighbours of that order (1 or 2): the median
 * absolute one, so that steps and kinks do not count. */
static double noise_of(const double *value, size_t count, int order, double *scratch)
{
    size_t n = 0;

    for (size_t i = (size_t)order; i < count; i++)
        scratch[n++] =
            order == 1 ? value[i] - value[i - 1] : value[i] - 2 * value[i - 1] + value[i - 2];
    tcore_sort_doubles(scratch, n);
    return n ? 1.4826 * tcore_median_deviation(scratch, n, scratch + n) / sqrt(order == 1 ? 2 : 6)
             : 0;
}

static double median_of_five(const double *value, size_t count, size_t i)
{
    double around[5];

    for (size_t k = 0; k < 5; k++) {
        size_t at = i + k < 2 ? 0 : i + k - 2;

        around[k] = value[at < count ? at : count - 1];
    }
    tcore_sort_doubles(around, 5);
    return around[2];
}

/* Up to two neighbours that are six deviations away from those around them become like these; of a
 * series that mostly stands still, any that differ. */
static void tame_outliers(struct segmenting *s)
{
    double limit = 6 * noise_of(s->value, s->count, 1, s->scratch);

    for (size_t i = 0; i < s->count; i++) {
        double median = median_of_five(s->value, s->count, i);

        s->scratch[i] = fabs(s->value[i] - median) > limit ? median : s->value[i];
    }
    memcpy(s->value, s->scratch, s->count * sizeof *s->value);
}

/* To mean 0 and variance 1, in two steps for the sake of huge numbers. False: all are equal. */
static bool standardise(double *value, size_t count)
{
    double largest = 0, mean = 0, squares = 0;

    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(value[i]));
    if (!(largest > 0))
        return false;
    for (size_t i = 0; i < count; i++)
        mean += value[i] / largest / (double)count;
    for (size_t i = 0; i < count; i++) {
        value[i] = value[i] / largest - mean;
        squares += value[i] * value[i];
    }
    double deviation = sqrt(squares / (double)count);

    if (!(deviation > 1e-13))
        return false; /* of 1: what rounding makes of equal values */
    for (size_t i = 0; i < count; i++)
        value[i] /= deviation;
    return true;
}

static void add_up(struct segmenting *s)
{
    struct segment_sums *sums = &s->sums;
    double y = 0, ty = 0, yy = 0;

    for (size_t i = 0, place = 0; i <= s->count; i++) {
        if (i == place * s->width || i == s->count) {
            sums->at[place] = i;
            sums->y[place] = y;
            sums->ty[place] = ty;
            sums->yy[place] = yy;
            place++;
        }
        if (i < s->count) {
            y += s->value[i];
            ty += (double)i * s->value[i];
            yy += s->value[i] * s->value[i];
        }
    }
}

/* --- Members */

static void set_members(struct segmenting *s)
{
    /* what a line costs besides, in cuts; infinite: levels only */
    static const double lines[] = {0, INFINITY, 0.25, 0.5};
    double n = (double)s->count;
    double left = segment_line_squares(&s->sums, 0, s->sums.places);

    s->chance = s->noise * log(n) * (1 + 10 / n); /* the noise of few values is less certain */

    for (size_t i = 0; i < PICTURES; i++) {
        struct segment_member *m = &s->member[i];
        double share = 0.01 * pow(2, (double)(i % SHARES + 1) / 2), line = lines[i / SHARES];

        m->cut = fmax(share * (isinf(line) ? n : left), 3 * s->chance);
        m->level = line == 0 ? INFINITY : 0;
        m->line = isinf(line) ? INFINITY : line * m->cut;
        m->weight = 1;
    }
    s->member[BY_LEVELS] = (struct segment_member){3 * s->chance, 0, INFINITY, 0};
    s->member[BY_LINES] = (struct segment_member){4 * s->chance, INFINITY, 0, 0};
}

struct residue {
    double squares, products; /* of each rest, and of it and the one before */
};

/* What a level or line leaves of the values of one segment. */
static void add_residue(const struct segmenting *s, size_t from, size_t to, bool line,
                        struct residue *residue, double *last)
{
    const struct segment_sums *sums = &s->sums;
    size_t a = sums->at[from], b = sums->at[to];
    double n = (double)(b - a), mean = (sums->y[to] - sums->y[from]) / n;
    double middle = ((double)a + (double)b - 1) / 2;
    double ty = sums->ty[to] - sums->ty[from] - middle * mean * n;
    double slope = line && b - a > 2 ? ty * 12 / (n * (n * n - 1)) : 0;

    for (size_t i = a; i < b; i++) {
        double rest = s->value[i] - mean - slope * ((double)i - middle);

        residue->squares += rest * rest;
        residue->products += rest * *last;
        *last = rest;
    }
}

/* Schwarz's criterion of a division that leaves white noise; infinite if it leaves more, or has too
 * many segments to explain anything. */
static double criterion(const struct segmenting *s, const struct segment_division *d, bool line)
{
    double n = (double)s->count, segments = (double)d->count + 1, last = 0;
    struct residue residue = {0};

    for (size_t i = 0; i <= d->count; i++)
        add_residue(s, i ? d->place[i - 1] : 0, i < d->count ? d->place[i] : s->sums.places, line,
                    &residue, &last);
    double correlation = residue.squares > 0 ? residue.products / residue.squares : 0;

    if (residue.squares >= 1.5 * n * s->noise || fabs(correlation) >= fmax(0.2, 2 / sqrt(n)) ||
        segments * 20 > n)
        return INFINITY;
    return n * log(residue.squares / n) + (line ? 3 : 2) * segments * log(n);
}

static void weigh_lowest(struct segmenting *s)
{
    double levels = criterion(s, &s->division[BY_LEVELS], false);
    double lines = criterion(s, &s->division[BY_LINES], true);

    if (isfinite(levels) || isfinite(lines))
        s->member[levels <= lines ? BY_LEVELS : BY_LINES].weight = PICTURES;
}

/* --- Cuts */

static enum tcore_status put_cuts(const struct segmenting *s, size_t chosen, size_t margin,
                                  struct tcore_segmentation *result, struct tcore_error *err)
{
    const struct segment_division *d = &s->division[chosen];

    if (!d->count)
        return TCORE_OK;
    result->cut = tcore_reallocarray(NULL, d->count, sizeof *result->cut);
    if (!result->cut)
        return tcore_error_nomem(err);
    for (size_t i = 0; i < d->count; i++)
        result->cut[i] = (struct tcore_cut){
            s->sums.at[d->place[i]],
            segment_support(s->division, s->member, MEMBERS, d->place[i], margin)};
    result->count = d->count;
    return s->width > 1 ? segment_refine(s->value, s->count, s->width, 3 * s->chance, result, err)
                        : TCORE_OK;
}

static enum tcore_status divide(struct segmenting *s, struct tcore_segmentation *result,
                                struct tcore_error *err)
{
    size_t shortest = (TCORE_SEGMENT_SHORTEST + s->width - 1) / s->width;
    size_t margin = TCORE_SEGMENT_MARGIN / s->width;
    double noise = noise_of(s->value, s->count, 2, s->scratch);

    s->noise = noise * noise;
    add_up(s);
    set_members(s);
    enum tcore_status status =
        segment_divide(&s->sums, s->member, MEMBERS, shortest, s->place, s->division, err);

    if (status != TCORE_OK)
        return status;
    weigh_lowest(s);
    margin = margin ? margin : 1;
    return put_cuts(s, segment_choose(s->division, s->member, MEMBERS, s->sums.places, margin),
                    margin, result, err);
}

static bool make_room(struct segmenting *s)
{
    struct segment_sums *sums = &s->sums;

    s->width = (s->count + TCORE_SEGMENT_BLOCKS - 1) / TCORE_SEGMENT_BLOCKS;
    sums->places = (s->count + s->width - 1) / s->width;
    s->value = tcore_reallocarray(NULL, 3 * s->count, sizeof *s->value);
    sums->at = tcore_reallocarray(NULL, sums->places + 1, sizeof *sums->at);
    sums->y = tcore_reallocarray(NULL, 3 * (sums->places + 1), sizeof *sums->y);
    s->place = tcore_reallocarray(NULL, MEMBERS * (sums->places + 1), sizeof *s->place);
    if (!s->value || !sums->at || !sums->y || !s->place)
        return false;
    s->scratch = s->value + s->count; /* twice as many */
    sums->ty = sums->y + sums->places + 1;
    sums->yy = sums->ty + sums->places + 1;
    return true;
}

enum tcore_status tcore_segment(const double *values, size_t count,
                                struct tcore_segmentation *result, struct tcore_error *err)
{
    struct segmenting s = {.count = count};
    enum tcore_status status = TCORE_OK;

    *result = (struct tcore_segmentation){0};
    if (count < 2 * TCORE_SEGMENT_SHORTEST)
        return TCORE_OK;
    if (!make_room(&s)) {
        status = tcore_error_nomem(err);
    } else {
        memcpy(s.value, values, count * sizeof *values);
        tame_outliers(&s);
        if (standardise(s.value, count)) {
            status = tcore_season_period(s.value, count, &result->period, err);
            if (status == TCORE_OK)
                status = tcore_season_remove(s.value, count, result->period, err);
            if (status == TCORE_OK && standardise(s.value, count))
                status = divide(&s, result, err);
        }
    }
    tcore_free(s.value);
    tcore_free(s.sums.at);
    tcore_free(s.sums.y);
    tcore_free(s.place);
    return status;
}

void tcore_segmentation_free(struct tcore_segmentation *segmentation)
{
    tcore_free(segmentation->cut);
    *segmentation = (struct tcore_segmentation){0};
}
