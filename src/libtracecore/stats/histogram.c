/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Exponential histograms: inserting, merging, changing scale. Counts inside are whole records
 * until a weight is not whole; from then on they are units, 65,536 times as large, which a reader
 * cannot tell apart (tcore_histogram_total). Unweighted data so keeps its one-byte counts.
 */
#include "stats/histogram.h"
#include "stats/histogram_index.h"
#include "base/sys.h"

#include <math.h>

const uint64_t tcore_histogram_boundaries[65] = {
    UINT64_C(0x8000000000000000), UINT64_C(0x8164d1f3bc030773), UINT64_C(0x82cd8698ac2ba1d7),
    UINT64_C(0x843a28c3acde4046), UINT64_C(0x85aac367cc487b14), UINT64_C(0x871f61969e8d1010),
    UINT64_C(0x88980e8092da8527), UINT64_C(0x8a14d575496efd9a), UINT64_C(0x8b95c1e3ea8bd6e6),
    UINT64_C(0x8d1adf5b7e5ba9e5), UINT64_C(0x8ea4398b45cd53c0), UINT64_C(0x9031dc431466b1dc),
    UINT64_C(0x91c3d373ab11c336), UINT64_C(0x935a2b2f13e6e92b), UINT64_C(0x94f4efa8fef70961),
    UINT64_C(0x96942d3720185a00), UINT64_C(0x9837f0518db8a96f), UINT64_C(0x99e0459320b7fa64),
    UINT64_C(0x9b8d39b9d54e5538), UINT64_C(0x9d3ed9a72cffb750), UINT64_C(0x9ef5326091a111ad),
    UINT64_C(0xa0b0510fb9714fc2), UINT64_C(0xa27043030c496818), UINT64_C(0xa43515ae09e6809e),
    UINT64_C(0xa5fed6a9b15138ea), UINT64_C(0xa7cd93b4e9653569), UINT64_C(0xa9a15ab4ea7c0ef8),
    UINT64_C(0xab7a39b5a93ed337), UINT64_C(0xad583eea42a14ac6), UINT64_C(0xaf3b78ad690a4374),
    UINT64_C(0xb123f581d2ac258f), UINT64_C(0xb311c412a9112489), UINT64_C(0xb504f333f9de6484),
    UINT64_C(0xb6fd91e328d17791), UINT64_C(0xb8fbaf4762fb9ee9), UINT64_C(0xbaff5ab2133e45fb),
    UINT64_C(0xbd08a39f580c36be), UINT64_C(0xbf1799b67a731082), UINT64_C(0xc12c4cca66709456),
    UINT64_C(0xc346ccda24976407), UINT64_C(0xc5672a115506dadd), UINT64_C(0xc78d74c8abb9b15c),
    UINT64_C(0xc9b9bd866e2f27a2), UINT64_C(0xcbec14fef2727c5c), UINT64_C(0xce248c151f8480e3),
    UINT64_C(0xd06333daef2b2594), UINT64_C(0xd2a81d91f12ae45a), UINT64_C(0xd4f35aabcfedfa1f),
    UINT64_C(0xd744fccad69d6af4), UINT64_C(0xd99d15c278afd7b5), UINT64_C(0xdbfbb797daf23755),
    UINT64_C(0xde60f4825e0e9123), UINT64_C(0xe0ccdeec2a94e111), UINT64_C(0xe33f8972be8a5a51),
    UINT64_C(0xe5b906e77c8348a8), UINT64_C(0xe8396a503c4bdc68), UINT64_C(0xeac0c6e7dd24392e),
    UINT64_C(0xed4f301ed9942b84), UINT64_C(0xefe4b99bdcdaf5cb), UINT64_C(0xf281773c59ffb139),
    UINT64_C(0xf5257d152486cc2c), UINT64_C(0xf7d0df730ad13bb8), UINT64_C(0xfa83b2db722a033a),
    UINT64_C(0xfd3e0c0cf486c174), UINT64_C(0xffffffffffffffff),
};

const uint8_t tcore_histogram_lower[128] = {
    0,  1,  2,  3,  3,  4,  5,  5,  6,  7,  7,  8,  9,  9,  10, 11, 11, 12, 13, 13, 14, 15,
    15, 16, 16, 17, 18, 18, 19, 19, 20, 21, 21, 22, 22, 23, 23, 24, 25, 25, 26, 26, 27, 27,
    28, 28, 29, 29, 30, 30, 31, 31, 32, 32, 33, 34, 34, 35, 35, 36, 36, 36, 37, 37, 38, 38,
    39, 39, 40, 40, 41, 41, 42, 42, 43, 43, 44, 44, 44, 45, 45, 46, 46, 47, 47, 48, 48, 48,
    49, 49, 50, 50, 51, 51, 51, 52, 52, 53, 53, 53, 54, 54, 55, 55, 55, 56, 56, 57, 57, 57,
    58, 58, 59, 59, 59, 60, 60, 60, 61, 61, 62, 62, 62, 63, 63, 63, 64, 64,
};

