/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A direct-mapped index of entries that lie close together. Strings are read as words beyond their
 * ends, which are blanked, because a branch on their length is as good as random. */
#include "agg/recent.h"

#include "base/sys.h"

#include <string.h>

enum {
    BITS = 13, /* of the index */
    ENTRIES = 1024,
    COLUMNS = 4,
    WORDS = 8,       /* of a string */
    FIRST_WORDS = 4, /* which most strings end in */
    BYTES = WORDS * 8,
    FIRST_BYTES = FIRST_WORDS * 8,
    STRIDE = 16, /* rows */
    RESTS = 64
};

_Static_assert(BYTES <= TCORE_BATCH_PADDING, "strings can be read so far");

/* An entry: the series; of each column its length and first words; of each column the others. */
enum { FIRST = 1 + FIRST_WORDS, OTHERS = WORDS - FIRST_WORDS };

/* From FIRST_BYTES - n on: n bytes of ones, then zeros. */
static const unsigned char ones[2 * FIRST_BYTES] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

void recent_init(struct recent *recent, size_t columns)
{
    *recent = (struct recent){.columns = columns, .entry_words = 1 + columns * (FIRST + OTHERS)};
    if (!columns || columns > COLUMNS)
        return;
    recent->index = tcore_calloc((size_t)1 << BITS, sizeof *recent->index);
    recent->entries = tcore_calloc(ENTRIES, recent->entry_words * sizeof *recent->entries);
}

void recent_free(struct recent *recent)
{
    tcore_free(recent->index);
    tcore_free(recent->entries);
    *recent = (struct recent){0};
}

bool recent_suits(struct recent *recent, const struct tcore_batch *batch, const size_t *by)
{
    if (!recent->entries || !recent->index || !batch->padded)
        return false;
    for (size_t k = 0; k < recent->columns; k++)
        if (batch->columns[by[k]].form != TCORE_COLUMN_VALUES)
            return false;
    if (!recent->rest)
        return true;
    recent->rest--;
    return false;
}

/* The first bytes of a string, blanks behind it. */
static inline void first_words(const struct tcore_value *value, uint64_t words[FIRST_WORDS])
{
    size_t length = value->len < FIRST_BYTES ? value->len : FIRST_BYTES;
    uint64_t mask[FIRST_WORDS];
    memcpy(mask, ones + FIRST_BYTES - length, sizeof mask);
    memcpy(words, value->s, sizeof mask);
    for (size_t i = 0; i < FIRST_WORDS; i++)
        words[i] &= mask[i];
}

static inline bool is_short_string(const struct tcore_value *value)
{
    return value->kind == TCORE_STRING && value->len <= BYTES;
}

static inline uint64_t mixed(uint64_t hash, uint32_t length, const uint64_t words[FIRST_WORDS])
{
    uint64_t a = words[0] ^ (words[2] << 31 | words[2] >> 33);
    uint64_t b = words[1] ^ (words[3] << 17 | words[3] >> 47);
    return (hash ^ a) * 0x9e3779b97f4a7c15u + (b ^ length) * 0xc2b2ae3d27d4eb4fu;
}

/* Where the index has the row's values; NULL: they are no short strings. */
static inline uint16_t *place_of(const struct recent *recent, const struct tcore_batch *batch,
                                 const size_t *by, uint32_t row, uint64_t words[][FIRST_WORDS])
{
    uint64_t hash = 0;
    for (size_t k = 0; k < recent->columns; k++) {
        const struct tcore_value *value = &batch->columns[by[k]].values[row];
        if (!is_short_string(value))
            return NULL;
        first_words(value, words[k]);
        hash = mixed(hash ^ hash >> 29, value->len, words[k]);
    }
    return recent->index + (hash >> (64 - BITS));
}

static inline bool is_entry(const struct recent *recent, const uint64_t *entry,
                            const struct tcore_batch *batch, const size_t *by, uint32_t row,
                            uint64_t words[][FIRST_WORDS])
{
    uint64_t differ = 0;
    bool others = false;
    for (size_t k = 0; k < recent->columns; k++) {
        const uint64_t *kept = entry + 1 + k * FIRST;
        uint32_t length = batch->columns[by[k]].values[row].len;
        differ |= kept[0] ^ length;
        others |= length > FIRST_BYTES;
        for (size_t w = 0; w < FIRST_WORDS; w++)
            differ |= kept[1 + w] ^ words[k][w];
    }
    for (size_t k = 0; others && !differ && k < recent->columns; k++) {
        const struct tcore_value *value = &batch->columns[by[k]].values[row];
        if (value->len > FIRST_BYTES)
            differ = (uint64_t)memcmp(entry + 1 + recent->columns * FIRST + k * OTHERS,
                                      value->s + FIRST_BYTES, value->len - FIRST_BYTES);
    }
    return !differ;
}

/* A step at a time for a few rows, so that what one waits for has come when it is looked at. */
size_t recent_find(struct recent *recent, const struct tcore_batch *batch, const size_t *by,
                   const uint32_t *rows, size_t count, uint32_t *series, uint32_t *missed)
{
    size_t misses = 0;
    for (size_t from = 0; from < count; from += STRIDE) {
        uint64_t words[STRIDE][COLUMNS][FIRST_WORDS];
        const uint16_t *places[STRIDE];
        const uint64_t *entries[STRIDE];
        size_t n = count - from < STRIDE ? count - from : STRIDE;
        for (size_t i = 0; i < n; i++) {
            places[i] = place_of(recent, batch, by, rows[from + i], words[i]);
            __builtin_prefetch(places[i]);
        }
        for (size_t i = 0; i < n; i++) {
            entries[i] = recent->entries + (places[i] ? *places[i] : 0) * recent->entry_words;
            __builtin_prefetch(entries[i]);
            __builtin_prefetch(entries[i] + 8);
        }
        for (size_t i = 0; i < n; i++) {
            /* entry 0 is what is not in the index */
            if (__builtin_expect(
                    entries[i] != recent->entries &&
                        is_entry(recent, entries[i], batch, by, rows[from + i], words[i]),
                    1))
                series[from + i] = (uint32_t)*entries[i];
            else
                missed[misses++] = (uint32_t)(from + i);
        }
    }
    if (misses > count / 2 + 8)
        recent->rest = RESTS;
    return misses;
}

void recent_keep(struct recent *recent, const struct tcore_batch *batch, const size_t *by,
                 uint32_t row, uint32_t series)
{
    uint64_t words[COLUMNS][FIRST_WORDS];
    uint16_t *place = place_of(recent, batch, by, row, words);
    if (!place)
        return;
    if (!*place && recent->count == ENTRIES - 1) { /* full: begin anew */
        memset(recent->index, 0, sizeof *recent->index << BITS);
        recent->count = 0;
    }
    if (!*place)
        *place = (uint16_t)++recent->count;
    uint64_t *entry = recent->entries + *place * recent->entry_words;
    *entry = series;
    for (size_t k = 0; k < recent->columns; k++) {
        const struct tcore_value *value = &batch->columns[by[k]].values[row];
        uint64_t *first = entry + 1 + k * FIRST;
        first[0] = value->len;
        memcpy(first + 1, words[k], sizeof words[k]);
        if (value->len > FIRST_BYTES)
            memcpy(entry + 1 + recent->columns * FIRST + k * OTHERS, value->s + FIRST_BYTES,
                   value->len - FIRST_BYTES);
    }
}
