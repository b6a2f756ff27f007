/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Spans from the wire straight into the columns of a block, without the tape and the text in
 * between. That is for spans as encoders write them; of any other nothing is done here, and it
 * takes the long way.
 */
#ifndef RECORD_IMPORT_OTLP_ROWS_H
#define RECORD_IMPORT_OTLP_ROWS_H

#include "record/import/otlp.h"

struct tcore_binary_row;

/* What is kept of the resource and the scope whose spans follow. */
struct otlp_rows;

/* Whether the job's settings leave room for rows: no expression or rule has to see the records. */
bool otlp_rows_are_wanted(struct import_job *job);
void otlp_rows_free(struct otlp_rows *rows);
/* o has entered another resource, or scope. */
void otlp_rows_enter_group(struct otlp *o);
void otlp_rows_enter_scope(struct otlp *o);
/* Puts resource and scope into a row that has all that comes before. */
void otlp_rows_put_around(struct otlp *o, struct tcore_binary_row *row);
/* The span becomes a record of job->writer. False: it did not. */
bool otlp_rows_put_span(struct otlp *o, struct tcore_slice span);

#endif
