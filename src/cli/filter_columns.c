/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which columns the decoders fill, at first and after the operator has read its rules again. */
#include <config.h>

#include "cli/filter_private.h"
#include "cli/message.h"

#include "base/sys.h"

#include <string.h>

static void free_one(struct columns *columns)
{
    tcore_projection_free(&columns->projection);
    tcore_free(columns->seen);
    tcore_free(columns);
}

static enum tcore_status watch(const struct run *run, struct columns *columns,
                               struct tcore_error *err)
{
    columns->seen = tcore_calloc(columns->projection.count + 1, sizeof *columns->seen);
    if (!columns->seen)
        return tcore_error_nomem(err);
    watch_columns(run, columns);
    return TCORE_OK;
}

static enum tcore_status select_columns(const struct run *run, struct cli_select *select,
                                        struct columns *columns, struct tcore_error *err)
{
    /* An expression that asks for text looks at that of every record. */
    bool chosen = run->op->passes_text || run->op->select;
    columns->projection.text_late = chosen && !columns->projection.text;
    columns->projection.text |= chosen || run->pass;
    return cli_select_times(select, run->forward_clock, &columns->projection, err);
}

int open_columns(struct run *run)
{
    struct tcore_error err;
    struct columns *columns = run->columns = tcore_calloc(1, sizeof *columns);
    if (!columns) {
        cli_error(run->cli, "out of memory");
        return CLI_FAILED;
    }
    int exit_status = cli_select_where(&run->select, run->cli, &columns->projection);
    if (exit_status != CLI_DONE)
        return exit_status;
    run->pass = run->cli->io.pass && !run->op->silent;
    enum tcore_status status = select_columns(run, &run->select, columns, &err);
    if (status == TCORE_OK && run->op->open)
        status = run->op->open(run->state, &columns->projection, &err);
    if (status == TCORE_OK)
        status = watch(run, columns, &err);
    if (status == TCORE_OK)
        return CLI_DONE;
    cli_report(run->cli, &err);
    return cli_exit_status(run->cli, false);
}

/* The columns of the selection come first and get the numbers that they have already. */
enum tcore_status reload_columns(struct run *run, struct tcore_buf *out, struct tcore_error *err)
{
    struct cli_select again = {.io = run->select.io};
    struct columns *columns = tcore_calloc(1, sizeof *columns);
    if (!columns)
        return tcore_error_nomem(err);
    enum tcore_status status =
        cli_select_where(&again, run->cli, &columns->projection) == CLI_DONE
            ? select_columns(run, &again, columns, err)
            : tcore_error_set(err, TCORE_FATAL, "--where cannot be read again");
    if (status == TCORE_OK)
        status = run->op->reload(run->state, &columns->projection, out, err);
    if (status == TCORE_OK)
        status = watch(run, columns, err);
    cli_select_free(&again);
    if (status != TCORE_OK) {
        free_one(columns);
        return status == TCORE_SKIP ? TCORE_OK : status;
    }
    if (run->select.where_columns[1])
        memcpy(columns->seen, run->columns->seen,
               run->select.where_columns[1] * sizeof *columns->seen);
    columns->before = run->columns; /* others may still decode by it */
    __atomic_store_n(&run->columns, columns, __ATOMIC_RELEASE);
    return TCORE_OK;
}

void fold_seen(struct run *run, const struct worker *worker)
{
    size_t count = worker->columns == run->columns ? run->columns->projection.count
                                                   : run->select.where_columns[1];
    for (size_t c = 0; worker->seen && c < count; c++)
        run->columns->seen[c] |= worker->seen[c];
}

void free_columns(struct run *run)
{
    while (run->columns) {
        struct columns *before = run->columns->before;
        free_one(run->columns);
        run->columns = before;
    }
}
