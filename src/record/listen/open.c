/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "record/listen/open.h"

#include "base/sys.h"
#include "cli/message.h"
#include "cli/signals.h"
#include "record/destination.h"
#include "record/listen/file.h"
#include "sandbox/landlock.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MEMORY_BYTES      ((size_t)32 << 20) /* of bodies, and of records, that are under way */
#define OTHER_DESCRIPTORS 64                 /* besides connections */
#define HTTP_ADDRESS      "127.0.0.1:4318"
#define STATSD_ADDRESS    "127.0.0.1:8125"
#define CONNECTIONS       1024
#define PATIENCE_NS       INT64_C(30000000000)

/* ---- what options say ---- */

/* Only what is named is opened, and HTTP if nothing is. */
static const char *http_of(const struct listen_options *o)
{
    return o->http ? o->http : o->statsd ? NULL : HTTP_ADDRESS;
}

static const char *statsd_of(const struct listen_options *o)
{
    return o->statsd && !*o->statsd ? STATSD_ADDRESS : o->statsd;
}

static int64_t connections_of(const struct listen_options *o)
{
    return o->connections < 0 ? CONNECTIONS : o->connections;
}

/* What would do nothing. */
static int check_use(struct cli *cli, const struct listen_options *o)
{
    const char *of_http = o->certificate          ? "tls-cert"
                          : o->key                ? "tls-key"
                          : o->client_authorities ? "tls-client-ca"
                          : o->token_file         ? "token-file"
                          : o->connections >= 0   ? "max-connections"
                          : o->timeout_ns >= 0    ? "timeout"
                                                  : NULL;
    if (of_http && !http_of(o))
        return cli_usage_error(cli, "--%s is for HTTP: name --http beside --statsd", of_http);
    if (o->dogstatsd && !o->statsd)
        return cli_usage_error(cli, "--dogstatsd is for StatsD: name --statsd");
    return CLI_DONE;
}

static int check_statsd(struct listen *l)
{
    const struct listen_options *o = l->options;
    struct tcore_error err;
    if (!o->statsd)
        return CLI_DONE;
    if (listen_address_parse(&l->statsd_address, statsd_of(o), &err) != TCORE_OK)
        return cli_usage_error(l->cli, "--statsd: %s", err.text);
    if (!o->insecure && !listen_address_is_local(&l->statsd_address))
        return cli_usage_error(l->cli,
                               "--statsd=%s can be reached from other machines, and StatsD has "
                               "neither TLS nor authentication: that takes --insecure",
                               o->statsd);
    return CLI_DONE;
}

static int check_security(struct cli *cli, const struct listen_options *o,
                          const struct listen_address *address)
{
    if (!o->certificate != !o->key)
        return cli_usage_error(cli, "--tls-cert and --tls-key go together");
    if (o->client_authorities && !o->certificate)
        return cli_usage_error(cli, "--tls-client-ca: TLS takes --tls-cert and --tls-key");
    if (o->insecure || listen_address_is_local(address))
        return CLI_DONE;
    if (!o->certificate)
        return cli_usage_error(cli,
                               "--http=%s can be reached from other machines: that takes "
                               "--tls-cert and --tls-key (or --insecure)",
                               o->http);
    if (!o->token_file && !o->client_authorities)
        return cli_usage_error(cli,
                               "--http=%s can be reached from other machines: that takes "
                               "--token-file or --tls-client-ca (or --insecure)",
                               o->http);
    return CLI_DONE;
}

static int check_options(struct listen *l)
{
    const struct listen_options *o = l->options;
    struct cli *cli = l->cli;
    struct tcore_error err;
    if (o->sample > 1)
        return cli_usage_error(cli, "--sample: a share is 0 to 1");
    if (o->body_bytes < 1 || o->body_bytes > INT64_C(1) << 30)
        return cli_usage_error(cli, "--max-body: 1 byte to 1 GiB");
    if (connections_of(o) < 1 || connections_of(o) > 1000000)
        return cli_usage_error(cli, "--max-connections: 1 to 1,000,000");
    if (o->threads > LISTEN_WORKERS)
        return cli_usage_error(cli, "--threads: at most %d", LISTEN_WORKERS);
    if (strcmp(l->to, "-") == 0)
        return cli_usage_error(cli, "--to=-: records are appended to a file");
    if (strncmp(l->to, "http://", 7) == 0 || strncmp(l->to, "https://", 8) == 0)
        return cli_usage_error(
            cli, "--to=%s: records are appended to a file, or kept in a repository", l->to);
    int result = check_use(cli, o);
    if (result == CLI_DONE && http_of(o)) {
        if (listen_address_parse(&l->http_address, http_of(o), &err) != TCORE_OK)
            return cli_usage_error(cli, "--http: %s", err.text);
        result = check_security(cli, o, &l->http_address);
    }
    return result == CLI_DONE ? check_statsd(l) : result;
}

static int fail(struct listen *l, const struct tcore_error *err)
{
    cli_report(l->cli, err);
    return CLI_FAILED;
}

