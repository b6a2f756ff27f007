/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-detect cause: spans, metrics and logs from before and after something went wrong flow in,
 * and a finding flows out for each service, instance, operation or edge that may be to blame.
 * Everything is kept until the end.
 */
#include <config.h>

#include "detect/cause.h"

#include "cli/filter.h"
#include "cli/message.h"
#include "cli/table.h"
#include "detect/columns.h"
#include "detect/verbs.h"

#include <inttypes.h>

static enum tcore_status open_cause(void *state, struct tcore_projection *projection,
                                    struct tcore_error *err)
{
    struct cause *c = state;
    const struct wanted_column wanted[] = {
        {NULL, "traceId", &c->trace_id},
        {NULL, "spanId", &c->span_id},
        {NULL, "parentSpanId", &c->parent_id},
        {NULL, "name", &c->name},
        {NULL, "kind", &c->kind},
        {NULL, "startTimeUnixNano", &c->start},
        {NULL, "endTimeUnixNano", &c->end},
        {NULL, "durationNano", &c->duration},
        {NULL, "status", &c->status},
        {NULL, "service", &c->service},
        {"resource", "service.instance.id", &c->pod[0]},
        {"resource", "k8s.pod.name", &c->pod[1]},
        {"resource", "host.name", &c->pod[2]},
        {"dimensions", "service.instance.id", &c->pod[3]},
        {"dimensions", "k8s.pod.name", &c->pod[4]},
        {"dimensions", "host.name", &c->pod[5]},
        {NULL, "timeUnixNano", &c->time},
        {NULL, "metricType", &c->metric_type},
        {NULL, "body", &c->body},
        {NULL, "severity", &c->severity},
        {"group", "source", &c->group_source},
        {"group", "target", &c->group_target},
        {NULL, "missing", &c->missing},
        {NULL, "kind", &c->finding_kind},
    };
    enum tcore_status status =
        want_columns(projection, wanted, sizeof wanted / sizeof *wanted, err);

    return status == TCORE_OK ? intake_open(&c->intake, projection, err) : status;
}

static void from_input(void *state, void *worker, size_t input)
{
    struct cause *c = state;

    (void)worker;
    c->input = c->two_inputs && input > 0;
}

/* --- Records */

static enum tcore_status take_metric(struct cause *c, const struct tcore_batch *batch, uint32_t row,
                                     struct tcore_buf *out, struct tcore_error *err)
{
    bool nothing;

    c->metric_entity = cause_entity_of_row(c, batch, row, &nothing);
    c->without_entity += nothing;
    if (nothing)
        return TCORE_OK;
    return c->metric_entity == CAUSE_NONE ? tcore_error_nomem(err)
                                          : intake_batch(&c->intake, batch, &row, 1, out, err);
}

/* An edge as trace-span map writes it. */
static enum tcore_status take_edge(struct cause *c, const struct tcore_batch *batch, size_t row,
                                   struct tcore_error *err)
{
    struct tcore_value source = column_value(batch, c->group_source, row);
    struct tcore_value target = column_value(batch, c->group_target, row);

    if (source.kind != TCORE_STRING || target.kind != TCORE_STRING)
        return TCORE_OK;
    uint32_t edge = cause_entity(c, CAUSE_EDGE, (struct tcore_slice){source.s, source.len},
                                 (struct tcore_slice){target.s, target.len});

    if (edge == CAUSE_NONE)
        return tcore_error_nomem(err);
    if (column_is(batch, c->missing, row, "server"))
        c->entity[c->entity[edge].target].peer = true;
    return TCORE_OK;
}

static void take_finding(struct cause *c, const struct tcore_batch *batch, size_t row)
{
    int64_t ns;
    bool tells = column_is(batch, c->finding_kind, row, "anomaly") ||
                 column_is(batch, c->finding_kind, row, "change");

    if (tells && column_ns(batch, c->time, row, &ns) && ns < c->found_ns)
        c->found_ns = ns;
}

static enum tcore_status collect_row(struct cause *c, const struct tcore_batch *batch, uint32_t row,
                                     struct tcore_buf *out, struct tcore_error *err)
{
    switch (batch->types[row]) {
    case TCORE_RECORD_SPAN:
        return cause_take_span(c, batch, row, err);
    case TCORE_RECORD_METRIC:
        return take_metric(c, batch, row, out, err);
    case TCORE_RECORD_LOG:
        return cause_take_log(c, batch, row, err);
    case TCORE_RECORD_AGGREGATE:
        return take_edge(c, batch, row, err);
    default:
        take_finding(c, batch, row);
        return TCORE_OK;
    }
}

static enum tcore_status collect(void *state, void *worker, const struct tcore_batch *batch,
                                 const uint32_t *rows, size_t count, struct tcore_buf *out,
                                 struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;

    (void)worker;
    for (size_t i = 0; i < count && status == TCORE_OK; i++)
        status = collect_row(state, batch, rows[i], out, err);
    return status;
}

/* --- The end */

static bool know_time(struct cause *c, struct tcore_error *err)
{
    if (c->two_inputs || c->at_known)
        return true;
    c->at_known = c->found_ns != INT64_MAX;
    c->at_ns = c->found_ns;
    if (!c->at_known)
        tcore_error_set(err, TCORE_FATAL,
                        "nothing says when it began: --at is missing, and the input has no finding "
                        "of an anomaly or change");
    return c->at_known;
}

