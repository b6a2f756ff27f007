/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-span errors: what fails, what began it, and what that costs. */
#include <config.h>

#include "base/sys.h"
#include "cli/ids.h"
#include "cli/message.h"
#include "cli/table.h"
#include "span/error_groups.h"
#include "span/gather.h"
#include "span/trace_sums.h"
#include "span/verbs.h"

#include <inttypes.h>
#include <string.h>

struct errors_options {
    struct cli_strings by;
};

struct errors_run {
    struct gather gather; /* its callbacks want it first */
    struct cli_strings by;
    bool asked; /* for these, by the user */
    struct error_log_columns columns;
    struct error_logs logs;
    size_t log_bytes;       /* atomic */
    struct trace_sums sums; /* of struct error_groups */
};

/* --- Batches: spans and traces go to the store, logs to a list */

struct worker {
    void *gather;
    struct error_logs *logs;
    uint32_t *rows; /* those that are no logs */
    size_t row_capacity;
};

static enum tcore_status columns(void *state, struct tcore_projection *projection,
                                 struct tcore_error *err)
{
    struct errors_run *run = state;
    enum tcore_status status = gather_columns(&run->gather, projection, err);
    return status ? status : error_logs_project(&run->columns, projection, err);
}

static enum tcore_status open_worker(void *state, void **worker, struct tcore_error *err)
{
    struct errors_run *run = state;
    struct worker *w = *worker = tcore_calloc(1, sizeof *w);
    if (!w)
        return tcore_error_nomem(err);
    w->logs = tcore_calloc(1, sizeof *w->logs);
    return w->logs ? gather_worker(&run->gather, &w->gather, err) : tcore_error_nomem(err);
}

static bool reserve_rows(struct worker *w, size_t count)
{
    if (count <= w->row_capacity)
        return true;
    tcore_free(w->rows);
    w->rows = tcore_reallocarray(NULL, count, sizeof *w->rows);
    w->row_capacity = w->rows ? count : 0;
    return w->rows;
}

static enum tcore_status take_batch(void *state, void *worker, const struct tcore_batch *batch,
                                    const uint32_t *rows, size_t count, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    struct errors_run *run = state;
    struct worker *w = worker;
    size_t others = 0, before = error_logs_bytes(w->logs);
    enum tcore_status status = reserve_rows(w, count) ? TCORE_OK : tcore_error_nomem(err);
    for (size_t i = 0; i < count && status == TCORE_OK; i++)
        if (batch->types[rows[i]] == TCORE_RECORD_LOG)
            status = error_logs_take(w->logs, &run->columns, batch, rows[i], err);
        else
            w->rows[others++] = rows[i];
    if (status != TCORE_OK)
        return status;
    size_t more = error_logs_bytes(w->logs) - before;
    size_t held = __atomic_add_fetch(&run->log_bytes, more, __ATOMIC_RELAXED);
    if (more && held > gather_memory(run->gather.cli) / 2)
        return say_memory(run->gather.cli, "log records of errors", err);
    return gather_batch(&run->gather, w->gather, batch, w->rows, others, out, err);
}

static enum tcore_status close_worker(void *state, void *worker, struct tcore_error *err)
{
    struct errors_run *run = state;
    struct worker *w = worker;
    enum tcore_status status = TCORE_OK;
    if (w && w->logs)
        status = error_logs_join(&run->logs, w->logs, err);
    if (w) {
        gather_worker_close(&run->gather, w->gather, err);
        tcore_free(w->rows);
    }
    tcore_free(w);
    return status;
}

/* --- Traces */

static enum tcore_status open_sum(void *sum, const void *state, struct tcore_error *err)
{
    const struct errors_run *run = state;
    return error_groups_open(sum, &run->by, (unsigned)run->gather.cli->io.depth_limit, err);
}

static enum tcore_status take_trace(void *sum, const void *state, const struct trace_build *build,
                                    struct tcore_error *err)
{
    const struct errors_run *run = state;
    return error_groups_take(sum, build, &run->logs, err);
}

static enum tcore_status merge_sums(void *into, const void *from, struct tcore_error *err)
{
    return error_groups_merge(into, from, err);
}

static void close_sum(void *sum)
{
    error_groups_close(sum);
}