/* Connections take descriptors. */
static int make_descriptors(struct listen *l)
{
    struct rlimit limit;
    rlim_t wanted =
        OTHER_DESCRIPTORS + (http_of(l->options) ? (rlim_t)connections_of(l->options) : 0);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return CLI_DONE;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (limit.rlim_cur >= wanted && setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return CLI_DONE;
    cli_error(l->cli, "--max-connections=%lld: no more than %lld files can be open (ulimit -Hn)",
              (long long)connections_of(l->options), (long long)limit.rlim_max);
    return CLI_FAILED;
}

/* ---- the sandbox ---- */

static int lack(struct listen *l, const char *what)
{
    if (!l->options->require_sandbox) {
        cli_note(l->cli, "this system has no %s: the sandbox goes without", what);
        return CLI_DONE;
    }
    cli_error(l->cli, "--require-sandbox: this system has no %s", what);
    return CLI_FAILED;
}

/* From here on nothing can be written but where the records go: the repository, or the folder of
 * the file, which may have to be made again. */
static int close_sandbox(struct listen *l)
{
    unsigned layers = listen_workers_layers(&l->workers);
    const char *slash = strrchr(l->to, '/');
    char *folder =
        slash ? tcore_strndup(l->to, (size_t)(slash - l->to) + 1) : tcore_strndup(".", 1);
    if (!folder) {
        cli_error(l->cli, "out of memory");
        return CLI_FAILED;
    }
    const char *path = l->store.repository ? l->to : folder;
    int closed = landlock_write_beneath(&path, 1);
    int reason = errno;
    tcore_free(folder);
    if (closed < 0) {
        cli_error(l->cli, "the sandbox cannot be closed: %s", strerror(reason));
        return CLI_FAILED;
    }
    int result = closed == 0 && layers & SANDBOX_FILES ? CLI_DONE : lack(l, "Landlock");
    if (result == CLI_DONE && !(layers & SANDBOX_CALLS))
        result = lack(l, "filter of system calls (seccomp)");
    return result;
}

/* ---- opening ---- */

static unsigned thread_count(const struct listen_options *o)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (o->threads)
        return (unsigned)o->threads;
    return cores < 1 ? 1 : cores > LISTEN_WORKERS ? LISTEN_WORKERS : (unsigned)cores;
}

static int open_rules(struct listen *l, struct listen_rules **rules)
{
    const struct listen_rules_options options = {
        .repository = tcore_is_directory(l->to) ? l->to : NULL,
        .redact = l->options->redact,
        .sample = l->options->sample,
    };
    return listen_rules_read(rules, l->cli, &options);
}

static int open_workers(struct listen *l)
{
    const size_t body_bytes = (size_t)l->options->body_bytes;
    struct tcore_error err = {0};
    l->workers_open = true;
    if (listen_workers_open(&l->workers, thread_count(l->options), body_bytes, l->rules, &err) !=
        TCORE_OK)
        return fail(l, &err);
    l->workers.record_bytes = MEMORY_BYTES;
    return CLI_DONE;
}

struct texts {
    struct tcore_buf certificate, key, client_authorities;
};

static enum tcore_status read_texts(const struct listen_options *o, struct texts *t,
                                    struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    if (o->certificate)
        status = listen_read_file(o->certificate, 0, &t->certificate, err);
    if (status == TCORE_OK && o->key)
        status = listen_read_file(o->key, 07, &t->key, err);
    if (status == TCORE_OK && o->client_authorities)
        status = listen_read_file(o->client_authorities, 0, &t->client_authorities, err);
    return status;
}

static void free_texts(struct texts *t)
{
    tcore_buf_free(&t->certificate);
    listen_wipe(&t->key);
    tcore_buf_free(&t->client_authorities);
}

static enum tcore_status make_tls(const struct texts *t, struct listen_tls **tls,
                                  struct tcore_error *err)
{
    return listen_tls_new(tls, t->certificate.data, t->key.data, t->client_authorities.data, err);
}

static enum tcore_status start_http(struct listen *l, const struct texts *t,
                                    struct tcore_error *err)
{
    struct listen_tls *tls = NULL;
    if (l->options->certificate && make_tls(t, &tls, err) != TCORE_OK)
        return TCORE_FATAL;
    const size_t body_bytes = (size_t)l->options->body_bytes;
    const struct listen_http_options options = {
        .socket = l->http_socket,
        .tls = tls,
        .certificate = t->certificate.data,
        .key = t->key.data,
        .tokens = l->options->token_file ? &l->tokens : NULL,
        .body_bytes = body_bytes,
        .memory_bytes = 4 * body_bytes > MEMORY_BYTES ? 4 * body_bytes : MEMORY_BYTES,
        .connections = (unsigned)connections_of(l->options),
        .patience_ns = l->options->timeout_ns < 0 ? PATIENCE_NS : l->options->timeout_ns,
        .bodies = &l->workers.bodies,
        .idle_fd = l->workers.wake_fd,
    };
    enum tcore_status status = listen_http_start(&l->http, &options, err);
    listen_tls_drop(tls);
    return status;
}

