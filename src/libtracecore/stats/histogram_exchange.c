/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exponential histograms from and to others: OTLP data points, and our own encoded states. */
#include "stats/histogram.h"
#include "stats/encode.h"
#include "stats/histogram_index.h"
#include "base/sys.h"

#include <math.h>

enum { IN_UNITS = 1, HAS_ZERO = 2, HAS_NEGATIVE = 4, COARSER_SHIFT = 3 };
enum { COARSEST = TCORE_HISTOGRAM_SCALE - TCORE_HISTOGRAM_MIN_SCALE };
static const char histogram_name[] = "histogram";

/* How many levels the point is coarser than scale 6 once it is in our range (0 ... COARSEST), and
 * by how much its indices are to be shifted for that. */
static void fit_scale(int32_t scale, unsigned *coarser, unsigned *shift)
{
    *shift = scale > TCORE_HISTOGRAM_SCALE ? (unsigned)(scale - TCORE_HISTOGRAM_SCALE) : 0;
    if (*shift > 62)
        *shift = 62;
    *coarser = scale >= TCORE_HISTOGRAM_SCALE      ? 0
               : scale < TCORE_HISTOGRAM_MIN_SCALE ? COARSEST
                                                   : (unsigned)(TCORE_HISTOGRAM_SCALE - scale);
}

static bool index_exists(int64_t index, unsigned coarser)
{
    return index >= TCORE_SMALLEST_INDEX >> coarser && index <= TCORE_LARGEST_INDEX >> coarser;
}

/* Adds up a side's counts; false if one is where no double can be, or they are too many. */
static bool check_side(const struct tcore_exponential_side *side, unsigned coarser, unsigned shift,
                       uint64_t *total, bool *occupied)
{
    for (uint32_t i = 0; i < side->length; i++) {
        if (!side->counts[i])
            continue;
        int64_t index = ((int64_t)side->offset + i) >> shift;
        if (!index_exists(index, coarser) || __builtin_add_overflow(*total, side->counts[i], total))
            return false;
        *occupied = true;
    }
    return true;
}

static enum tcore_status fill_side(struct tcore_bucket_store *store,
                                   const struct tcore_exponential_side *side, unsigned shift,
                                   uint64_t multiplier)
{
    for (uint32_t i = 0; i < side->length; i++) {
        int64_t index = ((int64_t)side->offset + i) >> shift;
        if (side->counts[i] &&
            tcore_bucket_store_add(store, (int32_t)index, side->counts[i] * multiplier) != TCORE_OK)
            return TCORE_FATAL;
    }
    return TCORE_OK;
}

/* A histogram of the point's own scale (or the nearest we have); the total was checked. */
static enum tcore_status from_point(struct tcore_histogram *histogram,
                                    const struct tcore_exponential *point, unsigned shift,
                                    uint64_t total, uint64_t weight)
{
    histogram->in_units = weight % TCORE_WEIGHT_ONE != 0;
    uint64_t multiplier = histogram->in_units ? weight : weight / TCORE_WEIGHT_ONE;
    histogram->total = total * multiplier;
    histogram->zero = point->zero_count * multiplier;
    if (fill_side(&histogram->positive, &point->positive, shift, multiplier) != TCORE_OK)
        return TCORE_FATAL;
    if (!point->negative.length)
        return TCORE_OK;
    histogram->negative = tcore_calloc(1, sizeof *histogram->negative);
    if (!histogram->negative)
        return TCORE_FATAL;
    return fill_side(histogram->negative, &point->negative, shift, multiplier);
}

enum tcore_status tcore_histogram_add_exponential(struct tcore_histogram *histogram,
                                                  const struct tcore_exponential *point,
                                                  uint64_t weight, struct tcore_error *err)
{
    unsigned coarser, shift;
    uint64_t total = point->zero_count, units;
    bool occupied = false;
    fit_scale(point->scale, &coarser, &shift);
    if (!check_side(&point->positive, coarser, shift, &total, &occupied) ||
        !check_side(&point->negative, coarser, shift, &total, &occupied))
        return tcore_error_set(err, TCORE_SKIP,
                               "a bucket of the histogram lies beyond every double, or its counts "
                               "are too large");
    if (__builtin_mul_overflow(total, weight, &units) ||
        units > TCORE_UNITS_MAX - tcore_histogram_total(histogram))
        return tcore_error_set(err, TCORE_SKIP, "the counts of the histogram are too large");
    if (!units)
        return TCORE_OK;

    struct tcore_histogram other = {.coarser = (uint8_t)(occupied ? coarser : 0)};
    enum tcore_status status = from_point(&other, point, shift, total, weight);
    if (status == TCORE_OK)
        status = tcore_histogram_merge(histogram, &other);
    tcore_histogram_free(&other);
    return status == TCORE_OK ? TCORE_OK : tcore_error_nomem(err);
}

