/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Histograms with explicit bounds: adding over the shared bounds, interpolated quantiles. */
#include "stats/bounded_histogram.h"
#include "stats/encode.h"
#include "base/sys.h"

#include <math.h>
#include <string.h>

enum { IN_UNITS = 1, COARSENED = 2, LENGTH_SHIFT = 2 };
static const char bounded_name[] = "histogram with bounds";

void tcore_bounded_histogram_free(struct tcore_bounded_histogram *histogram)
{
    tcore_free(histogram->bounds);
    tcore_free(histogram->units);
    *histogram = (struct tcore_bounded_histogram){0};
}

/* Room for so many bounds, with counts of zero. */
static enum tcore_status allocate(struct tcore_bounded_histogram *histogram, uint32_t length)
{
    histogram->length = length;
    histogram->bounds = tcore_calloc(length, sizeof *histogram->bounds);
    histogram->units = tcore_calloc((size_t)length + 1, sizeof *histogram->units);
    if (histogram->bounds && histogram->units)
        return TCORE_OK;
    tcore_bounded_histogram_free(histogram);
    return TCORE_FATAL;
}

static bool ascending(const double *bounds, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        if (!isfinite(bounds[i]) || (i && !(bounds[i - 1] < bounds[i])))
            return false;
    return true;
}

static bool same_bounds(const struct tcore_bounded_histogram *a,
                        const struct tcore_bounded_histogram *b)
{
    if (a->length != b->length)
        return false;
    for (uint32_t i = 0; i < a->length; i++)
        if (a->bounds[i] != b->bounds[i])
            return false;
    return true;
}

/* The bounds that both have; out has room for a's. How many. */
static uint32_t shared_bounds(double *out, const struct tcore_bounded_histogram *a,
                              const struct tcore_bounded_histogram *b)
{
    uint32_t shared = 0;
    for (uint32_t i = 0, j = 0; i < a->length && j < b->length;) {
        if (a->bounds[i] == b->bounds[j]) {
            out[shared++] = a->bounds[i++];
            j++;
        } else if (a->bounds[i] < b->bounds[j]) {
            i++;
        } else {
            j++;
        }
    }
    return shared;
}

/* Adds the counts of from to a histogram whose bounds are all among from's. */
static void add_counts(struct tcore_bounded_histogram *into,
                       const struct tcore_bounded_histogram *from)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i <= from->length; i++) {
        while (at < into->length && (i == from->length || from->bounds[i] > into->bounds[at]))
            at++;
        into->units[at] += from->units[i];
    }
    into->total += from->total;
}

enum tcore_status tcore_bounded_histogram_merge(struct tcore_bounded_histogram *into,
                                                const struct tcore_bounded_histogram *from)
{
    if (!from->units)
        return TCORE_OK;
    if (from->total > TCORE_UNITS_MAX - into->total)
        return TCORE_BAD_INPUT;
    if (into->units && same_bounds(into, from)) {
        add_counts(into, from);
        into->coarsened |= from->coarsened;
        return TCORE_OK;
    }
    const struct tcore_bounded_histogram *first = into->units ? into : from;
    struct tcore_bounded_histogram merged = {0};
    if (allocate(&merged, first->length) != TCORE_OK)
        return TCORE_FATAL;
    merged.length = shared_bounds(merged.bounds, first, from);
    merged.coarsened = into->coarsened || from->coarsened || into->units != NULL;
    if (into->units)
        add_counts(&merged, into);
    add_counts(&merged, from);
    tcore_bounded_histogram_free(into);
    *into = merged;
    return TCORE_OK;
}

/* The weighted sum of the counts; false if it is too large. */
static bool weigh(const uint64_t *counts, uint32_t length, uint64_t weight, uint64_t *total)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < length; i++)
        if (__builtin_add_overflow(sum, counts[i], &sum))
            return false;
    return !__builtin_mul_overflow(sum, weight, total) && *total <= TCORE_UNITS_MAX;
}

enum tcore_status tcore_bounded_histogram_add(struct tcore_bounded_histogram *histogram,
                                              const double *bounds, uint32_t length,
                                              const uint64_t *counts, uint32_t count_length,
                                              uint64_t weight, struct tcore_error *err)
{
    if (length && bounds[length - 1] == INFINITY && count_length >= length &&
        (count_length == length || !counts[length])) {
        count_length -= count_length > length;
        length--;
    }
    if (count_length != (uint64_t)length + 1)
        return tcore_error_set(err, TCORE_SKIP, "a histogram with %u bounds has %u counts", length,
                               count_length);
    if (!ascending(bounds, length))
        return tcore_error_set(err, TCORE_SKIP, "the bounds of a histogram do not ascend");
    struct tcore_bounded_histogram point = {0};
    if (!weigh(counts, count_length, weight, &point.total))
        return tcore_error_set(err, TCORE_SKIP, "the counts of a histogram are too large");
    uint64_t total = point.total;
    if (allocate(&point, length) != TCORE_OK)
        return tcore_error_nomem(err);
    for (uint32_t i = 0; i < length; i++)
        point.bounds[i] = bounds[i] + 0.0; /* no negative zero */
    for (uint32_t i = 0; i < count_length; i++)
        point.units[i] = counts[i] * weight;
    point.total = total;
    enum tcore_status status = tcore_bounded_histogram_merge(histogram, &point);
    tcore_bounded_histogram_free(&point);
    if (status == TCORE_BAD_INPUT)
        return tcore_error_set(err, TCORE_SKIP, "the counts of a histogram are too large");
    return status == TCORE_OK ? TCORE_OK : tcore_error_nomem(err);
}

