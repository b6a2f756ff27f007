/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What run records, sent to a URL by a thread of its own: a receiver that does not answer must keep
 * neither the command nor its signals waiting.
 */
#ifndef RECORD_EXECUTION_RUN_SENDER_H
#define RECORD_EXECUTION_RUN_SENDER_H

#include "base/buf.h"
#include "cli/verb.h"

struct run_sender;

/* NULL: there can be no thread. cli and url outlive it; signals must be blocked. */
struct run_sender *run_sender_new(struct cli *cli, const char *url);
/* Has lines of records sent. Beyond a megabyte that waits they are left out, and counted. */
void run_sender_put(struct run_sender *sender, const struct tcore_buf *lines);
/* No more comes. A descriptor that is readable once all has been sent, or given up. */
int run_sender_end(struct run_sender *sender);
/* Once that is so: frees it; TCORE_FATAL: not all was sent, err says why first. */
enum tcore_status run_sender_free(struct run_sender *sender, struct tcore_error *err);

#endif
