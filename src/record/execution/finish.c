/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-record finish, fail, cancel: ends an execution. What was recorded of it is read back, so
 * that the end makes a whole span: name, start, attributes, checkpoints and events.
 */
#include <config.h>

#include "base/sys.h"
#include "cli/message.h"
#include "model/json.h"
#include "record/attributes.h"
#include "record/destination.h"
#include "record/execution/verb.h"
#include "record/verbs.h"

#include <string.h>

static const struct cli_option finish_table[] = {
    EXECUTION_OPTION_TO,
    EXECUTION_OPTION_DURABILITY,
    EXECUTION_OPTION_ATTR,
    {0, "result", CLI_STRING, offsetof(struct execution_options, result), "JSON",
     "what came out of it: JSON, or a text", NULL},
};

static const struct cli_option fail_table[] = {
    EXECUTION_OPTION_TO,
    EXECUTION_OPTION_DURABILITY,
    EXECUTION_OPTION_ATTR,
    {0, "error", CLI_STRING, offsetof(struct execution_options, error), "ERROR",
     "why it failed: a message, or a JSON object", NULL},
};

static const struct cli_option cancel_table[] = {
    EXECUTION_OPTION_TO,
    EXECUTION_OPTION_DURABILITY,
    EXECUTION_OPTION_ATTR,
    {0, "reason", CLI_STRING, offsetof(struct execution_options, reason), "TEXT",
     "why it was cancelled", NULL},
};

struct end {
    struct cli *cli;
    const struct execution_options *o;
    struct destination to;
    const char *event, *status;
    const char *reason; /* --error or --reason */
    struct tcore_traceparent id;
    struct execution execution;
};

/* Adds the attributes of the command line to those of before. */
static enum tcore_status set_attributes(struct end *end, struct tcore_error *err)
{
    struct tcore_buf value = {0};
    enum tcore_status status = TCORE_OK;
    const struct cli_strings *items = &end->o->attributes;
    for (size_t i = 0; i < items->count && status == TCORE_OK; i++) {
        const char *equals = strchr(items->item[i], '=');
        tcore_buf_clear(&value);
        attributes_put_value(&value, equals + 1);
        status = tcore_buf_status(&value, err);
        if (status == TCORE_OK)
            status =
                execution_set(&end->execution, items->item[i], (size_t)(equals - items->item[i]),
                              value.data, value.length, err);
    }
    tcore_buf_free(&value);
    return status;
}

/* An object as it is; a message as {"message":...}. */
static void put_error(struct tcore_buf *out, const char *text)
{
    struct tcore_json json = {0};
    struct tcore_error err;
    if (text && tcore_json_parse(&json, text, strlen(text), &err) == TCORE_OK &&
        tcore_json_is_object(&json.node[0])) {
        tcore_json_write_tree(out, &json, 0);
    } else if (text && *text) {
        tcore_buf_puts(out, "{\"message\":");
        attributes_put_text(out, text, strlen(text));
        tcore_buf_putc(out, '}');
    }
    tcore_buf_putc(out, '\0');
    tcore_json_free(&json);
}

static void put_end_event(struct tcore_buf *lines, const struct end *end, int64_t now_ns)
{
    struct tcore_buf result = {0}, error = {0}, attributes = {0};
    if (end->o->result)
        execution_put_value(&result, end->o->result);
    tcore_buf_putc(&result, '\0');
    put_error(&error, end->reason);
    attributes_put(&attributes, &end->o->attributes);
    tcore_buf_putc(&attributes, '\0');
    execution_put_event(lines, &(struct execution_event){
                                   .event = end->event,
                                   .execution_id = end->id.span_id,
                                   .trace_id = end->execution.trace_id,
                                   .operation_name = end->execution.operation_name,
                                   .time_ns = now_ns,
                                   .result_json = execution_text(&result),
                                   .error_json = execution_text(&error),
                                   .attributes_json = execution_text(&attributes),
                                   .service = end->execution.service,
                                   .resource_json = end->execution.resource_json,
                               });
    lines->failed |= result.failed || error.failed || attributes.failed;
    tcore_buf_free(&result);
    tcore_buf_free(&error);
    tcore_buf_free(&attributes);
}

