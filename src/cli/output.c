/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * NDJSON that goes as it came is handed to the sink in one piece. Everything else looks at each
 * line: to count it, to keep some fields of it, to make a row or a binary record of it.
 */
#include <config.h>

#include "cli/output.h"

#include "base/sys.h"
#include "cli/fields.h"
#include "cli/message.h"
#include "cli/rows.h"
#include "cli/screen.h"
#include "cli/sink.h"
#include "cli/visible.h"
#include "stream/binary.h"

#include <string.h>

#define DRAIN_BYTES ((size_t)64 * 1024)

enum output_form {
    FORM_TEXT,   /* no records: a report */
    FORM_NDJSON, /* lines as they are */
    FORM_PICKED, /* NDJSON objects of --fields */
    FORM_ROWS,
    FORM_BINARY
};

struct cli_output {
    struct cli *cli;
    struct cli_sink sink;
    enum output_form form;
    int64_t left;         /* records until --limit; -1: no limit */
    bool ended;           /* no more is wanted */
    bool failed;          /* and this was reported */
    uint64_t records;     /* looked at one by one */
    struct tcore_buf out; /* made here, not yet in the sink */
    struct tcore_json json;
    struct cli_fields fields;
    struct cli_rows rows;
    struct tcore_binary_writer *binary;
};

/* --- Opening */

static int check_options(struct cli *cli)
{
    const struct cli_io_options *io = &cli->io;
    if (io->binary && strcmp(io->format, "ndjson") != 0)
        return cli_usage_error(cli, "-b and --format=%s exclude each other", io->format);
    if (io->binary && io->fields.count)
        return cli_usage_error(cli, "-b and --fields exclude each other");
    if (io->provenance && !io->binary)
        return cli_usage_error(cli, "--provenance goes with -b");
    return CLI_DONE;
}

static void choose_form(struct cli_output *output)
{
    const struct cli_io_options *io = &output->cli->io;
    bool records = output->cli->verb->groups & CLI_WRITES;
    struct cli_screen screen;
    cli_screen_look(&screen, output->cli);
    output->rows.ascii = !screen.unicode;
    output->rows.terminal = output->sink.terminal;
    output->rows.colour = output->sink.terminal && cli_colour_is_welcome();
    output->rows.usual = io->usual_fields;
    output->rows.line = io->usual_fields && output->sink.terminal ? screen.width : 0;
    if (!records)
        output->form = FORM_TEXT;
    else if (io->binary)
        output->form = FORM_BINARY;
    else if (strcmp(io->format, "ndjson") == 0)
        output->form = io->fields.count ? FORM_PICKED : FORM_NDJSON;
    else
        output->form = FORM_ROWS;
    output->rows.format = strcmp(io->format, "tsv") == 0   ? CLI_ROWS_TSV
                          : strcmp(io->format, "csv") == 0 ? CLI_ROWS_CSV
                                                           : CLI_ROWS_TABLE;
}

/* The command line as a shell would take it. */
static void append_command(struct tcore_buf *out, const struct cli *cli)
{
    for (int i = 0; i < cli->argc; i++) {
        const char *arg = cli->argv[i];
        bool plain = *arg && strspn(arg, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "0123456789%+,-./:=@_") == strlen(arg);
        tcore_buf_puts(out, i ? " " : "");
        tcore_buf_puts(out, plain ? "" : "'");
        for (; *arg; arg++) {
            if (*arg == '\'')
                tcore_buf_puts(out, "'\\'");
            tcore_buf_putc(out, *arg);
        }
        tcore_buf_puts(out, plain ? "" : "'");
    }
    tcore_buf_putc(out, '\0');
}

static bool fail(struct cli_output *output, const struct tcore_error *err)
{
    if (!output->failed)
        cli_report(output->cli, err);
    output->failed = output->ended = true;
    return false;
}

static bool out_of_memory(struct cli_output *output)
{
    struct tcore_error err;
    tcore_error_nomem(&err);
    return fail(output, &err);
}

static bool open_binary(struct cli_output *output)
{
    struct tcore_error err;
    struct tcore_buf command = {0};
    if (output->cli->io.provenance)
        append_command(&command, output->cli);
    if (command.failed)
        return out_of_memory(output);
    bool good =
        tcore_binary_writer_new(&output->binary, &output->out, command.data, &err) == TCORE_OK;
    tcore_buf_free(&command);
    return good || fail(output, &err);
}

