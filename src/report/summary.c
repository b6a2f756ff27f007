/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-report summary: what is in the input, on one page. Workers gather on their own and are
 * merged; then the view writes a document, and a renderer makes text of it.
 */
#include <config.h>

#include "cli/filter.h"
#include "cli/message.h"
#include "report/render.h"
#include "report/summary_data.h"
#include "report/verbs.h"
#include "report/unfold.h"
#include "report/view_summary.h"

#include "base/sys.h"

#include <stddef.h>
#include <string.h>

#define MEMORY_DEFAULT  ((int64_t)256 << 20)
#define BYTES_A_TRACE   192 /* a table at its fullest, while it grows */
#define TRACES_AT_LEAST 1024

struct summary_options {
    const char *format;
    int64_t top;
};

struct summary {
    struct cli *cli;
    struct summary_columns columns;
    const struct tcore_projection *projection;
    size_t spans_column; /* of a trace record */
    struct summary_data total;
    size_t trace_limit;
    unsigned types;
    struct page page;
    const struct summary_options *options;
};

/* What one thread works with. */
struct part {
    struct summary_data data;
    struct unfold unfold;
};

static enum tcore_status open_columns(void *state, struct tcore_projection *projection,
                                      struct tcore_error *err)
{
    struct summary *summary = state;
    summary->projection = projection;
    enum tcore_status status = summary_project(&summary->columns, projection, summary->types, err);
    return status ? status : unfold_project(projection, &summary->spans_column, err);
}

static enum tcore_status open_worker(void *state, void **worker, struct tcore_error *err)
{
    const struct summary *summary = state;
    struct part *part = *worker = tcore_calloc(1, sizeof *part);
    if (!part)
        return tcore_error_nomem(err);
    part->unfold.projection = summary->projection;
    part->unfold.column = summary->spans_column;
    enum tcore_status status = summary_open(&part->data, summary->trace_limit, err);
    if (status) {
        summary_free(&part->data);
        tcore_free(part);
        *worker = NULL;
    }
    return status;
}

/* The spans of the traces among the rows, as if they had come by themselves. */
static enum tcore_status add_traces(const struct summary *summary, struct part *part,
                                    const struct tcore_batch *batch, const uint32_t *rows,
                                    size_t count, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    for (size_t i = 0; i < count && !status; i++) {
        const struct tcore_batch *spans;
        size_t span_count;
        if (batch->types[rows[i]] != TCORE_RECORD_TRACE)
            continue;
        status = unfold_trace(&part->unfold, batch, rows[i], &spans, &span_count, err);
        part->data.spanless += !status && !span_count;
        if (!status && span_count)
            status = summary_add(&part->data, &summary->columns, spans, part->unfold.rows,
                                 span_count, err);
    }
    return status;
}

static enum tcore_status add_batch(void *state, void *worker, const struct tcore_batch *batch,
                                   const uint32_t *rows, size_t count, struct tcore_buf *out,
                                   struct tcore_error *err)
{
    const struct summary *summary = state;
    struct part *part = worker;
    (void)out;
    enum tcore_status status = summary_add(&part->data, &summary->columns, batch, rows, count, err);
    return status ? status : add_traces(summary, part, batch, rows, count, err);
}

static enum tcore_status close_worker(void *state, void *worker, struct tcore_error *err)
{
    struct summary *summary = state;
    struct part *part = worker;
    enum tcore_status status = summary_merge(&summary->total, &part->data, err);
    summary_free(&part->data);
    unfold_free(&part->unfold);
    tcore_free(part);
    return status;
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct summary *summary = state;
    struct document document = {0};
    enum tcore_status status =
        view_summary(&document, &summary->total, (size_t)summary->options->top, err);
    if (!status)
        renderer_find(summary->options->format)->render(&document, &summary->page, out);
    document_free(&document);
    return status ? status : tcore_buf_status(out, err);
}

static unsigned types_wanted(const struct cli *cli, unsigned ours)
{
    unsigned named = 0;
    for (size_t i = 0; i < cli->io.types.count; i++)
        named |= 1u << tcore_record_type_find(cli->io.types.item[i], strlen(cli->io.types.item[i]));
    if (named & 1u << TCORE_RECORD_TRACE)
        named |= 1u << TCORE_RECORD_SPAN; /* the columns that their spans have */
    return named & ours ? named & ours : ours;
}

static int run(struct cli *cli, void *verb_options, int argc, char **argv)
{
    static const struct cli_operator op = {
        .types = 1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_METRIC | 1u << TCORE_RECORD_LOG |
                 1u << TCORE_RECORD_AGGREGATE | 1u << TCORE_RECORD_FINDING |
                 1u << TCORE_RECORD_ALERT | 1u << TCORE_RECORD_TRACE,
        .open = open_columns,
        .worker_open = open_worker,
        .batch = add_batch,
        .worker_close = close_worker,
        .finish = finish,
    };
    int64_t memory = cli->io.memory_bytes ? cli->io.memory_bytes : MEMORY_DEFAULT;
    struct summary summary = {.cli = cli,
                              .options = verb_options,
                              .types = types_wanted(cli, op.types),
                              .trace_limit = (size_t)memory / BYTES_A_TRACE};
    struct tcore_error err;
    int exit_status;
    if (summary.options->top < 1)
        return cli_usage_error(cli, "--top must be at least 1");
    if (summary.trace_limit < TRACES_AT_LEAST)
        summary.trace_limit = TRACES_AT_LEAST;
    page_detect(cli, &summary.page);
    if (summary_open(&summary.total, summary.trace_limit, &err)) {
        cli_report(cli, &err);
        exit_status = cli_exit_status(cli, false);
    } else {
        exit_status = cli_filter(cli, &op, &summary, argc, argv);
    }
    summary_free(&summary.total);
    return exit_status;
}

static const struct cli_option options[] = {
    {0, "format", CLI_CHOICE, offsetof(struct summary_options, format), "FORMAT",
     "show the page as", "text|md"},
    {0, "top", CLI_INT, offsetof(struct summary_options, top), "N",
     "show at most N rows of each list (default 10)", NULL},
};

static const struct summary_options defaults = {.format = "text", .top = 10};

const struct cli_verb report_summary = {
    .name = "summary",
    .summary = "Say what is in the input, on one page.",
    .operands = "[INPUT]...",
    .description =
        "Services and their latencies, slowest operations, errors, slowest traces; findings and "
        "alerts as sentences, the gravest first; metrics and aggregates in short. Quantiles are "
        "off by at most 0.5415 %. Text fits the terminal, or COLUMNS.\n"
        "\n"
        "Examples:\n"
        "  trace-report summary spans.ndjson\n"
        "  trace-report summary --format=md --since=-1h spans.ndjson > summary.md\n"
        "  trace-detect anomaly spans.ndjson | trace-report summary - spans.ndjson\n",
    .groups = CLI_READS | CLI_OUTPUT,
    .memory = "remember one trace in two, four, eight ... beyond that (default 256M)",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct summary_options),
    .defaults = &defaults,
    .run = run,
};
