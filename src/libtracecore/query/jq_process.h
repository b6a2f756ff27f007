/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The helper as a process: starting it, frames to and from it under a deadline, its end. */
#ifndef TRACECORE_QUERY_JQ_PROCESS_H
#define TRACECORE_QUERY_JQ_PROCESS_H

#include "base/buf.h"
#include "base/error.h"
#include "query/jq_protocol.h"

#include <stdint.h>
#include <sys/types.h>

struct tcore_jq_process {
    pid_t pid;            /* 0: none */
    int socket, messages; /* what it says on standard error */
    int64_t watchdog_ns, deadline_ns;
};

/* TCORE_FATAL: it cannot be started. */
enum tcore_status tcore_jq_process_start(struct tcore_jq_process *process, const char *path,
                                         int64_t watchdog_ns, struct tcore_error *err);
/* Kills what is left of it, and waits for it. */
void tcore_jq_process_stop(struct tcore_jq_process *process);

/* Sends a frame; its payload is in two parts. Sets the deadline of the answer. TCORE_FATAL: the
 * helper died or took too long; it is gone then. */
enum tcore_status tcore_jq_process_send(struct tcore_jq_process *process,
                                        struct tcore_jq_frame frame, const struct tcore_buf *first,
                                        const struct tcore_buf *second, struct tcore_error *err);
/* Receives a frame, its payload into payload (cleared before). */
enum tcore_status tcore_jq_process_receive(struct tcore_jq_process *process,
                                           struct tcore_jq_frame *frame, struct tcore_buf *payload,
                                           struct tcore_error *err);

#endif
