/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Groups by key, and their bins of time. */
#include <config.h>

#include "report/summary_groups.h"

#include "base/sys.h"

#include <string.h>

/* --- Groups */

enum tcore_status groups_open(struct groups *groups, size_t item_bytes, struct tcore_error *err)
{
    *groups = (struct groups){.item_bytes = item_bytes};
    if (tcore_map_init(&groups->keys) != 0)
        return tcore_error_set(err, TCORE_FATAL, "no randomness for a hash table");
    /* number 0 is the group of those that are too many; its key is one that no other group has */
    return groups_find(groups, "", 0, NULL) == TCORE_MAP_NONE ? tcore_error_nomem(err) : TCORE_OK;
}

void groups_free(struct groups *groups)
{
    if (groups->item_bytes)
        tcore_map_free(&groups->keys);
    tcore_free(groups->items);
    *groups = (struct groups){0};
}

uint32_t groups_find(struct groups *groups, const void *key, size_t length, bool *added)
{
    bool is_new = false;
    if (added)
        *added = false;
    if (groups->keys.count > MAX_GROUPS) {
        uint32_t known = tcore_map_find(&groups->keys, key, length);
        groups->overflowed |= known == TCORE_MAP_NONE;
        return known == TCORE_MAP_NONE ? 0 : known;
    }
    uint32_t number = tcore_map_intern(&groups->keys, key, length, &is_new);
    if (number == TCORE_MAP_NONE || !is_new)
        return number;
    if (number >= groups->capacity) {
        size_t capacity = groups->capacity ? 2 * groups->capacity : 16;
        void *items = tcore_reallocarray(groups->items, capacity, groups->item_bytes);
        if (!items)
            return TCORE_MAP_NONE;
        groups->items = items;
        groups->capacity = capacity;
    }
    memset(groups_item(groups, number), 0, groups->item_bytes);
    if (added)
        *added = true;
    return number;
}

void key_pair(struct tcore_buf *key, const char *a, size_t a_length, const char *b, size_t b_length)
{
    uint32_t length = (uint32_t)a_length;
    tcore_buf_clear(key);
    tcore_buf_append(key, &length, sizeof length);
    tcore_buf_append(key, a, a_length);
    tcore_buf_append(key, b, b_length);
}

void key_parts(const struct tcore_map_key *key, struct tcore_slice *a, struct tcore_slice *b)
{
    uint32_t length = 0;
    if (key->length < sizeof length) {
        *a = *b = (struct tcore_slice){"", 0};
        return;
    }
    memcpy(&length, key->data, sizeof length);
    *a = (struct tcore_slice){key->data + sizeof length, length};
    *b = (struct tcore_slice){a->data + length, key->length - sizeof length - length};
}

/* --- Time */

static void fold(const struct bins *bins, struct bin *bin, int64_t new_first)
{
    struct bin folded[TIME_BINS] = {0};
    for (int64_t i = bins->first; i <= bins->last; i++) {
        struct bin *into = &folded[(i >> 1) - new_first];
        const struct bin *from = &bin[i - bins->first];
        into->count += from->count;
        into->timed += from->timed;
        into->total_ns += from->total_ns;
    }
    memcpy(bin, folded, sizeof folded);
}

static struct bin *bins_of(const struct groups *groups, uint32_t number)
{
    return ((struct span_group *)groups_item(groups, number))->bins;
}

void bins_coarsen(struct bins *bins, struct groups *groups, unsigned shift)
{
    while (bins->shift < shift) {
        int64_t first = bins->first >> 1;
        for (uint32_t i = 0; i < groups->keys.count; i++)
            if (bins_of(groups, i) && bins->first <= bins->last)
                fold(bins, bins_of(groups, i), first);
        if (bins->first <= bins->last) {
            bins->first = first;
            bins->last >>= 1;
        }
        bins->shift++;
    }
}

void bins_reach(struct bins *bins, struct groups *groups, int64_t time_ns)
{
    int64_t at = time_ns >> bins->shift;
    if (bins->first > bins->last) {
        bins->first = bins->last = at;
        return;
    }
    while ((at > bins->last ? at : bins->last) - (at < bins->first ? at : bins->first) >=
           TIME_BINS) {
        bins_coarsen(bins, groups, bins->shift + 1);
        at = time_ns >> bins->shift;
    }
    if (at > bins->last)
        bins->last = at;
    if (at >= bins->first)
        return;
    size_t move = (size_t)(bins->first - at);
    for (uint32_t i = 0; i < groups->keys.count; i++) {
        struct bin *bin = bins_of(groups, i);
        if (!bin)
            continue;
        memmove(bin + move, bin, (TIME_BINS - move) * sizeof *bin);
        memset(bin, 0, move * sizeof *bin);
    }
    bins->first = at;
}
