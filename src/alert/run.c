/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-alert run: records flow in, are held against the rules, and what changes is told. */
#include <config.h>

#include "alert/engine.h"
#include "alert/merge.h"
#include "alert/notify.h"
#include "alert/rules_file.h"
#include "alert/state.h"
#include "alert/verbs.h"
#include "base/sys.h"
#include "cli/filter.h"
#include "cli/message.h"

#include <inttypes.h>

#define MERGE_BYTES   ((size_t)1 << 30)
#define SAVE_EVERY_NS (INT64_C(1) * 1000000000) /* of a run that goes on, at most */

struct run_options {
    const char *rules, *state;
    struct cli_time now;
    bool exit_code, dry_run;
};

struct alert_run {
    const struct run_options *options;
    struct rules rules;
    struct engine engine;
    struct notifier notifier;
    struct state_file state;
    struct merge merge;
    bool begun, broken, merge_ended;
    uint64_t saved_transitions;
    int64_t saved_ns; /* monotonic */
};

static enum tcore_status open_columns(void *data, struct tcore_projection *projection,
                                      struct tcore_error *err)
{
    struct alert_run *run = data;

    return series_columns(&run->engine, projection, err);
}

/* What the state left to be told. */
static enum tcore_status begin(struct alert_run *run, struct tcore_buf *out,
                               struct tcore_error *err)
{
    struct engine *e = &run->engine;
    enum tcore_status status;

    if (run->begun)
        return TCORE_OK;
    run->begun = true;
    status = notifier_retry(&run->notifier, e->now_ns, out, err);
    for (size_t r = 0; r < run->state.retired_count && status == TCORE_OK; r++) {
        const struct retired *retired = &run->state.retired[r];
        struct instance over = {.rule = retired->rule, .since_ns = retired->since_ns};

        over.key = engine_key(e, retired->rule, retired->labels, retired->length);
        status = over.key == TCORE_MAP_NONE
                     ? tcore_error_nomem(err)
                     : notify_transition(e, &over, "resolved", e->now_ns, true, out, err);
    }
    return status;
}

/* A run that goes on saves what it has told. */
static enum tcore_status save_sometimes(struct alert_run *run, struct tcore_error *err)
{
    int64_t now = tcore_sys()->monotonic_ns();

    if (!run->options->state || run->options->dry_run ||
        run->notifier.transitions == run->saved_transitions || now - run->saved_ns < SAVE_EVERY_NS)
        return TCORE_OK;
    run->saved_transitions = run->notifier.transitions;
    run->saved_ns = now;
    if (!notifier_sync(&run->notifier) || !state_save(&run->state, &run->engine))
        return tcore_error_set(err, TCORE_FATAL, "the state is not saved");
    return TCORE_OK;
}

static void from_input(void *data, void *worker, size_t input)
{
    struct alert_run *run = data;

    (void)worker;
    merge_input(&run->merge, input);
}

/* More than there is room for: what there is is evaluated, and the rest as it comes. */
static enum tcore_status end_merge(struct alert_run *run, struct tcore_buf *out,
                                   struct tcore_error *err)
{
    enum tcore_status status = TCORE_SKIP;
    struct tcore_buf part = {0};

    while (status == TCORE_SKIP) {
        tcore_buf_clear(&part);
        status = merge_replay(&run->merge, &run->engine, &part, err);
        tcore_buf_append(out, part.data, part.length);
        out->failed |= part.failed;
    }
    tcore_buf_free(&part);
    merge_free(&run->merge);
    run->engine.merge = NULL;
    run->merge_ended = true;
    return status;
}

static enum tcore_status evaluate_batch(void *data, void *worker, const struct tcore_batch *batch,
                                        const uint32_t *rows, size_t count, struct tcore_buf *out,
                                        struct tcore_error *err)
{
    struct alert_run *run = data;
    enum tcore_status status = begin(run, out, err);

    (void)worker;
    for (size_t i = 0; i < count && status == TCORE_OK; i++)
        status = series_row(&run->engine, batch, rows[i], out, err);
    if (status == TCORE_OK && run->engine.merge && merge_is_full(&run->merge))
        status = end_merge(run, out, err);
    if (status == TCORE_OK)
        status = save_sometimes(run, err);
    run->broken |= status != TCORE_OK;
    return status;
}

static enum tcore_status finish(void *data, struct tcore_buf *out, struct tcore_error *err)
{
    struct alert_run *run = data;
    enum tcore_status status = begin(run, out, err);

    if (status == TCORE_OK && run->engine.merge)
        status = merge_replay(&run->merge, &run->engine, out, err);
    if (status == TCORE_SKIP)
        return status;
    if (status == TCORE_OK && run->options->now.set)
        status = engine_advance(&run->engine, run->options->now.unix_ns, true, out, err);
    run->broken |= status != TCORE_OK;
    return status;
}

static void note(struct cli *cli, uint64_t count, const char *one, const char *many)
{
    if (count)
        cli_note(cli, "%" PRIu64 " %s", count, count == 1 ? one : many);
}

