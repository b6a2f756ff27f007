/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-record run: a command as a span. The command's input, output and exit status are its own;
 * what is recorded goes to --to, and a recording that fails is a warning.
 */
#include <config.h>

#include "base/sys.h"
#include "cli/message.h"
#include "model/number.h"
#include "record/attributes.h"
#include "record/export/delivery.h"
#include "record/destination.h"
#include "record/execution/execution.h"
#include "record/repository/lifetime.h"
#include "record/execution/run_cgroup.h"
#include "record/execution/run_child.h"
#include "record/execution/run_sender.h"
#include "record/execution/run_within.h"
#include "record/metric/sample.h"
#include "record/execution/tail.h"
#include "record/verbs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEND_NS INT64_C(5000000000) /* that sending may take when the command has ended */

enum { CANNOT_RUN = 126, NOT_FOUND = 127, BY_SIGNAL = 128 };

struct options {
    const char *to, *durability, *name, *service;
    struct cli_strings attributes;
    bool command_args;
    int64_t timeout_ns, kill_after_ns, interval_ns;
};

static const struct options defaults = {.kill_after_ns = 5000000000, .interval_ns = 1000000000};

static const struct cli_option table[] = {
    DESTINATION_TO(struct options, to),
    DESTINATION_DURABILITY(struct options, durability),
    {0, "name", CLI_STRING, offsetof(struct options, name), "NAME",
     "name of the span (default: the command's)", NULL},
    {0, "attr", CLI_STRINGS, offsetof(struct options, attributes), "K=V",
     "add an attribute; numbers, true and false are taken as such", NULL},
    {0, "service", CLI_STRING, offsetof(struct options, service), "NAME",
     "name of the service (default: the command's)", NULL},
    {0, "command-args", CLI_FLAG, offsetof(struct options, command_args), NULL,
     "record the command's arguments too, which may hold secrets", NULL},
    {0, "timeout", CLI_DURATION, offsetof(struct options, timeout_ns), "DUR",
     "end the command and its children after DUR, with SIGTERM", NULL},
    {0, "kill-after", CLI_DURATION, offsetof(struct options, kill_after_ns), "DUR",
     "and with SIGKILL after DUR more (default 5s)", NULL},
    {0, "interval", CLI_DURATION, offsetof(struct options, interval_ns), "DUR",
     "sample CPU, memory, IO and network of its processes so often (default 1s; 0: never)", NULL},
};

struct run {
    struct cli *cli;
    const struct options *o;
    char **argv;
    struct destination to;
    struct run_sender *sender; /* to a URL */
    const char *name, *service;
    struct context context;
    bool recorded; /* there are ids to record under */
    bool warned;
    int64_t start_ns, start_monotonic_ns;
    off_t start_offset; /* of the records of this run, in a file */
    bool timed_out;
    struct child child;
    struct run_cgroup cgroup;
    struct sampler *sampler;
    struct sample last;
    bool sampled;
    struct tcore_buf attributes, resource, shared, environment; /* JSON, NUL-terminated */
};

static void warn(struct run *run, const struct tcore_error *err)
{
    if (!run->warned)
        cli_note(run->cli, "%s%s%s%s%s: the command is not recorded", err->input ? err->input : "",
                 err->input ? ": " : "", err->text, err->errnum ? ": " : "",
                 err->errnum ? strerror(err->errnum) : "");
    run->warned = true;
}

