/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/repository/matcher.h"

#include "cli/message.h"

#include <string.h>

bool matcher_is_given(const struct matcher_options *o)
{
    return o->where || o->since.set || o->until.set || o->types.count || o->services.count;
}

int matcher_check(struct cli *cli, const struct matcher_options *o)
{
    if (o->where && !o->where[strspn(o->where, " \t\n\r")])
        return cli_usage_error(cli, "--where is empty: name what a record must have");
    if (o->since.set && o->until.set && o->since.unix_ns > o->until.unix_ns)
        return cli_usage_error(cli, "--since is later than --until");
    return CLI_DONE;
}

static int open_where(struct matcher *m, struct cli *cli, struct tcore_projection *projection)
{
    struct cli with = *cli; /* which is asked for the expression */
    struct tcore_error err;
    with.io = m->io;
    int status = cli_select_types(&with, &m->types);
    if (status == CLI_DONE)
        status = cli_select_where(&m->select, &with, projection);
    cli->failed = with.failed;
    cli->usage_error = with.usage_error;
    if (status != CLI_DONE || !m->select.where)
        return status;
    if (tcore_expr_state_new(&m->state, m->select.where, &err) == TCORE_OK)
        return CLI_DONE;
    cli_report(cli, &err);
    return CLI_FAILED;
}

int matcher_open(struct matcher *m, struct cli *cli, const struct matcher_options *o,
                 struct tcore_projection *projection)
{
    static const struct tcore_path_key service = {"service", sizeof "service" - 1};
    struct tcore_error err;
    m->io.where = o->where;
    m->io.types = o->types;
    m->io.since = o->since;
    m->io.until = o->until;
    m->services = o->services;
    m->select.io = &m->io;
    int exit_status = open_where(m, cli, projection);
    if (exit_status != CLI_DONE)
        return exit_status;
    enum tcore_status status = cli_select_times(&m->select, false, projection, &err);
    if (status == TCORE_OK)
        status = tcore_projection_add_path(projection, &service, 1, &m->service, &err);
    if (status == TCORE_OK)
        return CLI_DONE;
    cli_report(cli, &err);
    return CLI_FAILED;
}

void matcher_close(struct matcher *m)
{
    tcore_expr_state_free(m->state);
    m->state = NULL;
    cli_select_free(&m->select);
}

static bool is_of_service(const struct matcher *m, const struct tcore_batch *batch, size_t row)
{
    struct tcore_value value = tcore_column_get(&batch->columns[m->service], row);
    for (size_t i = 0; i < m->services.count && value.kind == TCORE_STRING; i++)
        if (strlen(m->services.item[i]) == value.len &&
            !memcmp(m->services.item[i], value.s, value.len))
            return true;
    return !m->services.count;
}

enum tcore_status matcher_rows(struct matcher *m, const struct tcore_batch *batch, uint32_t *rows,
                               size_t *count, struct tcore_error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        uint32_t row = rows[i];
        if ((!m->types || m->types >> batch->types[row] & 1) && is_of_service(m, batch, row))
            rows[kept++] = row;
    }
    *count = kept;
    return kept ? cli_select_rows(&m->select, m->state, batch, rows, count, &m->left_out, err)
                : TCORE_OK;
}
