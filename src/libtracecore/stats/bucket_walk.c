/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading a bucket store: walking it, and finding a rank, a word of counts at a time. */
#include "stats/bucket_store.h"
#include "stats/bucket_counts.h"

/* By bits_log2: all bits of each count but the highest. */
static const uint64_t low_bits[] = {[2] = UINT64_C(0x7777777777777777),
                                    [3] = UINT64_C(0x7f7f7f7f7f7f7f7f),
                                    [4] = UINT64_C(0x7fff7fff7fff7fff),
                                    [5] = UINT64_C(0x7fffffff7fffffff),
                                    [6] = UINT64_C(0x7fffffffffffffff)};

/* The highest bit of each count that is not zero. */
static inline uint64_t nonzero_bits(uint64_t word, uint64_t low)
{
    return (((word & low) + low) | word) & ~low;
}

struct tcore_bucket_cursor tcore_bucket_cursor_up(const struct tcore_bucket_store *store)
{
    return (struct tcore_bucket_cursor){.store = store};
}

struct tcore_bucket_cursor tcore_bucket_cursor_down(const struct tcore_bucket_store *store)
{
    return (struct tcore_bucket_cursor){.store = store, .at = tcore_bucket_places(store)};
}

/* Makes the counts from at on the cursor's word, the first one lowest; at the end of sparse ones
 * there may be fewer than fill it. */
static bool next_word(struct tcore_bucket_cursor *cursor)
{
    const struct tcore_bucket_store *store = cursor->store;
    uint32_t places = tcore_bucket_places(store), counts = tcore_word_counts(store->bits_log2);
    if (cursor->at >= places)
        return false;
    cursor->word_at = cursor->at;
    bool in_order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__; /* the first count is lowest */
    if (in_order && places - cursor->at >= counts) {
        cursor->word = tcore_word_load(store->memory, store->bits_log2, cursor->at);
        cursor->at += counts;
    } else {
        cursor->word = 0;
        for (unsigned shift = 0; shift < 64 && cursor->at < places; shift += 1u << store->bits_log2)
            cursor->word |= tcore_count_load(store->memory, store->bits_log2, cursor->at++)
                            << shift;
    }
    cursor->left = nonzero_bits(cursor->word, low_bits[store->bits_log2]);
    return true;
}

bool tcore_bucket_cursor_next(struct tcore_bucket_cursor *cursor, int32_t *index, uint64_t *count)
{
    while (!cursor->left)
        if (!next_word(cursor))
            return false;
    uint8_t bits_log2 = cursor->store->bits_log2;
    unsigned bits = 1u << bits_log2, shift = (unsigned)__builtin_ctzll(cursor->left) & ~(bits - 1);
    cursor->left &= cursor->left - 1;
    *count = cursor->word >> shift & (UINT64_MAX >> (64 - bits));
    *index = tcore_bucket_index(cursor->store, cursor->word_at + (shift >> bits_log2));
    return true;
}

bool tcore_bucket_cursor_previous(struct tcore_bucket_cursor *cursor, int32_t *index,
                                  uint64_t *count)
{
    const struct tcore_bucket_store *store = cursor->store;
    while (cursor->at) {
        cursor->at--;
        *count = tcore_count_load(store->memory, store->bits_log2, cursor->at);
        if (*count) {
            *index = tcore_bucket_index(store, cursor->at);
            return true;
        }
    }
    return false;
}

bool tcore_bucket_store_range(const struct tcore_bucket_store *store, int32_t *first, int32_t *last)
{
    struct tcore_bucket_cursor up = tcore_bucket_cursor_up(store);
    struct tcore_bucket_cursor down = tcore_bucket_cursor_down(store);
    uint64_t count;
    return tcore_bucket_cursor_next(&up, first, &count) &&
           tcore_bucket_cursor_previous(&down, last, &count);
}

uint32_t tcore_bucket_store_survey(const struct tcore_bucket_store *store, uint64_t *bits)
{
    uint32_t places = tcore_bucket_places(store), at = 0, buckets = 0;
    if (!places)
        return 0;
    uint8_t bits_log2 = store->bits_log2;
    uint64_t low = low_bits[bits_log2], any = 0;
    for (uint32_t stride = tcore_word_counts(bits_log2); places - at >= stride; at += stride) {
        uint64_t word = tcore_word_load(store->memory, bits_log2, at);
        any |= word;
        buckets += (uint32_t)__builtin_popcountll(nonzero_bits(word, low));
    }
    for (unsigned shift = 32; shift >= 1u << bits_log2; shift /= 2)
        any |= any >> shift;
    if (bits_log2 < 6)
        any &= (UINT64_C(1) << (1u << bits_log2)) - 1;
    for (; at < places; at++) {
        uint64_t count = tcore_count_load(store->memory, bits_log2, at);
        buckets += count != 0;
        any |= count;
    }
    *bits |= any;
    return buckets;
}

/* The sum of the counts of a word, modulo 2^64. */
static inline uint64_t sum_of_word(uint64_t word, uint8_t bits_log2)
{
    switch (bits_log2) {
    case TCORE_NIBBLE:
        word = (word & UINT64_C(0x0f0f0f0f0f0f0f0f)) + (word >> 4 & UINT64_C(0x0f0f0f0f0f0f0f0f));
        return word * UINT64_C(0x0101010101010101) >> 56;
    case TCORE_BYTE:
        word = (word & UINT64_C(0x00ff00ff00ff00ff)) + (word >> 8 & UINT64_C(0x00ff00ff00ff00ff));
        return word * UINT64_C(0x0001000100010001) >> 48;
    case 4:
        word = (word & UINT64_C(0x0000ffff0000ffff)) + (word >> 16 & UINT64_C(0x0000ffff0000ffff));
        return (word & UINT32_MAX) + (word >> 32);
    case 5:
        return (word & UINT32_MAX) + (word >> 32);
    default:
        return word;
    }
}

bool tcore_bucket_store_seek(const struct tcore_bucket_store *store, uint64_t *rank, int32_t *index)
{
    uint32_t places = tcore_bucket_places(store), at = 0;
    uint32_t stride = tcore_word_counts(store->bits_log2);
    for (; places - at >= stride; at += stride) {
        uint64_t sum =
            sum_of_word(tcore_word_load(store->memory, store->bits_log2, at), store->bits_log2);
        if (sum >= *rank)
            break;
        *rank -= sum;
    }
    for (; at < places; at++) {
        uint64_t count = tcore_count_load(store->memory, store->bits_log2, at);
        if (count >= *rank) {
            *index = tcore_bucket_index(store, at);
            return true;
        }
        *rank -= count;
    }
    return false;
}
