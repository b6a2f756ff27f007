/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the options ask for, before the first record and after the last. */
#include <config.h>

#include "cli/select.h"

#include "cli/helper.h"
#include "cli/message.h"

#include <inttypes.h>
#include <string.h>

static int unknown_type(struct cli *cli, const char *name)
{
    const char *names[TCORE_RECORD_TYPES + 1];
    size_t count = 0;
    for (int type = TCORE_RECORD_SPAN; type < TCORE_RECORD_OTHER; type++)
        names[count++] = tcore_record_type_name((enum tcore_record_type)type);
    names[count] = NULL;
    const char *nearest = cli_nearest(name, names);
    if (nearest)
        return cli_usage_error(cli, "--type: '%s' is no record type: did you mean %s?", name,
                               nearest);
    return cli_usage_error(cli, "--type: '%s' is no record type", name);
}

int cli_select_types(struct cli *cli, unsigned *types)
{
    const struct cli_strings *named = &cli->io.types;
    *types = 0;
    for (size_t i = 0; i < named->count; i++) {
        const char *name = named->item[i];
        enum tcore_record_type type = tcore_record_type_find(name, strlen(name));
        if (type == TCORE_RECORD_OTHER && strcmp(name, "other") != 0)
            return unknown_type(cli, name);
        *types |= 1u << type;
    }
    return CLI_DONE;
}

int cli_select_where(struct cli_select *select, struct cli *cli,
                     struct tcore_projection *projection)
{
    struct tcore_error err;
    struct cli_helper_path helper;
    struct tcore_expr_options options = {.helper = cli_helper_path(&helper, "tracecore-jq")};
    if (!cli->io.where)
        return CLI_DONE;
    select->where_columns[0] = projection->count;
    enum tcore_status status =
        tcore_expr_compile(&select->where, cli->io.where, &options, projection, &err);
    select->where_columns[1] = projection->count;
    if (status == TCORE_OK && tcore_expr_rounds_times(select->where))
        cli_note(cli, "--where: this runs in libjq, where times are exact to about 256 ns only");
    if (status == TCORE_OK)
        return CLI_DONE;
    err.input = "--where";
    cli_report(cli, &err);
    if (status != TCORE_BAD_INPUT)
        return CLI_FAILED;
    cli->usage_error = true;
    return CLI_USAGE;
}

static enum tcore_status add_column(struct tcore_projection *projection, const char *name,
                                    size_t *column, struct tcore_error *err)
{
    struct tcore_path_key key = {name, strlen(name)};
    return tcore_projection_add_path(projection, &key, 1, column, err);
}

enum tcore_status cli_select_times(struct cli_select *select, bool clocks,
                                   struct tcore_projection *projection, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    select->timed = select->io->since.set || select->io->until.set;
    if (select->timed)
        status = add_column(projection, "startTimeUnixNano", &select->start, err);
    if (status == TCORE_OK && select->timed)
        status = add_column(projection, "windowStartUnixNano", &select->window_start, err);
    if (status == TCORE_OK && (select->timed || clocks))
        status = add_column(projection, "timeUnixNano", &select->time, err);
    return status;
}

void cli_select_free(struct cli_select *select)
{
    tcore_expr_free(select->where);
    select->where = NULL;
}

void cli_select_note(struct cli *cli, const struct cli_left_out *left_out, const char *reason)
{
    if (left_out->untimed)
        cli_note(cli, "%" PRIu64 " record%s without a time left out by --since or --until",
                 left_out->untimed, left_out->untimed == 1 ? "" : "s");
    if (left_out->failed)
        cli_note(cli, "--where failed on %" PRIu64 " record%s, taken as false%s%s",
                 left_out->failed, left_out->failed == 1 ? "" : "s", reason ? ": " : "",
                 reason ? reason : "");
}
