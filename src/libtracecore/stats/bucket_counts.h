/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Arrays of counts of 4, 8, 16, 32 or 64 bits (bits_log2 = 2 ... 6), and where a bucket store keeps
 * what. Private to the store's files. All counts of an array that fill 64 bits are a "word".
 */
#ifndef TRACECORE_STATS_BUCKET_COUNTS_H
#define TRACECORE_STATS_BUCKET_COUNTS_H

#include "stats/bucket_store.h"

#include <string.h>

enum {
    TCORE_NIBBLE = 2,       /* bits_log2 of the narrowest counts of a dense store */
    TCORE_BYTE = 3,         /* ... of a sparse store */
    TCORE_NARROW_OFFSET = 4 /* bits_log2 of the usual sparse offset */
};

static inline size_t tcore_count_bytes(uint64_t counts, uint8_t bits_log2)
{
    return (size_t)((counts << bits_log2) / 8);
}

static inline uint64_t tcore_count_load(const void *counts, uint8_t bits_log2, uint32_t at)
{
    switch (bits_log2) {
    case TCORE_NIBBLE:
        return ((const uint8_t *)counts)[at / 2] >> (at % 2 * 4) & 15;
    case TCORE_BYTE:
        return ((const uint8_t *)counts)[at];
    case 4:
        return ((const uint16_t *)counts)[at];
    case 5:
        return ((const uint32_t *)counts)[at];
    default:
        return ((const uint64_t *)counts)[at];
    }
}

static inline void tcore_count_put(void *counts, uint8_t bits_log2, uint32_t at, uint64_t count)
{
    switch (bits_log2) {
    case TCORE_NIBBLE: {
        uint8_t *pair = (uint8_t *)counts + at / 2;
        *pair = (uint8_t)((*pair & (at % 2 ? 0x0f : 0xf0)) | count << (at % 2 * 4));
        break;
    }
    case TCORE_BYTE:
        ((uint8_t *)counts)[at] = (uint8_t)count;
        break;
    case 4:
        ((uint16_t *)counts)[at] = (uint16_t)count;
        break;
    case 5:
        ((uint32_t *)counts)[at] = (uint32_t)count;
        break;
    default:
        ((uint64_t *)counts)[at] = count;
    }
}

static inline bool tcore_count_fits(uint64_t count, uint8_t bits_log2)
{
    return bits_log2 == 6 || count >> (1u << bits_log2) == 0;
}

static inline uint64_t tcore_word_load(const void *counts, uint8_t bits_log2, uint32_t at)
{
    uint64_t word;
    memcpy(&word, (const char *)counts + tcore_count_bytes(at, bits_log2), sizeof word);
    return word;
}

/* How many counts a word has. */
static inline uint32_t tcore_word_counts(uint8_t bits_log2)
{
    return 64u >> bits_log2;
}

/* Sparse offsets lie behind the counts; capacity is a multiple of 8, so they are aligned. */
static inline void *tcore_sparse_offsets(const struct tcore_bucket_store *store)
{
    return (char *)store->memory + tcore_count_bytes(store->capacity, store->bits_log2);
}

static inline int32_t tcore_sparse_index(const struct tcore_bucket_store *store, uint32_t entry)
{
    uint64_t offset = tcore_count_load(tcore_sparse_offsets(store), store->offset_log2, entry);
    return (int32_t)(store->first + (int64_t)offset);
}

/* The index of a slot or an entry. */
static inline int32_t tcore_bucket_index(const struct tcore_bucket_store *store, uint32_t at)
{
    return store->dense ? (int32_t)(store->first + (int64_t)at) : tcore_sparse_index(store, at);
}

/* Slots or entries there are. */
static inline uint32_t tcore_bucket_places(const struct tcore_bucket_store *store)
{
    return store->dense ? store->dense : store->used;
}

/* Adds to a slot of a dense store; false, and nothing done, without such a slot or room in it. */
static inline bool tcore_dense_add(struct tcore_bucket_store *store, int32_t index, uint64_t count)
{
    uint32_t slot = (uint32_t)index - (uint32_t)store->first;
    if (slot >= store->dense)
        return false;
    count += tcore_count_load(store->memory, store->bits_log2, slot);
    if (!tcore_count_fits(count, store->bits_log2))
        return false;
    tcore_count_put(store->memory, store->bits_log2, slot, count);
    return true;
}

#endif
