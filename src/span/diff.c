/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-span diff: two sets of traces flow in, and a finding flows out for each operation, or call
 * from one into another, that is not what it was. */
#include <config.h>

#include "span/diff.h"

#include "base/sys.h"
#include "cli/human.h"
#include "cli/ids.h"
#include "cli/message.h"
#include "cli/table.h"
#include "span/gather.h"
#include "span/verbs.h"
#include "stats/rank.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define TREE_ROWS 1000 /* that people are shown of two traces */

struct diff_run {
    struct gather gather[DIFF_SIDES];
    struct tcore_map wanted[DIFF_SIDES];
    struct trace_sums sums[DIFF_SIDES];
    struct cli *cli;
    struct diff_options options;
    bool draws; /* two traces as a tree, for people */
    bool drawn;
    struct cli_screen screen;
    uint32_t rows;       /* of the tree, at most */
    bool by_id;          /* two traces that are named: each is looked for in all inputs */
    size_t bytes, limit; /* of the sums */
    size_t found;
};

/* --- Spans of both sides */

struct diff_worker {
    void *part[DIFF_SIDES]; /* the gather's */
    int side;               /* of the batch in hand */
};

static enum tcore_status open_columns(void *state, struct tcore_projection *projection,
                                      struct tcore_error *err)
{
    struct diff_run *run = state;
    enum tcore_status status = gather_columns(&run->gather[DIFF_BASE], projection, err);

    return status ? status : gather_columns(&run->gather[DIFF_CAND], projection, err);
}

static enum tcore_status open_worker(void *state, void **worker, struct tcore_error *err)
{
    struct diff_run *run = state;
    struct diff_worker *w = *worker = tcore_calloc(1, sizeof *w);

    if (!w)
        return tcore_error_nomem(err);
    enum tcore_status status = gather_worker(&run->gather[DIFF_BASE], &w->part[DIFF_BASE], err);

    return status ? status : gather_worker(&run->gather[DIFF_CAND], &w->part[DIFF_CAND], err);
}

static void from_input(void *state, void *worker, size_t input)
{
    (void)state;
    ((struct diff_worker *)worker)->side = input ? DIFF_CAND : DIFF_BASE;
}

static enum tcore_status take_batch(void *state, void *worker, const struct tcore_batch *batch,
                                    const uint32_t *rows, size_t count, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    struct diff_run *run = state;
    struct diff_worker *w = worker;
    enum tcore_status status = TCORE_OK;

    for (int s = 0; s < DIFF_SIDES && status == TCORE_OK; s++)
        if (run->by_id || s == w->side)
            status = gather_batch(&run->gather[s], w->part[s], batch, rows, count, out, err);
    return status;
}

static enum tcore_status close_worker(void *state, void *worker, struct tcore_error *err)
{
    struct diff_run *run = state;
    struct diff_worker *w = worker;

    for (int s = 0; s < DIFF_SIDES && w; s++)
        gather_worker_close(&run->gather[s], w->part[s], err);
    tcore_free(w);
    return TCORE_OK;
}

/* --- Sums of both sides */

static enum tcore_status open_sum(void *sum, const void *state, struct tcore_error *err)
{
    struct diff_run *run = (struct diff_run *)(uintptr_t)state; /* its count of bytes is shared */

    return diff_side_open(sum, &run->options.by, (unsigned)run->cli->io.depth_limit, &run->bytes,
                          run->limit, err);
}

static enum tcore_status say(const struct diff_run *run, enum tcore_status status,
                             struct tcore_error *err)
{
    return status == TCORE_SKIP ? say_memory(run->cli, "sums of all traces", err) : status;
}

static enum tcore_status take_trace(void *sum, const void *state, const struct trace_build *build,
                                    struct tcore_error *err)
{
    return say(state, diff_side_take(sum, build, err), err);
}

static enum tcore_status merge_sums(void *into, const void *from, struct tcore_error *err)
{
    return diff_side_merge(into, from, err);
}

static void close_sum(void *sum)
{
    diff_side_close(sum);
}

