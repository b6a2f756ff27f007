/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CSV, as --format=csv of other verbs: a row a record, columns by --fields, or those that the first
 * record has. Texts that a spreadsheet would take for a formula get an apostrophe.
 */
#include <config.h>

#include "cli/fields.h"
#include "cli/filter.h"
#include "cli/message.h"
#include "cli/rows.h"
#include "record/export/export.h"

struct csv {
    struct tcore_json json;
    struct cli_fields fields;
    struct cli_rows rows;
    bool begun;
};

static enum tcore_status add_row(struct csv *csv, const struct tcore_slice *text,
                                 struct tcore_buf *out, struct tcore_error *err)
{
    enum tcore_status status = tcore_json_parse(&csv->json, text->data, text->length, err);
    if (status != TCORE_OK)
        return status == TCORE_SKIP ? TCORE_FATAL : status;
    if (!csv->fields.asked && !csv->begun && !cli_fields_choose(&csv->fields, &csv->json))
        return tcore_error_nomem(err);
    if (!csv->fields.asked && csv->begun)
        cli_fields_look_beyond(&csv->fields, &csv->json);
    csv->begun = true;
    cli_fields_learn(&csv->fields, &csv->json);
    cli_rows_add(&csv->rows, &csv->fields, &csv->json, out);
    return tcore_buf_status(out, err);
}

static enum tcore_status add_rows(void *state, void *worker, const struct tcore_batch *batch,
                                  const uint32_t *rows, size_t count, struct tcore_buf *out,
                                  struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    (void)worker;
    for (size_t i = 0; i < count && status == TCORE_OK; i++)
        status = add_row(state, &batch->text[rows[i]], out, err);
    return status;
}

/* What was asked for has its heading even if nothing has come. */
static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct csv *csv = state;
    if (csv->fields.asked && !csv->begun)
        cli_rows_head(&csv->rows, &csv->fields, out);
    return tcore_buf_status(out, err);
}

static void note(struct csv *csv, struct cli *cli)
{
    for (size_t i = 0; csv->fields.asked && csv->begun && i < csv->fields.count; i++)
        if (!csv->fields.field[i].seen)
            cli_note_absent_field(cli, csv->fields.field[i].name,
                                  csv->fields.names_ready ? &csv->fields.names : NULL, false);
    cli_fields_note_left_out(&csv->fields, cli);
}

static int run(struct cli *cli, const struct export_options *options, int argc, char **argv)
{
    static const struct cli_operator operator= {
        .types = ((1u << TCORE_RECORD_TYPES) - 1) & ~(1u << TCORE_RECORD_CLOCK),
        .ordered = true,
        .open = cli_want_text,
        .batch = add_rows,
        .finish = finish,
    };
    struct csv csv = {.rows = {.format = CLI_ROWS_CSV, .terminal = export_is_shown(cli)}};
    int result = CLI_FAILED;
    if (options->fields.count && !cli_fields_ask(&csv.fields, &options->fields))
        cli_error(cli, "out of memory");
    else
        result = cli_filter(cli, &operator, & csv, argc, argv);
    if (result != CLI_USAGE)
        note(&csv, cli);
    tcore_json_free(&csv.json);
    cli_fields_free(&csv.fields);
    cli_rows_free(&csv.rows);
    return result;
}

const struct export_format export_csv = {"csv", run};
