/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A JSON array of what records become, one by one, in input order, whatever the number of threads.
 */
#ifndef RECORD_EXPORT_ARRAY_H
#define RECORD_EXPORT_ARRAY_H

#include "record/export/export.h"
#include "record/export/record.h"

/* A format that is one. */
struct export_array_format {
    const char *title; /* for the note of what was left out */
    unsigned types;
    /* Appends the record's elements, each behind ",\n". */
    void (*put)(struct export_record *record, struct tcore_buf *out);
};

int export_array(struct cli *cli, const struct export_array_format *format, int argc, char **argv);

#endif