/* Adds up the traces of a side, whose spans are let go. */
static enum tcore_status sum_up(struct diff_run *run, int s, struct tcore_error *err)
{
    static const struct trace_summing summing = {
        .bytes = sizeof(struct diff_side),
        .open = open_sum,
        .take = take_trace,
        .merge = merge_sums,
        .close = close_sum,
    };

    run->gather[s].looks_again = false;
    return say(run, trace_sums_run(&run->sums[s], &summing, run, &run->gather[s], err), err);
}

/* --- What people are told besides */

static void note_compared(const struct diff_run *run, const struct diff_tests *tests)
{
    const struct diff_both *both = tests->both;
    uint32_t follow = 0;

    for (uint32_t i = 0; i < tests->found_count; i++)
        follow += tests->test[tests->found[i]].because != DIFF_NONE;
    cli_note(run->cli,
             "%" PRIu32 " operation%s compared in %" PRIu32 " and %" PRIu32 " traces: %" PRIu32
             " change%s, and %" PRIu32 " that follow%s from others",
             both->operation_count, both->operation_count == 1 ? "" : "s",
             both->side[DIFF_BASE]->trace_count, both->side[DIFF_CAND]->trace_count,
             tests->found_count - follow, tests->found_count - follow == 1 ? "" : "s", follow,
             follow == 1 ? "s" : "");
}

/* Where a change of one operation cannot count, whatever it is. */
static void note_few(const struct diff_run *run, const struct diff_tests *tests)
{
    const struct diff_both *both = tests->both;
    size_t base = both->side[DIFF_BASE]->trace_count, cand = both->side[DIFF_CAND]->trace_count;
    double level = fmin(run->options.alpha, run->options.fdr);
    size_t enough = 1;

    level /= tests->eligible ? tests->eligible : 1;
    if (!base || !cand) {
        cli_note(run->cli, "no trace in %s, so that there is nothing to compare",
                 base ? "CAND" : "BASE");
        return;
    }
    if (tcore_rank_smallest_p(base, cand) <= level)
        return;
    /* with more traces more of the tests could be significant */
    level = fmin(run->options.alpha, run->options.fdr) / (tests->count ? tests->count : 1);
    while (enough < 1000 && tcore_rank_smallest_p(enough, enough) > level)
        enough++;
    cli_note(run->cli,
             "%zu and %zu traces are too few for a change of one operation to count; %zu a side "
             "are enough",
             base, cand, enough);
}

/* Of two traces: how long each of them took. */
static void note_two(const struct diff_run *run, const struct trace_build build[DIFF_SIDES])
{
    struct tcore_buf text = {0};

    for (int s = 0; s < DIFF_SIDES; s++) {
        const struct tcore_interval *whole = &build[s].tree.whole;

        tcore_buf_puts(&text, s ? " and " : "");
        if (tcore_interval_is_known(whole))
            cli_human_duration(&text, (double)(whole->end_ns - whole->start_ns), true);
        else
            tcore_buf_puts(&text, "no known time");
    }
    cli_note(run->cli, "one trace of %.*s: %zu difference%s, any of which may be chance",
             text.failed ? 0 : (int)text.length, text.data, run->found, run->found == 1 ? "" : "s");
    tcore_buf_free(&text);
}

static void note_order(const struct diff_run *run, const struct diff_tests *tests)
{
    const struct diff_serial *serial = &tests->serial;

    if (!isnan(serial->correlation))
        cli_note(run->cli,
                 "one trace is like the one before it in %s, as in %s (correlation %.2f): they are "
                 "no independent repetitions, and p-values too small",
                 serial->side == DIFF_BASE ? "BASE" : "CAND",
                 tests->both->operation[serial->operation].label, serial->correlation);
}

static void note_spans(const struct diff_run *run)
{
    uint64_t negative = 0, untimed = 0;

    for (int s = 0; s < DIFF_SIDES; s++) {
        negative += run->gather[s].negative;
        untimed += tcore_trace_store_untimed(run->gather[s].store);
    }
    note_times(run->cli, run->by_id ? negative / DIFF_SIDES : negative, untimed);
}

