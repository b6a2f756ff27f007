/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading an exponential histogram: bounds and values of buckets, walking them, quantiles. */
#include "stats/histogram.h"
#include "stats/histogram_index.h"

#include <math.h>

enum { NEGATIVE, ZERO, POSITIVE };

/* 2^(j/64) for j = 0 ... 64, correctly rounded: the boundaries have 11 bits more than a double. */
static double root(uint32_t j)
{
    return j < 64 ? ldexp((double)tcore_histogram_boundaries[j], -63) : 2.0;
}

/* 2^(k / 2^scale) */
static double boundary(int scale, int64_t k)
{
    if (scale <= 0)
        return ldexp(1, (int)(k * (INT64_C(1) << -scale)));
    uint32_t part = (uint32_t)(k & ((INT64_C(1) << scale) - 1));
    return ldexp(root(part << (TCORE_HISTOGRAM_SCALE - scale)), (int)(k >> scale));
}

/*
 * 2lu / (l + u) = l * 2 / (1 + l / u), where l / u is the same for every bucket of a scale. It is
 * put together from l's mantissa and exponent, so that neither bound has to be a double.
 */
static double middle(int scale, int32_t index)
{
    if (scale <= 0) {
        int bits = 1 << -scale;
        return ldexp(2 / (1 + ldexp(1, -bits)), index * bits);
    }
    uint32_t step = 1u << (TCORE_HISTOGRAM_SCALE - scale);
    double ratio = root(64 - step) / 2;
    uint32_t part = (uint32_t)index & ((1u << scale) - 1);
    return ldexp(root(part * step) * (2 / (1 + ratio)), index >> scale);
}

void tcore_histogram_bounds(int scale, int32_t index, struct tcore_histogram_bucket *bucket)
{
    bucket->lower = boundary(scale, index);
    bucket->upper = boundary(scale, (int64_t)index + 1);
    bucket->value = middle(scale, index);
}

struct tcore_histogram_cursor tcore_histogram_cursor(const struct tcore_histogram *histogram)
{
    static const struct tcore_bucket_store nothing;
    const struct tcore_bucket_store *negative =
        histogram->negative ? histogram->negative : &nothing;
    return (struct tcore_histogram_cursor){histogram, tcore_bucket_cursor_down(negative), NEGATIVE};
}

/* The next bucket's part, index and count (as kept inside). */
static bool next_count(struct tcore_histogram_cursor *cursor, int *part, int32_t *index,
                       uint64_t *count)
{
    const struct tcore_histogram *histogram = cursor->histogram;
    *part = cursor->part;
    if (cursor->part == NEGATIVE) {
        if (tcore_bucket_cursor_previous(&cursor->side, index, count))
            return true;
        cursor->part = *part = ZERO;
    }
    if (cursor->part == ZERO) {
        cursor->side = tcore_bucket_cursor_up(&histogram->positive);
        cursor->part = POSITIVE;
        *count = histogram->zero;
        if (*count)
            return true;
        *part = POSITIVE;
    }
    return tcore_bucket_cursor_next(&cursor->side, index, count);
}

bool tcore_histogram_next(struct tcore_histogram_cursor *cursor,
                          struct tcore_histogram_bucket *bucket)
{
    int part;
    int32_t index;
    uint64_t count;
    if (!next_count(cursor, &part, &index, &count))
        return false;
    *bucket = (struct tcore_histogram_bucket){0};
    if (part != ZERO)
        tcore_histogram_bounds(tcore_histogram_scale(cursor->histogram), index, bucket);
    if (part == NEGATIVE) {
        double lower = -bucket->upper;
        bucket->upper = -bucket->lower;
        bucket->lower = lower;
        bucket->value = -bucket->value;
    }
    bucket->units = cursor->histogram->in_units ? count : count * TCORE_WEIGHT_ONE;
    return true;
}

/* The value at a rank from 1 to the total, both in what is counted inside. */
static double value_at(const struct tcore_histogram *histogram, uint64_t rank)
{
    int scale = tcore_histogram_scale(histogram);
    int32_t index;
    if (histogram->negative) {
        uint64_t without = UINT64_MAX; /* becomes UINT64_MAX less all negative counts */
        tcore_bucket_store_seek(histogram->negative, &without, &index);
        uint64_t negatives = UINT64_MAX - without;
        uint64_t from_zero = negatives - rank + 1; /* the rank by ascending magnitude */
        if (rank <= negatives && tcore_bucket_store_seek(histogram->negative, &from_zero, &index))
            return -middle(scale, index);
        rank -= negatives;
    }
    if (rank <= histogram->zero)
        return 0;
    rank -= histogram->zero;
    return tcore_bucket_store_seek(&histogram->positive, &rank, &index) ? middle(scale, index) : 0;
}

double tcore_histogram_quantile(const struct tcore_histogram *histogram, double q, double min,
                                double max)
{
    if (!histogram->total)
        return NAN;
    double value = value_at(histogram, tcore_nearest_rank(q, histogram->total));
    if (value > max)
        value = max;
    return value < min ? min : value;
}
