/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record update, checkpoint, event: what happens while an execution runs. */
#include <config.h>

#include "base/sys.h"
#include "cli/message.h"
#include "record/attributes.h"
#include "record/destination.h"
#include "record/execution/verb.h"
#include "record/verbs.h"

#include <string.h>

static const struct cli_option table[] = {EXECUTION_OPTION_TO, EXECUTION_OPTION_DURABILITY,
                                          EXECUTION_OPTION_ATTR};

/* Whether the execution runs; its trace, if it was named by its 16 digits. */
static bool find_running(struct cli *cli, const char *path, struct tcore_traceparent *id)
{
    struct execution execution;
    bool running = execution_load(cli, path, id->span_id, &execution);
    if (running && !*id->trace_id && strlen(execution.trace_id) == TCORE_TRACE_ID)
        memcpy(id->trace_id, execution.trace_id, TCORE_TRACE_ID + 1);
    execution_free(&execution);
    return running;
}

/* A log record with a name is what OpenTelemetry calls an event. */
static void put_log(struct tcore_buf *lines, const struct tcore_traceparent *id, const char *name,
                    const char *attributes)
{
    tcore_buf_puts(lines, "{\"type\":\"log\"");
    execution_put_time(lines, "timeUnixNano", tcore_sys()->wall_ns());
    execution_put_text(lines, "severity", "info");
    execution_put_text(lines, "body", name);
    execution_put_text(lines, "traceId", id->trace_id);
    execution_put_text(lines, "spanId", id->span_id);
    execution_put_map(lines, "attributes", attributes);
    execution_put_text(lines, "eventName", name);
    tcore_buf_puts(lines, "}\n");
}

/* event: updated or checkpoint, NULL for a log record. */
static int add(struct cli *cli, const struct execution_options *o, const char *operand,
               const char *event, const char *name)
{
    struct tcore_traceparent id;
    struct tcore_buf lines = {0}, attributes = {0};
    const struct destination to = destination_of(o->to, o->durability);
    if (!execution_id(cli, operand, &id))
        return CLI_USAGE;
    if (!find_running(cli, to.path, &id))
        return cli_exit_status(cli, false);
    attributes_put(&attributes, &o->attributes);
    tcore_buf_putc(&attributes, '\0');
    if (event)
        execution_put_event(&lines, &(struct execution_event){
                                        .event = event,
                                        .execution_id = id.span_id,
                                        .trace_id = id.trace_id,
                                        .time_ns = tcore_sys()->wall_ns(),
                                        .name = name,
                                        .attributes_json = execution_text(&attributes),
                                    });
    else
        put_log(&lines, &id, name, execution_text(&attributes));
    lines.failed |= attributes.failed;
    tcore_buf_free(&attributes);
    return execution_append(cli, &to, &lines);
}

static int run_update(struct cli *cli, void *options, int argc, char **argv)
{
    const struct execution_options *o = options;
    int status = execution_check(cli, o, argc, "ID", NULL);
    if (status != CLI_DONE)
        return status;
    if (!o->attributes.count)
        return cli_usage_error(cli, "nothing to update: give --attr=K=V");
    return add(cli, o, argv[0], "updated", NULL);
}

static int run_checkpoint(struct cli *cli, void *options, int argc, char **argv)
{
    int status = execution_check(cli, options, argc, "ID", "NAME");
    return status == CLI_DONE ? add(cli, options, argv[0], "checkpoint", argv[1]) : status;
}

static int run_event(struct cli *cli, void *options, int argc, char **argv)
{
    int status = execution_check(cli, options, argc, "ID", "NAME");
    return status == CLI_DONE ? add(cli, options, argv[0], NULL, argv[1]) : status;
}

#define TABLE                                                                                      \
    .options = table, .option_count = sizeof(table) / sizeof(*table),                              \
    .options_size = sizeof(struct execution_options)

const struct cli_verb update_verb = {
    .name = "update",
    .summary = "Change attributes of a running execution.",
    .operands = "ID",
    TABLE,
    .run = run_update,
};

const struct cli_verb checkpoint_verb = {
    .name = "checkpoint",
    .summary = "Mark a point that an execution has reached.",
    .operands = "ID NAME",
    TABLE,
    .run = run_checkpoint,
};

const struct cli_verb event_verb = {
    .name = "event",
    .summary = "Record an event within an execution.",
    .operands = "ID NAME",
    TABLE,
    .run = run_event,
};