static enum tcore_status size_side(struct tcore_exponential_side *side,
                                   const struct tcore_bucket_store *store, unsigned shift)
{
    int32_t first, last;
    if (!store || !tcore_bucket_store_range(store, &first, &last))
        return TCORE_OK;
    side->offset = first >> shift;
    side->length = (uint32_t)((last >> shift) - side->offset) + 1;
    side->counts = tcore_calloc(side->length, sizeof *side->counts);
    return side->counts ? TCORE_OK : TCORE_FATAL;
}

/* The smallest shift that leaves a side at most max_buckets. */
static unsigned shift_for(const struct tcore_bucket_store *store, unsigned shift, unsigned most,
                          uint32_t max_buckets)
{
    int32_t first, last;
    if (!max_buckets || !store || !tcore_bucket_store_range(store, &first, &last))
        return shift;
    while (shift < most && (uint32_t)((last >> shift) - (first >> shift)) + 1 > max_buckets)
        shift++;
    return shift;
}

/* Rounds the cumulative units to records and hands the increase on. */
static uint64_t next_records(uint64_t *units, uint64_t *records, uint64_t count, bool in_units)
{
    if (!in_units)
        return count;
    *units += count;
    uint64_t rounded =
        *units / TCORE_WEIGHT_ONE + (*units % TCORE_WEIGHT_ONE >= TCORE_WEIGHT_ONE / 2);
    uint64_t more = rounded - *records;
    *records = rounded;
    return more;
}

enum tcore_status tcore_histogram_export(const struct tcore_histogram *histogram, int max_scale,
                                         uint32_t max_buckets, struct tcore_exponential *point,
                                         struct tcore_error *err)
{
    unsigned most = (unsigned)(COARSEST - histogram->coarser);
    int scale = tcore_histogram_scale(histogram);
    unsigned shift = 0;
    while (shift < most && scale - (int)shift > max_scale)
        shift++;
    shift = shift_for(&histogram->positive, shift, most, max_buckets);
    shift = shift_for(histogram->negative, shift, most, max_buckets);

    *point = (struct tcore_exponential){.scale = scale - (int)shift};
    if (size_side(&point->positive, &histogram->positive, shift) != TCORE_OK ||
        size_side(&point->negative, histogram->negative, shift) != TCORE_OK) {
        tcore_exponential_free(point);
        return tcore_error_nomem(err);
    }
    uint64_t units = 0, records = 0, count;
    int32_t index;
    bool in_units = histogram->in_units;
    if (histogram->negative) {
        struct tcore_bucket_cursor down = tcore_bucket_cursor_down(histogram->negative);
        while (tcore_bucket_cursor_previous(&down, &index, &count))
            point->negative.counts[(index >> shift) - point->negative.offset] +=
                next_records(&units, &records, count, in_units);
    }
    point->zero_count = next_records(&units, &records, histogram->zero, in_units);
    struct tcore_bucket_cursor up = tcore_bucket_cursor_up(&histogram->positive);
    while (tcore_bucket_cursor_next(&up, &index, &count))
        point->positive.counts[(index >> shift) - point->positive.offset] +=
            next_records(&units, &records, count, in_units);
    return TCORE_OK;
}

void tcore_exponential_free(struct tcore_exponential *point)
{
    tcore_free(point->positive.counts);
    tcore_free(point->negative.counts);
    *point = (struct tcore_exponential){0};
}

/* Bytes gathered before they are appended: a varint is at most 10 long, a bucket 20. */
struct gather {
    unsigned char bytes[256];
    size_t length;
};

static inline void gather_uint64(struct gather *gather, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        gather->bytes[gather->length++] = (unsigned char)(value | 0x80);
    gather->bytes[gather->length++] = (unsigned char)value;
}

static void encode_side(const struct tcore_bucket_store *store, uint32_t buckets, uint64_t divisor,
                        struct tcore_buf *out)
{
    struct tcore_bucket_cursor up = tcore_bucket_cursor_up(store);
    struct gather gather;
    int32_t index, previous = 0;
    uint64_t count;
    gather.length = 0;
    gather_uint64(&gather, buckets);
    for (bool first = true; tcore_bucket_cursor_next(&up, &index, &count); first = false) {
        uint64_t step = first ? ((uint64_t)index << 1) ^ (index < 0 ? UINT64_MAX : 0)
                              : (uint64_t)(index - previous - 1);
        if (divisor != 1)
            count /= divisor;
        gather_uint64(&gather, step << 1 | (count > 1));
        if (count > 1)
            gather_uint64(&gather, count - 2);
        previous = index;
        if (gather.length > sizeof gather.bytes - 20) {
            tcore_buf_append(out, gather.bytes, gather.length);
            gather.length = 0;
        }
    }
    tcore_buf_append(out, gather.bytes, gather.length);
}

