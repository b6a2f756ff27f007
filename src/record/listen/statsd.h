/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The StatsD server of listen: a thread that takes packets from a UDP socket and puts their lines
 * together to requests, a fifth of a second or 64 KiB of them at a time. Nobody is answered; so
 * what was not kept is counted, and whoever sends bad lines is named now and then. What finds no
 * room waits in the socket, where the kernel drops what does not fit, and counts that.
 */
#ifndef RECORD_LISTEN_STATSD_H
#define RECORD_LISTEN_STATSD_H

#include "record/listen/request.h"

struct listen_statsd_options {
    int socket;                  /* of datagrams; the server's from now on */
    bool dogstatsd;              /* signed gauges are absolute */
    size_t packet_bytes;         /* longer ones are refused */
    struct listen_queue *bodies; /* where requests go */
    int idle_fd;                 /* an eventfd, told when the last open request is done */
};

struct listen_statsd_counts {
    uint64_t packets, records;
    uint64_t bad_lines;
    uint64_t too_long; /* packets */
    uint64_t lost;     /* packets whose records were not kept */
    uint64_t dropped;  /* packets, by the kernel, before they came here */
    bool open;         /* something of what was received is not stored yet */
};

struct listen_statsd;

/* TCORE_FATAL: err. Signals must be blocked. */
enum tcore_status listen_statsd_start(struct listen_statsd **statsd,
                                      const struct listen_statsd_options *options,
                                      struct tcore_error *err);
/* Takes what has arrived by now, and nothing more. NULL is fine, here and below. */
void listen_statsd_close(struct listen_statsd *statsd);
struct listen_statsd_counts listen_statsd_counts(struct listen_statsd *statsd);
/* Appends what is worth telling, a line each, and forgets it. */
void listen_statsd_take_notes(struct listen_statsd *statsd, struct tcore_buf *lines);
/* No request may be open. */
void listen_statsd_stop(struct listen_statsd *statsd);

#endif
