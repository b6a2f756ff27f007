/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-detect compare: two inputs flow in, and a finding flows out for each series that got worse
 * or better from the first to the second. All samples are kept until the end.
 */
#include <config.h>

#include "detect/compare.h"

#include "base/sys.h"
#include "cli/filter.h"
#include "cli/message.h"
#include "detect/columns.h"
#include "detect/describe.h"
#include "detect/verbs.h"

#include <inttypes.h>

static enum tcore_status open_compare(void *state, struct tcore_projection *projection,
                                      struct tcore_error *err)
{
    struct compare *c = state;
    const struct wanted_column wanted[] = {
        {NULL, "durationNano", &c->duration},
        {NULL, "startTimeUnixNano", &c->start},
        {NULL, "timeUnixNano", &c->time},
        {NULL, "value", &c->value},
        {NULL, "metricType", &c->metric_type},
        {NULL, "temporality", &c->temporality},
        {NULL, "unit", &c->unit},
        {NULL, "traceId", &c->trace_id},
        {"context", "traceId", &c->context_trace},
    };
    enum tcore_status status =
        want_columns(projection, wanted, sizeof wanted / sizeof *wanted, err);

    if (status == TCORE_OK)
        status = want_run(projection, &c->run, err);
    if (status == TCORE_OK && c->options->per)
        status = tcore_projection_add_field(projection, c->options->per, &c->per, err);
    return status == TCORE_OK ? series_open(&c->table, projection, err) : status;
}

static void from_input(void *state, void *worker, size_t input)
{
    struct compare *c = state;

    (void)worker;
    c->side = input == 0 ? COMPARE_BASE : COMPARE_CAND;
}

/* --- The unit of repetition */

/* *kind: what such a unit is called. SKIP: --per names a field that the record does not have. */
static enum tcore_status unit_of(struct compare *c, const struct tcore_batch *batch, size_t row,
                                 uint32_t *unit, const char **kind, struct tcore_error *err)
{
    bool is_span = batch->types[row] == TCORE_RECORD_SPAN;
    struct tcore_value name;

    *kind = c->options->per;
    if (c->options->per) {
        name = column_value(batch, c->per, row);
        if (name.kind == TCORE_ABSENT)
            return TCORE_SKIP;
    } else {
        name = run_of(batch, &c->run, row);
        *kind = name.kind != TCORE_ABSENT ? RUN_ID : "trace";
        c->by_run += name.kind != TCORE_ABSENT;
        c->by_trace += name.kind == TCORE_ABSENT;
        if (name.kind == TCORE_ABSENT)
            name = column_value(batch, is_span ? c->trace_id : c->context_trace, row);
    }
    if (name.kind == TCORE_ABSENT) { /* each is one by itself */
        *kind = "record";
        *unit = UINT32_MAX - c->nameless_units++;
        return TCORE_OK;
    }
    struct tcore_buf *key = &c->table.key;

    tcore_buf_clear(key);
    tcore_json_write_value(key, &name);
    *unit =
        key->failed ? TCORE_MAP_NONE : tcore_map_intern(&c->units, key->data, key->length, NULL);
    return *unit == TCORE_MAP_NONE ? tcore_error_nomem(err) : TCORE_OK;
}

/* --- Samples */

static struct compared *get_compared(struct compare *c, uint32_t series)
{
    if (series >= c->series_capacity) {
        size_t capacity = series < 32 ? 64 : (size_t)series * 2;
        struct compared *all = tcore_reallocarray(c->series, capacity, sizeof *all);

        if (!all)
            return NULL;
        memset(all + c->series_capacity, 0, (capacity - c->series_capacity) * sizeof *all);
        c->series = all;
        c->series_capacity = capacity;
    }
    return &c->series[series];
}

static enum tcore_status add_sample(struct compare *c, struct samples *samples,
                                    struct sample sample, struct tcore_error *err)
{
    if (c->samples++ == c->sample_limit)
        return tcore_error_set(err, TCORE_FATAL, "more samples than --memory has room for (%zu)",
                               c->sample_limit);
    if (samples->count == samples->capacity) {
        size_t capacity = samples->capacity ? samples->capacity * 2 : 8;
        struct sample *item = tcore_reallocarray(samples->item, capacity, sizeof *item);

        if (!item)
            return tcore_error_nomem(err);
        samples->item = item;
        samples->capacity = capacity;
    }
    samples->item[samples->count++] = sample;
    return TCORE_OK;
}

