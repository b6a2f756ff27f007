/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the values of a form's rows go. The first row of a form in a block is put member by member,
 * which tells the column of each of its values and the node where it ends. With these the values of
 * the next rows are laid into the columns at once: what is copied in lanes, those of one kind
 * together, so that the processor foresees what is done with each; then what is the same in all of
 * them; and what the records of a scope share as a run, when the scope ends.
 *
 * Of the import_form*.c alone.
 */
#ifndef RECORD_IMPORT_FORM_LANES_H
#define RECORD_IMPORT_FORM_LANES_H

#include "record/import/form_private.h"
#include "stream/binary_lay.h"
#include "stream/binary_memo.h"

enum {
    FORM_LAYOUTS = 16,       /* of what scopes share, in one block */
    FORM_LAYOUT_VALUES = 64, /* in each of them */
    FORM_SCOPES = 64,        /* that are remembered */
    FORM_CHECKED = 32        /* values of a form that must be looked at, or made, one by one */
};

/* What is done with a copied value, in the order in which lanes come. */
enum form_lane_kind {
    LANE_TRACE_ID,
    LANE_SPAN_ID,
    LANE_START, /* which finding the form has read already, and */
    LANE_STOP,
    LANE_DURATION,
    LANE_INTEGER,
    LANE_TEXT,
    LANE_CHECKED, /* anything else, which the row may turn out not to have as its column needs it */
    LANE_KINDS
};

struct form_lane {
    struct binary_column *column;
    struct form_place from, to; /* without quotes */
    const struct form_cell *cell;
    uint16_t number; /* of the column */
    uint8_t class;   /* enum binary_class */
};

struct form_lanes {
    struct binary_stamp stamp; /* for which all of this holds */
    struct form_lane *lane;
    unsigned count[LANE_KINDS], lanes;
    struct shape_value *fixed; /* values of all rows of the form */
    unsigned fixed_count;
    uint32_t node[FORM_LAYOUTS]; /* where the row ends, by the layout of what is shared; 0: it is
                                    not known */
    size_t length;               /* of the canonical text without what varies, or is shared */
};

/* The columns of what a scope's records share. */
struct form_layout {
    unsigned count[FORM_END - FORM_SERVICE + 1];
    uint16_t column[FORM_LAYOUT_VALUES];
};

/* What the records of some scope share, as columns take it. */
struct form_scope {
    struct binary_stamp stamp;
    struct tcore_buf text; /* the same as canonical text, by which the scope is known again, and */
    size_t at[FORM_END - FORM_SERVICE + 2];       /* its parts */
    struct shape_value value[FORM_LAYOUT_VALUES]; /* of rows; their texts are copied, */
    unsigned values;
    struct tcore_buf copies; /* to here */
    size_t length;           /* of the values in canonical text */
    unsigned layout;
};

struct form_scopes {
    struct binary_stamp stamp; /* of the layouts */
    struct form_layout layout[FORM_LAYOUTS];
    unsigned layouts;
    struct form_scope *scope[FORM_SCOPES]; /* by a hash of the text; owned */
    struct form_scope *current;            /* the one whose records come, */
    uint64_t number;                       /* if that is its number */
};

/* A row that was put member by member: where in the tree's values those of each section begin, and
 * those that are shared behind it. */
struct form_put {
    uint32_t from[FORM_END - FORM_SERVICE + 2], shared[FORM_END - FORM_SERVICE + 1];
    size_t shared_length;
};

/* --- import/form_scope.c */

void form_scopes_free(struct form_scopes *scopes);
/* The scope that shares this, if that is known for the tree. */
const struct form_scope *form_scopes_find(struct form_scopes *scopes,
                                          const struct form_shared *shared,
                                          const struct shape_tree *tree);
/* Learns it from a row. NULL: rows of this scope have to be put member by member. */
const struct form_scope *form_scopes_learn(struct form_scopes *scopes,
                                           const struct form_shared *shared,
                                           struct shape_tree *tree, const struct form_put *put);
/* A value that the tree has just appended to its column, for rows that have the same; its text
 * stays where it is. */
struct shape_value form_value_again(const struct shape_tree *tree, const struct shape_value *value);

/* --- import/form_lanes.c */

/* Room for the lanes of a form with so many copied or made values, and so many others. NULL: out of
 * memory. */
struct form_lanes *form_lanes_new(struct tcore_arena *arena, unsigned copies, unsigned fixed);
/* Learns them from a row. */
void form_lanes_learn(struct form_lanes *lanes, const struct form_source *source,
                      const struct tcore_binary_row *row, const struct form_put *put,
                      const struct form_scope *scope);
/* Lays the row. TCORE_EOF: it must be put member by member. TCORE_FATAL: out of memory. */
enum tcore_status form_lanes_put(const struct form_lanes *lanes, const struct form_source *source,
                                 const struct form_scope *scope, struct tcore_binary_row *row,
                                 struct tcore_binary_writer *writer, struct tcore_error *err);

#endif
