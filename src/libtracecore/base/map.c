/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Open addressing with linear probing, at most 5/8 full; the keys are in number order beside it. */
#include "base/map.h"
#include "base/sys.h"

#include <endian.h>
#include <string.h>

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = ROTL(v[1], 13);
    v[1] ^= v[0];
    v[0] = ROTL(v[0], 32);
    v[2] += v[3];
    v[3] = ROTL(v[3], 16);
    v[3] ^= v[2];
    v[0] += v[3];
    v[3] = ROTL(v[3], 21);
    v[3] ^= v[0];
    v[2] += v[1];
    v[1] = ROTL(v[1], 17);
    v[1] ^= v[2];
    v[2] = ROTL(v[2], 32);
}

uint64_t tcore_siphash(const uint64_t seed[2], const void *data, size_t length)
{
    const unsigned char *at = data;
    uint64_t v[4] = {seed[0] ^ 0x736f6d6570736575, seed[1] ^ 0x646f72616e646f6d,
                     seed[0] ^ 0x6c7967656e657261, seed[1] ^ 0x7465646279746573};
    size_t left = length;
    for (; left >= 8; left -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        word = le64toh(word); /* the same hash on every machine: it is written into partials */
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)length << 56;
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)at[i] << (8 * i);
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

int tcore_map_init(struct tcore_map *map)
{
    *map = (struct tcore_map){0};
    return tcore_sys()->random(map->seed, sizeof map->seed);
}

void tcore_map_free(struct tcore_map *map)
{
    tcore_free(map->keys);
    tcore_free(map->slots);
    tcore_arena_free(&map->arena);
    *map = (struct tcore_map){0};
}

void tcore_map_clear(struct tcore_map *map)
{
    if (map->slots)
        memset(map->slots, 0, ((size_t)map->slot_mask + 1) * sizeof *map->slots);
    map->count = 0;
    tcore_arena_reset(&map->arena);
}

static int grow_slots(struct tcore_map *map)
{
    uint64_t size = map->slots ? ((uint64_t)map->slot_mask + 1) * 2 : 16;
    if (size > (uint64_t)1 << 32)
        return -1;
    uint32_t *slots = tcore_calloc(size, sizeof *slots);
    if (!slots)
        return -1;
    uint32_t mask = (uint32_t)(size - 1);
    for (uint32_t n = 0; n < map->count; n++) {
        uint32_t at = map->keys[n].hash & mask;
        while (slots[at])
            at = (at + 1) & mask;
        slots[at] = n + 1;
    }
    tcore_free(map->slots);
    map->slots = slots;
    map->slot_mask = mask;
    return 0;
}

static int grow_keys(struct tcore_map *map)
{
    uint64_t capacity = map->keys_capacity ? (uint64_t)map->keys_capacity * 2 : 8;
    if (capacity > UINT32_MAX - 1)
        capacity = UINT32_MAX - 1;
    struct tcore_map_key *keys = tcore_reallocarray(map->keys, capacity, sizeof *keys);
    if (!keys)
        return -1;
    map->keys = keys;
    map->keys_capacity = (uint32_t)capacity;
    return 0;
}

static uint32_t probe(const struct tcore_map *map, const void *key, size_t length, uint32_t hash,
                      uint32_t *slot)
{
    uint32_t at = hash & map->slot_mask;
    for (uint32_t n; (n = map->slots[at]) != 0; at = (at + 1) & map->slot_mask) {
        const struct tcore_map_key *have = &map->keys[n - 1];
        if (have->hash == hash && have->length == length && !memcmp(have->data, key, length))
            return n - 1;
    }
    *slot = at;
    return TCORE_MAP_NONE;
}

uint32_t tcore_map_find(const struct tcore_map *map, const void *key, size_t length)
{
    uint32_t slot;
    if (!map->slots)
        return TCORE_MAP_NONE;
    return probe(map, key, length, (uint32_t)tcore_siphash(map->seed, key, length), &slot);
}

uint32_t tcore_map_intern(struct tcore_map *map, const void *key, size_t length, bool *added)
{
    if (added)
        *added = false;
    if (length > UINT32_MAX - 1 || map->count >= UINT32_MAX - 1)
        return TCORE_MAP_NONE;
    if (!map->slots && grow_slots(map) != 0)
        return TCORE_MAP_NONE;
    uint32_t hash = (uint32_t)tcore_siphash(map->seed, key, length);
    uint32_t slot = 0;
    uint32_t found = probe(map, key, length, hash, &slot);
    if (found != TCORE_MAP_NONE)
        return found;
    if ((uint64_t)map->count * 8 >= ((uint64_t)map->slot_mask + 1) * 5) {
        if (grow_slots(map) != 0)
            return TCORE_MAP_NONE;
        probe(map, key, length, hash, &slot);
    }
    if (map->count == map->keys_capacity && grow_keys(map) != 0)
        return TCORE_MAP_NONE;
    char *copy = tcore_arena_copy(&map->arena, key, length);
    if (!copy)
        return TCORE_MAP_NONE;
    map->keys[map->count] = (struct tcore_map_key){copy, (uint32_t)length, hash};
    map->slots[slot] = map->count + 1;
    if (added)
        *added = true;
    return map->count++;
}

size_t tcore_map_bytes(const struct tcore_map *map)
{
    return map->arena.bytes + (size_t)map->keys_capacity * sizeof *map->keys +
           (map->slots ? ((size_t)map->slot_mask + 1) * sizeof *map->slots : 0);
}
