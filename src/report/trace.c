/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-report trace: one trace as a page of HTML or as text. Without an ID it is the slowest of
 * the input, which takes all spans into memory; with one only the spans of that trace.
 */
#include <config.h>

#include "cli/filter.h"
#include "cli/ids.h"
#include "cli/message.h"
#include "cli/pieces.h"
#include "report/render.h"
#include "report/trace_page.h"
#include "report/unfold.h"
#include "report/verbs.h"

#include "base/sys.h"
#include "model/id.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_DEFAULT ((int64_t)1 << 30)
#define MAX_SPANS      20000

struct trace_options {
    const char *format;
    int64_t max_spans;
};

struct trace_run {
    struct cli *cli;
    const struct trace_options *options;
    const char *id;   /* as it was given; NULL: the slowest */
    uint64_t span_id; /* the id, if it is one of a span or a short one of a trace */
    struct trace_spans all;
    struct trace_logs logs;
    const struct tcore_projection *projection;
    size_t spans_column; /* of a trace record */
    struct page paper;
    bool not_found; /* and that is all that went wrong */
};

/* Says in terms of --memory what the store refused. */
static enum tcore_status failure(const struct trace_run *run, enum tcore_status status,
                                 struct tcore_error *err)
{
    if (!status || !tcore_trace_store_is_full(run->all.store))
        return status;
    return tcore_error_set(err, TCORE_FATAL,
                           "the spans take more memory than --memory allows: name a trace ID "
                           "(trace-report summary lists slow ones), or choose with --where");
}

static bool is_page(const struct trace_options *options)
{
    return strcmp(options->format, "html") == 0;
}

static enum tcore_status open_columns(void *state, struct tcore_projection *projection,
                                      struct tcore_error *err)
{
    struct trace_run *run = state;
    run->projection = projection;
    enum tcore_status status = trace_spans_project(&run->all, projection, err);
    if (!status)
        status = unfold_project(projection, &run->spans_column, err);
    return status ? status : trace_logs_project(&run->logs, projection, err);
}

/* What one thread works with. */
struct taking {
    struct trace_taker taker;
    struct unfold unfold;
};

static enum tcore_status open_worker(void *state, void **worker, struct tcore_error *err)
{
    struct trace_run *run = state;
    struct taking *taking = *worker = tcore_calloc(1, sizeof *taking);
    if (!taking)
        return tcore_error_nomem(err);
    taking->unfold.projection = run->projection;
    taking->unfold.column = run->spans_column;
    return tcore_trace_intake_new(&taking->taker.intake, run->all.store, err);
}

static enum tcore_status take_trace(const struct trace_run *run, struct taking *taking,
                                    const struct tcore_batch *batch, uint32_t row,
                                    struct tcore_error *err)
{
    const struct tcore_batch *spans;
    size_t count;
    enum tcore_status status = unfold_trace(&taking->unfold, batch, row, &spans, &count, err);
    if (status || !count)
        return status;
    return trace_spans_take(&run->all, &taking->taker, spans, taking->unfold.rows, count, err);
}

static enum tcore_status take_batch(void *state, void *worker, const struct tcore_batch *batch,
                                    const uint32_t *rows, size_t count, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    struct trace_run *run = state;
    struct taking *taking = worker;
    enum tcore_status status = TCORE_OK;
    (void)out;
    for (size_t i = 0, end; i < count && !status; i = end) {
        for (end = i; end < count && batch->types[rows[end]] == TCORE_RECORD_SPAN; end++) {
        }
        if (end > i)
            status = trace_spans_take(&run->all, &taking->taker, batch, rows + i, end - i, err);
        else if (batch->types[rows[end++]] == TCORE_RECORD_TRACE)
            status = take_trace(run, taking, batch, rows[i], err);
        else if (is_page(run->options))
            status = trace_logs_take(&run->logs, run->all.only, batch, rows[i], err);
    }
    return failure(run, status, err);
}

static enum tcore_status close_worker(void *state, void *worker, struct tcore_error *err)
{
    struct taking *taking = worker;
    (void)state;
    (void)err;
    if (taking) {
        tcore_free(taking->taker.rows);
        unfold_free(&taking->unfold);
    }
    tcore_free(taking);
    return TCORE_OK;
}

/* --- Which trace */

static bool has_span(const struct tcore_stored_trace *trace, uint64_t span_id)
{
    for (size_t i = 0; i < trace->count; i++)
        if (trace->spans[i]->span.span_id == span_id)
            return true;
    return false;
}

/* A short id is one of a trace (64 bits) before it is one of a span. False: none has it. */
static bool choose(const struct trace_run *run, struct trace_page *page)
{
    page->shown = 0;
    if (!run->id || *run->all.only)
        return page->all->count;
    for (size_t i = 0; i < page->all->count; i++) {
        const uint64_t *id = page->all->traces[i]->spans[0]->trace_id;
        page->shown = i;
        if (!id[0] && id[1] == run->span_id)
            return true;
    }
    page->selected = run->span_id;
    for (size_t i = 0; i < page->all->count; i++) {
        page->shown = i;
        if (has_span(page->all->traces[i], run->span_id))
            return true;
    }
    return false;
}

