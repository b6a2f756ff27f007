/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as the state of an aggregation: the first byte says of which kind. What is accepted
 * must be the one form of that state, merge into an empty state as it is, merge with itself, and be
 * readable in every way; what is refused must say why.
 */
#include "stats/apdex.h"
#include "stats/bounded_histogram.h"
#include "stats/distinct.h"
#include "stats/encode.h"
#include "stats/exact_sum.h"
#include "stats/exemplars.h"
#include "stats/histogram.h"
#include "stats/topk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool held)
{
    if (!held)
        abort();
}

union state {
    struct tcore_histogram histogram;
    struct tcore_exact_sum sum;
    struct tcore_bounded_histogram bounded;
    struct tcore_distinct distinct;
    struct tcore_topk topk;
    struct tcore_apdex apdex;
    struct tcore_exemplars exemplars;
};

/* What is done with each kind; a state's functions, made alike. */
struct kind {
    enum tcore_status (*decode)(union state *, struct tcore_state_reader *, struct tcore_error *);
    enum tcore_status (*encode)(const union state *, struct tcore_buf *);
    enum tcore_status (*merge)(union state *, const union state *);
    void (*read)(const union state *);
    void (*release)(union state *);
};

#define STATE_KIND(member, type)                                                                   \
    static enum tcore_status member##_decode(union state *state, struct tcore_state_reader *in,    \
                                             struct tcore_error *err)                              \
    {                                                                                              \
        return tcore_##type##_decode(&state->member, in, err);                                     \
    }                                                                                              \
    static enum tcore_status member##_merge(union state *into, const union state *from)            \
    {                                                                                              \
        return tcore_##type##_merge(&into->member, &from->member);                                 \
    }

STATE_KIND(histogram, histogram)
STATE_KIND(sum, exact_sum)
STATE_KIND(bounded, bounded_histogram)
STATE_KIND(distinct, distinct)
STATE_KIND(topk, topk)
STATE_KIND(apdex, apdex)

enum { EXEMPLARS = 20 };

static enum tcore_status exemplars_decode(union state *state, struct tcore_state_reader *in,
                                          struct tcore_error *err)
{
    return tcore_exemplars_decode(&state->exemplars, EXEMPLARS, in, err);
}

static enum tcore_status exemplars_merge(union state *into, const union state *from)
{
    return tcore_exemplars_merge(&into->exemplars, EXEMPLARS, &from->exemplars);
}

static enum tcore_status exemplars_encode(const union state *state, struct tcore_buf *out)
{
    tcore_exemplars_encode(&state->exemplars, out);
    return TCORE_OK;
}

static enum tcore_status histogram_encode(const union state *state, struct tcore_buf *out)
{
    tcore_histogram_encode(&state->histogram, out);
    return TCORE_OK;
}

static enum tcore_status sum_encode(const union state *state, struct tcore_buf *out)
{
    tcore_exact_sum_encode(&state->sum, out);
    return TCORE_OK;
}

static enum tcore_status bounded_encode(const union state *state, struct tcore_buf *out)
{
    tcore_bounded_histogram_encode(&state->bounded, out);
    return TCORE_OK;
}

static enum tcore_status distinct_encode(const union state *state, struct tcore_buf *out)
{
    return tcore_distinct_encode(&state->distinct, out);
}

static enum tcore_status topk_encode(const union state *state, struct tcore_buf *out)
{
    return tcore_topk_encode(&state->topk, out);
}

static enum tcore_status apdex_encode(const union state *state, struct tcore_buf *out)
{
    tcore_apdex_encode(&state->apdex, out);
    return TCORE_OK;
}

static void histogram_read(const union state *state)
{
    const struct tcore_histogram *histogram = &state->histogram;
    struct tcore_histogram_cursor cursor = tcore_histogram_cursor(histogram);
    struct tcore_histogram_bucket bucket;
    uint64_t units = 0;
    double before = -INFINITY;
    for (; tcore_histogram_next(&cursor, &bucket); units += bucket.units) {
        require(before <= bucket.value && bucket.lower <= bucket.upper);
        before = bucket.value;
    }
    require(units == tcore_histogram_total(histogram));
    double low = tcore_histogram_quantile(histogram, 0.1, NAN, NAN);
    double high = tcore_histogram_quantile(histogram, 0.9, NAN, NAN);
    require(units ? low <= high : isnan(low));

    struct tcore_exponential point;
    struct tcore_histogram coarse = {0}, back = {0};
    require(tcore_histogram_export(histogram, 6, 20, &point, NULL) == TCORE_OK);
    require(tcore_histogram_add_exponential(&back, &point, TCORE_WEIGHT_ONE, NULL) == TCORE_OK);
    require(tcore_histogram_merge(&coarse, histogram) == TCORE_OK);
    require(tcore_histogram_reduce_scale(&coarse, point.scale) == TCORE_OK);
    if (!histogram->in_units)
        require(tcore_histogram_total(&coarse) == tcore_histogram_total(&back));
    tcore_exponential_free(&point);
    tcore_histogram_free(&coarse);
    tcore_histogram_free(&back);
}

