/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A form's record as a row of a block: members are cells, whose values are copied from the element
 * or are the same in all records of the form. Of the import_form*.c alone.
 */
#ifndef RECORD_IMPORT_FORM_ROW_H
#define RECORD_IMPORT_FORM_ROW_H

#include "record/import/form_private.h"
#include "stream/binary_row.h"

enum form_cell_class {
    CELL_COPY, /* a value of the element, as enum form_value says */
    CELL_TEXT, /* always the same: a string that is canonical between quotes, */
    CELL_INT,  /* the rest by its JSON text */
    CELL_DOUBLE,
    CELL_BOOL,
    CELL_JSON,
    CELL_MADE, /* JSON text into which values of the element are copied */
    CELL_OPEN, /* of an object; CELL_CLOSE has no key */
    CELL_CLOSE
};

struct form_cell {
    uint8_t class;
    uint8_t value;          /* enum form_value of what is copied */
    struct tcore_slice key; /* in the form's arena, as is */
    struct tcore_slice text;
    int64_t i; /* or bool */
    double d;
    struct form_place from, to;
    const struct form *made; /* of CELL_MADE: steps alone */
};

/* A copied value, and which one of its section's it is. */
struct form_copy {
    const struct form_cell *cell;
    unsigned value;
};

/* Members up to something that records share. */
struct form_section {
    const struct form_cell *cell;
    const struct form_copy *copy;
    unsigned count, copies;
    bool made;                     /* some cell is CELL_MADE */
    uint8_t shared;                /* enum form_value of what follows, or FORM_NOTHING */
    struct tcore_binary_part part; /* what it became in rows of this block */
    size_t copied;                 /* bytes of its canonical text that were copied values */
};

/* An element that becomes a row. */
struct form_source {
    const struct form *form;
    const struct form_variant *variant;
    const char *text; /* the document */
    const uint32_t *point;
    size_t bytes; /* of the element */
    bool special;
    int64_t duration_ns;
    struct tcore_buf *made; /* room for text that is needed until the row's end */
};

/* TCORE_EOF: it did not become one. TCORE_FATAL: out of memory. */
enum tcore_status form_put_row(const struct form_source *source, const struct form_around *around,
                               struct tcore_binary_writer *writer, struct tcore_error *err);

void form_free_sections(struct form *form);

/* Adds the sections to a form, of whose record text the notes are; steps are the form's, by note.
 * Without any the record has to be made as text. */
void form_add_sections(struct form *form, struct tcore_arena *arena, const struct form_draft *draft,
                       const char *out, size_t begin, size_t end);

#endif
