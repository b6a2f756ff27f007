/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-span path: where the time of traces goes, by group, by span, or if something changed. */
#include <config.h>

#include "base/sys.h"
#include "cli/ids.h"
#include "cli/message.h"
#include "cli/pieces.h"
#include "cli/table.h"
#include "model/canonical.h"
#include "span/gather_lines.h"
#include "span/oddities.h"
#include "span/path_groups.h"
#include "span/trace_sums.h"
#include "span/verbs.h"
#include "span/what_if.h"

#include <inttypes.h>
#include <string.h>

struct path_options {
    struct cli_strings by, what_if;
    bool spans, adjust_skew;
};

/* A thread's working memory for spans. */
struct bench {
    struct trace_build build;
    struct tcore_schedule schedule;
    struct tcore_json json;
    struct tcore_buf moved;
    uint64_t refused; /* spans that are no valid records */
    struct tcore_error refusal;
};

struct path_run {
    struct gather gather; /* its callbacks want it first */
    struct tcore_map wanted;
    bool spans;
    struct cli_strings by;
    struct what_if what_if;
    bool begun;
    struct trace_sums sums; /* of struct path_sum */
    unsigned threads;
    struct bench *benches;
    struct gather_lines *lines; /* of the spans of one trace each */
};

/* --- Sums of all traces */

struct path_sum {
    struct tcore_schedule schedule;
    struct path_groups groups;
    struct what_if_totals totals;
    struct oddities odd;
};

static enum tcore_status open_sum(void *sum, const void *state, struct tcore_error *err)
{
    const struct path_run *run = state;
    struct path_sum *to = sum;
    unsigned depth_limit = (unsigned)run->gather.cli->io.depth_limit;
    enum tcore_status status = path_groups_open(&to->groups, &run->by, depth_limit, err);
    return status ? status : what_if_open(&to->totals, &run->what_if, &run->by, depth_limit, err);
}

static enum tcore_status take_trace(void *sum, const void *state, const struct trace_build *build,
                                    struct tcore_error *err)
{
    const struct path_run *run = state;
    struct path_sum *to = sum;
    oddities_count(&to->odd, &build->tree);
    enum tcore_status status = tcore_schedule_work(&to->schedule, &build->tree, &build->path, err);
    if (status != TCORE_OK)
        return status;
    return run->what_if.count ? what_if_take(&to->totals, build, &to->schedule, err)
                              : path_groups_take(&to->groups, build, &to->schedule, err);
}

static enum tcore_status merge_sums(void *into, const void *from, struct tcore_error *err)
{
    struct path_sum *to = into;
    const struct path_sum *other = from;
    oddities_add(&to->odd, &other->odd);
    enum tcore_status status = path_groups_merge(&to->groups, &other->groups, err);
    return status ? status : what_if_merge(&to->totals, &other->totals, err);
}

static void close_sum(void *sum)
{
    struct path_sum *to = sum;
    tcore_schedule_free(&to->schedule);
    path_groups_close(&to->groups);
    what_if_close(&to->totals);
}

static enum tcore_status write_sums(struct path_run *run, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    static const struct trace_summing summing = {
        .bytes = sizeof(struct path_sum),
        .open = open_sum,
        .take = take_trace,
        .merge = merge_sums,
        .close = close_sum,
    };
    enum tcore_status status = trace_sums_run(&run->sums, &summing, run, &run->gather, err);
    if (status != TCORE_OK)
        return status;
    struct path_sum *all = run->sums.sum;
    return run->what_if.count ? what_if_write(&all->totals, run->gather.store, out, err)
                              : path_groups_write(&all->groups, run->gather.store, out, err);
}

/* --- Spans */

/* What is peculiar about the span, if anything is. */
static void put_notes(unsigned notes, struct tcore_buf *out)
{
    bool first = true;
    notes &= ODD_PLACES | TCORE_NOTE_SHARED | TCORE_NOTE_UNTIMED;
    if (!notes)
        return;
    tcore_buf_puts(out, ",\"notes\":[");
    for (; notes; notes &= notes - 1, first = false)
        tcore_buf_printf(out, "%s\"%s\"", first ? "" : ",",
                         oddity_name((unsigned)__builtin_ctz(notes)));
    tcore_buf_putc(out, ']');
}