static void describe_series(struct compare *c, struct compared *compared, const char *metric_name,
                            const struct tcore_batch *batch, size_t row)
{
    if (batch->types[row] == TCORE_RECORD_METRIC &&
        column_is(batch, c->metric_type, row, "counter"))
        compared->rule = column_is(batch, c->temporality, row, "delta") ? UNIT_SUM : UNIT_LAST;
    unit_of_series(compared->unit, sizeof compared->unit, metric_name,
                   column_value(batch, c->unit, row), "");
}

static enum tcore_status collect_row(struct compare *c, const struct tcore_batch *batch, size_t row,
                                     struct tcore_error *err)
{
    bool is_span = batch->types[row] == TCORE_RECORD_SPAN;
    struct sample sample = {.value = column_double(batch, is_span ? c->duration : c->value, row)};
    uint32_t series;
    const char *kind;
    enum tcore_status status;

    c->read[c->side]++;
    if (!isfinite(sample.value)) {
        c->without_number++;
        return TCORE_OK;
    }
    status = unit_of(c, batch, row, &sample.unit, &kind, err);
    if (status == TCORE_SKIP) {
        c->without_unit++;
        return TCORE_OK;
    }
    if (status == TCORE_OK)
        status = series_of_row(&c->table, batch, row, "", SIZE_MAX, &series, err);
    if (status != TCORE_OK)
        return status;
    if (!column_ns(batch, is_span ? c->start : c->time, row, &sample.ns))
        sample.ns = 0;
    struct compared *compared = get_compared(c, series);

    if (!compared)
        return tcore_error_nomem(err);
    if (!compared->kind) {
        compared->kind = kind;
        describe_series(c, compared, c->table.name[series].metric_name, batch, row);
    }
    return add_sample(c, &compared->samples[c->side], sample, err);
}

static enum tcore_status collect(void *state, void *worker, const struct tcore_batch *batch,
                                 const uint32_t *rows, size_t count, struct tcore_buf *out,
                                 struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;

    (void)worker;
    (void)out;
    for (size_t i = 0; i < count && status == TCORE_OK; i++)
        status = collect_row(state, batch, rows[i], err);
    return status;
}

static void note_left_out(const struct compare *c)
{
    if (c->without_number)
        cli_note(c->cli, "%" PRIu64 " record%s without a number to compare", c->without_number,
                 c->without_number == 1 ? "" : "s");
    if (c->without_unit)
        cli_note(c->cli, "%" PRIu64 " record%s without %s left out", c->without_unit,
                 c->without_unit == 1 ? "" : "s", c->options->per);
    if (c->by_run && c->by_trace)
        cli_note(c->cli, "%" PRIu64 " record%s without " RUN_ID " %s taken as repetitions by trace",
                 c->by_trace, c->by_trace == 1 ? "" : "s", c->by_trace == 1 ? "was" : "were");
}

static enum tcore_status finish_compare(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct compare *c = state;
    /* beside an input that failed the other one says nothing */
    if (c->cli->failed && (!c->read[COMPARE_BASE] || !c->read[COMPARE_CAND]))
        return TCORE_OK;
    enum tcore_status status = compare_judge(c, out, err);

    c->finished = status == TCORE_OK;
    if (c->finished)
        note_left_out(c);
    return status;
}

static void free_compare(struct compare *c)
{
    for (size_t i = 0; i < c->series_capacity; i++)
        for (size_t side = 0; side < COMPARE_SIDES; side++)
            tcore_free(c->series[i].samples[side].item);
    tcore_free(c->series);
    tcore_map_free(&c->units);
    tcore_map_free(&c->allow);
    tcore_free(c->allow_used);
    series_free(&c->table);
}

