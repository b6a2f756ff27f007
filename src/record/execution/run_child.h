/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One command as a child process: started, watched and waited for. */
#ifndef RECORD_EXECUTION_RUN_CHILD_H
#define RECORD_EXECUTION_RUN_CHILD_H

#include "cli/verb.h"
#include "record/context.h"
#include "record/execution/run_cgroup.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

struct child {
    pid_t pid;
    int exec_errnum; /* why the command could not be executed; 0: it was */
    int signals;     /* a signalfd: SIGCHLD and what is passed on */
    sigset_t before; /* the signal mask to give back */
    bool ignored;    /* SIGCHLD was, and will be by the command */
    /* once it has ended */
    int wait_errnum; /* why nothing is known of that; 0: it is */
    int wait_status;
    struct rusage usage;
};

/* What the child finds in its environment. */
struct child_context {
    const char *traceparent, *tracestate; /* tracestate NULL: none */
    const char *destination;              /* TRACE_TO */
};

/* Starts argv (NULL-terminated), in that control group if there is one and the system lets us;
 * else its folder is closed. TCORE_FATAL: there is no process; err says why. The command
 * itself may still have failed to start: exec_errnum, and there is nothing to wait for. */
enum tcore_status child_start(struct child *child, struct cli *cli, char **argv,
                              const struct child_context *context, struct run_cgroup *cgroup,
                              struct tcore_error *err);
/* Waits until the child has ended (true), or that time (monotonic ns, INT64_MAX: none) has come.
 * Signals that arrive are passed on. */
bool child_wait(struct child *child, int64_t until_ns);
/* Once the child has ended: waits until the descriptor is readable; false: that time has come, or
 * somebody wants us to end. */
bool child_wait_for(const struct child *child, int fd, int64_t until_ns);
void child_close(struct child *child);

#endif
