/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A streaming detector of values that a series has never had. One struct a series, of fixed size
 * and without pointers; a step costs a binary search.
 *
 * A value is as odd as it is far from the nearest value ever seen, on an axis that is bent like
 * asinh around the median, so that one wild value does not make all later ones look alike. Two
 * things must hold before it is reported:
 *   - its tail probability is small. With n earlier values the chance to be beyond all of them is
 *     2 / (n + 1) whatever their distribution (exchangeability), and the chance to be at least d
 *     beyond falls like the tail: (1 + d / E)^-k, where E is the sum of how far the k largest
 *     values exceed the one before them. That is the exact predictive distribution of an
 *     exponential tail (the excess over a threshold is exponential in the limit for the usual
 *     light tails: Pickands 1975), and a heavier one is lightened by asinh.
 *   - it is far enough to matter: the distance is a fair part of the whole range seen.
 * After a report the next 20 values or so must be odder still to be reported too.
 *
 * Nothing but the order of arrival matters; times are kept for the message only. So unordered and
 * repeated times have no effect, and gaps none either.
 */
#ifndef DETECT_DETECTOR_H
#define DETECT_DETECTOR_H

#include <stdbool.h>
#include <stdint.h>

#define DETECTOR_WARM_UP   16 /* values before the first that can be reported */
#define DETECTOR_CELLS     64 /* intervals of seen values; beyond it the narrowest gap closes */
#define DETECTOR_EXTREMES  21 /* largest and smallest values kept */
#define DETECTOR_QUANTILES 7  /* 0, 0.05, 0.25, 0.5, 0.75, 0.95, 1 */

struct detector {
    uint64_t seen;    /* values so far */
    int64_t first_ns; /* smallest time so far, if any value had one */
    bool timed;
    double penalty; /* what the last odd value leaves to exceed; decays */
    uint32_t cells;
    double low[DETECTOR_CELLS], high[DETECTOR_CELLS]; /* disjoint, ascending */
    double largest[DETECTOR_EXTREMES];                /* descending */
    double smallest[DETECTOR_EXTREMES];               /* ascending */
    double height[DETECTOR_QUANTILES];                /* P-square's markers */
    double place[DETECTOR_QUANTILES];
};

enum detector_side { DETECTOR_BETWEEN, DETECTOR_ABOVE, DETECTOR_BELOW };

struct detector_verdict {
    double score;   /* oddness after the decaying penalty, 0 during the warm-up */
    double p_value; /* 1 during the warm-up and for values close to one seen before */
    double expected, lower, upper; /* median, 5th and 95th percentile of what was seen before */
    double nearest;                /* the nearest value seen before */
    enum detector_side side;       /* of all values seen before */
    int64_t history_ns;            /* from the first time seen to this one */
};

/* A zeroed struct is a series without values. Feeds one finite value (one beyond 1e150 in size
 * is taken as that); true: report it. time_ns may be NULL. */
bool detector_step(struct detector *series, const int64_t *time_ns, double value,
                   struct detector_verdict *verdict);

#endif
