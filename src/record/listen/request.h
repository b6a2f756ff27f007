/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A request on its way through listen: a server (of HTTP, or of StatsD, whose requests are what
 * came in packets) collects its body, a worker decodes it, the main thread stores its records, and
 * the server answers. One thread has it at a time; what hands it on are queues.
 */
#ifndef RECORD_LISTEN_REQUEST_H
#define RECORD_LISTEN_REQUEST_H

#include "base/buf.h"
#include "record/import/import.h"
#include "record/listen/protocol.h"

#include <pthread.h>

/* A media type that a route takes. */
struct listen_type {
    const char *media;
    const char *format; /* the import format's name; NULL ends a list */
    bool is_protobuf;   /* and so is what is answered */
};

/* A path that requests are posted to, and how one that came in is answered. */
struct listen_route {
    const char *path;          /* NULL ends the list */
    enum import_signal signal; /* what its records are */
    struct listen_type types[3];
    const char *rejected; /* member of partialSuccess that counts what was rejected; NULL: it is not
                             OTLP, and answered without a text if it was taken */
};

extern const struct listen_route listen_routes[];

/* HTTP statuses that are answered. */
enum {
    LISTEN_OK = 200, /* the records are kept, whatever is answered then */
    LISTEN_ACCEPTED = 202,
    LISTEN_BAD_REQUEST = 400,
    LISTEN_UNAUTHORIZED = 401,
    LISTEN_NOT_FOUND = 404,
    LISTEN_BAD_METHOD = 405,
    LISTEN_BODY_TOO_LARGE = 413,
    LISTEN_BAD_TYPE = 415,
    LISTEN_INTERNAL = 500,
    LISTEN_UNAVAILABLE = 503
};

struct listen_request;

/* What a server does with its requests. */
struct listen_server {
    /* The body is not needed any more. */
    void (*drop_body)(struct listen_request *request);
    /* The status is decided: it is the server's again. */
    void (*answer)(struct listen_request *request);
};

struct listen_request {
    struct listen_request *next; /* in a queue */
    const struct listen_server *server;
    void *of;         /* which one */
    void *connection; /* the HTTP server's */
    const struct listen_route *route;
    const struct listen_type *type;
    bool packed; /* the body is gzip's */
    struct tcore_buf body;
    size_t reserved;          /* of the memory for bodies */
    int64_t at_ns;            /* when samples were taken that have no time; 0: not known */
    bool dogstatsd;           /* signed gauges are absolute */
    bool lists_rejects;       /* each is wanted with its line */
    struct tcore_buf rejects; /* of struct listen_decode_reject, the first of them */
    struct tcore_buf records; /* lines */
    uint64_t record_count, rejected;
    bool labelled;   /* the records have values that no log may have */
    unsigned status; /* HTTP's; 0: not decided yet */
    char reason[LISTEN_REASON_BYTES];
    bool refused; /* status was decided before the body was there, which is not kept */
    bool handed_on;
    uint64_t passed_over; /* bytes of the body of a refused request */
};

/* Decides how it is answered, for a reason. */
void listen_refuse(struct listen_request *request, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The status that is sent for it. */
unsigned listen_http_status(const struct listen_request *request);
/* The body of the answer, as the request's media type has it: an export response of OTLP, or a
 * Status. */
void listen_put_answer(const struct listen_request *request, struct tcore_buf *out);

/* Requests in the order they came, between threads. */
struct listen_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct listen_request *first, *last;
    size_t record_bytes; /* of requests that were put in and not yet released */
    bool closed;
};

void listen_queue_open(struct listen_queue *queue);
void listen_queue_free(struct listen_queue *queue);
/* No more comes: whoever waits is woken. */
void listen_queue_close(struct listen_queue *queue);
void listen_queue_put(struct listen_queue *queue, struct listen_request *request);
/* Waits for the next one; NULL: closed, and nothing is left. */
struct listen_request *listen_queue_wait(struct listen_queue *queue);
/* Takes those that are there, as a list; at least one, if there is any, and at most so many bytes
 * of records. */
struct listen_request *listen_queue_take(struct listen_queue *queue, size_t record_bytes);
/* Waits until the records of the queue are fewer bytes than that, or it is closed. */
void listen_queue_await_room(struct listen_queue *queue, size_t record_bytes);
/* So many bytes of records that came out of the queue are gone. */
void listen_queue_release(struct listen_queue *queue, size_t record_bytes);

#endif
