/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A helper as a process: a program that does in isolation what could crash or hang. It has one end
 * of a socket as its standard input and output, and a pipe as its standard error. Every exchange
 * has a deadline. Private to the library and to programs that start helpers of their own.
 *
 * It is started by posix_spawn, which is safe in a threaded program, in a process group of its own,
 * so that a terminal's interrupt, which the program answers by finishing what it has, does not hit
 * the helper. For one thread at a time.
 */
#ifndef TRACECORE_BASE_HELPER_H
#define TRACECORE_BASE_HELPER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tcore_helper {
    pid_t pid;            /* 0: none, or gone */
    int socket, messages; /* messages: what it says on standard error; -1: closed */
    int64_t watchdog_ns, deadline_ns;
    int wait_status; /* of waitpid, once it has died */
    char words[160]; /* the first line that it left on standard error then, "" if there is none */
};

enum tcore_helper_end {
    TCORE_HELPER_WELL,
    TCORE_HELPER_DIED,  /* see wait_status and words */
    TCORE_HELPER_SLOW,  /* the deadline came first: it was killed */
    TCORE_HELPER_BROKEN /* errno: it cannot be talked to */
};

/* Starts the program at path; argv is NULL-terminated, its environment is empty. 0 or an error
 * number. */
int tcore_helper_start(struct tcore_helper *helper, const char *path, char *const *argv,
                       int64_t watchdog_ns);
/* Kills what is left of it, and waits for it. */
void tcore_helper_stop(struct tcore_helper *helper);
/* Kills it, and waits for it; its descriptors stay. */
void tcore_helper_kill(struct tcore_helper *helper);
/* Begins an exchange: the deadline is a watchdog's time from now. */
void tcore_helper_begin(struct tcore_helper *helper);
/* Sends, or receives, so many bytes. Anything but WELL: it is gone, or to be stopped. */
enum tcore_helper_end tcore_helper_send(struct tcore_helper *helper, const void *data,
                                        size_t bytes);
enum tcore_helper_end tcore_helper_receive(struct tcore_helper *helper, void *data, size_t bytes);

#endif