static double interpolate(const struct tcore_bounded_histogram *histogram, double q)
{
    double rank = q * (double)histogram->total, below = 0;
    uint32_t at = 0;
    while (at < histogram->length && below + (double)histogram->units[at] < rank)
        below += (double)histogram->units[at++];
    if (at == histogram->length)
        return histogram->bounds[at - 1];
    double upper = histogram->bounds[at], count = (double)histogram->units[at];
    if (at == 0 && upper <= 0)
        return upper;
    double lower = at ? histogram->bounds[at - 1] : 0;
    return count > 0 ? lower + (upper - lower) * ((rank - below) / count) : upper;
}

double tcore_bounded_histogram_quantile(const struct tcore_bounded_histogram *histogram, double q,
                                        double min, double max)
{
    if (!histogram->total || !histogram->length || isnan(q))
        return NAN;
    if (q < 0 || q > 1)
        return q < 0 ? -INFINITY : INFINITY;
    double value = interpolate(histogram, q);
    if (value > max)
        value = max;
    return value < min ? min : value;
}

void tcore_bounded_histogram_encode(const struct tcore_bounded_histogram *histogram,
                                    struct tcore_buf *out)
{
    if (!histogram->units) {
        tcore_encode_uint64(out, 0);
        return;
    }
    uint64_t bits = 0;
    for (uint32_t i = 0; i <= histogram->length; i++)
        bits |= histogram->units[i];
    bool units = bits % TCORE_WEIGHT_ONE != 0;
    tcore_encode_uint64(out, 1 + ((uint64_t)histogram->length << LENGTH_SHIFT |
                                  (histogram->coarsened ? COARSENED : 0) | (units ? IN_UNITS : 0)));
    for (uint32_t i = 0; i < histogram->length; i++)
        tcore_encode_double(out, histogram->bounds[i]);
    for (uint32_t i = 0; i <= histogram->length; i++)
        tcore_encode_uint64(out, histogram->units[i] / (units ? 1 : TCORE_WEIGHT_ONE));
}

/* The bounds and counts behind the head, into allocated memory. */
static bool decode_buckets(struct tcore_bounded_histogram *histogram, struct tcore_state_reader *in,
                           bool units)
{
    uint64_t bits = 0, limit = units ? TCORE_UNITS_MAX : TCORE_COUNT_MAX;
    for (uint32_t i = 0; i < histogram->length; i++)
        if (!tcore_decode_double(in, &histogram->bounds[i]) ||
            (histogram->bounds[i] == 0 && signbit(histogram->bounds[i])))
            return false;
    for (uint32_t i = 0; i <= histogram->length; i++) {
        uint64_t count;
        if (!tcore_decode_uint64(in, &count) || count > limit - histogram->total)
            return false;
        histogram->total += count;
        bits |= count;
        histogram->units[i] = count * (units ? 1 : TCORE_WEIGHT_ONE);
    }
    histogram->total *= units ? 1 : TCORE_WEIGHT_ONE;
    return ascending(histogram->bounds, histogram->length) &&
           (!units || bits % TCORE_WEIGHT_ONE != 0);
}

enum tcore_status tcore_bounded_histogram_decode(struct tcore_bounded_histogram *histogram,
                                                 struct tcore_state_reader *in, struct tcore_error *err)
{
    uint64_t head;
    *histogram = (struct tcore_bounded_histogram){0};
    if (!tcore_decode_uint64(in, &head))
        return tcore_decode_failed(err, bounded_name, "bad head");
    if (!head)
        return TCORE_OK;
    head--;
    uint64_t length = head >> LENGTH_SHIFT;
    if (length > tcore_state_reader_left(in) / 8 || length >= UINT32_MAX)
        return tcore_decode_failed(err, bounded_name, "more bounds than bytes");
    if (allocate(histogram, (uint32_t)length) != TCORE_OK)
        return tcore_error_nomem(err);
    histogram->coarsened = head & COARSENED;
    if (decode_buckets(histogram, in, head & IN_UNITS))
        return TCORE_OK;
    tcore_bounded_histogram_free(histogram);
    return tcore_decode_failed(err, bounded_name, "bad bounds or counts");
}
