/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-span analyze: anti-patterns in traces, by what they cost. */
#include <config.h>

#include "base/sys.h"
#include "cli/ids.h"
#include "cli/message.h"
#include "cli/table.h"
#include "span/antipattern/trial.h"
#include "span/gather.h"
#include "span/trace_sums.h"
#include "span/verbs.h"

#include <string.h>

struct analyze_options {
    struct cli_strings only, skip, set;
    const char *severity;
    bool per_trace, exit_code;
};

struct analyze_run {
    struct gather gather; /* its callbacks want it first */
    struct tcore_map wanted;
    struct limits limits;
    struct facts_columns columns;
    bool per_trace;
    enum severity least;
    struct trace_sums sums; /* of struct analyze_sum */
    uint64_t found;
};

/* --- Facts in the place of texts */

struct worker {
    void *gather; /* the gather's own */
    struct facts_reader facts;
    struct tcore_slice *texts; /* of the batch's rows */
    size_t *begins;            /* of those in packed, 1 more */
    size_t capacity;
    struct tcore_buf packed;
};

static enum tcore_status open_columns(void *state, struct tcore_projection *projection,
                                      struct tcore_error *err)
{
    struct analyze_run *run = state;
    enum tcore_status status = gather_columns(state, projection, err);
    return status ? status : facts_project(&run->columns, projection, err);
}

static enum tcore_status open_worker(void *state, void **worker, struct tcore_error *err)
{
    struct worker *w = *worker = tcore_calloc(1, sizeof *w);
    return w ? gather_worker(state, &w->gather, err) : tcore_error_nomem(err);
}

static bool reserve(struct worker *w, size_t rows)
{
    if (rows <= w->capacity)
        return true;
    tcore_free(w->texts);
    tcore_free(w->begins);
    w->texts = tcore_reallocarray(NULL, rows, sizeof *w->texts);
    w->begins = tcore_reallocarray(NULL, rows, sizeof *w->begins);
    w->capacity = w->texts && w->begins ? rows : 0;
    return w->capacity;
}

static enum tcore_status take_batch(void *state, void *worker, const struct tcore_batch *batch,
                                    const uint32_t *rows, size_t count, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    const struct analyze_run *run = state;
    struct worker *w = worker;
    struct tcore_batch changed = *batch;
    struct span_facts facts;
    if (!reserve(w, batch->rows))
        return tcore_error_nomem(err);
    tcore_buf_clear(&w->packed);
    for (size_t i = 0; i < count; i++) {
        uint32_t row = rows[i];
        bool is_span = batch->types[row] == TCORE_RECORD_SPAN;
        w->texts[row] = is_span ? (struct tcore_slice){0} : batch->text[row];
        if (i % FACTS_ROWS == 0)
            facts_load(&w->facts, &run->columns, batch, rows + i,
                       count - i < FACTS_ROWS ? count - i : FACTS_ROWS);
        if (!is_span || !facts_of_row(&w->facts, i % FACTS_ROWS, &facts))
            continue;
        w->begins[row] = w->packed.length;
        facts_pack(&w->packed, &facts);
        w->texts[row].length = w->packed.length - w->begins[row];
        if (w->facts.text.failed || w->facts.whole.failed)
            return tcore_error_nomem(err);
    }
    for (size_t i = 0; i < count; i++)
        if (batch->types[rows[i]] == TCORE_RECORD_SPAN && w->texts[rows[i]].length)
            w->texts[rows[i]].data = w->packed.data + w->begins[rows[i]];
    changed.text = w->texts;
    if (w->packed.failed)
        return tcore_error_nomem(err);
    return gather_batch(state, w->gather, &changed, rows, count, out, err);
}

static enum tcore_status close_worker(void *state, void *worker, struct tcore_error *err)
{
    struct worker *w = worker;
    if (!w)
        return TCORE_OK;
    enum tcore_status status = gather_worker_close(state, w->gather, err);
    facts_free(&w->facts);
    tcore_free(w->texts);
    tcore_free(w->begins);
    tcore_buf_free(&w->packed);
    tcore_free(w);
    return status;
}

