/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Appending to a file that several processes write lines to. */
#ifndef CLI_APPEND_H
#define CLI_APPEND_H

#include <stddef.h>
#include <sys/types.h>

/* Opens or makes a file to append to; -1 and errno. */
int cli_append_open(const char *path, mode_t mode);
/*
 * Appends whole lines in one piece, under an exclusive lock where there are locks. A line that was
 * torn, as by a power cut, is ended first; what a full disk cuts short is taken back. 0, or errno.
 */
int cli_append(int fd, const char *lines, size_t length);

#endif
