/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * --map: a jq program makes records of JSON that is of no format, of the rows of a table (objects
 * of texts), or of lines (texts). It runs in the helper process that expressions run in, one a
 * thread.
 */
#ifndef RECORD_IMPORT_MAP_H
#define RECORD_IMPORT_MAP_H

#include "record/import/import.h"

/* Converts every unit of the chunk. TCORE_FATAL: the helper had to be stopped, or died. */
enum tcore_status import_map_units(struct import_job *job, const struct import_chunk *chunk,
                                   struct tcore_error *err);
/* In the thread that converted: ends its helper. */
void import_map_close(struct import_job *job);

#endif
