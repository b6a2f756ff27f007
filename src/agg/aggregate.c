/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The verb: records in, one aggregate record a group and window out.
 *
 * Usually each worker thread fills a table of its own and the tables are merged at the end. With
 * --lateness or --idle windows close as event time goes on: then batches come in input order, one
 * row after the other moves the watermark, and what is behind it is late, whatever the number of
 * threads.
 */
#include <config.h>

#include "agg/aggregation.h"
#include "agg/scope.h"
#include "agg/verbs.h"
#include "cli/message.h"
#include "cli/pieces.h"

#include "base/sys.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum tcore_status open_worker(void *state, void **worker, struct tcore_error *err)
{
    struct aggregation *agg = state;
    struct agg_work *work = *worker = tcore_malloc(sizeof *work);
    if (!work)
        return tcore_error_nomem(err);
    enum tcore_status status = agg_work_open(work, &agg->plan, err);
    if (!status && agg->map.program.data && (status = agg_work_map(work, agg, err)) != TCORE_OK)
        agg_work_free(work);
    if (status) {
        tcore_free(work);
        *worker = NULL;
    }
    return status;
}

static enum tcore_status add_batch(void *state, void *worker, const struct tcore_batch *batch,
                                   const uint32_t *rows, size_t count, struct tcore_buf *out,
                                   struct tcore_error *err)
{
    struct agg_work *work = worker;
    (void)state;
    (void)out;
    work->seen.negative += batch->negative_durations;
    return agg_add(work, batch, rows, count, &agg_none_closed, err);
}

static enum tcore_status add_batch_in_order(void *state, void *worker,
                                            const struct tcore_batch *batch, const uint32_t *rows,
                                            size_t count, struct tcore_buf *out,
                                            struct tcore_error *err)
{
    (void)worker;
    return add_batch(state, &((struct aggregation *)state)->total, batch, rows, count, out, err);
}

static unsigned rolls_up(void *state, int64_t *window_ns)
{
    const struct agg_plan *plan = &((struct aggregation *)state)->plan;
    *window_ns = plan->pane_ns;
    return agg_rolls_up(plan);
}

static enum tcore_status add_rollup(void *state, void *worker, const struct tcore_slice *rollup,
                                    unsigned types, const bool *wanted, bool *seen,
                                    struct tcore_error *err)
{
    (void)state;
    return agg_add_rollup(worker, rollup, types, wanted, seen, err);
}

static enum tcore_status close_worker(void *state, void *worker, struct tcore_error *err)
{
    struct aggregation *agg = state;
    struct agg_work *work = worker;
    agg_span_merge(&agg->total.seen, &work->seen);
    enum tcore_status status = agg_settle(work, err);
    if (!status)
        status = table_merge(&agg->total.table, &work->table, cli_threads(agg->cli), err);
    agg_work_free(work);
    tcore_free(work);
    return status;
}

static enum tcore_status emit(struct aggregation *agg, struct tcore_buf *out, bool *more,
                              struct tcore_error *err)
{
    unsigned threads = cli_threads(agg->cli);
    if (agg->emitter.pieces || (!agg->partial && agg_emits_apart(&agg->total, threads)))
        return agg_emit_apart(&agg->emitter, &agg->total, threads, out, more, err);
    return agg_emit(&agg->emitter, &agg->total, INT64_MAX, agg->partial, out, more, err);
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct aggregation *agg = state;
    bool more = false;
    enum tcore_status status = TCORE_OK;
    if (agg->partial && !agg->ending)
        agg->incomplete = !agg_input_is_whole(agg->cli);
    agg->ending = true;
    if (agg->incomplete)
        return TCORE_OK;
    if (agg->partial && !agg->partial->begun &&
        agg_partial_header(agg->partial, &agg->total, true, out))
        return tcore_error_nomem(err);
    if (!agg->emitted)
        status = emit(agg, out, &more, err);
    if (status || more)
        return status ? status : TCORE_SKIP;
    agg->emitted = true;
    if (agg->partial)
        agg_partial_trailer(agg->partial, &agg->total.seen, out);
    return tcore_buf_status(out, err);
}

