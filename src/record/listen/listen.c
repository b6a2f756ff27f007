/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace-record listen: records of other programs over the network. The main thread stores what the
 * others have collected and decoded: while one sync is under way requests gather for the next, so
 * that many share it. It also sees to signals, clients that are too slow, and segments that are
 * old.
 */
#include <config.h>

#include "record/listen/open.h"
#include "record/verbs.h"

#include "base/sys.h"
#include "cli/message.h"
#include "cli/signals.h"
#include "record/repository/collect.h"
#include "record/destination.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <unistd.h>

#define TICK_MS      1000
#define COMMIT_BYTES ((size_t)16 << 20) /* of records that are stored at once */

static const struct listen_options defaults = {
    .body_bytes = (int64_t)16 << 20,
    .connections = -1, /* not given */
    .timeout_ns = -1,
    .sample = 1,
};

static const struct cli_option table[] = {
    DESTINATION_TO(struct listen_options, to),
    {0, "http", CLI_STRING, offsetof(struct listen_options, http), "ADDRESS",
     "take OTLP over HTTP there: HOST:PORT, or PORT of this machine alone; 0 is any port (default, "
     "without --statsd: 127.0.0.1:4318)",
     NULL},
    {0, "statsd", CLI_OPTIONAL, offsetof(struct listen_options, statsd), "ADDRESS",
     "take StatsD and DogStatsD over UDP there (default address: 127.0.0.1:8125)", NULL},
    {0, "dogstatsd", CLI_FLAG, offsetof(struct listen_options, dogstatsd), NULL,
     "signed gauges of StatsD are absolute", NULL},
    {0, "tls-cert", CLI_STRING, offsetof(struct listen_options, certificate), "FILE",
     "certificate for TLS (1.2 or later), and what signed it, as PEM", NULL},
    {0, "tls-key", CLI_STRING, offsetof(struct listen_options, key), "FILE", "its key, as PEM",
     NULL},
    {0, "tls-client-ca", CLI_STRING, offsetof(struct listen_options, client_authorities), "FILE",
     "take only clients with a certificate that one of these has signed", NULL},
    {0, "token-file", CLI_STRING, offsetof(struct listen_options, token_file), "FILE",
     "take only requests with one of these bearer tokens, one a line", NULL},
    {0, "insecure", CLI_FLAG, offsetof(struct listen_options, insecure), NULL,
     "allow an address that other machines reach without TLS, or without authentication", NULL},
    {0, "max-body", CLI_SIZE, offsetof(struct listen_options, body_bytes), "SIZE",
     "refuse longer bodies, unpacked ones too, and packets (default 16M)", NULL},
    {0, "max-connections", CLI_INT, offsetof(struct listen_options, connections), "N",
     "so many connections at a time (default 1024)", NULL},
    {0, "timeout", CLI_DURATION, offsetof(struct listen_options, timeout_ns), "DUR",
     "end connections of clients that keep us waiting for so long (default 30s)", NULL},
    {0, "sample", CLI_PERCENT, offsetof(struct listen_options, sample), "RATE",
     "keep this share: of spans by their traces, of metrics by chance, which quality.sampleRate "
     "says then",
     NULL},
    {0, "redact", CLI_STRING, offsetof(struct listen_options, redact), "POLICY",
     "redact the records as the policy in this file says, before they are stored", NULL},
    {'j', "threads", CLI_INT, offsetof(struct listen_options, threads), "N",
     "decoders, each a process (default: all cores, at most 8)", NULL},
    {0, "require-sandbox", CLI_FLAG, offsetof(struct listen_options, require_sandbox), NULL,
     "do not run where the system lacks Landlock or seccomp", NULL},
    {0, "progress", CLI_FLAG, offsetof(struct listen_options, progress), NULL,
     "show progress on standard error", NULL},
};

/* What was told already. */
struct told {
    uint64_t requests, packets, failures;
};

