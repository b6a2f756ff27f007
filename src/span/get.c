/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-span get: the records of some traces, or one span, byte for byte. What belongs to a trace
 * says so in traceId, metrics in context.traceId.
 */
#include <config.h>

#include "base/map.h"
#include "base/sys.h"
#include "cli/filter.h"
#include "cli/ids.h"
#include "cli/message.h"
#include "cli/table.h"
#include "span/get_details.h"
#include "span/verbs.h"

#include <string.h>

struct get_options {
    const char *span;
    bool details;
};

struct get {
    struct cli *cli;
    struct tcore_map traces; /* empty: any */
    const char *span_id;     /* NULL: any */
    size_t trace_column, context_trace_column, span_column, context_span_column, execution_column;
    uint8_t (*ids)[16]; /* of the traces, as bytes; owned */
    bool found;         /* atomic */
    bool *found_trace;  /* by number in traces; owned, atomic */
};

/* --- The filter */

static enum tcore_status add_column(struct tcore_projection *projection, const char *first,
                                    const char *second, size_t *column, enum tcore_status status,
                                    struct tcore_error *err)
{
    struct tcore_path_key keys[] = {{first, strlen(first)}, {second, second ? strlen(second) : 0}};
    return status ? status
                  : tcore_projection_add_path(projection, keys, second ? 2 : 1, column, err);
}

static enum tcore_status open_columns(void *state, struct tcore_projection *projection,
                                      struct tcore_error *err)
{
    struct get *get = state;
    enum tcore_status status = TCORE_OK;
    status = add_column(projection, "traceId", NULL, &get->trace_column, status, err);
    status = add_column(projection, "context", "traceId", &get->context_trace_column, status, err);
    if (!get->span_id)
        return status;
    status = add_column(projection, "spanId", NULL, &get->span_column, status, err);
    status = add_column(projection, "executionId", NULL, &get->execution_column, status, err);
    return add_column(projection, "context", "spanId", &get->context_span_column, status, err);
}

/* An id of a record in its canonical form; false: it has none. */
static bool read_id(const struct tcore_batch *batch, size_t column, uint32_t row,
                    enum tcore_id_class id, char *digits)
{
    struct tcore_value value = tcore_column_get(&batch->columns[column], row);
    return value.kind == TCORE_STRING &&
           tcore_id_normalise(id, value.s, value.len, digits) != TCORE_ID_ZERO;
}

/* *trace: its number in get->traces, if there are any. */
static bool is_wanted(const struct get *get, const struct tcore_batch *batch, uint32_t row,
                      uint32_t *trace)
{
    char trace_id[TCORE_TRACE_ID], span_id[TCORE_SPAN_ID];
    bool metric = batch->types[row] == TCORE_RECORD_METRIC;
    size_t trace_column = metric ? get->context_trace_column : get->trace_column;
    if (get->traces.count &&
        (!read_id(batch, trace_column, row, TCORE_TRACE_ID, trace_id) ||
         (*trace = tcore_map_find(&get->traces, trace_id, sizeof trace_id)) == TCORE_MAP_NONE))
        return false;
    if (!get->span_id)
        return true;
    size_t span_column = metric ? get->context_span_column : get->span_column;
    if (batch->types[row] == TCORE_RECORD_EXECUTION)
        span_column = get->execution_column;
    return read_id(batch, span_column, row, TCORE_SPAN_ID, span_id) &&
           !memcmp(span_id, get->span_id, sizeof span_id);
}

static void select_rows(void *state, const struct tcore_batch *batch, uint32_t *rows, size_t *count)
{
    struct get *get = state;
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        uint32_t trace = 0;
        if (!is_wanted(get, batch, rows[i], &trace))
            continue;
        if (get->traces.count)
            __atomic_store_n(&get->found_trace[trace], true, __ATOMIC_RELAXED);
        __atomic_store_n(&get->found, true, __ATOMIC_RELAXED);
        rows[kept++] = rows[i];
    }
    *count = kept;
}

/* --- The verb */

static bool add_traces(struct get *get, int count, char **ids)
{
    struct cli_id id;
    if (tcore_map_init(&get->traces) != 0)
        return false;
    for (int i = 0; i < count; i++)
        if (!cli_parse_id(ids[i], &id) ||
            tcore_map_intern(&get->traces, id.trace_id, TCORE_TRACE_ID, NULL) == TCORE_MAP_NONE)
            return false;
    get->found_trace = tcore_calloc((size_t)count + 1, sizeof *get->found_trace);
    get->ids = tcore_calloc((size_t)count + 1, sizeof *get->ids);
    for (uint32_t i = 0; get->ids && i < get->traces.count; i++)
        tcore_id_bytes(get->traces.keys[i].data, get->ids[i], sizeof get->ids[i]);
    return get->found_trace && get->ids;
}

