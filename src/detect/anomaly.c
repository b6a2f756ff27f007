/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-detect anomaly: metrics, aggregates or spans flow in, and a finding flows out for each
 * value that its series has never had. One detector a series (detector.h); a value is judged by
 * what came before it, so findings appear as the stream goes.
 */
#include <config.h>

#include "detect/anomaly.h"

#include "base/sys.h"
#include "cli/filter.h"
#include "cli/message.h"
#include "detect/columns.h"
#include "detect/describe.h"
#include "detect/verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct anomaly_options {
    struct cli_strings stats, by;
    const char *trace, *state;
    bool exit_code;
};

/* Of an aggregate the first of these that it has is watched, unless --stat says. */
static const char *const usual_stats[] = {"p99", "mean", "rate", "count"};

struct anomaly {
    struct cli *cli;
    const struct anomaly_options *options;
    char trace[TCORE_TRACE_ID + 1];
    struct watch_list list;
    size_t limit; /* series there may be */
    const char *const *stats;
    size_t stat_count;
    size_t *stat_columns; /* owned */
    size_t time, start, window, duration, value, metric_type, temporality, unit;
    size_t sum, count, trace_id, span_id, context_trace, context_span;
    uint64_t found, judged; /* values beyond the warm-up */
    uint64_t without_number, without_time, unordered, resets, beyond_limit;
    bool finished;
};

/* --- What is watched of a record */

/* One value of a series. */
struct point {
    double value;  /* what was measured */
    double judged; /* the same, or its logarithm */
    bool is_log;
    bool timed;
    int64_t ns;
};

/*
 * What something that only grows did since the point before: per second, or per count for a
 * histogram's sum. False: there is no point before it that it can be compared with.
 */
static bool difference(struct anomaly *a, struct watched *watched, double total, double count,
                       struct point *point, bool per_second)
{
    double before = watched->previous, count_before = watched->previous_count;
    int64_t ns_before = watched->previous_ns;
    bool known = watched->has_previous;

    if (!point->timed) {
        a->without_time++;
        return false;
    }
    if (known && point->ns <= ns_before) {
        a->unordered++;
        return false;
    }
    watched->previous = total;
    watched->previous_count = count;
    watched->previous_ns = point->ns;
    watched->has_previous = true;
    if (!known)
        return false;
    if (total < before || count < count_before) {
        a->resets++;
        return false;
    }
    if (per_second)
        point->value = (total - before) / ((double)(point->ns - ns_before) / 1e9);
    else if (count > count_before)
        point->value = (total - before) / (count - count_before);
    else
        return false; /* nothing happened: no mean */
    return true;
}

static bool read_metric(struct anomaly *a, struct watched *watched, const struct tcore_batch *batch,
                        size_t row, struct point *point)
{
    bool is_delta = column_is(batch, a->temporality, row, "delta");
    double value = column_double(batch, a->value, row);
    double sum = column_double(batch, a->sum, row), count = column_double(batch, a->count, row);

    if (isfinite(value)) {
        point->value = value;
        if (is_delta || !column_is(batch, a->metric_type, row, "counter"))
            return true;
        return difference(a, watched, value, 0, point, true);
    }
    if (isfinite(sum) && isfinite(count)) {
        point->value = sum / count;
        if (!is_delta)
            return difference(a, watched, sum, count, point, false);
        if (count > 0)
            return true;
    }
    a->without_number++;
    return false;
}

static bool read_point(struct anomaly *a, struct watched *watched, const struct tcore_batch *batch,
                       size_t row, size_t stat, struct point *point)
{
    switch (batch->types[row]) {
    case TCORE_RECORD_SPAN:
        point->timed = column_ns(batch, a->start, row, &point->ns);
        point->value = column_double(batch, a->duration, row);
        point->is_log = true;
        return true;
    case TCORE_RECORD_AGGREGATE:
        point->timed = column_ns(batch, a->window, row, &point->ns);
        point->value = column_double(batch, a->stat_columns[stat], row);
        return true;
    default:
        point->timed = column_ns(batch, a->time, row, &point->ns);
        return read_metric(a, watched, batch, row, point);
    }
}

/* The unit that values of the series are shown in. */
static void set_unit(struct anomaly *a, struct watched *watched, const struct series_name *name,
                     const struct tcore_batch *batch, size_t row)
{
    const char *stat = name->stat;
    bool is_count = strcmp(stat, "count") == 0 || strncmp(stat, "error", 5) == 0;

    if (strcmp(stat, "rate") == 0)
        strcpy(watched->unit, "/s");
    else if (!is_count)
        unit_of_series(watched->unit, sizeof watched->unit, name->metric_name,
                       column_value(batch, a->unit, row),
                       column_is(batch, a->metric_type, row, "counter") ? "/s" : "");
}

