/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "alert/window.h"

#include "base/sys.h"

#include <math.h>
#include <string.h>

/* --- Samples */

/* Where value is in sorted, or would be. */
static size_t place_of(const struct window *w, double value)
{
    size_t low = 0, high = w->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (w->sorted[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void drop_oldest(struct window *w)
{
    size_t place = place_of(w, w->sample[w->first].value);

    memmove(w->sorted + place, w->sorted + place + 1, (w->count - place - 1) * sizeof *w->sorted);
    w->first++;
    w->count--;
    if (!w->count)
        w->first = 0;
}

static bool have_room(struct window *w)
{
    if (w->first + w->count < w->capacity)
        return true;
    if (w->first && w->first >= w->count) {
        memcpy(w->sample, w->sample + w->first, w->count * sizeof *w->sample);
        w->first = 0;
        return true;
    }
    size_t capacity = w->capacity ? w->capacity * 2 : 8;
    struct window_sample *sample = tcore_reallocarray(w->sample, capacity, sizeof *sample);

    if (!sample)
        return false;
    w->sample = sample;
    double *sorted = tcore_reallocarray(w->sorted, capacity, sizeof *sorted);

    if (!sorted)
        return false;
    w->sorted = sorted;
    w->capacity = capacity;
    return true;
}

bool window_add(struct window *w, int64_t ns, double value)
{
    if (w->count == WINDOW_SAMPLES)
        drop_oldest(w);
    if (!have_room(w))
        return false;
    size_t place = place_of(w, value);

    memmove(w->sorted + place + 1, w->sorted + place, (w->count - place) * sizeof *w->sorted);
    w->sorted[place] = value;
    w->sample[w->first + w->count++] = (struct window_sample){ns, value};
    return true;
}

void window_expire(struct window *w, int64_t ns)
{
    while (w->count && w->sample[w->first].ns <= ns)
        drop_oldest(w);
}

static double sum_of(const struct window *w)
{
    double sum = 0;

    for (size_t i = 0; i < w->count; i++)
        sum += w->sorted[i]; /* in an order that does not depend on how they came */
    return sum;
}

double window_stat(const struct window *w, const char *stat, double quantile, int64_t window_ns)
{
    if (!strcmp(stat, "count"))
        return (double)w->count;
    if (!strcmp(stat, "rate"))
        return (double)w->count / ((double)window_ns / 1e9);
    if (!w->count)
        return NAN;
    if (!isnan(quantile)) {
        double rank = ceil(quantile * (double)w->count);

        return w->sorted[rank < 1 ? 0 : (size_t)rank - 1];
    }
    if (!strcmp(stat, "min"))
        return w->sorted[0];
    if (!strcmp(stat, "max"))
        return w->sorted[w->count - 1];
    if (!strcmp(stat, "sum"))
        return sum_of(w);
    if (!strcmp(stat, "mean"))
        return sum_of(w) / (double)w->count;
    return NAN;
}

void window_free(struct window *w)
{
    tcore_free(w->sample);
    tcore_free(w->sorted);
    *w = (struct window){0};
}

/* --- Counts */

int64_t buckets_width(int64_t range_ns)
{
    int64_t width = range_ns / WINDOW_BUCKETS;

    return width ? width : 1;
}

bool buckets_add_many(struct buckets *b, int64_t index, uint64_t count)
{
    size_t at = b->count;

    while (at && b->bucket[at - 1].index >= index)
        at--;
    if (at == b->count || b->bucket[at].index != index) {
        if (b->count == b->capacity) {
            size_t capacity = b->capacity ? b->capacity * 2 : 8;
            struct bucket *bucket = tcore_reallocarray(b->bucket, capacity, sizeof *bucket);

            if (!bucket)
                return false;
            b->bucket = bucket;
            b->capacity = capacity;
        }
        memmove(b->bucket + at + 1, b->bucket + at, (b->count - at) * sizeof *b->bucket);
        b->bucket[at] = (struct bucket){index, 0};
        b->count++;
    }
    b->bucket[at].count += count;
    b->total += count;
    return true;
}

static int64_t index_of(int64_t ns, int64_t width_ns)
{
    return ns / width_ns - (ns % width_ns < 0);
}

int64_t buckets_begin(int64_t width_ns, int64_t ns)
{
    int64_t begin;

    return __builtin_mul_overflow(index_of(ns, width_ns), width_ns, &begin) ? INT64_MIN : begin;
}

bool buckets_add(struct buckets *b, int64_t width_ns, int64_t ns)
{
    return buckets_add_many(b, index_of(ns, width_ns), 1);
}

void buckets_expire(struct buckets *b, int64_t width_ns, int64_t ns)
{
    int64_t first = index_of(ns, width_ns);
    size_t gone = 0;

    while (gone < b->count && b->bucket[gone].index < first)
        b->total -= b->bucket[gone++].count;
    if (gone)
        memmove(b->bucket, b->bucket + gone, (b->count - gone) * sizeof *b->bucket);
    b->count -= gone;
}

void buckets_free(struct buckets *b)
{
    tcore_free(b->bucket);
    *b = (struct buckets){0};
}
