/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small files that the system makes up: of /proc, /sys and the like. */
#ifndef RECORD_METRIC_PROC_FILE_H
#define RECORD_METRIC_PROC_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads a file whole, as far as there is room, and ends it with a NUL. Its length, or -1 if it is
 * not there or cannot be read. */
ssize_t proc_read(int folder, const char *path, char *buffer, size_t size);
/* What is behind the name in /proc/PID/stat, which may hold anything: from the state on. NULL:
 * there is no such process any more. */
const char *proc_stat_fields(pid_t pid, char *buffer, size_t size);
/* When a process began, in clock ticks since the system did. False: there is none, or it is dead.
 */
bool proc_started(pid_t pid, uint64_t *ticks);

#endif
