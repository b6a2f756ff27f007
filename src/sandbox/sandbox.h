/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Giving up everything that computing does not need: for helpers that meet what others wrote. */
#ifndef TRACECORE_SANDBOX_SANDBOX_H
#define TRACECORE_SANDBOX_SANDBOX_H

enum {
    SANDBOX_FILES = 1, /* Landlock: no path can be opened */
    SANDBOX_CALLS = 2, /* seccomp: system calls by a list */
    SANDBOX_WHOLE = 3
};

/*
 * From here on this process has no environment, opens no files, creates no processes, has no more
 * than so much address space (0: any), and dies with the thread that started it. Returns the layers
 * in force of those that a system may lack; the resource limits always hold. -1: even they could
 * not be set.
 */
int sandbox_enter(unsigned long memory_bytes);

#endif