static void note_left_out(const struct cause *c)
{
    intake_note_left_out(&c->intake, c->cli);
    if (c->without_time)
        cli_note(c->cli, "%" PRIu64 " record%s without a time left out", c->without_time,
                 c->without_time == 1 ? "" : "s");
    if (c->without_entity)
        cli_note(c->cli, "%" PRIu64 " record%s of no service or instance left out",
                 c->without_entity, c->without_entity == 1 ? "" : "s");
    if (!c->causes)
        cli_note(c->cli, "no cause found: nothing differs by more than chance");
}

static enum tcore_status finish_cause(void *state, struct tcore_buf *out, struct tcore_error *err)
{
    struct cause *c = state;
    enum tcore_status status = know_time(c, err) ? TCORE_OK : TCORE_FATAL;

    if (status == TCORE_OK)
        status = cause_measure_spans(c, err);
    if (status == TCORE_OK)
        status = cause_judge_spans(c, err);
    if (status == TCORE_OK)
        status = cause_judge_metrics(c, err);
    if (status == TCORE_OK)
        status = cause_judge_logs(c, err);
    if (status != TCORE_OK)
        return status;
    cause_score(c);
    status = cause_write(c, out, err);
    c->finished = status == TCORE_OK;
    if (c->finished)
        note_left_out(c);
    return status;
}

static bool open_stores(struct cause *c, struct tcore_error *err)
{
    struct tcore_trace_store_options options = {
        .names = true, .memory_bytes = (size_t)c->cli->io.memory_bytes / CAUSE_SIDES};

    for (size_t i = 0; i < CAUSE_SIDES; i++)
        if (tcore_trace_store_new(&c->store[i], &options, err) != TCORE_OK ||
            tcore_trace_intake_new(&c->spans[i], c->store[i], err) != TCORE_OK)
            return false;
    return true;
}

static bool open_all(struct cause *c)
{
    struct tcore_error err;

    if (!cause_tables_init(c) || series_init(&c->table, &err) != TCORE_OK) {
        cli_error(c->cli, "no randomness");
        return false;
    }
    intake_init(&c->intake, &c->table, (struct cli_strings){0});
    c->intake.owner = c;
    c->intake.get = cause_get_series;
    c->intake.take = cause_keep_point;
    if (open_stores(c, &err))
        return true;
    cli_error(c->cli, "%s", err.text);
    return false;
}

static void free_cause(struct cause *c)
{
    for (size_t i = 0; i < CAUSE_SIDES; i++)
        if (c->store[i])
            tcore_trace_store_free(c->store[i]);
    cause_series_free(c);
    cause_tables_free(c);
}

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    static const struct cli_operator op = {
        .types = 1u << TCORE_RECORD_SPAN | 1u << TCORE_RECORD_METRIC | 1u << TCORE_RECORD_LOG |
                 1u << TCORE_RECORD_AGGREGATE | 1u << TCORE_RECORD_FINDING,
        .ordered = true,
        .open = open_cause,
        .from_input = from_input,
        .batch = collect,
        .finish = finish_cause,
    };
    static const char *columns[] = {"rank", "score", "method", "message"};
    const struct cause_options *o = options;
    struct cause c = {.cli = cli,
                      .options = o,
                      .two_inputs = argc == 2 && !o->at.set,
                      .at_known = o->at.set,
                      .at_ns = o->at.unix_ns,
                      .found_ns = INT64_MAX,
                      .kept_limit = SIZE_MAX};
    int status = CLI_FAILED;

    if (!o->at.set && argc > 2)
        return cli_usage_error(cli, "without --at two inputs are compared, BASE and CAND");
    if (c.two_inputs && !strcmp(argv[0], "-") && !strcmp(argv[1], "-"))
        return cli_usage_error(cli, "only one of BASE and CAND can be standard input");
    if (cli->io.memory_bytes)
        c.kept_limit = (size_t)cli->io.memory_bytes / sizeof(struct cause_log);
    cli_table_on_terminal(cli, columns, sizeof columns / sizeof *columns);
    if (open_all(&c)) {
        status = cli_filter(cli, &op, &c, argc, argv);
        if (status != CLI_USAGE)
            status = cli_exit_status(cli, o->exit_code && c.finished && c.causes);
    }
    free_cause(&c);
    return status;
}

#define OPTION(member) offsetof(struct cause_options, member)

static const struct cli_option option_table[] = {
    {0, "at", CLI_TIME, OPTION(at), "TIME",
     "when it began: what started before is compared with the rest", NULL},
    {0, "exit-code", CLI_FLAG, OPTION(exit_code), NULL, "exit with 1 when a cause was found", NULL},
};

static const struct cli_exit_meaning exits[] = {{"1", "with --exit-code: a cause was found"}, {0}};

const struct cli_verb detect_cause = {
    .name = "cause",
    .summary = "Rank services, instances, operations and edges by how likely they are to blame.",
    .operands = "[BASE CAND | INPUT...]",
    .description =
        "Takes spans, metrics and logs, in any order, and edges as trace-span map writes them.\n"
        "Without --at two inputs are compared, or one is divided at the first anomaly or change\n"
        "that a finding in it names.\n"
        "\n"
        "Examples:\n"
        "  trace-detect cause --at=2026-11-30T12:06:00Z telemetry.ndjson\n"
        "  trace-detect cause --limit=5 base.ndjson candidate.ndjson\n",
    .groups = CLI_READS | CLI_WRITES,
    .memory = "fail when spans, points and logs are more",
    .exits = exits,
    .options = option_table,
    .option_count = sizeof option_table / sizeof *option_table,
    .options_size = sizeof(struct cause_options),
    .run = run,
};
