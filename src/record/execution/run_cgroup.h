/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A control group (version 2) of its own for a command, below ours, which must have been delegated
 * to us: then the kernel counts the CPU time of whatever was in it, and knows who belongs to it
 * even if all of its parents have ended. Where we are alone in ours, we step aside, so that memory
 * and IO can be accounted, too.
 */
#ifndef RECORD_EXECUTION_RUN_CGROUP_H
#define RECORD_EXECUTION_RUN_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct run_cgroup {
    int ours;   /* folder of the group that we are in; -1: none was made */
    int folder; /* of the one that was made */
    char name[32];
    bool aside; /* we are in a third one, beside it */
};

/* What the group has used since it was made; -1: it does not say. */
struct run_cgroup_usage {
    int64_t user_ns, system_ns;
    int64_t memory_bytes;
    int64_t read_bytes, write_bytes;
};

/* Makes one. False: there is no version 2, or ours was not delegated. */
bool run_cgroup_open(struct run_cgroup *cgroup);
/* A fork whose child is in the group from the beginning; -1 and errno: there is no process. */
pid_t run_cgroup_fork(const struct run_cgroup *cgroup);
/* Calls take for each process in the folder of a group, and in those below it. */
void run_cgroup_processes(int folder, void (*take)(void *context, pid_t pid), void *context);
void run_cgroup_read(int folder, struct run_cgroup_usage *usage);
/* Removes it. What goes on in it, goes on in ours. */
void run_cgroup_close(struct run_cgroup *cgroup);

#endif
