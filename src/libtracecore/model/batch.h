/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A batch: some hundreds to some ten thousands of records as columns. It is filled by a decoder,
 * which owns everything in it; all pointers are valid until that decoder's next call.
 */
#ifndef TRACECORE_MODEL_BATCH_H
#define TRACECORE_MODEL_BATCH_H

#include "model/record.h"
#include "model/value.h"

struct tcore_slice {
    const char *data;
    size_t length;
};

enum tcore_column_form {
    TCORE_COLUMN_VALUES,   /* values[row] */
    TCORE_COLUMN_CONSTANT, /* values[0] for every row (ABSENT: no record has it) */
    TCORE_COLUMN_DICT,     /* values[codes[row]] */
    TCORE_COLUMN_INT64     /* ints[row], where present is NULL or its bit is set; else ABSENT */
};

struct tcore_column {
    enum tcore_column_form form;
    const struct tcore_value *values;
    uint32_t value_count; /* DICT: entries of the dictionary */
    const uint32_t *codes;
    const int64_t *ints;
    const uint64_t *present; /* bit row%64 of word row/64 */
};

/* A record that was refused. */
struct tcore_reject {
    uint64_t line;           /* 1-based within the chunk (NDJSON); 0 for binary */
    uint64_t byte;           /* 1-based column, 0 if none */
    struct tcore_slice text; /* the line verbatim without its newline */
    const char *reason;      /* lives as long as the batch */
};

/* What spans of a trace add up to. Times are within 2^62. */
struct tcore_trace_sum {
    int64_t start_ns, end_ns; /* the first start, and the last end or start */
    uint32_t spans, errors;
};

/* Of each trace of a batch, once. */
struct tcore_trace_sums {
    size_t count;
    const uint8_t (*ids)[16];
    const struct tcore_trace_sum *sum;
};

struct tcore_batch {
    size_t rows;
    const uint8_t *types;               /* enum tcore_record_type, by row */
    const struct tcore_column *columns; /* as the projection numbers them */
    size_t column_count;
    const struct tcore_slice *text; /* by row if the projection asked for it, else NULL */
    const uint32_t *lines;          /* by row: 1-based line within the chunk; NULL for binary */
    uint64_t line_count;            /* lines that the chunk spans */
    const struct tcore_reject *rejects;
    size_t reject_count;
    uint64_t
        negative_durations;  /* spans that end before they start, if durationNano was asked for */
    uint64_t duplicate_keys; /* objects members that a later one of the same name replaced */
    const struct tcore_trace_sums *sums; /* these instead of columns: see struct tcore_chunk */
    bool padded; /* from the beginning of each string in a column of values so many bytes can be
                    read, whatever its length: */
#define TCORE_BATCH_PADDING 64
};

/* Works for every form; hot loops may switch on the form instead. */
static inline struct tcore_value tcore_column_get(const struct tcore_column *c, size_t row)
{
    switch (c->form) {
    case TCORE_COLUMN_CONSTANT:
        return c->values[0];
    case TCORE_COLUMN_DICT:
        return c->values[c->codes[row]];
    case TCORE_COLUMN_INT64:
        if (c->present && !(c->present[row / 64] >> (row % 64) & 1))
            return (struct tcore_value){0};
        return tcore_value_int(c->ints[row]);
    case TCORE_COLUMN_VALUES:
        break;
    }
    return c->values[row];
}

#endif
