/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What import's options for selecting ask for. */
#include <config.h>

#include "record/import_select.h"

#include "base/sys.h"
#include "cli/helper.h"
#include "cli/message.h"

#include <string.h>

static int choose_types(struct import_select *s, struct cli *cli)
{
    const struct cli_strings *types = &cli->io.types;
    s->types = types->count ? 1u << TCORE_RECORD_CLOCK : ~0u;
    for (size_t i = 0; i < types->count; i++) {
        const char *name = types->item[i];
        enum tcore_record_type type = tcore_record_type_find(name, strlen(name));
        if (type == TCORE_RECORD_OTHER && strcmp(name, "other") != 0)
            return cli_usage_error(cli, "--type: '%s' is no record type", name);
        s->types |= 1u << type;
    }
    return CLI_DONE;
}

static int compile_where(struct import_select *s, struct cli *cli)
{
    struct tcore_error err;
    struct cli_helper_path helper;
    struct tcore_expr_options options = {.helper = cli_helper_path(&helper, "trace-jq")};
    if (!cli->io.where)
        return CLI_DONE;
    enum tcore_status status =
        tcore_expr_compile(&s->where, cli->io.where, &options, &s->projection, &err);
    if (status == TCORE_OK)
        return CLI_DONE;
    err.input = "--where";
    cli_report(cli, &err);
    if (status != TCORE_BAD_INPUT)
        return CLI_FAILED;
    cli->usage_error = true;
    return CLI_USAGE;
}

static enum tcore_status add_column(struct import_select *s, const char *name, size_t *column,
                                    struct tcore_error *err)
{
    struct tcore_path_key key = {name, strlen(name)};
    return tcore_projection_add_path(&s->projection, &key, 1, column, err);
}

static int choose_columns(struct import_select *s, struct cli *cli)
{
    struct tcore_error err;
    s->projection.text = true;
    s->timed = cli->io.since.set || cli->io.until.set;
    if (!s->timed || (add_column(s, "startTimeUnixNano", &s->start, &err) == TCORE_OK &&
                      add_column(s, "timeUnixNano", &s->time, &err) == TCORE_OK &&
                      add_column(s, "windowStartUnixNano", &s->window_start, &err) == TCORE_OK))
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
    s->io = io;
    pthread_mutex_init(&s->lock, NULL);
    int status = choose_types(s, cli);
    if (status == CLI_DONE)
        status = compile_where(s, cli);
    if (status == CLI_DONE)
        status = choose_columns(s, cli);
    if (status != CLI_DONE) {
        import_select_free(s);
        return status;
    }
    *select = s;
    return CLI_DONE;
}

void import_select_free(struct import_select *s)
{
    if (!s)
        return;
    if (s->where)
        tcore_expr_free(s->where);
    tcore_projection_free(&s->projection);
    pthread_mutex_destroy(&s->lock);
    tcore_free(s);
}

void import_select_note(const struct import_select *s, struct cli *cli)
{
    if (s && s->untimed)
        cli_note(cli, "%llu record%s without a time left out by --since or --until",
                 (unsigned long long)s->untimed, s->untimed == 1 ? "" : "s");
    if (s && s->failed)
        cli_note(cli, "--where failed on %llu record%s, taken as false%s%s",
                 (unsigned long long)s->failed, s->failed == 1 ? "" : "s", *s->reason ? ": " : "",
                 s->reason);
}
