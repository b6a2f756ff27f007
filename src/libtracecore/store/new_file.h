/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file that has no name until all of it is on disk, so that whoever finds a name finds a whole
 * file, also after a loss of power. A name that exists is never replaced.
 *
 * The file is made with O_TMPFILE, and named through /proc. Where the file system has no O_TMPFILE,
 * it has a name of its own meanwhile, TCORE_NEW_FILE_PREFIX and 16 hexadecimal digits; a crash
 * leaves that behind, and tcore_new_file_sweep() takes it away.
 */
#ifndef TRACECORE_STORE_NEW_FILE_H
#define TRACECORE_STORE_NEW_FILE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define TCORE_NEW_FILE_PREFIX ".new-"

#pragma GCC visibility push(hidden)

struct tcore_new_file {
    int dir;  /* borrowed: a directory of the file system that it will be on */
    int into; /* borrowed: the directory that it will be in; dir, unless it is set to another */
    int fd;   /* to be written to, with the system table; -1: none */
    bool unsynced; /* nothing is synced when it is named: a loss of power may take it, or part of it
                    */
    char temporary[sizeof TCORE_NEW_FILE_PREFIX + 16]; /* "" while it has no name at all */
};

/* Opens a file of mode 0640 for reading and appending, with its flock() held exclusively. TCORE_OK,
 * or TCORE_FATAL with fd -1. */
enum tcore_status tcore_new_file_open(struct tcore_new_file *file, int dir,
                                      struct tcore_error *err);

/*
 * Syncs what was written, gives it the name and syncs the directory. TCORE_OK: it is on disk, and
 * file->fd is still open. TCORE_SKIP: there is a file of that name, and this one is dropped.
 * TCORE_FATAL: dropped too, except that after a failed sync of the directory (*named is true) the
 * name is there, and may be gone after a loss of power. named may be NULL.
 */
enum tcore_status tcore_new_file_link(struct tcore_new_file *file, const char *name, bool *named,
                                      struct tcore_error *err);

/* Closes the file, which is gone unless it was named; nothing if fd is -1. */
void tcore_new_file_drop(struct tcore_new_file *file);

/* Removes what crashes have left (no living process has a lock on it). TCORE_OK or TCORE_FATAL. */
enum tcore_status tcore_new_file_sweep(int dir, struct tcore_error *err);

/* Syncs a directory: what was named and unnamed in it is on disk. TCORE_OK or TCORE_FATAL. */
enum tcore_status tcore_sync_directory(int dir, struct tcore_error *err);

/* Opens a file that is there, without following links, and refuses what is no regular file. The
 * descriptor, or -1 and errno (EINVAL: no regular file). */
int tcore_open_regular(int dir, const char *name, int flags);

/* flock(), going on after interruptions. 0, or -1 and errno. */
int tcore_lock(int fd, int operation);

#pragma GCC visibility pop

#endif
