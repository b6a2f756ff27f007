/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Forms: records known as a whole. A form is all text of a record but its values: once the quotes
 * of a line are known and number as many as the form's, each piece of that text has its place by
 * the number of a quote, and all pieces are compared at once, without one waiting for another.
 * Where they agree the line has the form's structure and keys, every string lies between two
 * quotes, and only numbers and their like are left to be checked.
 *
 * Forms with the same number of quotes are told apart by what stands at one or two of these. Lines
 * of no known form go by the plan (ndjson_plan.h), and their form is learnt then. Of records with
 * something in an array, and of those that have an object wanted as text, there are none.
 *
 * Private to stream/.
 */
#ifndef TRACECORE_STREAM_NDJSON_FORM_H
#define TRACECORE_STREAM_NDJSON_FORM_H

#include "base/arena.h"
#include "model/value.h"
#include "stream/ndjson_shape.h"
#include "stream/ndjson_worth.h"

#define FORM_PIECE  32
#define FORM_QUOTES 256 /* of a line that has a form */
#define FORM_CHECKS 8

/*
 * A place in a line: so far from a point of it. Points are the newline before it (0), its quotes
 * (from 1 on), and its own newline. But for the first, no piece is behind its point, and none so
 * far before it that it could be before the line: point n is n - 1 bytes behind the line's
 * beginning, or more.
 */
struct form_place {
    uint16_t point;
    int16_t offset;
};

struct form_piece {
    uint32_t mask; /* as many low bits as it has bytes */
    struct form_place place;
};

/* A number, true, false or null. */
struct form_scalar {
    struct form_place from, to;
    struct shape_target target; /* the key's */
    struct shape_key *key;
};

struct form_string {
    uint16_t point; /* its opening quote */
    struct shape_target target;
};

/* A string that decides whether a span is plain: an id or a time. */
struct form_check {
    uint16_t point;
    bool time;
};

/* Where a column's value in a plain row comes from. */
enum form_cell_class { CELL_ABSENT, CELL_SCALAR, CELL_STRING, CELL_TIME, CELL_ID };

struct form_cell {
    uint8_t class;
    uint8_t id;  /* enum tcore_id_class of an id */
    uint16_t at; /* point of a string's opening quote, number of a scalar */
};

/* A column of the projection. */
struct form_column {
    const int *slots; /* the first that is there wins */
    size_t slot_count;
    bool derived; /* from others, where none is there */
    uint8_t id;   /* enum tcore_id_class; 0: none */
};

/* What stands at a point, if that is always the same. */
struct form_word {
    uint64_t text;
    bool known;
};

struct ndjson_form {
    char (*text)[FORM_PIECE]; /* of the pieces; aligned, zero padded */
    struct form_piece *pieces;
    struct form_scalar *scalars;
    struct form_string *strings; /* that are wanted */
    uint16_t piece_count, scalar_count, string_count;
    struct form_place end;   /* of the record */
    uint64_t roles;          /* struct ndjson_parse's */
    struct tcore_value type; /* of the role; ABSENT: among the strings, if there is one */
    struct form_word *words; /* by point */
    struct form_cell *cells; /* by column; NULL: its records are no plain rows */
    struct form_check checks[FORM_CHECKS];
    unsigned check_count;
    struct ndjson_form *next;  /* another one that stands in the same place of the bucket */
    struct ndjson_form *other; /* of the bucket */
};

#define FORM_PLACES 64

/* The forms with so many quotes. */
struct form_bucket {
    uint16_t probes[2]; /* at these points they differ, */
    uint64_t masks[2];  /* if these are not 0 */
    struct ndjson_form *places[FORM_PLACES];
    struct ndjson_form *first;
    unsigned count, failures;
};

struct ndjson_forms {
    struct form_bucket *buckets[FORM_QUOTES + 1]; /* NULL: nothing is known */
    struct tcore_arena arena;
    size_t bytes;                      /* of the arena, in use */
    bool full;                         /* no more is learnt */
    const struct form_column *columns; /* of the projection; borrowed */
    size_t column_count;
    struct ndjson_worth worth;
};

void tcore_ndjson_forms_free(struct ndjson_forms *forms);

/* They have not been worth it: begins anew if they are full. */
void tcore_ndjson_forms_reconsider(struct ndjson_forms *forms);

/* Counts lines, and how many of them had a known form. */
static inline void tcore_ndjson_forms_tally(struct ndjson_forms *forms, unsigned lines,
                                            unsigned hits)
{
    if (__builtin_expect(tcore_ndjson_worth_tally(&forms->worth, lines, hits, WORTH_STRETCH / 2),
                         0))
        tcore_ndjson_forms_reconsider(forms);
}

static inline unsigned tcore_ndjson_form_place(uint64_t first, uint64_t second)
{
    return (unsigned)((first * 0x9e3779b97f4a7c15u + second * 0xff51afd7ed558ccdu) >> 58);
}

/* Whether there may be more to learn of lines with so many quotes. */
bool tcore_ndjson_forms_lack(const struct ndjson_forms *forms, unsigned quotes);

/*
 * A form in the making, of a record that was accepted: its values are told one by one, in order.
 * Nothing fails: what cannot be a form is none in the end.
 */
struct form_draft;

/* Of the record at start, on a line with so many quotes, all of them unescaped and none beyond the
 * record, and its newline there. NULL: memory is short. */
struct form_draft *tcore_ndjson_form_begin(const char *start, const char *newline, unsigned quotes);
/* The value whose literal, from behind the one before it, ends at text: behind the opening quote
 * of a string, or before its first byte; behind is behind its closing quote or last byte. */
void tcore_ndjson_form_string(struct form_draft *draft, const char *text, const char *behind,
                              const struct shape_target *target);
void tcore_ndjson_form_scalar(struct form_draft *draft, const char *text, const char *behind,
                              struct shape_key *key);
/* It has a value that no form can have. */
void tcore_ndjson_form_give_up(struct form_draft *draft);
/* The record has ended there; frees the draft. What it has become is known from now on. */
void tcore_ndjson_form_end(struct form_draft *draft, const char *end, uint64_t roles,
                           struct ndjson_forms *forms);

#endif