/* --- Traces */

struct analyze_sum {
    struct findings findings;
    struct trial trial;
};

static enum tcore_status open_sum(void *sum, const void *state, struct tcore_error *err)
{
    const struct analyze_run *run = state;
    struct analyze_sum *to = sum;
    to->trial.limits = &run->limits;
    to->trial.findings = &to->findings;
    to->trial.json.depth_limit = (unsigned)run->gather.cli->io.depth_limit;
    return findings_open(&to->findings, run->per_trace, err);
}

static enum tcore_status take_trace(void *sum, const void *state, const struct trace_build *build,
                                    struct tcore_error *err)
{
    struct analyze_sum *to = sum;
    (void)state;
    return trial_hold(&to->trial, build, err);
}

static enum tcore_status merge_sums(void *into, const void *from, struct tcore_error *err)
{
    struct analyze_sum *to = into;
    const struct analyze_sum *other = from;
    return findings_merge(&to->findings, &other->findings, err);
}

static void close_sum(void *sum)
{
    struct analyze_sum *to = sum;
    findings_close(&to->findings);
    trial_free(&to->trial);
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    static const struct trace_summing summing = {
        .bytes = sizeof(struct analyze_sum),
        .open = open_sum,
        .take = take_trace,
        .merge = merge_sums,
        .close = close_sum,
    };
    struct analyze_run *run = state;
    enum tcore_status status = gather_seal(&run->gather, err);
    if (status == TCORE_OK)
        status = trace_sums_run(&run->sums, &summing, run, &run->gather, err);
    if (status != TCORE_OK)
        return status;
    const struct analyze_sum *all = run->sums.sum;
    status = findings_write(&all->findings, run->least, out, &run->found, err);
    gather_notes(&run->gather);
    return status;
}

/* --- The verb */

static int analyze(struct analyze_run *run, bool exit_code, int count, char **inputs)
{
    static const struct cli_operator analyzing = {
        .types = 1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_TRACE,
        .open = open_columns,
        .worker_open = open_worker,
        .batch = take_batch,
        .worker_close = close_worker,
        .finish = finish,
    };
    struct cli *cli = run->gather.cli;
    int status = cli_filter(cli, &analyzing, run, count, inputs);
    bool good = status == CLI_DONE || status == CLI_REJECTED;
    status = gather_exit_status(&run->gather, status);
    return good && exit_code && run->found ? cli_exit_status(cli, true) : status;
}

static enum severity severity_named(const char *name)
{
    if (!name || !strcmp(name, "info"))
        return SEVERITY_INFO;
    return strcmp(name, "warning") ? SEVERITY_CRITICAL : SEVERITY_WARNING;
}

static int run(struct cli *cli, void *verb_options, int argc, char **argv)
{
    static const char *columns[] = {"severity", "saving", "traces", "method", "service", "message"};
    const struct analyze_options *options = verb_options;
    struct analyze_run run = {.gather = {.cli = cli, .from_traces = true},
                              .per_trace = options->per_trace,
                              .least = severity_named(options->severity)};
    struct tcore_error err;
    int ids = cli_ids_first(argc, argv), status = CLI_FAILED;
    limits_defaults(&run.limits);
    if (limits_set(&run.limits, &options->set, &err) != TCORE_OK)
        return cli_usage_error(cli, "--set: %s", err.text);
    if (limits_choose(&run.limits, &options->only, &options->skip, &err) != TCORE_OK)
        return cli_usage_error(cli, "%s", err.text);
    if (!cli_check_inputs(cli, argc - ids, argv + ids))
        return status;
    cli_table_on_terminal(cli, columns, sizeof columns / sizeof *columns);
    if (!gather_want(&run.gather, &run.wanted, ids, argv))
        cli_error(cli, "out of memory");
    else if (gather_open(&run.gather, cli, GATHER_TEXT))
        status = analyze(&run, options->exit_code, argc - ids, argv + ids);
    trace_sums_free(&run.sums);
    gather_close(&run.gather);
    tcore_map_free(&run.wanted);
    return status;
}

