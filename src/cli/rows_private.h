/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CLI_ROWS_PRIVATE_H
#define CLI_ROWS_PRIVATE_H

#include "cli/rows.h"

/* The value as the text of a cell, in rows->text. */
void cli_rows_render(struct cli_rows *rows, const struct tcore_value *value);

/* --- rows_table.c */

/* Holds the record's row. */
void cli_rows_hold(struct cli_rows *rows, struct cli_fields *fields,
                   const struct tcore_json *record);
/* Appends the heading, if it is not there, and the rows that are held. */
void cli_rows_put_table(struct cli_rows *rows, struct cli_fields *fields, struct tcore_buf *out);

#endif
