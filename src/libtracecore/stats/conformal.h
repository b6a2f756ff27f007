/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Intervals of forecasts from the errors that earlier forecasts of the same kind made: no
 * distribution is assumed, only that the next error is like those before.
 *
 * Errors are divided by what is usual for their step (the mean size, smoothed over neighbouring
 * steps), so that all steps together tell one distribution, whose quantiles are multiplied again.
 * Errors of one forecast are alike, and so are those of forecasts made soon after each other. With
 * n errors of different values, and D what the mean of a forecast's errors varies more than it
 * would if they were independent (the design effect), they are worth n / D. Quantiles are widened
 * as Student's t is against the normal distribution, with half as many degrees of freedom. Steps
 * beyond those tried have the last one's errors in proportion to their distance.
 *
 * Sources
 *   V. Vovk, A. Gammerman, G. Shafer, "Algorithmic Learning in a Random World" (2005); split, with
 *     scaled errors: J. Lei et al., Journal of the American Statistical Association 113 (2018).
 *   Design effect: L. Kish, "Survey Sampling" (1965), section 8.2.
 */
#ifndef TRACECORE_STATS_CONFORMAL_H
#define TRACECORE_STATS_CONFORMAL_H

#include "base/error.h"

#include <stddef.h>

struct tcore_conformal {
    double *scale; /* the usual size of an error, by step from 0; owned */
    size_t steps;
    double *error; /* in its scale, ascending; owned */
    size_t errors;
    double freedom; /* degrees of it */
};

/*
 * error[k * steps + i]: what was at step i of forecast k less what was forecast; forecasts begin
 * stride steps apart. origins and steps are 1 or more. TCORE_OK, or TCORE_FATAL (no memory).
 */
enum tcore_status tcore_conformal_make(struct tcore_conformal *conformal, const double *error,
                                       size_t origins, size_t steps, size_t stride,
                                       struct tcore_error *err);
void tcore_conformal_free(struct tcore_conformal *conformal);

/* How far above its forecast a value is with probability q at most. step: from 0, any. */
double tcore_conformal_bound(const struct tcore_conformal *conformal, size_t step, double q);
/* The probability that a value is at most so far above its forecast, 0 to 1. */
double tcore_conformal_probability(const struct tcore_conformal *conformal, size_t step,
                                   double above);

#endif
