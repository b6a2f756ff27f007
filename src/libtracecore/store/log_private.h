/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An append log being written, as the files log*.c share it. */
#ifndef TRACECORE_STORE_LOG_PRIVATE_H
#define TRACECORE_STORE_LOG_PRIVATE_H

#include "base/buf.h"
#include "store/log.h"
#include "store/log_format.h"

#include <pthread.h>
#include <stdbool.h>

struct tcore_log {
    int dir; /* borrowed */
    int fd;
    char name[LOG_FILE_NAME_MAX];
    struct log_header header;
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t turn;  /* busy or failure has changed */
    bool busy;            /* a thread writes or syncs, without the lock */
    struct tcore_buf pending, writing;
    uint64_t size;     /* of the file, up to the end of the last write that succeeded */
    uint64_t end;      /* of the file, when all that was added is in it */
    uint64_t appended; /* sequence of the last entry added */
    uint64_t written;  /* ... and in the file */
    uint64_t durable;  /* ... and on disk */
    bool synced;       /* false in the shared log until one sync: others' entries may not be */
    struct tcore_error failure; /* its status is TCORE_OK while the log lives */
};

#pragma GCC visibility push(hidden)

/* A log without a file yet; NULL without memory. */
struct tcore_log *tcore_log_new(int dir);
void tcore_log_free(struct tcore_log *log); /* closes fd unless it is -1 */
/* Creates the file of the log: header written and synced, locked, named and the directory synced.
 * TCORE_OK; TCORE_SKIP: the name is taken; TCORE_FATAL. */
enum tcore_status tcore_log_make_file(struct tcore_log *log, const char *name,
                                      struct tcore_error *err);

#pragma GCC visibility pop

#endif
