/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Setting up a run, its threads, and its end. */
#include <config.h>

#include "cli/filter_private.h"
#include "cli/keys.h"
#include "cli/message.h"
#include "cli/pieces.h"
#include "cli/screen.h"
#include "cli/signals.h"

#include "base/sys.h"
#include "store/scan.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MAX CLI_THREADS_MAX

/* --- What is asked for */

static int out_of_memory(struct cli *cli)
{
    cli_error(cli, "out of memory");
    return CLI_FAILED;
}

/* Whether the next program will see records as they are: only that one wants clock records. */
static bool writes_whole_records(const struct run *run)
{
    const struct cli *cli = run->cli;
    return !run->op->silent && cli->verb->groups & CLI_WRITES && !cli->io.fields.count &&
           strcmp(cli->io.format, "ndjson") == 0;
}

/* The types that are worked on: those of the operator, and of them those of --type. What passes
 * lines on as they are can do that with any type that is named. */
static int choose_types(struct run *run)
{
    const struct cli_strings *types = &run->cli->io.types;
    unsigned asked;
    if (run->cli->io.pass && !(run->cli->verb->groups & CLI_WRITES))
        return cli_usage_error(run->cli, "--pass: the output is not one of records");
    int exit_status = cli_select_types(run->cli, &asked);
    if (exit_status != CLI_DONE)
        return exit_status;
    for (size_t i = 0; i < types->count && !run->op->passes_text; i++)
        if (!(run->op->types >> tcore_record_type_find(types->item[i], strlen(types->item[i])) & 1))
            return cli_usage_error(run->cli, "--type: %s records are not what this works on",
                                   types->item[i]);
    run->consumed = run->op->types;
    if (types->count)
        run->consumed = asked | (run->op->types & 1u << TCORE_RECORD_CLOCK);
    run->forward_clock = !(run->consumed >> TCORE_RECORD_CLOCK & 1) && writes_whole_records(run);
    return CLI_DONE;
}

static int list_inputs(struct run *run, int count, char **inputs)
{
    static char *standard[] = {(char *)(uintptr_t) "-"};
    if (!count) {
        inputs = standard;
        count = 1;
    }
    for (int i = 0; i < count; i++)
        if (strcmp(inputs[i], "-") == 0 && isatty(STDIN_FILENO))
            return cli_usage_error(run->cli, "standard input is a terminal: name an INPUT, or pipe "
                                             "records in");
    run->sources = tcore_calloc((size_t)count, sizeof *run->sources);
    if (!run->sources)
        return out_of_memory(run->cli);
    run->source_count = (size_t)count;
    for (int i = 0; i < count; i++)
        run->sources[i].name = inputs[i];
    return CLI_DONE;
}

static bool may_select(struct tcore_expr_state *match, const struct tcore_known_field *known,
                       size_t count)
{
    struct tcore_error err; /* reading the records will tell */
    bool may;
    return !match || tcore_expr_may_select(match, known, count, &may, &err) != TCORE_OK || may;
}

/* Whether --where, and what the operator requires, may be true for records that are known in part.
 */
static bool may_match(void *context, const struct tcore_known_field *known, size_t count)
{
    const struct run *run = context;
    return may_select(run->match, known, count) && may_select(run->require, known, count);
}

/* What cannot be compiled says nothing. CLI_DONE, or the exit status after a report. */
static int compile_required(struct run *run)
{
    const char *text = run->op->requires ? run->op->requires(run->state) : NULL;
    struct tcore_projection unread = {0};
    struct tcore_error err;
    enum tcore_status status = TCORE_OK;
    if (text &&
        tcore_expr_compile(&run->required, text, &(struct tcore_expr_options){0}, &unread, &err) ==
            TCORE_OK &&
        tcore_expr_is_native(run->required))
        status = tcore_expr_state_new(&run->require, run->required, &err);
    tcore_projection_free(&unread);
    return status == TCORE_OK ? CLI_DONE : out_of_memory(run->cli);
}