static void note_absent(const struct errors_run *run)
{
    const struct error_groups *all = run->sums.sum;
    for (size_t i = 0; run->asked && all->map.count && i < all->fields.count; i++)
        if (!all->fields.field[i].seen)
            cli_note_absent_field(run->gather.cli, all->fields.field[i].name, NULL, false);
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    static const struct trace_summing summing = {
        .bytes = sizeof(struct error_groups),
        .tree_only = true,
        .open = open_sum,
        .take = take_trace,
        .merge = merge_sums,
        .close = close_sum,
    };
    struct errors_run *run = state;
    enum tcore_status status = gather_seal(&run->gather, err);
    error_logs_sort(&run->logs);
    if (status == TCORE_OK)
        status = trace_sums_run(&run->sums, &summing, run, &run->gather, err);
    if (status == TCORE_OK)
        status = error_groups_take_strays(run->sums.sum, &run->logs, err);
    if (status == TCORE_OK)
        status = error_groups_write(run->sums.sum, out, err);
    if (status != TCORE_OK)
        return status;
    gather_notes(&run->gather);
    note_absent(run);
    return TCORE_OK;
}

/* --- The verb */

static int run(struct cli *cli, void *verb_options, int argc, char **argv)
{
    static const char *usual[] = {"service", "name", "errorType", "message", "statusCode"};
    static const char *const numbers[] = {"traces", "share", "causes"};
    static const char *const shown[] = {"service", "name", "errorType", "message"};
    static const struct cli_operator finding = {
        .types = 1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_TRACE | 1u << TCORE_RECORD_LOG,
        .open = columns,
        .worker_open = open_worker,
        .batch = take_batch,
        .worker_close = close_worker,
        .finish = finish,
    };
    const struct errors_options *options = verb_options;
    struct errors_run run = {.gather = {.cli = cli, .from_traces = true}, .by = options->by};
    struct cli_columns columns = {0};
    int status = CLI_FAILED;
    run.asked = run.by.count;
    cli_columns_add(&columns, numbers, cli_table_is_wide(cli) ? 3 : 2);
    cli_columns_add(&columns, run.asked ? run.by.item : shown,
                    run.asked ? run.by.count : sizeof shown / sizeof *shown);
    if (!run.asked)
        run.by = (struct cli_strings){usual, sizeof usual / sizeof *usual};
    if (!cli_check_inputs(cli, argc, argv))
        return status;
    cli_table_on_terminal(cli, columns.name, columns.count);
    if (gather_open(&run.gather, cli, GATHER_ERRORS))
        status = cli_filter(cli, &finding, &run, argc, argv);
    trace_sums_free(&run.sums);
    error_logs_free(&run.logs);
    gather_close(&run.gather);
    return status;
}

static const struct cli_option options[] = {
    {0, "by", CLI_LIST, offsetof(struct errors_options, by), "FIELDS",
     "group errors by these fields (default: service,name,errorType,message,statusCode)", NULL},
};

const struct cli_verb span_errors = {
    .name = "errors",
    .summary = "Find what fails, what began it, and what that costs.",
    .operands = "[INPUT]...",
    .description =
        "Groups the errors of all traces: failed spans, exceptions in events of spans, and log "
        "records of severity error with a trace id. For each group there is one aggregate record, "
        "those that made most traces fail first.\n"
        "\n"
        "In each chain of failed spans one is the first cause: from the top down, the failed "
        "child that the failure came from, until there is none. A call that was tried again with "
        "success is no cause (recovered); one whose caller went on without an error was swallowed. "
        "The records say in how many traces (traces, share), how many of these failed because of "
        "the group (failedTraces), how often it began a chain (causes) or only passed one on "
        "(propagated, causedBy), what it hit (rootOperations), who bore it (swallowedBy), how much "
        "time went into work that failed (sum), when it was seen, and traces to look at "
        "(evidence).\n"
        "\n"
        "FIELDS are service, name, errorType, message, statusCode, stack (the fingerprint of a "
        "stack trace), and any field of the records. Of names and messages the template counts: "
        "numbers, ids, addresses, quoted text and the like are replaced by their kinds.\n"
        "\n"
        "Spans that do not fit in half of --memory (1G by default) go to a temporary file.\n"
        "\n"
        "Examples:\n"
        "  trace-span errors --limit=10 --format=table records.ndjson\n"
        "  trace-span errors --by=service,errorType records.ndjson\n"
        "  trace-span errors --by=stack records.ndjson\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = "use a temporary file beyond this (default 1G)",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct errors_options),
    .run = run,
};
