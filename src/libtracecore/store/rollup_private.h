/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The builder of roll-ups and their format. Private to rollup*.c. */
#ifndef TRACECORE_STORE_ROLLUP_PRIVATE_H
#define TRACECORE_STORE_ROLLUP_PRIVATE_H

#include "base/map.h"
#include "stats/encode.h"
#include "store/rollup.h"

#define TCORE_ROLLUP_MAGIC "tcrollup"

enum {
    TCORE_ROLLUP_VERSION = 1,
    TCORE_ROLLUP_PARTS = 3,    /* of a series' key: metric, service, name */
    TCORE_ROLLUP_CHECKSUM = 8, /* bytes at the end */
    TCORE_ROLLUP_CACHE = 1024  /* series met lately */
};

/* The columns of the encoded form, in their order. */
enum tcore_rollup_column {
    TCORE_ROLLUP_STRINGS,  /* shared prefix, rest's length, rest; ascending */
    TCORE_ROLLUP_SERIES,   /* type, zigzag differences of string numbers to the series before */
    TCORE_ROLLUP_WINDOWS,  /* a series: cells, zigzag first - that of the series before, gaps - 1 */
    TCORE_ROLLUP_TIMES,    /* a series: first and last time, from the start of their windows */
    TCORE_ROLLUP_KINDS,    /* a byte a cell */
    TCORE_ROLLUP_COUNTS,   /* plain cells: records */
    TCORE_ROLLUP_ERRORS,   /* ... */
    TCORE_ROLLUP_MISSING,  /* ... records without a value */
    TCORE_ROLLUP_EXTREMES, /* ... min, max - min */
    TCORE_ROLLUP_SUMS,     /* ... sum - values * min, up to 128 bits */
    TCORE_ROLLUP_BUCKETS,  /* ... [zero], bucket steps * 2 + (count > 1) */
    TCORE_ROLLUP_TALLIES,  /* ... count - 2 of buckets that have more than 1 */
    TCORE_ROLLUP_OTHERS,   /* other cells: length, state as tcore_cell_encode() has it */
    TCORE_ROLLUP_COLUMNS
};

enum tcore_rollup_kind {
    TCORE_ROLLUP_EMPTY, /* no values */
    TCORE_ROLLUP_PLAIN, /* integers from 0 up, of whole records */
    TCORE_ROLLUP_OTHER,
    TCORE_ROLLUP_KIND_COUNT
};

struct tcore_rollup_builder_series {
    int64_t first_ns, last_ns;
    int64_t recent_window;
    uint32_t recent_cell; /* + 1; 0: none */
};

/* What a row's series is recognised by. */
struct tcore_rollup_recent {
    const char *service, *name; /* in the key; NULL: empty */
    uint32_t service_length, name_length, series;
};

struct tcore_rollup_builder {
    int64_t window_ns;
    struct tcore_rollup_totals totals[TCORE_RECORD_TYPES];
    uint32_t type_cells[TCORE_RECORD_TYPES];
    uint64_t type_key_bytes[TCORE_RECORD_TYPES];
    struct tcore_map keys; /* of series: a byte for the type, then each part behind its length */
    struct tcore_rollup_builder_series *series; /* by number of the key; owned */
    uint32_t series_capacity;
    struct tcore_cell *cells; /* cell.series is the series' number; owned */
    int64_t *windows;         /* of cells; owned */
    uint32_t *slots;          /* cell + 1 by hash of series and window; owned */
    uint32_t cell_count, cell_capacity, slot_mask;
    uint64_t seed;
    struct tcore_rollup_recent *recent; /* owned */
    struct tcore_buf key;
};

struct tcore_rollup_key {
    enum tcore_record_type type;
    struct tcore_slice part[TCORE_ROLLUP_PARTS];
};

/* Rounded towards minus infinity. */
static inline int64_t tcore_rollup_window(int64_t time_ns, int64_t window_ns)
{
    int64_t index = time_ns / window_ns;
    return index - (time_ns % window_ns < 0);
}

#pragma GCC visibility push(hidden)
/* Into the parts of a key of the map, and the other way round. */
struct tcore_rollup_key tcore_rollup_key_parts(const struct tcore_map_key *key);
void tcore_rollup_key_begin(struct tcore_buf *key, enum tcore_record_type type);
void tcore_rollup_key_part(struct tcore_buf *key, const char *symbol, size_t length);
/* The series of the key; TCORE_MAP_NONE: no memory, or the type is given up (see totals). */
uint32_t tcore_rollup_series_of(struct tcore_rollup_builder *builder, const struct tcore_buf *key);
/* The cell of a series in a window; NULL: no memory, or the type is given up. */
struct tcore_cell *tcore_rollup_cell_of(struct tcore_rollup_builder *builder, uint32_t series,
                                        int64_t window);
void tcore_rollup_widen(struct tcore_rollup_builder *builder, uint32_t series, int64_t first_ns,
                        int64_t last_ns);
enum tcore_record_type tcore_rollup_type_of(const struct tcore_rollup_builder *builder,
                                            uint32_t series);
#pragma GCC visibility pop

#endif
