/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-span assemble: spans in any order in, one record a trace out, by start and id. */
#include <config.h>

#include "base/sys.h"
#include "cli/message.h"
#include "cli/pieces.h"
#include "span/brief.h"
#include "span/gather_lines.h"
#include "span/summary.h"
#include "span/trace_record.h"
#include "span/verbs.h"

#include <inttypes.h>

#define LINE_LIMIT ((size_t)32 << 20) /* the default of --line-limit */

struct assemble_options {
    bool summary, adjust_skew;
};

struct assembly {
    struct gather gather; /* its callbacks want it first */
    bool summary;
    bool begun;
    struct summaries *summaries;
    /* complete records */
    unsigned threads;
    struct trace_writer *writers; /* one a thread */
    struct gather_lines *lines;
};

static enum tcore_status write_trace(void *state, unsigned thread, struct tcore_stored_trace *trace,
                                     struct tcore_buf *out, struct tcore_error *err)
{
    struct assembly *assembly = state;
    return trace_record_write(&assembly->writers[thread], assembly->gather.store, trace, out, err);
}

static enum tcore_status begin(struct assembly *assembly, struct tcore_error *err)
{
    struct gather *gather = &assembly->gather;
    enum tcore_status status = gather_seal(gather, err);
    assembly->begun = true;
    if (status == TCORE_OK && assembly->summary)
        return summaries_new(&assembly->summaries, gather, err);
    if (status != TCORE_OK)
        return status;
    assembly->threads = cli_threads(gather->cli);
    assembly->writers = tcore_calloc(assembly->threads, sizeof *assembly->writers);
    if (!assembly->writers)
        return tcore_error_nomem(err);
    for (unsigned t = 0; t < assembly->threads; t++)
        assembly->writers[t].json.depth_limit = (unsigned)gather->cli->io.depth_limit;
    return gather_lines_new(&assembly->lines, gather, write_trace, assembly, err);
}

/* The next trace records; TCORE_SKIP: there are more. */
static enum tcore_status take(struct assembly *assembly, struct tcore_buf *out,
                              struct tcore_error *err)
{
    if (assembly->summary)
        return summaries_next(assembly->summaries, out, err);
    enum tcore_status status = gather_lines_next(assembly->lines, out, err);
    if (status == TCORE_OK)
        return TCORE_SKIP;
    return status == TCORE_EOF ? TCORE_OK : status;
}

static void note(struct assembly *assembly)
{
    struct cli *cli = assembly->gather.cli;
    uint64_t refused = 0;
    const char *why = NULL;
    gather_notes(&assembly->gather);
    for (unsigned t = 0; t < assembly->threads; t++) {
        refused += assembly->writers[t].refused;
        if (assembly->writers[t].refused && !why)
            why = assembly->writers[t].refusal.text;
    }
    if (refused)
        cli_note(cli, "%" PRIu64 " span%s counted but not in structure.spans: %s", refused,
                 refused == 1 ? " is" : "s are", why);
    cli->rejected += refused;
    size_t longest = assembly->lines ? gather_lines_longest(assembly->lines) : 0;
    if (longest > LINE_LIMIT)
        cli_note(cli, "the largest trace record has %zu MiB: its reader needs --line-limit=%zuM",
                 longest >> 20, (longest >> 20) + 1);
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct assembly *assembly = state;
    enum tcore_status status = assembly->begun ? TCORE_OK : begin(assembly, err);
    if (status == TCORE_OK)
        status = take(assembly, out, err);
    if (status == TCORE_OK)
        note(assembly);
    return status;
}

static void end(struct assembly *assembly)
{
    gather_lines_free(assembly->lines);
    summaries_free(assembly->summaries);
    for (unsigned t = 0; assembly->writers && t < assembly->threads; t++)
        trace_writer_free(&assembly->writers[t]);
    tcore_free(assembly->writers);
    gather_close(&assembly->gather);
}

/* A summary of which only sums and extremes are wanted. */
static int run_brief(struct cli *cli, int argc, char **argv)
{
    static const struct cli_operator summing = {
        .types = 1u << TCORE_RECORD_SPAN,
        .open = brief_columns,
        .worker_open = brief_worker,
        .batch = brief_batch,
        .sums = brief_sums,
        .finish = brief_finish,
        .gives_rows = brief_gives_rows,
    };
    struct brief *brief = brief_open(cli);
    if (!brief)
        return CLI_FAILED;
    int status = cli_filter(cli, &summing, brief, argc, argv);
    brief_close(brief);
    return status;
}

static int run(struct cli *cli, void *verb_options, int argc, char **argv)
{
    static const struct cli_operator assembling = {
        .types = 1u << TCORE_RECORD_SPAN,
        .open = gather_columns,
        .worker_open = gather_worker,
        .batch = gather_batch,
        .worker_close = gather_worker_close,
        .finish = finish,
    };
    const struct assemble_options *options = verb_options;
    struct assembly assembly = {
        .gather = {.adjust_skew = options->adjust_skew},
        .summary = options->summary,
    };
    if (options->summary && !options->adjust_skew && brief_suffices(&cli->io))
        return run_brief(cli, argc, argv);
    if (!gather_open(&assembly.gather, cli, options->summary ? GATHER_TIMES : GATHER_TEXT))
        return CLI_FAILED;
    int status = cli_filter(cli, &assembling, &assembly, argc, argv);
    end(&assembly);
    return status;
}

static const struct cli_option options[] = {
    {0, "summary", CLI_FLAG, offsetof(struct assemble_options, summary), NULL,
     "ids, times, counts and services only", NULL},
    {0, "adjust-skew", CLI_FLAG, offsetof(struct assemble_options, adjust_skew), NULL,
     "move spans of hosts whose clocks are off, and say so", NULL},
};

const struct cli_verb span_assemble = {
    .name = "assemble",
    .summary = "Put the spans of each trace together.",
    .operands = "[INPUT]...",
    .description =
        "Spans may come in any order. Half of --memory (1G by default) is for them, and "
        "what exceeds it goes to a temporary file: with --summary a span takes about 60 bytes, "
        "else its "
        "text and 80 more. With "
        "--summary and --fields of type, traceId, structure.spanCount, errors.errorCount and "
        "timeline.startTime, endTime and totalDuration only, spans are not held, but about 100 "
        "bytes of each trace and thread.\n"
        "\n"
        "Traces come out by their start. Spans whose parent is not there, that are their own "
        "ancestors, or that came twice are part of their trace all the same, and counted in its "
        "metadata.\n"
        "\n"
        "Examples:\n"
        "  trace-span assemble spans.ndjson\n"
        "  trace-span assemble --summary --format=table spans.ndjson\n"
        "  trace-span assemble --summary --format=tsv \\\n"
        "      --fields=traceId,timeline.totalDuration,structure.spanCount repo\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = "use a temporary file beyond this (default 1G)",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct assemble_options),
    .run = run,
};