int32_t tcore_histogram_index_int64(int64_t value)
{
    return tcore_index_of_integer((uint64_t)value);
}

int32_t tcore_histogram_index_double(double value)
{
    return tcore_index_of_double(value);
}

void tcore_histogram_free(struct tcore_histogram *histogram)
{
    tcore_bucket_store_free(&histogram->positive);
    if (histogram->negative)
        tcore_bucket_store_free(histogram->negative);
    tcore_free(histogram->negative);
    *histogram = (struct tcore_histogram){0};
}

size_t tcore_histogram_bytes(const struct tcore_histogram *histogram)
{
    size_t bytes = tcore_bucket_store_bytes(&histogram->positive);
    if (histogram->negative)
        bytes += sizeof *histogram->negative + tcore_bucket_store_bytes(histogram->negative);
    return bytes;
}

static enum tcore_status need_negative(struct tcore_histogram *histogram)
{
    if (!histogram->negative)
        histogram->negative = tcore_calloc(1, sizeof *histogram->negative);
    return histogram->negative ? TCORE_OK : TCORE_FATAL;
}

/* Shifts the indices and multiplies the counts of both sides. */
static enum tcore_status rescale(struct tcore_histogram *histogram, unsigned shift,
                                 uint64_t multiplier)
{
    if (tcore_bucket_store_rescale(&histogram->positive, shift, multiplier) != TCORE_OK)
        return TCORE_FATAL;
    if (histogram->negative)
        return tcore_bucket_store_rescale(histogram->negative, shift, multiplier);
    return TCORE_OK;
}

static enum tcore_status count_in_units(struct tcore_histogram *histogram)
{
    if (histogram->in_units)
        return TCORE_OK;
    if (rescale(histogram, 0, TCORE_WEIGHT_ONE) != TCORE_OK)
        return TCORE_FATAL;
    histogram->total *= TCORE_WEIGHT_ONE;
    histogram->zero *= TCORE_WEIGHT_ONE;
    histogram->in_units = true;
    return TCORE_OK;
}

enum tcore_status tcore_histogram_reduce_scale(struct tcore_histogram *histogram, int scale)
{
    if (scale < TCORE_HISTOGRAM_MIN_SCALE)
        scale = TCORE_HISTOGRAM_MIN_SCALE;
    int shift = tcore_histogram_scale(histogram) - scale;
    if (shift <= 0)
        return TCORE_OK;
    if (rescale(histogram, (unsigned)shift, 1) != TCORE_OK)
        return TCORE_FATAL;
    histogram->coarser = (uint8_t)(histogram->coarser + shift);
    return TCORE_OK;
}

/* Counts a value of the sign in its bucket at scale 6. */
static enum tcore_status add(struct tcore_histogram *histogram, int sign, int32_t index,
                             uint64_t weight)
{
    if (!weight)
        return TCORE_OK;
    if (weight > TCORE_UNITS_MAX - tcore_histogram_total(histogram))
        return TCORE_BAD_INPUT;
    if (weight % TCORE_WEIGHT_ONE && count_in_units(histogram) != TCORE_OK)
        return TCORE_FATAL;
    uint64_t count = histogram->in_units ? weight : weight / TCORE_WEIGHT_ONE;
    if (sign < 0 && need_negative(histogram) != TCORE_OK)
        return TCORE_FATAL;
    if (sign) {
        struct tcore_bucket_store *side = sign > 0 ? &histogram->positive : histogram->negative;
        if (tcore_bucket_store_add(side, index >> histogram->coarser, count) != TCORE_OK)
            return TCORE_FATAL;
    } else {
        histogram->zero += count;
    }
    histogram->total += count;
    return TCORE_OK;
}

/* Whether one record in a positive bucket could be counted on the fast path. */
static inline bool bump(struct tcore_histogram *histogram, int32_t index)
{
    bool plain = !(histogram->coarser | histogram->in_units) && histogram->total < TCORE_COUNT_MAX;
    if (!plain || !tcore_bucket_store_bump(&histogram->positive, index))
        return false;
    histogram->total++;
    return true;
}

