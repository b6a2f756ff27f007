/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Interning group values. In front of the map, whose keyed hash makes hostile keys harmless and
 * costs more than the parse of a field, is a direct-mapped cache with a cheap hash: flooding it
 * costs what the map costs.
 */
#include "agg/symbol.h"

#include "base/sys.h"
#include "model/json.h"
#include "model/number.h"

enum { CACHE_BITS = 12, CACHE_SIZE = 1 << CACHE_BITS };

struct symbol_cache_entry {
    const char *text; /* in the map, behind the kind byte */
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

static inline uint32_t cheap_hash(const char *s, uint32_t length)
{
    uint64_t a = 0, b = 0;
    if (length >= 8) {
        memcpy(&a, s, 8);
        memcpy(&b, s + length - 8, 8);
    } else {
        memcpy(&a, s, length & 4 ? 4 : 0);
        for (uint32_t i = length & 4; i < length; i++)
            b = b << 8 | (unsigned char)s[i];
    }
    uint64_t mid = 0;
    if (length > 16)
        memcpy(&mid, s + length / 2 - 4, 8);
    uint64_t h = (a ^ (b << 23 | b >> 41) ^ mid * 3) * 0x9e3779b97f4a7c15u;
    return (uint32_t)((h + length * 0xff51afd7ed558ccdu) >> (64 - CACHE_BITS));
}

void symbol_key(struct tcore_buf *key, const struct tcore_value *value)
{
    char text[TCORE_NUMBER_BYTES];
    int64_t integer;
    switch (value->kind) {
    case TCORE_NULL:
        tcore_buf_putc(key, '0');
        break;
    case TCORE_FALSE:
        tcore_buf_putc(key, 'f');
        break;
    case TCORE_TRUE:
        tcore_buf_putc(key, 't');
        break;
    case TCORE_INT:
    case TCORE_DOUBLE:
    case TCORE_NUMBER:
        tcore_buf_putc(key, 'n');
        if (tcore_value_int64(value, &integer))
            tcore_buf_append(key, text, tcore_format_int64(text, integer));
        else
            tcore_buf_append(key, text, tcore_format_double(text, tcore_value_double(value)));
        break;
    case TCORE_JSON:
        tcore_buf_putc(key, 'j');
        tcore_buf_append(key, value->s, value->len);
        break;
    default:
        tcore_buf_putc(key, 's');
        tcore_buf_append(key, value->s, value->len);
    }
}

uint32_t symbol_of(struct symbols *symbols, const struct tcore_value *value)
{
    if (value->kind == TCORE_ABSENT)
        return 0;
    struct symbol_cache_entry *entry = NULL;
    if (value->kind == TCORE_STRING) {
        entry = &symbols->cache[cheap_hash(value->s, value->len)];
        if (entry->text && entry->length == value->len &&
            !memcmp(entry->text, value->s, value->len))
            return entry->symbol;
    }
    tcore_buf_clear(&symbols->scratch);
    symbol_key(&symbols->scratch, value);
    if (symbols->scratch.failed)
        return TCORE_MAP_NONE;
    uint32_t symbol =
        tcore_map_intern(&symbols->map, symbols->scratch.data, symbols->scratch.length, NULL);
    if (entry && symbol != TCORE_MAP_NONE)
        *entry =
            (struct symbol_cache_entry){symbols->map.keys[symbol].data + 1, value->len, symbol};
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

void symbol_write(const char *symbol, size_t length, struct tcore_buf *out)
{
    switch (length ? *symbol : 0) {
    case 's':
        tcore_json_write_string(out, symbol + 1, length - 1);
        break;
    case 'n':
        if (symbol[1] == 'N' || symbol[1] == 'I' || symbol[2] == 'I') /* NaN, an infinity */
            tcore_json_write_string(out, symbol + 1, length - 1);
        else
            tcore_buf_append(out, symbol + 1, length - 1);
        break;
    case 'j':
        tcore_buf_append(out, symbol + 1, length - 1);
        break;
    case 't':
        tcore_buf_puts(out, "true");
        break;
    case 'f':
        tcore_buf_puts(out, "false");
        break;
    case '0':
        tcore_buf_puts(out, "null");
        break;
    default:
        break;
    }
}