/* exclusive_ns: of the path in the span; -1: it is not on it. */
static enum tcore_status write_span(struct bench *bench, uint32_t span, int64_t exclusive_ns,
                                    struct tcore_buf *out, struct tcore_error *err)
{
    const struct tcore_stored_text *row = bench->build.rows[span];
    size_t before = out->length;
    enum tcore_status status = skew_parse(row, &bench->moved, &bench->json, err);
    if (status == TCORE_OK)
        status = tcore_record_canonical(&bench->json, true, out, NULL, err);
    if (status == TCORE_SKIP) {
        out->length = before;
        if (!bench->refused++)
            bench->refusal = *err;
        return TCORE_OK;
    }
    if (status != TCORE_OK || !out->length)
        return status;
    out->length--; /* the closing brace */
    tcore_buf_printf(out, ",\"onPath\":%s", exclusive_ns >= 0 ? "true" : "false");
    if (exclusive_ns >= 0)
        tcore_buf_printf(out, ",\"criticalPathNano\":%" PRId64, exclusive_ns);
    tcore_buf_printf(out, ",\"selfNano\":%" PRId64 ",\"dragNano\":%" PRId64,
                     bench->build.self_ns[span], bench->schedule.drag_ns[span]);
    if (bench->schedule.slack_ns[span] >= 0)
        tcore_buf_printf(out, ",\"slackNano\":%" PRId64, bench->schedule.slack_ns[span]);
    put_notes(bench->build.tree.notes[span], out);
    tcore_buf_puts(out, "}\n");
    return TCORE_OK;
}

/* Those on the path in the order in which it comes to them, then the others by their start. */
static enum tcore_status write_spans(void *state, unsigned thread, struct tcore_stored_trace *trace,
                                     struct tcore_buf *out, struct tcore_error *err)
{
    struct path_run *run = state;
    struct bench *bench = &run->benches[thread];
    enum tcore_status status = trace_build(&bench->build, run->gather.store, trace, err);
    if (status == TCORE_OK)
        status = tcore_schedule_work(&bench->schedule, &bench->build.tree, &bench->build.path, err);
    const struct tcore_critical_path *path = &bench->build.path;
    for (uint32_t p = 0; status == TCORE_OK && p < path->span_count; p++)
        status = write_span(bench, path->spans[p], path->exclusive_ns[p], out, err);
    for (uint32_t i = 0; status == TCORE_OK && i < bench->build.tree.count; i++)
        if (!path->span_count || !bench->schedule.on_path[i])
            status = write_span(bench, i, -1, out, err);
    return status ? status : tcore_buf_status(out, err);
}

/* The spans of the next traces; TCORE_SKIP: there are more. */
static enum tcore_status take_spans(struct path_run *run, struct tcore_buf *out,
                                    struct tcore_error *err)
{
    enum tcore_status status = gather_lines_next(run->lines, out, err);
    if (status == TCORE_OK)
        return TCORE_SKIP;
    return status == TCORE_EOF ? TCORE_OK : status;
}

/* --- The end of the input */

static enum tcore_status start_spans(struct path_run *run, struct tcore_error *err)
{
    run->threads = cli_threads(run->gather.cli);
    run->benches = tcore_calloc(run->threads, sizeof *run->benches);
    if (!run->benches)
        return tcore_error_nomem(err);
    for (unsigned t = 0; t < run->threads; t++)
        run->benches[t].json.depth_limit = (unsigned)run->gather.cli->io.depth_limit;
    return gather_lines_new(&run->lines, &run->gather, write_spans, run, err);
}

static enum tcore_status begin(struct path_run *run, struct tcore_error *err)
{
    enum tcore_status status = gather_seal(&run->gather, err);
    run->begun = true;
    return status == TCORE_OK && run->spans ? start_spans(run, err) : status;
}

