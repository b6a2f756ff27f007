/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Adding one bucket store to another, and changing the scale of one. Two dense stores of one
 * width are added eight bytes at a time; everything else is one walk over both in step, done
 * twice: to measure the result, then to write it at its right size.
 */
#include "stats/bucket_store.h"
#include "stats/bucket_counts.h"
#include "base/sys.h"

/* What one walk over the buckets of the result found. */
struct tally {
    int32_t first, last;
    uint32_t buckets;
    uint64_t largest;
};

/* The sum of two stores (b may be empty) bucket by bucket; neighbours that fall together after
 * the shift are joined. */
struct sum_cursor {
    struct tcore_bucket_cursor a, b;
    unsigned shift_a, shift_b;
    uint64_t multiply_a, multiply_b;
    bool has_a, has_b;
    int32_t index_a, index_b;
    uint64_t count_a, count_b;
};

static inline void step_a(struct sum_cursor *sum)
{
    sum->has_a = tcore_bucket_cursor_next(&sum->a, &sum->index_a, &sum->count_a);
    sum->index_a >>= sum->shift_a;
    sum->count_a *= sum->multiply_a;
}

static inline void step_b(struct sum_cursor *sum)
{
    sum->has_b = tcore_bucket_cursor_next(&sum->b, &sum->index_b, &sum->count_b);
    sum->index_b >>= sum->shift_b;
    sum->count_b *= sum->multiply_b;
}

static void start(struct sum_cursor *sum)
{
    sum->index_a = sum->index_b = 0;
    sum->count_a = sum->count_b = 0;
    step_a(sum);
    step_b(sum);
}

static bool next_sum(struct sum_cursor *sum, int32_t *index, uint64_t *count)
{
    if (!sum->has_a && !sum->has_b)
        return false;
    bool from_a = sum->has_a && (!sum->has_b || sum->index_a <= sum->index_b);
    *index = from_a ? sum->index_a : sum->index_b;
    *count = 0;
    for (; sum->has_a && sum->index_a == *index; step_a(sum))
        *count += sum->count_a;
    for (; sum->has_b && sum->index_b == *index; step_b(sum))
        *count += sum->count_b;
    return true;
}

/* Fills the empty store fresh with the sum. fresh->touches is set: it decides the form. */
static enum tcore_status write_sum(struct tcore_bucket_store *fresh, struct sum_cursor sum)
{
    struct sum_cursor pass = sum;
    struct tally tally = {0};
    int32_t index;
    uint64_t count;
    start(&pass);
    while (next_sum(&pass, &index, &count)) {
        if (!tally.buckets++)
            tally.first = index;
        tally.last = index;
        tally.largest = count > tally.largest ? count : tally.largest;
    }
    if (!tally.buckets)
        return TCORE_OK;
    if (tcore_bucket_store_reserve(fresh, tally.first, tally.last, tally.buckets, tally.largest) !=
        TCORE_OK)
        return TCORE_FATAL;
    pass = sum;
    start(&pass);
    while (next_sum(&pass, &index, &count))
        tcore_bucket_store_append(fresh, index, count);
    return TCORE_OK;
}

enum tcore_status tcore_bucket_store_rescale(struct tcore_bucket_store *store, unsigned shift,
                                             uint64_t multiplier)
{
    static const struct tcore_bucket_store nothing;
    struct tcore_bucket_store fresh = {.touches = store->touches};
    struct sum_cursor sum = {.a = tcore_bucket_cursor_up(store),
                             .b = tcore_bucket_cursor_up(&nothing),
                             .shift_a = shift,
                             .multiply_a = multiplier};
    if (write_sum(&fresh, sum) != TCORE_OK)
        return TCORE_FATAL;
    tcore_free(store->memory);
    *store = fresh;
    return TCORE_OK;
}

/*
 * Adds slots of one width a word at a time: as long as no count of either has its highest bit set,
 * no carry can leave a count, and one 64-bit addition adds them all. Returns how many slots were
 * done before the first word where that does not hold.
 */
static uint32_t add_words(char *into, const char *from, uint32_t slots, uint8_t bits_log2)
{
    static const uint64_t highest[] = {[2] = UINT64_C(0x8888888888888888),
                                       [3] = UINT64_C(0x8080808080808080),
                                       [4] = UINT64_C(0x8000800080008000),
                                       [5] = UINT64_C(0x8000000080000000),
                                       [6] = 0};
    uint64_t highest_bits = highest[bits_log2];
    uint32_t words = slots / tcore_word_counts(bits_log2), done = 0;
    for (; done < words; done++) {
        uint64_t a, b;
        memcpy(&a, into + 8 * (size_t)done, 8);
        memcpy(&b, from + 8 * (size_t)done, 8);
        if ((a | b) & highest_bits)
            break;
        a += b;
        memcpy(into + 8 * (size_t)done, &a, 8);
    }
    return done * tcore_word_counts(bits_log2);
}

/* Adds bucket by bucket what from holds in its slots (or entries) from begin to end. */
static enum tcore_status add_each(struct tcore_bucket_store *into,
                                  const struct tcore_bucket_store *from, uint32_t begin,
                                  uint32_t end, unsigned shift, uint64_t multiplier)
{
    for (uint32_t at = begin; at < end; at++) {
        uint64_t count = tcore_count_load(from->memory, from->bits_log2, at) * multiplier;
        if (!count)
            continue;
        int32_t index = tcore_bucket_index(from, at) >> shift;
        if (!tcore_dense_add(into, index, count) &&
            tcore_bucket_store_add(into, index, count) != TCORE_OK)
            return TCORE_FATAL;
    }
    return TCORE_OK;
}