static void print_notes(struct cli *cli, const struct alert_run *run)
{
    if (run->merge_ended)
        cli_note(cli,
                 "the inputs need more than --memory to be ordered by time: from there on they "
                 "were read one after the other");
    note(cli, run->engine.untimed, "record without a time came before any with one: left out",
         "records without a time came before any with one: left out");
    note(cli, run->engine.unordered, "record was older than the one before of its series: left out",
         "records were older than those before of their series: left out");
    note(cli, run->engine.late,
         "record was older than the range of its rule when it came: left out",
         "records were older than the range of their rules when they came: left out");
    note(cli, run->engine.known, "record was read by a run before, or is older than what it read",
         "records were read by a run before, or are older than what it read");
    note(cli, run->engine.without_number, "record had no number to compare",
         "records had no number to compare");
    note(cli, run->state.forgotten, "alert was of a rule that is gone: forgotten",
         "alerts were of rules that are gone: forgotten");
    if (run->notifier.failures && run->options->state)
        note(cli, run->notifier.outbox_count, "message waits for the next run",
             "messages wait for the next run");
}

static int evaluate(struct cli *cli, struct alert_run *run, int argc, char **argv)
{
    const struct cli_operator op = {
        .types = 1u << TCORE_RECORD_METRIC | 1u << TCORE_RECORD_AGGREGATE |
                 1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_FINDING | 1u << TCORE_RECORD_CLOCK,
        .ordered = true,
        .open = open_columns,
        .from_input = from_input,
        .batch = evaluate_batch,
        .finish = finish};

    run->merge.limit_bytes = cli->io.memory_bytes ? (size_t)cli->io.memory_bytes : MERGE_BYTES;
    if (argc > 1)
        run->engine.merge = &run->merge;
    int exit_status = cli_filter(cli, &op, run, argc, argv);

    if (exit_status == CLI_USAGE)
        return exit_status;
    bool synced = notifier_sync(&run->notifier);

    if (synced && run->options->state && !run->options->dry_run && !run->broken)
        (void)state_save(&run->state, &run->engine);
    print_notes(cli, run);
    if (run->notifier.failures)
        cli->failed = true;
    return cli_exit_status(cli, run->options->exit_code && run->engine.firing > 0);
}

static int run_rules(struct cli *cli, void *verb_options, int argc, char **argv)
{
    const struct run_options *options = verb_options;
    struct alert_run run = {.options = options, .state.fd = -1};
    struct tcore_error err = {0};
    int exit_status;

    if (!options->rules)
        return cli_usage_error(cli, "--rules=FILE is missing");
    exit_status = rules_load(cli, &run.rules, options->rules, true);
    if (exit_status == CLI_DONE) {
        run.saved_ns = tcore_sys()->monotonic_ns();
        if (notifier_open(&run.notifier, cli, &run.rules, options->dry_run, &err) != TCORE_OK ||
            engine_open(&run.engine, cli, &run.rules, &run.notifier, options->state, &err) !=
                TCORE_OK)
            cli_report(cli, &err);
        else if (!options->state || state_open(&run.state, cli, options->state, &run.engine))
            exit_status = evaluate(cli, &run, argc, argv);
        if (exit_status == CLI_DONE)
            exit_status = cli_exit_status(cli, false);
        merge_free(&run.merge);
        engine_free(&run.engine);
        notifier_free(&run.notifier);
        state_close(&run.state);
    }
    rules_free(&run.rules);
    return exit_status;
}

#define OPTION(member) offsetof(struct run_options, member)

static const struct cli_option options[] = {
    {0, "rules", CLI_STRING, OPTION(rules), "FILE", "the rules (needed)", NULL},
    {0, "state", CLI_STRING, OPTION(state), "FILE",
     "go on where the run before has ended, and keep what is needed for the next one", NULL},
    {0, "now", CLI_TIME, OPTION(now), "TIME",
     "event time at the end of input; default that of the newest record", NULL},
    {0, "exit-code", CLI_FLAG, OPTION(exit_code), NULL, "exit with 1 while an alert fires", NULL},
    {0, "dry-run", CLI_FLAG, OPTION(dry_run), NULL, "send nothing and leave the state as it is",
     NULL},
};

const struct cli_verb alert_run_rules = {
    .name = "run",
    .summary = "Evaluate rules over records and send what changes.",
    .operands = "[INPUT]...",
    .description =
        "Metrics, aggregates, spans and findings are held against the rules as they come, in event "
        "time: the same input gives the same alerts, whenever it is read. Several inputs are read "
        "to their ends first and then taken as one, by time. Each transition of an "
        "alert is an alert record on standard output; those to firing, resolved and nodata are "
        "sent to the channels of the rule, with a notification record each.\n"
        "\n"
        "Examples:\n"
        "  trace-alert run --rules=rules.yaml --state=alerts.state metrics.ndjson\n"
        "  trace-agg --window=10s spans.ndjson | trace-alert run --rules=rules.yaml\n",
    .groups = CLI_READS | CLI_WRITES,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct run_options),
    .run = run_rules,
};
