/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record follow: the events of an execution as they come, until it ends. */
#include <config.h>

#include "base/sys.h"
#include "cli/ids.h"
#include "cli/keys.h"
#include "cli/message.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "record/destination.h"
#include "record/execution/verb.h"
#include "record/repository/lifetime.h"
#include "record/execution/tail.h"
#include "cli/table.h"
#include "record/verbs.h"

#include <poll.h>
#include <unistd.h>

enum { PAUSE_MS = 100 };
#define LIFETIME_NS 1000000000 /* so often its process is looked for */

struct options {
    bool metrics;
};

struct follow {
    struct cli *cli;
    const struct options *o;
    const char *id;
    struct execution execution; /* as it was in the beginning */
    struct cli_output *output;
    struct tcore_json json;
    struct tcore_buf lines;
    uint64_t records;
    bool ended;
};

/* --- Records */

static bool is_metric_of(const struct follow *f)
{
    uint32_t context = tcore_json_find(&f->json, 0, "context");
    uint32_t span = context ? tcore_json_find(&f->json, context, "spanId") : 0;
    return f->o->metrics && span && tcore_value_is_text(&f->json.node[span].value, f->id);
}

static enum tcore_status take_line(void *context, const char *line, size_t length,
                                   struct tcore_error *err)
{
    struct follow *f = context;
    enum tcore_status status = execution_parse(&f->json, line, length, err);
    if (status != TCORE_OK)
        return status == TCORE_SKIP ? TCORE_OK : status;
    const struct tcore_value *event = execution_member(&f->json, "event");
    bool is_event = event->kind == TCORE_STRING &&
                    tcore_value_is_text(execution_member(&f->json, "executionId"), f->id);
    bool is_log = tcore_value_is_text(execution_member(&f->json, "type"), "log") &&
                  tcore_value_is_text(execution_member(&f->json, "spanId"), f->id);
    if (!is_event && !is_log && !is_metric_of(f))
        return TCORE_OK;
    f->ended |= is_event && execution_end_of(event);
    f->records++;
    tcore_buf_append(&f->lines, line, length);
    tcore_buf_putc(&f->lines, '\n');
    return tcore_buf_status(&f->lines, err);
}

/* False: nobody wants more. */
static bool print(struct follow *f)
{
    bool wanted =
        !f->lines.length || (cli_output_lines(f->output, f->lines.data, f->lines.length) &&
                             cli_output_flush(f->output));
    tcore_buf_clear(&f->lines);
    return wanted;
}

/* --- Waiting */

/* False: a signal came, or whoever reads the output went away. */
static bool pause_a_moment(const struct follow *f)
{
    struct pollfd fds[] = {{.fd = cli_stop_fd() ? cli_stop_fd() : -1, .events = POLLIN},
                           {.fd = f->cli->io.output ? -1 : STDOUT_FILENO, .events = 0}};
    (void)tcore_sys()->poll(fds, 2, PAUSE_MS);
    if (cli_take_progress_request())
        cli_note(f->cli, "%llu record%s", (unsigned long long)f->records,
                 f->records == 1 ? "" : "s");
    return !cli_stop_requested() && !(fds[1].revents & POLLERR);
}

static bool is_lost(struct follow *f, int64_t *next_ns)
{
    pid_t unused;
    int64_t now = tcore_sys()->monotonic_ns();
    if (now < *next_ns)
        return false;
    *next_ns = now + LIFETIME_NS;
    return lifetime_look(f->execution.environment_json, f->execution.resource_json, &unused) ==
           LIFETIME_OVER;
}

static enum tcore_status watch(struct follow *f, struct tail *tail, struct tcore_error *err)
{
    int64_t next_ns = 0;
    bool lost = false;
    for (;;) {
        enum tcore_status status = tail_look(tail, err);
        if (tail->damaged && !f->cli->failed)
            cli_report(f->cli, &tail->damage);
        if (!print(f) || status != TCORE_OK || f->ended)
            return status;
        if (lost) { /* and it has written nothing since */
            cli_note(f->cli,
                     "%s: the process of execution %s is over, and its end was not recorded",
                     tail->path, f->id);
            return TCORE_OK;
        }
        lost = is_lost(f, &next_ns);
        if (!lost && !pause_a_moment(f))
            return TCORE_OK;
    }
}

static void follow(struct follow *f, const char *path)
{
    struct tcore_wanted wanted = {.types = 1u << TCORE_RECORD_EXECUTION | 1u << TCORE_RECORD_LOG,
                                  .has_since = true,
                                  .since_ns = f->execution.start_ns,
                                  .keys = f->cli->keys};
    struct tail tail;
    struct tcore_error err = {0};
    if (f->o->metrics)
        wanted.types |= 1u << TCORE_RECORD_METRIC;
    enum tcore_status status = tail_open(&tail, path, f->id, &wanted, take_line, f, &err);
    if (status == TCORE_OK)
        status = watch(f, &tail, &err);
    if (status != TCORE_OK)
        cli_report(f->cli, &err);
    tail_close(&tail);
}

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    static const char *columns[] = {"timeUnixNano", "event", "name", "body", "metricName", "value"};
    struct follow f = {.cli = cli, .o = options};
    struct tcore_traceparent id;
    struct tcore_error err;
    const char *path = argc > 1 ? argv[1] : destination_of(NULL, NULL).path;
    if (!argc || argc > 2)
        return cli_usage_error(cli, argc ? "one INPUT at a time" : "ID is missing");
    if (!execution_id(cli, argv[0], &id) || cli_open_keys(cli) != CLI_DONE)
        return cli->usage_error ? CLI_USAGE : CLI_FAILED;
    cli_table_on_terminal(cli, columns, f.o->metrics ? 6 : 4);
    f.id = id.span_id;
    enum tcore_status found = execution_find(&f.execution, path, f.id, &err);
    if (found != TCORE_OK)
        cli_report(cli, &err); /* and what is not damaged can be followed */
    if (found == TCORE_OK && !f.execution.started)
        cli_error(cli, "%s: no execution %s was started there", path, f.id);
    else if (found != TCORE_FATAL && f.execution.started && (f.output = cli_output_open(cli))) {
        cli_catch_signals(CLI_CATCH_STOP | CLI_CATCH_PROGRESS);
        follow(&f, path);
        cli_output_close(f.output, cli->failed);
    }
    execution_free(&f.execution);
    tcore_json_free(&f.json);
    tcore_buf_free(&f.lines);
    return cli->usage_error ? CLI_USAGE : cli_exit_status(cli, false);
}

static const struct cli_option options[] = {
    {0, "metrics", CLI_FLAG, offsetof(struct options, metrics), NULL, "print its metrics too",
     NULL},
};

const struct cli_verb follow_verb = {
    .name = "follow",
    .summary = "Print the events of an execution as they come, until it ends.",
    .operands = "ID [INPUT]",
    .description =
        "ID is what start printed, or its 16 digits. What was recorded already comes first. INPUT\n"
        "is a file, which may be rotated meanwhile, or a repository; without it $TRACE_TO is\n"
        "read, else trace.ndjson. An execution whose process is over without a word is the end,\n"
        "too, with a note.\n"
        "\n"
        "Example:\n"
        "  trace-record follow \"$id\" --format=table --fields=timeUnixNano,event,name\n",
    .groups = CLI_WRITES | CLI_KEYS,
    .options = options,
    .option_count = sizeof(options) / sizeof(*options),
    .options_size = sizeof(struct options),
    .run = run,
};
