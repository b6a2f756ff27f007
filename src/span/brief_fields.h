/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fields of a trace's summary that its total has, and lines of them. */
#ifndef SPAN_BRIEF_FIELDS_H
#define SPAN_BRIEF_FIELDS_H

#include "base/buf.h"
#include "cli/verb.h"
#include "trace/totals.h"

#define BRIEF_FIELDS 7u

struct brief_fields {
    const struct brief_field *field[BRIEF_FIELDS]; /* in the order of --fields */
    unsigned count;
    bool errors;    /* one is the number of errors */
    bool times;     /* one is of a timeline, which not every trace has */
    char separator; /* of cells; NUL: these are objects */
};

/* From --fields and --format. False: some field is no such, or the same twice under two names. */
bool brief_fields_find(struct brief_fields *fields, const struct cli_io_options *io);

/* Room that is enough for a line. */
#define BRIEF_LINE_BYTES 512u
/* Writes the line of a trace, as --format (but no table) has --fields; returns the place behind. */
char *brief_put_row(char *to, const struct brief_fields *fields,
                    const struct tcore_trace_total *total);
/* Writes the trace's record with all of these fields; without errors, if errors is false. */
char *brief_put_record(char *to, const struct tcore_trace_total *total, bool errors);

#endif