/* Fields of --by that no span had. */
static void note_absent(const struct diff_run *run, const struct diff_side *base,
                        const struct diff_side *cand)
{
    const struct cli_fields *fields = &base->keys.fields;

    for (size_t i = 0; i < fields->count; i++)
        if (!fields->field[i].seen && !cand->keys.fields.field[i].seen)
            cli_note_absent_field(run->cli, fields->field[i].name, NULL, false);
}

/* --- The end of the input */

static enum tcore_status judge(struct diff_run *run, const struct diff_both *both,
                               struct tcore_buf *out, struct tcore_error *err)
{
    struct diff_tests tests;
    enum tcore_status status = diff_test_all(&tests, both, &run->options, err);

    if (status == TCORE_OK)
        status = diff_judge(&tests, err);
    if (status == TCORE_OK)
        status = diff_write(&tests, out, err);
    if (status == TCORE_OK) {
        run->found = tests.found_count;
        note_compared(run, &tests);
        note_few(run, &tests);
        note_order(run, &tests);
    }
    diff_tests_free(&tests);
    return status;
}

static enum tcore_status compare_sets(struct diff_run *run, struct tcore_buf *out,
                                      struct tcore_error *err)
{
    struct diff_both both = {0};
    enum tcore_status status = sum_up(run, DIFF_BASE, err);

    if (status == TCORE_OK)
        status = sum_up(run, DIFF_CAND, err);
    if (status != TCORE_OK)
        return status;
    const struct diff_side *base = run->sums[DIFF_BASE].sum, *cand = run->sums[DIFF_CAND].sum;

    status = diff_join(&both, base, run->gather[DIFF_BASE].store, cand,
                       run->gather[DIFF_CAND].store, err);
    if (status == TCORE_OK)
        status = judge(run, &both, out, err);
    if (status == TCORE_OK)
        note_absent(run, base, cand);
    diff_both_free(&both);
    return status;
}

/* The two traces: their spans, and what they add up to. */
struct diff_two {
    struct diff_run *run;
    struct tcore_buf *out;
    uint64_t ids[DIFF_SIDES][2][2]; /* of the first two traces of each side */
    struct trace_build build[DIFF_SIDES];
    struct diff_side side[DIFF_SIDES];
};

static enum tcore_status add_up_two(struct diff_two *two, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;

    for (int s = 0; s < DIFF_SIDES && status == TCORE_OK; s++) {
        status = open_sum(&two->side[s], two->run, err);
        if (status == TCORE_OK)
            status = take_trace(&two->side[s], two->run, &two->build[s], err);
    }
    return status;
}

static enum tcore_status compare_two(struct diff_two *two, struct tcore_error *err)
{
    struct diff_run *run = two->run;
    struct diff_side *base = &two->side[DIFF_BASE], *cand = &two->side[DIFF_CAND];
    struct diff_both both = {0};
    enum tcore_status status = add_up_two(two, err);

    if (status == TCORE_OK)
        status = diff_join(&both, base, run->gather[DIFF_BASE].store, cand,
                           run->gather[DIFF_CAND].store, err);
    if (status == TCORE_OK)
        status = diff_pair(&both, two->build, &run->options, run->draws ? &run->screen : NULL,
                           run->rows, two->out, &run->found, err);
    run->drawn = run->draws;
    if (status == TCORE_OK) {
        note_two(run, two->build);
        note_absent(run, base, cand);
    }
    diff_both_free(&both);
    return status;
}

static void two_free(struct diff_two *two)
{
    for (int s = 0; s < DIFF_SIDES; s++) {
        diff_side_close(&two->side[s]);
        trace_build_free(&two->build[s]);
    }
}

static enum tcore_status take_cand(void *state, unsigned thread, struct tcore_stored_trace *trace,
                                   struct tcore_error *err)
{
    struct diff_two *two = state;

    (void)thread;
    enum tcore_status status =
        trace_build(&two->build[DIFF_CAND], two->run->gather[DIFF_CAND].store, trace, err);

    return status ? status : compare_two(two, err);
}

static enum tcore_status take_base(void *state, unsigned thread, struct tcore_stored_trace *trace,
                                   struct tcore_error *err)
{
    struct diff_two *two = state;
    struct gather *gather = two->run->gather;

    (void)thread;
    enum tcore_status status =
        trace_build(&two->build[DIFF_BASE], gather[DIFF_BASE].store, trace, err);

