/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Split-block Bloom filters of trace ids. */
#include "store/trace_filter.h"

#include "base/sys.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <endian.h>

static const char magic[8] = "tcfilter";
enum { VERSION = 1, HEAD = 32, CHECKSUM = 8 };

/* As they are stored: little-endian. */
struct head {
    char magic[8];
    uint32_t version, blocks;
    uint64_t seed, keys;
};

static const uint32_t salt[TCORE_TRACE_FILTER_WORDS] = {
    0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31};

static bool is_size(uint32_t blocks)
{
    return blocks && !(blocks & (blocks - 1)) && blocks <= TCORE_TRACE_FILTER_MAX_BLOCKS;
}

uint32_t tcore_trace_filter_blocks(uint64_t keys)
{
    const uint64_t of_block = TCORE_TRACE_FILTER_BYTES * 8 / TCORE_TRACE_FILTER_KEY_BITS;
    uint32_t blocks = 1;
    while (blocks < TCORE_TRACE_FILTER_MAX_BLOCKS && blocks * of_block < keys)
        blocks *= 2;
    return blocks;
}

enum tcore_status tcore_trace_filter_init(struct tcore_trace_filter *filter, uint64_t seed,
                                          uint32_t blocks, struct tcore_error *err)
{
    *filter = (struct tcore_trace_filter){.seed = seed, .blocks = blocks};
    filter->words = tcore_calloc(blocks, TCORE_TRACE_FILTER_BYTES);
    return filter->words ? TCORE_OK : tcore_error_nomem(err);
}

void tcore_trace_filter_free(struct tcore_trace_filter *filter)
{
    tcore_free(filter->words);
    *filter = (struct tcore_trace_filter){0};
}

uint64_t tcore_trace_filter_hash(uint64_t seed, const uint8_t id[TCORE_TRACE_ID_BYTES])
{
    return XXH3_64bits_withSeed(id, TCORE_TRACE_ID_BYTES, seed);
}

uint32_t tcore_trace_filter_block(uint64_t hash, uint32_t blocks)
{
    return (uint32_t)((hash >> 32) * blocks >> 32);
}

static inline uint32_t mask_of(uint64_t hash, int word)
{
    return UINT32_C(1) << ((uint32_t)hash * salt[word] >> 27);
}

bool tcore_trace_filter_block_has(const uint32_t words[TCORE_TRACE_FILTER_WORDS], uint64_t hash)
{
    uint32_t missing = 0;
    for (int i = 0; i < TCORE_TRACE_FILTER_WORDS; i++)
        missing |= ~words[i] & mask_of(hash, i);
    return !missing;
}

static uint32_t *block_of(const struct tcore_trace_filter *filter, uint64_t hash)
{
    uint32_t block = tcore_trace_filter_block(hash, filter->blocks);
    return filter->words + (size_t)block * TCORE_TRACE_FILTER_WORDS;
}

void tcore_trace_filter_add(struct tcore_trace_filter *filter,
                            const uint8_t id[TCORE_TRACE_ID_BYTES])
{
    uint64_t hash = tcore_trace_filter_hash(filter->seed, id);
    uint32_t *words = block_of(filter, hash);
    for (int i = 0; i < TCORE_TRACE_FILTER_WORDS; i++)
        words[i] |= mask_of(hash, i);
    filter->keys++;
}

bool tcore_trace_filter_has(const struct tcore_trace_filter *filter,
                            const uint8_t id[TCORE_TRACE_ID_BYTES])
{
    uint64_t hash = tcore_trace_filter_hash(filter->seed, id);
    return tcore_trace_filter_block_has(block_of(filter, hash), hash);
}

