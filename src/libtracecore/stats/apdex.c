/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Apdex: three exact counters. */
#include "stats/apdex.h"
#include "stats/encode.h"

#include <math.h>

static enum tcore_status add(struct tcore_apdex *apdex, bool satisfied, bool tolerating,
                             uint64_t weight)
{
    if (weight > TCORE_UNITS_MAX - apdex->total)
        return TCORE_BAD_INPUT;
    apdex->satisfied += satisfied ? weight : 0;
    apdex->tolerating += tolerating ? weight : 0;
    apdex->total += weight;
    return TCORE_OK;
}

enum tcore_status tcore_apdex_add_int64(struct tcore_apdex *apdex, int64_t value, int64_t threshold,
                                        uint64_t weight)
{
    int64_t four;
    if (__builtin_mul_overflow(threshold, (int64_t)4, &four))
        four = threshold < 0 ? INT64_MIN : INT64_MAX;
    bool satisfied = value <= threshold;
    return add(apdex, satisfied, !satisfied && value <= four, weight);
}

enum tcore_status tcore_apdex_add_double(struct tcore_apdex *apdex, double value, double threshold,
                                         uint64_t weight)
{
    if (isnan(value))
        return TCORE_SKIP;
    bool satisfied = value <= threshold;
    return add(apdex, satisfied, !satisfied && value <= 4 * threshold, weight);
}

enum tcore_status tcore_apdex_add_frustrated(struct tcore_apdex *apdex, uint64_t weight)
{
    return add(apdex, false, false, weight);
}

enum tcore_status tcore_apdex_merge(struct tcore_apdex *into, const struct tcore_apdex *from)
{
    if (from->total > TCORE_UNITS_MAX - into->total)
        return TCORE_BAD_INPUT;
    into->satisfied += from->satisfied;
    into->tolerating += from->tolerating;
    into->total += from->total;
    return TCORE_OK;
}

double tcore_apdex_value(const struct tcore_apdex *apdex)
{
    if (!apdex->total)
        return NAN;
    return ((double)apdex->satisfied + (double)apdex->tolerating / 2) / (double)apdex->total;
}

void tcore_apdex_encode(const struct tcore_apdex *apdex, struct tcore_buf *out)
{
    tcore_encode_uint64(out, apdex->satisfied);
    tcore_encode_uint64(out, apdex->tolerating);
    tcore_encode_uint64(out, apdex->total);
}

enum tcore_status tcore_apdex_decode(struct tcore_apdex *apdex, struct tcore_state_reader *in,
                                     struct tcore_error *err)
{
    struct tcore_apdex read;
    *apdex = (struct tcore_apdex){0};
    if (!tcore_decode_uint64(in, &read.satisfied) || !tcore_decode_uint64(in, &read.tolerating) ||
        !tcore_decode_uint64(in, &read.total) || read.total > TCORE_UNITS_MAX ||
        read.satisfied > read.total || read.tolerating > read.total - read.satisfied)
        return tcore_decode_failed(err, "Apdex", "counts do not add up");
    *apdex = read;
    return TCORE_OK;
}