static enum tcore_status start_statsd(struct listen *l, struct tcore_error *err)
{
    const struct listen_statsd_options options = {
        .socket = l->statsd_socket,
        .dogstatsd = l->options->dogstatsd,
        .packet_bytes = (size_t)l->options->body_bytes,
        .bodies = &l->workers.bodies,
        .idle_fd = l->workers.wake_fd,
    };
    return listen_statsd_start(&l->statsd, &options, err);
}

/* Threads begin here; they leave signals to the main one. StatsD's comes last: what it takes must
 * be decoded before it can end. */
static int start(struct listen *l, const struct texts *texts)
{
    struct tcore_error err = {0};
    sigset_t before;
    cli_block_signals(&before);
    enum tcore_status status = l->http_socket >= 0 ? start_http(l, texts, &err) : TCORE_OK;
    if (status == TCORE_OK)
        status = listen_workers_start(&l->workers, &err);
    if (status == TCORE_OK && l->statsd_socket >= 0)
        status = start_statsd(l, &err);
    cli_restore_signals(&before);
    return status == TCORE_OK ? CLI_DONE : fail(l, &err);
}

static enum tcore_status open_sockets(struct listen *l, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    if (http_of(l->options))
        status =
            listen_address_open(&l->http_address, SOCK_STREAM, &l->http_socket, l->http_text, err);
    if (status == TCORE_OK && l->options->statsd)
        status = listen_address_open(&l->statsd_address, SOCK_DGRAM, &l->statsd_socket,
                                     l->statsd_text, err);
    return status;
}

static int open_all(struct listen *l, struct texts *texts)
{
    const struct listen_options *o = l->options;
    struct tcore_error err = {0};
    int result = make_descriptors(l);
    if (result == CLI_DONE &&
        (read_texts(o, texts, &err) != TCORE_OK ||
         (o->token_file && listen_tokens_load(&l->tokens, o->token_file, &err) != TCORE_OK) ||
         open_sockets(l, &err) != TCORE_OK))
        result = fail(l, &err);
    if (result == CLI_DONE)
        result = open_rules(l, &l->rules);
    if (result == CLI_DONE)
        result = listen_store_open(&l->store, l->cli, l->to, l->rules);
    l->store_open = l->store.cli != NULL;
    if (result == CLI_DONE)
        result = open_workers(l);
    if (result == CLI_DONE)
        result = close_sandbox(l);
    return result == CLI_DONE ? start(l, texts) : result;
}

int listen_open(struct listen *l, struct cli *cli, const struct listen_options *options)
{
    struct texts texts = {0};
    *l = (struct listen){.cli = cli,
                         .options = options,
                         .to = destination_of(options->to, NULL).path,
                         .http_socket = -1,
                         .statsd_socket = -1};
    listen_tokens_open(&l->tokens);
    int result = check_options(l);
    if (result == CLI_DONE)
        result = open_all(l, &texts);
    free_texts(&texts);
    return result;
}

/* A certificate that was renewed; connections that are open keep theirs. */
static void reload_tls(struct listen *l)
{
    struct tcore_error err = {0};
    struct texts texts = {0};
    struct listen_tls *tls = NULL;
    if (read_texts(l->options, &texts, &err) == TCORE_OK &&
        make_tls(&texts, &tls, &err) == TCORE_OK)
        listen_http_set_tls(l->http, tls);
    else
        cli_note(l->cli, "%s%s%s; the certificate before stays", err.input ? err.input : "",
                 err.input ? ": " : "", err.text);
    listen_tls_drop(tls);
    free_texts(&texts);
}

void listen_reload(struct listen *l)
{
    struct tcore_error err = {0};
    struct listen_rules *rules;
    const struct cli before = *l->cli;
    if (l->options->token_file &&
        listen_tokens_load(&l->tokens, l->options->token_file, &err) != TCORE_OK)
        cli_note(l->cli, "%s; the tokens before stay", err.text);
    if (l->options->certificate)
        reload_tls(l);
    if (open_rules(l, &rules) != CLI_DONE) {
        cli_note(l->cli, "the policies before stay");
        l->cli->failed = before.failed; /* nothing of ours did */
        l->cli->usage_error = before.usage_error;
        return;
    }
    listen_workers_set_rules(&l->workers, rules);
    listen_store_set_rules(&l->store, rules);
    listen_rules_drop(l->rules);
    l->rules = rules;
}

void listen_close(struct listen *l)
{
    if (l->workers_open)
        listen_workers_stop(&l->workers);
    listen_http_stop(l->http);
    listen_statsd_stop(l->statsd);
    if (l->workers_open)
        listen_workers_close(&l->workers);
    if (l->store_open)
        listen_store_close(&l->store);
    listen_rules_drop(l->rules);
    listen_tokens_close(&l->tokens);
    if (l->http_socket >= 0 && !l->http)
        tcore_sys()->close(l->http_socket);
    if (l->statsd_socket >= 0 && !l->statsd)
        tcore_sys()->close(l->statsd_socket);
}