static void sum_read(const union state *state)
{
    char text[TCORE_EXACT_TEXT_BYTES];
    require(tcore_exact_sum_integer_text(&state->sum, text) < sizeof text);
    double value = tcore_exact_sum_value(&state->sum);
    double mean = tcore_exact_mean(&state->sum, TCORE_WEIGHT_ONE);
    require(value == mean || (isnan(value) && isnan(mean)));
    double deviation = tcore_exact_stddev(&state->sum, &state->sum, 3 * TCORE_WEIGHT_ONE);
    require(deviation >= 0 || isnan(deviation));
}

static void bounded_read(const union state *state)
{
    double low = tcore_bounded_histogram_quantile(&state->bounded, 0.1, NAN, NAN);
    double high = tcore_bounded_histogram_quantile(&state->bounded, 0.9, NAN, NAN);
    require(low <= high || (isnan(low) && isnan(high)));
}

static void distinct_read(const union state *state)
{
    require(tcore_distinct_is_exact(&state->distinct) || tcore_distinct_count(&state->distinct));
}

static void topk_read(const union state *state)
{
    struct tcore_topk_item items[8];
    size_t found;
    require(tcore_topk_list(&state->topk, 8, items, &found) == TCORE_OK && found <= 8);
    for (size_t i = 1; i < found; i++)
        require(items[i - 1].units >= items[i].units);
    require(state->topk.error <= state->topk.total);
}

static void apdex_read(const union state *state)
{
    double value = tcore_apdex_value(&state->apdex);
    require((value >= 0 && value <= 1) || isnan(value));
}

static void exemplars_read(const union state *state)
{
    struct tcore_buf out = {0};
    require(state->exemplars.count <= EXEMPLARS);
    tcore_exemplars_write(&state->exemplars, &out);
    require(!out.failed && out.length >= 2);
    tcore_buf_free(&out);
}

static void histogram_release(union state *state)
{
    tcore_histogram_free(&state->histogram);
}

static void sum_release(union state *state)
{
    tcore_exact_sum_free(&state->sum);
}

static void bounded_release(union state *state)
{
    tcore_bounded_histogram_free(&state->bounded);
}

static void distinct_release(union state *state)
{
    tcore_distinct_free(&state->distinct);
}

static void topk_release(union state *state)
{
    tcore_topk_free(&state->topk);
}

static void apdex_release(union state *state)
{
    (void)state;
}

static void exemplars_release(union state *state)
{
    tcore_exemplars_free(&state->exemplars);
}

static const struct kind kinds[] = {
    {histogram_decode, histogram_encode, histogram_merge, histogram_read, histogram_release},
    {sum_decode, sum_encode, sum_merge, sum_read, sum_release},
    {bounded_decode, bounded_encode, bounded_merge, bounded_read, bounded_release},
    {distinct_decode, distinct_encode, distinct_merge, distinct_read, distinct_release},
    {topk_decode, topk_encode, topk_merge, topk_read, topk_release},
    {apdex_decode, apdex_encode, apdex_merge, apdex_read, apdex_release},
    {exemplars_decode, exemplars_encode, exemplars_merge, exemplars_read, exemplars_release},
};

static bool has_bytes(const struct kind *kind, const union state *state, const uint8_t *data,
                      size_t size)
{
    struct tcore_buf out = {0};
    bool same = kind->encode(state, &out) == TCORE_OK && !out.failed && out.length == size &&
                !memcmp(out.data, data, size);
    tcore_buf_free(&out);
    return same;
}

static void check(const struct kind *kind, union state *state, const uint8_t *data, size_t size)
{
    union state merged;
    memset(&merged, 0, sizeof merged);
    require(has_bytes(kind, state, data, size));
    kind->read(state);
    require(kind->merge(&merged, state) == TCORE_OK && has_bytes(kind, &merged, data, size));
    enum tcore_status status = kind->merge(&merged, state);
    require(status == TCORE_OK || status == TCORE_BAD_INPUT);
    kind->read(&merged);
    kind->release(&merged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    const struct kind *kind = &kinds[data[0] % (sizeof kinds / sizeof *kinds)];
    struct tcore_state_reader in = tcore_state_reader(data + 1, size - 1);
    struct tcore_error err = {0};
    union state state;
    memset(&state, 0, sizeof state);
    enum tcore_status status = kind->decode(&state, &in, &err);
    if (status == TCORE_OK)
        check(kind, &state, data + 1, size - 1 - tcore_state_reader_left(&in));
    else
        require(status == TCORE_BAD_INPUT && err.status == status && err.text[0]);
    kind->release(&state);
    return 0;
}