enum tcore_status tcore_histogram_insert_int64(struct tcore_histogram *histogram, int64_t value)
{
    if (value > 0) {
        int32_t index = tcore_index_of_integer((uint64_t)value);
        return bump(histogram, index) ? TCORE_OK : add(histogram, 1, index, TCORE_WEIGHT_ONE);
    }
    return tcore_histogram_insert_weighted_int64(histogram, value, TCORE_WEIGHT_ONE);
}

/* How many of the first values, all positive, could be counted on the fast path. The store is
 * copied so that its fields stay in registers: counts of a byte could be any of them. */
static size_t bump_some(struct tcore_histogram *histogram, const int64_t *values, size_t count)
{
    enum { SOME = 32 };
    struct tcore_bucket_store store = histogram->positive;
    size_t done = 0;
    for (size_t n; done < count; done += n) {
        int32_t indices[SOME];
        n = count - done < SOME ? count - done : SOME;
        for (size_t i = 0; i < n; i++)
            indices[i] = tcore_index_of_double((double)values[done + i]);
        for (size_t i = 0; i < n; i++)
            if (!tcore_bucket_store_bump(&store, indices[i]))
                return done + i;
    }
    return done;
}

enum tcore_status tcore_histogram_insert_int64s(struct tcore_histogram *histogram,
                                                const int64_t *values, size_t count)
{
    bool plain = !(histogram->coarser | histogram->in_units) && count <= TCORE_COUNT_MAX &&
                 histogram->total <= TCORE_COUNT_MAX - count;
    for (size_t i = 0; i < count && plain; i++)
        plain &= values[i] > 0 && values[i] < INT64_C(1) << 53;
    for (size_t i = 0; i < count; i++) {
        if (plain) {
            size_t bumped = bump_some(histogram, values + i, count - i);
            histogram->total += bumped;
            i += bumped;
            if (i == count)
                break;
        }
        enum tcore_status status = tcore_histogram_insert_int64(histogram, values[i]);
        if (status)
            return status;
    }
    return TCORE_OK;
}

void tcore_histogram_prefetch_int64(const struct tcore_histogram *histogram, int64_t value)
{
    if (value > 0)
        tcore_bucket_store_prefetch(&histogram->positive, tcore_index_of_integer((uint64_t)value));
}

enum tcore_status tcore_histogram_insert_double(struct tcore_histogram *histogram, double value)
{
    if (value > 0 && value <= __DBL_MAX__) {
        int32_t index = tcore_index_of_double(value);
        return bump(histogram, index) ? TCORE_OK : add(histogram, 1, index, TCORE_WEIGHT_ONE);
    }
    return tcore_histogram_insert_weighted_double(histogram, value, TCORE_WEIGHT_ONE);
}

enum tcore_status tcore_histogram_insert_weighted_int64(struct tcore_histogram *histogram,
                                                        int64_t value, uint64_t weight)
{
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    int32_t index = magnitude ? tcore_index_of_integer(magnitude) : 0;
    return add(histogram, (value > 0) - (value < 0), index, weight);
}

enum tcore_status tcore_histogram_insert_weighted_double(struct tcore_histogram *histogram,
                                                         double value, uint64_t weight)
{
    if (!isfinite(value))
        return TCORE_SKIP;
    double magnitude = fabs(value);
    int32_t index = magnitude > 0 ? tcore_index_of_double(magnitude) : 0;
    return add(histogram, (value > 0) - (value < 0), index, weight);
}

enum tcore_status tcore_histogram_merge(struct tcore_histogram *into,
                                        const struct tcore_histogram *from)
{
    if (tcore_histogram_total(from) > TCORE_UNITS_MAX - tcore_histogram_total(into))
        return TCORE_BAD_INPUT;
    if (tcore_histogram_reduce_scale(into, tcore_histogram_scale(from)) != TCORE_OK)
        return TCORE_FATAL;
    if (from->in_units && count_in_units(into) != TCORE_OK)
        return TCORE_FATAL;
    unsigned shift = (unsigned)(into->coarser - from->coarser);
    uint64_t multiplier = into->in_units && !from->in_units ? TCORE_WEIGHT_ONE : 1;
    if (tcore_bucket_store_merge(&into->positive, &from->positive, shift, multiplier) != TCORE_OK)
        return TCORE_FATAL;
    if (from->negative) {
        if (need_negative(into) != TCORE_OK ||
            tcore_bucket_store_merge(into->negative, from->negative, shift, multiplier) != TCORE_OK)
            return TCORE_FATAL;
    }
    into->zero += from->zero * multiplier;
    into->total += from->total * multiplier;
    return TCORE_OK;
}
