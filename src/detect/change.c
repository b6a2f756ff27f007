/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-detect change: the history of each series flows in, and a finding flows out for each time
 * from which on it was different. All points are kept until the end.
 */
#include <config.h>

#include "detect/change.h"

#include "base/sys.h"
#include "cli/filter.h"
#include "cli/message.h"
#include "detect/columns.h"
#include "detect/verbs.h"
#include "stats/change_test.h"
#include "stats/segmentation.h"

#include <inttypes.h>

static enum tcore_status open_change(void *state, struct tcore_projection *projection,
                                     struct tcore_error *err)
{
    struct change *c = state;
    enum tcore_status status = want_run(projection, &c->run, err);

    return status == TCORE_OK ? intake_open(&c->intake, projection, err) : status;
}

static struct intake_series *get_series(void *owner, uint32_t series)
{
    struct change *c = owner;

    if (series >= c->capacity) {
        size_t capacity = series < 32 ? 64 : (size_t)series * 2;
        struct history *all = tcore_reallocarray(c->history, capacity, sizeof *all);

        if (!all)
            return NULL;
        memset(all + c->capacity, 0, (capacity - c->capacity) * sizeof *all);
        c->history = all;
        c->capacity = capacity;
    }
    return &c->history[series].in;
}

/* *run: the number of the record's run. False: out of memory. */
static bool find_run(struct change *c, const struct tcore_batch *batch, size_t row, uint32_t *run)
{
    struct tcore_value id = run_of(batch, &c->run, row);

    *run = TCORE_MAP_NONE;
    if (id.kind == TCORE_ABSENT)
        return true;
    if (id.kind == TCORE_STRING) {
        *run = tcore_map_intern(&c->runs, id.s, id.len, NULL);
        return *run != TCORE_MAP_NONE;
    }
    struct tcore_buf *text = &c->table.key;

    tcore_buf_clear(text);
    tcore_json_write_value(text, &id);
    if (!text->failed)
        *run = tcore_map_intern(&c->runs, text->data, text->length, NULL);
    return *run != TCORE_MAP_NONE;
}

static enum tcore_status keep_point(void *owner, const struct tcore_batch *batch, size_t row,
                                    uint32_t series, const struct intake_point *point,
                                    struct tcore_buf *out, struct tcore_error *err)
{
    struct change *c = owner;
    struct history *history = &c->history[series];
    struct change_point kept = {.value = point->value, .ns = point->ns};

    (void)out;
    if (!point->timed) {
        c->untimed++;
        return TCORE_OK;
    }
    if (c->points++ == c->point_limit)
        return tcore_error_set(err, TCORE_FATAL, "more points than --memory has room for (%zu)",
                               c->point_limit);
    if (!find_run(c, batch, row, &kept.run))
        return tcore_error_nomem(err);
    if (history->count == history->capacity) {
        size_t capacity = history->capacity ? history->capacity * 2 : 16;
        struct change_point *all = tcore_reallocarray(history->point, capacity, sizeof *all);

        if (!all)
            return tcore_error_nomem(err);
        history->point = all;
        history->capacity = capacity;
    }
    kept.number = (uint32_t)history->count;
    history->is_log = point->is_log;
    history->point[history->count++] = kept;
    return TCORE_OK;
}

static enum tcore_status collect(void *state, void *worker, const struct tcore_batch *batch,
                                 const uint32_t *rows, size_t count, struct tcore_buf *out,
                                 struct tcore_error *err)
{
    struct change *c = state;

    (void)worker;
    return intake_batch(&c->intake, batch, rows, count, out, err);
}

/* --- What people are told besides */

static void note_totals(const struct change *c)
{
    size_t shortest = c->options->gate ? TCORE_CHANGE_SHORTEST : 2 * TCORE_SEGMENT_SHORTEST;

    intake_note_left_out(&c->intake, c->cli);
    if (c->untimed)
        cli_note(c->cli, "%" PRIu64 " point%s without a time left out", c->untimed,
                 c->untimed == 1 ? "" : "s");
    if (c->repeated)
        cli_note(c->cli,
                 "%" PRIu64 " point%s the time of another one of %s series: taken in the order of "
                 "the input",
                 c->repeated, c->repeated == 1 ? " has" : "s have",
                 c->repeated == 1 ? "its" : "their");
    if (c->too_short)
        cli_note(c->cli, "%zu series of less than %zu points: nothing is said of %s", c->too_short,
                 shortest, c->too_short == 1 ? "it" : "them");
    if (c->steady)
        cli_note(c->cli, "%zu series %s one value only", c->steady,
                 c->steady == 1 ? "has" : "have");
    cli_note(c->cli, "%zu series judged: %" PRIu64 " change%s", c->judged, c->found,
             c->found == 1 ? "" : "s");
}

