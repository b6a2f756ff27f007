/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-record host: metrics of this machine, again and again. */
#include <config.h>

#include "base/sys.h"
#include "cli/message.h"
#include "cli/signals.h"
#include "record/destination.h"
#include "record/metric/host_metrics.h"
#include "record/repository/protection.h"
#include "record/verbs.h"
#include "store/repository.h"

#include <string.h>

#define SHORTEST_NS 100000000
#define DEFAULT_NS  1000000000

struct options {
    const char *to, *durability, *root;
    int64_t interval_ns, count;
    bool per_cpu;
};

static const struct options defaults = {.root = "/"};

static const struct cli_option table[] = {
    DESTINATION_TO(struct options, to),
    DESTINATION_DURABILITY(struct options, durability),
    {0, "interval", CLI_DURATION, offsetof(struct options, interval_ns), "DUR",
     "measure so often, at least 100ms (default: what the policy of the repository says, else 1s)",
     NULL},
    {0, "count", CLI_INT, offsetof(struct options, count), "N",
     "end after so many times (default: go on until INT or TERM)", NULL},
    {0, "per-cpu", CLI_FLAG, offsetof(struct options, per_cpu), NULL,
     "tell the time of each processor besides", NULL},
    {0, "root", CLI_STRING, offsetof(struct options, root), "DIR",
     "read DIR/proc and DIR/sys, as from within a container", NULL},
};

struct collector {
    struct cli *cli;
    struct destination to;
    int64_t interval_ns, count, done; /* readings: wanted, 0: no end; and made */
    struct host_metrics host;
};

static void show_progress(const struct collector *c)
{
    if (cli_take_progress_request())
        cli_note(c->cli, "%lld reading%s", (long long)c->done, c->done == 1 ? "" : "s");
}

static bool measure(struct collector *c)
{
    struct tcore_buf lines = {0};
    struct tcore_error err;
    enum tcore_status status = host_metrics_take(&c->host, &lines, &err);
    if (status == TCORE_OK)
        status = destination_append(c->cli, &c->to, &lines, &err);
    if (status != TCORE_OK)
        cli_report(c->cli, &err);
    tcore_buf_free(&lines);
    c->done++;
    show_progress(c);
    return status == TCORE_OK;
}

/* Times are counted from the first, so that being late once makes the next no later; those that are
 * over already are left out. */
static void collect(struct collector *c)
{
    int64_t next_ns = tcore_sys()->monotonic_ns();
    while (measure(c) && (!c->count || c->done < c->count)) {
        int64_t now = tcore_sys()->monotonic_ns();
        if (__builtin_add_overflow(next_ns, c->interval_ns, &next_ns))
            next_ns = INT64_MAX;
        if (next_ns < now)
            next_ns += (now - next_ns) / c->interval_ns * c->interval_ns + c->interval_ns;
        if (!cli_wait_until(next_ns))
            return;
    }
}

/* What the policy of a repository says. CLI_DONE, or the exit status after a report. */
static int ask_policy(struct collector *c)
{
    struct protection protection;
    int status = CLI_DONE;
    if (!c->interval_ns && tcore_is_directory(c->to.path)) {
        status = protection_open(&protection, c->cli, c->to.path);
        if (status == CLI_DONE)
            c->interval_ns = protection.policy.host_interval_ns;
        protection_close(&protection);
    }
    if (!c->interval_ns)
        c->interval_ns = DEFAULT_NS;
    return status;
}

static int run(struct cli *cli, void *options, int argc, char **argv)
{
    const struct options *o = options;
    struct tcore_error err;
    struct collector c = {.cli = cli,
                          .to = destination_of(o->to, o->durability),
                          .interval_ns = o->interval_ns,
                          .count = o->count};
    if (argc)
        return cli_usage_error(cli, "'%.100s': host takes no operands", argv[0]);
    if (strcmp(c.to.path, "-") == 0)
        return cli_usage_error(cli, "--to=-: records are appended to a file");
    if (o->interval_ns && o->interval_ns < SHORTEST_NS)
        return cli_usage_error(cli, "--interval: at least 100ms");
    int status = ask_policy(&c);
    if (status != CLI_DONE)
        return status;
    if (c.interval_ns < SHORTEST_NS)
        c.interval_ns = SHORTEST_NS;
    if (host_metrics_open(&c.host, o->root, o->per_cpu, &err) == TCORE_OK) {
        cli_catch_signals(CLI_CATCH_STOP | CLI_CATCH_PROGRESS);
        collect(&c);
    } else {
        cli_report(cli, &err);
    }
    host_metrics_close(&c.host);
    return cli_exit_status(cli, false);
}

const struct cli_verb host_verb = {
    .name = "host",
    .summary = "Record metrics of this machine, again and again.",
    .operands = "",
    .description =
        "Processors, memory, paging, disks, file systems, network, load and pressure, by the\n"
        "names of OpenTelemetry's conventions for system metrics. Counters are cumulative since\n"
        "the machine was booted; shares of time are there from the second time on.\n"
        "\n"
        "Examples:\n"
        "  trace-record host --interval=10s --to=repo &\n"
        "  trace-record host --count=1\n",
    .options = table,
    .option_count = sizeof(table) / sizeof(*table),
    .options_size = sizeof(struct options),
    .defaults = &defaults,
    .run = run,
};