/* --- Findings */

static const char *severity_of(const struct series_name *name,
                               const struct detector_verdict *verdict)
{
    bool is_duration = strcmp(name->metric_name, "durationNano") == 0;
    bool is_time = !*name->stat || *name->stat == 'p' || *name->stat == 'm';

    if (is_duration && is_time && verdict->side == DETECTOR_BELOW)
        return "info"; /* faster than ever */
    return verdict->p_value <= 1e-6 ? "critical" : verdict->p_value <= 1e-4 ? "warning" : "info";
}

/* "checkout POST /pay p99: 412 ms, highest in 3 h; usual 120-140 ms" */
static void put_message(struct tcore_buf *out, const struct series_table *table, uint32_t series,
                        const char *unit, const struct cli_finding *finding,
                        const struct detector_verdict *verdict)
{
    static const char *const how[] = {", unlike any ", ", highest ", ", lowest "};

    series_put_label(out, table, series);
    tcore_buf_puts(out, ": ");
    describe_value(out, finding->value, unit);
    tcore_buf_puts(out, how[verdict->side]);
    if (verdict->history_ns > 0) {
        tcore_buf_puts(out, "in ");
        describe_duration(out, verdict->history_ns);
    } else {
        tcore_buf_puts(out, "so far");
    }
    tcore_buf_puts(out, "; usual ");
    describe_range(out, finding->lower, finding->upper, unit);
}

/* The span that is the evidence: the record itself, or the one that a metric was taken in. */
static void read_evidence(const struct anomaly *a, const struct tcore_batch *batch, size_t row,
                          char *trace, char *span)
{
    bool is_span = batch->types[row] == TCORE_RECORD_SPAN;

    column_id(batch, is_span ? a->trace_id : a->context_trace, row, TCORE_TRACE_ID, trace);
    column_id(batch, is_span ? a->span_id : a->context_span, row, TCORE_SPAN_ID, span);
}

static double quantile_of(const char *stat)
{
    double percent;

    if (*stat != 'p' || !tcore_parse_double(stat + 1, strlen(stat + 1), &percent))
        return NAN;
    return percent / 100;
}

static enum tcore_status report(struct anomaly *a, const struct tcore_batch *batch, size_t row,
                                uint32_t series, const struct point *point,
                                const struct detector_verdict *verdict, struct tcore_buf *out,
                                struct tcore_error *err)
{
    const struct series_name *name = &a->list.table.name[series];
    struct cli_finding finding = CLI_FINDING_EMPTY;
    struct tcore_buf message = {0};
    char trace[TCORE_TRACE_ID + 1], span[TCORE_SPAN_ID + 1], fingerprint[CLI_FINGERPRINT_BYTES];
    const struct cli_evidence evidence = {trace, span, NULL};

    read_evidence(a, batch, row, trace, span);
    if (*a->trace && strcmp(a->trace, trace) != 0)
        return TCORE_OK;
    a->found++;
    finding.kind = "anomaly";
    finding.severity = severity_of(name, verdict);
    finding.score = -log10(verdict->p_value);
    finding.record_type = name->record_type;
    finding.metric_name = name->metric_name;
    finding.stat = name->stat;
    finding.group = name->group;
    finding.time_ns = point->timed ? &point->ns : NULL;
    finding.value = point->value;
    finding.expected = point->is_log ? round(exp(verdict->expected)) : verdict->expected;
    finding.lower = point->is_log ? round(exp(verdict->lower)) : verdict->lower;
    finding.upper = point->is_log ? round(exp(verdict->upper)) : verdict->upper;
    finding.p_value = verdict->p_value;
    finding.method = "novelty";
    finding.quantile = quantile_of(name->stat);
    put_message(&message, &a->list.table, series, a->list.item[series]->unit, &finding, verdict);
    tcore_buf_putc(&message, '\0');
    finding.message = message.data;
    finding.evidence = &evidence;
    finding.evidence_count = 1;
    finding.fingerprint = fingerprint;
    if (message.failed ||
        !cli_finding_fingerprint("anomaly", name->identity, name->identity_length, fingerprint)) {
        tcore_buf_free(&message);
        return tcore_error_nomem(err);
    }
    cli_finding_write(out, &finding);
    tcore_buf_free(&message);
    return TCORE_OK;
}

/* --- The stream */

