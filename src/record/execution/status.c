/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record status: one execution as an ExecutionTrace, or its metrics. */
#include <config.h>

#include "cli/filter.h"
#include "cli/ids.h"
#include "cli/message.h"
#include "record/destination.h"
#include "record/execution/status_records.h"
#include "record/verbs.h"

#include <string.h>

struct options {
    bool metrics;
};

struct status {
    const struct options *o;
    struct status_records records;
    uint8_t trace[1][16];
    enum tcore_status told; /* TCORE_SKIP: there is no such execution, as the error says */
    struct tcore_error err;
};

/* --- The trace of an execution that is named by its own digits only */

static enum tcore_status find_trace(void *state, void *worker, const struct tcore_batch *batch,
                                    const uint32_t *rows, size_t count, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    struct status_records *records = &((struct status *)state)->records;
    struct tcore_json *json = &records->json;
    (void)worker;
    (void)out;
    for (size_t i = 0; i < count; i++) {
        const struct tcore_slice *text = &batch->text[rows[i]];
        if (!memmem(text->data, text->length, records->span_id, TCORE_SPAN_ID))
            continue;
        enum tcore_status status = tcore_json_parse(json, text->data, text->length, err);
        if (status == TCORE_FATAL)
            return status;
        const struct tcore_value *trace = execution_member(json, "traceId");
        if (status != TCORE_OK || trace->kind != TCORE_STRING || trace->len != TCORE_TRACE_ID ||
            !tcore_value_is_text(execution_member(json, "executionId"), records->span_id))
            continue;
        memcpy(records->trace_id, trace->s, TCORE_TRACE_ID);
        return TCORE_EOF;
    }
    return TCORE_OK;
}

static int look_for_trace(struct cli *cli, struct status *status, int count, char **inputs)
{
    static const struct cli_operator operator= {
        .types = 1u << TCORE_RECORD_EXECUTION,
        .silent = true,
        .sifts = true,
        .ordered = true,
        .open = cli_want_text,
        .batch = find_trace,
    };
    for (int i = 0; i < count; i++)
        if (strcmp(inputs[i], "-") == 0)
            return cli_usage_error(cli,
                                   "standard input is read once, and where the trace of %s "
                                   "is: give what start printed, or the trace's 32 digits",
                                   status->records.span_id);
    return cli_filter(cli, &operator, status, count, inputs);
}

/* --- The records of the trace */

static const uint8_t (*trace_ids(void *state, size_t *count))[16]
{
    struct status *status = state;
    *count = *status->records.trace_id != '\0';
    tcore_id_bytes(status->records.trace_id, status->trace[0], sizeof(status->trace[0]));
    return (const uint8_t(*)[16])status->trace;
}

static enum tcore_status keep(void *state, void *worker, const struct tcore_batch *batch,
                              const uint32_t *rows, size_t count, struct tcore_buf *out,
                              struct tcore_error *err)
{
    struct status_records *records = &((struct status *)state)->records;
    enum tcore_status status = TCORE_OK;
    (void)worker;
    (void)out;
    for (size_t i = 0; i < count && status == TCORE_OK; i++)
        status = status_records_add(records, (enum tcore_record_type)batch->types[rows[i]],
                                    &batch->text[rows[i]], err);
    return status;
}

static enum tcore_status tell(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct status *status = state;
    struct status_records *records = &status->records;
    if (!*records->span_id && !status_records_choose(records))
        status->told =
            tcore_error_set(&status->err, TCORE_SKIP, "no execution of trace %s was started there",
                            records->trace_id);
    else
        status->told = status->o->metrics ? status_put_metrics(records, out, &status->err)
                                          : status_put_trace(records, out, &status->err);
    if (status->told == TCORE_SKIP || status->told == TCORE_OK)
        return TCORE_OK;
    *err = status->err;
    return status->told;
}

static int read_trace(struct cli *cli, struct status *status, int count, char **inputs)
{
    static const struct cli_operator operator= {
        .types = STATUS_TYPES,
        .sifts = true,
        .ordered = true,
        .open = cli_want_text,
        .batch = keep,
        .trace_ids = trace_ids,
        .finish = tell,
    };
    int exit_status = cli_filter(cli, &operator, status, count, inputs);
    if (status->told != TCORE_SKIP || cli->failed || exit_status == CLI_USAGE)
        return exit_status;
    cli_error(cli, "%s%s%s", count == 1 ? inputs[0] : "", count == 1 ? ": " : "", status->err.text);
    return cli_exit_status(cli, false);
}

/* --- The verb */

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    struct status status = {.o = options};
    struct cli_id id;
    char *standard[] = {(char *)(uintptr_t)destination_of(NULL, NULL).path};
    char **inputs = argc > 1 ? argv + 1 : standard;
    int count = argc > 1 ? argc - 1 : 1, exit_status = CLI_DONE;
    if (!argc)
        return cli_usage_error(cli, "ID is missing");
    if (!cli_parse_id(argv[0], &id))
        return cli_usage_error(cli,
                               "'%.100s' is no ID: give what start printed, its 16 digits, or the "
                               "trace's 32",
                               argv[0]);
    if (status_records_init(&status.records, &status.err) != TCORE_OK) {
        cli_report(cli, &status.err);
        exit_status = CLI_FAILED;
    }
    memcpy(status.records.span_id, id.span_id, sizeof(id.span_id));
    if (strlen(argv[0]) != TCORE_SPAN_ID)
        memcpy(status.records.trace_id, id.trace_id, sizeof(id.trace_id));
    else if (exit_status == CLI_DONE)
        exit_status = look_for_trace(cli, &status, count, inputs);
    if (exit_status == CLI_DONE || exit_status == CLI_REJECTED)
        exit_status = read_trace(cli, &status, count, inputs);
    status_records_free(&status.records);
    return exit_status;
}

static const struct cli_option options[] = {
    {0, "metrics", CLI_FLAG, offsetof(struct options, metrics), NULL,
     "print the metrics of the execution and of what ran within it, as they are", NULL},
};

const struct cli_verb status_verb = {
    .name = "status",
    .summary = "Tell of one execution all that is known.",
    .operands = "ID [INPUT]...",
    .description =
        "ID is what start printed, its 16 digits, or the 32 of a trace, whose first execution is\n"
        "meant. The answer is an ExecutionTrace, see tracecore-record(5): status, timeline,\n"
        "resources, spans and executions within. Without INPUT, $TRACE_TO is read, else\n"
        "trace.ndjson.\n"
        "\n"
        "Examples:\n"
        "  trace-record status \"$id\" | jq .status\n"
        "  trace-record status \"$id\" --metrics repo | trace-agg --stat=max\n",
    .groups = CLI_READS | CLI_WRITES,
    .options = options,
    .option_count = sizeof(options) / sizeof(*options),
    .options_size = sizeof(struct options),
    .run = run,
};
