/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record start: begins an execution from a shell script and prints its traceparent. */
#include <config.h>

#include "base/sys.h"
#include "cli/message.h"
#include "cli/output.h"
#include "record/attributes.h"
#include "record/context.h"
#include "record/destination.h"
#include "record/execution/verb.h"
#include "record/repository/lifetime.h"
#include "record/verbs.h"

struct options {
    const char *to, *durability, *parent, *service, *execution_type, *executor_id, *executor_type;
    const char *context_id, *correlation_id, *causation_id;
    struct cli_strings attributes;
    int64_t pid;
};

static const struct options defaults = {.execution_type = "operation", .executor_type = "system"};

static const struct cli_option table[] = {
    DESTINATION_TO(struct options, to),
    DESTINATION_DURABILITY(struct options, durability),
    {0, "parent", CLI_STRING, offsetof(struct options, parent), "TRACEPARENT",
     "what it is a part of (default: $TRACEPARENT, else a trace of its own)", NULL},
    {0, "attr", CLI_STRINGS, offsetof(struct options, attributes), "K=V",
     "add an attribute; numbers, true and false are taken as such", NULL},
    {0, "service", CLI_STRING, offsetof(struct options, service), "NAME", "name of the service",
     NULL},
    {0, "execution-type", CLI_CHOICE, offsetof(struct options, execution_type), "TYPE",
     "what kind of execution it is", "plan|task|workflow|operation"},
    {0, "executor-id", CLI_STRING, offsetof(struct options, executor_id), "ID",
     "who executes it (default: this host)", NULL},
    {0, "executor-type", CLI_CHOICE, offsetof(struct options, executor_type), "TYPE",
     "what kind of executor that is", "agent|service|system"},
    {0, "context-id", CLI_STRING, offsetof(struct options, context_id), "ID",
     "the context it belongs to", NULL},
    {0, "correlation-id", CLI_STRING, offsetof(struct options, correlation_id), "ID",
     "what it is correlated by", NULL},
    {0, "causation-id", CLI_STRING, offsetof(struct options, causation_id), "ID", "what caused it",
     NULL},
    {0, "pid", CLI_INT, offsetof(struct options, pid), "PID",
     "the process that it ends with at the latest, as --pid=$$", NULL},
};

static void put_start(struct tcore_buf *lines, const struct options *o, const char *name,
                      const struct context *context, struct tcore_buf *environment)
{
    char host[256];
    struct tcore_buf attributes = {0}, resource = {0};
    execution_host_name(host);
    attributes_put(&attributes, &o->attributes);
    tcore_buf_putc(&attributes, '\0');
    execution_put_resource(&resource, o->service);
    tcore_buf_putc(&resource, '\0');
    execution_put_event(lines, &(struct execution_event){
                                   .event = "started",
                                   .execution_id = context->own.span_id,
                                   .trace_id = context->own.trace_id,
                                   .parent_span_id = context->parent_span_id,
                                   .context_id = o->context_id,
                                   .correlation_id = o->correlation_id,
                                   .causation_id = o->causation_id,
                                   .operation_name = name,
                                   .execution_type = o->execution_type,
                                   .executor_id = o->executor_id ? o->executor_id : host,
                                   .executor_type = o->executor_type,
                                   .environment_json = execution_text(environment),
                                   .time_ns = tcore_sys()->wall_ns(),
                                   .attributes_json = execution_text(&attributes),
                                   .service = o->service,
                                   .resource_json = execution_text(&resource),
                               });
    lines->failed |= attributes.failed || resource.failed || environment->failed;
    tcore_buf_free(&attributes);
    tcore_buf_free(&resource);
}

/* False: the ID reached nobody. */
static bool print_id(struct cli *cli, const struct context *context)
{
    char id[57];
    struct cli_output *output = cli_output_open(cli);
    if (!output)
        return false;
    tcore_traceparent_format(&context->own, id);
    id[55] = '\n';
    cli_output_lines(output, id, 56);
    cli_output_close(output, cli->failed);
    return !cli->failed && !cli->reader_gone;
}

/* What nobody has the ID of would run for ever. */
static void cancel(struct cli *cli, const struct destination *to, const struct options *o,
                   const char *name, const struct context *context)
{
    struct tcore_buf lines = {0}, resource = {0};
    execution_put_resource(&resource, o->service);
    tcore_buf_putc(&resource, '\0');
    execution_put_event(&lines, &(struct execution_event){
                                    .event = "cancelled",
                                    .execution_id = context->own.span_id,
                                    .trace_id = context->own.trace_id,
                                    .operation_name = name,
                                    .time_ns = tcore_sys()->wall_ns(),
                                    .error_json = "{\"message\":\"its ID could not be printed\"}",
                                    .service = o->service,
                                    .resource_json = execution_text(&resource),
                                });
    lines.failed |= resource.failed;
    tcore_buf_free(&resource);
    execution_append(cli, to, &lines);
}

static int run_start(struct cli *cli, void *options, int argc, char **argv)
{
    const struct options *o = options;
    const struct execution_options common = {.to = o->to, .attributes = o->attributes};
    struct context context;
    struct tcore_error err;
    struct tcore_buf lines = {0}, environment = {0};
    int status = execution_check(cli, &common, argc, "NAME", NULL);
    if (status != CLI_DONE)
        return status;
    enum tcore_status begun = context_new(&context, o->parent, &err);
    if (begun == TCORE_BAD_INPUT)
        return cli_usage_error(cli, "--parent: %s", err.text);
    if (begun != TCORE_OK) {
        cli_report(cli, &err);
        return cli_exit_status(cli, false);
    }
    if (o->pid && (o->pid > INT32_MAX || !lifetime_put(&environment, (pid_t)o->pid)))
        return cli_usage_error(cli, "--pid: there is no process %lld", (long long)o->pid);
    tcore_buf_putc(&environment, '\0');
    put_start(&lines, o, argv[0], &context, &environment);
    tcore_buf_free(&environment);
    const struct destination to = destination_of(o->to, o->durability);
    status = execution_append(cli, &to, &lines);
    if (status != CLI_DONE)
        return status;
    if (!print_id(cli, &context))
        cancel(cli, &to, o, argv[0], &context);
    return cli_exit_status(cli, false);
}

const struct cli_verb start_verb = {
    .name = "start",
    .summary = "Begin an execution, print its traceparent.",
    .operands = "NAME",
    .description =
        "What is printed is the ID that update, checkpoint, event, finish, fail and cancel take;\n"
        "as TRACEPARENT in the environment it is the parent of what runs within:\n"
        "\n"
        "    id=$(trace-record start nightly)\n"
        "    TRACEPARENT=$id trace-record run -- ./backup\n"
        "    trace-record finish \"$id\"\n",
    .options = table,
    .option_count = sizeof(table) / sizeof(*table),
    .options_size = sizeof(struct options),
    .defaults = &defaults,
    .run = run_start,
};