static enum tcore_status open_anomaly(void *state, struct tcore_projection *projection,
                                      struct tcore_error *err)
{
    struct anomaly *a = state;
    const struct wanted_column wanted[] = {
        {NULL, "timeUnixNano", &a->time},
        {NULL, "startTimeUnixNano", &a->start},
        {NULL, "windowStartUnixNano", &a->window},
        {NULL, "durationNano", &a->duration},
        {NULL, "value", &a->value},
        {NULL, "metricType", &a->metric_type},
        {NULL, "temporality", &a->temporality},
        {NULL, "unit", &a->unit},
        {"histogram", "sum", &a->sum},
        {"histogram", "count", &a->count},
        {NULL, "traceId", &a->trace_id},
        {NULL, "spanId", &a->span_id},
        {"context", "traceId", &a->context_trace},
        {"context", "spanId", &a->context_span},
    };
    enum tcore_status status =
        want_columns(projection, wanted, sizeof wanted / sizeof *wanted, err);

    a->stat_columns = tcore_calloc(a->stat_count, sizeof *a->stat_columns);
    if (!a->stat_columns)
        return tcore_error_nomem(err);
    for (size_t i = 0; i < a->stat_count && status == TCORE_OK; i++) {
        const struct wanted_column stat = {NULL, a->stats[i], &a->stat_columns[i]};

        status = a->options->stats.count
                     ? tcore_projection_add_field(projection, a->stats[i], stat.column, err)
                     : want_columns(projection, &stat, 1, err);
    }
    return status == TCORE_OK ? series_open(&a->list.table, projection, err) : status;
}

static enum tcore_status judge(struct anomaly *a, const struct tcore_batch *batch, size_t row,
                               size_t stat, struct tcore_buf *out, struct tcore_error *err)
{
    bool is_aggregate = batch->types[row] == TCORE_RECORD_AGGREGATE;
    struct point point = {0};
    struct detector_verdict verdict;
    uint32_t series;
    enum tcore_status status = series_of_row(
        &a->list.table, batch, row, is_aggregate ? a->stats[stat] : "", a->limit, &series, err);

    if (status != TCORE_OK)
        return status;
    if (series == SERIES_NONE) {
        a->beyond_limit++;
        return TCORE_OK;
    }
    struct watched *watched = watch_list_get(&a->list, series);

    if (!watched)
        return tcore_error_nomem(err);
    if (!read_point(a, watched, batch, row, stat, &point))
        return TCORE_OK;
    if (!*watched->unit)
        set_unit(a, watched, &a->list.table.name[series], batch, row);
    a->judged += watched->detector.seen >= DETECTOR_WARM_UP;
    point.judged = point.is_log ? log(fmax(1, point.value)) : point.value;
    if (!detector_step(&watched->detector, point.timed ? &point.ns : NULL, point.judged, &verdict))
        return TCORE_OK;
    return report(a, batch, row, series, &point, &verdict, out, err);
}

/* Judges each statistic that is asked for, or the first there is. */
static enum tcore_status judge_aggregate(struct anomaly *a, const struct tcore_batch *batch,
                                         size_t row, struct tcore_buf *out, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    bool any = false;

    for (size_t i = 0; i < a->stat_count && status == TCORE_OK; i++) {
        if (!isfinite(column_double(batch, a->stat_columns[i], row)))
            continue;
        any = true;
        status = judge(a, batch, row, i, out, err);
        if (!a->options->stats.count)
            break;
    }
    a->without_number += !any;
    return status;
}

static enum tcore_status watch_batch(void *state, void *worker, const struct tcore_batch *batch,
                                     const uint32_t *rows, size_t count, struct tcore_buf *out,
                                     struct tcore_error *err)
{
    struct anomaly *a = state;
    enum tcore_status status = TCORE_OK;

    (void)worker;
    for (size_t i = 0; i < count && status == TCORE_OK; i++) {
        uint32_t row = rows[i];

        if (batch->types[row] == TCORE_RECORD_AGGREGATE)
            status = judge_aggregate(a, batch, row, out, err);
        else if (batch->types[row] == TCORE_RECORD_SPAN &&
                 !isfinite(column_double(batch, a->duration, row)))
            a->without_number++;
        else
            status = judge(a, batch, row, 0, out, err);
    }
    return status;
}

static void note_count(struct cli *cli, uint64_t count, const char *one, const char *many)
{
    if (count)
        cli_note(cli, "%" PRIu64 " %s", count, count == 1 ? one : many);
}

static enum tcore_status finish_anomaly(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct anomaly *a = state;
    size_t series = series_count(&a->list.table);

    (void)out;
    (void)err;
    a->finished = true;
    note_count(a->cli, a->without_number, "record had no number to judge",
               "records had no number to judge");
    note_count(a->cli, a->without_time, "counter point without a time was left out",
               "counter points without a time were left out");
    note_count(a->cli, a->unordered, "counter point was no later than the one before: left out",
               "counter points were no later than those before: left out");
    note_count(a->cli, a->resets, "reset of a counter", "resets of counters");
    if (series && !a->judged)
        cli_note(a->cli, "%zu series, none with more than the %d values that are learnt from first",
                 series, DETECTOR_WARM_UP);
    return TCORE_OK;
}

