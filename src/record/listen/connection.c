/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The libraries of the HTTP server, and the connections that it has: how long each client keeps it
 * waiting, whatever for (a handshake, the head of a request, its body, the taking of an answer, the
 * next request). libmicrohttpd's own timeout begins anew with every byte, so that a byte a second
 * would hold a connection for days.
 */
#include <config.h>

#include "record/listen/http_private.h"

#ifdef HAVE_MICROHTTPD

#include "base/dl.h"
#include "base/sys.h"

#include <sys/socket.h>

struct listen_microhttpd microhttpd;

#define SYMBOL(member, name)                                                                       \
    {                                                                                              \
        name, offsetof(struct listen_microhttpd, member)                                           \
    }

enum tcore_status listen_microhttpd_open(bool tls, struct tcore_error *err)
{
    static const struct tcore_dl_symbol symbols[] = {
        SYMBOL(start, "MHD_start_daemon"),
        SYMBOL(stop, "MHD_stop_daemon"),
        SYMBOL(quiesce, "MHD_quiesce_daemon"),
        SYMBOL(suspend, "MHD_suspend_connection"),
        SYMBOL(resume, "MHD_resume_connection"),
        SYMBOL(lookup, "MHD_lookup_connection_value"),
        SYMBOL(info, "MHD_get_connection_info"),
        SYMBOL(response, "MHD_create_response_from_buffer"),
        SYMBOL(add_header, "MHD_add_response_header"),
        SYMBOL(queue, "MHD_queue_response"),
        SYMBOL(destroy, "MHD_destroy_response"),
        SYMBOL(has_feature, "MHD_is_feature_supported"),
    };
    enum tcore_status status = tcore_dl_open(TCORE_SONAME_MICROHTTPD, "libmicrohttpd12", symbols,
                                             sizeof symbols / sizeof *symbols, &microhttpd, err);
    if (status == TCORE_OK && tls && microhttpd.has_feature(MHD_FEATURE_TLS) != MHD_YES)
        status = tcore_error_set(err, TCORE_FATAL, "this system's libmicrohttpd has no TLS");
    return status;
}

/* ---- connections ---- */

/* With the certificate that is in force now. */
static void begin_tls(struct listen_http *http, struct listen_connection *c,
                      struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        microhttpd.info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    pthread_mutex_lock(&http->lock);
    c->tls = listen_tls_take(http->tls);
    pthread_mutex_unlock(&http->lock);
    listen_tls_use(c->tls, info->tls_session);
}

static struct listen_connection *begin(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        microhttpd.info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct listen_connection *c = tcore_calloc(1, sizeof *c);
    if (c) {
        c->fd = info->connect_fd;
        c->since_ns = tcore_sys()->monotonic_ns();
    }
    return c;
}

void listen_connection_notify(void *context, struct MHD_Connection *connection, void **state,
                              enum MHD_ConnectionNotificationCode code)
{
    struct listen_http *http = context;
    struct listen_connection *c = *state;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        c = *state = begin(connection);
        if (!c)
            return;
        if (http->tls)
            begin_tls(http, c, connection);
        pthread_mutex_lock(&http->lock);
        c->after = http->connections;
        if (c->after)
            c->after->before = c;
        http->connections = c;
        pthread_mutex_unlock(&http->lock);
    } else if (c) {
        pthread_mutex_lock(&http->lock);
        if (c->after)
            c->after->before = c->before;
        *(c->before ? &c->before->after : &http->connections) = c->after;
        pthread_mutex_unlock(&http->lock);
        listen_tls_drop(c->tls);
        tcore_free(c);
        *state = NULL;
    }
}

void listen_connection_wait(struct listen_http *http, struct MHD_Connection *connection,
                            bool client)
{
    const union MHD_ConnectionInfo *info =
        microhttpd.info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct listen_connection *c = info ? info->socket_context : NULL;
    if (!c)
        return;
    pthread_mutex_lock(&http->lock);
    c->since_ns = client ? tcore_sys()->monotonic_ns() : 0;
    pthread_mutex_unlock(&http->lock);
}

/* The server sees the end of the connection, and closes it. */
void listen_http_reap(struct listen_http *http)
{
    int64_t now_ns = tcore_sys()->monotonic_ns();
    pthread_mutex_lock(&http->lock);
    for (struct listen_connection *c = http->connections; c; c = c->after) {
        if (!c->since_ns || now_ns - c->since_ns < http->options.patience_ns)
            continue;
        (void)shutdown(c->fd, SHUT_RDWR);
        c->since_ns = 0;
        http->counts.overdue++;
    }
    pthread_mutex_unlock(&http->lock);
}

#endif
