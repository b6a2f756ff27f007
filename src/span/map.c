/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-span map: who calls whom, how often, how slow, how bad. */
#include <config.h>

#include "base/sys.h"
#include "cli/ids.h"
#include "cli/message.h"
#include "cli/table.h"
#include "cli/output.h"
#include "model/id.h"
#include "span/gather.h"
#include "span/oddities.h"
#include "span/service_map.h"
#include "span/trace_sums.h"
#include "span/verbs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct map_options {
    const char *span;
    bool dot, adjust_skew;
};

struct map_run {
    struct gather gather; /* its callbacks want it first */
    bool dot;
    uint64_t span_id;       /* 0: all */
    const char *span;       /* as it was given */
    struct trace_sums sums; /* of struct map_sum */
};

/* A thread's. */
struct map_sum {
    struct service_map map;
    bool *wanted; /* of the trace at hand */
    uint32_t capacity;
    bool found; /* the span */
    struct oddities odd;
};

/* --- Traces */

static enum tcore_status open_sum(void *sum, const void *state, struct tcore_error *err)
{
    const struct map_run *run = state;
    struct map_sum *to = sum;
    return service_map_open(&to->map, (unsigned)run->gather.cli->io.depth_limit, err);
}

/* Marks the span, all that is above it and all that is below; false: it is not there. */
static bool mark(struct map_sum *sum, const struct trace_build *build, uint64_t span_id)
{
    const struct tcore_trace_tree *tree = &build->tree;
    bool found = false;
    for (uint32_t i = 0; i < tree->count; i++)
        sum->wanted[i] = false;
    for (uint32_t at = 0; at < tree->count; at++) {
        uint32_t span = tree->order[at], parent = tree->parent[span];
        bool is_it = build->spans[span].span_id == span_id;
        /* a parent is marked before its children are looked at, unless it is above a span only */
        sum->wanted[span] = is_it || (parent != TCORE_SPAN_NONE && sum->wanted[parent]);
        found |= is_it;
    }
    for (uint32_t i = 0; found && i < tree->count; i++)
        if (build->spans[i].span_id == span_id)
            for (uint32_t above = tree->parent[i]; above != TCORE_SPAN_NONE && !sum->wanted[above];
                 above = tree->parent[above])
                sum->wanted[above] = true;
    return found;
}

static enum tcore_status take_trace(void *sum, const void *state, const struct trace_build *build,
                                    struct tcore_error *err)
{
    const struct map_run *run = state;
    struct map_sum *to = sum;
    oddities_count(&to->odd, &build->tree);
    if (!run->span_id)
        return service_map_take(&to->map, build, NULL, err);
    if (build->tree.count > to->capacity) {
        tcore_free(to->wanted);
        to->wanted = tcore_reallocarray(NULL, build->tree.count, sizeof *to->wanted);
        to->capacity = to->wanted ? build->tree.count : 0;
        if (!to->wanted)
            return tcore_error_nomem(err);
    }
    if (!mark(to, build, run->span_id))
        return TCORE_OK;
    to->found = true;
    return service_map_take(&to->map, build, to->wanted, err);
}

static enum tcore_status merge_sums(void *into, const void *from, struct tcore_error *err)
{
    struct map_sum *to = into;
    const struct map_sum *other = from;
    to->found |= other->found;
    oddities_add(&to->odd, &other->odd);
    return service_map_merge(&to->map, &other->map, err);
}

static void close_sum(void *sum)
{
    struct map_sum *to = sum;
    service_map_close(&to->map);
    tcore_free(to->wanted);
}

/* --- The end of the input */

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    static const struct trace_summing summing = {
        .bytes = sizeof(struct map_sum),
        .open = open_sum,
        .take = take_trace,
        .merge = merge_sums,
        .close = close_sum,
    };
    struct map_run *run = state;
    enum tcore_status status = gather_seal(&run->gather, err);
    if (status == TCORE_OK)
        status = trace_sums_run(&run->sums, &summing, run, &run->gather, err);
    if (status != TCORE_OK)
        return status;
    struct map_sum *all = run->sums.sum;
    status = run->dot ? service_map_dot(&all->map, run->gather.store, out, err)
                      : service_map_records(&all->map, run->gather.store, out, err);
    if (status != TCORE_OK)
        return status;
    gather_notes(&run->gather);
    note_oddities(run->gather.cli, &all->odd, ODD_PLACES & ~TCORE_NOTE_ORPHAN); /* has its edge */
    if (all->map.nameless)
        cli_note(run->gather.cli, "%" PRIu64 " span%s, with nothing below and no name of a peer",
                 all->map.nameless, all->map.nameless == 1 ? " calls somebody" : "s call somebody");
    return TCORE_OK;
}

