/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A record that comes value by value instead of as text, for who has its values at hand: they go to
 * the columns as they are. Members come in the order of the canonical text, and only what stands
 * there: no ids of zeros, nothing that is empty in a field of the schema.
 *
 * What is not easy makes the row unfit, and a caller writes such a record as text: a key that has
 * no column or comes twice in its object, a value that is of another class than the key's, a text
 * that is not UTF-8. So the text remains the authority, and this the short way.
 */
#ifndef TRACECORE_STREAM_BINARY_ROW_H
#define TRACECORE_STREAM_BINARY_ROW_H

#include "stream/binary.h"

struct shape_tree;

#pragma GCC visibility push(hidden)

/* Members that many rows have in common, as what they became in the first of them. A zeroed one has
 * none. */
struct tcore_binary_part {
    const struct shape_tree *tree;
    uint32_t block; /* number of the tree's block that it holds for */
    size_t length;  /* of the canonical text */
    uint32_t count, capacity;
    struct shape_value *value; /* owned */
    struct {
        uint32_t from, to; /* nodes */
    } way[16];
    uint32_t ways;
    bool fixed; /* the caller's: what a repeat puts is not changed by it */
    bool coded; /* the values' codes are known */
    /* of the row at hand, before the part */
    uint32_t node, values;
    size_t before;
};

struct tcore_binary_row {
    struct shape_tree *tree;
    uint32_t node;
    size_t length; /* of the canonical text so far */
    bool unfit;
};

/* Begins a row of that type, whose canonical text has at most so many bytes. TCORE_FATAL: out of
 * memory. */
enum tcore_status tcore_binary_row_begin(struct tcore_binary_writer *writer,
                                         struct tcore_binary_row *row, enum tcore_record_type type,
                                         size_t most_bytes, struct tcore_error *err);
/* The row becomes a record. TCORE_EOF: it is unfit, and there is none. TCORE_FATAL: out of memory.
 */
enum tcore_status tcore_binary_row_end(struct tcore_binary_writer *writer,
                                       struct tcore_binary_row *row, struct tcore_error *err);

/* An object of the top level: what follows is in it, up to the close. It has at least one member,
 * and comes once. */
void tcore_binary_row_open(struct tcore_binary_row *row, struct tcore_slice key);
void tcore_binary_row_close(struct tcore_binary_row *row);

/*
 * Puts the members of a part as an earlier row had them, and says whether it could. If not, the
 * caller puts them one by one and then has them kept; their texts stay where they are until the
 * part is cleared.
 */
bool tcore_binary_row_repeat(struct tcore_binary_row *row, struct tcore_binary_part *part);
void tcore_binary_row_keep(const struct tcore_binary_row *row, struct tcore_binary_part *part);
void tcore_binary_part_clear(struct tcore_binary_part *part);
void tcore_binary_part_free(struct tcore_binary_part *part);

/* A member. Texts and bytes stay where they are until the end of the row. */
void tcore_binary_row_text(struct tcore_binary_row *row, struct tcore_slice key,
                           struct tcore_slice text);
/* Text whose canonical form is known to be itself between quotes. */
void tcore_binary_row_plain(struct tcore_binary_row *row, struct tcore_slice key,
                            struct tcore_slice text);
/* The hexadecimal digits of 8 or 16 bytes. */
void tcore_binary_row_id(struct tcore_binary_row *row, struct tcore_slice key, const char *bytes,
                         size_t length);
/* A string of an integer's digits. */
void tcore_binary_row_digits(struct tcore_binary_row *row, struct tcore_slice key, int64_t i);
void tcore_binary_row_int(struct tcore_binary_row *row, struct tcore_slice key, int64_t i);
/* Unfit unless it is finite. */
void tcore_binary_row_double(struct tcore_binary_row *row, struct tcore_slice key, double d);
void tcore_binary_row_bool(struct tcore_binary_row *row, struct tcore_slice key, bool b);
/* Canonical JSON text of an array or object. */
void tcore_binary_row_json(struct tcore_binary_row *row, struct tcore_slice key,
                           struct tcore_slice text);

#pragma GCC visibility pop

#endif
