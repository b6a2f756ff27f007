/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Interning group values. In front of the map, whose keyed hash makes hostile keys harmless and
 * costs more than the parse of a field, is a direct-mapped cache with a cheap hash: flooding it
 * costs what the map costs.
 */
#include "agg/symbol.h"

#include "base/sys.h"
#include "model/symbol.h"

enum { CACHE_BITS = 12, CACHE_SIZE = 1 << CACHE_BITS };

/* Three words of a string: all of it up to 24 bytes. */
struct words {
    uint64_t head, middle, tail;
};

struct symbol_cache_entry {
    struct words words;
    const char *text; /* in the map, behind the kind byte; NULL: empty */
    uint32_t length;
    uint32_t symbol;
};

enum tcore_status symbols_init(struct symbols *symbols, struct tcore_error *err)
{
    *symbols = (struct symbols){0};
    if (tcore_map_init(&symbols->map) != 0)
        return tcore_error_set(err, TCORE_FATAL, "no random numbers to be had from the system");
    symbols->cache = tcore_calloc(CACHE_SIZE, sizeof *symbols->cache);
    if (!symbols->cache || tcore_map_intern(&symbols->map, "", 0, NULL) != 0) {
        symbols_free(symbols);
        return tcore_error_nomem(err);
    }
    return TCORE_OK;
}

void symbols_free(struct symbols *symbols)
{
    tcore_map_free(&symbols->map);
    tcore_free(symbols->cache);
    tcore_free(symbols->of_dictionary);
    tcore_buf_free(&symbols->scratch);
    *symbols = (struct symbols){0};
}

static inline struct words words_of(const char *s, uint32_t length)
{
    struct words words = {0, 0, 0};
    if (length >= 8) {
        memcpy(&words.head, s, 8);
        memcpy(&words.middle, s + length / 2 - 4, 8);
        memcpy(&words.tail, s + length - 8, 8);
    } else if (length >= 4) {
        memcpy(&words.head, s, 4);
        memcpy(&words.tail, s + length - 4, 4);
    } else if (length) {
        words.head = (unsigned char)*s;
        words.tail = (uint64_t)(unsigned char)s[length / 2] << 8 | (unsigned char)s[length - 1];
    }
    return words;
}

static inline uint32_t cheap_hash(const struct words *words, uint32_t length)
{
    uint64_t h = words->head ^ (words->tail << 23 | words->tail >> 41) ^ words->middle * 3;
    return (uint32_t)((h * 0x9e3779b97f4a7c15u + length * 0xff51afd7ed558ccdu) >>
                      (64 - CACHE_BITS));
}

static inline bool is_entry(const struct symbol_cache_entry *entry, const struct words *words,
                            const char *s, uint32_t length)
{
    uint64_t differ = (entry->words.head ^ words->head) | (entry->words.middle ^ words->middle) |
                      (entry->words.tail ^ words->tail) | (entry->length ^ length);
    return !differ && entry->text && (length <= 24 || !memcmp(entry->text + 8, s + 8, length - 16));
}

uint32_t symbol_of(struct symbols *symbols, const struct tcore_value *value)
{
    if (value->kind == TCORE_ABSENT)
        return 0;
    struct symbol_cache_entry *entry = NULL;
    struct words words = {0, 0, 0};
    if (value->kind == TCORE_STRING) {
        words = words_of(value->s, value->len);
        entry = &symbols->cache[cheap_hash(&words, value->len)];
        if (__builtin_expect(is_entry(entry, &words, value->s, value->len), 1))
            return entry->symbol;
    }
    tcore_buf_clear(&symbols->scratch);
    tcore_symbol_append(&symbols->scratch, value);
    if (symbols->scratch.failed)
        return TCORE_MAP_NONE;
    uint32_t symbol =
        tcore_map_intern(&symbols->map, symbols->scratch.data, symbols->scratch.length, NULL);
    if (entry && symbol != TCORE_MAP_NONE)
        *entry = (struct symbol_cache_entry){words, symbols->map.keys[symbol].data + 1, value->len,
                                             symbol};
    return symbol;
}

static bool dictionary_symbols(struct symbols *symbols, const struct tcore_column *column)
{
    if (symbols->dictionary_capacity < column->value_count) {
        uint32_t *memory = tcore_reallocarray(symbols->of_dictionary, column->value_count,
                                              sizeof *symbols->of_dictionary);
        if (!memory)
            return false;
        symbols->of_dictionary = memory;
        symbols->dictionary_capacity = column->value_count;
    }
    for (uint32_t i = 0; i < column->value_count; i++) {
        symbols->of_dictionary[i] = symbol_of(symbols, &column->values[i]);
        if (symbols->of_dictionary[i] == TCORE_MAP_NONE)
            return false;
    }
    return true;
}

enum tcore_status symbols_of_column(struct symbols *symbols, const struct tcore_column *column,
                                    const uint32_t *rows, size_t count, uint32_t *out,
                                    struct tcore_error *err)
{
    uint32_t missing = 0;
    if (column->form == TCORE_COLUMN_CONSTANT) {
        uint32_t symbol = symbol_of(symbols, &column->values[0]);
        missing = symbol == TCORE_MAP_NONE;
        for (size_t i = 0; i < count; i++)
            out[i] = symbol;
    } else if (column->form == TCORE_COLUMN_DICT) {
        if (!dictionary_symbols(symbols, column))
            return tcore_error_nomem(err);
        for (size_t i = 0; i < count; i++)
            out[i] = symbols->of_dictionary[column->codes[rows[i]]];
    } else if (column->form == TCORE_COLUMN_VALUES) {
        for (size_t i = 0; i < count; i++) {
            out[i] = symbol_of(symbols, &column->values[rows[i]]);
            missing |= out[i] == TCORE_MAP_NONE;
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            struct tcore_value value = tcore_column_get(column, rows[i]);
            out[i] = symbol_of(symbols, &value);
            missing |= out[i] == TCORE_MAP_NONE;
        }
    }
    return missing ? tcore_error_nomem(err) : TCORE_OK;
}
