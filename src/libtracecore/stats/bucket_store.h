/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counts by a signed bucket index: the memory behind one side of an exponential histogram.
 *
 * Two forms, chosen by what is smaller. Sparse: counts and 16-bit offsets (32-bit beyond a range of
 * 65,536) in ascending order, 3 bytes a bucket at best. Dense: one count a slot over the used range
 * only, half a byte at best, for a store that is full or busy. All counts are equally wide, and
 * widen when one does not fit. The form never shows: it depends on the order of insertion, what
 * the cursors deliver does not.
 *
 * Memory stays within a small factor of the bytes that the non-zero buckets need, or 8 bytes an
 * addition, whichever is more: a few far-away buckets never cost their whole range.
 *
 * A zeroed struct is an empty store. Not thread-safe; a store has one owner.
 */
#ifndef TRACECORE_STATS_BUCKET_STORE_H
#define TRACECORE_STATS_BUCKET_STORE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tcore_bucket_store {
    void *memory;        /* owned. dense: counts by slot. sparse: counts, then offsets from first */
    int32_t first;       /* index of slot 0 (even), or what sparse offsets count from */
    uint32_t dense;      /* slots (even); 0 while sparse */
    uint32_t used;       /* sparse entries; 0 while dense */
    uint32_t capacity;   /* sparse entries there is room for; a multiple of 8 */
    uint32_t touches;    /* additions that did not take the fast path, saturating */
    uint8_t bits_log2;   /* bits of a count: 2 is 4 bits (dense only) ... 6 is 64 bits */
    uint8_t offset_log2; /* bits of a sparse offset: 4 or 5 */
};

void tcore_bucket_store_free(struct tcore_bucket_store *store); /* and zeroes it */
/* Bytes allocated, without the struct. */
size_t tcore_bucket_store_bytes(const struct tcore_bucket_store *store);

/*
 * Adds count (> 0) to the bucket. The caller keeps the sum of all counts below 2^64 and indices
 * within +-2^28. TCORE_OK, or TCORE_FATAL (no memory) with the store unchanged.
 */
enum tcore_status tcore_bucket_store_add(struct tcore_bucket_store *store, int32_t index,
                                         uint64_t count);
/*
 * into += from * multiplier, from's indices shifted right by shift (arithmetically) first; the
 * stores are different ones. TCORE_OK, or TCORE_FATAL with into holding part of from: free it.
 */
enum tcore_status tcore_bucket_store_merge(struct tcore_bucket_store *into,
                                           const struct tcore_bucket_store *from, unsigned shift,
                                           uint64_t multiplier);
/* Shifts all indices right and multiplies all counts. TCORE_FATAL leaves the store unchanged. */
enum tcore_status tcore_bucket_store_rescale(struct tcore_bucket_store *store, unsigned shift,
                                             uint64_t multiplier);

/*
 * Makes an empty store ready for so many buckets between two indices with counts up to
 * largest_count, to be filled in strictly ascending order by append, which then cannot fail.
 */
enum tcore_status tcore_bucket_store_reserve(struct tcore_bucket_store *store, int32_t first,
                                             int32_t last, uint32_t buckets,
                                             uint64_t largest_count);
void tcore_bucket_store_append(struct tcore_bucket_store *store, int32_t index, uint64_t count);
/* Appends so many of them. */
void tcore_bucket_store_append_all(struct tcore_bucket_store *store, const int32_t *index,
                                   const uint64_t *count, uint32_t buckets);

/* Walks the non-zero buckets; the store must not change meanwhile. Its fields are its own. */
struct tcore_bucket_cursor {
    const struct tcore_bucket_store *store;
    uint32_t at;      /* up: the slot or entry behind word; down: the one before which to go on */
    uint32_t word_at; /* up: the first one of word */
    uint64_t word, left; /* up: counts, and a bit for each that is not zero and is still to come */
};

struct tcore_bucket_cursor tcore_bucket_cursor_up(const struct tcore_bucket_store *store);
struct tcore_bucket_cursor tcore_bucket_cursor_down(const struct tcore_bucket_store *store);
/* The next bucket in ascending (descending) order; false at the end. */
bool tcore_bucket_cursor_next(struct tcore_bucket_cursor *cursor, int32_t *index, uint64_t *count);
bool tcore_bucket_cursor_previous(struct tcore_bucket_cursor *cursor, int32_t *index,
                                  uint64_t *count);

/* The smallest and the largest bucket that is not zero; false if there is none. */
bool tcore_bucket_store_range(const struct tcore_bucket_store *store, int32_t *first,
                              int32_t *last);
/* How many buckets are not zero; ors all counts into *bits. */
uint32_t tcore_bucket_store_survey(const struct tcore_bucket_store *store, uint64_t *bits);
/*
 * The bucket in which the ascending sum of counts reaches *rank (> 0). If all counts together do
 * not, false, and *rank is less by their sum.
 */
bool tcore_bucket_store_seek(const struct tcore_bucket_store *store, uint64_t *rank,
                             int32_t *index);

/* Adds one if the store is dense, covers the bucket and its count has room; else does nothing. */
static inline bool tcore_bucket_store_bump(struct tcore_bucket_store *store, int32_t index)
{
    uint32_t slot = (uint32_t)index - (uint32_t)store->first;
    if (slot >= store->dense)
        return false;
    switch (store->bits_log2) {
    case 2: {
        uint8_t *pair = (uint8_t *)store->memory + slot / 2;
        uint8_t mask = slot % 2 ? 0xf0 : 0x0f;
        bool room = (*pair & mask) != mask;
        *pair = (uint8_t)(*pair + (room ? mask & 0x11 : 0));
        return room;
    }
    case 3: {
        uint8_t *count = (uint8_t *)store->memory + slot;
        return *count != UINT8_MAX ? ++*count, true : false;
    }
    case 4: {
        uint16_t *count = (uint16_t *)store->memory + slot;
        return *count != UINT16_MAX ? ++*count, true : false;
    }
    case 5: {
        uint32_t *count = (uint32_t *)store->memory + slot;
        return *count != UINT32_MAX ? ++*count, true : false;
    }
    default:
        ++*((uint64_t *)store->memory + slot);
        return true;
    }
}

/* Fetches the memory that the fast path will need. */
static inline void tcore_bucket_store_prefetch(const struct tcore_bucket_store *store,
                                               int32_t index)
{
    uint32_t slot = (uint32_t)index - (uint32_t)store->first;
    if (slot < store->dense)
        __builtin_prefetch((char *)store->memory + (((uint64_t)slot << store->bits_log2) / 8), 1);
}

#endif
