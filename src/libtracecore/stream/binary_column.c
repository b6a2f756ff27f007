/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Columns being written. The dictionary's hash table gives up when it would have to probe far: then
 * the column goes on without a dictionary, so that colliding strings cost size and never time.
 */
#include "base/sys.h"
#include "stream/binary_codec.h"
#include "stream/binary_memo.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define FIRST_CAPACITY 16u
#define FAST_CAPACITY  4096u /* up to it arrays grow by fours */
#define PROBE_LIMIT    48u
#define ENTRY_BITS     17 /* of a slot: up to 65,536 entries, plus one */
#define ENTRY_LIMIT    65536u
#define TRIAL_STRINGS  1024u /* entries before a dictionary is judged */
#define RETRY_BLOCKS   16u   /* a dictionary is tried again after so many blocks without */
#define KEEP_BYTES     ((size_t)1 << 20)

void tcore_binary_column_init(struct binary_column *column, unsigned class, uint16_t parent,
                              const char *name, uint32_t name_length)
{
    *column = (struct binary_column){.name = name,
                                     .name_length = name_length,
                                     .parent = parent,
                                     .class = (uint8_t) class,
                                     .members = BINARY_NONE,
                                     .dictionary = binary_class_is_text(class)};
}

static void free_table(struct binary_column *column)
{
    tcore_free(column->slots);
    tcore_free(column->offsets);
    tcore_free(column->memo);
    column->slots = column->offsets = NULL;
    column->memo = NULL;
    column->slot_mask = 0;
}

void tcore_binary_column_free(struct binary_column *column)
{
    tcore_free(column->ints);
    tcore_free(column->lengths);
    free_table(column);
    tcore_buf_free(&column->bytes);
    *column = (struct binary_column){0};
}

/* codes and ints share their place and capacity: what changes is only the size of an element. */
static void free_values(struct binary_column *column)
{
    tcore_free(column->ints);
    column->ints = NULL;
    column->capacity = 0;
}

void tcore_binary_column_reset(struct binary_column *column)
{
    bool text = binary_class_is_text(column->class);
    if (text && !column->dictionary && ++column->plain_blocks == RETRY_BLOCKS) {
        column->dictionary = true;
        column->plain_blocks = 0;
        tcore_free(column->lengths);
        column->lengths = NULL;
        column->strings_capacity = 0;
    }
    if (column->bytes.capacity > KEEP_BYTES)
        tcore_buf_free(&column->bytes);
    tcore_buf_clear(&column->bytes);
    if (column->slots)
        memset(column->slots, 0, ((size_t)column->slot_mask + 1) * sizeof *column->slots);
    if (column->memo)
        memset(column->memo, 0, sizeof *column->memo);
    column->values = column->strings = 0;
    column->text_bytes = 0;
}

/* The next capacity: as many columns as there are grow from nothing with each block of a writer
 * that begins anew, small arrays are not worth many copies. */
static uint32_t more(uint32_t capacity)
{
    return !capacity ? FIRST_CAPACITY : capacity < FAST_CAPACITY ? capacity * 4 : capacity * 2;
}

bool tcore_binary_column_grow(struct binary_column *column)
{
    size_t each =
        binary_class_is_text(column->class) ? sizeof *column->codes : sizeof *column->ints;
    uint32_t capacity = more(column->capacity);
    void *values = tcore_reallocarray(column->ints, capacity, each);
    if (!values)
        return false;
    column->ints = values;
    column->capacity = capacity;
    return true;
}

static bool grow_strings(struct binary_column *column)
{
    uint32_t capacity = more(column->strings_capacity);
    uint32_t *lengths = tcore_reallocarray(column->lengths, capacity, sizeof *lengths);
    if (!lengths)
        return false;
    column->lengths = lengths;
    if (column->dictionary) {
        uint32_t *offsets = tcore_reallocarray(column->offsets, capacity, sizeof *offsets);
        if (!offsets)
            return false;
        column->offsets = offsets;
    }
    column->strings_capacity = capacity;
    return true;
}

/* Appends to the strings, whether entries or values. */
static bool push_string(struct binary_column *column, const char *text, size_t length)
{
    if (column->strings == column->strings_capacity && !grow_strings(column))
        return false;
    if (column->dictionary)
        column->offsets[column->strings] = (uint32_t)column->bytes.length;
    column->lengths[column->strings++] = (uint32_t)length;
    tcore_buf_append(&column->bytes, text, length);
    return !column->bytes.failed;
}

