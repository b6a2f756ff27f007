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
#include "span/trace_pick.h"
#include "span/verbs.h"
#include "span/waterfall.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROWS_MOST 100000

struct timeline_options {
    int64_t limit, rows;
    bool adjust_skew;
};

struct timeline {
    struct gather gather; /* its callbacks want it first */
    const struct timeline_options *options;
    struct tcore_map wanted;
    struct waterfall_style style;
    bool begun;
    unsigned threads;
    struct trace_pick *picks; /* one a thread; the first has those that are drawn */
    size_t next;
    struct trace_build build;
    struct fold fold;
};

/* --- Which traces */

/* Those that are named, by their start. */
static bool draws_all(const struct timeline *timeline)
{
    return timeline->gather.wanted;
}

static size_t most(const struct timeline *timeline)
{
    uint64_t limit = (uint64_t)timeline->options->limit;
    return draws_all(timeline) || limit > SIZE_MAX ? SIZE_MAX : (size_t)limit;
}

/* Else the slowest first, those without times last. */
static enum tcore_status offer(void *state, unsigned thread, struct tcore_stored_trace *trace,
                               struct tcore_error *err)
{
    struct timeline *timeline = state;
    const struct tcore_interval *whole = &trace->whole;
    uint64_t key = UINT64_MAX;
    if (draws_all(timeline))
        key = key_of_start(whole);
    else if (tcore_interval_is_known(whole))
        key -= (uint64_t)(whole->end_ns - whole->start_ns) + 1;
    return trace_pick_offer(&timeline->picks[thread], key, trace->spans[0]->trace_id,
                            most(timeline), err);
}

static enum tcore_status begin(struct timeline *timeline, struct tcore_error *err)
{
    struct gather *gather = &timeline->gather;
    enum tcore_status status = gather_seal(gather, err);
    timeline->begun = true;
    timeline->threads = cli_threads(gather->cli);
    timeline->picks = tcore_calloc(timeline->threads, sizeof *timeline->picks);
    if (!timeline->picks)
        return tcore_error_nomem(err);
    if (status == TCORE_OK)
        status = gather_each(gather, offer, timeline, err);
    return status ? status
                  : trace_pick_join(timeline->picks, timeline->threads, most(timeline), err);
}

static void note(const struct timeline *timeline)
{
    char many[32] = "";
    size_t drawn = timeline->picks->count;
    gather_notes(&timeline->gather);
    if (drawn == timeline->gather.traces)
        return;
    if (drawn != 1)
        snprintf(many, sizeof many, "%zu ", drawn);
    cli_note(timeline->gather.cli,
             "the %sslowest of %" PRIu64 " traces: --limit=N or a TRACEID shows others", many,
             timeline->gather.traces);
}

/* --- Pictures */

struct drawing {
    struct timeline *timeline;
    struct tcore_buf *out;
};

static enum tcore_status draw_trace(void *state, unsigned thread, struct tcore_stored_trace *trace,
                                    struct tcore_error *err)
{
    struct drawing *drawing = state;
    struct timeline *timeline = drawing->timeline;
    (void)thread;
    enum tcore_status status = trace_build(&timeline->build, timeline->gather.store, trace, err);
    return status ? status
                  : waterfall_draw(&timeline->fold, &timeline->build, &timeline->style,
                                   drawing->out, err);
}

static enum tcore_status finish(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct timeline *timeline = state;
    struct drawing drawing = {timeline, out};
    enum tcore_status status = timeline->begun ? TCORE_OK : begin(timeline, err);
    if (status != TCORE_OK)
        return status;
    if (timeline->next == timeline->picks->count) {
        note(timeline);
        return TCORE_OK;
    }
    tcore_buf_puts(out, timeline->next ? "\n" : "");
    const struct trace_ref *ref = &timeline->picks->refs[timeline->next++];
    status = gather_again(&timeline->gather, ref->trace_id, draw_trace, &drawing, err);
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
    return gather_exit_status(&timeline->gather, status);
}

static int run(struct cli *cli, void *verb_options, int argc, char **argv)
{
    const struct timeline_options *options = verb_options;
    struct timeline timeline = {
        .gather = {.cli = cli,
                   .from_traces = true,
                   .looks_again = true,
                   .adjust_skew = options->adjust_skew},
        .options = options,
    };
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
    for (unsigned t = 0; t < timeline.threads && timeline.picks; t++)
        trace_pick_free(&timeline.picks[t]);
    tcore_free(timeline.picks);
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
    {0, "adjust-skew", CLI_FLAG, offsetof(struct timeline_options, adjust_skew), NULL,
     "move spans of hosts whose clocks are off, and say so", NULL},
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
        "status is 1 if none was found. A line above the rows tells of roots besides the first, "
        "spans whose parent is not there, and the like.\n"
        "\n"
        "A line is as wide as COLUMNS or the terminal, else 80. Where names have no room, a "
        "service that is its parent's is not named again. Bars are Unicode in a UTF-8 "
        "locale, and colours are for terminals, unless NO_COLOR is set.\n"
        "\n"
        "Examples:\n"
        "  trace-span timeline --limit=1 spans.ndjson\n"
        "  trace-span timeline 5b8efff798038103d269b633813fc60c spans.ndjson\n"
        "  trace-span assemble spans.ndjson | trace-span timeline\n",
    .groups = CLI_READS | CLI_OUTPUT,
    .memory = "use a temporary file beyond this (default 1G)",
    .exits = exits,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .options_size = sizeof(struct timeline_options),
    .defaults = &defaults,
    .run = run,
};
