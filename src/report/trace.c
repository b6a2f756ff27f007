/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-report trace: one trace as a page of HTML or as text. Without an ID it is the slowest of
 * the input, which takes all spans into memory; with one only the spans of that trace.
 */
#include <config.h>

#include "cli/filter.h"
#include "cli/message.h"
#include "report/render.h"
#include "report/trace_page.h"
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
    struct trace_columns columns;
    struct trace_wanted wanted;
    const char *id; /* as it was given; NULL: the slowest */
    struct collection all;
    int64_t memory_bytes; /* that may be held */
    int64_t held_bytes;   /* by all workers, atomic */
    struct page paper;
};

struct trace_worker {
    struct collection collection;
    size_t counted; /* of it, in held_bytes */
};

static enum tcore_status open_columns(void *state, struct tcore_projection *projection,
                                      struct tcore_error *err)
{
    struct trace_run *run = state;
    return trace_columns_project(&run->columns, projection, err);
}

static enum tcore_status open_worker(void *state, void **worker, struct tcore_error *err)
{
    (void)state;
    struct trace_worker *own = *worker = tcore_calloc(1, sizeof *own);
    if (!own)
        return tcore_error_nomem(err);
    enum tcore_status status = collection_open(&own->collection, err);
    if (status) {
        tcore_free(own);
        *worker = NULL;
    }
    return status;
}

static enum tcore_status add_batch(void *state, void *worker, const struct tcore_batch *batch,
                                   const uint32_t *rows, size_t count, struct tcore_buf *out,
                                   struct tcore_error *err)
{
    struct trace_run *run = state;
    struct trace_worker *own = worker;
    (void)out;
    enum tcore_status status =
        collection_add(&own->collection, &run->columns, &run->wanted, batch, rows, count, err);
    size_t held = collection_bytes(&own->collection);
    int64_t sum =
        __atomic_add_fetch(&run->held_bytes, (int64_t)(held - own->counted), __ATOMIC_RELAXED);
    own->counted = held;
    if (!status && sum > run->memory_bytes)
        return tcore_error_set(err, TCORE_FATAL,
                               "the spans take more memory than --memory allows: name a trace ID "
                               "(trace-report summary lists slow ones), or choose with --where");
    return status;
}

static enum tcore_status close_worker(void *state, void *worker, struct tcore_error *err)
{
    struct trace_run *run = state;
    struct trace_worker *own = worker;
    enum tcore_status status = collection_join(&run->all, &own->collection, err);
    collection_free(&own->collection);
    tcore_free(own);
    return status;
}

/* --- Which trace */

static bool has_span(const struct collected_trace *trace, uint64_t span_id)
{
    for (size_t i = 0; i < trace->count; i++)
        if (trace->spans[i].span.span_id == span_id)
            return true;
    return false;
}

/* A short id is one of a trace (64 bits) before it is one of a span. False: none has it. */
static bool choose(const struct trace_run *run, struct trace_page *page)
{
    page->shown = 0;
    if (!run->wanted.span)
        return page->trace_count;
    for (size_t i = 0; i < page->trace_count; i++) {
        const uint64_t *id = page->traces[i].spans->trace_id;
        page->shown = i;
        if (!id[0] && id[1] == run->wanted.span_id)
            return true;
    }
    page->selected = run->wanted.span_id;
    for (size_t i = 0; i < page->trace_count; i++) {
        page->shown = i;
        if (has_span(&page->traces[i], run->wanted.span_id))
            return true;
    }
    return false;
}

static bool is_page(const struct trace_options *options)
{
    return strcmp(options->format, "html") == 0;
}

static enum tcore_status write_text(const struct trace_run *run, const struct trace_page *page,
                                    struct tcore_buf *out, struct tcore_error *err)
{
    struct document document = {0};
    enum tcore_status status = trace_text(page, &document, err);
    if (!status)
        renderer_find(run->options->format)->render(&document, &run->paper, out);
    document_free(&document);
    return status ? status : tcore_buf_status(out, err);
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct trace_run *run = state;
    struct trace_page page = {0};
    struct view_trace view = {0};
    struct collected_trace *traces = NULL;
    enum tcore_status status = collection_traces(&run->all, &traces, &page.trace_count, err);
    page.traces = traces;
    if (!status && !choose(run, &page)) {
        if (run->id)
            status =
                tcore_error_set(err, TCORE_BAD_INPUT, "no span of %s is in the input", run->id);
        else
            status = tcore_error_set(err, TCORE_BAD_INPUT, "no spans are in the input");
    }
    if (!status) {
        page.view = &view;
        status = view_trace_open(&view, &traces[page.shown], (size_t)run->options->max_spans, err);
        if (!status && is_page(run->options))
            status = trace_page_write(&page, out, err);
        else if (!status)
            status = write_text(run, &page, out, err);
        view_trace_free(&view);
    }
    tcore_free(traces);
    return status;
}