enum { CHUNK_SLOTS = 64 };

#define WIDEN_TO(type)                                                                             \
    for (int i = 0; i < CHUNK_SLOTS; i++)                                                          \
    ((type *)to)[i] = (type)tcore_count_load(from, from_bits, (uint32_t)i)

/* Copies a chunk of counts to a larger width; written out so that each loop has fixed types. */
static inline __attribute__((always_inline)) void widen_from(void *to, uint8_t to_bits,
                                                             const void *from, uint8_t from_bits)
{
    if (to_bits == TCORE_BYTE)
        WIDEN_TO(uint8_t);
    else if (to_bits == 4)
        WIDEN_TO(uint16_t);
    else if (to_bits == 5)
        WIDEN_TO(uint32_t);
    else
        WIDEN_TO(uint64_t);
}

static void widen_chunk(void *to, uint8_t to_bits, const void *from, uint8_t from_bits)
{
    if (from_bits == TCORE_NIBBLE)
        widen_from(to, to_bits, from, TCORE_NIBBLE);
    else if (from_bits == TCORE_BYTE)
        widen_from(to, to_bits, from, TCORE_BYTE);
    else if (from_bits == 4)
        widen_from(to, to_bits, from, 4);
    else
        widen_from(to, to_bits, from, 5);
}

/* Adds slots of from, at most as wide as into's, by words. How many were done. */
static uint32_t add_slots(struct tcore_bucket_store *into, uint32_t into_slot,
                          const struct tcore_bucket_store *from, uint32_t from_slot, uint32_t slots)
{
    uint8_t to_bits = into->bits_log2, from_bits = from->bits_log2;
    char *to = (char *)into->memory + tcore_count_bytes(into_slot, to_bits);
    const char *source = (const char *)from->memory + tcore_count_bytes(from_slot, from_bits);
    if (to_bits == from_bits)
        return add_words(to, source, slots, to_bits);
    uint64_t chunk[CHUNK_SLOTS];
    uint32_t done = 0, added = CHUNK_SLOTS;
    while (slots - done >= CHUNK_SLOTS && added == CHUNK_SLOTS) {
        widen_chunk(chunk, to_bits, source + tcore_count_bytes(done, from_bits), from_bits);
        added = add_words(to + tcore_count_bytes(done, to_bits), (const char *)chunk, CHUNK_SLOTS,
                          to_bits);
        done += added;
    }
    return done;
}

/* Dense into dense that is at least as wide: words where both have slots and no count is large, the
 * rest one by one. That may give into more room, or other slots. */
static enum tcore_status add_dense(struct tcore_bucket_store *into,
                                   const struct tcore_bucket_store *from)
{
    for (uint32_t at = 0, next; at < from->dense; at = next) {
        int64_t slot = (int64_t)from->first + at - into->first; /* of into */
        next = from->dense - at < CHUNK_SLOTS ? from->dense : at + CHUNK_SLOTS;
        if (slot >= 0 && slot < into->dense && from->bits_log2 <= into->bits_log2) {
            uint32_t room = (uint32_t)(into->dense - slot), left = from->dense - at;
            at += add_slots(into, (uint32_t)slot, from, at, room < left ? room : left);
            next = from->dense - at < CHUNK_SLOTS ? from->dense : at + CHUNK_SLOTS;
        }
        if (add_each(into, from, at, next, 0, 1) != TCORE_OK)
            return TCORE_FATAL;
    }
    return TCORE_OK;
}

static bool covers(const struct tcore_bucket_store *into, const struct tcore_bucket_store *from,
                   unsigned shift)
{
    int32_t first, last;
    return !tcore_bucket_store_range(from, &first, &last) ||
           ((first >> shift) >= into->first &&
            (last >> shift) < (int64_t)into->first + into->dense);
}

/* Into an empty store. */
static enum tcore_status copy(struct tcore_bucket_store *into,
                              const struct tcore_bucket_store *from, uint32_t touches)
{
    size_t bytes = tcore_bucket_store_bytes(from);
    void *memory = tcore_malloc(bytes);
    if (!memory)
        return TCORE_FATAL;
    memcpy(memory, from->memory, bytes);
    *into = *from;
    into->memory = memory;
    into->touches = touches;
    return TCORE_OK;
}

enum tcore_status tcore_bucket_store_merge(struct tcore_bucket_store *into,
                                           const struct tcore_bucket_store *from, unsigned shift,
                                           uint64_t multiplier)
{
    if (!from->memory)
        return TCORE_OK;
    if (into->dense && from->dense && !shift && multiplier == 1 &&
        from->bits_log2 <= into->bits_log2)
        return add_dense(into, from);
    if (into->dense && covers(into, from, shift))
        return add_each(into, from, 0, tcore_bucket_places(from), shift, multiplier);

    uint32_t touches;
    if (__builtin_add_overflow(into->touches, from->touches, &touches) ||
        __builtin_add_overflow(touches, from->used, &touches))
        touches = UINT32_MAX;
    if (!into->memory && !shift && multiplier == 1)
        return copy(into, from, touches);
    struct tcore_bucket_store fresh = {.touches = touches};
    struct sum_cursor sum = {.a = tcore_bucket_cursor_up(into),
                             .b = tcore_bucket_cursor_up(from),
                             .shift_b = shift,
                             .multiply_a = 1,
                             .multiply_b = multiplier};
    if (write_sum(&fresh, sum) != TCORE_OK)
        return TCORE_FATAL;
    tcore_free(into->memory);
    *into = fresh;
    return TCORE_OK;
}
