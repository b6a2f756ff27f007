/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Forms: elements of a list known by sight. A form is all text of an element but its values, and
 * all text of the record that was made of it but these. Where the quotes of a document are known,
 * each piece of a form's text has its place by the number of a quote, so that all pieces are
 * compared at once; what agrees with them has the same members in the same order, and only values
 * are left to be checked. The record is then the form's text with these values, and neither
 * parsed nor written member by member.
 *
 * Forms are learnt from the general conversion, which takes note of the values that it copies.
 * What it decides by (enumerations, keys, what is empty or zero) is not copied, and so remains part
 * of the form's text. What it would reject, count or write in another way has no form.
 */
#ifndef RECORD_IMPORT_FORM_H
#define RECORD_IMPORT_FORM_H

#include "base/buf.h"
#include "model/batch.h"
#include "model/json.h"

struct tcore_binary_row;
struct tcore_binary_writer;

/* What is copied, and how it must look. */
enum form_value {
    FORM_TEXT,     /* a string with its quotes, not empty */
    FORM_TRACE_ID, /* a canonical id with its quotes, certainly not all zero */
    FORM_SPAN_ID,
    FORM_TIME,    /* the digits of an int64 above zero, in quotes or not */
    FORM_START,   /* of the span; */
    FORM_STOP,    /* not before its start */
    FORM_INTEGER, /* up to 18 digits without quotes, written so or as a string */
    FORM_DECIMAL, /* a number with a point and no exponent */
    /* not copied from the element: */
    FORM_DURATION, /* stop - start */
    FORM_SERVICE,  /* what records of one scope share: */
    FORM_ABOVE,    /* resource and scope */
    FORM_END,      /* the end of the record */
    FORM_NOTHING
};

/* The conversion of one element, as far as it is watched. */
struct form_note {
    size_t from, to; /* in the output */
    uint32_t node;   /* whose value it is; 0: it is not of the element */
    uint8_t value;   /* enum form_value */
};

#define FORM_NOTES 256

struct form_draft {
    struct form_note note[FORM_NOTES];
    unsigned count;
    bool failed; /* there was something that no form can have */
};

void form_note(struct form_draft *draft, enum form_value value, size_t from, size_t to,
               uint32_t node);
/* What stands there is shared, whatever was noted of it. */
void form_note_shared(struct form_draft *draft, enum form_value value, size_t from, size_t to);

/* What records share, as text: from at[FORM_SERVICE - FORM_SERVICE] and so on. */
struct form_shared {
    struct tcore_buf text;
    size_t at[4];
    uint64_t number; /* another one for each scope */
};

/* The same for a row: see binary_row.h. */
struct form_around {
    struct tcore_slice service, schema;                       /* empty: there is none */
    void (*put)(void *context, struct tcore_binary_row *row); /* resource and scope */
    void *context;
    const struct form_shared *shared; /* all of that as canonical text */
};

struct form_table;

/* NULL: out of memory. key: of the member whose elements are to be known; of as many as patience
 * says nothing is learnt. */
struct form_table *form_table_new(const char *key, unsigned patience);
void form_table_free(struct form_table *table);
/* Makes the parser ask about the document, which is to be parsed next. Up to readable its memory
 * may be read. */
void form_table_begin(struct form_table *table, struct tcore_json *json, const char *text,
                      size_t length, const char *readable);
/* Whether it is worth to watch the conversion of an element that has no known form. */
bool form_table_learns(struct form_table *table);
/* Learns from the element at node, of which out behind begin was made. */
void form_table_learn(struct form_table *table, const struct tcore_json *json, uint32_t node,
                      const struct form_draft *draft, const struct tcore_buf *out, size_t begin,
                      const struct form_shared *shared);
/* Appends the record of an element that was taken: number is its node's count. */
void form_table_put(struct form_table *table, uint32_t number, const struct form_shared *shared,
                    struct tcore_buf *out);
/* The same as a row. TCORE_EOF: it must be put as text. TCORE_FATAL: out of memory. */
enum tcore_status form_table_put_row(struct form_table *table, uint32_t number,
                                     const struct form_around *around,
                                     struct tcore_binary_writer *writer, struct tcore_error *err);

#endif