static const struct cli_option options[] = {
    {0, "only", CLI_LIST, offsetof(struct analyze_options, only), "LIST",
     "look for these anti-patterns only", NULL},
    {0, "skip", CLI_LIST, offsetof(struct analyze_options, skip), "LIST", "do not look for these",
     NULL},
    {0, "set", CLI_STRINGS, offsetof(struct analyze_options, set), "NAME=VALUE",
     "change a threshold; may be repeated", NULL},
    {0, "per-trace", CLI_FLAG, offsetof(struct analyze_options, per_trace), NULL,
     "a finding for each trace, rather than one for all that have it", NULL},
    {0, "severity", CLI_CHOICE, offsetof(struct analyze_options, severity), "LEAST",
     "only findings that are at least so severe", "info|warning|critical"},
    {0, "exit-code", CLI_FLAG, offsetof(struct analyze_options, exit_code), NULL,
     "exit with 1 when something was found", NULL},
};

static const struct cli_exit_meaning exits[] = {
    {"1", "with --exit-code: something was found; or no TRACEID was"}, {0}};

const struct cli_verb span_analyze = {
    .name = "analyze",
    .summary = "Find anti-patterns in traces, by what they cost.",
    .operands = "[TRACEID]... [INPUT]...",
    .description =
        "Each finding is an anti-pattern at one place: who calls, from where, what. It tells in "
        "how many traces it is, the worst of them, and an upper bound of what traces would be "
        "shorter by without it, as far as it is on their critical paths. Findings come out by "
        "that. Statements, URLs and names are compared without their values.\n"
        "\n"
        "Anti-patterns and their thresholds:\n"
        "  n-plus-one     one after another: n-plus-one.calls=5 or more, of\n"
        "                 n-plus-one.total=50ms\n"
        "  redundant      equal, and change nothing: redundant.calls=2\n"
        "  serial         might run at a time: serial.queries=2 of more than\n"
        "                 serial.query=30ms, saving serial.share=10%; or\n"
        "                 serial.calls=3, saving more than serial.saving=2s\n"
        "  slow-query     slow-query.duration=500ms\n"
        "  large-payload  more than large-payload.size=300000 bytes and\n"
        "                 large-payload.duration=100ms\n"
        "  fan-out        more than fan-out.children=20 of one span\n"
        "  chatty         chatty.calls=15 by a service for one request\n"
        "  pool-wait      pool-wait.concurrent=10 queries of a service, or\n"
        "                 pool-wait.wait=100ms for a connection\n"
        "  retry          retry.attempts=3 at one call, over all layers\n"
        "  cold-start     cold-start.duration=0s of a function\n"
        "  timeout-chain  timeout-chain.services=2, one below the other\n"
        "  gap            nothing recorded: gap.duration=200ms and\n"
        "                 gap.share=20% of the trace\n"
        "  clock-skew     clock-skew.offset=5ms\n"
        "\n"
        "What one of them explains is not found again as another one. Calls whose values are not "
        "in the trace (statements with placeholders) cannot be redundant.\n"
        "\n"
        "Spans are held without their text; those that do not fit in half of --memory (1G by "
        "default) go to a temporary file.\n"
        "\n"
        "Examples:\n"
        "  trace-span analyze --limit=10 --format=table spans.ndjson\n"
        "  trace-span analyze --only=n-plus-one --set=n-plus-one.calls=10 repo\n"
        "  trace-span analyze --severity=warning --exit-code spans.ndjson\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = "use a temporary file beyond this (default 1G)",
    .exits = exits,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct analyze_options),
    .run = run,
};
