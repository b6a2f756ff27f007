/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bucket counts, sparse or dense: adding, and choosing the form anew whenever room is short.
 *
 * "touches" counts the additions that had to come here (not tcore_bucket_store_bump). It is the
 * honest measure of how busy a store is: counts may have been imported and say nothing.
 */
#include "stats/bucket_store.h"
#include "stats/bucket_counts.h"
#include "base/sys.h"

enum {
    SMALLEST_BYTES = 24, /* what the smallest block of a usual malloc holds anyway */
    BYTES_A_TOUCH = 8,   /* a busy store may be dense up to so many bytes an addition */
    NARROW_RANGE = 65536 /* of 16-bit offsets */
};

/* Where and how the buckets between two indices are to be kept. */
struct shape {
    int32_t first;
    uint32_t dense, capacity;
    uint8_t bits_log2, offset_log2;
};

/* A range of indices, and how many buckets in it are not zero. */
struct extent {
    int32_t first, last;
    uint32_t buckets;
};

static inline uint8_t bits_for(uint64_t count, uint8_t least)
{
    while (!tcore_count_fits(count, least))
        least++;
    return least;
}

static inline void touch(struct tcore_bucket_store *store)
{
    store->touches += store->touches != UINT32_MAX;
}

void tcore_bucket_store_free(struct tcore_bucket_store *store)
{
    tcore_free(store->memory);
    *store = (struct tcore_bucket_store){0};
}

size_t tcore_bucket_store_bytes(const struct tcore_bucket_store *store)
{
    if (store->dense)
        return tcore_count_bytes(store->dense, store->bits_log2);
    return tcore_count_bytes(store->capacity, store->bits_log2) +
           tcore_count_bytes(store->capacity, store->offset_log2);
}

/* The range that the store covers; how many buckets is left at 0 for a dense one. */
static struct extent extent_of(const struct tcore_bucket_store *store)
{
    uint32_t places = tcore_bucket_places(store);
    if (!places)
        return (struct extent){0};
    return (struct extent){.first = tcore_bucket_index(store, 0),
                           .last = tcore_bucket_index(store, places - 1),
                           .buckets = store->used};
}

static inline uint64_t slots_of(struct extent extent)
{
    return (uint64_t)((int64_t)extent.last - extent.first) + 1;
}

/* Whether the range may be dense for being small, or busy. */
static bool dense_is_free(uint64_t slots, uint8_t bits_log2, uint32_t touches)
{
    uint64_t dense_bytes = tcore_count_bytes(slots, bits_log2);
    return dense_bytes <= SMALLEST_BYTES || dense_bytes <= (uint64_t)BYTES_A_TOUCH * touches;
}

/* Whether dense needs hardly more than sparse. */
static bool dense_is_small(uint64_t slots, uint8_t bits_log2, uint32_t buckets)
{
    uint8_t sparse_bits = bits_log2 < TCORE_BYTE ? TCORE_BYTE : bits_log2;
    uint64_t sparse_bytes = tcore_count_bytes(buckets, sparse_bits) +
                            (uint64_t)buckets * (slots <= NARROW_RANGE ? 2 : 4);
    return tcore_count_bytes(slots, bits_log2) <= sparse_bytes + sparse_bytes / 4;
}

/* low and high: slots to spare below and above, so that a growing range does not move each time. */
static struct shape dense_shape(struct extent extent, uint8_t bits_log2, uint32_t low,
                                uint32_t high)
{
    /* slot 0 has an even index, so that words of 4-bit counts of two stores are aligned alike */
    int32_t first = (int32_t)(extent.first - (int64_t)low) & ~1;
    uint64_t slots = ((uint64_t)((int64_t)extent.last - first) + 1 + high + 1) & ~UINT64_C(1);
    size_t bytes = (tcore_count_bytes(slots, bits_log2) + 7) / 16 * 16 + 8; /* as malloc rounds */
    if (bytes < SMALLEST_BYTES)
        bytes = SMALLEST_BYTES;
    uint32_t room = (uint32_t)((bytes * 8) >> bits_log2) & ~1u;
    uint32_t more = (uint32_t)(room - slots);
    if (low && more) /* what rounding gave goes where the range grows */
        first -= (int32_t)(high ? more / 2 : more) & ~1;
    return (struct shape){.first = first, .dense = room, .bits_log2 = bits_log2};
}

