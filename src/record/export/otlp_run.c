/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * OTLP as the Collector's file exporter writes it: a line, or a message with its length in four
 * bytes before it, for each batch of spans, metrics or logs.
 */
#include <config.h>

#include "cli/message.h"
#include "record/export/export.h"
#include "record/export/otlp_stream.h"

#define BATCH_RECORDS 8192 /* the Collector's batch processor */
#define BATCH_BYTES   ((size_t)4 * 1024 * 1024)
#define BATCH_AGE_NS  ((int64_t)1000 * 1000 * 1000)

struct otlp_export {
    struct otlp_stream stream;
    bool unframed, shown;
    unsigned signals; /* bits of those that were written */
};

static void put_length(struct tcore_buf *out, size_t length)
{
    const char big_endian[4] = {(char)(length >> 24), (char)(length >> 16), (char)(length >> 8),
                                (char)length};
    tcore_buf_append(out, big_endian, sizeof big_endian);
}

static enum tcore_status emit(void *state, const struct otlp_message *message,
                              struct tcore_buf *out, struct tcore_error *err)
{
    struct otlp_export *e = state;
    const struct tcore_buf *data = &message->data;
    e->signals |= 1u << message->signal;
    if (!e->stream.protobuf) {
        export_show(out, data->data, data->length, e->shown);
        tcore_buf_putc(out, '\n');
        return tcore_buf_status(out, err);
    }
    if (e->unframed && (e->signals & (e->signals - 1)))
        return tcore_error_set(err, TCORE_FATAL,
                               "a message without a length has one type of records: choose it "
                               "with --type");
    if (data->length > UINT32_MAX)
        return tcore_error_set(err, TCORE_FATAL, "a message of more than 4 GiB");
    if (!e->unframed)
        put_length(out, data->length);
    tcore_buf_append(out, data->data, data->length);
    return tcore_buf_status(out, err);
}

static int run_otlp(struct cli *cli, const struct export_options *options, bool protobuf, int argc,
                    char **argv)
{
    struct otlp_export e = {
        .stream = {.protobuf = protobuf,
                   .most_records = BATCH_RECORDS,
                   .most_bytes = BATCH_BYTES,
                   .emit = emit},
        .unframed = options->unframed,
        .shown = export_is_shown(cli),
    };
    if (protobuf && e.shown)
        return cli_usage_error(cli, "otlp-proto is binary data, which is nothing for a terminal");
    if (export_may_wait(argc, argv))
        e.stream.most_age_ns = BATCH_AGE_NS;
    if (!cli->io.idle_ns)
        cli->io.idle_ns = OTLP_STREAM_IDLE_NS;
    int result = CLI_FAILED;
    if (otlp_stream_open(&e.stream, cli))
        result = cli_filter(cli, &otlp_stream_operator, &e, argc, argv);
    otlp_stream_note(&e.stream, cli);
    otlp_stream_free(&e.stream);
    return result;
}

static int run_json(struct cli *cli, const struct export_options *options, int argc, char **argv)
{
    return run_otlp(cli, options, false, argc, argv);
}

static int run_protobuf(struct cli *cli, const struct export_options *options, int argc,
                        char **argv)
{
    return run_otlp(cli, options, true, argc, argv);
}

const struct export_format export_otlp_json = {"otlp", run_json};
const struct export_format export_otlp_protobuf = {"otlp-proto", run_protobuf};