static bool open_sink(struct cli_output *output)
{
    struct cli *cli = output->cli;
    const char *path = cli->io.output;
    bool opened = path && strcmp(path, "-") != 0 ? cli_sink_replace(&output->sink, cli, path)
                                                 : cli_sink_stdout(&output->sink, cli);
    if (!opened)
        return false;
    if (!cli->io.binary || !output->sink.terminal)
        return true;
    cli_usage_error(cli, "-b writes binary data, which is nothing for a terminal");
    return false;
}

struct cli_output *cli_output_open(struct cli *cli)
{
    if (check_options(cli) != CLI_DONE)
        return NULL;
    struct cli_output *output = tcore_calloc(1, sizeof *output);
    if (!output) {
        cli_error(cli, "out of memory");
        return NULL;
    }
    output->cli = cli;
    output->left = cli->io.limit;
    output->sink.fd = -1;
    if (open_sink(output)) {
        choose_form(output);
        bool good = output->form != FORM_BINARY || open_binary(output);
        if (good && cli->io.fields.count && !cli_fields_ask(&output->fields, &cli->io.fields))
            good = out_of_memory(output);
        if (good)
            return output;
    }
    cli_output_close(output, true);
    return NULL;
}

bool cli_output_is_terminal(const struct cli_output *output)
{
    return output->sink.terminal;
}

bool cli_output_has_colour(const struct cli_output *output)
{
    return output->rows.colour;
}

/* --- Records one by one */

static void append_picked(struct cli_output *output)
{
    struct tcore_buf *out = &output->out;
    bool first = true;
    tcore_buf_putc(out, '{');
    for (size_t i = 0; i < output->fields.count; i++) {
        struct cli_field *field = &output->fields.field[i];
        struct tcore_value value = cli_fields_get(field, &output->json);
        if (value.kind == TCORE_ABSENT)
            continue;
        tcore_buf_puts(out, first ? "" : ",");
        tcore_json_write_string(out, field->name, field->name_length);
        tcore_buf_putc(out, ':');
        tcore_json_write_value(out, &value);
        first = false;
    }
    tcore_buf_puts(out, "}\n");
}

static bool add_parsed(struct cli_output *output, const char *line, size_t length)
{
    struct tcore_error err;
    if (tcore_json_parse(&output->json, line, length, &err) != TCORE_OK)
        return fail(output, &err);
    bool first = !output->fields.asked && !output->fields.count;
    if (first && !cli_fields_choose(&output->fields, &output->json))
        return out_of_memory(output);
    if (!first && !output->fields.asked)
        cli_fields_look_beyond(&output->fields, &output->json);
    cli_fields_learn(&output->fields, &output->json);
    if (output->form == FORM_PICKED)
        append_picked(output);
    else
        cli_rows_add(&output->rows, &output->fields, &output->json, &output->out);
    return true;
}

static bool add_binary(struct cli_output *output, const char *line, size_t length)
{
    struct tcore_error err;
    return tcore_binary_writer_add(output->binary, line, length, &err) == TCORE_OK ||
           fail(output, &err);
}

/* What was made so far goes to the sink. */
static bool drain(struct cli_output *output)
{
    struct tcore_buf *out = &output->out;
    if (out->failed)
        return out_of_memory(output);
    bool taken;
    if (output->form == FORM_PICKED && output->sink.terminal &&
        !cli_is_visible(out->data, out->length, true)) {
        struct tcore_buf shown = {0};
        cli_visible(&shown, out->data, out->length, true);
        taken = cli_sink_write(&output->sink, shown.data, shown.length);
        tcore_buf_free(&shown);
    } else {
        taken = cli_sink_write(&output->sink, out->data, out->length);
    }
    tcore_buf_clear(out);
    output->ended |= !taken;
    return taken;
}

static bool add_records(struct cli_output *output, const char *lines, size_t length)
{
    const char *end = lines + length;
    while (lines < end && output->left != 0) {
        const char *newline = memchr(lines, '\n', (size_t)(end - lines));
        size_t line = (size_t)((newline ? newline : end) - lines);
        bool good = output->form == FORM_BINARY ? add_binary(output, lines, line)
                                                : add_parsed(output, lines, line);
        if (!good || (output->out.length >= DRAIN_BYTES && !drain(output)))
            return false;
        output->records++;
        output->left -= output->left > 0;
        lines += line + 1;
    }
    output->ended |= output->left == 0;
    return !output->ended;
}

/* --- Lines as they are */

/* How much of lines --limit leaves. */
static size_t within_limit(struct cli_output *output, const char *lines, size_t length)
{
    const char *end = lines + length;
    const char *at = lines;
    while (at < end && output->left > 0) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        at = newline ? newline + 1 : end;
        output->left--;
    }
    return (size_t)(at - lines);
}