static struct shape sparse_shape(struct extent extent, uint8_t bits_log2)
{
    uint64_t range = slots_of(extent);
    bool narrow = range <= NARROW_RANGE;
    /* Offsets sit in the middle of what they can say, so that a new minimum seldom moves them. */
    uint32_t below = narrow ? (uint32_t)(NARROW_RANGE - range) / 2 : UINT32_C(1) << 28;
    return (struct shape){.first = extent.first - (int32_t)below,
                          .capacity = (extent.buckets + extent.buckets / 4 + 7) / 8 * 8,
                          .bits_log2 = bits_log2 < TCORE_BYTE ? TCORE_BYTE : bits_log2,
                          .offset_log2 = narrow ? TCORE_NARROW_OFFSET : TCORE_NARROW_OFFSET + 1};
}

/* Whether the sparse store's offsets can say the index. */
static inline bool reaches(const struct tcore_bucket_store *store, int32_t index)
{
    int64_t offset = (int64_t)index - store->first;
    return offset >= 0 && (store->offset_log2 != TCORE_NARROW_OFFSET || offset < NARROW_RANGE);
}

/* Sets the unused offsets to what count_below() may read. */
static void pad_offsets(struct tcore_bucket_store *store)
{
    memset((char *)tcore_sparse_offsets(store) + tcore_count_bytes(store->used, store->offset_log2),
           0xff, tcore_count_bytes(store->capacity - store->used, store->offset_log2));
}

/* Gives an empty store the memory of a shape. */
static enum tcore_status take_shape(struct tcore_bucket_store *store, struct shape shape)
{
    store->first = shape.first;
    store->dense = shape.dense;
    store->capacity = shape.capacity;
    store->bits_log2 = shape.bits_log2;
    store->offset_log2 = shape.offset_log2;
    store->used = 0;
    size_t bytes = tcore_bucket_store_bytes(store);
    store->memory = store->dense ? tcore_calloc(1, bytes) : tcore_malloc(bytes);
    if (!store->memory)
        return TCORE_FATAL;
    if (!store->dense)
        pad_offsets(store);
    return TCORE_OK;
}

enum tcore_status tcore_bucket_store_reserve(struct tcore_bucket_store *store, int32_t first,
                                             int32_t last, uint32_t buckets, uint64_t largest_count)
{
    struct extent extent = {first, last, buckets};
    uint64_t slots = slots_of(extent);
    uint8_t bits_log2 = bits_for(largest_count, TCORE_NIBBLE);
    if (dense_is_free(slots, bits_log2, store->touches) ||
        dense_is_small(slots, bits_log2, buckets))
        return take_shape(store, dense_shape(extent, bits_log2, 0, 0));
    return take_shape(store, sparse_shape(extent, bits_log2));
}

void tcore_bucket_store_append(struct tcore_bucket_store *store, int32_t index, uint64_t count)
{
    uint32_t offset = (uint32_t)index - (uint32_t)store->first;
    if (store->dense) {
        tcore_count_put(store->memory, store->bits_log2, offset, count);
        return;
    }
    tcore_count_put(store->memory, store->bits_log2, store->used, count);
    tcore_count_put(tcore_sparse_offsets(store), store->offset_log2, store->used, offset);
    store->used++;
}

/* With the width known to the compiler. */
static inline __attribute__((always_inline)) void put_all(struct tcore_bucket_store *store,
                                                          uint8_t bits_log2, const int32_t *index,
                                                          const uint64_t *count, uint32_t buckets)
{
    for (uint32_t i = 0; i < buckets; i++)
        tcore_count_put(store->memory, bits_log2, (uint32_t)index[i] - (uint32_t)store->first,
                        count[i]);
}

void tcore_bucket_store_append_all(struct tcore_bucket_store *store, const int32_t *index,
                                   const uint64_t *count, uint32_t buckets)
{
    if (!store->dense)
        for (uint32_t i = 0; i < buckets; i++)
            tcore_bucket_store_append(store, index[i], count[i]);
    else if (store->bits_log2 == TCORE_NIBBLE)
        put_all(store, TCORE_NIBBLE, index, count, buckets);
    else if (store->bits_log2 == TCORE_BYTE)
        put_all(store, TCORE_BYTE, index, count, buckets);
    else
        put_all(store, store->bits_log2, index, count, buckets);
}

