/* SPDX-License-Identifier: GPL-3.0-or-later */
/* In front of the map with its keyed hash is a small cache with a cheap one: who floods it pays
 * what the map costs, and no more. */
#include "trace/store_names.h"

#include "base/sys.h"

#include <string.h>

enum tcore_status tcore_names_init(struct names *names, struct tcore_error *err)
{
    *names = (struct names){0};
    if (tcore_map_init(&names->map) != 0)
        return tcore_error_set(err, TCORE_FATAL, "no random numbers to be had from the system");
    names->cache = tcore_calloc(NAMES_CACHE, sizeof *names->cache);
    if (!names->cache || tcore_map_intern(&names->map, "", 0, NULL) != 0)
        return tcore_error_nomem(err);
    return TCORE_OK;
}

void tcore_names_free(struct names *names)
{
    tcore_map_free(&names->map);
    tcore_free(names->cache);
    tcore_free(names->total);
}

static inline uint32_t cache_slot(const char *text, size_t length)
{
    uint64_t head = 0, tail = 0;
    if (length >= 8) {
        memcpy(&head, text, 8);
        memcpy(&tail, text + length - 8, 8);
    } else {
        for (size_t i = 0; i < length; i++)
            head = head << 8 | (unsigned char)text[i];
    }
    uint64_t hash = (head ^ (tail << 29 | tail >> 35) ^ length) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(hash >> 40) % NAMES_CACHE;
}

uint32_t tcore_names_intern(struct names *names, const char *text, size_t length)
{
    struct names_cache_entry *entry = &names->cache[cache_slot(text, length)];
    if (entry->text && entry->length == length && !memcmp(entry->text, text, length))
        return entry->number;
    /* the name "" is a name: told apart from none by a NUL before all of them */
    char room[256], *key = length < sizeof room ? room : tcore_malloc(length + 1);
    if (!key)
        return TCORE_MAP_NONE;
    key[0] = '\0';
    memcpy(key + 1, text, length);
    uint32_t number = tcore_map_intern(&names->map, key, length + 1, NULL);
    if (key != room)
        tcore_free(key);
    if (number != TCORE_MAP_NONE)
        *entry =
            (struct names_cache_entry){names->map.keys[number].data + 1, (uint32_t)length, number};
    return number;
}

/* --- Of the store */

enum tcore_status tcore_names_total_init(struct names_total *total, struct tcore_error *err)
{
    tcore_names_total_free(total);
    if (tcore_map_init(&total->map) != 0)
        return tcore_error_set(err, TCORE_FATAL, "no random numbers to be had from the system");
    return tcore_map_intern(&total->map, "", 0, NULL) == 0 ? TCORE_OK : tcore_error_nomem(err);
}

void tcore_names_total_free(struct names_total *total)
{
    tcore_map_free(&total->map);
    tcore_free(total->rank);
    tcore_free(total->of_rank);
    *total = (struct names_total){0};
}

enum tcore_status tcore_names_total_add(struct names_total *total, struct names *names,
                                        struct tcore_error *err)
{
    tcore_free(names->total);
    names->total = tcore_reallocarray(NULL, names->map.count, sizeof *names->total);
    if (!names->total)
        return tcore_error_nomem(err);
    for (uint32_t i = 0; i < names->map.count; i++) {
        const struct tcore_map_key *key = &names->map.keys[i];
        names->total[i] = tcore_map_intern(&total->map, key->data, key->length, NULL);
        if (names->total[i] == TCORE_MAP_NONE)
            return tcore_error_nomem(err);
    }
    return TCORE_OK;
}

/* Bytewise; the shorter first. */
static bool is_before(const struct names_total *total, uint32_t a, uint32_t b)
{
    const struct tcore_map_key *x = &total->map.keys[a], *y = &total->map.keys[b];
    int order = memcmp(x->data, y->data, x->length < y->length ? x->length : y->length);
    return order ? order < 0 : x->length < y->length;
}

static void sift_down(const struct names_total *total, uint32_t *heap, uint32_t count, uint32_t at)
{
    uint32_t sinking = heap[at];
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && is_before(total, heap[child], heap[child + 1]))
            child++;
        if (!is_before(total, sinking, heap[child]))
            break;
        heap[at] = heap[child];
    }
    heap[at] = sinking;
}

enum tcore_status tcore_names_total_rank(struct names_total *total, struct tcore_error *err)
{
    uint32_t count = total->map.count;
    total->rank = tcore_reallocarray(NULL, count, sizeof *total->rank);
    total->of_rank = tcore_reallocarray(NULL, count, sizeof *total->of_rank);
    if (!total->rank || !total->of_rank)
        return tcore_error_nomem(err);
    uint32_t *order = total->of_rank;
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    for (uint32_t i = count / 2; i-- > 0;)
        sift_down(total, order, count, i);
    for (uint32_t left = count; left-- > 1;) {
        uint32_t last = order[left];
        order[left] = order[0];
        order[0] = last;
        sift_down(total, order, left, 0);
    }
    for (uint32_t i = 0; i < count; i++)
        total->rank[order[i]] = i;
    return TCORE_OK;
}

void tcore_names_apply_rank(const struct names_total *total, struct names *names)
{
    for (uint32_t i = 0; i < names->map.count; i++)
        names->total[i] = total->rank[names->total[i]];
}

struct tcore_slice tcore_names_get(const struct names_total *total, uint32_t number)
{
    const struct tcore_map_key *key = &total->map.keys[number];
    if (!key->length)
        return (struct tcore_slice){0};
    return (struct tcore_slice){key->data + 1, key->length - 1};
}

struct tcore_slice tcore_names_ranked(const struct names_total *total, uint32_t rank)
{
    return tcore_names_get(total, total->of_rank[rank]);
}