static bool add_lines(struct cli_output *output, const char *lines, size_t length)
{
    if (output->form == FORM_NDJSON && output->left >= 0)
        length = within_limit(output, lines, length);
    bool taken;
    if (output->form == FORM_NDJSON && output->sink.terminal &&
        !cli_is_visible(lines, length, true)) {
        struct tcore_buf shown = {0};
        cli_visible(&shown, lines, length, true);
        taken = shown.failed ? out_of_memory(output)
                             : cli_sink_write(&output->sink, shown.data, shown.length);
        tcore_buf_free(&shown);
    } else {
        taken = cli_sink_write(&output->sink, lines, length);
    }
    output->ended |= !taken || (output->form == FORM_NDJSON && output->left == 0);
    return !output->ended;
}

bool cli_output_lines(struct cli_output *output, const char *lines, size_t length)
{
    if (output->ended)
        return false;
    if (output->form == FORM_TEXT || output->form == FORM_NDJSON)
        return add_lines(output, lines, length);
    return add_records(output, lines, length);
}

/* --- Rows that are made already */

bool cli_output_rows(struct cli_output *output, const char *rows, size_t length)
{
    if (output->ended)
        return false;
    if (!output->records && output->form == FORM_ROWS) {
        cli_rows_head(&output->rows, &output->fields, &output->out);
        if (!drain(output))
            return false;
    }
    for (size_t i = 0; i < output->fields.count; i++)
        output->fields.field[i].seen = true;
    if (output->left >= 0)
        length = within_limit(output, rows, length);
    output->records += length > 0;
    output->ended |= !cli_sink_write(&output->sink, rows, length) || output->left == 0;
    return !output->ended;
}

bool cli_output_text(struct cli_output *output, const char *text, size_t length)
{
    if (output->ended)
        return false;
    output->records++; /* a table gets no heading then */
    output->cli->io.usual_fields = true;
    output->ended |= !cli_sink_write(&output->sink, text, length);
    return !output->ended;
}

/* --- Blocks that are made already */

bool cli_output_takes_blocks(const struct cli_output *output)
{
    return output->form == FORM_BINARY && output->left < 0;
}

bool cli_output_blocks(struct cli_output *output, const char *blocks, size_t length,
                       uint64_t records)
{
    struct tcore_error err;
    if (output->ended)
        return false;
    if (tcore_binary_writer_flush(output->binary, &err) != TCORE_OK)
        return fail(output, &err);
    if (output->out.length && !drain(output))
        return false;
    output->records += records;
    output->ended |= !cli_sink_write(&output->sink, blocks, length);
    return !output->ended;
}

/* --- The end */

bool cli_output_flush(struct cli_output *output)
{
    struct tcore_error err;
    if (output->failed)
        return false;
    if (output->form == FORM_BINARY && tcore_binary_writer_flush(output->binary, &err) != TCORE_OK)
        return fail(output, &err);
    if (output->form == FORM_ROWS)
        cli_rows_flush(&output->rows, &output->fields, &output->out);
    bool taken = drain(output) && cli_sink_flush(&output->sink);
    output->ended |= !taken;
    return !output->ended;
}

/* Fields that were asked for and that nobody had. */
static void note_absent_fields(struct cli_output *output)
{
    struct cli_fields *fields = &output->fields;
    if (output->cli->io.usual_fields)
        return;
    for (size_t i = 0; fields->asked && output->records && i < fields->count; i++)
        if (!fields->field[i].seen)
            cli_note_absent_field(output->cli, fields->field[i].name,
                                  fields->names_ready ? &fields->names : NULL, false);
}

void cli_output_close(struct cli_output *output, bool discard)
{
    if (output->sink.fd >= 0 && (output->form != FORM_BINARY || output->binary)) {
        if (output->form == FORM_ROWS && output->fields.asked && !output->records && !discard)
            cli_rows_head(&output->rows, &output->fields, &output->out);
        cli_output_flush(output);
        note_absent_fields(output);
        cli_fields_note_left_out(&output->fields, output->cli);
    }
    cli_sink_close(&output->sink, discard || output->cli->failed);
    output->cli->reader_gone |= output->sink.reader_gone;
    tcore_binary_writer_free(output->binary);
    tcore_buf_free(&output->out);
    tcore_json_free(&output->json);
    cli_fields_free(&output->fields);
    cli_rows_free(&output->rows);
    tcore_free(output);
}