/* Spans that are no records. */
static void note_refused(const struct path_run *run)
{
    struct cli *cli = run->gather.cli;
    uint64_t refused = 0;
    const char *why = NULL;
    for (unsigned t = 0; t < run->threads; t++) {
        refused += run->benches[t].refused;
        if (run->benches[t].refused && !why)
            why = run->benches[t].refusal.text;
    }
    if (refused)
        cli_note(cli, "%" PRIu64 " span%s left out: %s", refused, refused == 1 ? " is" : "s are",
                 why);
    cli->rejected += refused;
}

/* Fields that no span had, and changes of spans that are not there. */
static void note_absent(const struct path_run *run)
{
    struct cli *cli = run->gather.cli;
    const struct path_sum *all = run->sums.sum;
    const struct cli_fields *fields =
        run->what_if.count ? &all->totals.keys.fields : &all->groups.keys.fields;
    for (size_t i = 0; i < fields->count; i++)
        if (!fields->field[i].seen)
            cli_note_absent_field(cli, fields->field[i].name, NULL, false);
    for (size_t i = 0; i < run->what_if.count; i++) {
        const struct what_if_change *change = &run->what_if.change[i];
        if (!all->totals.matched[i])
            cli_note(cli, "--what-if: no span is named '%.*s'; a service would be 'SERVICE:'",
                     (int)change->length, change->operation);
    }
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct path_run *run = state;
    enum tcore_status status = run->begun ? TCORE_OK : begin(run, err);
    if (status == TCORE_OK)
        status = run->spans ? take_spans(run, out, err) : write_sums(run, out, err);
    if (status != TCORE_OK)
        return status;
    gather_notes(&run->gather);
    note_refused(run);
    if (run->spans)
        return TCORE_OK;
    note_oddities(run->gather.cli, &((const struct path_sum *)run->sums.sum)->odd, ODD_PLACES);
    if (run->gather.traces)
        note_absent(run);
    return TCORE_OK;
}

/* --- The verb */

static void end(struct path_run *run)
{
    gather_lines_free(run->lines);
    for (unsigned t = 0; t < run->threads; t++) {
        trace_build_free(&run->benches[t].build);
        tcore_schedule_free(&run->benches[t].schedule);
        tcore_json_free(&run->benches[t].json);
        tcore_buf_free(&run->benches[t].moved);
    }
    trace_sums_free(&run->sums);
    tcore_free(run->benches);
    what_if_free(&run->what_if);
    gather_close(&run->gather);
    tcore_map_free(&run->wanted);
}

static int find_paths(struct path_run *run, int count, char **inputs)
{
    static const struct cli_operator finding = {
        .types = 1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_TRACE,
        .open = gather_columns,
        .worker_open = gather_worker,
        .batch = gather_batch,
        .worker_close = gather_worker_close,
        .finish = finish,
    };
    int status = cli_filter(run->gather.cli, &finding, run, count, inputs);
    return gather_exit_status(&run->gather, status);
}

/* Of a table that has none asked for. */
static void choose_columns(struct cli_columns *columns, const struct path_run *run,
                           const struct path_options *options)
{
    static const char *const groups[] = {"share", "count", "mean", "p95", "selfNano", "dragNano"};
    static const char *const changed[] = {"count", "measuredMeanNano", "mean", "savingNano",
                                          "savingShare"};
    static const char *const spans[] = {
        "dragNano", "slackNano", "criticalPathNano", "selfNano", "spanId", "service", "name"};
    bool wide = cli_table_is_wide(run->gather.cli);
    if (options->spans)
        cli_columns_add(columns, wide ? spans : spans + 2, wide ? 7 : 5);
    else if (options->what_if.count)
        cli_columns_add(columns, changed, sizeof changed / sizeof *changed);
    else
        cli_columns_add(columns, groups, sizeof groups / sizeof *groups);
    if (!options->spans)
        cli_columns_add(columns, run->by.item, run->by.count);
}