static enum tcore_status write_text(const struct trace_run *run, const struct trace_page *page,
                                    struct tcore_buf *out, struct tcore_error *err)
{
    struct document document = {0};
    bool ascii = run->paper.ascii && strcmp(run->options->format, "text") == 0;
    enum tcore_status status = trace_text(page, ascii, &document, err);
    if (!status)
        renderer_find(run->options->format)->render(&document, &run->paper, out);
    document_free(&document);
    return status ? status : tcore_buf_status(out, err);
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct trace_run *run = state;
    struct trace_page page = {.all = &run->all, .logs = &run->logs};
    struct view_trace view = {0};
    enum tcore_status status =
        failure(run, trace_spans_group(&run->all, cli_threads(run->cli), err), err);
    if (!status && !choose(run, &page)) {
        run->not_found = run->id && !run->cli->failed;
        if (run->id)
            status =
                tcore_error_set(err, TCORE_BAD_INPUT, "no span of %s is in the input", run->id);
        else
            status = tcore_error_set(err, TCORE_BAD_INPUT, "no spans are in the input");
    }
    if (!status) {
        page.view = &view;
        status = view_trace_open(&view, &run->all, run->all.traces[page.shown],
                                 (size_t)run->options->max_spans, err);
        if (!status)
            trace_logs_place(&run->logs, &view);
        if (run->logs.beyond_limit)
            cli_note(run->cli, "%llu log records left out: --memory has no room for more",
                     (unsigned long long)run->logs.beyond_limit);
        if (!status && is_page(run->options))
            status = trace_page_write(&page, out, err);
        else if (!status)
            status = write_text(run, &page, out, err);
        view_trace_free(&view);
    }
    return status;
}

/* --- */

/* What the operand, which is an ID, stands for. */
static void take_id(struct trace_run *run, const char *operand)
{
    struct cli_id id;
    if (!cli_parse_id(operand, &id))
        return;
    run->id = operand;
    if (strlen(operand) == TCORE_SPAN_ID)
        run->span_id = strtoull(operand, NULL, 16);
    else
        memcpy(run->all.only, id.trace_id, sizeof run->all.only);
}

static int run_verb(struct cli *cli, void *verb_options, int argc, char **argv)
{
    static const struct cli_operator op = {
        .types = 1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_TRACE | 1u << TCORE_RECORD_LOG,
        .open = open_columns,
        .worker_open = open_worker,
        .batch = take_batch,
        .worker_close = close_worker,
        .finish = finish,
    };
    struct trace_run run = {.cli = cli, .options = verb_options};
    int64_t memory_bytes = cli->io.memory_bytes ? cli->io.memory_bytes : MEMORY_DEFAULT;
    struct tcore_error err;
    int exit_status;
    if (run.options->max_spans < 1 || run.options->max_spans > INT32_MAX)
        return cli_usage_error(cli, "--max-spans must be at least 1");
    page_detect(cli, &run.paper);
    if (is_page(run.options) && !cli->io.output && isatty(STDOUT_FILENO))
        return cli_usage_error(cli, "a page of HTML is nothing for a terminal: name a file, "
                                    "-o trace.html, or --format=text");
    int ids = cli_ids_first(argc, argv);
    if (ids > 1)
        return cli_usage_error(cli, "one ID at a time: %s and %s are two", argv[0], argv[1]);
    if (!cli_check_inputs(cli, argc - ids, argv + ids))
        return cli_exit_status(cli, false);
    if (ids)
        take_id(&run, argv[0]);
    trace_logs_open(&run.logs, (size_t)memory_bytes);
    if (trace_spans_open(&run.all, (size_t)memory_bytes, &err)) {
        cli_report(cli, &err);
        exit_status = cli_exit_status(cli, false);
    } else {
        exit_status = cli_filter(cli, &op, &run, argc - ids, argv + ids);
        if (run.not_found)
            exit_status = CLI_FOUND;
    }
    trace_spans_free(&run.all);
    trace_logs_free(&run.logs);
    return exit_status;
}

static const struct cli_option options[] = {
    {0, "format", CLI_CHOICE, offsetof(struct trace_options, format), "FORMAT", "write the page as",
     "html|text|md"},
    {0, "max-spans", CLI_INT, offsetof(struct trace_options, max_spans), "N",
     "leave out the least important spans beyond N (default 20000)", NULL},
};

static const struct trace_options defaults = {.format = "html", .max_spans = MAX_SPANS};

static const struct cli_exit_meaning exits[] = {
    {"4", "input, output or a helper failed, --strict stopped, or the trace is not there"}, {0}};

const struct cli_verb report_trace = {
    .name = "trace",
    .summary = "Make a page of one trace.",
    .operands = "[ID] [INPUT]...",
    .description =
        "ID is a trace id (32 hexadecimal digits), a span id (16), or a traceparent, before or "
        "after the inputs; the exit status is 1 if the input has none such. Without one the page "
        "is of the slowest trace and lists the others. -w chooses spans, not traces: the page "
        "has those only that match. The page is one file that needs no network; it shows a "
        "waterfall with the critical path, attributes, events and log records. The input has "
        "spans, or traces that trace-span assemble made.\n"
        "\n"
        "Examples:\n"
        "  trace-report trace -o slowest.html spans.ndjson\n"
        "  trace-report trace 5b8efff798038103d269b633813fc60c -o trace.html spans.ndjson\n"
        "  trace-report trace --format=text spans.ndjson\n",
    .groups = CLI_READS | CLI_OUTPUT,
    .memory = "fail when the spans are more (default 1G)",
    .exits = exits,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct trace_options),
    .defaults = &defaults,
    .run = run_verb,
};
