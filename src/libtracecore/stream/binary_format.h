/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The layout of the binary stream, as numbers: tracecore-stream(5) is the same in prose. A unit is
 * a stream header or a block; everything is little-endian and every part is aligned to 8 bytes.
 *
 *     header:  prefix (32 bytes) | provenance text
 *     block:   prefix (64 bytes) | directory | data of column 0 | data of column 1 | ...
 *     directory: entries (56 bytes each) | shapes | names
 *
 * The prefixes carry a checksum of themselves and of what follows them directly, so that a reader
 * knows a length to be whole before it acts on it.
 */
#ifndef TRACECORE_STREAM_BINARY_FORMAT_H
#define TRACECORE_STREAM_BINARY_FORMAT_H

#include "model/record.h"
#include "stream/binary_bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BINARY_VERSION          1
#define BINARY_MAGIC_BYTES      8
#define BINARY_HEADER_MAGIC     "\x89TCS\r\n\x1a\n"
#define BINARY_BLOCK_MAGIC      "\x89TCB\r\n\x1a\n"
#define BINARY_UNIT_LIMIT       ((uint32_t)1 << 30)
#define BINARY_ROW_LIMIT        65536u
#define BINARY_COLUMN_LIMIT     4096u
#define BINARY_SHAPE_LIMIT      65535u
#define BINARY_NAME_LIMIT       1024u /* of a writer; longer keys go to a MEMBERS column */
#define BINARY_DEPTH_LIMIT      16384u
#define BINARY_TEXT_LIMIT       ((size_t)256 << 20) /* of one record */
#define BINARY_PROVENANCE_LIMIT 1048576u
#define BINARY_NONE             0xffffu             /* no column */
#define BINARY_VALUE_LIMIT      ((uint32_t)1 << 22) /* of all columns of a block together */

/* What the text of a block of more than one record may take: a writer's rule, and a reader's
 * protection against a small block that expands without end. */
#define BINARY_WRITER_TEXT_BYTES  ((size_t)8 << 20)
#define BINARY_SEGMENT_TEXT_BYTES ((size_t)48 << 20) /* the same in segments */
#define BINARY_READER_TEXT_BYTES  ((size_t)64 << 20)

enum binary_header_at {
    HEADER_MAGIC = 0,
    HEADER_LENGTH = 8,      /* u32, of the unit */
    HEADER_VERSION = 12,    /* u8 */
    HEADER_ZERO = 13,       /* 3 bytes */
    HEADER_TEXT_CHECK = 16, /* u64 XXH3 of what follows the prefix */
    HEADER_CHECK = 24,      /* u64 XXH3 of bytes 0..23 */
    HEADER_BYTES = 32
};

enum binary_block_at {
    BLOCK_MAGIC = 0,
    BLOCK_LENGTH = 8,           /* u32, of the unit */
    BLOCK_VERSION = 12,         /* u8 */
    BLOCK_TYPE = 13,            /* u8, enum binary_type */
    BLOCK_FLAGS = 14,           /* u16 */
    BLOCK_ROWS = 16,            /* u32, 1..65536 */
    BLOCK_DIRECTORY = 20,       /* u32, bytes */
    BLOCK_COLUMNS = 24,         /* u16 */
    BLOCK_SHAPES = 26,          /* u16, at least 1 */
    BLOCK_TEXT = 28,            /* u32, bytes of the records' canonical text */
    BLOCK_MIN_TIME = 32,        /* i64 */
    BLOCK_MAX_TIME = 40,        /* i64 */
    BLOCK_DIRECTORY_CHECK = 48, /* u64 XXH3 */
    BLOCK_CHECK = 56,           /* u64 XXH3 of bytes 0..55 */
    BLOCK_BYTES = 64
};

enum binary_block_flags {
    BLOCK_TIMED = 1,    /* some record has a time: min and max hold */
    BLOCK_ALL_TIMED = 2 /* every record has one */
};