static struct tcore_wanted wanted_records(struct run *run)
{
    const struct cli *cli = run->cli;
    const struct cli_operator *op = run->op;
    struct tcore_wanted wanted = {
        .types = run->pass ? ~0u : run->consumed,
        .has_since = cli->io.since.set,
        .has_until = cli->io.until.set,
        .since_ns = cli->io.since.unix_ns,
        .until_ns = cli->io.until.unix_ns,
        .keys = cli->keys,
        .report = cli->io.explain,
        .may_match = run->match || run->require ? may_match : NULL,
        .context = run,
        .matched_types = run->consumed, /* others are passed without a look */
    };
    if (op->trace_ids)
        wanted.trace_ids = op->trace_ids(run->state, &wanted.trace_count);
    if (op->rolls_up && where_is_of_series(run, &wanted.series_fields))
        wanted.rollup_types = op->rolls_up(run->state, &wanted.rollup_window_ns) & run->consumed;
    return wanted;
}

/* Everything that can be wrong with a command line is found before anything is written. */
static int plan(struct run *run, int count, char **inputs)
{
    struct cli *cli = run->cli;
    int exit_status = choose_types(run);
    if (exit_status == CLI_DONE)
        exit_status = cli_choose_simd(cli);
    if (exit_status == CLI_DONE)
        exit_status = list_inputs(run, count, inputs);
    if (exit_status == CLI_DONE)
        exit_status = cli_open_keys(cli);
    if (exit_status == CLI_DONE)
        exit_status = open_columns(run);
    if (exit_status != CLI_DONE)
        return exit_status;
    struct tcore_error err;
    if (run->select.where && tcore_expr_is_native(run->select.where) &&
        tcore_expr_state_new(&run->match, run->select.where, &err) != TCORE_OK)
        return out_of_memory(cli);
    exit_status = compile_required(run);
    if (exit_status != CLI_DONE)
        return exit_status;
    run->threads = cli_threads(cli);
    run->input_options = (struct tcore_input_options){
        .line_limit = (size_t)cli->io.line_limit,
        .depth_limit =
            cli->io.depth_limit > UINT32_MAX ? UINT32_MAX : (unsigned)cli->io.depth_limit,
        .chunk_bytes = run->op->chunk_bytes,
        .idle_ns = cli->io.idle_ns,
        .single = run->threads == 1,
        .stop_fd = cli_stop_fd(),
        .open_directory = tcore_scan_open,
        .is_stored = tcore_scan_is_segment,
        .wanted = wanted_records(run),
    };
    return CLI_DONE;
}

/* --- Threads */

/* The workers of a run; the first one is the main thread. */
struct crew {
    struct run run;
    struct worker worker[THREADS_MAX];
};

static void *work_in_thread(void *data)
{
    work(data);
    return NULL;
}

void spawn_workers(struct run *run)
{
    struct crew *crew = (struct crew *)run; /* its first member */
    struct tcore_error err;
    sigset_t before;
    if (run->spawned || run->threads == 1)
        return;
    run->spawned = true;
    cli_block_signals(&before);
    for (unsigned i = 1; i < run->threads; i++) {
        struct worker *worker = &crew->worker[i];
        bool ready = open_worker(worker, run, &err) == TCORE_OK;
        worker->started = true;
        if (!ready || pthread_create(&worker->thread, NULL, work_in_thread, worker) != 0) {
            worker->started = false; /* as many as there can be */
            break;
        }
    }
    cli_restore_signals(&before);
}

static void join_workers(struct crew *crew)
{
    for (unsigned i = 1; i < crew->run.threads; i++)
        if (crew->worker[i].started)
            pthread_join(crew->worker[i].thread, NULL);
}

/* Folds every worker into the operator's state. */
static void close_workers(struct crew *crew)
{
    struct run *run = &crew->run;
    const struct worker *first = NULL; /* with an error in --where */
    for (unsigned i = 0; i < run->threads; i++) {
        struct worker *worker = &crew->worker[i];
        struct tcore_error err;
        fold_seen(run, worker);
        if (worker->has_failed && (!first || worker->first_failed < first->first_failed))
            first = worker;
        if (!worker->opened || !run->op->worker_close)
            continue;
        if (run->op->worker_close(run->state, worker->state, &err) != TCORE_OK && !run->abandoned) {
            cli_report(run->cli, &err);
            run->abandoned = true;
        }
    }
    if (first)
        run->where_reason = tcore_expr_state_reason(first->where);
}

