/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The HTTP server of listen: libmicrohttpd, opened on first use, with GnuTLS behind it. It has a
 * thread of its own, which collects bodies and sends answers; what is between, and takes time, is
 * done by others, and the connection rests meanwhile.
 */
#ifndef RECORD_LISTEN_HTTP_H
#define RECORD_LISTEN_HTTP_H

#include "base/buf.h"
#include "record/listen/request.h"
#include "record/listen/tls.h"
#include "record/listen/tokens.h"

struct listen_http_options {
    int socket;                    /* that listens; the server's from now on */
    struct listen_tls *tls;        /* NULL: no TLS; the server takes a reference of its own */
    const char *certificate, *key; /* with TLS: PEM, as the library has to see them, too */
    struct listen_tokens *tokens;  /* NULL: anybody may post */
    size_t body_bytes;             /* of one body */
    size_t memory_bytes;           /* of all that are there at a time */
    unsigned connections;          /* at a time */
    int64_t patience_ns;           /* how long a client may keep us waiting */
    struct listen_queue *bodies;   /* where requests go whose body is there */
    int idle_fd;                   /* an eventfd, told when the last open request is done */
};

/* What has been answered so far, and what is open. */
struct listen_http_counts {
    uint64_t requests, accepted, refused, busy; /* busy: of the refused, by 503 */
    uint64_t rejected;                          /* records of the accepted */
    uint64_t overdue;                           /* connections that were ended for slowness */
    uint64_t open;                              /* requests that are not answered yet */
};

struct listen_http;

/* TCORE_FATAL: a library is missing, or the certificate and its key are none. Signals must be
 * blocked. The strings are not needed any more afterwards. */
enum tcore_status listen_http_start(struct listen_http **http,
                                    const struct listen_http_options *options,
                                    struct tcore_error *err);
/* For connections from now on; of a server with TLS. It takes a reference of its own. */
void listen_http_set_tls(struct listen_http *http, struct listen_tls *tls);
/* Ends connections whose client has kept us waiting too long. */
void listen_http_reap(struct listen_http *http);
/* Takes no more connections, and no more requests on those that there are. */
void listen_http_close(struct listen_http *http);
struct listen_http_counts listen_http_counts(struct listen_http *http);
/* Ends all connections. No request may be in a queue. NULL is fine. */
void listen_http_stop(struct listen_http *http);

#endif
