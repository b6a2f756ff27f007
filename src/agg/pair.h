/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pairs of small numbers to small numbers, dense from 0: how group keys of several columns become
 * one number, column by column, and how (series, window) becomes a cell.
 */
#ifndef AGG_PAIR_H
#define AGG_PAIR_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define PAIR_NONE UINT32_MAX

struct pair_slot {
    uint64_t pair;
    uint32_t id; /* + 1; 0: empty */
};

struct pair_table {
    struct pair_slot *slots; /* owned */
    uint64_t *pairs;         /* by id; owned */
    uint32_t count, capacity;
    unsigned shift; /* 64 - log2 of the number of slots */
};

void pair_free(struct pair_table *table);                   /* a zeroed struct is an empty table */
uint32_t pair_add(struct pair_table *table, uint64_t pair); /* PAIR_NONE: out of memory */

/* The pairs are numbers given out here, not data, so a multiplicative hash is enough (Fibonacci
 * hashing, Knuth, TAOCP 3, 6.4). */
static inline uint64_t pair_hash(uint64_t pair)
{
    pair ^= pair >> 29;
    return pair * 0x9e3779b97f4a7c15u;
}

static inline uint32_t pair_id(struct pair_table *table, uint32_t a, uint32_t b)
{
    uint64_t pair = (uint64_t)a << 32 | b;
    if (!table->slots)
        return pair_add(table, pair);
    for (uint64_t at = pair_hash(pair) >> table->shift;; at++) {
        const struct pair_slot *slot = &table->slots[at];
        if (slot->id && slot->pair == pair)
            return slot->id - 1;
        if (!slot->id)
            return pair_add(table, pair);
    }
}

#endif