/* Stores what has gathered, and has it answered. */
static void store(struct listen *l)
{
    struct listen_queue *queue = &l->workers.records;
    struct listen_request *list, *next;
    while ((list = listen_queue_take(queue, COMMIT_BYTES))) {
        size_t bytes = 0;
        listen_store_keep(&l->store, list);
        for (struct listen_request *r = list; r; r = next) {
            next = r->next;
            bytes += r->records.length;
            tcore_buf_free(&r->records);
            r->server->answer(r);
        }
        listen_queue_release(queue, bytes);
    }
}

static void show_http(struct listen *l, struct told *told, bool asked)
{
    struct listen_http_counts counts = listen_http_counts(l->http);
    if (!asked && counts.requests == told->requests)
        return;
    told->requests = counts.requests;
    cli_note(l->cli,
             "%" PRIu64 " requests, %" PRIu64 " accepted, %" PRIu64 " refused (%" PRIu64
             " for want of room), %" PRIu64 " open; %" PRIu64 " records kept",
             counts.requests, counts.accepted, counts.refused, counts.busy, counts.open,
             l->store.records);
}

static void show_statsd(struct listen *l, struct told *told, bool asked)
{
    struct listen_statsd_counts counts = listen_statsd_counts(l->statsd);
    if (!asked && counts.packets == told->packets)
        return;
    told->packets = counts.packets;
    cli_note(l->cli,
             "StatsD: %" PRIu64 " packets, %" PRIu64 " records kept, %" PRIu64
             " bad lines; %" PRIu64 " packets dropped by the kernel, %" PRIu64 " too long, %" PRIu64
             " lost",
             counts.packets, counts.records, counts.bad_lines, counts.dropped, counts.too_long,
             counts.lost);
}

static void show_progress(struct listen *l, struct told *told, bool asked)
{
    if (l->http && (asked || l->options->progress))
        show_http(l, told, asked);
    if (l->statsd && (asked || l->options->progress))
        show_statsd(l, told, asked);
}

/* What went wrong in threads, the last of it. */
static void tell_failures(struct listen *l, struct told *told)
{
    struct listen_workers *w = &l->workers;
    char text[LISTEN_REASON_BYTES] = "";
    pthread_mutex_lock(&w->lock);
    uint64_t count = w->failures - told->failures;
    told->failures = w->failures;
    if (count)
        memcpy(text, w->failure, sizeof text);
    if (w->broken)
        l->store.failed = l->cli->failed = true;
    pthread_mutex_unlock(&w->lock);
    if (count > 1)
        cli_note(l->cli, "%s (and %" PRIu64 " more)", text, count - 1);
    else if (count)
        cli_note(l->cli, "%s", text);
}

static void tell_notes(struct listen *l)
{
    struct tcore_buf lines = {0};
    listen_statsd_take_notes(l->statsd, &lines);
    cli_note_lines(l->cli, &lines);
    tcore_buf_free(&lines);
}

/* Waits for records, signals, or a tick. */
static void wait_for_work(struct listen *l, bool draining)
{
    uint64_t count;
    struct pollfd fds[] = {
        {.fd = l->workers.wake_fd, .events = POLLIN},
        {.fd = cli_progress_fd() ? cli_progress_fd() : -1, .events = POLLIN},
        {.fd = cli_stop_fd() && !draining ? cli_stop_fd() : -1, .events = POLLIN},
    };
    int ready = tcore_sys()->poll(fds, 3, draining ? TICK_MS / 10 : TICK_MS);
    for (int i = 0; i < 2 && ready > 0; i++)
        if (fds[i].revents && read(fds[i].fd, &count, sizeof count) < 0)
            continue; /* somebody else was faster */
}

static void tend(struct listen *l, struct told *told)
{
    if (cli_take_reload_request())
        listen_reload(l);
    show_progress(l, told, cli_take_progress_request());
    tell_failures(l, told);
    tell_notes(l);
    if (l->http)
        listen_http_reap(l->http);
    listen_store_tend(&l->store);
}