/* The last word of a run: some series were not looked at. */
static void tell_limit(const struct anomaly *a)
{
    if (a->beyond_limit)
        cli_note(a->cli,
                 "%" PRIu64 " record%s not judged: --memory has room for %zu series, and %s of "
                 "others",
                 a->beyond_limit, a->beyond_limit == 1 ? " was" : "s were", a->limit,
                 a->beyond_limit == 1 ? "it is" : "they are");
}

static int run_filter(struct anomaly *a, int argc, char **argv)
{
    static const struct cli_operator op = {
        .types = 1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_METRIC | 1u << TCORE_RECORD_AGGREGATE,
        .ordered = true,
        .open = open_anomaly,
        .batch = watch_batch,
        .finish = finish_anomaly,
    };
    return cli_filter(a->cli, &op, a, argc, argv);
}

static bool read_trace(struct anomaly *a, const char *text)
{
    struct tcore_traceparent parent;

    if (!tcore_traceparent_parse(text, strlen(text), &parent))
        return tcore_id_normalise(TCORE_TRACE_ID, text, strlen(text), a->trace) == TCORE_ID_OK;
    memcpy(a->trace, parent.trace_id, sizeof a->trace);
    return true;
}

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    const struct anomaly_options *o = options;
    struct anomaly a = {.cli = cli, .options = o, .limit = SIZE_MAX};
    struct tcore_error err;
    int status;

    if (o->trace && !read_trace(&a, o->trace))
        return cli_usage_error(cli, "--trace: '%s' is no trace id", o->trace);
    if (cli->io.memory_bytes)
        a.limit = (size_t)cli->io.memory_bytes / sizeof(struct watched);
    a.stats = o->stats.count ? o->stats.item : usual_stats;
    a.stat_count = o->stats.count ? o->stats.count : sizeof usual_stats / sizeof *usual_stats;
    if (series_init(&a.list.table, &err) != TCORE_OK) {
        cli_report(cli, &err);
        return CLI_FAILED;
    }
    a.list.table.by = o->by;
    if (o->state && !anomaly_state_load(cli, &a.list, o->state)) {
        watch_list_free(&a.list);
        return CLI_FAILED;
    }
    status = run_filter(&a, argc, argv);
    if (o->state && a.finished && !cli->failed)
        anomaly_state_save(cli, &a.list, o->state);
    watch_list_free(&a.list);
    tcore_free(a.stat_columns);
    if (status == CLI_USAGE)
        return status;
    tell_limit(&a);
    status = cli_exit_status(cli, o->exit_code && a.found);
    /* "nothing was found" is no answer of a part of the series */
    return o->exit_code && a.beyond_limit && status != CLI_FOUND ? CLI_FAILED : status;
}

#define OPTION(member) offsetof(struct anomaly_options, member)

static const struct cli_option option_table[] = {
    {0, "by", CLI_LIST, OPTION(by), "LIST",
     "the fields that make a series of spans and metrics (spans: service,name)", NULL},
    {0, "exit-code", CLI_FLAG, OPTION(exit_code), NULL,
     "exit with 1 when something was found, with 4 when --memory did not suffice to tell", NULL},
    {0, "stat", CLI_LIST, OPTION(stats), "LIST",
     "the statistics of aggregates to watch (the first of p99, mean, rate, count)", NULL},
    {0, "state", CLI_STRING, OPTION(state), "FILE",
     "go on from what FILE knows of the series, and keep it there", NULL},
    {0, "trace", CLI_STRING, OPTION(trace), "ID",
     "report only values that were measured in this trace", NULL},
};

static const struct cli_exit_meaning exits[] = {{"1", "with --exit-code: there was an anomaly"},
                                                {0}};

const struct cli_verb detect_anomaly = {
    .name = "anomaly",
    .summary = "Report values that a series has never had.",
    .operands = "[INPUT]...",
    .description =
        "Takes metrics, aggregates and spans; each series is judged by itself, from its 17th value "
        "on.\n"
        "\n"
        "Examples:\n"
        "  trace-agg --window=10s --by=service,name spans.ndjson | trace-detect anomaly\n"
        "  trace-detect anomaly --state=seen.state --exit-code metrics.ndjson\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = "watch as many series as fit, and count the records of others",
    .exits = exits,
    .options = option_table,
    .option_count = sizeof option_table / sizeof *option_table,
    .options_size = sizeof(struct anomaly_options),
    .run = run,
};