static void record(struct run *run, struct tcore_buf *lines)
{
    struct tcore_error err;
    if (run->recorded && run->sender)
        run_sender_put(run->sender, lines);
    else if (run->recorded && destination_append(run->cli, &run->to, lines, &err) != TCORE_OK)
        warn(run, &err);
    tcore_buf_free(lines);
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static void put_member(struct tcore_buf *out, const char *name, const char *text)
{
    tcore_buf_printf(out, "%s\"%s\":", out->length ? "," : "", name);
    attributes_put_text(out, text, strlen(text));
}

static void put_number(struct tcore_buf *out, const char *name, long long value)
{
    tcore_buf_printf(out, "%s\"%s\":%lld", out->length ? "," : "", name, value);
}

/* What is known before the command runs. */
static void describe(struct run *run)
{
    char directory[PATH_MAX];
    put_member(&run->attributes, "process.executable.name", last_part(run->argv[0]));
    put_member(&run->attributes, "process.command", run->argv[0]);
    if (run->o->command_args) {
        tcore_buf_puts(&run->attributes, ",\"process.command_args\":");
        for (char **arg = run->argv; *arg; arg++) {
            tcore_buf_putc(&run->attributes, arg == run->argv ? '[' : ',');
            attributes_put_text(&run->attributes, *arg, strlen(*arg));
        }
        tcore_buf_putc(&run->attributes, ']');
    }
    if (run->o->attributes.count) {
        tcore_buf_putc(&run->attributes, ',');
        attributes_put(&run->attributes, &run->o->attributes);
    }
    if (getcwd(directory, sizeof(directory)))
        put_member(&run->environment, "process.working_directory", directory);
    put_number(&run->environment, "process.parent_pid", getpid());
    (void)lifetime_put(&run->environment, getpid());
    tcore_buf_putc(&run->environment, '\0');
    execution_put_resource(&run->resource, run->service);
    tcore_buf_putc(&run->resource, '\0');
    execution_put_text(&run->shared, "service", run->service);
    execution_put_map(&run->shared, "resource", execution_text(&run->resource));
    tcore_buf_putc(&run->shared, '\0');
}

static struct execution_event event_of(const struct run *run, const char *event, int64_t time_ns)
{
    return (struct execution_event){.event = event,
                                    .execution_id = run->context.own.span_id,
                                    .trace_id = run->context.own.trace_id,
                                    .operation_name = run->name,
                                    .time_ns = time_ns,
                                    .service = run->service,
                                    .resource_json = execution_text(&run->resource)};
}

/* OTLP has no events of executions, and the span says what they would. */
static bool takes_events(const struct run *run)
{
    return !delivery_is_url(run->to.path);
}

static void record_start(struct run *run)
{
    char host[256];
    struct tcore_buf lines = {0}, attributes = {0};
    struct execution_event event = event_of(run, "started", run->start_ns);
    execution_host_name(host);
    tcore_buf_append(&attributes, run->attributes.data, run->attributes.length);
    tcore_buf_putc(&attributes, '\0');
    event.parent_span_id = run->context.parent_span_id;
    event.execution_type = "task";
    event.executor_id = host;
    event.executor_type = "system";
    event.environment_json = execution_text(&run->environment);
    event.attributes_json = execution_text(&attributes);
    execution_put_event(&lines, &event);
    lines.failed |= attributes.failed;
    tcore_buf_free(&attributes);
    if (takes_events(run))
        record(run, &lines);
    tcore_buf_free(&lines);
}

/* --- while it runs --- */

static void take_sample(struct run *run)
{
    struct sample sample;
    struct tcore_buf lines = {0};
    char context[128];
    if (!run->sampler || !sampler_take(run->sampler, &sample))
        return;
    snprintf(context, sizeof(context), ",\"context\":{\"traceId\":\"%s\",\"spanId\":\"%s\"}",
             run->context.own.trace_id, run->context.own.span_id);
    const struct metric_moment moment = {sample.time_ns, run->start_ns, context,
                                         execution_text(&run->shared)};
    sample_put(&lines, &sample, run->sampled ? &run->last : NULL, &moment);
    run->last = sample;
    run->sampled = true;
    record(run, &lines);
}

static void end_child(struct run *run, int signal_number)
{
    kill(run->child.pid, signal_number);
    if (run->sampler) /* its children */
        sampler_kill(run->sampler, signal_number);
}

static int64_t later(int64_t from_ns, int64_t by_ns)
{
    int64_t sum;
    return by_ns && !__builtin_add_overflow(from_ns, by_ns, &sum) ? sum : INT64_MAX;
}

/* SIGTERM first, then SIGKILL. Until when to wait for the next. */
static int64_t end_late_child(struct run *run, int64_t now_ns)
{
    if (run->timed_out) {
        cli_note(run->cli, "the command goes on after SIGTERM (--kill-after): SIGKILL");
        end_child(run, SIGKILL);
        return INT64_MAX;
    }
    cli_note(run->cli, "the command takes longer than --timeout: SIGTERM");
    end_child(run, SIGTERM);
    run->timed_out = true;
    return later(now_ns, run->o->kill_after_ns);
}

static void watch(struct run *run)
{
    int64_t next_sample = later(run->start_monotonic_ns, run->o->interval_ns);
    int64_t deadline = later(run->start_monotonic_ns, run->o->timeout_ns);
    while (!child_wait(&run->child, next_sample < deadline ? next_sample : deadline)) {
        int64_t now = tcore_sys()->monotonic_ns();
        if (now >= deadline)
            deadline = end_late_child(run, now);
        if (now >= next_sample) {
            take_sample(run);
            while (next_sample <= now)
                next_sample = later(next_sample, run->o->interval_ns);
        }
    }
}

/* --- the end --- */

static void put_seconds(struct tcore_buf *out, const char *name, struct timeval time)
{
    char text[TCORE_NUMBER_BYTES];
    double seconds = (double)time.tv_sec + (double)time.tv_usec / 1e6;
    tcore_buf_printf(out, ",\"%s\":", name);
    tcore_buf_append(out, text, tcore_format_double(text, seconds));
}

/* rusage covers the command and every descendant that was waited for. */
static void put_usage(struct run *run)
{
    const struct rusage *usage = &run->child.usage;
    struct tcore_buf *out = &run->attributes;
    put_seconds(out, "process.cpu.user_seconds", usage->ru_utime);
    put_seconds(out, "process.cpu.system_seconds", usage->ru_stime);
    put_number(out, "process.memory.max_rss_bytes", (long long)usage->ru_maxrss * 1024);
    put_number(out, "process.paging.major_faults", usage->ru_majflt);
    put_number(out, "process.paging.minor_faults", usage->ru_minflt);
    put_number(out, "process.disk.read_blocks", usage->ru_inblock);
    put_number(out, "process.disk.written_blocks", usage->ru_oublock);
    put_number(out, "process.context_switches.voluntary", usage->ru_nvcsw);
    put_number(out, "process.context_switches.involuntary", usage->ru_nivcsw);
}

/* How it ended: the exit status of ours, attributes, and the message of a failure ("": none). */
static int outcome(struct run *run, char *message, size_t size)
{
    int status = run->child.wait_status;
    const char *why = run->timed_out ? "timed out: " : "";
    *message = '\0';
    if (run->child.exec_errnum) {
        snprintf(message, size, "cannot be executed: %s", strerror(run->child.exec_errnum));
        return run->child.exec_errnum == ENOENT ? NOT_FOUND : CANNOT_RUN;
    }
    put_number(&run->attributes, "process.pid", run->child.pid);
    if (run->child.wait_errnum) {
        snprintf(message, size, "its end is not known: %s", strerror(run->child.wait_errnum));
        cli_error(run->cli, "cannot wait for the command: %s", strerror(run->child.wait_errnum));
        return CANNOT_RUN;
    }
    put_usage(run);
    if (WIFSIGNALED(status)) {
        int number = WTERMSIG(status);
        const char *name = sigabbrev_np(number);
        snprintf(message, size, "%skilled by SIG%s", why, name ? name : "?");
        put_number(&run->attributes, "process.exit.signal", number);
        return BY_SIGNAL + number;
    }
    put_number(&run->attributes, "process.exit.code", WEXITSTATUS(status));
    if (WEXITSTATUS(status) || run->timed_out)
        snprintf(message, size, "%sexit status %d", why, WEXITSTATUS(status));
    return WEXITSTATUS(status);
}

static int record_end(struct run *run)
{
    char message[256], result[64];
    struct tcore_buf lines = {0}, error = {0}, events = {0};
    int64_t end_ns = run->start_ns + tcore_sys()->monotonic_ns() - run->start_monotonic_ns;
    int status = outcome(run, message, sizeof(message));
    run_within(&(struct run_place){run->to.path, run->context.own.span_id, run->start_ns,
                                   run->start_offset},
               &run->attributes, &events);
    snprintf(result, sizeof(result), "{\"exitCode\":%d}", status);
    tcore_buf_puts(&error, "{\"message\":");
    attributes_put_text(&error, message, strlen(message));
    tcore_buf_printf(&error, ",\"exitCode\":%d}", status);
    tcore_buf_putc(&error, '\0');
    const char *kind = run->timed_out ? "timeout" : *message ? "failed" : "completed";
    struct execution_event event = event_of(run, kind, end_ns);
    event.result_json = *message ? NULL : result;
    event.error_json = *message ? execution_text(&error) : NULL;
    if (takes_events(run))
        execution_put_event(&lines, &event);
    struct execution_span span = {.trace_id = run->context.own.trace_id,
                                  .span_id = run->context.own.span_id,
                                  .parent_span_id = run->context.parent_span_id,
                                  .name = run->name,
                                  .start_ns = run->start_ns,
                                  .end_ns = end_ns,
                                  .status = *message ? "error" : "ok",
                                  .status_message = message,
                                  .service = run->service,
                                  .attributes_json = execution_text(&run->attributes),
                                  .resource_json = execution_text(&run->resource),
                                  .events_json = execution_text(&events),
                                  .trace_state = run->context.tracestate,
                                  .flags = run->context.own.flags};
    execution_put_span(&lines, &span);
    lines.failed |= error.failed || run->attributes.failed;
    tcore_buf_free(&error);
    tcore_buf_free(&events);
    record(run, &lines);
    return status;
}

/* Waits until all is sent, unless somebody wants us to end, or it takes too long: what is left goes
 * with us then. */
static void finish_sending(struct run *run)
{
    struct tcore_error err;
    int64_t until = later(tcore_sys()->monotonic_ns(), SEND_NS);
    if (!run->sender)
        return;
    if (!child_wait_for(&run->child, run_sender_end(run->sender), until)) {
        tcore_error_set(&err, TCORE_FATAL, "not all records were sent in time");
        err.input = run->to.path;
        warn(run, &err);
    } else if (run_sender_free(run->sender, &err) != TCORE_OK) {
        warn(run, &err);
    }
}

/* The destination as the child may name it from another folder; NULL: not known. */
static char *absolute(const char *path)
{
    char directory[PATH_MAX];
    struct tcore_buf out = {0};
    if (*path != '/' && !strstr(path, "://")) {
        if (!getcwd(directory, sizeof(directory)))
            return NULL;
        tcore_buf_printf(&out, "%s/", directory);
    }
    tcore_buf_puts(&out, path);
    tcore_buf_putc(&out, '\0');
    return out.data;
}

static int run_command(struct run *run)
{
    char traceparent[56];
    struct tcore_error err;
    char *destination = absolute(run->to.path);
    struct child_context context = {run->recorded ? traceparent : getenv("TRACEPARENT"),
                                    run->recorded ? run->context.tracestate : getenv("TRACESTATE"),
                                    destination};
    tcore_traceparent_format(&run->context.own, traceparent);
    run->start_offset = tail_end_of(run->to.path);
    record_start(run);
    if (run->o->interval_ns && run->recorded)
        (void)run_cgroup_open(&run->cgroup);
    enum tcore_status status =
        child_start(&run->child, run->cli, run->argv, &context, &run->cgroup, &err);
    tcore_free(destination);
    if (status != TCORE_OK) {
        cli_report(run->cli, &err);
        run->child.exec_errnum = err.errnum ? err.errnum : ENOMEM;
        record_end(run); /* what has begun ends */
        return CANNOT_RUN;
    }
    if (run->recorded && !takes_events(run))
        run->sender = run_sender_new(run->cli, run->to.path);
    if (run->child.exec_errnum) {
        cli_error(run->cli, "%s: %s", run->argv[0], strerror(run->child.exec_errnum));
    } else {
        if (run->o->interval_ns || run->o->timeout_ns)
            run->sampler = sampler_new(run->child.pid, run->cgroup.folder);
        watch(run);
    }
    int result = record_end(run);
    finish_sending(run);
    sampler_free(run->sampler);
    child_close(&run->child);
    return result;
}

static int run_run(struct cli *cli, void *options, int argc, char **argv)
{
    struct options *o = options;
    struct tcore_error err;
    const char *bad = attributes_bad(&o->attributes);
    if (bad)
        return cli_usage_error(cli, "--attr: '%s' is not K=V", bad);
    if (argc == 0)
        return cli_usage_error(cli, "no command to run");
    if (strcmp(destination_of(o->to, NULL).path, "-") == 0)
        return cli_usage_error(cli, "--to=-: standard output is the command's own");
    struct run run = {.cli = cli,
                      .o = o,
                      .argv = argv,
                      .to = destination_of(o->to, o->durability),
                      .cgroup = {.ours = -1, .folder = -1}};
    run.name = o->name ? o->name : last_part(argv[0]);
    run.service = o->service ? o->service : last_part(argv[0]);
    run.recorded = context_new(&run.context, NULL, &err) == TCORE_OK;
    if (!run.recorded)
        warn(&run, &err);
    run.start_ns = tcore_sys()->wall_ns();
    run.start_monotonic_ns = tcore_sys()->monotonic_ns();
    describe(&run);
    int status = run_command(&run);
    run_cgroup_close(&run.cgroup);
    tcore_buf_free(&run.attributes);
    tcore_buf_free(&run.resource);
    tcore_buf_free(&run.shared);
    tcore_buf_free(&run.environment);
    return status;
}

static const struct cli_exit_meaning exits[] = {{"0", ""},
                                                {"N", "as the command ended"},
                                                {"4", ""},
                                                {"126", "the command cannot be executed"},
                                                {"127", "there is no such command"},
                                                {"128+N", "signal N ended it"},
                                                {0}};

const struct cli_verb run_verb = {
    .name = "run",
    .summary = "Run a command as a span.",
    .operands = "-- CMD [ARG]...",
    .description =
        "The command finds its context in TRACEPARENT and TRACESTATE and the destination in\n"
        "TRACE_TO, so that what it runs under trace-record becomes part of the trace. The exit\n"
        "status is the command's, after --timeout too; 126 or 127 if it cannot be executed or\n"
        "found, 128 and the number of the signal that ended it.\n",
    .groups = CLI_COMMAND,
    .exits = exits,
    .options = table,
    .option_count = sizeof(table) / sizeof(*table),
    .options_size = sizeof(struct options),
    .defaults = &defaults,
    .run = run_run,
};