/* Moves what the store holds into memory of the shape. */
static enum tcore_status rebuild(struct tcore_bucket_store *store, struct shape shape)
{
    struct tcore_bucket_store fresh = {.touches = store->touches};
    if (take_shape(&fresh, shape) != TCORE_OK)
        return TCORE_FATAL;
    uint32_t places = tcore_bucket_places(store);
    for (uint32_t at = 0; at < places; at++) {
        uint64_t count = tcore_count_load(store->memory, store->bits_log2, at);
        if (count)
            tcore_bucket_store_append(&fresh, tcore_bucket_index(store, at), count);
    }
    tcore_free(store->memory);
    *store = fresh;
    return TCORE_OK;
}

/* Room for some more entries in place; the offsets move behind the counts' new end. */
static enum tcore_status extend_sparse(struct tcore_bucket_store *store, uint32_t capacity)
{
    struct tcore_bucket_store larger = *store;
    larger.capacity = capacity;
    larger.memory = tcore_realloc(store->memory, tcore_bucket_store_bytes(&larger));
    if (!larger.memory)
        return TCORE_FATAL;
    store->memory = larger.memory;
    memmove(tcore_sparse_offsets(&larger), tcore_sparse_offsets(store),
            tcore_count_bytes(store->used, store->offset_log2));
    *store = larger;
    pad_offsets(store);
    return TCORE_OK;
}

/* Dense to a larger dense range of the same width: the slots move as a block. */
static enum tcore_status extend_dense(struct tcore_bucket_store *store, struct shape shape)
{
    struct tcore_bucket_store larger = {.touches = store->touches};
    if (take_shape(&larger, shape) != TCORE_OK)
        return TCORE_FATAL;
    uint64_t ahead = (uint64_t)((int64_t)store->first - larger.first);
    memcpy((char *)larger.memory + tcore_count_bytes(ahead, shape.bits_log2), store->memory,
           tcore_bucket_store_bytes(store));
    tcore_free(store->memory);
    *store = larger;
    return TCORE_OK;
}

static enum tcore_status become_dense(struct tcore_bucket_store *store, struct extent extent,
                                      uint8_t bits_log2, bool lower, bool higher)
{
    uint32_t spare = (uint32_t)(slots_of(extent) / 16) + 1;
    uint32_t below = lower || !store->dense ? spare : 0;
    uint32_t above = higher || !store->dense ? spare : 0;
    struct shape shape = dense_shape(extent, bits_log2, below, above);
    bool same = store->dense && store->bits_log2 == bits_log2;
    return same ? extend_dense(store, shape) : rebuild(store, shape);
}

static enum tcore_status become_sparse(struct tcore_bucket_store *store, struct extent extent,
                                       uint8_t bits_log2, int32_t index)
{
    struct shape shape = sparse_shape(extent, bits_log2);
    bool same = !store->dense && store->bits_log2 == shape.bits_log2 && reaches(store, index);
    return same ? extend_sparse(store, shape.capacity) : rebuild(store, shape);
}

/* Makes room for one more bucket at index, or for the larger count of one that is there. */
static enum tcore_status make_room(struct tcore_bucket_store *store, int32_t index, uint64_t count)
{
    struct extent extent = extent_of(store);
    bool lower = index<extent.first, higher = index> extent.last;
    if (lower || !store->memory)
        extent.first = index;
    if (higher || !store->memory)
        extent.last = index;

    uint64_t slots = slots_of(extent);
    uint8_t bits_log2 = bits_for(count, store->dense ? store->bits_log2 : TCORE_NIBBLE);
    if (store->dense && dense_is_free(slots, bits_log2, store->touches))
        return become_dense(store, extent, bits_log2, lower, higher);
    uint64_t bits = count;
    extent.buckets = tcore_bucket_store_survey(store, &bits) + 1;
    bits_log2 = bits_for(bits, bits_log2);
    if (dense_is_free(slots, bits_log2, store->touches) ||
        dense_is_small(slots, bits_log2, extent.buckets))
        return become_dense(store, extent, bits_log2, lower, higher);
    return become_sparse(store, extent, bits_log2, index);
}

typedef uint16_t offset_vector __attribute__((vector_size(16)));
enum { VECTOR_OFFSETS = 8, LINEAR_OFFSETS = 64 };

/*
 * How many of the ascending offsets are below the key: halves (of whole vectors) while there are
 * many, then counts the rest eight at a time, which takes no branch that could be mispredicted.
 * Offsets behind the used ones, up to a whole vector, are all ones and so below no key.
 */
