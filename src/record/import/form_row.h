/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A form's record as a row of a block: members are cells, whose values are copied from the element
 * or are the same in all records of the form. Of the import_form*.c alone.
 */
#ifndef RECORD_IMPORT_FORM_ROW_H
#define RECORD_IMPORT_FORM_ROW_H

#include "record/import/form_lanes.h"

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

/* Members up to something that records share. */
struct form_section {
    const struct form_cell *cell;
    unsigned count;
    uint8_t shared; /* enum form_value of what follows, or FORM_NOTHING */
};

/* An element that becomes a row. */
struct form_source {
    const struct form *form;
    const struct form_variant *variant;
    const char *text; /* the document */
    const uint32_t *point;
    size_t bytes;              /* of the element */
    bool special;              /* some text may have a backslash */
    int64_t start_ns, stop_ns; /* of a form that is timed */
    struct tcore_buf *made;    /* text that is needed until the row's end; there is room for it */
};

static inline const char *form_place_in(const struct form_source *s, struct form_place place)
{
    return s->text + s->point[place.point] + place.offset;
}

/* What canonical text between quotes means; like the text of a CELL_MADE it stays until s->made is
 * cleared. */
struct tcore_slice form_decode(const struct form_source *s, struct tcore_slice text);
/* The text of a CELL_MADE, which stays until s->made is cleared. */
struct tcore_slice form_make_text(const struct form_source *s, const struct form_cell *cell);

/* TCORE_EOF: it did not become one. TCORE_FATAL: out of memory. */
enum tcore_status form_put_row(const struct form_source *source, const struct form_around *around,
                               struct form_scopes *scopes, struct tcore_binary_writer *writer,
                               struct tcore_error *err);

/* Adds the sections to a form, of whose record text the notes are; steps are the form's, by note.
 * Without any the record has to be made as text. */
void form_add_sections(struct form *form, struct tcore_arena *arena, const struct form_draft *draft,
                       const char *out, size_t begin, size_t end);

#endif
