/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What forms are made of; of the import_form*.c alone. */
#ifndef RECORD_IMPORT_FORM_PRIVATE_H
#define RECORD_IMPORT_FORM_PRIVATE_H

#include "record/import/form.h"

#include "base/arena.h"

#include <string.h>

#define FORM_PIECE  64
#define FORM_POINTS 512 /* quotes of an element that has a form */
#define FORM_WAYS   64

/* A place in an element: so far from one of its quotes, which are its points. */
struct form_place {
    uint16_t point;
    int16_t offset;
};

struct form_piece {
    uint64_t mask; /* as many low bits as it has bytes */
    struct form_place place;
};

struct form_check {
    uint8_t value; /* enum form_value */
    struct form_place from, to;
};

/*
 * Words at a point of the form, by which it is told from others: so far from the point, and of
 * which way each is if all of it, and all up to the point, is text of the form.
 */
#define FORM_WORDS 5
static const int form_word_offset[FORM_WORDS] = {0, -8, 8, 16, 24};
#define FORM_NO_WAY 255

/* Text of the form, and what is copied behind it. */
struct form_step {
    const char *text; /* padded to a multiple of FORM_PIECE */
    uint32_t length;
    uint8_t value;
    struct form_place from, to;
};

struct form {
    char (*text)[FORM_PIECE]; /* of the pieces; zero padded */
    struct form_piece *pieces;
    struct form_check *checks;
    struct form_step *steps;
    uint8_t (*ways)[FORM_WORDS]; /* by point */
    unsigned piece_count, check_count, step_count, points;
    unsigned kind_count[FORM_DURATION]; /* checks of each kind, which come together */
    struct form_place end;              /* of the element */
    struct form_place start, stop;      /* the span's times, */
    struct form_place start_end, stop_end;
    bool timed;   /* if there are both */
    size_t head;  /* of the first point behind the element's beginning */
    size_t reach; /* no place is farther behind its point, */
    size_t back;  /* or farther before it */
    unsigned depth;
    size_t static_bytes;           /* of the steps' texts */
    struct form_section *sections; /* of its row; see import/form_row.h */
    unsigned section_count;        /* 0: there can be none */
    struct form_lanes *lanes;      /* if there are sections */
    bool makes;                    /* some value of the row is text that has to be made */
    struct form *next;             /* another one that no word tells from it */
};

/* Forms are told apart by the words that stand at their points. */
struct form_choice {
    struct form *form;         /* the first of those that are left, if */
    struct form_choice **ways; /* this is NULL; by the word's hash */
    unsigned point, word;
};

/* The quotes of a document. */
struct form_index {
    uint32_t *point; /* offsets; behind them FORM_POINTS more, of no meaning; owned */
    size_t count, capacity;
    bool special; /* some byte needs a closer look: a backslash, a control, not ASCII */
};

/* An element, and what is there to find its form. */
struct form_place_of {
    const char *text; /* the document, */
    size_t length;    /* which ends there, */
    size_t readable;  /* and so far can be read */
    size_t offset;    /* of the element */
    const uint32_t *point;
    size_t points; /* from there to the end */
    bool special;
    unsigned depth; /* so many levels may be open in it */
};

/* What finding its form has told of an element. */
struct form_found {
    size_t end;                /* offset behind it */
    int64_t start_ns, stop_ns; /* of a form that is timed */
    bool special;              /* some text may have a backslash */
};

struct form_lanes;
struct form_source;

/* What one instruction set does. */
struct form_variant {
    const char *name;
    /* Finds the quotes in text[0..length), as many as there is room for. */
    void (*index)(struct form_index *index, const char *text, size_t length);
    /* The form of the element. */
    const struct form *(*find)(const struct form_choice *choice, const struct form_place_of *at,
                               struct form_found *found);
    /* The bytes of 16 or 32 hexadecimal digits. */
    void (*bytes)(uint8_t *out, const char *digits, size_t length);
    /* Appends the copied values of a row, but for what is checked and for texts of a special
     * element, and adds to *length what they take in canonical text as far as that varies. False:
     * out of memory. */
    bool (*lay)(const struct form_lanes *lanes, const struct form_source *source, size_t *length);
    /* Writes the record, for which there is room and FORM_PIECE bytes more; returns its end. */
    char *(*put)(const struct form *form, const char *text, const uint32_t *point,
                 int64_t duration_ns, const struct form_shared *shared, char *out);
};

#if defined __x86_64__
extern const struct form_variant form_variant_avx2, form_variant_avx512;
#endif
extern const struct form_variant form_variant_portable;

/* The way of the word that begins there. */
static inline unsigned form_way(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return (unsigned)(word * 0x9e3779b97f4a7c15u >> 58);
}

/* Room for forms in the making, tcore_free() frees it; NULL: memory is short. */
struct form_making *form_making_new(void);
/* NULL: it has none, or memory is short. */
struct form *form_build(struct form_making *making, struct tcore_arena *arena,
                        const struct tcore_json *json, uint32_t node,
                        const struct form_draft *draft, const struct tcore_buf *out, size_t begin);
/* The choice among those forms; NULL: memory is short. */
struct form_choice *form_choose(struct tcore_arena *arena, struct form **forms, size_t count);

/* Whether text is that of a canonical JSON string, as far as can be told at once. */
bool form_is_text(const char *text, size_t length);
/* Whether it is a number with a point and without an exponent. */
bool form_is_decimal(const char *text, size_t length);

#endif
