/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Giving up everything that evaluating an expression does not need. */
#ifndef TRACECORE_JQ_HELPER_SANDBOX_H
#define TRACECORE_JQ_HELPER_SANDBOX_H

/*
 * From here on this process has no environment, opens no files, creates no processes, has no more
 * than so much address space, and dies with the thread that started it. Each layer that the system
 * lacks (Landlock, seccomp) is left out; the resource limits always hold. Returns 0, or -1 if even
 * they could not be set.
 */
int sandbox_enter(unsigned long memory_bytes);

#endif
