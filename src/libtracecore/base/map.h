/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Byte strings to small dense numbers: 0 for the first distinct key, 1 for
 * the next, ... Symbol tables, group tables and dictionaries are arrays indexed
 * by that number. Keys are copied and live until tcore_map_clear/free; they are
 * hashed with SipHash-1-3 under a random seed, so that hostile keys cannot be
 * made to collide.
 */
#ifndef TRACECORE_BASE_MAP_H
#define TRACECORE_BASE_MAP_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCORE_MAP_NONE UINT32_MAX

struct tcore_map_key {
    const char *data; /* NUL-terminated copy */
    uint32_t length;
    uint32_t hash; /* low bits of the key's SipHash */
};

struct tcore_map {
    struct tcore_map_key *keys; /* by number; owned */
    uint32_t *slots;            /* number + 1, 0 empty; owned */
    uint32_t count, keys_capacity, slot_mask;
    uint64_t seed[2];
    struct tcore_arena arena;
};

/* Zeroed is not enough: draws the seed. 0, or -1 if there is no randomness. */
int tcore_map_init(struct tcore_map *map);
void tcore_map_free(struct tcore_map *map);
void tcore_map_clear(struct tcore_map *map); /* forgets the keys, keeps memory and seed */
/* The number of the key, giving it the next one if it is new (*added set accordingly, may be
 * NULL). TCORE_MAP_NONE when memory is short, or at 2^32-2 keys. */
uint32_t tcore_map_intern(struct tcore_map *map, const void *key, size_t length, bool *added);
/* The number of the key, or TCORE_MAP_NONE. */
uint32_t tcore_map_find(const struct tcore_map *map, const void *key, size_t length);
/* Memory held, in bytes. */
size_t tcore_map_bytes(const struct tcore_map *map);

/* SipHash-1-3 (Aumasson, Bernstein 2012; one compression, three finalisation rounds). */
uint64_t tcore_siphash(const uint64_t seed[2], const void *data, size_t length);

#endif
