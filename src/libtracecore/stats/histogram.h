/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Base-2 exponential histogram: quantiles of durations and other values within 0.55 %, mergeable
 * in any order and partition to the same state.
 *
 * Buckets are OpenTelemetry's: at scale s, bucket i of the positive side covers
 * (2^(i / 2^s), 2^((i + 1) / 2^s)], upper bound included; the negative side mirrors it; zero has a
 * bucket of its own. Our own data is kept at scale 6: 64 buckets a power of two, relative error at
 * most (b - 1) / (b + 1) = 0.5415 % with b = 2^(1/64). The bucket of a value is exact, for doubles
 * and for integers of 64 bits, at every boundary; no logarithm is computed. There is no limit to
 * the number of buckets. Source: OpenTelemetry specification, metrics data model, "Exponential
 * Histogram".
 *
 * A histogram has the smallest scale that it met: merging or adding a coarser one makes it coarser
 * for good (indices are shifted right, which is exact), a finer one is reduced on the way in. So
 * the result does not depend on the order.
 *
 * A zeroed struct is an empty histogram at scale 6. It owns its memory (tcore_histogram_free) and
 * is not thread-safe. After TCORE_FATAL it may hold a part of what was being added: free it.
 * Counts are in units of 1/65,536 record wherever they are read (stats/weight.h).
 */
#ifndef TRACECORE_STATS_HISTOGRAM_H
#define TRACECORE_STATS_HISTOGRAM_H

#include "base/buf.h"
#include "base/error.h"
#include "stats/bucket_store.h"
#include "stats/weight.h"

#define TCORE_HISTOGRAM_SCALE     6     /* of what we make */
#define TCORE_HISTOGRAM_MIN_SCALE (-11) /* one bucket up to 1, one above: coarser says nothing */

struct tcore_histogram {
    uint64_t total, zero; /* in records, or in units once a weight was no whole number */
    struct tcore_bucket_store positive;
    struct tcore_bucket_store *negative; /* owned; NULL until there is a negative value */
    uint8_t coarser;                     /* TCORE_HISTOGRAM_SCALE - scale */
    bool in_units;                       /* what the counts inside are in */
};

void tcore_histogram_free(struct tcore_histogram *histogram); /* and zeroes it */
/* Memory held apart from the struct itself. */
size_t tcore_histogram_bytes(const struct tcore_histogram *histogram);

/*
 * Adds one value. TCORE_OK; TCORE_SKIP for NaN and infinities, which are not counted;
 * TCORE_BAD_INPUT beyond TCORE_COUNT_MAX, nothing added; TCORE_FATAL without memory.
 */
enum tcore_status tcore_histogram_insert_int64(struct tcore_histogram *histogram, int64_t value);
/* Many values; when it fails, those before have been added. */
enum tcore_status tcore_histogram_insert_int64s(struct tcore_histogram *histogram,
                                                const int64_t *values, size_t count);
enum tcore_status tcore_histogram_insert_double(struct tcore_histogram *histogram, double value);
/* The same with a sampling weight in units; a weight of 0 adds nothing. */
enum tcore_status tcore_histogram_insert_weighted_int64(struct tcore_histogram *histogram,
                                                        int64_t value, uint64_t weight);
enum tcore_status tcore_histogram_insert_weighted_double(struct tcore_histogram *histogram,
                                                         double value, uint64_t weight);
/* Fetches the memory that inserting a value will need, for callers that know what comes. */
void tcore_histogram_prefetch_int64(const struct tcore_histogram *histogram, int64_t value);

/* into += from (a different histogram). TCORE_OK, TCORE_BAD_INPUT (too many, nothing added), FATAL.
 */
enum tcore_status tcore_histogram_merge(struct tcore_histogram *into,
                                        const struct tcore_histogram *from);
/* Makes it coarser, for good; a scale that is not smaller changes nothing. TCORE_OK or FATAL. */
enum tcore_status tcore_histogram_reduce_scale(struct tcore_histogram *histogram, int scale);

