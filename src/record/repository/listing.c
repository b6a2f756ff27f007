/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record active, history: the executions that run, and those that are over. */
#include <config.h>

#include "cli/filter.h"
#include "cli/message.h"
#include "record/destination.h"
#include "record/execution/choose.h"
#include "record/execution/trace.h"
#include "record/execution/executions.h"
#include "cli/table.h"
#include "record/verbs.h"

#include "base/sys.h"

#include <stdlib.h>
#include <string.h>

#define LINES_BYTES ((size_t)64 << 10) /* so much is chosen from at once */
#define HELD_BYTES  ((size_t)64 << 20) /* of events */
#define HELD_LEAST  ((size_t)1 << 20)

struct listing {
    bool over; /* history */
    struct cli_time until;
    struct executions executions;
    struct execution_choice choice;
    uint32_t *order; /* numbers of executions, the latest first; owned */
    size_t count, next;
};

/* --- What is read */

static enum tcore_status keep(void *state, void *worker, const struct tcore_batch *batch,
                              const uint32_t *rows, size_t count, struct tcore_buf *out,
                              struct tcore_error *err)
{
    struct listing *listing = state;
    enum tcore_status status = TCORE_OK;
    (void)worker;
    (void)out;
    for (size_t i = 0; i < count && status == TCORE_OK; i++) {
        const struct tcore_slice *text = &batch->text[rows[i]];
        status = executions_add(&listing->executions, text->data, text->length, err);
    }
    return status;
}

/* --- What is told */

struct started {
    int64_t start_ns;
    uint32_t number;
};

static int compare_starts(const void *a, const void *b)
{
    const struct started *x = a, *y = b;
    if (x->start_ns != y->start_ns)
        return x->start_ns > y->start_ns ? -1 : 1;
    return x->number > y->number ? -1 : x->number < y->number;
}

/* Whether it may be told of: one that has not ended may be over as well. */
static bool is_candidate(const struct listing *listing, const struct execution_records *records)
{
    return records->started && (listing->over || !records->ended) &&
           !(listing->until.set && records->start_ns >= listing->until.unix_ns);
}

static enum tcore_status sort_executions(struct listing *listing, struct tcore_error *err)
{
    const struct executions *x = &listing->executions;
    struct started *started = tcore_reallocarray(NULL, x->count + 1, sizeof(*started));
    listing->order = tcore_reallocarray(NULL, x->count + 1, sizeof(*listing->order));
    if (!started || !listing->order) {
        tcore_free(started);
        return tcore_error_nomem(err);
    }
    for (size_t i = 0; i < x->count; i++)
        if (is_candidate(listing, &x->list[i]))
            started[listing->count++] = (struct started){x->list[i].start_ns, (uint32_t)i};
    qsort(started, listing->count, sizeof(*started), compare_starts);
    for (size_t i = 0; i < listing->count; i++)
        listing->order[i] = started[i].number;
    tcore_free(started);
    return TCORE_OK;
}

/* Appends the execution of that number if it belongs here. */
static enum tcore_status put_execution(struct listing *listing, uint32_t number,
                                       struct tcore_buf *lines, struct tcore_error *err)
{
    struct execution execution;
    enum tcore_status status = executions_fold(&listing->executions, number, &execution, err);
    if (status == TCORE_OK) {
        const struct execution_state state = execution_state_of(&execution);
        if ((execution.ended || state.lost) == listing->over)
            execution_trace_put(lines, listing->executions.list[number].id, &execution, &state,
                                NULL);
    }
    execution_free(&execution);
    return status;
}

static enum tcore_status tell(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct listing *listing = state;
    struct tcore_buf lines = {0};
    enum tcore_status status = listing->order ? TCORE_OK : sort_executions(listing, err);
    while (status == TCORE_OK && listing->next < listing->count && lines.length < LINES_BYTES)
        status = put_execution(listing, listing->order[listing->next++], &lines, err);
    tcore_buf_reserve(&lines, TCORE_BATCH_PADDING);
    if (status == TCORE_OK)
        status = execution_choice_take(&listing->choice, &lines, out, err);
    tcore_buf_free(&lines);
    return status == TCORE_OK && listing->next < listing->count ? TCORE_SKIP : status;
}