static inline uint64_t word_at(const char *p)
{
    uint64_t word;
    memcpy(&word, p, 8);
    return word;
}

/* Both words are multiplied, and the halves of the product joined. */
static inline uint64_t mix(uint64_t a, uint64_t b)
{
    __uint128_t mixed = (__uint128_t)(a ^ 0x9e3779b97f4a7c15) * (b ^ 0xe7037ed1a0b428db);
    return (uint64_t)mixed ^ (uint64_t)(mixed >> 64);
}

static inline uint64_t hash_of(const char *text, size_t length)
{
    if (length > 32)
        return XXH3_64bits(text, length);
    if (length > 16)
        return mix(mix(word_at(text), word_at(text + 8)) ^ word_at(text + length - 16),
                   word_at(text + length - 8) ^ length);
    if (length >= 8)
        return mix(word_at(text), word_at(text + length - 8) ^ length);
    if (length >= 4)
        return mix(binary_get32(text), (uint64_t)binary_get32(text + length - 4) << 8 ^ length);
    uint64_t bytes = 0;
    for (size_t i = 0; i < length; i++)
        bytes = bytes << 8 | (unsigned char)text[i];
    return mix(bytes, length);
}

/* An entry of the dictionary. */
static inline const char *entry_text(const struct binary_column *column, uint32_t entry)
{
    return column->lengths[entry] ? column->bytes.data + column->offsets[entry] : "";
}

static inline bool entry_is(const struct binary_column *column, uint32_t entry, const char *text,
                            size_t length)
{
    return column->lengths[entry] == length && binary_same(entry_text(column, entry), text, length);
}

/* The slot of that string or where it would go; NULL if that is too far from its home. */
static uint32_t *find_slot(const struct binary_column *column, uint64_t hash, const char *text,
                           size_t length)
{
    uint32_t tag = (uint32_t)(hash >> 32) >> ENTRY_BITS << ENTRY_BITS;
    const uint32_t entry_mask = ((uint32_t)1 << ENTRY_BITS) - 1;
    for (uint32_t probe = 0; probe < PROBE_LIMIT; probe++) {
        uint32_t *slot = &column->slots[(hash + probe) & column->slot_mask];
        if (!*slot)
            return slot;
        if (((*slot ^ tag) & ~entry_mask) == 0 &&
            entry_is(column, (*slot & entry_mask) - 1, text, length))
            return slot;
    }
    return NULL;
}

/* Makes the table four times as large. *crowded: some entry found no place near its home. */
static bool grow_slots(struct binary_column *column, bool *crowded)
{
    uint32_t count = column->slots ? (column->slot_mask + 1) * 4 : FIRST_CAPACITY * 2;
    uint32_t *slots = tcore_calloc(count, sizeof *slots);
    if (!slots)
        return false;
    tcore_free(column->slots);
    column->slots = slots;
    column->slot_mask = count - 1;
    for (uint32_t entry = 0; entry < column->strings && !*crowded; entry++) {
        const char *text = entry_text(column, entry);
        uint64_t hash = hash_of(text, column->lengths[entry]);
        uint32_t *slot = find_slot(column, hash, text, column->lengths[entry]);
        if (slot)
            *slot = ((uint32_t)(hash >> 32) >> ENTRY_BITS << ENTRY_BITS) | (entry + 1);
        else
            *crowded = true;
    }
    return true;
}

/* Replaces entries and codes by the strings of all values. */
static bool drop_dictionary(struct binary_column *column)
{
    struct binary_column plain = {.class = column->class};
    size_t count = column->values ? column->values : 1;
    plain.strings_capacity = (uint32_t)count;
    plain.lengths = tcore_reallocarray(NULL, count, sizeof *plain.lengths);
    bool whole = plain.lengths &&
                 (!column->text_bytes || tcore_buf_reserve(&plain.bytes, column->text_bytes));
    for (uint32_t i = 0; whole && i < column->values; i++) {
        uint32_t code = column->codes[i];
        whole = push_string(&plain, entry_text(column, code), column->lengths[code]);
    }
    if (!whole) {
        tcore_binary_column_free(&plain);
        return false;
    }
    tcore_free(column->lengths);
    tcore_buf_free(&column->bytes);
    free_table(column);
    free_values(column);
    column->dictionary = false;
    column->plain_blocks = 0;
    column->lengths = plain.lengths;
    column->bytes = plain.bytes;
    column->strings = plain.strings;
    column->strings_capacity = plain.strings_capacity;
    return true;
}

