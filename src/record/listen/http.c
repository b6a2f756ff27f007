/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests by libmicrohttpd: what is refused at once, bodies within limits, and answers. */
#include <config.h>

#include "record/listen/http.h"

#include "base/sys.h"
#include "c-strcase.h"
#include "record/listen/http_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_MICROHTTPD

#define RETRY_AFTER "1"                  /* seconds */
#define DRAIN_BYTES ((uint64_t)64 << 10) /* of a refused body that is worth reading */
#define FIRST_BYTES ((size_t)16 << 10)

/* ---- answers ---- */

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    (void)microhttpd.add_header(response, name, value);
}

static enum MHD_Result send_answer(struct listen_http *http, struct MHD_Connection *connection,
                                   struct listen_request *request)
{
    struct tcore_buf body = {0};
    listen_put_answer(request, &body);
    struct MHD_Response *response =
        microhttpd.response(body.length, body.data, MHD_RESPMEM_MUST_COPY);
    tcore_buf_free(&body);
    if (!response)
        return MHD_NO;
    add_header(response, "Content-Type", request->type ? request->type->media : "application/json");
    if (request->status == LISTEN_UNAVAILABLE)
        add_header(response, "Retry-After", RETRY_AFTER);
    if (request->status == LISTEN_UNAUTHORIZED)
        add_header(response, "WWW-Authenticate", "Bearer");
    if (request->status == LISTEN_BAD_METHOD)
        add_header(response, "Allow", "POST");
    if (__atomic_load_n(&http->closing, __ATOMIC_RELAXED))
        add_header(response, "Connection", "close");
    enum MHD_Result result = microhttpd.queue(connection, listen_http_status(request), response);
    microhttpd.destroy(response);
    __atomic_fetch_add(request->status == LISTEN_OK ? &http->counts.accepted
                                                    : &http->counts.refused,
                       1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&http->counts.rejected, request->status == LISTEN_OK ? request->rejected : 0,
                       __ATOMIC_RELAXED);
    if (request->status == LISTEN_UNAVAILABLE)
        __atomic_fetch_add(&http->counts.busy, 1, __ATOMIC_RELAXED);
    listen_connection_wait(http, connection, true);
    return result;
}

static void resume(struct listen_request *request)
{
    microhttpd.resume(request->connection);
}

static void drop_body(struct listen_request *request)
{
    struct listen_http *http = request->of;
    __atomic_sub_fetch(&http->reserved, request->reserved, __ATOMIC_RELAXED);
    request->reserved = 0;
    tcore_buf_free(&request->body);
}

static const struct listen_server server = {drop_body, resume};

/* ---- what can be told from the head of a request ---- */

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return microhttpd.lookup(connection, MHD_HEADER_KIND, name);
}

static const struct listen_route *route_of(const char *path)
{
    for (const struct listen_route *route = listen_routes; route->path; route++)
        if (strcmp(route->path, path) == 0)
            return route;
    return NULL;
}

/* By the field Content-Type, whose parameters do not matter. */
static const struct listen_type *type_of(const struct listen_route *route, const char *media)
{
    size_t length = media ? strcspn(media, "; \t") : 0;
    for (const struct listen_type *type = route->types; type->format; type++)
        if (strlen(type->media) == length && strncasecmp(type->media, media, length) == 0)
            return type;
    return NULL;
}

static bool find_packing(const char *encoding, bool *packed)
{
    *packed = encoding && c_strcasecmp(encoding, "gzip") == 0;
    return !encoding || !*encoding || *packed || c_strcasecmp(encoding, "identity") == 0;
}

static void check_head(struct listen_http *http, struct MHD_Connection *connection,
                       struct listen_request *request, const char *path, const char *method)
{
    const struct listen_http_options *o = &http->options;
    const char *encoding = header(connection, MHD_HTTP_HEADER_CONTENT_ENCODING);
    const char *media = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE);
    const char *length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    request->route = route_of(path);
    request->type = request->route ? type_of(request->route, media) : NULL;
    if (__atomic_load_n(&http->closing, __ATOMIC_RELAXED))
        listen_refuse(request, LISTEN_UNAVAILABLE, "this receiver is about to end");
    else if (o->tokens && !listen_tokens_admit(o->tokens, header(connection, "Authorization")))
        listen_refuse(request, LISTEN_UNAUTHORIZED, "a bearer token is wanted");
    else if (!request->route)
        listen_refuse(request, LISTEN_NOT_FOUND, "there is nothing at this path");
    else if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
        listen_refuse(request, LISTEN_BAD_METHOD, "requests are posted here");
    else if (!request->type)
        listen_refuse(request, LISTEN_BAD_TYPE, "the content type is none that is taken here");
    else if (!find_packing(encoding, &request->packed))
        listen_refuse(request, LISTEN_BAD_TYPE, "the content encoding is not gzip");
    else if (length && strtoull(length, NULL, 10) > o->body_bytes)
        listen_refuse(request, LISTEN_BODY_TOO_LARGE, "the body has more than %zu bytes",
                      o->body_bytes);
    request->refused = request->status != 0;
}