    return status ? status
                  : gather_again(&gather[DIFF_CAND], two->ids[DIFF_CAND][0], take_cand, two, err);
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct diff_run *run = state;
    struct diff_two two = {.run = run, .out = out};
    size_t count[DIFF_SIDES] = {0};
    enum tcore_status status = TCORE_OK;

    for (int s = 0; s < DIFF_SIDES && status == TCORE_OK; s++) {
        status = gather_seal(&run->gather[s], err);
        if (status == TCORE_OK)
            status = gather_few(&run->gather[s], 2, two.ids[s], &count[s], err);
    }
    if (status != TCORE_OK)
        return status;
    size_t base = count[DIFF_BASE], cand = count[DIFF_CAND];

    /* beside an input that failed the other one says nothing; an id that is not there is told of */
    if ((run->cli->failed || run->by_id) && (!base || !cand))
        return TCORE_OK;
    status = base == 1 && cand == 1 ? gather_again(&run->gather[DIFF_BASE], two.ids[DIFF_BASE][0],
                                                   take_base, &two, err)
                                    : compare_sets(run, out, err);
    two_free(&two);
    if (status == TCORE_OK)
        note_spans(run);
    return status;
}

/* --- The verb */

static const char *wrong_option(const struct diff_options *o)
{
    if (!(o->alpha > 0 && o->alpha < 1))
        return "--alpha is a probability: between 0 and 1";
    if (!(o->fdr > 0 && o->fdr < 1))
        return "--fdr is a probability: between 0 and 1";
    if (!(o->min_effect >= 0))
        return "--min-effect is 0 or more";
    return NULL;
}

static int exit_status(const struct diff_run *run, int status)
{
    if (status == CLI_USAGE)
        return status;
    if (run->options.exit_code)
        status = cli_exit_status(run->cli, run->found > 0);
    if (!run->by_id)
        return status;
    int base = gather_exit_status(&run->gather[DIFF_BASE], status);
    int cand = gather_exit_status(&run->gather[DIFF_CAND], status);

    return base == CLI_FOUND ? base : cand;
}

static bool gives_text(void *state)
{
    return ((const struct diff_run *)state)->drawn;
}

/* On a terminal findings are a table, and two traces a tree. */
static void choose_form(struct diff_run *run)
{
    static const char *columns[] = {"severity", "effectNano", "message"};
    struct cli *cli = run->cli;

    run->draws = cli_is_for_people(&cli->io) && !cli->io.fields.count;
    run->rows =
        cli->io.limit >= 0 && cli->io.limit < TREE_ROWS ? (uint32_t)cli->io.limit : TREE_ROWS;
    cli_screen_look(&run->screen, cli);
    cli_table_on_terminal(cli, columns, sizeof columns / sizeof *columns);
}

static int compare(struct diff_run *run, int count, char **inputs)
{
    static const struct cli_operator comparing = {
        .types = 1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_TRACE,
        .open = open_columns,
        .worker_open = open_worker,
        .from_input = from_input,
        .batch = take_batch,
        .worker_close = close_worker,
        .finish = finish,
        .gives_text = gives_text,
    };

    return exit_status(run, cli_filter(run->cli, &comparing, run, count, inputs));
}

static void end(struct diff_run *run)
{
    for (int s = 0; s < DIFF_SIDES; s++) {
        trace_sums_free(&run->sums[s]);
        gather_close(&run->gather[s]);
        tcore_map_free(&run->wanted[s]);
    }
}

/* What the operands are: two ids and inputs, or two inputs. CLI_DONE, or CLI_USAGE. */
static int look_at_operands(struct cli *cli, int ids, int argc, char **argv)
{
    if (ids && ids != 2)
        return cli_usage_error(cli, "two TRACEIDs are compared");
    if (!ids && argc != 2)
        return cli_usage_error(cli, "two inputs are compared, BASE and CAND");
    if (!ids && !strcmp(argv[0], "-") && !strcmp(argv[1], "-"))
        return cli_usage_error(cli, "only one of BASE and CAND can be standard input");
    return CLI_DONE;
}

