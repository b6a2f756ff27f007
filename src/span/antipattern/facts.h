/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the attributes of a span say of a call, by OpenTelemetry's semantic conventions, those of
 * today and those of earlier versions: what it does, without and with its values, how much it moves
 * and how it ended. That is looked at where records are read, and kept with the span instead of its
 * text; spans that come within assembled traces are looked at later.
 */
#ifndef SPAN_ANTIPATTERN_FACTS_H
#define SPAN_ANTIPATTERN_FACTS_H

#include "model/batch.h"
#include "model/json.h"
#include "model/projection.h"

enum call_class { CALL_NONE, CALL_DATABASE, CALL_HTTP, CALL_RPC, CALL_MESSAGE };

enum {
    FACT_OPERATION = 1,   /* it says what it does, not just a name */
    FACT_READS = 2,       /* that changes nothing */
    FACT_WRITES = 4,      /* it changes something */
    FACT_VALUES = 8,      /* the call's values are known: equal ones are the same call */
    FACT_TIMEOUT = 16,    /* it ended because time was up */
    FACT_COLD_START = 32, /* of a function's instance that was made for it */
    FACT_FAILED = 64      /* an answer says so, whatever the span's status */
};

struct span_facts {
    uint8_t call; /* enum call_class */
    uint8_t flags;
    uint16_t resends;         /* attempts before this one, as the client counts them */
    uint32_t operation_bytes; /* of operation */
    uint64_t operation_hash;  /* of the class and the whole template */
    uint64_t call_hash;       /* with the values and whom it goes to */
    int64_t body_bytes;       /* the larger of request and response; -1: not known */
    const char *operation;    /* template, as far as FACTS_OPERATION_MOST bytes */
};

#define FACTS_OPERATION_MOST 240

/* One thread's columns of attributes and working memory. */
#define FACTS_MEANINGS 29
#define FACTS_ROWS     64 /* at a time */

struct facts_columns {
    size_t column[FACTS_MEANINGS];
};

/* Calls that came lately, and the key of one that is looked for; see facts_memo.h. */
#define FACTS_KEY_MOST 1024

struct facts_memo {
    struct facts_memo_entry *entry; /* owned; NULL before the first call, or without memory */
    uint64_t hash;
    uint32_t key_length; /* 0: it is not to be kept */
    char key[FACTS_KEY_MOST + 8];
};

/* A zeroed one is ready for use. */
struct facts_reader {
    struct tcore_value values[FACTS_ROWS][FACTS_MEANINGS];
    uint32_t presents[FACTS_ROWS]; /* bits of the meanings that have a value */
    /* of the row that is worked out */
    struct tcore_value *value;
    uint32_t present;
    struct tcore_buf text, whole;
    struct facts_memo memo;
};

/* Asks for the columns. TCORE_FATAL: no memory. */
enum tcore_status facts_project(struct facts_columns *columns, struct tcore_projection *projection,
                                struct tcore_error *err);
/* Loads rows[0..count) of the batch, at most FACTS_ROWS. */
void facts_load(struct facts_reader *reader, const struct facts_columns *columns,
                const struct tcore_batch *batch, const uint32_t *rows, size_t count);
/* The facts of the i-th of them; false: it has none. They live until the next call. No memory:
 * text.failed or whole.failed. */
bool facts_of_row(struct facts_reader *reader, size_t i, struct span_facts *facts);
/* The same of a parsed span. */
bool facts_of_json(struct facts_reader *reader, const struct tcore_json *span,
                   struct span_facts *facts);
void facts_free(struct facts_reader *reader);

/* --- As bytes, to be kept where a span's text would be */

/* Appends them. */
void facts_pack(struct tcore_buf *out, const struct span_facts *facts);
/* Reads them; operation points into the bytes. False: these are something else. */
bool facts_unpack(struct span_facts *facts, const char *bytes, size_t length);

/* The hash of an operation that is told by a span's name alone: of its template. */
uint64_t facts_hash_of_name(struct tcore_buf *buffer, struct tcore_slice name);

#endif
