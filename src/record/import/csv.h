/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows and columns: a table of CSV or TSV, row by row. */
#ifndef RECORD_IMPORT_CSV_H
#define RECORD_IMPORT_CSV_H

#include "record/import/import.h"

enum { CSV_COLUMNS_MAX = 4096 };

struct csv_table {
    char separator;
    struct tcore_slice *name, *cell; /* columns of each; owned, their texts in the arenas or text */
    size_t columns;
    size_t cells; /* of this row, also those that there is no column for */
    bool open;    /* a quote of it is not closed */
    bool failed;  /* short of memory */
    struct tcore_arena names, texts;
};

/* Names from the job's settings and heading. False: job->reason says why there are none, and the
 * heading's fault is rejected. The table is to be closed anyway. */
bool csv_open(struct csv_table *table, struct import_job *job, char separator);
void csv_close(struct csv_table *table);
/* The next row of *rest, which moves on behind it; *text is all of it. False: there is none. */
bool csv_next(struct csv_table *table, struct tcore_slice *rest, struct tcore_slice *text);
/* Whether the row is an empty line. */
bool csv_is_blank(const struct csv_table *table);
/* Whether the row has as many cells as there are columns; else job->reason. */
bool csv_check(struct import_job *job, const struct csv_table *table);

#endif