static inline int tcore_histogram_scale(const struct tcore_histogram *histogram)
{
    return TCORE_HISTOGRAM_SCALE - histogram->coarser;
}

/* How many values, in units. */
static inline uint64_t tcore_histogram_total(const struct tcore_histogram *histogram)
{
    return histogram->in_units ? histogram->total : histogram->total * TCORE_WEIGHT_ONE;
}

/*
 * The q-quantile (0 <= q <= 1): the value of the bucket that holds the nearest rank
 * (tcore_nearest_rank), clamped to [min, max], the extremes of the data where they are known (NaN:
 * not known). The value of a bucket with bounds l and u is 2lu / (l + u), which is off by the same
 * ratio at both bounds; of the zero bucket 0. NaN for an empty histogram.
 */
double tcore_histogram_quantile(const struct tcore_histogram *histogram, double q, double min,
                                double max);

/* A bucket as it is read: from lower (excluded) to upper (included); for negative values lower is
 * included and upper is not; zero has 0 and 0. Bounds are rounded to doubles (0 and infinity at the
 * ends of the range). */
struct tcore_histogram_bucket {
    double lower, upper, value;
    uint64_t units;
};

struct tcore_histogram_cursor {
    const struct tcore_histogram *histogram;
    struct tcore_bucket_cursor side;
    int part; /* 0 negative, 1 zero, 2 positive */
};

/* Walks the buckets that are not empty from the smallest value to the largest. */
struct tcore_histogram_cursor tcore_histogram_cursor(const struct tcore_histogram *histogram);
bool tcore_histogram_next(struct tcore_histogram_cursor *cursor,
                          struct tcore_histogram_bucket *bucket);
/* The bounds and the value of positive bucket index at a scale from -11 to 6. */
void tcore_histogram_bounds(int scale, int32_t index, struct tcore_histogram_bucket *bucket);
/* The bucket of a positive finite value at scale 6. */
int32_t tcore_histogram_index_int64(int64_t value);
int32_t tcore_histogram_index_double(double value);

/* An exponential histogram as OTLP has it: counts[i] is of bucket offset + i. */
struct tcore_exponential_side {
    int32_t offset;
    uint32_t length;
    uint64_t *counts;
};

struct tcore_exponential {
    int32_t scale;
    uint64_t zero_count;
    struct tcore_exponential_side positive, negative;
};

/*
 * Adds a foreign data point of any scale, each of its counts standing for weight units (its arrays
 * are only read). TCORE_OK; TCORE_SKIP when a count lies in a bucket that no double can be in, or
 * for too many values, nothing added; TCORE_FATAL.
 */
enum tcore_status tcore_histogram_add_exponential(struct tcore_histogram *histogram,
                                                  const struct tcore_exponential *point,
                                                  uint64_t weight, struct tcore_error *err);
/*
 * The histogram as such a data point, reduced on the way out until no side has more than
 * max_buckets (0: no limit) and the scale is at most max_scale. Fractional counts are rounded so
 * that every cumulative count, in the order of values, is off by at most a half. The arrays belong
 * to the caller (tcore_exponential_free). TCORE_OK or TCORE_FATAL.
 */
enum tcore_status tcore_histogram_export(const struct tcore_histogram *histogram, int max_scale,
                                         uint32_t max_buckets, struct tcore_exponential *point,
                                         struct tcore_error *err);
void tcore_exponential_free(struct tcore_exponential *point); /* and zeroes it */

/* The state as bytes and back: see stats/encode.h. Equal states give equal bytes. */
struct tcore_state_reader;
void tcore_histogram_encode(const struct tcore_histogram *histogram, struct tcore_buf *out);
/* Into an empty histogram. TCORE_OK, TCORE_BAD_INPUT (left empty) or TCORE_FATAL. */
enum tcore_status tcore_histogram_decode(struct tcore_histogram *histogram,
                                         struct tcore_state_reader *in, struct tcore_error *err);

#endif