static struct listen_request *begin(struct listen_http *http, struct MHD_Connection *connection)
{
    struct listen_request *request = tcore_calloc(1, sizeof *request);
    if (!request)
        return NULL;
    request->server = &server;
    request->of = http;
    request->connection = connection;
    __atomic_fetch_add(&http->counts.requests, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&http->counts.open, 1, __ATOMIC_RELAXED);
    listen_connection_wait(http, connection, true);
    return request;
}

/* A client that still sends would not see an answer: so a short body is read to its end first. */
static bool is_short(struct MHD_Connection *connection)
{
    const char *length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return length ? strtoull(length, NULL, 10) <= DRAIN_BYTES
                  : !header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

/* ---- bodies ---- */

/* Takes memory for bodies; false: it is all in use. */
static bool reserve(struct listen_http *http, struct listen_request *request, size_t bytes)
{
    size_t more = bytes - request->reserved;
    if (__atomic_add_fetch(&http->reserved, more, __ATOMIC_RELAXED) > http->options.memory_bytes) {
        __atomic_sub_fetch(&http->reserved, more, __ATOMIC_RELAXED);
        return false;
    }
    request->reserved = bytes;
    return true;
}

/* Room for so many more bytes, doubled within the limit of a body. */
static bool make_room(struct listen_http *http, struct listen_request *request, size_t bytes)
{
    struct tcore_buf *body = &request->body;
    size_t limit = http->options.body_bytes;
    if (bytes > limit - body->length) {
        listen_refuse(request, LISTEN_BODY_TOO_LARGE, "the body has more than %zu bytes", limit);
        return false;
    }
    if (body->capacity - body->length >= bytes)
        return true;
    size_t capacity = body->capacity ? body->capacity : FIRST_BYTES;
    while (capacity - body->length < bytes)
        capacity *= 2;
    if (reserve(http, request, capacity) && tcore_buf_reserve(body, capacity - body->length))
        return true;
    listen_refuse(request, LISTEN_UNAVAILABLE, "too many bodies are under way");
    return false;
}

/* False: the client goes on and on. */
static bool take_part(struct listen_http *http, struct listen_request *request, const char *data,
                      size_t bytes)
{
    if (!request->refused && make_room(http, request, bytes)) {
        tcore_buf_append(&request->body, data, bytes);
        return true;
    }
    if (!request->refused)
        drop_body(request);
    request->refused = true;
    request->passed_over += bytes;
    return request->passed_over <= 2 * (uint64_t)http->options.body_bytes + DRAIN_BYTES;
}

static enum MHD_Result hand_on(struct listen_http *http, struct MHD_Connection *connection,
                               struct listen_request *request)
{
    request->handed_on = true;
    listen_connection_wait(http, connection, false);
    microhttpd.suspend(connection);
    listen_queue_put(http->options.bodies, request);
    return MHD_YES;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *data,
                              size_t *bytes, void **state)
{
    struct listen_http *http = context;
    struct listen_request *request = *state;
    (void)version;
    if (!request) {
        request = *state = begin(http, connection);
        if (!request)
            return MHD_NO;
        check_head(http, connection, request, path, method);
        return request->refused && !is_short(connection) ? send_answer(http, connection, request)
                                                         : MHD_YES;
    }
    if (*bytes) {
        bool wanted = take_part(http, request, data, *bytes);
        *bytes = 0;
        return wanted ? MHD_YES : MHD_NO;
    }
    return request->refused || request->handed_on ? send_answer(http, connection, request)
                                                  : hand_on(http, connection, request);
}

/* The answer was sent, or cannot be. */
static void completed(void *context, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode code)
{
    struct listen_http *http = context;
    struct listen_request *request = *state;
    uint64_t one = 1;
    (void)code;
    if (!request)
        return;
    drop_body(request);
    tcore_buf_free(&request->records);
    tcore_free(request);
    *state = NULL;
    listen_connection_wait(http, connection, true);
    if (__atomic_sub_fetch(&http->counts.open, 1, __ATOMIC_RELEASE) == 0 &&
        write(http->options.idle_fd, &one, sizeof one) < 0)
        return; /* it is readable already */
}

/* ---- the server ---- */

/* What it says while it starts; later on clients would fill the log. */
static void keep_log(void *context, const char *format, va_list args)
{
    struct listen_http *http = context;
    if (http->starting && !*http->log)
        vsnprintf(http->log, sizeof http->log, format, args);
}

static enum tcore_status failed_to_start(struct listen_http *http, struct tcore_error *err)
{
    http->log[strcspn(http->log, "\r\n")] = '\0';
    return tcore_error_set(err, TCORE_FATAL, "the HTTP server does not start%s%s",
                           *http->log ? ": " : "", http->log);
}

static enum tcore_status start(struct listen_http *http, struct tcore_error *err)
{
    const struct listen_http_options *o = &http->options;
    char versions[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)o->certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)o->key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, versions},
        {MHD_OPTION_END, 0, NULL},
    };
    const unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG | MHD_USE_ITC |
                           MHD_ALLOW_SUSPEND_RESUME | (o->tls ? MHD_USE_TLS : 0);
    http->starting = true;
    http->daemon =
        microhttpd.start(flags, 0, NULL, NULL, handle, http, MHD_OPTION_EXTERNAL_LOGGER, keep_log,
                         http, MHD_OPTION_LISTEN_SOCKET, o->socket, MHD_OPTION_CONNECTION_LIMIT,
                         o->connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, FIRST_BYTES,
                         MHD_OPTION_NOTIFY_COMPLETED, completed, http, MHD_OPTION_NOTIFY_CONNECTION,
                         listen_connection_notify, http, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
                         MHD_OPTION_ARRAY, o->tls ? tls : tls + 3, MHD_OPTION_END);
    http->starting = false;
    return http->daemon ? TCORE_OK : failed_to_start(http, err);
}

