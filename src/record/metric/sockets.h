/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the TCP sockets of processes have received and sent, from the kernel's socket statistics
 * (sock_diag(7)): bytes of data, as far as the other side has acknowledged them. A connection
 * counts with what it had when it was last looked at, so one that comes and goes in between does
 * not. Only sockets of our own network namespace can be seen, and only of processes that we may
 * look into.
 */
#ifndef RECORD_METRIC_SOCKETS_H
#define RECORD_METRIC_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct sockets;

/* Sockets that we have now ourselves are counted from now on. NULL: out of memory. */
struct sockets *sockets_new(void);
void sockets_free(struct sockets *sockets);
/* Adds the sockets of a process to those that are looked at. */
void sockets_add(struct sockets *sockets, pid_t pid);
/* Looks at them. False: there was none so far, or the system does not tell. */
bool sockets_take(struct sockets *sockets, int64_t *received, int64_t *sent);

#endif
