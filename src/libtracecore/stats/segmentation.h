/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where people who look at a series would say that it changed: its division into segments that a
 * level or a straight line describes.
 *
 * How much a cut has to explain is a matter of taste, and no single threshold holds for all series.
 * So a whole range of them is tried, with levels, with lines and with both, each giving the
 * division that is optimal for it; and of these the one is taken that agrees best with all of them,
 * as one would choose among the answers of many people. In detail:
 *   - Outliers of one or two values become the median around them, and a season is taken out.
 *   - A cut costs 1.4 % ... 91 % (by factors of the square root of 2) of the squares that one line
 *     leaves, or for levels of all squares; but never less than 3 s^2 ln n, s being the deviation
 * of the noise as second differences show it: that is chance.
 *   - Where a division at that lowest cost leaves nothing but white noise, it counts as much as all
 *     others: then it is how the series was made, and not just a picture of it.
 *   - Agreement is the mean of two measures: F1 of the cuts, at most TCORE_SEGMENT_MARGIN values
 *     apart, where precision asks whether one of three members would have the cut and recall is the
 *     mean over members; and the covering of segments (Jaccard).
 * A series of more than TCORE_SEGMENT_BLOCKS values is cut between blocks first, and then each cut
 * is moved within its blocks. So the time is linear in the
 * length, with a constant of some 20 ms.
 *
 * Sources
 *   Optimal partitioning: B. Jackson et al., IEEE Signal Processing Letters 12 (2005).
 *   Penalties: Y.-C. Yao, Statistics & Probability Letters 6 (1988).
 *   The measures: G. J. J. van den Burg, C. K. I. Williams, "An evaluation of change point
 * detection algorithms", arXiv:2003.06222 (2020), section 3; choosing by expected agreement is
 * minimum Bayes risk. Outliers: F. R. Hampel, Journal of the American Statistical Association 69
 * (1974).
 */
#ifndef TRACECORE_STATS_SEGMENTATION_H
#define TRACECORE_STATS_SEGMENTATION_H

#include "base/error.h"

#include <stddef.h>

#define TCORE_SEGMENT_SHORTEST 5    /* values of a segment */
#define TCORE_SEGMENT_MARGIN   5    /* values that two cuts for the same change may be apart */
#define TCORE_SEGMENT_BLOCKS   1024 /* places where a series can be cut at first */

struct tcore_cut {
    size_t start;   /* number of the first value of the new segment */
    double support; /* share of all divisions that have it, 0 to 1 */
};

struct tcore_segmentation {
    struct tcore_cut *cut; /* in the order of time; owned */
    size_t count;
    size_t period; /* of the season that was taken out; 0: none */
};

/* Divides finite values in the order of time. TCORE_OK, or TCORE_FATAL (no memory). */
enum tcore_status tcore_segment(const double *values, size_t count,
                                struct tcore_segmentation *result, struct tcore_error *err);
void tcore_segmentation_free(struct tcore_segmentation *segmentation);

#endif