enum tcore_status tcore_trace_filter_unite(struct tcore_trace_filter *into,
                                           const struct tcore_trace_filter *from,
                                           struct tcore_error *err)
{
    if (into->seed != from->seed || into->blocks != from->blocks)
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "trace filters of different sizes or seeds cannot be united");
    for (size_t i = 0; i < (size_t)into->blocks * TCORE_TRACE_FILTER_WORDS; i++)
        into->words[i] |= from->words[i];
    into->keys += from->keys;
    return TCORE_OK;
}

enum tcore_status tcore_trace_filter_resize(struct tcore_trace_filter *filter, uint32_t blocks,
                                            struct tcore_error *err)
{
    struct tcore_trace_filter other;
    if (tcore_trace_filter_init(&other, filter->seed, blocks, err))
        return TCORE_FATAL;
    other.keys = filter->keys;
    uint32_t larger = blocks > filter->blocks ? blocks : filter->blocks;
    for (uint32_t i = 0; i < larger; i++) {
        const uint32_t *from =
            filter->words + (size_t)(i / (larger / filter->blocks)) * TCORE_TRACE_FILTER_WORDS;
        uint32_t *to = other.words + (size_t)(i / (larger / blocks)) * TCORE_TRACE_FILTER_WORDS;
        for (int k = 0; k < TCORE_TRACE_FILTER_WORDS; k++)
            to[k] |= from[k];
    }
    tcore_trace_filter_free(filter);
    *filter = other;
    return TCORE_OK;
}

void tcore_trace_filter_encode(const struct tcore_trace_filter *filter, struct tcore_buf *out)
{
    struct head head = {.version = htole32(VERSION),
                        .blocks = htole32(filter->blocks),
                        .seed = htole64(filter->seed),
                        .keys = htole64(filter->keys)};
    memcpy(head.magic, magic, sizeof magic);
    size_t start = out->length;
    tcore_buf_append(out, &head, sizeof head);
    for (size_t i = 0; i < (size_t)filter->blocks * TCORE_TRACE_FILTER_WORDS; i++) {
        uint32_t word = htole32(filter->words[i]);
        tcore_buf_append(out, &word, sizeof word);
    }
    if (out->failed)
        return;
    uint64_t checksum = htole64(XXH3_64bits(out->data + start, out->length - start));
    tcore_buf_append(out, &checksum, sizeof checksum);
}

enum tcore_status tcore_trace_filter_decode(struct tcore_trace_filter *filter, const void *data,
                                            size_t length, struct tcore_error *err)
{
    struct head head;
    uint64_t checksum;
    *filter = (struct tcore_trace_filter){0};
    if (length < HEAD + CHECKSUM || memcmp(data, magic, sizeof magic) != 0)
        return tcore_error_set(err, TCORE_BAD_INPUT, "no trace filter, or too short for one");
    memcpy(&head, data, sizeof head);
    memcpy(&checksum, (const char *)data + length - CHECKSUM, sizeof checksum);
    if (le64toh(checksum) != XXH3_64bits(data, length - CHECKSUM))
        return tcore_error_set(err, TCORE_BAD_INPUT, "damaged trace filter: checksum");
    uint32_t blocks = le32toh(head.blocks);
    if (le32toh(head.version) != VERSION)
        return tcore_error_set(err, TCORE_BAD_INPUT, "a trace filter of version %u",
                               (unsigned)le32toh(head.version));
    if (!is_size(blocks) || length != HEAD + CHECKSUM + (size_t)blocks * TCORE_TRACE_FILTER_BYTES)
        return tcore_error_set(err, TCORE_BAD_INPUT, "damaged trace filter: size");
    if (tcore_trace_filter_init(filter, le64toh(head.seed), blocks, err))
        return TCORE_FATAL;
    filter->keys = le64toh(head.keys);
    memcpy(filter->words, (const char *)data + HEAD, (size_t)blocks * TCORE_TRACE_FILTER_BYTES);
    for (size_t i = 0; i < (size_t)blocks * TCORE_TRACE_FILTER_WORDS; i++)
        filter->words[i] = le32toh(filter->words[i]);
    return TCORE_OK;
}
