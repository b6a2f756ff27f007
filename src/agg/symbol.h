/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Values of group keys as small numbers: those of their bytes (model/symbol.h) in a map.
 * Symbol 0 is absent.
 */
#ifndef AGG_SYMBOL_H
#define AGG_SYMBOL_H

#include "base/buf.h"
#include "base/map.h"
#include "model/batch.h"

struct symbol_cache_entry;

struct symbols {
    struct tcore_map map;
    struct symbol_cache_entry *cache; /* strings met lately; owned */
    uint32_t *of_dictionary;          /* scratch for dictionary columns; owned */
    size_t dictionary_capacity;
    struct tcore_buf scratch;
};

enum tcore_status symbols_init(struct symbols *symbols, struct tcore_error *err);
void symbols_free(struct symbols *symbols);
/* The symbol of a value; TCORE_MAP_NONE if memory is short. */
uint32_t symbol_of(struct symbols *symbols, const struct tcore_value *value);
/* Symbols of the rows rows[0..count) of a column into out[0..count). */
enum tcore_status symbols_of_column(struct symbols *symbols, const struct tcore_column *column,
                                    const uint32_t *rows, size_t count, uint32_t *out,
                                    struct tcore_error *err);

#endif
