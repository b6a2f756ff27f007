/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What import's options for selecting ask for. */
#include <config.h>

#include "record/import/select.h"

#include "base/sys.h"
#include "cli/message.h"

static int fill(struct import_select *s, struct cli *cli)
{
    struct tcore_error err;
    unsigned asked;
    s->wanted.io = &cli->io;
    s->projection.text = true;
    int exit_status = cli_select_types(cli, &asked);
    if (exit_status == CLI_DONE)
        exit_status = cli_select_where(&s->wanted, cli, &s->projection);
    if (exit_status != CLI_DONE)
        return exit_status;
    s->types = asked ? asked | 1u << TCORE_RECORD_CLOCK : ~0u;
    if (cli_select_times(&s->wanted, false, &s->projection, &err) == TCORE_OK)
        return CLI_DONE;
    cli_report(cli, &err);
    return CLI_FAILED;
}

int import_select_new(struct import_select **select, struct cli *cli)
{
    const struct cli_io_options *io = &cli->io;
    *select = NULL;
    if (!io->where && !io->types.count && !io->since.set && !io->until.set)
        return CLI_DONE;
    struct import_select *s = tcore_calloc(1, sizeof(*s));
    if (!s) {
        cli_error(cli, "out of memory");
        return CLI_FAILED;
    }
    int exit_status = fill(s, cli);
    if (exit_status != CLI_DONE) {
        import_select_free(s);
        return exit_status;
    }
    *select = s;
    return CLI_DONE;
}

void import_select_free(struct import_select *s)
{
    if (!s)
        return;
    cli_select_free(&s->wanted);
    tcore_projection_free(&s->projection);
    tcore_free(s);
}
