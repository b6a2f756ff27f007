/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A block that is being read: its directory, checked; and its columns, each checked and decoded on
 * demand. Nothing here trusts a byte: a forged block is refused or gives odd values, never more.
 */
#ifndef TRACECORE_STREAM_BINARY_BLOCK_H
#define TRACECORE_STREAM_BINARY_BLOCK_H

#include "base/arena.h"
#include "base/error.h"
#include "model/json.h"
#include "model/value.h"
#include "stream/binary.h"
#include "stream/binary_format.h"

#pragma GCC visibility push(hidden)

/* Arrays that live until the next block, in memory that is used again for the next block's: the
 * n-th array of a block takes the n-th piece. */
struct binary_pool {
    struct binary_piece {
        void *memory;
        size_t bytes;
    } * piece;
    uint32_t used, count, capacity;
};

/* bytes of memory, NULL if there is none. */
void *tcore_binary_pool_get(struct binary_pool *pool, size_t count, size_t each);
void tcore_binary_pool_free(struct binary_pool *pool);

struct block_column {
    uint8_t class, encoding, width, length_width;
    uint16_t parent, name_length;
    uint16_t add_a, add_b;
    uint32_t values, entries, base_length, length;
    int64_t base, step;
    const char *name;
    const uint8_t *data; /* NULL: not read yet */
    uint64_t check;
    const int64_t *ints;   /* its integers, once they were asked for; others may be sums of them */
    const uint32_t *codes; /* of encoding TRACES: the same of its codes */
    uint32_t shapes;       /* that have it */
    uint32_t stamp;        /* shape that had it last, plus 1 (while they are read) */
    uint32_t rows;         /* values as the shapes have it, once counted */
    uint16_t same;         /* the column whose data are this one's too, or BINARY_NONE */
    bool whole;            /* the checksum was right */
    bool sealed;           /* and not opened yet */
    bool missing;          /* sealed, and cannot be opened */
};

struct binary_block {
    enum tcore_record_type type;
    uint32_t rows, shapes, columns;
    size_t text_bytes;
    struct tcore_binary_columns *source; /* NULL: all columns' data is with the directory */
    bool counted;                        /* row_shape and the columns' rows are known */
    struct block_column *column;         /* column[0]: of the shapes; owned */
    uint32_t column_capacity;
    /* u16 each: how many columns the first shape has, their numbers, then the next shape's ... */
    const uint8_t *items;
    uint32_t *shape_at; /* by shape: the first of its columns in items; owned */
    uint32_t shape_capacity;
    uint32_t *row_shape; /* by row; owned */
    uint32_t row_capacity;
    uint32_t *shape_rows; /* rows of each shape; owned */
};

void tcore_binary_block_free(struct binary_block *block); /* a zeroed one is ready for use */
/* Reads prefix and directory; the data of columns is behind them or, if source is given, comes from
 * there. TCORE_BAD_INPUT: damaged, err says which part. */
enum tcore_status tcore_binary_block_open(struct binary_block *block, const char *data,
                                          size_t length, struct tcore_binary_columns *source,
                                          struct tcore_error *err);
/* Fills row_shape, shape_rows and the columns' rows. */
enum tcore_status tcore_binary_block_count(struct binary_block *block, struct tcore_error *err);
/* Opens a column that is sealed; afterwards it is as any other, or missing. */
enum tcore_status tcore_binary_block_unseal(struct binary_block *block, uint32_t column,
                                            struct tcore_error *err);
/* Checks a column's data and that it has as many values as the rows want. */
enum tcore_status tcore_binary_block_verify(struct binary_block *block, uint32_t column,
                                            struct tcore_error *err);

static inline bool binary_column_is_dense(const struct binary_block *block,
                                          const struct block_column *column)
{
    return column->shapes == block->shapes && column->class != CLASS_MEMBERS;
}

/* Behind the shape's last column in items: the next shape's count is there. */
static inline uint32_t binary_shape_end(const struct binary_block *block, uint32_t shape)
{
    return block->shape_at[shape + 1] - 1;
}

static inline uint32_t binary_block_item(const struct binary_block *block, uint32_t i)
{
    return binary_get16(block->items + 2 * (size_t)i);
}

/* The values of a column, one for each row that has it, in order. */
enum binary_form { BINARY_INTS, BINARY_CODES, BINARY_VALUES };

struct binary_values {
    enum binary_form form;
    uint32_t count;                   /* values; one more may be read, its content is anything */
    const int64_t *ints;              /* INTS */
    const uint32_t *codes;            /* CODES: of values */
    const struct tcore_value *values; /* VALUES: by number; CODES: the dictionary */
    uint32_t value_count;             /* of values */
};

struct binary_reader {
    struct binary_block block;
    struct binary_pool pool;
    struct tcore_arena arena; /* text made while reading */
    struct tcore_json json;   /* for checking and looking into JSON text */
    struct tcore_buf ready;   /* keys and dictionary entries as JSON text, while rendering */
};

void tcore_binary_reader_free(struct binary_reader *reader);
/* That of a decoder, with the block that it decoded last and what was opened of it. */
struct binary_reader *tcore_binary_decoder_reader(struct tcore_binary_decoder *decoder);
/* The integers of a column of class INT, DECIMAL, DOUBLE (bits) or LITERAL. */
enum tcore_status tcore_binary_read_ints(struct binary_reader *reader, uint32_t column,
                                         const int64_t **ints, struct tcore_error *err);
/* The bytes of a text column as strings (of HEX: not yet as hexadecimal); check: that each is one
 * of the class. */
enum tcore_status tcore_binary_read_text(struct binary_reader *reader, uint32_t column, bool check,
                                         struct binary_values *values, struct tcore_error *err);
/* The values of any column but SHAPE and OBJECT, as the batch shows them; of a time, DECIMAL and
 * strings of digits are integers. */
enum tcore_status tcore_binary_read_values(struct binary_reader *reader, uint32_t column, bool time,
                                           struct binary_values *values, struct tcore_error *err);

#pragma GCC visibility pop

#endif
