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

struct anomaly {
    struct cli *cli;
    const struct anomaly_options *options;
    char trace[TCORE_TRACE_ID + 1];
    struct watch_list list;
    struct intake intake;
    uint64_t found, judged; /* values beyond the warm-up */
    bool finished;
};

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

static enum tcore_status report(struct anomaly *a, const struct tcore_batch *batch, size_t row,
                                uint32_t series, const struct intake_point *point,
                                const struct detector_verdict *verdict, struct tcore_buf *out,
                                struct tcore_error *err)
{
    const struct series_name *name = &a->list.table.name[series];
    struct cli_finding finding = CLI_FINDING_EMPTY;
    struct tcore_buf message = {0};
    char trace[TCORE_TRACE_ID + 1], span[TCORE_SPAN_ID + 1], fingerprint[CLI_FINGERPRINT_BYTES];
    const struct cli_evidence evidence = {trace, span, NULL};

    intake_evidence(&a->intake, batch, row, trace, span);
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
    finding.quantile = intake_quantile(name->stat);
    put_message(&message, &a->list.table, series, a->list.item[series]->in.unit, &finding, verdict);
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

    return intake_open(&a->intake, projection, err);
}

static struct intake_series *get_series(void *owner, uint32_t series)
{
    struct anomaly *a = owner;
    struct watched *watched = watch_list_get(&a->list, series);

    return watched ? &watched->in : NULL;
}

static enum tcore_status judge(void *owner, const struct tcore_batch *batch, size_t row,
                               uint32_t series, const struct intake_point *point,
                               struct tcore_buf *out, struct tcore_error *err)
{
    struct anomaly *a = owner;
    struct detector *detector = &a->list.item[series]->detector;
    double judged = point->is_log ? log(fmax(1, point->value)) : point->value;
    struct detector_verdict verdict;

    a->judged += detector->seen >= DETECTOR_WARM_UP;
    if (!detector_step(detector, point->timed ? &point->ns : NULL, judged, &verdict))
        return TCORE_OK;
    return report(a, batch, row, series, point, &verdict, out, err);
}

static enum tcore_status watch_batch(void *state, void *worker, const struct tcore_batch *batch,
                                     const uint32_t *rows, size_t count, struct tcore_buf *out,
                                     struct tcore_error *err)
{
    struct anomaly *a = state;

    (void)worker;
    return intake_batch(&a->intake, batch, rows, count, out, err);
}

static enum tcore_status finish_anomaly(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct anomaly *a = state;
    size_t series = series_count(&a->list.table);

    (void)out;
    (void)err;
    a->finished = true;
    intake_note_left_out(&a->intake, a->cli);
    if (series && !a->judged)
        cli_note(a->cli, "%zu series, none with more than the %d values that are learnt from first",
                 series, DETECTOR_WARM_UP);
    return TCORE_OK;
}

/* The last word of a run: some series were not looked at. */
static void tell_limit(const struct anomaly *a)
{
    uint64_t count = a->intake.beyond_limit;

    if (count)
        cli_note(a->cli,
                 "%" PRIu64 " record%s not judged: --memory has room for %zu series, and %s of "
                 "others",
                 count, count == 1 ? " was" : "s were", a->intake.limit,
                 count == 1 ? "it is" : "they are");
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
    struct anomaly a = {.cli = cli, .options = o};
    struct tcore_error err;
    int status;

    if (o->trace && !read_trace(&a, o->trace))
        return cli_usage_error(cli, "--trace: '%s' is no trace id", o->trace);
    if (series_init(&a.list.table, &err) != TCORE_OK) {
        cli_report(cli, &err);
        return CLI_FAILED;
    }
    a.list.table.by = o->by;
    intake_init(&a.intake, &a.list.table, o->stats);
    a.intake.owner = &a;
    a.intake.get = get_series;
    a.intake.take = judge;
    if (cli->io.memory_bytes)
        a.intake.limit = (size_t)cli->io.memory_bytes / sizeof(struct watched);
    if (o->state && !anomaly_state_load(cli, &a.list, o->state)) {
        watch_list_free(&a.list);
        return CLI_FAILED;
    }
    status = run_filter(&a, argc, argv);
    if (o->state && a.finished && !cli->failed)
        anomaly_state_save(cli, &a.list, o->state);
    watch_list_free(&a.list);
    intake_free(&a.intake);
    if (status == CLI_USAGE)
        return status;
    tell_limit(&a);
    status = cli_exit_status(cli, o->exit_code && a.found);
    /* "nothing was found" is no answer of a part of the series */
    return o->exit_code && a.intake.beyond_limit && status != CLI_FOUND ? CLI_FAILED : status;
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
