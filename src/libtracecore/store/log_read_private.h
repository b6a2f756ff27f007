/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A reader of an append log, as log_read.c and log_recover.c share it. */
#ifndef TRACECORE_STORE_LOG_READ_PRIVATE_H
#define TRACECORE_STORE_LOG_READ_PRIVATE_H

#include "base/buf.h"
#include "store/log_format.h"
#include "store/log_read.h"

#include <sys/types.h>

struct tcore_log_reader {
    int fd;
    char *name;
    struct log_header header;
    uint64_t size; /* of the file, as it was last looked at */
    dev_t device;  /* which file it is, whatever its name */
    ino_t inode;
    uint64_t offset;         /* where the next entry should be */
    uint64_t sequence;       /* of the last entry read */
    struct tcore_buf window; /* the bytes of the file from window_offset on */
    uint64_t window_offset;
    struct tcore_log_report report;
};

#pragma GCC visibility push(hidden)

/* Takes over the descriptor, also on failure. As tcore_log_reader_open(), but never TCORE_EOF. */
enum tcore_status tcore_log_reader_take(struct tcore_log_reader **reader, int fd, const char *name,
                                        struct tcore_error *err);

#pragma GCC visibility pop

#endif
