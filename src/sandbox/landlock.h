/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Landlock: what a process gives up of the file system and of TCP, by itself and for good, with its
 * threads and children that come later. Kernels before 5.13 do not have it, and some are built or
 * started without.
 */
#ifndef TRACECORE_SANDBOX_LANDLOCK_H
#define TRACECORE_SANDBOX_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>

/* No path can be opened any more, and no socket bound or connected. Whether the kernel has it. */
bool landlock_close_all(void);
/*
 * Nothing can be written, made, renamed or removed but at the paths and beneath them, and no TCP
 * socket be bound or connected; what can be read stays. 0; 1: the kernel lacks it (version 2 is
 * wanted, which can move files between folders); -1: errno says why not.
 */
int landlock_write_beneath(const char *const *paths, size_t count);

#endif
