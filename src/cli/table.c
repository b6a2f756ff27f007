/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "cli/table.h"

#include "cli/parse.h"
#include "cli/screen.h"

#include <string.h>
#include <unistd.h>

#define WIDE 130 /* columns */

/* The default is told from --format=ndjson by its address. */
bool cli_is_for_people(const struct cli_io_options *io)
{
    return (!io->output || strcmp(io->output, "-") == 0) && !io->binary &&
           io->format == cli_io_defaults.format && isatty(STDOUT_FILENO);
}

void cli_columns_add(struct cli_columns *columns, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count && columns->count < CLI_COLUMNS_MOST; i++)
        columns->name[columns->count++] = names[i];
}

bool cli_table_is_wide(const struct cli *cli)
{
    struct cli_screen screen;
    cli_screen_look(&screen, cli);
    return !isatty(STDOUT_FILENO) || screen.width >= WIDE;
}

void cli_table_on_terminal(struct cli *cli, const char **names, size_t count)
{
    struct cli_io_options *io = &cli->io;
    if (cli_is_for_people(io))
        io->format = "table";
    if (strcmp(io->format, "table") != 0 || io->fields.count)
        return;
    io->fields = (struct cli_strings){names, count};
    io->usual_fields = true;
}
