/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The logs of a repository as the end of a scan: what is in no segment yet, as chunks of lines.
 * They are opened before the segments are listed (store/log_read.h), each manifest that is opened
 * says what is sealed, and then the entries beyond that are given, as they were when the logs were
 * opened. For one thread at a time.
 */
#ifndef TRACECORE_STORE_SCAN_LOGS_H
#define TRACECORE_STORE_SCAN_LOGS_H

#include "store/repository.h"
#include "stream/input.h"

struct tcore_scan_logs {
    struct scan_log {
        struct tcore_log_reader *reader; /* owned; NULL: done with */
        uint64_t sealed;                 /* entries up to this are in segments */
        uint64_t end;                    /* of the file when it was opened */
        bool strange;                    /* it has entries of an unknown kind */
    } * log;
    size_t count, next;
    size_t chunk_bytes, line_limit;
    struct tcore_log_entry entry; /* the one at hand, */
    size_t at;                    /* and what was given of it; its length: all */
    struct tcore_error problem;   /* of opening them, to be told first; status TCORE_OK: none */
};

#pragma GCC visibility push(hidden)

/* Opens them in a zeroed struct. TCORE_FATAL: out of memory; whatever else is wrong is told by
 * tcore_scan_logs_next(). */
enum tcore_status tcore_scan_logs_open(struct tcore_scan_logs *logs,
                                       struct tcore_repository *repository,
                                       const struct tcore_input_options *options,
                                       struct tcore_error *err);
void tcore_scan_logs_close(struct tcore_scan_logs *logs);
/* Heeds the seals of a segment. */
void tcore_scan_logs_heed(struct tcore_scan_logs *logs, const struct tcore_manifest *manifest);
/*
 * Fills a chunk with lines: its data, length, overlong and lines. TCORE_EOF: that was all;
 * TCORE_BAD_INPUT: a log is damaged, as err says in a sentence that names it; the next call goes
 * on; TCORE_FATAL: out of memory.
 */
enum tcore_status tcore_scan_logs_next(struct tcore_scan_logs *logs, struct tcore_chunk *chunk,
                                       struct tcore_error *err);

#pragma GCC visibility pop

#endif
