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

/* The rules, and what they have come to. */
struct evaluation {
    struct rules rules;
    struct engine engine;
    struct notifier notifier;
};

struct alert_run {
    struct cli *cli;
    const struct run_options *options;
    struct evaluation *now; /* owned; HUP puts another one in its place */
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

    return series_columns(&run->now->engine, projection, err);
}

/* Alerts of rules that were changed are over. */
static enum tcore_status resolve_retired(struct alert_run *run, struct tcore_buf *out,
                                         struct tcore_error *err)
{
    struct engine *e = &run->now->engine;
    enum tcore_status status = TCORE_OK;

    for (size_t r = 0; r < run->state.retired_count && status == TCORE_OK; r++) {
        const struct retired *retired = &run->state.retired[r];
        struct instance over = {.rule = retired->rule, .since_ns = retired->since_ns};

        over.key = engine_key(e, retired->rule, retired->labels, retired->length);
        status = over.key == TCORE_MAP_NONE
                     ? tcore_error_nomem(err)
                     : notify_transition(e, &over, "resolved", e->now_ns, true, out, err);
    }
    state_settle(&run->state);
    return status;
}

/* What the state left to be told. */
static enum tcore_status begin(struct alert_run *run, struct tcore_buf *out,
                               struct tcore_error *err)
{
    enum tcore_status status;

    if (run->begun)
        return TCORE_OK;
    run->begun = true;
    status = notifier_retry(&run->now->notifier, run->now->engine.now_ns, out, err);
    return status == TCORE_OK ? resolve_retired(run, out, err) : status;
}

/* A run that goes on saves what it has told. */
static enum tcore_status save_sometimes(struct alert_run *run, struct tcore_error *err)
{
    int64_t now = tcore_sys()->monotonic_ns();

    if (!run->options->state || run->options->dry_run ||
        run->now->notifier.transitions == run->saved_transitions ||
        now - run->saved_ns < SAVE_EVERY_NS)
        return TCORE_OK;
    run->saved_transitions = run->now->notifier.transitions;
    run->saved_ns = now;
    if (!notifier_sync(&run->now->notifier) || !state_save(&run->state, &run->now->engine))
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
        status = merge_replay(&run->merge, &run->now->engine, &part, err);
        tcore_buf_append(out, part.data, part.length);
        out->failed |= part.failed;
    }
    tcore_buf_free(&part);
    merge_free(&run->merge);
    run->now->engine.merge = NULL;
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
        status = series_row(&run->now->engine, batch, rows[i], out, err);
    if (status == TCORE_OK && run->now->engine.merge && merge_is_full(&run->merge))
        status = end_merge(run, out, err);
    if (status == TCORE_OK)
        status = save_sometimes(run, err);
    run->broken |= status != TCORE_OK;
    return status;
}

/* --- Rules that are read again */

static void free_evaluation(struct evaluation *evaluation)
{
    if (!evaluation)
        return;
    engine_free(&evaluation->engine);
    notifier_free(&evaluation->notifier);
    rules_free(&evaluation->rules);
    tcore_free(evaluation);
}

static enum tcore_status open_evaluation(const struct alert_run *run, struct evaluation *evaluation,
                                         struct tcore_error *err)
{
    const struct run_options *options = run->options;
    enum tcore_status status =
        notifier_open(&evaluation->notifier, run->cli, &evaluation->rules, options->dry_run, err);

    return status == TCORE_OK ? engine_open(&evaluation->engine, run->cli, &evaluation->rules,
                                            &evaluation->notifier, options->state, err)
                              : status;
}

static void keep_counts(const struct evaluation *from, struct evaluation *to)
{
    to->engine.any = from->engine.any;
    to->engine.untimed = from->engine.untimed;
    to->engine.unordered = from->engine.unordered;
    to->engine.without_number = from->engine.without_number;
    to->engine.known = from->engine.known;
    to->engine.late = from->engine.late;
    to->notifier.transitions = from->notifier.transitions + 1; /* the state changes */
    to->notifier.failures = from->notifier.failures;
}

static enum tcore_status reload(void *data, struct tcore_projection *projection,
                                struct tcore_buf *out, struct tcore_error *err)
{
    struct alert_run *run = data;
    struct evaluation *next;
    enum tcore_status status;

    if (run->now->engine.merge) {
        cli_note(run->cli, "%s: not read again: there are several inputs", run->options->rules);
        return TCORE_SKIP;
    }
    next = tcore_calloc(1, sizeof *next);
    if (!next)
        return tcore_error_nomem(err);
    if (!rules_load_again(run->cli, &next->rules, run->options->rules)) {
        rules_free(&next->rules);
        tcore_free(next);
        return TCORE_SKIP;
    }
    status = begin(run, out, err);
    if (status == TCORE_OK)
        status = open_evaluation(run, next, err);
    if (status == TCORE_OK)
        status = series_columns(&next->engine, projection, err);
    if (status == TCORE_OK && (!notifier_sync(&run->now->notifier) ||
                               !state_hand_over(&run->state, &run->now->engine, &next->engine)))
        status = tcore_error_set(err, TCORE_FATAL, "the rules cannot be changed");
    if (status != TCORE_OK) {
        run->broken = true;
        free_evaluation(next);
        return status;
    }
    keep_counts(run->now, next);
    free_evaluation(run->now);
    run->now = next;
    status = resolve_retired(run, out, err);
    run->broken |= status != TCORE_OK;
    return status;
}

