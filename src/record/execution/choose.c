/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/execution/choose.h"

#include "base/sys.h"
#include "cli/message.h"

int execution_choice_open(struct execution_choice *choice, struct cli *cli)
{
    const struct tcore_input_options options = {.single = true};
    struct tcore_error err;
    *choice = (struct execution_choice){.io = {.where = cli->io.where}};
    choice->select.io = &choice->io;
    choice->projection.text = true;
    int exit_status = cli_select_where(&choice->select, cli, &choice->projection);
    cli->io.where = NULL;
    if (exit_status != CLI_DONE || !choice->select.where)
        return exit_status;
    enum tcore_status status =
        tcore_decoder_new(&choice->decoder, &choice->projection, &options, &err);
    if (status == TCORE_OK)
        status = tcore_expr_state_new(&choice->state, choice->select.where, &err);
    if (status == TCORE_OK)
        return CLI_DONE;
    cli_report(cli, &err);
    return CLI_FAILED;
}

static enum tcore_status take(struct execution_choice *choice, const struct tcore_batch *batch,
                              struct tcore_buf *out, struct tcore_error *err)
{
    size_t count = batch->rows;
    uint32_t *rows = tcore_reallocarray(NULL, count + 1, sizeof(*rows));
    if (!rows)
        return tcore_error_nomem(err);
    for (size_t i = 0; i < count; i++)
        rows[i] = (uint32_t)i;
    enum tcore_status status = cli_select_rows(&choice->select, choice->state, batch, rows, &count,
                                               &choice->left_out, err);
    for (size_t i = 0; status == TCORE_OK && i < count; i++) {
        tcore_buf_append(out, batch->text[rows[i]].data, batch->text[rows[i]].length);
        tcore_buf_putc(out, '\n');
    }
    tcore_free(rows);
    return status == TCORE_OK ? tcore_buf_status(out, err) : status;
}

enum tcore_status execution_choice_take(struct execution_choice *choice, struct tcore_buf *lines,
                                        struct tcore_buf *out, struct tcore_error *err)
{
    const struct tcore_batch *batch;
    enum tcore_status status = tcore_buf_status(lines, err);
    if (status == TCORE_OK && !choice->decoder) {
        tcore_buf_append(out, lines->data, lines->length);
        status = tcore_buf_status(out, err);
    } else if (status == TCORE_OK && lines->length) {
        struct tcore_chunk chunk = {.data = lines->data, .length = lines->length, .lines = true};
        status = tcore_decoder_decode(choice->decoder, TCORE_FORMAT_NDJSON, &chunk, &batch, err);
        if (status == TCORE_OK)
            status = take(choice, batch, out, err);
    }
    tcore_buf_clear(lines);
    return status;
}

void execution_choice_close(struct execution_choice *choice, struct cli *cli)
{
    const char *reason = choice->state ? tcore_expr_state_reason(choice->state) : NULL;
    cli_select_note(cli, &choice->left_out, reason);
    tcore_expr_state_free(choice->state);
    tcore_decoder_free(choice->decoder);
    cli_select_free(&choice->select);
    tcore_projection_free(&choice->projection);
}