static bool add_plain(struct binary_column *column, const char *text, size_t length)
{
    if (!push_string(column, text, length))
        return false;
    column->values++;
    column->text_bytes += length;
    return true;
}

static bool add_code(struct binary_column *column, uint32_t code)
{
    if (column->values == column->capacity && !tcore_binary_column_grow(column))
        return false;
    column->codes[column->values++] = (uint16_t)code;
    column->text_bytes += column->lengths[code];
    return true;
}

/* Whether the dictionary has grown too large to be worth it. */
static bool too_distinct(const struct binary_column *column)
{
    return column->strings == ENTRY_LIMIT ||
           (column->strings >= TRIAL_STRINGS && column->strings / 5 > column->values / 8);
}

bool tcore_binary_column_add_text(struct binary_column *column, const char *text, size_t length)
{
    if (!column->dictionary)
        return add_plain(column, text, length);
    if (column->values) {
        uint32_t last = column->codes[column->values - 1];
        if (entry_is(column, last, text, length))
            return add_code(column, last);
    }
    bool crowded = false;
    if ((!column->slots || column->strings * 2 > column->slot_mask) &&
        !grow_slots(column, &crowded))
        return false;
    uint64_t hash = hash_of(text, length);
    uint32_t *slot = crowded ? NULL : find_slot(column, hash, text, length);
    if (slot && *slot)
        return add_code(column, (*slot & (((uint32_t)1 << ENTRY_BITS) - 1)) - 1);
    if (!slot || too_distinct(column))
        return drop_dictionary(column) && add_plain(column, text, length);
    if (!push_string(column, text, length))
        return false;
    *slot = ((uint32_t)(hash >> 32) >> ENTRY_BITS << ENTRY_BITS) | column->strings;
    return add_code(column, column->strings - 1);
}

uint32_t tcore_binary_column_find(const struct binary_column *column, const char *text,
                                  size_t length)
{
    if (!column->dictionary || !column->slots)
        return 0;
    const uint32_t *slot = find_slot(column, hash_of(text, length), text, length);
    return slot ? *slot & (((uint32_t)1 << ENTRY_BITS) - 1) : 0;
}

/* Room for bytes of data in out, zeroed behind them up to a multiple of 8. */
uint8_t *tcore_binary_reserve_data(struct tcore_buf *out, size_t bytes)
{
    size_t padded = (bytes + 7) & ~(size_t)7;
    uint8_t *data = (uint8_t *)tcore_buf_reserve(out, padded + 8);
    if (!data)
        return NULL;
    memset(data + bytes, 0, padded - bytes);
    out->length += padded;
    return data;
}

void tcore_binary_finish_entry(const struct tcore_buf *out, size_t start, uint8_t *entry)
{
    if (out->failed)
        return;
    size_t bytes = out->length - start;
    binary_put32(entry + ENTRY_LENGTH, (uint32_t)bytes);
    binary_put64(entry + ENTRY_CHECK, XXH3_64bits(out->data + start, bytes));
}

/* The differences between neighbours, the first being their minimum; that minimum and the width of
 * the largest difference above it. */
static unsigned differences(const int64_t *values, size_t count, int64_t *out, int64_t *min)
{
    int64_t max;
    for (size_t i = 1; i < count; i++)
        out[i] = (int64_t)((uint64_t)values[i] - (uint64_t)values[i - 1]);
    tcore_binary_range(out + 1, count - 1, min, &max);
    out[0] = *min;
    return tcore_binary_width((uint64_t)max - (uint64_t)*min);
}

