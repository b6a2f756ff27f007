/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A column that is being written: values of one class are appended, then encoded as one part of a
 * block. Strings are kept as a dictionary as long as they repeat, and one by one otherwise; which
 * of the two a column begins a block with is what it ended the last one with.
 */
#ifndef TRACECORE_STREAM_BINARY_COLUMN_H
#define TRACECORE_STREAM_BINARY_COLUMN_H

#include "base/buf.h"
#include "stream/binary_format.h"

#pragma GCC visibility push(hidden)

struct binary_memo;

struct binary_column {
    const char *name; /* as the JSON key means it; lives as long as the column */
    uint32_t name_length;
    uint16_t parent;      /* column of class OBJECT, or BINARY_NONE */
    uint8_t class;        /* enum binary_class */
    bool dictionary;      /* codes of distinct strings, or the strings of all values */
    uint8_t plain_blocks; /* begun without a dictionary since the last try with one */
    bool mixed;           /* the key's strings, or numbers, have columns of several classes */
    uint16_t members;     /* of OBJECT, and of SHAPE for the top level: its MEMBERS column */

    uint32_t values;
    uint32_t capacity; /* of ints or codes */
    union {
        int64_t *ints;   /* INT, DECIMAL, LITERAL, SHAPE, and the bits of DOUBLE; owned */
        uint16_t *codes; /* of text with a dictionary; owned */
    };

    /* Of text: the dictionary's entries, or the values themselves. */
    uint32_t strings, strings_capacity;
    uint32_t *lengths; /* owned */
    uint32_t *offsets; /* into bytes; only with a dictionary; owned */
    struct tcore_buf bytes;
    uint64_t text_bytes; /* of all values */
    uint32_t *slots;     /* hash table of the dictionary: tag and entry + 1, 0 empty; owned */
    uint32_t slot_mask;
    struct binary_memo *memo; /* of the dictionary, by binary_memo.h; NULL: there is none; owned */
};

static inline bool binary_class_is_text(unsigned class)
{
    return class == CLASS_STRING || class == CLASS_HEX || class == CLASS_NUMBER ||
           class == CLASS_JSON || class == CLASS_MEMBERS;
}

/* A new column; name is borrowed. */
void tcore_binary_column_init(struct binary_column *column, unsigned class, uint16_t parent,
                              const char *name, uint32_t name_length);
void tcore_binary_column_free(struct binary_column *column);
/* Forgets the values for the next block; memory is kept unless it is much. */
void tcore_binary_column_reset(struct binary_column *column);

bool tcore_binary_column_grow(struct binary_column *column);
/* Appends a string (of HEX: the bytes that it stands for). False: out of memory. */
bool tcore_binary_column_add_text(struct binary_column *column, const char *text, size_t length);
/* Whether the column will be encoded with the dictionary that it has now. */
bool tcore_binary_column_keeps_dictionary(const struct binary_column *column);
/* The code of that string in the dictionary, plus 1; 0: there is no dictionary, or it is not there.
 */
uint32_t tcore_binary_column_find(const struct binary_column *column, const char *text,
                                  size_t length);

/* Appends the string of that code. False: that needs more room, or the dictionary has gone. */
static inline bool binary_column_add_code(struct binary_column *column, uint32_t code,
                                          size_t length)
{
    if (!column->dictionary || column->values == column->capacity)
        return false;
    column->codes[column->values++] = (uint16_t)code;
    column->text_bytes += length;
    return true;
}

/* As tcore_binary_column_add_text(), without a call for what is most frequent: the string that came
 * before, and strings of a column that has no dictionary. */
static inline bool binary_column_add_text(struct binary_column *column, const char *text,
                                          size_t length)
{
    struct tcore_buf *bytes = &column->bytes;
    if (column->dictionary) {
        if (column->values && column->values < column->capacity) {
            uint16_t last = column->codes[column->values - 1];
            if (column->lengths[last] == length &&
                (!length || binary_same(bytes->data + column->offsets[last], text, length)))
                return binary_column_add_code(column, last, length);
        }
    } else if (column->strings < column->strings_capacity && length >= 8 && length <= 16 &&
               bytes->capacity - bytes->length >= length && !bytes->failed) {
        char *to = bytes->data + bytes->length;
        uint64_t head = binary_get64(text), tail = binary_get64(text + length - 8);
        binary_put64(to, head);
        binary_put64(to + length - 8, tail);
        bytes->length += length;
        column->lengths[column->strings++] = (uint32_t)length;
        column->values++;
        column->text_bytes += length;
        return true;
    }
    return tcore_binary_column_add_text(column, text, length);
}

/* Appends an integer. False: out of memory. */
static inline bool binary_column_add_int(struct binary_column *column, int64_t value)
{
    if (__builtin_expect(column->values == column->capacity, 0) &&
        !tcore_binary_column_grow(column))
        return false;
    column->ints[column->values++] = value;
    return true;
}

/*
 * Appends the column's data to out, padded to 8 bytes, and fills its directory entry (all but name,
 * parent and added columns). scratch: room for as many integers as the column has. out may fail,
 * which is sticky.
 */
void tcore_binary_column_encode(struct binary_column *column, int64_t *scratch,
                                struct tcore_buf *out, uint8_t *entry);
/* The same of what is left of the column's integers when others are subtracted. */
void tcore_binary_column_encode_sum(const struct binary_column *column, const int64_t *rest,
                                    struct tcore_buf *out, uint8_t *entry);

/* Room for so many bytes of a column's data in out, zeroed up to a multiple of 8; NULL: none. */
uint8_t *tcore_binary_reserve_data(struct tcore_buf *out, size_t bytes);
/* Length and checksum of the data, which begins at start of out, into its entry. */
void tcore_binary_finish_entry(const struct tcore_buf *out, size_t start, uint8_t *entry);

#pragma GCC visibility pop

#endif