/* The message of a JSON object, or the text itself. */
static void put_message(struct tcore_buf *out, const char *text)
{
    struct tcore_json json = {0};
    struct tcore_error err;
    const struct tcore_value *message = NULL;
    if (text && tcore_json_parse(&json, text, strlen(text), &err) == TCORE_OK) {
        uint32_t i = tcore_json_find(&json, 0, "message");
        if (i && json.node[i].value.kind == TCORE_STRING)
            message = &json.node[i].value;
    }
    if (message)
        tcore_buf_append(out, message->s, message->len);
    else if (text)
        tcore_buf_puts(out, text);
    tcore_buf_putc(out, '\0');
    tcore_json_free(&json);
}

static void put_end_span(struct tcore_buf *lines, struct end *end, int64_t now_ns)
{
    struct execution *e = &end->execution;
    struct tcore_buf attributes = {0}, message = {0}, events = {0};
    execution_put_attributes(&attributes, e);
    put_message(&message, end->reason);
    execution_put_moments(&events, e);
    execution_put_span(lines, &(struct execution_span){
                                  .trace_id = e->trace_id,
                                  .span_id = end->id.span_id,
                                  .parent_span_id = e->parent_span_id,
                                  .name = e->operation_name,
                                  .start_ns = e->start_ns,
                                  .end_ns = now_ns,
                                  .status = end->status,
                                  .status_message = execution_text(&message),
                                  .service = e->service,
                                  .attributes_json = execution_text(&attributes),
                                  .resource_json = e->resource_json,
                                  .events_json = execution_text(&events),
                                  .flags = end->id.flags,
                              });
    lines->failed |= attributes.failed || message.failed || events.failed;
    tcore_buf_free(&attributes);
    tcore_buf_free(&message);
    tcore_buf_free(&events);
}

static int append_end(struct end *end)
{
    struct tcore_buf lines = {0};
    struct tcore_error err;
    int64_t now_ns = tcore_sys()->wall_ns();
    if (set_attributes(end, &err) != TCORE_OK) {
        cli_report(end->cli, &err);
        return cli_exit_status(end->cli, false);
    }
    put_end_event(&lines, end, now_ns);
    put_end_span(&lines, end, now_ns);
    return execution_append(end->cli, &end->to, &lines);
}

static int end_execution(struct cli *cli, const struct execution_options *o, int argc, char **argv,
                         struct end end)
{
    int status = execution_check(cli, o, argc, "ID", NULL);
    if (status != CLI_DONE)
        return status;
    if (!execution_id(cli, argv[0], &end.id))
        return CLI_USAGE;
    end.cli = cli;
    end.o = o;
    end.to = destination_of(o->to, o->durability);
    if (execution_load(cli, end.to.path, end.id.span_id, &end.execution))
        status = append_end(&end);
    else
        status = cli_exit_status(cli, false);
    execution_free(&end.execution);
    return status;
}

static int run_finish(struct cli *cli, void *options, int argc, char **argv)
{
    return end_execution(cli, options, argc, argv,
                         (struct end){.event = "completed", .status = "ok"});
}

static int run_fail(struct cli *cli, void *options, int argc, char **argv)
{
    const struct execution_options *o = options;
    return end_execution(cli, o, argc, argv,
                         (struct end){.event = "failed", .status = "error", .reason = o->error});
}

static int run_cancel(struct cli *cli, void *options, int argc, char **argv)
{
    const struct execution_options *o = options;
    return end_execution(
        cli, o, argc, argv,
        (struct end){.event = "cancelled", .status = "unset", .reason = o->reason});
}

#define TABLE(table)                                                                               \
    .options = table, .option_count = sizeof(table) / sizeof(*(table)),                            \
    .options_size = sizeof(struct execution_options)

const struct cli_verb finish_verb = {
    .name = "finish",
    .summary = "End an execution that went well.",
    .operands = "ID",
    TABLE(finish_table),
    .run = run_finish,
};

const struct cli_verb fail_verb = {
    .name = "fail",
    .summary = "End an execution that failed.",
    .operands = "ID",
    TABLE(fail_table),
    .run = run_fail,
};

const struct cli_verb cancel_verb = {
    .name = "cancel",
    .summary = "End an execution that was given up.",
    .operands = "ID",
    TABLE(cancel_table),
    .run = run_cancel,
};