static int run(struct cli *cli, void *verb_options, int argc, char **argv)
{
    static const char *service_and_name[] = {"service", "name"};
    const struct path_options *options = verb_options;
    struct path_run run = {
        .gather = {.cli = cli, .from_traces = true, .adjust_skew = options->adjust_skew},
        .spans = options->spans,
        .by = options->by,
    };
    struct cli_columns columns = {0};
    struct tcore_error err;
    int ids = cli_ids_first(argc, argv), status = CLI_FAILED;
    if (options->spans && (options->by.count || options->what_if.count))
        return cli_usage_error(cli, "--spans excludes --by and --what-if");
    if (!run.by.count)
        run.by = (struct cli_strings){service_and_name, 2};
    if (!cli_check_inputs(cli, argc - ids, argv + ids))
        return status;
    choose_columns(&columns, &run, options);
    cli_table_on_terminal(cli, columns.name, columns.count);
    enum tcore_status parsed = what_if_parse(&run.what_if, &options->what_if, &err);
    bool plain = !options->spans && span_groups_are_plain(&run.by);
    if (parsed == TCORE_BAD_INPUT)
        status = cli_usage_error(cli, "--what-if: %s", err.text);
    else if (parsed != TCORE_OK || !gather_want(&run.gather, &run.wanted, ids, argv))
        cli_error(cli, "out of memory");
    else if (gather_open(&run.gather, cli, plain ? GATHER_NAMES : GATHER_TEXT))
        status = find_paths(&run, argc - ids, argv + ids);
    end(&run);
    return status;
}

static const struct cli_option options[] = {
    {0, "by", CLI_LIST, offsetof(struct path_options, by), "FIELDS",
     "group spans by these fields (default: service,name)", NULL},
    {0, "what-if", CLI_STRINGS, offsetof(struct path_options, what_if), "OP=CHANGE",
     "how long traces would take if the own work of these spans changed; may be repeated", NULL},
    {0, "spans", CLI_FLAG, offsetof(struct path_options, spans), NULL,
     "write the spans, with what is known of each", NULL},
    {0, "adjust-skew", CLI_FLAG, offsetof(struct path_options, adjust_skew), NULL,
     "move spans of hosts whose clocks are off, and say so", NULL},
};

static const struct cli_exit_meaning exits[] = {{"1", "no TRACEID was found"}, {0}};

const struct cli_verb span_path = {
    .name = "path",
    .summary = "Find where the time of traces goes: the critical path.",
    .operands = "[TRACEID]... [INPUT]...",
    .description =
        "The critical path of a trace is what its time was spent on: at each moment one span, the "
        "one that all that follows waits for. For each group of spans there is one aggregate "
        "record: in how many traces the path comes there (count), the time that it spends there "
        "(sum, share of all, mean and quantiles a trace), and of all spans of the group their "
        "self times (selfNano), what would be saved if they took no time (dragNano, added up), "
        "and how much longer those off the path may take before a trace gets longer (slackNano, "
        "the least). Groups come out by the time that paths spend there.\n"
        "\n"
        "OP is a name, SERVICE:NAME, or SERVICE: for all that a service does; CHANGE is -30%, "
        "+50%, -20ms and the like, of own work: what no child of the span covers. It is assumed "
        "that a span waits for its children, and each of these for those that had ended before "
        "it. Traces are grouped by their roots then.\n"
        "\n"
        "Spans that do not fit in half of --memory (1G by default) go to a temporary file.\n"
        "\n"
        "Examples:\n"
        "  trace-span path --limit=10 --format=table spans.ndjson\n"
        "  trace-span path --by=service spans.ndjson\n"
        "  trace-span path --what-if='cart:GET /cart=-30%' spans.ndjson\n"
        "  trace-span path --spans 5b8efff798038103d269b633813fc60c spans.ndjson\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = "use a temporary file beyond this (default 1G)",
    .exits = exits,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct path_options),
    .run = run,
};