static void note(struct cli *cli, uint64_t count, const char *one, const char *many)
{
    if (count)
        cli_note(cli, "%llu %s", (unsigned long long)count, count == 1 ? one : many);
}

void agg_note_overflow(struct cli *cli, const struct agg_work *total)
{
    if (total->table.overflowed)
        cli_note(cli, "more than %llu groups (--max-groups): the rest is counted in one",
                 (unsigned long long)total->plan->max_groups);
}

static void print_notes(const struct aggregation *agg)
{
    const struct agg_span *seen = &agg->total.seen;
    note(agg->cli, seen->negative, "span ends before it starts: counted without a duration",
         "spans end before they start: counted without a duration");
    note(agg->cli, seen->untimed, "record without a time is in no window",
         "records without a time are in no window");
    note(agg->cli, seen->late, "late record was left out: its window had been closed (--lateness)",
         "late records were left out: their windows had been closed (--lateness)");
    note(agg->cli, seen->partly_late,
         "late record is not in all of its windows: some had been closed (--lateness)",
         "late records are not in all of their windows: some had been closed (--lateness)");
    note(agg->cli, seen->future,
         "record is of a time that is yet to come: it does not close windows",
         "records are of a time that is yet to come: they do not close windows");
    if (agg->plan.window_ns && seen->first_ns <= 0)
        cli_note(agg->cli, "there are records of 1970 or before: a time of 0 may be none at all");
    note(agg->cli, seen->bad_histograms, "histogram was left out: its buckets make no sense",
         "histograms were left out: their buckets make no sense");
    note(agg->cli, seen->cumulative,
         "cumulative point was added as it is: its values are totals since a start, not increases",
         "cumulative points were added as they are: their values are totals since a start, not "
         "increases");
    if (seen->maybe_cumulative)
        cli_note(agg->cli, "cumulative points may be among the metrics: their values are totals "
                           "since a start, not increases");
    note(agg->cli, seen->bad_rates,
         "quality.sampleRate is none (above 0, up to 1): its record counts once",
         "quality.sampleRates are none (above 0, up to 1): their records count once");
    note(agg->cli, seen->other, "record that --map made is of a type that is not aggregated",
         "records that --map made are of types that are not aggregated");
    agg_note_mapped(agg);
    agg_note_overflow(agg->cli, &agg->total);
}

/* A partial is one thing: with some of its records, or some members of them, it is none. */
static int partial_usage(struct cli *cli, const struct agg_options *options)
{
    const struct cli_io_options *io = &cli->io;
    bool selects = io->where || io->since.set || io->until.set || io->types.count;
    if (options->merge && selects)
        return cli_usage_error(cli, "--merge takes whole partials: --where, --type, --since and "
                                    "--until are for what makes them");
    if (options->partial && (io->limit >= 0 || io->fields.count))
        return cli_usage_error(cli, "--partial writes whole partials: --limit and --fields are for "
                                    "what --merge writes");
    if (options->partial && strcmp(io->format, "ndjson") != 0)
        return cli_usage_error(cli, "--partial and --format=%s exclude each other", io->format);
    return CLI_DONE;
}

static bool names_increase(const struct cli_strings *stats)
{
    for (size_t i = 0; i < stats->count; i++)
        if (!strcmp(stats->item[i], "increase") || !strcmp(stats->item[i], "increaseRate"))
            return true;
    return false;
}

