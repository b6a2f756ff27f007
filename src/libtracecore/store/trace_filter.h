/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which trace ids a segment may hold: a split-block Bloom filter at 16 bits an id. It never misses
 * an id that was added, and has about 0.13 % of the others.
 *
 * Source: Apache Parquet, "Parquet Bloom Filter" (BloomFilter.md of parquet-format): blocks of 8
 * words of 32 bits; of a hash h the upper half selects the block, (h >> 32) * blocks >> 32, and the
 * lower half x sets bit (x * salt[i]) >> 27 of word i, with Parquet's eight salts. Its hash is
 * XXH64 without a seed; ids are under the control of others, who could make all filters useless, so
 * here it is XXH3 (64 bits) of the id's 16 bytes with a seed that a repository draws once.
 *
 * The number of blocks is a power of two: then filters of different sizes can be brought to one
 * (tcore_trace_filter_resize), since the block in half as many is the same number halved.
 *
 * The struct owns its words (tcore_trace_filter_free). Not thread-safe while ids are added.
 */
#ifndef TRACECORE_STORE_TRACE_FILTER_H
#define TRACECORE_STORE_TRACE_FILTER_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define TCORE_TRACE_ID_BYTES          16
#define TCORE_TRACE_FILTER_WORDS      8  /* of a block */
#define TCORE_TRACE_FILTER_BYTES      32 /* of a block */
#define TCORE_TRACE_FILTER_KEY_BITS   16
#define TCORE_TRACE_FILTER_MAX_BLOCKS (UINT32_C(1) << 20) /* 32 MiB, 16 million ids */

struct tcore_trace_filter {
    uint64_t seed;
    uint64_t keys;   /* how many were added, repeated ones too */
    uint32_t *words; /* owned; blocks * 8 */
    uint32_t blocks; /* a power of two */
};

/* How many blocks so many ids need at 16 bits each (more ids than fit: the most there can be). */
uint32_t tcore_trace_filter_blocks(uint64_t keys);
/* An empty filter. blocks: as above, or another power of two up to the limit. TCORE_OK or FATAL. */
enum tcore_status tcore_trace_filter_init(struct tcore_trace_filter *filter, uint64_t seed,
                                          uint32_t blocks, struct tcore_error *err);
void tcore_trace_filter_free(struct tcore_trace_filter *filter); /* and zeroes it */

void tcore_trace_filter_add(struct tcore_trace_filter *filter,
                            const uint8_t id[TCORE_TRACE_ID_BYTES]);
/* Whether the id may have been added. */
bool tcore_trace_filter_has(const struct tcore_trace_filter *filter,
                            const uint8_t id[TCORE_TRACE_ID_BYTES]);
/* into |= from. TCORE_OK, or TCORE_BAD_INPUT: another seed or number of blocks. */
enum tcore_status tcore_trace_filter_unite(struct tcore_trace_filter *into,
                                           const struct tcore_trace_filter *from,
                                           struct tcore_error *err);
/* Brings it to another number of blocks: more answer as before, fewer have more false positives.
 * TCORE_OK, or TCORE_FATAL with the filter unchanged. */
enum tcore_status tcore_trace_filter_resize(struct tcore_trace_filter *filter, uint32_t blocks,
                                            struct tcore_error *err);

/* The filter as bytes (tracecore-repository(5)), with a checksum over all, and back. TCORE_OK,
 * TCORE_BAD_INPUT (damaged; filter is zeroed), TCORE_FATAL. Decoding allocates no more than length.
 */
void tcore_trace_filter_encode(const struct tcore_trace_filter *filter, struct tcore_buf *out);
enum tcore_status tcore_trace_filter_decode(struct tcore_trace_filter *filter, const void *data,
                                            size_t length, struct tcore_error *err);

/* The hash of an id, its block among so many, and whether a block (8 words) may have it. */
uint64_t tcore_trace_filter_hash(uint64_t seed, const uint8_t id[TCORE_TRACE_ID_BYTES]);
uint32_t tcore_trace_filter_block(uint64_t hash, uint32_t blocks);
bool tcore_trace_filter_block_has(const uint32_t words[TCORE_TRACE_FILTER_WORDS], uint64_t hash);

#endif