static bool gives_rows(void *state)
{
    const struct map_run *run = state;
    return run->dot;
}

/* --- The verb */

static int make_map(struct map_run *run, int count, char **inputs)
{
    static const struct cli_operator mapping = {
        .types = 1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_TRACE,
        .open = gather_columns,
        .worker_open = gather_worker,
        .batch = gather_batch,
        .worker_close = gather_worker_close,
        .finish = finish,
        .gives_rows = gives_rows,
    };
    struct cli *cli = run->gather.cli;
    int status = cli_filter(cli, &mapping, run, count, inputs);
    const struct map_sum *all = run->sums.sum;
    if (!run->span_id || (status != CLI_DONE && status != CLI_REJECTED) || all->found)
        return status;
    if (!cli->reader_gone)
        cli_note(cli, "span %s is not in the input", run->span);
    return CLI_FOUND;
}

static int run(struct cli *cli, void *verb_options, int argc, char **argv)
{
    static const char *columns[] = {"source",    "target", "connection", "count",
                                    "errorRate", "p50",    "p95",        "max"};
    const struct map_options *options = verb_options;
    struct map_run run = {
        .gather = {.cli = cli, .from_traces = true, .adjust_skew = options->adjust_skew},
        .dot = options->dot,
        .span = options->span};
    struct cli_id id;
    int status = CLI_FAILED;
    if (options->span) {
        if (!cli_parse_id(options->span, &id) || !*id.span_id)
            return cli_usage_error(cli, "--span: '%s' is no span id of 16 digits", options->span);
        run.span_id = strtoull(id.span_id, NULL, 16);
    }
    if (options->dot &&
        (cli->io.binary || cli->io.fields.count || strcmp(cli->io.format, "ndjson")))
        return cli_usage_error(cli, "--dot excludes -b, --format and --fields");
    if (!options->dot)
        cli_table_on_terminal(cli, columns, cli_table_is_wide(cli) ? 8 : 7);
    if (gather_open(&run.gather, cli, GATHER_TEXT))
        status = make_map(&run, argc, argv);
    trace_sums_free(&run.sums);
    gather_close(&run.gather);
    return status;
}

static const struct cli_option options[] = {
    {0, "span", CLI_STRING, offsetof(struct map_options, span), "ID",
     "only what is above and below this span", NULL},
    {0, "dot", CLI_FLAG, offsetof(struct map_options, dot), NULL,
     "write a graph for Graphviz instead of records", NULL},
    {0, "adjust-skew", CLI_FLAG, offsetof(struct map_options, adjust_skew), NULL,
     "move spans of hosts whose clocks are off, and say by how much", NULL},
};

static const struct cli_exit_meaning exits[] = {{"1", "--span: the span is not there"}, {0}};

const struct cli_verb span_map = {
    .name = "map",
    .summary = "Say which service calls which, how often, how slow, how bad.",
    .operands = "[INPUT]...",
    .description =
        "Whatever kinds spans have, an edge is where a span and its parent are of different "
        "services, or a client has nothing below it and names whom it calls. For each there is "
        "one aggregate record of the metric callNano: calls, errors, latencies as the caller saw "
        "them, and networkMeanNano and so on, what of these was spent outside of the server. "
        "Entries have no source. missing tells whose spans are not there: the server's, as it is "
        "not instrumented; context, as the server has spans but not in this trace; or the "
        "caller's.\n"
        "\n"
        "Spans that do not fit in half of --memory (1G by default) go to a temporary file.\n"
        "\n"
        "Examples:\n"
        "  trace-span map --format=table spans.ndjson\n"
        "  trace-span map --dot spans.ndjson | dot -Tsvg > map.svg\n"
        "  trace-span map --span=eee19b7ec3c1b174 spans.ndjson\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = "use a temporary file beyond this (default 1G)",
    .exits = exits,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct map_options),
    .run = run,
};