enum binary_entry_at {
    ENTRY_CLASS = 0,        /* u8, enum binary_class */
    ENTRY_ENCODING = 1,     /* u8, enum binary_encoding */
    ENTRY_WIDTH = 2,        /* u8, bytes of an offset or code */
    ENTRY_LENGTH_WIDTH = 3, /* u8, bytes of a string's length */
    ENTRY_PARENT = 4,       /* u16, column of class OBJECT, or none */
    ENTRY_NAME = 6,         /* u16, bytes of the name */
    ENTRY_ADD_A = 8,        /* u16, column to be added, or none */
    ENTRY_ADD_B = 10,       /* u16 */
    ENTRY_VALUES = 12,      /* u32, values held */
    ENTRY_ENTRIES = 16,     /* u32, of the dictionary */
    ENTRY_BASE_LENGTH = 20, /* u32, the shortest string's length */
    ENTRY_BASE = 24,        /* i64 */
    ENTRY_STEP = 32,        /* i64 */
    ENTRY_LENGTH = 40,      /* u32, bytes of data, a multiple of 8 */
    ENTRY_ZERO = 44,        /* u32 */
    ENTRY_CHECK = 48,       /* u64 XXH3 of the data */
    ENTRY_BYTES = 56
};

/* Record types by their number in the stream, which never changes. */
enum binary_type {
    BINARY_UNTYPED = 0, /* records without "type" and a field that decides it */
    BINARY_SPAN = 1,
    BINARY_METRIC = 2,
    BINARY_EXECUTION = 3,
    BINARY_LOG = 4,
    BINARY_TRACE = 5,
    BINARY_AGGREGATE = 6,
    BINARY_FINDING = 7,
    BINARY_ALERT = 8,
    BINARY_NOTIFICATION = 9,
    BINARY_HEALTH = 10,
    BINARY_CLOCK = 11,
    BINARY_OTHER = 12 /* whose "type" is an ordinary column */
};

/* Whether a block's type stands for the first member "type" of its records. */
static inline bool binary_type_is_implied(enum tcore_record_type type)
{
    return type != TCORE_RECORD_NONE && type != TCORE_RECORD_OTHER;
}

enum binary_class {
    CLASS_SHAPE = 0,   /* column 0: the shape of each row */
    CLASS_OBJECT = 1,  /* no data: names an object whose members are columns */
    CLASS_STRING = 2,  /* UTF-8 (a lone surrogate as three bytes) */
    CLASS_HEX = 3,     /* bytes, standing for a string of lower-case hexadecimal */
    CLASS_INT = 4,     /* int64 */
    CLASS_DECIMAL = 5, /* int64, standing for a string of its decimal digits */
    CLASS_DOUBLE = 6,  /* the bits of a finite double, printed shortest */
    CLASS_NUMBER = 7,  /* the literal of a JSON number */
    CLASS_LITERAL = 8, /* 0 null, 1 false, 2 true */
    CLASS_JSON = 9,    /* JSON text of an array or object */
    CLASS_MEMBERS = 10 /* JSON text of an object whose members belong to the parent */
};

enum binary_encoding {
    ENCODING_NONE = 0,      /* CLASS_OBJECT */
    ENCODING_INTS = 1,      /* base + offset (+ the values of other columns) */
    ENCODING_DELTA = 2,     /* previous + step + offset, the one before the first being base */
    ENCODING_TEXT = 3,      /* lengths, then the bytes of all */
    ENCODING_DICT = 4,      /* a dictionary as TEXT, then codes */
    ENCODING_REFERENCE = 5, /* own values as TEXT, then codes: the next of these, or a row's value
                               in another column */
    ENCODING_SEALED = 6,    /* in segments only: class, values, parent and name stand here, and all
                           else    is encrypted with the data */
    ENCODING_SAME = 7,      /* no data: the values are those of another column */
    ENCODING_TRACES = 8,    /* ids of traces as in DICT, codes in bits, and totals of each trace */
    ENCODING_GROUPED = 9    /* offsets from the first start of each row's trace, in bits */
};

static inline bool binary_encoding_is_text(unsigned encoding)
{
    return encoding == ENCODING_TEXT || encoding == ENCODING_DICT ||
           encoding == ENCODING_REFERENCE || encoding == ENCODING_TRACES;
}

#pragma GCC visibility push(hidden)

/* XXH3, 64 bits, seed 0. */
uint64_t tcore_binary_checksum(const void *data, size_t length);

/* The stream's number of a record type, and back; false: there is no such number. */
unsigned tcore_binary_type_number(enum tcore_record_type type);
bool tcore_binary_type_of_number(unsigned number, enum tcore_record_type *type);
/* The top-level field that is the time of such a record. */
const char *tcore_binary_time_field(enum tcore_record_type type);

#pragma GCC visibility pop

#endif