static enum tcore_status finish(void *data, struct tcore_buf *out, struct tcore_error *err)
{
    struct alert_run *run = data;
    enum tcore_status status = begin(run, out, err);

    if (status == TCORE_OK && run->now->engine.merge)
        status = merge_replay(&run->merge, &run->now->engine, out, err);
    if (status == TCORE_SKIP)
        return status;
    if (status == TCORE_OK && run->options->now.set)
        status = engine_advance(&run->now->engine, run->options->now.unix_ns, true, out, err);
    run->broken |= status != TCORE_OK;
    return status;
}

static void note(struct cli *cli, uint64_t count, const char *one, const char *many)
{
    if (count)
        cli_note(cli, "%" PRIu64 " %s", count, count == 1 ? one : many);
}

/* absent() is for when there are none. */
static void note_rules(struct cli *cli, const struct engine *e)
{
    for (size_t r = 0; r < e->rules->count; r++) {
        const struct rule *rule = &e->rules->rule[r];

        if (e->any && !e->seen[r].matched && rule->form != RULE_ABSENT)
            cli_note(cli, "rule %s: no record matched", rule->name);
        if (e->seen[r].lacks_stat)
            cli_note(cli, "rule %s: metrics have no %s but in aggregates of them", rule->name,
                     rule->stat);
    }
}

static void print_notes(struct cli *cli, const struct alert_run *run)
{
    if (run->merge_ended)
        cli_note(cli,
                 "the inputs need more than --memory to be ordered by time: from there on they "
                 "were read one after the other");
    note(cli, run->now->engine.untimed, "record without a time came before any with one: left out",
         "records without a time came before any with one: left out");
    note(cli, run->now->engine.unordered,
         "record was older than the one before of its series: left out",
         "records were older than those before of their series: left out");
    note(cli, run->now->engine.late,
         "record was older than the range of its rule when it came: left out",
         "records were older than the range of their rules when they came: left out");
    note(cli, run->now->engine.known,
         "record was read by a run before, or is older than what it read",
         "records were read by a run before, or are older than what it read");
    note(cli, run->now->engine.without_number, "record had no number to compare",
         "records had no number to compare");
    note(cli, run->state.forgotten, "alert was of a rule that is gone: forgotten",
         "alerts were of rules that are gone: forgotten");
    note_rules(cli, &run->now->engine);
    if (run->now->notifier.failures && run->options->state)
        note(cli, run->now->notifier.outbox_count, "message waits for the next run",
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
        .reload = reload,
        .finish = finish};

    run->merge.limit_bytes = cli->io.memory_bytes ? (size_t)cli->io.memory_bytes : MERGE_BYTES;
    if (argc > 1)
        run->now->engine.merge = &run->merge;
    int exit_status = cli_filter(cli, &op, run, argc, argv);

    if (exit_status == CLI_USAGE)
        return exit_status;
    bool synced = notifier_sync(&run->now->notifier);

    if (synced && run->options->state && !run->options->dry_run && !run->broken)
        (void)state_save(&run->state, &run->now->engine);
    print_notes(cli, run);
    if (run->now->notifier.failures)
        cli->failed = true;
    return cli_exit_status(cli, run->options->exit_code && run->now->engine.firing > 0);
}

static int run_rules(struct cli *cli, void *verb_options, int argc, char **argv)
{
    const struct run_options *options = verb_options;
    struct alert_run run = {
        .cli = cli, .options = options, .state = {.cli = cli, .path = "the state", .fd = -1}};
    struct tcore_error err = {0};
    int exit_status;

    if (!options->rules)
        return cli_usage_error(cli, "--rules=FILE is missing");
    run.now = tcore_calloc(1, sizeof *run.now);
    if (!run.now) {
        cli_error(cli, "out of memory");
        return CLI_FAILED;
    }
    exit_status = rules_load(cli, &run.now->rules, options->rules, true);
    if (exit_status == CLI_DONE) {
        run.saved_ns = tcore_sys()->monotonic_ns();
        if (open_evaluation(&run, run.now, &err) != TCORE_OK)
            cli_report(cli, &err);
        else if (!options->state ||
                 state_open(&run.state, cli, options->state, options->dry_run, &run.now->engine))
            exit_status = evaluate(cli, &run, argc, argv);
        if (exit_status == CLI_DONE)
            exit_status = cli_exit_status(cli, false);
    }
    merge_free(&run.merge);
    free_evaluation(run.now);
    state_close(&run.state);
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

static const struct cli_exit_meaning exits[] = {
    {"1", "with --exit-code: an alert fires"},
    {"2", "wrong usage, a bad expression, or an error in the rules"},
    {"4", "input, output or a helper failed, --strict stopped, or a message could not be sent"},
    {0}};

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
        "  trace-agg --window=10s spans.ndjson | trace-alert run --rules=rules.yaml\n"
        "  trace-alert run --rules=rules.yaml aggregates.ndjson findings.ndjson\n",
    .groups = CLI_READS | CLI_WRITES,
    .exits = exits,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct run_options),
    .run = run_rules,
};
