/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The libjq helper as a process: frames to and from it under a deadline. */
#ifndef TRACECORE_QUERY_JQ_PROCESS_H
#define TRACECORE_QUERY_JQ_PROCESS_H

#include "base/buf.h"
#include "base/error.h"
#include "base/helper.h"
#include "query/jq_protocol.h"

/* TCORE_FATAL: it cannot be started. */
enum tcore_status tcore_jq_process_start(struct tcore_helper *process, const char *path,
                                         int64_t watchdog_ns, struct tcore_error *err);

/* Sends a frame; its payload is in two parts. Sets the deadline of the answer. TCORE_FATAL: the
 * helper died or took too long; it is gone then. */
enum tcore_status tcore_jq_process_send(struct tcore_helper *process, struct tcore_jq_frame frame,
                                        const struct tcore_buf *first,
                                        const struct tcore_buf *second, struct tcore_error *err);
/* Receives a frame, its payload into payload (cleared before). */
enum tcore_status tcore_jq_process_receive(struct tcore_helper *process,
                                           struct tcore_jq_frame *frame, struct tcore_buf *payload,
                                           struct tcore_error *err);

#endif