static void serve(struct listen *l, struct told *told)
{
    while (!cli_stop_requested() && !l->store.failed) {
        wait_for_work(l, false);
        store(l);
        tend(l, told);
    }
}

static bool is_open(struct listen *l)
{
    return (l->http && listen_http_counts(l->http).open) || listen_statsd_counts(l->statsd).open;
}

/* Finishes open requests, as long as their clients do not keep us waiting. */
static void drain(struct listen *l, struct told *told)
{
    if (l->http)
        listen_http_close(l->http);
    listen_statsd_close(l->statsd);
    while (is_open(l)) {
        wait_for_work(l, true);
        store(l);
        tend(l, told);
    }
}

static void tell_end(struct listen *l, struct told *told)
{
    struct collect_counts left_out = listen_workers_counts(&l->workers);
    uint64_t rejected = l->http ? listen_http_counts(l->http).rejected : 0;
    tell_failures(l, told);
    tell_notes(l);
    if (rejected)
        cli_note(l->cli, "%" PRIu64 " received record%s rejected", rejected,
                 rejected == 1 ? " was" : "s were");
    collect_note(l->cli, l->to, &left_out);
    if (l->statsd) /* its senders know of nothing */
        show_statsd(l, told, true);
    if (l->http && l->options->progress)
        show_http(l, told, false);
}

static void tell_addresses(const struct listen *l)
{
    if (l->http)
        cli_note(l->cli, "listening at %s://%s", l->options->certificate ? "https" : "http",
                 l->http_text);
    if (l->statsd)
        cli_note(l->cli, "listening at udp://%s", l->statsd_text);
}

static int run_listen(struct cli *cli, void *options, int argc, char **argv)
{
    const struct listen_options *o = options;
    struct listen l;
    struct told told = {0};
    if (argc)
        return cli_usage_error(cli, "'%s': listen takes no operands", argv[0]);
    cli_catch_signals(CLI_CATCH_STOP | CLI_CATCH_PROGRESS | CLI_CATCH_RELOAD);
    int result = listen_open(&l, cli, o);
    if (result == CLI_DONE) {
        tell_addresses(&l);
        serve(&l, &told);
        drain(&l, &told);
        listen_workers_stop(&l.workers);
        tell_end(&l, &told);
        if (!listen_store_finish(&l.store))
            cli->failed = true;
        result = cli_exit_status(cli, false);
    }
    listen_close(&l);
    return result;
}

const struct cli_verb listen_verb = {
    .name = "listen",
    .summary = "Receive traces, metrics and logs over HTTP, and StatsD.",
    .operands = "",
    .description =
        "Takes OTLP as JSON or protobuf, packed by gzip or not, at /v1/traces, /v1/metrics and\n"
        "/v1/logs, and Zipkin's spans (JSON, version 2) at /api/v2/spans. A request is answered\n"
        "200 when its records are on disk; when there is no room, 503, which senders try again.\n"
        "Of a batch with bad records the others are kept, and the answer says so. A repository's\n"
        "policy holds: what it drops, samples, redacts and labels.\n"
        "With --statsd, metrics of StatsD and DogStatsD over UDP. Nobody is answered there: what\n"
        "was bad, or found no room, is counted and told. Only what is named is opened.\n"
        "TERM and INT finish open requests; HUP reads tokens, policies and certificates\n"
        "again; USR1 shows progress. Bodies are decoded in processes of their own, in a sandbox,\n"
        "and nothing can be written but to the repository, or in the folder of the file.\n"
        "\n"
        "Examples:\n"
        "  trace-record listen --to=repository\n"
        "  trace-record listen --to=repository --http=4318 --statsd\n"
        "  trace-record listen --to=repository --http=0.0.0.0:4318 \\\n"
        "      --tls-cert=cert.pem --tls-key=key.pem --token-file=tokens\n",
    .options = table,
    .option_count = sizeof table / sizeof *table,
    .options_size = sizeof(struct listen_options),
    .defaults = &defaults,
    .run = run_listen,
};
