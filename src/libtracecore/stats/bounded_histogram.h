/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Histogram with explicit bounds, as OTLP's histogram points and Prometheus's classic histograms
 * have them: bucket i counts the values in (bounds[i - 1], bounds[i]], the last one all above.
 *
 * Histograms of the same bounds add up exactly. Those of different bounds are brought to the bounds
 * that all of them have, which is exact as well and does not depend on the order (buckets between
 * two kept bounds are joined); tcore_bounded_histogram.coarsened then says that it happened, and
 * the caller tells the user. When no bound is shared, one bucket is left and quantiles are NaN.
 *
 * A zeroed struct is empty and takes on any bounds. It owns its memory. Not thread-safe.
 */
#ifndef TRACECORE_STATS_BOUNDED_HISTOGRAM_H
#define TRACECORE_STATS_BOUNDED_HISTOGRAM_H

#include "base/buf.h"
#include "base/error.h"
#include "stats/weight.h"

struct tcore_bounded_histogram {
    double *bounds;  /* owned; finite, ascending */
    uint64_t *units; /* owned; length + 1 counts in units; NULL while nothing was added */
    uint64_t total;  /* of units */
    uint32_t length; /* bounds */
    bool coarsened;  /* histograms with different bounds met */
};

void tcore_bounded_histogram_free(struct tcore_bounded_histogram *histogram); /* and zeroes it */

/*
 * Adds a data point: length bounds and length + 1 counts (not cumulative), each count standing for
 * weight units. A last bound of +Infinity is accepted if the count above it is 0 or not there
 * (counts == length). TCORE_OK; TCORE_SKIP when bounds are not ascending or not finite, the number
 * of counts does not match, or counts are too large, nothing added; TCORE_FATAL, nothing added.
 */
enum tcore_status tcore_bounded_histogram_add(struct tcore_bounded_histogram *histogram,
                                              const double *bounds, uint32_t length,
                                              const uint64_t *counts, uint32_t count_length,
                                              uint64_t weight, struct tcore_error *err);
/* into += from. TCORE_OK, TCORE_BAD_INPUT (too many, nothing added), TCORE_FATAL (the same). */
enum tcore_status tcore_bounded_histogram_merge(struct tcore_bounded_histogram *into,
                                                const struct tcore_bounded_histogram *from);

/*
 * The q-quantile by linear interpolation inside its bucket, as Prometheus's histogram_quantile()
 * does: the rank is q * total; the first bucket starts at 0 unless its bound is not positive, then
 * the quantile in it is the bound; in the last bucket it is the highest bound. NaN when empty or
 * without a bound, -Infinity and +Infinity for q below 0 and above 1. Else clamped to [min, max],
 * the extremes of the data where they are known (NaN: not known).
 * Source: Prometheus documentation, "histogram_quantile()".
 */
double tcore_bounded_histogram_quantile(const struct tcore_bounded_histogram *histogram, double q,
                                        double min, double max);

/* The state as bytes and back: see stats/encode.h. Equal states give equal bytes. */
struct tcore_state_reader;
void tcore_bounded_histogram_encode(const struct tcore_bounded_histogram *histogram,
                                    struct tcore_buf *out);
/* Into an empty histogram. TCORE_OK, TCORE_BAD_INPUT (left empty) or TCORE_FATAL. */
enum tcore_status tcore_bounded_histogram_decode(struct tcore_bounded_histogram *histogram,
                                                 struct tcore_state_reader *in, struct tcore_error *err);

#endif
