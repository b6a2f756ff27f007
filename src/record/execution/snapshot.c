/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record snapshot: what an execution, or this machine, uses now. */
#include <config.h>

#include "base/sys.h"
#include "cli/message.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "record/destination.h"
#include "record/execution/verb.h"
#include "record/metric/host_metrics.h"
#include "record/repository/lifetime.h"
#include "record/metric/proc_file.h"
#include "record/metric/sample.h"
#include "cli/table.h"
#include "record/verbs.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

struct options {
    int64_t interval_ns;
};

static const struct options defaults = {.interval_ns = 100000000};

static enum tcore_status look_at_host(int64_t interval_ns, struct tcore_buf *lines,
                                      struct tcore_error *err)
{
    struct host_metrics host;
    enum tcore_status status = host_metrics_open(&host, "/", false, err);
    if (status == TCORE_OK)
        status = host_metrics_take(&host, lines, err);
    if (status == TCORE_OK) {
        tcore_buf_clear(lines);
        cli_wait_until(tcore_sys()->monotonic_ns() + interval_ns);
        status = host_metrics_take(&host, lines, err);
    }
    host_metrics_close(&host);
    return status;
}

/* --- An execution */

/* Of an execution that run records: the command, not run itself. */
static pid_t command_of(const struct execution *e, pid_t pid)
{
    char path[64], text[64], recorder[64];
    snprintf(recorder, sizeof(recorder), "\"process.parent_pid\":%d,", (int)pid);
    if (!strstr(e->environment_json, recorder))
        return pid;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    int child = proc_read(AT_FDCWD, path, text, sizeof(text)) > 0 ? atoi(text) : 0;
    return child > 0 ? child : pid;
}

static void put_usage(struct tcore_buf *lines, const struct execution *e, const char *id,
                      const struct sample *before, const struct sample *now)
{
    char context[128];
    struct tcore_buf common = {0};
    snprintf(context, sizeof(context), ",\"context\":{\"traceId\":\"%.32s\",\"spanId\":\"%.16s\"}",
             e->trace_id, id);
    execution_put_text(&common, "service", e->service);
    execution_put_map(&common, "resource", e->resource_json);
    tcore_buf_putc(&common, '\0');
    const struct metric_moment moment = {now->time_ns, e->start_ns, context,
                                         execution_text(&common)};
    sample_put(lines, now, before, &moment);
    lines->failed |= common.failed;
    tcore_buf_free(&common);
}

static enum tcore_status look_at_processes(const struct execution *e, const char *id, pid_t pid,
                                           int64_t interval_ns, struct tcore_buf *lines,
                                           struct tcore_error *err)
{
    struct sample before, now;
    struct sampler *sampler = sampler_new(pid, -1);
    if (!sampler)
        return tcore_error_nomem(err);
    bool there = sampler_take(sampler, &before);
    if (there) {
        cli_wait_until(tcore_sys()->monotonic_ns() + interval_ns);
        there = sampler_take(sampler, &now);
    }
    sampler_free(sampler);
    if (!there)
        return tcore_error_set(err, TCORE_FATAL, "execution %s has ended meanwhile", id);
    put_usage(lines, e, id, &before, &now);
    return TCORE_OK;
}

static enum tcore_status look_at_execution(struct cli *cli, const char *path, const char *id,
                                           int64_t interval_ns, struct tcore_buf *lines,
                                           struct tcore_error *err)
{
    struct execution e;
    pid_t pid;
    enum tcore_status status = TCORE_OK;
    *err = (struct tcore_error){0};
    if (!execution_load(cli, path, id, &e)) { /* which was reported */
        execution_free(&e);
        return TCORE_SKIP;
    }
    switch (lifetime_look(e.environment_json, e.resource_json, &pid)) {
    case LIFETIME_RUNS:
        status = look_at_processes(&e, id, command_of(&e, pid), interval_ns, lines, err);
        break;
    case LIFETIME_OVER:
        status = tcore_error_set(err, TCORE_FATAL, "the process of execution %s is over", id);
        break;
    case LIFETIME_UNKNOWN:
        status = tcore_error_set(
            err, TCORE_FATAL, "no process of execution %s is known here (run, or start --pid)", id);
    }
    err->input = path;
    execution_free(&e);
    return status;
}

/* --- The verb */

static int print(struct cli *cli, const struct tcore_buf *lines)
{
    struct cli_output *output = cli_output_open(cli);
    if (!output)
        return cli->usage_error ? CLI_USAGE : CLI_FAILED;
    cli_output_lines(output, lines->data, lines->length);
    cli_output_close(output, cli->failed);
    return cli_exit_status(cli, false);
}

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    static const char *columns[] = {"metricName", "value", "unit", "dimensions"};
    const struct options *o = options;
    struct tcore_traceparent id;
    struct tcore_buf lines = {0};
    struct tcore_error err;
    const char *path = argc > 1 ? argv[1] : destination_of(NULL, NULL).path;
    enum tcore_status status;
    if (argc > 2)
        return cli_usage_error(cli, "more operands than ID and INPUT");
    if (argc && !execution_id(cli, argv[0], &id))
        return CLI_USAGE;
    if (argc)
        status = look_at_execution(cli, path, id.span_id, o->interval_ns, &lines, &err);
    else
        status = look_at_host(o->interval_ns, &lines, &err);
    if (status == TCORE_OK)
        status = tcore_buf_status(&lines, &err);
    cli_table_on_terminal(cli, columns, sizeof(columns) / sizeof(*columns));
    if (status == TCORE_OK)
        print(cli, &lines);
    else if (status != TCORE_SKIP)
        cli_report(cli, &err);
    tcore_buf_free(&lines);
    return cli->usage_error ? CLI_USAGE : cli_exit_status(cli, false);
}

static const struct cli_option table[] = {
    {0, "interval", CLI_DURATION, offsetof(struct options, interval_ns), "DUR",
     "what a share of time is measured over (default 100ms)", NULL},
};

const struct cli_verb snapshot_verb = {
    .name = "snapshot",
    .summary = "Print what an execution, or this machine, uses now.",
    .operands = "[ID [INPUT]]",
    .description =
        "As metrics: of the processes of an execution what run samples, of the machine what host\n"
        "records. ID is what start printed, or its 16 digits; its process has to be known, from\n"
        "run or start --pid. INPUT is a file or a repository; without it $TRACE_TO is read, else\n"
        "trace.ndjson.\n"
        "\n"
        "Example:\n"
        "  trace-record snapshot --format=table --fields=metricName,dimensions,value\n",
    .groups = CLI_WRITES,
    .options = table,
    .option_count = sizeof(table) / sizeof(*table),
    .options_size = sizeof(struct options),
    .defaults = &defaults,
    .run = run,
};