/* False: no more is wanted. */
static bool emit(struct run *run, const struct tcore_buf *out)
{
    const struct cli_operator *op = run->op;
    if (!out->length)
        return true;
    if (op->gives_text && op->gives_text(run->state))
        return cli_output_text(run->output, out->data, out->length);
    return op->gives_rows && op->gives_rows(run->state)
               ? cli_output_rows(run->output, out->data, out->length)
               : cli_output_lines(run->output, out->data, out->length);
}

/* What the operator has left to say. */
static void finish(struct run *run)
{
    struct tcore_buf out = {0};
    struct tcore_error err;
    enum tcore_status status = TCORE_SKIP;
    while (status == TCORE_SKIP) {
        status = run->op->finish(run->state, &out, &err);
        keep_undelivered(run);
        bool failed = status != TCORE_OK && status != TCORE_SKIP && status != TCORE_EOF;
        if (!failed && out.failed)
            failed = tcore_error_nomem(&err);
        if (failed) {
            cli_report(run->cli, &err);
            break;
        }
        if (!emit(run, &out)) {
            run->abandoned = true;
            break;
        }
        tcore_buf_clear(&out);
    }
    tcore_buf_free(&out);
}

static void run_crew(struct crew *crew)
{
    struct run *run = &crew->run;
    struct tcore_error err;
    watch_progress(run);
    if (open_worker(&crew->worker[0], run, &err) == TCORE_OK) {
        work(&crew->worker[0]);
        join_workers(crew);
    } else {
        cli_report(run->cli, &err);
        run->abandoned = true;
    }
    end_watching(run);
    end_progress(run);
    close_workers(crew);
    bool nothing = run->cli->failed && !run->done.records; /* its result would be about no input */
    if (!run->abandoned && !nothing && run->op->finish && !run->op->silent)
        finish(run);
    if (!run->abandoned) {
        note_counts(run);
        note_absent_columns(run);
    }
}

static bool open_outputs(struct run *run)
{
    struct cli *cli = run->cli;
    if (!run->op->silent)
        run->output = cli_output_open(cli);
    return (run->output || run->op->silent) &&
           (!cli->io.rejects || cli_sink_in_place(&run->rejects, cli, cli->io.rejects));
}

static void free_run(struct crew *crew)
{
    struct run *run = &crew->run;
    for (unsigned i = 0; i < THREADS_MAX; i++)
        if (crew->worker[i].run)
            free_worker(&crew->worker[i]);
    if (run->output)
        cli_output_close(run->output, run->cli->failed);
    if (run->cli->io.rejects)
        cli_sink_close(&run->rejects, false);
    for (size_t i = 0; i < run->source_count; i++) {
        if (run->sources[i].input)
            explain_source(run, &run->sources[i]);
        tcore_input_close(run->sources[i].input);
    }
    explain_end(run);
    tcore_free(run->sources);
    free_columns(run);
    tcore_expr_state_free(run->match);
    tcore_expr_state_free(run->require);
    tcore_expr_free(run->required);
    cli_select_free(&run->select);
    pthread_cond_destroy(&run->changed);
    pthread_mutex_destroy(&run->lock);
    tcore_free(crew);
}

enum tcore_status cli_want_text(void *state, struct tcore_projection *projection,
                                struct tcore_error *err)
{
    (void)state;
    (void)err;
    projection->text = true;
    return TCORE_OK;
}

int cli_filter(struct cli *cli, const struct cli_operator *op, void *state, int input_count,
               char **inputs)
{
    struct crew *crew = tcore_calloc(1, sizeof *crew);
    if (!crew)
        return out_of_memory(cli);
    struct run *run = &crew->run;
    run->cli = cli;
    run->op = op;
    run->state = state;
    run->select.io = &cli->io;
    run->rejects.fd = -1;
    run->rewrite_progress = cli->io.progress && isatty(STDERR_FILENO) && !cli_terminal_is_dumb();
    run->started_ns = run->progress_ns = tcore_sys()->monotonic_ns();
    pthread_mutex_init(&run->lock, NULL);
    pthread_cond_init(&run->changed, NULL);
    cli_catch_signals(CLI_CATCH_STOP | CLI_CATCH_PROGRESS | (op->reload ? CLI_CATCH_RELOAD : 0));
    int status = plan(run, input_count, inputs);
    if (status == CLI_DONE && open_outputs(run)) {
        explain_run(run);
        run_crew(crew);
    }
    free_run(crew);
    return status == CLI_DONE ? cli_exit_status(cli, false) : status;
}
