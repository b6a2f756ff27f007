/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Open addressing, at most half full. Instead of wrapping around, the table has as many spare slots
 * at its end as a probe may need, and grows when those run out.
 */
#include "agg/pair.h"

#include "base/sys.h"

#include <string.h>

enum { FIRST_BITS = 6, SPARE = 64 };

void pair_free(struct pair_table *table)
{
    tcore_free(table->slots);
    tcore_free(table->pairs);
    *table = (struct pair_table){0};
}

/* Whether there was a slot for it before the spare ones end (one of which always stays empty). */
static bool place(struct pair_slot *slots, unsigned shift, uint64_t pair, uint32_t id)
{
    uint64_t end = ((uint64_t)1 << (64 - shift)) + SPARE - 1;
    for (uint64_t at = pair_hash(pair) >> shift; at < end; at++) {
        if (!slots[at].id) {
            slots[at] = (struct pair_slot){pair, id + 1};
            return true;
        }
    }
    return false;
}

static bool grow(struct pair_table *table)
{
    for (unsigned bits = table->slots ? 64 - table->shift + 1 : FIRST_BITS; bits <= 33; bits++) {
        struct pair_slot *slots = tcore_calloc(((size_t)1 << bits) + SPARE, sizeof *slots);
        if (!slots)
            return false;
        bool all = true;
        for (uint32_t id = 0; id < table->count && all; id++)
            all = place(slots, 64 - bits, table->pairs[id], id);
        if (all) {
            tcore_free(table->slots);
            table->slots = slots;
            table->shift = 64 - bits;
            return true;
        }
        tcore_free(slots);
    }
    return false;
}

uint32_t pair_add(struct pair_table *table, uint64_t pair)
{
    if (table->count == UINT32_MAX - 1)
        return PAIR_NONE;
    if (table->count == table->capacity) {
        uint32_t capacity = table->capacity ? table->capacity * 2 : 16;
        uint64_t *pairs = tcore_reallocarray(table->pairs, capacity, sizeof *pairs);
        if (!pairs)
            return PAIR_NONE;
        table->pairs = pairs;
        table->capacity = capacity;
    }
    uint64_t slots = table->slots ? (uint64_t)1 << (64 - table->shift) : 0;
    if ((uint64_t)(table->count + 1) * 2 > slots && !grow(table))
        return PAIR_NONE;
    uint32_t id = table->count;
    table->pairs[id] = pair;
    table->count++; /* so that growing places it too */
    if (place(table->slots, table->shift, pair, id) || grow(table))
        return id;
    table->count--;
    return PAIR_NONE;
}
