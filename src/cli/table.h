/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verbs whose few records people look at: on a terminal these are a table. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "cli/verb.h"

/* Whether records go to a terminal and neither --format, -b nor -o asks for something else. */
bool cli_is_for_people(const struct cli_io_options *io);

/*
 * Makes the output a table if it goes to a terminal and neither --format, -b nor -o asks for
 * something else. A table without --fields has these columns; names is borrowed until the end.
 */
void cli_table_on_terminal(struct cli *cli, const char **names, size_t count);

#endif