static int usage(struct cli *cli, const struct agg_options *options)
{
    if (!options->window_ns)
        return cli_usage_error(cli, "--window must be longer than 0");
    if (options->slide_ns >= 0 && options->window_ns < 0)
        return cli_usage_error(cli, "--slide needs --window");
    if (!options->slide_ns)
        return cli_usage_error(cli, "--slide must be longer than 0");
    if (options->slide_ns > options->window_ns)
        return cli_usage_error(cli, "--slide must not be longer than --window");
    if (options->slide_ns > 0 && options->window_ns / options->slide_ns > AGG_OVERLAP_MAX)
        return cli_usage_error(cli, "--window must not be longer than %d times --slide",
                               AGG_OVERLAP_MAX);
    if (!options->stats.count)
        return cli_usage_error(cli, "--stat names no statistic");
    if (options->value && !*options->value)
        return cli_usage_error(cli, "--value names no field");
    if (options->lateness_ns >= 0 && options->window_ns < 0)
        return cli_usage_error(cli, "--lateness needs --window");
    if (options->scope && options->by.count)
        return cli_usage_error(cli, "--scope and --by exclude each other");
    if (options->max_groups < 1)
        return cli_usage_error(cli, "--max-groups must be at least 1");
    if (!options->expect.item)
        return cli_usage_error(cli, "--expect names no unit");
    if (options->expect.count && !options->merge)
        return cli_usage_error(cli, "--expect needs --merge");
    if (options->unit && !options->partial)
        return cli_usage_error(cli, "--unit needs --partial");
    if (options->merge && (options->by.count || options->window_ns > 0 || options->value ||
                           options->scope || options->exemplars || options->map))
        return cli_usage_error(cli, "--merge takes groups and windows from the partials");
    if (options->slide_ns > 0 && (options->lateness_ns >= 0 || cli->io.idle_ns) &&
        names_increase(&options->stats))
        return cli_usage_error(cli,
                               "increase of windows that overlap is known at the end of input: "
                               "not with --lateness or --idle");
    if (options->value && names_increase(&options->stats))
        return cli_usage_error(cli, "increase is that of counters, not of --value");
    if (options->merge && options->partial && options->stats.item != agg_default_stats)
        return cli_usage_error(cli, "--partial keeps all that the partials hold: --stat is for "
                                    "what --merge writes");
    return partial_usage(cli, options);
}

/* Each thread fills a table of its own, and the last one is merged into a whole: as much again.
 * What is put together of panes has as much, too. */
static size_t table_limit(const struct cli *cli, const struct agg_options *options)
{
    int64_t threads = cli->io.threads ? cli->io.threads : sysconf(_SC_NPROCESSORS_ONLN);
    return (size_t)cli->io.memory_bytes /
           (size_t)((threads > 0 ? threads : 1) + (options->slide_ns > 0 ? 2 : 1));
}

/* The statistics that are asked for, one way or another. */
static enum tcore_status parse_stats(struct aggregation *agg, const struct agg_options *options,
                                     const struct agg_scope *scope, struct tcore_error *err)
{
    struct cli_strings names = options->stats;
    if (scope && scope->stats.count && names.item == agg_default_stats) {
        names = scope->stats;
        agg->plan.optional_stats = true;
    }
    const char **all = tcore_calloc(names.count + 1, sizeof *all);
    if (!all)
        return tcore_error_nomem(err);
    memcpy(all, names.item, names.count * sizeof *all);
    if (options->exemplars) {
        snprintf(agg->exemplars, sizeof agg->exemplars, "exemplars(%s)",
                 *options->exemplars ? options->exemplars : "3");
        all[names.count++] = agg->exemplars;
    }
    enum tcore_status status = agg_stats_parse(&agg->plan.stats, all, names.count, err);
    tcore_free(all);
    return status;
}

static void set_scope(struct agg_plan *plan, const struct agg_scope *scope)
{
    plan->types = 1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_METRIC | 1u << TCORE_RECORD_LOG;
    if (!scope)
        return;
    plan->by_names = scope->by;
    plan->types = scope->types;
    plan->roots = scope->roots;
    plan->own = scope->own;
    plan->optional_by = true;
}