/* --- The verbs */

#define HELD_MEMORY                                                                                \
    "hold no more of events than that; the others wait in a temporary file (default 64M)"

/* By --memory; less than a megabyte would be written in too many pieces. */
static size_t held_bytes(int64_t memory_bytes)
{
    size_t bytes = memory_bytes ? (size_t)memory_bytes : HELD_BYTES;
    return bytes < HELD_LEAST ? HELD_LEAST : bytes;
}

static int list(struct cli *cli, bool over, int argc, char **argv)
{
    static const struct cli_operator operator= {
        .types = 1u << TCORE_RECORD_EXECUTION,
        .sifts = true,
        .ordered = true,
        .open = cli_want_text,
        .batch = keep,
        .finish = tell,
    };
    static const char *active[] = {"operationName", "timeline.startTime", "executionId"};
    static const char *past[] = {"operationName", "status", "timeline.startTime",
                                 "timeline.duration", "executionId"};
    struct listing listing = {.over = over, .until = cli->io.until};
    struct tcore_error err;
    char *standard[] = {(char *)(uintptr_t)destination_of(NULL, NULL).path};
    if (over)
        cli_table_on_terminal(cli, past, sizeof(past) / sizeof(*past));
    else
        cli_table_on_terminal(cli, active, sizeof(active) / sizeof(*active));
    cli->io.until.set = false; /* it is for starts, and ends come later */
    int status = execution_choice_open(&listing.choice, cli);
    if (status == CLI_DONE && executions_init(&listing.executions, &err) != TCORE_OK) {
        cli_report(cli, &err);
        status = CLI_FAILED;
    }
    listing.executions.running_only = !over;
    listing.executions.limit_bytes = held_bytes(cli->io.memory_bytes);
    if (status == CLI_DONE)
        status = cli_filter(cli, &operator, & listing, argc ? argc : 1, argc ? argv : standard);
    execution_choice_close(&listing.choice, cli);
    executions_free(&listing.executions);
    tcore_free(listing.order);
    return status;
}

static int run_active(struct cli *cli, void *options, int argc, char **argv)
{
    (void)options;
    return list(cli, false, argc, argv);
}

static int run_history(struct cli *cli, void *options, int argc, char **argv)
{
    (void)options;
    return list(cli, true, argc, argv);
}

const struct cli_verb active_verb = {
    .name = "active",
    .summary = "List the executions that run.",
    .operands = "[INPUT]...",
    .description =
        "The latest comes first, each as status tells it, without performance, spans and\n"
        "operations; on a terminal it is a table. -w is for what is listed, --since and --until\n"
        "are for its start. An execution whose process is over without a word, as after SIGKILL,\n"
        "has failed and is listed by history. Without INPUT, $TRACE_TO is read, else "
        "trace.ndjson.\n"
        "\n"
        "Example:\n"
        "  trace-record active -w '.context.executorType == \"agent\"' repo\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = HELD_MEMORY,
    .run = run_active,
};

const struct cli_verb history_verb = {
    .name = "history",
    .summary = "List the executions that are over.",
    .operands = "[INPUT]...",
    .description =
        "The latest comes first, each as status tells it, without performance, spans and\n"
        "operations; on a terminal it is a table. -w is for what is listed, --since and --until\n"
        "are for its start. Without INPUT, $TRACE_TO is read, else trace.ndjson.\n"
        "\n"
        "Examples:\n"
        "  trace-record history --since=today --limit=20\n"
        "  trace-record history -w '.status == \"failed\" and .timeline.duration > 5*m'\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = HELD_MEMORY,
    .run = run_history,
};