static const char *wrong_option(const struct compare_options *o)
{
    if (!(o->alpha > 0 && o->alpha < 1))
        return "--alpha is a probability: between 0 and 1";
    if (!(o->fdr >= 0 && o->fdr < 1))
        return "--fdr is a probability: between 0 and 1";
    if (!(o->min_effect >= 0))
        return "--min-effect is 0 or more";
    return NULL;
}

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    static const struct cli_operator op = {
        .types = 1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_METRIC,
        .ordered = true,
        .open = open_compare,
        .from_input = from_input,
        .batch = collect,
        .finish = finish_compare,
    };
    const struct compare_options *o = options;
    struct compare c = {.cli = cli, .options = o, .sample_limit = SIZE_MAX};
    struct tcore_error err;
    int status;

    if (argc != 2)
        return cli_usage_error(cli, "two inputs are compared, BASE and CAND");
    if (!strcmp(argv[0], "-") && !strcmp(argv[1], "-"))
        return cli_usage_error(cli, "only one of BASE and CAND can be standard input");
    if (wrong_option(o))
        return cli_usage_error(cli, "%s", wrong_option(o));
    if (series_init(&c.table, &err) != TCORE_OK || tcore_map_init(&c.units)) {
        cli_error(cli, "no randomness");
        return CLI_FAILED;
    }
    c.table.by = o->by;
    c.table.left_out = o->per ? o->per : RUN_ID;
    c.table.without_resource = true;
    if (cli->io.memory_bytes)
        c.sample_limit = (size_t)cli->io.memory_bytes / sizeof(struct sample);
    if (!compare_read_allow(&c)) {
        free_compare(&c);
        return CLI_FAILED;
    }
    status = cli_filter(cli, &op, &c, argc, argv);
    if (status != CLI_USAGE)
        status = cli_exit_status(cli, c.regressions > 0);
    if ((status == CLI_DONE || status == CLI_REJECTED) && c.finished &&
        (c.inconclusive || !c.compared_series) && strcmp(o->inconclusive, "fail") == 0)
        status = CLI_INCONCLUSIVE;
    free_compare(&c);
    return status;
}

#define OPTION(member) offsetof(struct compare_options, member)

static const struct cli_option option_table[] = {
    {0, "allow", CLI_STRING, OPTION(allow), "FILE",
     "regressions that are known: a series or fingerprint a line", NULL},
    {0, "alpha", CLI_DOUBLE, OPTION(alpha), "P", "significance level of each comparison (0.05)",
     NULL},
    {0, "by", CLI_LIST, OPTION(by), "LIST",
     "the fields that make a series of spans and metrics (spans: service,name)", NULL},
    {0, "fdr", CLI_DOUBLE, OPTION(fdr), "Q",
     "share of false findings to accept among many series (as --alpha)", NULL},
    {0, "higher-is-better", CLI_LIST, OPTION(higher), "LIST",
     "metrics of which less is a regression", NULL},
    {0, "inconclusive", CLI_CHOICE, OPTION(inconclusive), "pass|fail",
     "fail: exit with 5 when there were too few repetitions to tell", "pass|fail"},
    {0, "min-effect", CLI_PERCENT, OPTION(min_effect), "PERCENT",
     "let changes pass that are certainly smaller (5%)", NULL},
    {0, "per", CLI_STRING, OPTION(per), "FIELD",
     "the unit of repetition (run.id, or else the trace)", NULL},
};

static const struct compare_options defaults = {
    .min_effect = 0.05, .alpha = 0.05, .inconclusive = "pass"};

static const struct cli_exit_meaning exits[] = {
    {"1", "a series got worse"},
    {"5",
     "with --inconclusive=fail: no series got worse, but of one or of all there is no telling"},
    {0}};

const struct cli_verb detect_compare = {
    .name = "compare",
    .summary = "Report what got worse or better from one input to another.",
    .operands = "BASE CAND",
    .description = "Exits with 1 when a series got worse. Durations of spans are compared, and "
                   "values of metrics; less is better unless --higher-is-better names the metric.\n"
                   "\n"
                   "Examples:\n"
                   "  trace-detect compare base.ndjson candidate.ndjson\n"
                   "  trace-detect compare --by=service --min-effect=10% --per=host.name \\\n"
                   "      base.ndjson candidate.ndjson\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = "fail when the samples of both inputs, 24 bytes each, are more",
    .exits = exits,
    .options = option_table,
    .option_count = sizeof option_table / sizeof *option_table,
    .options_size = sizeof(struct compare_options),
    .defaults = &defaults,
    .run = run,
};