static uint32_t count_below(const uint16_t *offsets, uint32_t used, uint16_t key)
{
    const uint16_t *at = offsets;
    while (used > LINEAR_OFFSETS) {
        uint32_t half = used / 2 / VECTOR_OFFSETS * VECTOR_OFFSETS;
        bool upper = at[half - 1] < key;
        at += upper ? half : 0;
        used = upper ? used - half : half;
    }
    offset_vector below = {0};
    for (uint32_t i = 0; i < used; i += VECTOR_OFFSETS) {
        offset_vector some;
        memcpy(&some, at + i, sizeof some);
        below -= (offset_vector)(some < key);
    }
    uint32_t count = 0;
    for (int i = 0; i < VECTOR_OFFSETS; i++)
        count += below[i];
    return (uint32_t)(at - offsets) + count;
}

/* The same for wide offsets, which are rare: plain halving. */
static uint32_t count_below_wide(const uint32_t *offsets, uint32_t used, uint32_t key)
{
    uint32_t low = 0, high = used;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (offsets[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The entry of the offset, or where it would go. */
static inline uint32_t find_entry(const struct tcore_bucket_store *store, uint32_t offset)
{
    const void *offsets = tcore_sparse_offsets(store);
    return store->offset_log2 == TCORE_NARROW_OFFSET
               ? count_below(offsets, store->used, (uint16_t)offset)
               : count_below_wide(offsets, store->used, offset);
}

static void insert_entry(struct tcore_bucket_store *store, uint32_t entry, uint32_t offset,
                         uint64_t count)
{
    char *counts = store->memory, *offsets = tcore_sparse_offsets(store);
    uint32_t behind = store->used - entry;
    memmove(counts + tcore_count_bytes(entry + 1, store->bits_log2),
            counts + tcore_count_bytes(entry, store->bits_log2),
            tcore_count_bytes(behind, store->bits_log2));
    memmove(offsets + tcore_count_bytes(entry + 1, store->offset_log2),
            offsets + tcore_count_bytes(entry, store->offset_log2),
            tcore_count_bytes(behind, store->offset_log2));
    tcore_count_put(counts, store->bits_log2, entry, count);
    tcore_count_put(offsets, store->offset_log2, entry, offset);
    store->used++;
}

/* A sparse store that is hit often becomes dense even when all its buckets have room. */
static bool grew_busy(const struct tcore_bucket_store *store)
{
    return store->touches % 32 == 0 &&
           dense_is_free(slots_of(extent_of(store)), store->bits_log2, store->touches);
}

/* Whether it was added; if not, there is no room yet. */
static bool sparse_add(struct tcore_bucket_store *store, int32_t index, uint64_t count)
{
    if (!store->used || !reaches(store, index))
        return false;
    uint32_t offset = (uint32_t)index - (uint32_t)store->first;
    uint32_t entry = find_entry(store, offset);
    if (entry < store->used &&
        tcore_count_load(tcore_sparse_offsets(store), store->offset_log2, entry) == offset) {
        count += tcore_count_load(store->memory, store->bits_log2, entry);
        if (!tcore_count_fits(count, store->bits_log2))
            return false;
        tcore_count_put(store->memory, store->bits_log2, entry, count);
        return true;
    }
    if (store->used == store->capacity || !tcore_count_fits(count, store->bits_log2))
        return false;
    insert_entry(store, entry, offset, count);
    return true;
}

static bool add_in_place(struct tcore_bucket_store *store, int32_t index, uint64_t count)
{
    return store->dense ? tcore_dense_add(store, index, count) : sparse_add(store, index, count);
}

static uint64_t count_at(const struct tcore_bucket_store *store, int32_t index)
{
    uint32_t at = (uint32_t)index - (uint32_t)store->first;
    if (store->dense)
        return at < store->dense ? tcore_count_load(store->memory, store->bits_log2, at) : 0;
    if (!store->used || !reaches(store, index))
        return 0;
    uint32_t entry = find_entry(store, at);
    bool found = entry < store->used && tcore_sparse_index(store, entry) == index;
    return found ? tcore_count_load(store->memory, store->bits_log2, entry) : 0;
}

enum tcore_status tcore_bucket_store_add(struct tcore_bucket_store *store, int32_t index,
                                         uint64_t count)
{
    touch(store);
    bool busy = !store->dense && store->used && grew_busy(store);
    if (!busy && add_in_place(store, index, count))
        return TCORE_OK;
    if (make_room(store, index, count_at(store, index) + count) != TCORE_OK)
        return TCORE_FATAL;
    add_in_place(store, index, count);
    return TCORE_OK;
}