static enum tcore_status set_up(struct aggregation *agg, const struct agg_options *options,
                                struct tcore_error *err)
{
    const struct agg_scope *scope = options->scope ? agg_scope_find(options->scope) : NULL;
    agg->plan = (struct agg_plan){.by_names = options->by,
                                  .value = options->value,
                                  .max_groups = (uint64_t)options->max_groups,
                                  .table_bytes = table_limit(agg->cli, options),
                                  .span_value = SIZE_MAX,
                                  .metric_value = SIZE_MAX,
                                  .metric_name = SIZE_MAX,
                                  .histogram = SIZE_MAX,
                                  .summary = SIZE_MAX,
                                  .sample_rate = SIZE_MAX,
                                  .trace_state = SIZE_MAX,
                                  .metric_type = SIZE_MAX,
                                  .temporality = SIZE_MAX,
                                  .status = SIZE_MAX,
                                  .severity = SIZE_MAX,
                                  .start_time = SIZE_MAX,
                                  .time = SIZE_MAX,
                                  .identity = {SIZE_MAX, SIZE_MAX, SIZE_MAX},
                                  .parent_id = SIZE_MAX,
                                  .trace_id = {SIZE_MAX, SIZE_MAX},
                                  .span_id = {SIZE_MAX, SIZE_MAX}};
    set_scope(&agg->plan, scope);
    enum tcore_status status = parse_stats(agg, options, scope, err);
    if (status)
        return status;
    agg_plan_windows(&agg->plan, options->window_ns > 0 ? options->window_ns : 0,
                     options->slide_ns > 0 ? options->slide_ns : 0);
    agg->plan.watermark =
        agg->plan.window_ns && (options->lateness_ns >= 0 || agg->cli->io.idle_ns);
    agg->plan.timed = agg->plan.window_ns || agg_wants(&agg->plan.stats, TCORE_STAT_RATE) ||
                      agg_increase(&agg->plan.stats);
    agg->lateness_ns = options->lateness_ns > 0 ? options->lateness_ns : 0;
    agg->newest_ns = agg->first_open = INT64_MIN;
    agg->closed = agg_none_closed;
    if (options->partial) {
        agg->partial = &agg->partial_state;
        status = agg_partial_open(agg->partial, options->unit, err);
    }
    return status ? status : agg_work_open(&agg->total, &agg->plan, err);
}

/* Records that --map has to make something of are of any type. */
static int aggregate(struct aggregation *agg, int argc, char **argv)
{
    const unsigned clock = 1u << TCORE_RECORD_CLOCK, all = (1u << TCORE_RECORD_TYPES) - 1;
    struct cli_operator op = {.types = agg->plan.types,
                              .open = agg_open_columns,
                              .worker_open = open_worker,
                              .batch = add_batch,
                              .rolls_up = rolls_up,
                              .rollup = add_rollup,
                              .worker_close = close_worker,
                              .finish = finish};
    if (agg_increase(&agg->plan.stats)) {
        /* points of a counter that a thread does not see may have a reset among them */
        op.ordered = true;
        op.batch = add_batch_in_order;
        op.worker_open = NULL;
        op.worker_close = NULL;
        op.rolls_up = NULL;
    }
    if (agg->plan.watermark)
        op = (struct cli_operator){.types = agg->plan.types | clock,
                                   .ordered = true,
                                   .open = agg_open_columns,
                                   .batch = agg_add_in_order,
                                   .finish = finish};
    if (agg->map.program.data) {
        op.types |= all & ~clock;
        op.open = agg_open_mapped;
        op.batch = agg_add_mapped;
        op.rolls_up = NULL;
        op.refused = agg_refused;
    }
    return cli_filter(agg->cli, &op, agg, argc, argv);
}

static int run(struct cli *cli, void *verb_options, int argc, char **argv)
{
    const struct agg_options *options = verb_options;
    int exit_status = usage(cli, options);
    if (exit_status)
        return exit_status;
    if (options->merge)
        return agg_merge(cli, options, argc, argv);
    struct aggregation agg = {.cli = cli};
    struct tcore_error err = {0};
    if (options->map && (exit_status = cli_map_load(&agg.map, cli, options->map)) != CLI_DONE) {
        cli_map_free(&agg.map);
        return exit_status;
    }
    if (set_up(&agg, options, &err)) {
        if (err.status == TCORE_BAD_INPUT)
            exit_status = cli_usage_error(cli, "%s", err.text);
        else
            cli_report(cli, &err);
        exit_status = exit_status ? exit_status : cli_exit_status(cli, false);
    } else {
        exit_status = aggregate(&agg, argc, argv);
        print_notes(&agg);
    }
    agg_emitter_free(&agg.emitter);
    agg_work_free(&agg.total);
    agg_stats_free(&agg.plan.stats);
    tcore_free(agg.plan.by);
    tcore_projection_free(&agg.made_columns);
    cli_map_free(&agg.map);
    return exit_status;
}