enum tcore_status listen_http_start(struct listen_http **result,
                                    const struct listen_http_options *options,
                                    struct tcore_error *err)
{
    *result = NULL;
    enum tcore_status status = listen_microhttpd_open(options->tls != NULL, err);
    if (status != TCORE_OK)
        return status;
    struct listen_http *http = tcore_calloc(1, sizeof *http);
    if (!http)
        return tcore_error_nomem(err);
    http->options = *options;
    http->tls = listen_tls_take(options->tls);
    pthread_mutex_init(&http->lock, NULL);
    status = start(http, err);
    http->options.certificate = http->options.key = NULL;
    *result = http;
    if (status != TCORE_OK) {
        listen_http_stop(http);
        *result = NULL;
    }
    return status;
}

void listen_http_set_tls(struct listen_http *http, struct listen_tls *tls)
{
    pthread_mutex_lock(&http->lock);
    struct listen_tls *before = http->tls;
    http->tls = listen_tls_take(tls);
    pthread_mutex_unlock(&http->lock);
    listen_tls_drop(before);
}

void listen_http_close(struct listen_http *http)
{
    __atomic_store_n(&http->closing, true, __ATOMIC_RELAXED);
    int socket = microhttpd.quiesce(http->daemon);
    if (socket >= 0)
        tcore_sys()->close(socket);
}

struct listen_http_counts listen_http_counts(struct listen_http *http)
{
    const struct listen_http_counts *counts = &http->counts;
    return (struct listen_http_counts){
        .requests = __atomic_load_n(&counts->requests, __ATOMIC_RELAXED),
        .accepted = __atomic_load_n(&counts->accepted, __ATOMIC_RELAXED),
        .refused = __atomic_load_n(&counts->refused, __ATOMIC_RELAXED),
        .rejected = __atomic_load_n(&counts->rejected, __ATOMIC_RELAXED),
        .busy = __atomic_load_n(&counts->busy, __ATOMIC_RELAXED),
        .overdue = __atomic_load_n(&counts->overdue, __ATOMIC_RELAXED),
        .open = __atomic_load_n(&counts->open, __ATOMIC_ACQUIRE),
    };
}

void listen_http_stop(struct listen_http *http)
{
    if (!http)
        return;
    if (http->daemon)
        microhttpd.stop(http->daemon);
    listen_tls_drop(http->tls);
    pthread_mutex_destroy(&http->lock);
    tcore_free(http);
}

#else

enum tcore_status listen_http_start(struct listen_http **http,
                                    const struct listen_http_options *options,
                                    struct tcore_error *err)
{
    (void)options;
    *http = NULL;
    return tcore_error_set(err, TCORE_FATAL,
                           "this tracecore was built without libmicrohttpd, which receives over "
                           "HTTP: install libmicrohttpd-dev and build it again");
}

void listen_http_set_tls(struct listen_http *http, struct listen_tls *tls)
{
    (void)http;
    (void)tls;
}

void listen_http_reap(struct listen_http *http)
{
    (void)http;
}

void listen_http_close(struct listen_http *http)
{
    (void)http;
}

struct listen_http_counts listen_http_counts(struct listen_http *http)
{
    (void)http;
    return (struct listen_http_counts){0};
}

void listen_http_stop(struct listen_http *http)
{
    (void)http;
}

#endif