void tcore_histogram_encode(const struct tcore_histogram *histogram, struct tcore_buf *out)
{
    uint64_t bits = histogram->zero;
    uint32_t positive = tcore_bucket_store_survey(&histogram->positive, &bits);
    uint32_t negative = 0;
    if (histogram->negative)
        negative = tcore_bucket_store_survey(histogram->negative, &bits);
    bool units = histogram->in_units && bits % TCORE_WEIGHT_ONE != 0;
    uint64_t divisor = histogram->in_units && !units ? TCORE_WEIGHT_ONE : 1;

    tcore_encode_uint64(out, (uint64_t)histogram->coarser << COARSER_SHIFT |
                                 (negative ? HAS_NEGATIVE : 0) | (histogram->zero ? HAS_ZERO : 0) |
                                 (units ? IN_UNITS : 0));
    if (histogram->zero)
        tcore_encode_uint64(out, histogram->zero / divisor);
    encode_side(&histogram->positive, positive, divisor, out);
    if (negative)
        encode_side(histogram->negative, negative, divisor, out);
}

/* One encoded bucket behind *index (unless it is the first). */
static bool decode_bucket(struct tcore_state_reader *in, bool first, int64_t *index, uint64_t *count)
{
    uint64_t head;
    if (!tcore_decode_uint64(in, &head))
        return false;
    uint64_t step = head >> 1;
    *count = 1;
    if (head & 1) {
        if (!tcore_decode_uint64(in, count) || *count > UINT64_MAX - 2)
            return false;
        *count += 2;
    }
    if (step > UINT32_MAX)
        return false;
    *index = first ? (int64_t)(step >> 1) ^ -(int64_t)(step & 1) : *index + 1 + (int64_t)step;
    return true;
}

struct side_check {
    uint64_t buckets, largest;
    int64_t first, last;
};

/* Reads a side without keeping it; adds its counts to *total and ors them into *bits. */
static bool scan_side(struct tcore_state_reader *in, unsigned coarser, struct side_check *check,
                      uint64_t *total, uint64_t *bits)
{
    *check = (struct side_check){0};
    if (!tcore_decode_uint64(in, &check->buckets) || check->buckets > tcore_state_reader_left(in))
        return false;
    for (uint64_t n = 0; n < check->buckets; n++) {
        uint64_t count;
        if (!decode_bucket(in, n == 0, &check->last, &count) ||
            !index_exists(check->last, coarser) || __builtin_add_overflow(*total, count, total))
            return false;
        if (n == 0)
            check->first = check->last;
        check->largest = count > check->largest ? count : check->largest;
        *bits |= count;
    }
    return true;
}

/* Reads the same bytes again, now known to be sound, into the empty store. */
static enum tcore_status keep_side(struct tcore_state_reader *in, const struct side_check *check,
                                   struct tcore_bucket_store *store)
{
    uint64_t buckets, count;
    int64_t index = 0;
    if (!tcore_decode_uint64(in, &buckets) || !buckets)
        return TCORE_OK;
    if (tcore_bucket_store_reserve(store, (int32_t)check->first, (int32_t)check->last,
                                   (uint32_t)buckets, check->largest) != TCORE_OK)
        return TCORE_FATAL;
    for (uint64_t n = 0; n < buckets && decode_bucket(in, n == 0, &index, &count); n++)
        tcore_bucket_store_append(store, (int32_t)index, count);
    return TCORE_OK;
}

enum tcore_status tcore_histogram_decode(struct tcore_histogram *histogram,
                                         struct tcore_state_reader *in, struct tcore_error *err)
{
    uint64_t head, zero = 0, total, bits;
    struct side_check positive, negative = {0};
    *histogram = (struct tcore_histogram){0};
    if (!tcore_decode_uint64(in, &head) || head >> COARSER_SHIFT > COARSEST)
        return tcore_decode_failed(err, histogram_name, "bad head");
    unsigned coarser = (unsigned)(head >> COARSER_SHIFT);
    if ((head & HAS_ZERO) && (!tcore_decode_uint64(in, &zero) || !zero))
        return tcore_decode_failed(err, histogram_name, "bad zero bucket");
    total = bits = zero;
    struct tcore_state_reader sides = *in;
    if (!scan_side(in, coarser, &positive, &total, &bits) ||
        ((head & HAS_NEGATIVE) && !scan_side(in, coarser, &negative, &total, &bits)))
        return tcore_decode_failed(err, histogram_name, "bad bucket");
    bool units = head & IN_UNITS;
    if (total > (units ? TCORE_UNITS_MAX : TCORE_COUNT_MAX) ||
        units != (units && bits % TCORE_WEIGHT_ONE != 0) ||
        ((head & HAS_NEGATIVE) != 0) != (negative.buckets != 0))
        return tcore_decode_failed(err, histogram_name, "not in its one form");

    *histogram = (struct tcore_histogram){
        .total = total, .zero = zero, .coarser = (uint8_t)coarser, .in_units = units};
    enum tcore_status status = keep_side(&sides, &positive, &histogram->positive);
    if (status == TCORE_OK && negative.buckets) {
        histogram->negative = tcore_calloc(1, sizeof *histogram->negative);
        status =
            histogram->negative ? keep_side(&sides, &negative, histogram->negative) : TCORE_FATAL;
    }
    if (status == TCORE_OK)
        return TCORE_OK;
    tcore_histogram_free(histogram);
    return tcore_error_nomem(err);
}