#define OPTION(member) offsetof(struct agg_options, member)

static const struct cli_option options[] = {
    {0, "by", CLI_LIST, OPTION(by), "FIELDS", "group by these fields", NULL},
    {0, "scope", CLI_CHOICE, OPTION(scope), "SCOPE", "group by what is usual for", AGG_SCOPES},
    {0, "window", CLI_DURATION, OPTION(window_ns), "DUR",
     "one result a group and window of event time", NULL},
    {0, "slide", CLI_DURATION, OPTION(slide_ns), "DUR",
     "begin a window each DUR, so that windows overlap", NULL},
    {0, "stat", CLI_LIST, OPTION(stats), "LIST",
     "count rate sum mean min max stddev pNN errors errorRate distinct(FIELD) topk(N,FIELD) "
     "apdex(T) sum(FIELD) histogram histogram(N) increase increaseRate; default "
     "count,errorRate,mean,p50,p95,p99,max, "
     "or with --merge all that was asked for",
     NULL},
    {0, "exemplars", CLI_OPTIONAL, OPTION(exemplars), "N",
     "traces of the N largest values of each group (default 3)", NULL},
    {0, "value", CLI_STRING, OPTION(value), "FIELD",
     "aggregate this field instead of durations and metric values", NULL},
    {0, "map", CLI_STRING, OPTION(map), "FILE",
     "aggregate the records that this jq program makes of each", NULL},
    {0, "lateness", CLI_DURATION, OPTION(lateness_ns), "DUR",
     "close a window when event time is so far beyond its end; later records are counted, not "
     "added",
     NULL},
    {0, "max-groups", CLI_INT, OPTION(max_groups), "N",
     "count all groups beyond so many as one (default 2000000)", NULL},
    {0, "partial", CLI_FLAG, OPTION(partial), NULL, "write mergeable states instead of statistics",
     NULL},
    {0, "unit", CLI_STRING, OPTION(unit), "ID", "name of this partial; default random", NULL},
    {0, "merge", CLI_FLAG, OPTION(merge), NULL, "read partials and give the one result", NULL},
    {0, "expect", CLI_LIST, OPTION(expect), "LIST",
     "fail (4) unless these units are there, all complete, and no others", NULL},
};

static const char *no_units[1];

static const struct agg_options defaults = {.stats = {agg_default_stats, AGG_DEFAULT_STATS},
                                            .expect = {no_units, 0},
                                            .window_ns = -1,
                                            .slide_ns = -1,
                                            .lateness_ns = -1,
                                            .max_groups = 2000000};

static const struct cli_exit_meaning exits[] = {
    {"4", "input, output or a helper failed, --strict stopped, or a unit is missing, damaged or "
          "not expected"},
    {0}};

const struct cli_verb agg_aggregate = {
    .name = "",
    .summary = "Aggregate records by window and group.",
    .operands = "[INPUT]...",
    .description =
        "Spans aggregate their duration in nanoseconds, metrics their value; log records are "
        "counted. Each record type and metric is a group of its own, besides --by. Quantiles are "
        "off by at most 0.5415 %. Counts, sums and extremes are exact; distinct is estimated "
        "beyond "
        "4,096 values and topk beyond 10,000, and the record says so.\n"
        "\n"
        "Examples:\n"
        "  trace-agg --type=span --by=service,name spans.ndjson\n"
        "  trace-agg --by=service --window=10s --stat=p99 --format=table spans.ndjson\n"
        "  trace-agg --scope=agent --exemplars spans.ndjson\n"
        "  trace-agg --partial --unit=$HOST --by=service spans.ndjson > $HOST.partial\n"
        "  cat *.partial | trace-agg --merge --expect=h1,h2,h3\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = "fail rather than hold more groups than fit",
    .exits = exits,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct agg_options),
    .defaults = &defaults,
    .run = run,
};
