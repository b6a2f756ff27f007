/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a rule remembers of the last while: the samples of a series, also kept in the order of their
 * values so that a quantile is a look-up, or how many records there were, in buckets of time.
 */
#ifndef ALERT_WINDOW_H
#define ALERT_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WINDOW_SAMPLES 65536 /* of a series; then the oldest are forgotten early */
#define WINDOW_BUCKETS 600   /* in the range of a count: it is exact to a 600th of the range */

struct window_sample {
    int64_t ns;
    double value;
};

struct window {
    struct window_sample *sample; /* by time, the oldest at first; owned */
    double *sorted;               /* owned */
    size_t first, count, capacity;
};

/* Adds a sample that is no older than the last one. False: out of memory. */
bool window_add(struct window *window, int64_t ns, double value);
/* Forgets the samples at or before ns. */
void window_expire(struct window *window, int64_t ns);
/* A statistic of the samples: count rate sum mean min max, or the quantile if it is no NaN (the
 * nearest rank, ceil(q * n)). NaN: there are no samples, or it is none of a window. */
double window_stat(const struct window *window, const char *stat, double quantile,
                   int64_t window_ns);
void window_free(struct window *window);

struct bucket {
    int64_t index; /* floor(time / width) */
    uint64_t count;
};

struct buckets {
    struct bucket *bucket; /* ascending; owned */
    size_t count, capacity;
    uint64_t total;
};

int64_t buckets_width(int64_t range_ns);
/* The beginning of the bucket that ns is in. */
int64_t buckets_begin(int64_t width_ns, int64_t ns);
/* Counts a record. False: out of memory. */
bool buckets_add(struct buckets *buckets, int64_t width_ns, int64_t ns);
bool buckets_add_many(struct buckets *buckets, int64_t index, uint64_t count);
/* Forgets the buckets that end at or before ns. */
void buckets_expire(struct buckets *buckets, int64_t width_ns, int64_t ns);
void buckets_free(struct buckets *buckets);

#endif