static void note_missing(const struct get *get)
{
    for (uint32_t i = 0; i < get->traces.count; i++)
        if (!get->found_trace[i])
            cli_note(get->cli, "no record of trace %.*s%s%s is in the input", TCORE_TRACE_ID,
                     (const char *)get->traces.keys[i].data, get->span_id ? " and span " : "",
                     get->span_id ? get->span_id : "");
    if (!get->traces.count && !get->found)
        cli_note(get->cli, "no record of span %s is in the input", get->span_id);
}

static const uint8_t (*trace_ids(void *state, size_t *count))[16]
{
    const struct get *get = state;
    *count = get->traces.count;
    return (const uint8_t(*)[16])get->ids;
}

static int get_records(struct get *get, int count, char **inputs)
{
    static const struct cli_operator selecting = {
        .types = 1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_TRACE | 1u << TCORE_RECORD_LOG |
                 1u << TCORE_RECORD_METRIC | 1u << TCORE_RECORD_EXECUTION,
        .open = open_columns,
        .passes_text = true,
        .select = select_rows,
        .trace_ids = trace_ids,
    };
    int status = cli_filter(get->cli, &selecting, get, count, inputs);
    if (status != CLI_DONE && status != CLI_REJECTED)
        return status;
    if (!get->cli->reader_gone)
        note_missing(get);
    return get->found ? status : CLI_FOUND;
}

/* A page of text: on a terminal, or where a table of the details is asked for. */
static bool is_for_people(const struct cli *cli, const struct get_options *options)
{
    if (cli->io.fields.count)
        return false;
    return cli_is_for_people(&cli->io) ||
           (options->details && strcmp(cli->io.format, "table") == 0);
}

static int run(struct cli *cli, void *verb_options, int argc, char **argv)
{
    const struct get_options *options = verb_options;
    struct get get = {.cli = cli};
    struct cli_id span;
    int ids = cli_ids_first(argc, argv);
    if (options->span) {
        if (!cli_parse_id(options->span, &span) || !*span.span_id)
            return cli_usage_error(cli, "--span: '%s' is no span id of 16 digits", options->span);
        get.span_id = span.span_id;
    }
    if (!ids && !options->span)
        return cli_usage_error(
            cli, argc ? "get: '%s' is no trace id of 32 or 16 digits" : "get needs a TRACEID",
            argc ? argv[0] : "");
    int status = CLI_FAILED;
    if (options->details && !options->span)
        return cli_usage_error(cli, "--details needs --span=ID");
    if (!cli_check_inputs(cli, argc - ids, argv + ids))
        return status;
    if (get.span_id && is_for_people(cli, options))
        return get_details(cli, get.span_id, ids, argc, argv, true);
    if (options->details)
        return get_details(cli, get.span_id, ids, argc, argv, false);
    if (add_traces(&get, ids, argv))
        status = get_records(&get, argc - ids, argv + ids);
    else
        cli_error(cli, "out of memory");
    tcore_map_free(&get.traces);
    tcore_free(get.found_trace);
    tcore_free(get.ids);
    return status;
}

static const struct cli_option options[] = {
    {0, "span", CLI_STRING, offsetof(struct get_options, span), "ID", "only records of this span",
     NULL},
    {0, "details", CLI_FLAG, offsetof(struct get_options, details), NULL,
     "with --span: the span with its parent, children, siblings, self time, place on the critical "
     "path and logs, as one record",
     NULL},
};

static const struct cli_exit_meaning exits[] = {{"1", "there was none of what was named"}, {0}};

const struct cli_verb span_get = {
    .name = "get",
    .summary = "Print the records of traces, or one span.",
    .operands = "TRACEID... [INPUT]...",
    .description =
        "A TRACEID is 32 or 16 hexadecimal digits, or a traceparent. Spans, logs, metrics, "
        "executions and assembled traces are looked at, and printed as they are; --type says "
        "which. With --span the TRACEID may be left out. The exit status is 1 if there was none.\n"
        "\n"
        "--details adds a member details to the span, and needs its whole trace. On a terminal, "
        "or with --format=table, it is a page of text; --span alone gives it there, too.\n"
        "\n"
        "Examples:\n"
        "  trace-span get 5b8efff798038103d269b633813fc60c spans.ndjson\n"
        "  trace-span get --span=eee19b7ec3c1b174 spans.ndjson\n"
        "  trace-span get --span=eee19b7ec3c1b174 --details repo | jq .details\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = "--details: use a temporary file beyond this (default 1G)",
    .exits = exits,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct get_options),
    .run = run,
};
