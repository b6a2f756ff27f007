/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The steps of segmentation.c: optimal divisions, and the choice among them. */
#ifndef TRACECORE_STATS_SEGMENTATION_PARTS_H
#define TRACECORE_STATS_SEGMENTATION_PARTS_H

#include "base/error.h"
#include "stats/segmentation.h"

#include <stddef.h>
#include <stdint.h>

/* Sums of the first values up to each place where a cut can be. */
struct segment_sums {
    size_t places;       /* blocks; there is one place more than blocks */
    size_t *at;          /* number of values before the place */
    double *y, *ty, *yy; /* of the values, times their numbers, and squared */
};

/* What a cut costs a member, and what it costs besides to describe a segment by a level or a line;
 * infinite: it has none of these. */
struct segment_member {
    double cut, level, line;
    double weight;
};

/* Places of cuts, in order, by member: the last of a member's is followed by the end. */
struct segment_division {
    const uint32_t *place;
    size_t count;
};

/* The squares that a level or a line leaves of the values between two places. */
double segment_level_squares(const struct segment_sums *sums, size_t from, size_t to);
double segment_line_squares(const struct segment_sums *sums, size_t from, size_t to);

/*
 * The best division for each member, no segment shorter than so many blocks. place has room for
 * members * (places + 1) numbers, which the divisions point into.
 */
enum tcore_status segment_divide(const struct segment_sums *sums,
                                 const struct segment_member *member, size_t members,
                                 size_t shortest, uint32_t *place,
                                 struct segment_division *division, struct tcore_error *err);

/* The number of the division that agrees best with all, by their weights; margin in blocks. */
size_t segment_choose(const struct segment_division *division, const struct segment_member *member,
                      size_t members, size_t places, size_t margin);
/* The share of the weights whose divisions have a cut within the margin. */
double segment_support(const struct segment_division *division, const struct segment_member *member,
                       size_t members, size_t place, size_t margin);

/*
 * Moves each cut, which is at the start of a block, to where it explains most, and drops those that
 * explain less than `least` then: a change within a block makes that a mixture, which may have
 * become a segment. TCORE_OK, or TCORE_FATAL (no memory).
 */
enum tcore_status segment_refine(const double *value, size_t count, size_t width, double least,
                                 struct tcore_segmentation *cuts, struct tcore_error *err);

#endif
