/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-span timeline: traces drawn for people, those that are named or the slowest. */
#include <config.h>

#include "base/sys.h"
#include "cli/ids.h"
#include "cli/message.h"
#include "cli/output.h"
#include "cli/pieces.h"
#include "cli/screen.h"
#include "span/gather.h"
#include "span/verbs.h"
#include "span/waterfall.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROWS_MOST 100000

struct timeline_options {
    int64_t limit, rows;
};

struct timeline {
    struct gather gather; /* its callbacks want it first */
    const struct timeline_options *options;
    struct tcore_map wanted;
    struct waterfall_style style;
    bool begun;
    struct gathered traces;
    size_t count, next; /* of those that are drawn */
    struct trace_build build;
    struct fold fold;
};

/* --- Which traces */

/* Slowest first, those without times last. */
static bool order_by_duration(struct gathered *traces)
{
    for (size_t i = 0; i < traces->count; i++) {
        const struct tcore_interval *whole = &gathered_trace(traces, i)->whole;
        bool known = tcore_interval_is_known(whole);
        traces->refs[i].key = UINT64_MAX;
        if (known)
            traces->refs[i].key -= (uint64_t)(whole->end_ns - whole->start_ns) + 1;
    }
    return order_traces(traces->refs, traces->count);
}

static enum tcore_status begin(struct timeline *timeline, struct tcore_error *err)
{
    struct gather *gather = &timeline->gather;
    enum tcore_status status = gather_seal(gather, err);
    timeline->begun = true;
    if (status == TCORE_OK)
        status = gather_traces(gather, &timeline->traces, err);
    if (status != TCORE_OK)
        return status;
    timeline->count = timeline->traces.count;
    if (gather->wanted)
        return TCORE_OK;
    if (!order_by_duration(&timeline->traces))
        return tcore_error_nomem(err);
    if ((uint64_t)timeline->options->limit < timeline->count)
        timeline->count = (size_t)timeline->options->limit;
    return TCORE_OK;
}

static void note(const struct timeline *timeline)
{
    char many[32] = "";
    gather_notes(&timeline->gather);
    if (timeline->count == timeline->traces.count)
        return;
    if (timeline->count != 1)
        snprintf(many, sizeof many, "%zu ", timeline->count);
    cli_note(timeline->gather.cli,
             "the %sslowest of %zu traces: --limit=N or a TRACEID shows others", many,
             timeline->traces.count);
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct timeline *timeline = state;
    enum tcore_status status = timeline->begun ? TCORE_OK : begin(timeline, err);
    if (status != TCORE_OK || timeline->next == timeline->count) {
        if (status == TCORE_OK)
            note(timeline);
        return status;
    }
    tcore_buf_puts(out, timeline->next ? "\n" : "");
    status = trace_build(&timeline->build, timeline->gather.store,
                         gathered_trace(&timeline->traces, timeline->next++), err);
    if (status == TCORE_OK)
        status = waterfall_draw(&timeline->fold, &timeline->build, &timeline->style, out, err);
    return status == TCORE_OK ? TCORE_SKIP : status;
}

/* --- The verb */

static int draw(struct timeline *timeline, int count, char **inputs)
{
    static const struct cli_operator drawing = {
        .types = 1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_TRACE,
        .open = gather_columns,
        .worker_open = gather_worker,
        .batch = gather_batch,
        .worker_close = gather_worker_close,
        .finish = finish,
    };
    int status = cli_filter(timeline->gather.cli, &drawing, timeline, count, inputs);
    return gather_exit_status(&timeline->gather, &timeline->traces, status);
}

static int run(struct cli *cli, void *verb_options, int argc, char **argv)
{
    const struct timeline_options *options = verb_options;
    struct timeline timeline = {.gather = {.cli = cli, .from_traces = true}, .options = options};
    int ids = cli_ids_first(argc, argv), status = CLI_FAILED;
    if (options->rows < 2 || options->rows > ROWS_MOST)
        return cli_usage_error(cli, "--max-rows must be 2 to %d", ROWS_MOST);
    if (!cli_check_inputs(cli, argc - ids, argv + ids))
        return status;
    cli_screen_look(&timeline.style.screen, cli);
    timeline.style.most_rows = (uint32_t)options->rows;
    if (!gather_want(&timeline.gather, &timeline.wanted, ids, argv))
        cli_error(cli, "out of memory");
    else if (gather_open(&timeline.gather, cli, GATHER_NAMES))
        status = draw(&timeline, argc - ids, argv + ids);
    trace_build_free(&timeline.build);
    fold_free(&timeline.fold);
    gathered_free(&timeline.traces);
    gather_close(&timeline.gather);
    tcore_map_free(&timeline.wanted);
    return status;
}

static const struct cli_option options[] = {
    {0, "limit", CLI_INT, offsetof(struct timeline_options, limit), "N",
     "draw the N slowest traces (default 10)", NULL},
    {0, "max-rows", CLI_INT, offsetof(struct timeline_options, rows), "N",
     "rows of one trace; where it has more, siblings that are alike are folded (default 200)",
     NULL},
};

static const struct timeline_options defaults = {.limit = 10, .rows = 200};

static const struct cli_exit_meaning exits[] = {{"1", "no TRACEID was found"}, {0}};

const struct cli_verb span_timeline = {
    .name = "timeline",
    .summary = "Draw traces as waterfalls.",
    .operands = "[TRACEID]... [INPUT]...",
    .description =
        "Spans, or traces that were assembled, are drawn as rows below their parents, with a bar "
        "where they were in time. A star marks the critical path, an exclamation mark an error; "
        "bars are heavier where the critical path is in them. A row that stands for several "
        "siblings "
        "says how many and, behind <=, how long the longest of them took. Without a TRACEID the "
        "slowest "
        "traces are drawn, slowest first. An ID that is not in the input is named; the exit "
        "status is 1 if none was found.\n"
        "\n"
        "A line is as wide as COLUMNS or the terminal, else 80. Bars are Unicode in a UTF-8 "
        "locale, and colours are for terminals, unless NO_COLOR is set.\n"
        "\n"
        "Examples:\n"
        "  trace-span timeline --limit=1 spans.ndjson\n"
        "  trace-span timeline 5b8efff798038103d269b633813fc60c spans.ndjson\n"
        "  trace-span assemble spans.ndjson | trace-span timeline\n",
    .groups = CLI_READS | CLI_OUTPUT,
    .memory = "fail when the spans are more (default 1G)",
    .exits = exits,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct timeline_options),
    .defaults = &defaults,
    .run = run,
};
