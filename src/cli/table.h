/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verbs whose few records people look at: on a terminal these are a table. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "cli/verb.h"

#define CLI_COLUMNS_MOST 64

/* Whether records go to a terminal and neither --format, -b nor -o asks for something else. */
bool cli_is_for_people(const struct cli_io_options *io);

/* Columns of a table that depend on options. Begins zeroed. */
struct cli_columns {
    const char *name[CLI_COLUMNS_MOST];
    size_t count;
};
/* Behind those that are there; more than there is room for are left out. Names are borrowed. */
void cli_columns_add(struct cli_columns *columns, const char *const *names, size_t count);
/* Whether a line has room for ids beside times and names: of a pipe it always has. */
bool cli_table_is_wide(const struct cli *cli);

/*
 * Makes the output a table if it goes to a terminal and neither --format, -b nor -o asks for
 * something else. A table without --fields has these columns; names is borrowed until the end.
 */
void cli_table_on_terminal(struct cli *cli, const char **names, size_t count);

#endif
