/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Getting listen ready: what its options say is checked and opened, and the sandbox closed. */
#ifndef RECORD_LISTEN_OPEN_H
#define RECORD_LISTEN_OPEN_H

#include "cli/verb.h"
#include "record/listen/address.h"
#include "record/listen/http.h"
#include "record/listen/statsd.h"
#include "record/listen/store.h"
#include "record/listen/work.h"

struct listen_options {
    const char *to, *http, *statsd;
    const char *certificate, *key, *client_authorities, *token_file, *redact;
    int64_t body_bytes, connections, timeout_ns, threads;
    double sample;
    bool dogstatsd, insecure, require_sandbox, progress;
};

struct listen {
    struct cli *cli;
    const struct listen_options *options;
    const char *to;
    struct listen_address http_address, statsd_address;
    char http_text[LISTEN_ADDRESS_BYTES], statsd_text[LISTEN_ADDRESS_BYTES]; /* empty: not opened */
    int http_socket, statsd_socket; /* -1: none, or the server's */
    struct listen_tokens tokens;
    struct listen_rules *rules;
    struct listen_store store;
    struct listen_workers workers;
    struct listen_http *http;     /* NULL: none */
    struct listen_statsd *statsd; /* NULL: none */
    bool store_open, workers_open;
};

/* Opens all of it, so that requests come in. CLI_DONE, or the exit status: it was reported. To be
 * closed in any case. */
int listen_open(struct listen *listen, struct cli *cli, const struct listen_options *options);
/* Reads tokens and policies again; what is wrong with them is reported, and those before stay. */
void listen_reload(struct listen *listen);
void listen_close(struct listen *listen);

#endif
