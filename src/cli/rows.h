/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records as rows: tsv, csv, or a table whose columns are aligned. A table is written 1,000 rows at
 * a time, or what there is of a live stream, so that it can be endless: its columns become wider
 * when cells are, and never narrower. In a table, which is for people, durations are shown with
 * their unit (cli/human.h); tsv and csv have them as they are. A table whose columns the verb chose
 * has all numbers, shares and times as people read them, and short headings; on a terminal its
 * lines are no longer than that: names are cut, and the last column is wrapped. Ids never are.
 */
#ifndef CLI_ROWS_H
#define CLI_ROWS_H

#include "cli/fields.h"

enum cli_row_format { CLI_ROWS_TSV, CLI_ROWS_CSV, CLI_ROWS_TABLE };

struct cli_cell {
    size_t offset; /* in cells */
    uint32_t length, width;
    bool number;
};

struct cli_rows {
    enum cli_row_format format;
    bool terminal; /* nothing may reach it raw */
    bool colour;
    bool usual;             /* the verb chose the columns (table) */
    unsigned line;          /* columns that lines are to fit in; 0: any (table) */
    bool ascii;             /* the reader's locale has no other letters */
    bool headed;            /* the heading is written */
    struct tcore_buf text;  /* one cell */
    struct tcore_buf cells; /* of rows not yet written (table) */
    struct tcore_buf list;  /* struct cli_cell, count a row */
    size_t held;            /* rows */
    size_t *width;          /* of each column, once headed (table); owned */
    bool *right;            /* numbers: aligned to the right; owned */
    bool *whole;            /* not to be cut: numbers, ids, times; owned */
    bool wraps;             /* the last column has text of several words */
};

/* Appends the record's row to out, or holds it. Failures are out of memory: out->failed. */
void cli_rows_add(struct cli_rows *rows, struct cli_fields *fields, const struct tcore_json *record,
                  struct tcore_buf *out);
/* Appends the heading of the fields that were asked for, if no row brought it. */
void cli_rows_head(struct cli_rows *rows, struct cli_fields *fields, struct tcore_buf *out);
/* Appends the rows that are held. */
void cli_rows_flush(struct cli_rows *rows, struct cli_fields *fields, struct tcore_buf *out);
void cli_rows_free(struct cli_rows *rows);

#endif
