/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Groups of a summary by their keys, and of spans also over time. */
#ifndef REPORT_SUMMARY_GROUPS_H
#define REPORT_SUMMARY_GROUPS_H

#include "base/buf.h"
#include "base/map.h"
#include "model/batch.h"
#include "stats/histogram.h"

#define MAX_GROUPS 50000
#define TIME_BINS  192

/* Groups by a key of bytes; past MAX_GROUPS they all are number 0, which is kept for that. */
struct groups {
    struct tcore_map keys;
    void *items;
    size_t item_bytes, capacity;
    bool overflowed;
};

/* Events over time: bin i holds times [(first + i) << shift, (first + i + 1) << shift). */
struct bins {
    int64_t first; /* of the bins in use; last < first: none */
    int64_t last;
    unsigned shift;
};

struct bin {
    uint64_t count, timed;
    unsigned __int128 total_ns;
};

/* Spans of a service, or of one operation of it. */
struct span_group {
    uint64_t spans, errors, timed;
    unsigned __int128 total_ns;
    int64_t smallest_ns, largest_ns;
    struct tcore_histogram durations;
    struct bin *bins; /* TIME_BINS of them, from bins->first on; NULL of an operation */
};

enum tcore_status groups_open(struct groups *groups, size_t item_bytes, struct tcore_error *err);
void groups_free(struct groups *groups);
/* The number of the key's group, whose zeroed item is made if it is new (*added). TCORE_MAP_NONE:
 * out of memory. */
uint32_t groups_find(struct groups *groups, const void *key, size_t length, bool *added);
static inline void *groups_item(const struct groups *groups, uint32_t number)
{
    return (char *)groups->items + number * groups->item_bytes;
}
/* A key of two texts, and its parts. */
void key_pair(struct tcore_buf *key, const char *a, size_t a_length, const char *b,
              size_t b_length);
void key_parts(const struct tcore_map_key *key, struct tcore_slice *a, struct tcore_slice *b);

/* Makes room for the time in the bins of all groups. */
void bins_reach(struct bins *bins, struct groups *groups, int64_t time_ns);
/* Makes the bins at least so coarse. */
void bins_coarsen(struct bins *bins, struct groups *groups, unsigned shift);
static inline size_t bins_index(const struct bins *bins, int64_t time_ns)
{
    return (size_t)((time_ns >> bins->shift) - bins->first);
}

#endif