static int run(struct cli *cli, void *verb_options, int argc, char **argv)
{
    static const char *service_and_name[] = {"service", "name"};
    struct diff_run run = {.cli = cli, .options = *(const struct diff_options *)verb_options};
    int ids = cli_ids_first(argc, argv), status = look_at_operands(cli, ids, argc, argv);

    if (status != CLI_DONE)
        return status;
    if (wrong_option(&run.options))
        return cli_usage_error(cli, "%s", wrong_option(&run.options));
    if (!run.options.by.count)
        run.options.by = (struct cli_strings){service_and_name, 2};
    if (ids && !cli_check_inputs(cli, argc - ids, argv + ids))
        return CLI_FAILED;
    enum gather_keep keep = span_groups_are_plain(&run.options.by) ? GATHER_NAMES : GATHER_TEXT;
    bool opened = true;

    run.by_id = ids;
    run.limit = gather_memory(cli) / 2; /* the other half is for spans */
    choose_form(&run);
    for (int s = 0; s < DIFF_SIDES && opened; s++) {
        run.gather[s] =
            (struct gather){.from_traces = true, .looks_again = true, .stores = DIFF_SIDES};
        opened = gather_open(&run.gather[s], cli, keep);
        if (opened && !gather_want(&run.gather[s], &run.wanted[s], ids ? 1 : 0, argv + s)) {
            cli_error(cli, "out of memory");
            opened = false;
        }
    }
    status = opened ? compare(&run, argc - ids, argv + ids) : CLI_FAILED;
    end(&run);
    return status;
}

#define OPTION(member) offsetof(struct diff_options, member)

static const struct cli_option options[] = {
    {0, "alpha", CLI_DOUBLE, OPTION(alpha), "P",
     "significance level of each comparison, and of intervals (0.05)", NULL},
    {0, "by", CLI_LIST, OPTION(by), "FIELDS",
     "spans of the same fields are one operation (default: service,name)", NULL},
    {0, "exit-code", CLI_FLAG, OPTION(exit_code), NULL, "exit with 1 when something changed", NULL},
    {0, "fdr", CLI_DOUBLE, OPTION(fdr), "Q", "share of false findings to accept among all (0.01)",
     NULL},
    {0, "min-effect", CLI_PERCENT, OPTION(min_effect), "PERCENT",
     "let changes pass that are certainly smaller (5%)", NULL},
};

static const struct diff_options defaults = {.min_effect = 0.05, .alpha = 0.05, .fdr = 0.01};

static const struct cli_exit_meaning exits[] = {
    {"1", "with --exit-code: something changed; or a TRACEID was not found"}, {0}};

const struct cli_verb span_diff = {
    .name = "diff",
    .summary = "Say what two sets of traces, or two traces, differ in.",
    .operands = "BASE CAND | TRACEID TRACEID [INPUT]...",
    .description =
        "Operations, and calls from one into another, are compared: which appeared or vanished, "
        "take longer (durationNano) or do so themselves (selfNano), are called more often, fail "
        "more often, or call at the same time what they called one after the other. For each "
        "there is one finding record, those that change a trace's time the most first, and "
        "behind them those that follow from others: a caller is slower as what it calls is.\n"
        "\n"
        "The unit of repetition is the trace, and tests are exact or by ranks. If nothing "
        "changed, one of a hundred runs has a finding, whatever the number of operations; --fdr "
        "sets that. Of one trace on either side the spans are aligned, and nothing is claimed of "
        "chance.\n"
        "\n"
        "Spans that do not fit in half of --memory (1G by default) go to a temporary file; what is "
        "known of each trace and operation must fit in the other half. On a terminal findings are "
        "a table, and two traces are drawn as one tree.\n"
        "\n"
        "Examples:\n"
        "  trace-span diff base.ndjson candidate.ndjson\n"
        "  trace-span diff --by=service --min-effect=10% base.ndjson candidate.ndjson\n"
        "  trace-span diff 5b8efff798038103d269b633813fc60c \\\n"
        "      7bba9f33312b3dbb8b2c2c62bb7abe2d spans.ndjson\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = "use a temporary file beyond this (default 1G)",
    .exits = exits,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct diff_options),
    .defaults = &defaults,
    .run = run,
};
