/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The workers of listen, each a thread with a decoder of its own: a body in, the records that are
 * to be stored out. A request with nothing to store is answered at once.
 */
#ifndef RECORD_LISTEN_WORK_H
#define RECORD_LISTEN_WORK_H

#include "record/listen/decode.h"
#include "record/listen/rules.h"

#define LISTEN_WORKERS 8

struct listen_worker {
    struct listen_workers *all;
    pthread_t thread;
    struct listen_decoder decoder;
    struct listen_applier applier;
    struct collect_counts left_out;
};

struct listen_workers {
    struct listen_queue bodies;  /* requests come from here */
    struct listen_queue records; /* and go here */
    int wake_fd;                 /* an eventfd, told of that */
    size_t record_bytes;         /* so many may wait to be stored */
    size_t body_bytes;
    struct listen_worker worker[LISTEN_WORKERS];
    unsigned count, started;
    pthread_mutex_t lock;                 /* of what follows */
    struct listen_rules *rules;           /* one user of them */
    uint64_t failures;                    /* of decoders and rules */
    char failure[TCORE_ERROR_TEXT_BYTES]; /* the last one */
    bool broken;                          /* a worker has no decoder any more */
};

/* Starts the decoders. TCORE_FATAL: err. To be closed in any case. */
enum tcore_status listen_workers_open(struct listen_workers *workers, unsigned count,
                                      size_t body_bytes, struct listen_rules *rules,
                                      struct tcore_error *err);
/* Layers of the sandbox (sandbox/sandbox.h) that all decoders have. */
unsigned listen_workers_layers(const struct listen_workers *workers);
/* Starts the threads; signals must be blocked. TCORE_FATAL: err. */
enum tcore_status listen_workers_start(struct listen_workers *workers, struct tcore_error *err);
/* From the next request on these rules hold, one user of which is taken. */
void listen_workers_set_rules(struct listen_workers *workers, struct listen_rules *rules);
/* Records of --sample and the policy that did not come in, once the threads are stopped. */
struct collect_counts listen_workers_counts(const struct listen_workers *workers);
/* Waits for what is in the queue of bodies, and ends the threads. */
void listen_workers_stop(struct listen_workers *workers);
void listen_workers_close(struct listen_workers *workers);

#endif
