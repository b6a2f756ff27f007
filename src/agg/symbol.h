/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Values of group keys as small numbers. A symbol is a byte for the kind and the value's bytes:
 *     s text     a string
 *     n literal  a number in its canonical text; an integral double is the integer (1.0 is 1)
 *     t f 0      true, false, null
 *     j text     an object or array as its JSON text, in the form of tcore_json_write_key
 *     (empty)    absent: the key is left out of the group
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
/* Appends the bytes of the symbol of a value that is there. */
void symbol_key(struct tcore_buf *key, const struct tcore_value *value);
/* Appends the symbol's value as JSON; nothing for absent. */
void symbol_write(const char *symbol, size_t length, struct tcore_buf *out);

#endif