static enum tcore_status finish_change(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct change *c = state;
    enum tcore_status status = change_judge(c, out, err);

    c->finished = status == TCORE_OK;
    if (c->finished)
        note_totals(c);
    return status;
}

static void free_change(struct change *c)
{
    for (size_t i = 0; i < c->capacity; i++)
        tcore_free(c->history[i].point);
    tcore_free(c->history);
    tcore_map_free(&c->runs);
    intake_free(&c->intake);
    series_free(&c->table);
}

double change_alpha(const struct change_options *options)
{
    return options->alpha > 0 ? options->alpha : 0.01;
}

static const char *wrong_option(const struct change_options *o)
{
    if (isnan(o->alpha))
        return NULL;
    if (!o->gate)
        return "--alpha is the significance level of --gate";
    return o->alpha > 0 && o->alpha < 1 ? NULL : "--alpha is a probability: between 0 and 1";
}

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    static const struct cli_operator op = {
        .types = 1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_METRIC | 1u << TCORE_RECORD_AGGREGATE,
        .ordered = true,
        .open = open_change,
        .batch = collect,
        .finish = finish_change,
    };
    const struct change_options *o = options;
    struct change c = {.cli = cli, .options = o, .point_limit = SIZE_MAX};
    struct tcore_error err;
    int status;

    if (wrong_option(o))
        return cli_usage_error(cli, "%s", wrong_option(o));
    if (series_init(&c.table, &err) != TCORE_OK || tcore_map_init(&c.runs)) {
        cli_error(cli, "no randomness");
        return CLI_FAILED;
    }
    c.table.by = o->by;
    c.table.left_out = RUN_ID;
    intake_init(&c.intake, &c.table, o->stats);
    c.intake.owner = &c;
    c.intake.get = get_series;
    c.intake.take = keep_point;
    if (cli->io.memory_bytes)
        c.point_limit = (size_t)cli->io.memory_bytes / sizeof(struct change_point);
    status = cli_filter(cli, &op, &c, argc, argv);
    if (status != CLI_USAGE)
        status = cli_exit_status(cli, (o->gate || o->exit_code) && c.finished && c.found);
    free_change(&c);
    return status;
}

#define OPTION(member) offsetof(struct change_options, member)

static const struct cli_option option_table[] = {
    {0, "alpha", CLI_DOUBLE, OPTION(alpha), "P",
     "with --gate: share of unchanged series that may be reported (0.01)", NULL},
    {0, "by", CLI_LIST, OPTION(by), "LIST",
     "the fields that make a series of spans and metrics (spans: service,name)", NULL},
    {0, "exit-code", CLI_FLAG, OPTION(exit_code), NULL,
     "exit with 1 when a change was found, as --gate does anyway", NULL},
    {0, "gate", CLI_FLAG, OPTION(gate), NULL,
     "test each series for one change of its level, and exit with 1 when there is one", NULL},
    {0, "stat", CLI_LIST, OPTION(stats), "LIST",
     "the statistics of aggregates to look at (the first of p99, mean, rate, count)", NULL},
};

static const struct change_options defaults = {.alpha = NAN};

static const struct cli_exit_meaning exits[] = {
    {"1", "with --gate or --exit-code: a series changed"}, {0}};

const struct cli_verb detect_change = {
    .name = "change",
    .summary = "Report since when a series has been different.",
    .operands = "[INPUT]...",
    .description =
        "Takes the history of metrics, aggregates and spans, in any order. Without --gate it is\n"
        "divided as people who look at it would do; --gate is a test that at most 1 % of the\n"
        "series fail that did not change.\n"
        "\n"
        "Examples:\n"
        "  trace-agg --window=1h --by=service,name spans.ndjson | trace-detect change\n"
        "  trace-detect change --gate --by=name benchmarks.ndjson\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = "fail when the points of all series, 24 bytes each, are more",
    .exits = exits,
    .options = option_table,
    .option_count = sizeof option_table / sizeof *option_table,
    .options_size = sizeof(struct change_options),
    .defaults = &defaults,
    .run = run,
};