/* Without scratch: as offsets, whatever steps would take. */
static void encode_ints(const int64_t *values, size_t count, int64_t *scratch,
                        struct tcore_buf *out, uint8_t *entry)
{
    int64_t base = 0, max = 0, step = 0;
    if (count)
        tcore_binary_range(values, count, &base, &max);
    unsigned width = tcore_binary_width((uint64_t)max - (uint64_t)base);
    entry[ENTRY_ENCODING] = ENCODING_INTS;
    if (scratch && width > 1 && count > 1) {
        unsigned narrow = differences(values, count, scratch, &step);
        if (narrow < width) {
            entry[ENTRY_ENCODING] = ENCODING_DELTA;
            width = narrow;
            base = (int64_t)((uint64_t)values[0] - (uint64_t)step);
            values = scratch;
        } else {
            step = 0;
        }
    }
    bool delta = entry[ENTRY_ENCODING] == ENCODING_DELTA;
    entry[ENTRY_WIDTH] = (uint8_t)width;
    binary_put64(entry + ENTRY_BASE, (uint64_t)base);
    binary_put64(entry + ENTRY_STEP, (uint64_t)step);
    uint8_t *data = tcore_binary_reserve_data(out, count * width);
    if (data)
        tcore_binary_pack(data, values, count, (uint64_t)(delta ? step : base), width);
}

/* How the lengths are written: the shortest, and bytes (0, 1, 2, 4) for what is above it. */
static unsigned length_width(const uint32_t *lengths, size_t count, uint32_t *base)
{
    uint32_t low = count ? UINT32_MAX : 0, high = 0;
    for (size_t i = 0; i < count; i++) {
        low = lengths[i] < low ? lengths[i] : low;
        high = lengths[i] > high ? lengths[i] : high;
    }
    *base = low;
    unsigned width = tcore_binary_width(high - low);
    return width == 3 ? 4 : width;
}

static void encode_strings(struct binary_column *column, struct tcore_buf *out, uint8_t *entry)
{
    uint32_t base;
    unsigned width = length_width(column->lengths, column->strings, &base);
    unsigned code_width = 0;
    if (column->dictionary)
        code_width = column->strings <= 1 ? 0 : column->strings <= 256 ? 1 : 2;
    size_t lengths = (size_t)column->strings * width, codes = (size_t)column->values * code_width;
    uint8_t *data = tcore_binary_reserve_data(out, lengths + column->bytes.length + codes);
    if (!data)
        return;
    tcore_binary_pack_lengths(data, column->lengths, column->strings, base, width);
    if (column->bytes.length)
        memcpy(data + lengths, column->bytes.data, column->bytes.length);
    tcore_binary_pack_codes(data + lengths + column->bytes.length, column->codes, column->values,
                            code_width);
    entry[ENTRY_ENCODING] = column->dictionary ? ENCODING_DICT : ENCODING_TEXT;
    entry[ENTRY_WIDTH] = (uint8_t)code_width;
    entry[ENTRY_LENGTH_WIDTH] = (uint8_t)width;
    binary_put32(entry + ENTRY_ENTRIES, column->dictionary ? column->strings : 0);
    binary_put32(entry + ENTRY_BASE_LENGTH, base);
}

/* Whether the values themselves would take less than entries and codes. */
static bool plain_is_smaller(const struct binary_column *column)
{
    if (column->strings < 2)
        return false;
    uint32_t base;
    size_t width = length_width(column->lengths, column->strings, &base);
    size_t code_width = column->strings <= 256 ? 1 : 2;
    return column->text_bytes + column->values * width <=
           column->bytes.length + column->strings * width + column->values * code_width;
}

bool tcore_binary_column_keeps_dictionary(const struct binary_column *column)
{
    return column->dictionary && !plain_is_smaller(column);
}

void tcore_binary_column_encode(struct binary_column *column, int64_t *scratch,
                                struct tcore_buf *out, uint8_t *entry)
{
    size_t start = out->length;
    entry[ENTRY_CLASS] = column->class;
    entry[ENTRY_ENCODING] = ENCODING_NONE;
    binary_put32(entry + ENTRY_VALUES, column->values);
    if (binary_class_is_text(column->class)) {
        /* Without memory for it the dictionary stays, which is as right. */
        if (column->dictionary && plain_is_smaller(column))
            drop_dictionary(column);
        encode_strings(column, out, entry);
    } else if (column->class != CLASS_OBJECT) {
        encode_ints(column->ints, column->values, column->class == CLASS_SHAPE ? NULL : scratch,
                    out, entry);
    }
    tcore_binary_finish_entry(out, start, entry);
}

void tcore_binary_column_encode_sum(const struct binary_column *column, const int64_t *rest,
                                    struct tcore_buf *out, uint8_t *entry)
{
    size_t start = out->length;
    entry[ENTRY_CLASS] = column->class;
    binary_put32(entry + ENTRY_VALUES, column->values);
    encode_ints(rest, column->values, NULL, out, entry);
    tcore_binary_finish_entry(out, start, entry);
}
