/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the HTTP server share: the library's functions, and its connections. */
#ifndef RECORD_LISTEN_HTTP_PRIVATE_H
#define RECORD_LISTEN_HTTP_PRIVATE_H

#include "record/listen/http.h"

#ifdef HAVE_MICROHTTPD
#include <microhttpd.h>

struct listen_microhttpd {
    __typeof__(&MHD_start_daemon) start;
    __typeof__(&MHD_stop_daemon) stop;
    __typeof__(&MHD_quiesce_daemon) quiesce;
    __typeof__(&MHD_suspend_connection) suspend;
    __typeof__(&MHD_resume_connection) resume;
    __typeof__(&MHD_lookup_connection_value) lookup;
    __typeof__(&MHD_get_connection_info) info;
    __typeof__(&MHD_create_response_from_buffer) response;
    __typeof__(&MHD_add_response_header) add_header;
    __typeof__(&MHD_queue_response) queue;
    __typeof__(&MHD_destroy_response) destroy;
    __typeof__(&MHD_is_feature_supported) has_feature;
};

/* Once listen_microhttpd_open() has succeeded. */
extern struct listen_microhttpd microhttpd;

/* tls: it has to be able to do that. TCORE_FATAL: it is missing, or is not. */
enum tcore_status listen_microhttpd_open(bool tls, struct tcore_error *err);

/* A client's connection. */
struct listen_connection {
    struct listen_connection *before, *after;
    int fd;
    struct listen_tls *tls;
    int64_t since_ns; /* we wait for the client since then; 0: we do not */
};

struct listen_http {
    struct listen_http_options options;
    struct MHD_Daemon *daemon;
    bool closing; /* atomic */
    bool starting;
    char log[200];
    size_t reserved;                  /* atomic; for bodies */
    struct listen_http_counts counts; /* atomic, each */
    pthread_mutex_t lock;             /* of the following */
    struct listen_connection *connections;
    struct listen_tls *tls; /* of connections to come; NULL: no TLS */
};

/* Is told of each connection when it begins and ends. */
void listen_connection_notify(void *context, struct MHD_Connection *connection, void **state,
                              enum MHD_ConnectionNotificationCode code);
/* From now on it is the client's turn, or ours. */
void listen_connection_wait(struct listen_http *http, struct MHD_Connection *connection,
                            bool client);

#endif
#endif