/* --- */

static bool is_hex(const char *text, size_t digits)
{
    return strlen(text) == digits && strspn(text, "0123456789abcdefABCDEF") == digits;
}

/* Whether the operand is an ID; then it is taken. */
static bool take_id(struct trace_run *run, const char *operand)
{
    struct tcore_traceparent parent;
    char digits[33] = "";
    if (tcore_traceparent_parse(operand, strlen(operand), &parent)) {
        memcpy(digits, parent.trace_id, 33);
    } else if (is_hex(operand, 32)) {
        if (tcore_id_normalise(TCORE_TRACE_ID, operand, 32, digits) == TCORE_ID_ZERO)
            return false;
    } else if (is_hex(operand, 16)) {
        run->wanted.span = true;
        run->wanted.span_id = strtoull(operand, NULL, 16);
    } else {
        return false;
    }
    run->id = operand;
    if (*digits) {
        run->wanted.trace = true;
        run->wanted.trace_id[1] = strtoull(digits + 16, NULL, 16);
        digits[16] = '\0';
        run->wanted.trace_id[0] = strtoull(digits, NULL, 16);
    }
    return true;
}

static int run_verb(struct cli *cli, void *verb_options, int argc, char **argv)
{
    static const struct cli_operator op = {
        .types = 1u << TCORE_RECORD_SPAN,
        .open = open_columns,
        .worker_open = open_worker,
        .batch = add_batch,
        .worker_close = close_worker,
        .finish = finish,
    };
    struct trace_run run = {.cli = cli,
                            .options = verb_options,
                            .memory_bytes =
                                cli->io.memory_bytes ? cli->io.memory_bytes : MEMORY_DEFAULT};
    struct tcore_error err;
    int exit_status;
    if (run.options->max_spans < 1 || run.options->max_spans > INT32_MAX)
        return cli_usage_error(cli, "--max-spans must be at least 1");
    page_detect(cli, &run.paper);
    if (is_page(run.options) && !cli->io.output && isatty(STDOUT_FILENO))
        return cli_usage_error(cli, "a page of HTML is nothing for a terminal: name a file, "
                                    "-o trace.html, or --format=text");
    if (argc && take_id(&run, argv[0])) {
        argc--;
        argv++;
    }
    if (collection_open(&run.all, &err)) {
        cli_report(cli, &err);
        exit_status = cli_exit_status(cli, false);
    } else {
        exit_status = cli_filter(cli, &op, &run, argc, argv);
    }
    collection_free(&run.all);
    return exit_status;
}

static const struct cli_option options[] = {
    {0, "format", CLI_CHOICE, offsetof(struct trace_options, format), "FORMAT", "write the page as",
     "html|text|md"},
    {0, "max-spans", CLI_INT, offsetof(struct trace_options, max_spans), "N",
     "leave out the least important spans beyond N (default 20000)", NULL},
};

static const struct trace_options defaults = {.format = "html", .max_spans = MAX_SPANS};

const struct cli_verb report_trace = {
    .name = "trace",
    .summary = "Make a page of one trace.",
    .operands = "[ID] [INPUT]...",
    .description =
        "ID is a trace id (32 hexadecimal digits), a span id (16), or a traceparent. Without one "
        "the page is of the slowest trace and lists the others. The page is one file that needs no "
        "network; it shows a waterfall with the critical path, attributes and events.\n"
        "\n"
        "Examples:\n"
        "  trace-report trace -o slowest.html spans.ndjson\n"
        "  trace-report trace 5b8efff798038103d269b633813fc60c -o trace.html spans.ndjson\n"
        "  trace-report trace --format=text -w '.status == \"error\"' spans.ndjson\n",
    .groups = CLI_READS | CLI_OUTPUT,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct trace_options),
    .defaults = &defaults,
    .run = run_verb,
};
