/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-span patterns: the shapes that traces have, and the templates of span names. */
#include <config.h>

#include "base/sys.h"
#include "cli/ids.h"
#include "cli/message.h"
#include "cli/table.h"
#include "span/gather.h"
#include "span/pattern_sum.h"
#include "span/span_names.h"
#include "span/trace_sums.h"
#include "span/verbs.h"

struct patterns_options {
    double similarity;
    bool names;
};

struct patterns_run {
    struct gather gather; /* its callbacks want it first */
    bool names;
    bool drawn; /* for people, as text */
    size_t most;
    struct cli_screen screen;
    double threshold;
    struct trace_sums sums; /* of struct patterns_sum */
};

/* A thread's: either of them. */
struct patterns_sum {
    const struct tcore_trace_store *store;
    bool of_names;
    struct pattern_sum patterns;
    struct span_names names;
};

static enum tcore_status open_sum(void *sum, const void *state, struct tcore_error *err)
{
    const struct patterns_run *run = state;
    struct patterns_sum *to = sum;
    to->store = run->gather.store;
    to->of_names = run->names;
    return run->names ? span_names_open(&to->names, err) : pattern_sum_open(&to->patterns, err);
}

static enum tcore_status take_trace(void *sum, const void *state, const struct trace_build *build,
                                    struct tcore_error *err)
{
    struct patterns_sum *to = sum;
    (void)state;
    return to->of_names ? span_names_take(&to->names, build, err)
                        : pattern_sum_take(&to->patterns, build, err);
}

static enum tcore_status merge_sums(void *into, const void *from, struct tcore_error *err)
{
    struct patterns_sum *to = into;
    const struct patterns_sum *other = from;
    return to->of_names ? span_names_merge(&to->names, &other->names, to->store, err)
                        : pattern_sum_merge(&to->patterns, &other->patterns, err);
}

static void close_sum(void *sum)
{
    struct patterns_sum *to = sum;
    span_names_close(&to->names);
    pattern_sum_close(&to->patterns);
}

static enum tcore_status write_patterns(struct patterns_run *run, struct pattern_sum *sum,
                                        struct tcore_buf *out, struct tcore_error *err)
{
    struct pattern **patterns = NULL;
    size_t count = 0;
    enum tcore_status status = pattern_cluster(sum, run->threshold, &patterns, &count, err);
    if (status == TCORE_OK)
        status = pattern_write(sum, patterns, count, run->most, &run->gather,
                               run->drawn ? &run->screen : NULL, out, err);
    tcore_free(patterns);
    return status;
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    static const struct trace_summing summing = {
        .bytes = sizeof(struct patterns_sum),
        .tree_only = true,
        .open = open_sum,
        .take = take_trace,
        .merge = merge_sums,
        .close = close_sum,
    };
    struct patterns_run *run = state;
    enum tcore_status status = gather_seal(&run->gather, err);
    if (status == TCORE_OK)
        status = trace_sums_run(&run->sums, &summing, run, &run->gather, err);
    if (status != TCORE_OK)
        return status;
    struct patterns_sum *all = run->sums.sum;
    status = run->names ? span_names_write(&all->names, run->gather.store, out, err)
                        : write_patterns(run, &all->patterns, out, err);
    if (status == TCORE_OK)
        gather_notes(&run->gather);
    return status;
}

static bool gives_text(void *state)
{
    const struct patterns_run *run = state;
    return run->drawn;
}

/* --- The verb */

/* Trees on a terminal; a table only of names, or if it was asked for. */
static void choose_form(struct patterns_run *run)
{
    static const char *patterns[] = {"count", "share", "errorRate", "p50",
                                     "p95",   "spans", "service",   "name"};
    static const char *names[] = {"count", "errorRate", "p50", "p95", "names", "service", "name"};
    struct cli *cli = run->gather.cli;
    run->most = SIZE_MAX;
    run->drawn = !run->names && cli_is_for_people(&cli->io) && !cli->io.fields.count;
    if (run->drawn) {
        cli_screen_look(&run->screen, cli);
        if (cli->io.limit >= 0)
            run->most = (size_t)cli->io.limit;
    } else if (run->names) {
        cli_table_on_terminal(cli, names, sizeof names / sizeof *names);
    } else {
        cli_table_on_terminal(cli, patterns, sizeof patterns / sizeof *patterns);
    }
}

static int run(struct cli *cli, void *verb_options, int argc, char **argv)
{
    static const struct cli_operator finding = {
        .types = 1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_TRACE,
        .open = gather_columns,
        .worker_open = gather_worker,
        .batch = gather_batch,
        .worker_close = gather_worker_close,
        .finish = finish,
        .gives_text = gives_text,
    };
    const struct patterns_options *options = verb_options;
    struct patterns_run run = {
        .gather = {.cli = cli, .from_traces = true, .looks_again = !options->names},
        .names = options->names,
        .threshold = options->similarity};
    int status = CLI_FAILED;
    if (!(options->similarity > 0 && options->similarity <= 1))
        return cli_usage_error(cli, "--similarity: more than 0 and up to 100%% is wanted");
    if (!cli_check_inputs(cli, argc, argv))
        return status;
    choose_form(&run);
    if (gather_open(&run.gather, cli, GATHER_NAMES))
        status = cli_filter(cli, &finding, &run, argc, argv);
    trace_sums_free(&run.sums);
    gather_close(&run.gather);
    return status;
}

static const struct cli_option options[] = {
    {0, "similarity", CLI_PERCENT, offsetof(struct patterns_options, similarity), "PERCENT",
     "how alike shapes of one pattern are (default: 70%; 100%: the same)", NULL},
    {0, "names", CLI_FLAG, offsetof(struct patterns_options, names), NULL,
     "list the templates of span names instead, with how many names each stands for", NULL},
};

static const struct patterns_options defaults = {.similarity = 0.7};

const struct cli_verb span_patterns = {
    .name = "patterns",
    .summary = "Find the shapes that traces have.",
    .operands = "[INPUT]...",
    .description =
        "Traces of one shape do the same: their trees have the same operations below each other, "
        "however often each is repeated and in whatever order. Operations are services and the "
        "templates of names: numbers, ids, addresses, quoted text and the like are replaced by "
        "their kinds, as in GET /users/<num>. Shapes that are nearly the same are one pattern: "
        "those with the same root that share 70 percent of all their operations and calls "
        "(--similarity), and traces that lack spans with the pattern that has what is left of "
        "them.\n"
        "\n"
        "For each pattern there is one aggregate record, the most frequent first: how many traces "
        "(count, share) and shapes (variants) it has, how long they take, how many failed at their "
        "root (errors, errorRate), how many spans they have (spans, the mean), when it was seen, "
        "a sketch of the tree (x3: three of these), and the slowest trace (evidence). On a "
        "terminal "
        "they are drawn as trees.\n"
        "\n"
        "Spans that do not fit in half of --memory (1G by default) go to a temporary file.\n"
        "\n"
        "Examples:\n"
        "  trace-span patterns --limit=10 --format=table spans.ndjson\n"
        "  trace-span patterns --similarity=100% spans.ndjson\n"
        "  trace-span patterns --names --limit=20 spans.ndjson\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = "use a temporary file beyond this (default 1G)",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct patterns_options),
    .defaults = &defaults,
    .run = run,
};
