/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Append logs: what was written and is in no segment yet (REPO/open). The bytes are specified in
 * tracecore-repository(5), OPEN LOGS.
 *
 * A log is a file of entries, each with a kind, a number that counts them from 1 (the sequence),
 * and a payload: whole records as lines of NDJSON, as many as the caller likes. A private log has
 * one writer, which holds its flock() while it lives. The shared log is for writers of few records,
 * each of which holds its flock() from tcore_log_open_shared() to tcore_log_close().
 *
 * What tcore_log_commit() or tcore_log_sync() returned TCORE_OK for is on disk. What they did not
 * may be there too: an entry, never half of one. A failed write or sync is final: it cannot be
 * known what is on disk, so the log refuses everything after it with the same error.
 *
 * Functions of one log may be called by several threads, except close.
 */
#ifndef TRACECORE_STORE_LOG_H
#define TRACECORE_STORE_LOG_H

#include "base/error.h"

#include <stdint.h>
#include <stddef.h>

#define TCORE_LOG_PAYLOAD_MAX (UINT32_C(1) << 26) /* bytes of an entry */
#define TCORE_LOG_ID_BYTES    16
#define TCORE_LOG_RECORDS     1 /* the kind of entries whose payload is lines of NDJSON */

struct tcore_log;

/* Creates a private log in the directory, under a name of its own, and syncs both. The directory's
 * descriptor is borrowed until the log is closed. TCORE_OK or TCORE_FATAL, *log is then NULL. */
enum tcore_status tcore_log_create(struct tcore_log **log, int dir, struct tcore_error *err);

struct tcore_log_limits {
    uint64_t bytes; /* of the file: a log that is longer is full */
    int64_t age_ns; /* since it was created: a log that is older is full; 0: any age will do */
};

/*
 * Opens the shared log, creating it if there is none, and waits for its lock. A log that is full,
 * that another writer died in, or that is damaged at its end or beginning is renamed, to be sealed
 * by somebody, and a new one takes its place; nothing in it is changed.
 *
 * Costs the reading of the header and of the last entry (4 KiB if that is shorter), whatever the
 * length of the log. TCORE_OK, or TCORE_FATAL and *log is NULL.
 */
enum tcore_status tcore_log_open_shared(struct tcore_log **log, int dir,
                                        const struct tcore_log_limits *limits,
                                        struct tcore_error *err);

/* Renames the shared log, waiting for its lock, if it is full by these limits; with NULL, if it has
 * entries. TCORE_OK: there may be another log to be claimed now (store/log_recover.h).
 * TCORE_EOF: it stays. TCORE_FATAL. */
enum tcore_status tcore_log_rotate_shared(int dir, const struct tcore_log_limits *limits,
                                          struct tcore_error *err);

/*
 * Adds an entry: kind is TCORE_LOG_RECORDS, or the caller's up to 255, length 1 to
 * TCORE_LOG_PAYLOAD_MAX. It is in memory, or in the file but not on disk, until it is committed.
 * TCORE_OK, with its sequence (may be NULL); TCORE_SKIP: wrong kind or length, or no memory:
 * nothing was added, and others may be; TCORE_FATAL: the log has failed.
 */
enum tcore_status tcore_log_append(struct tcore_log *log, unsigned kind, const void *payload,
                                   size_t length, uint64_t *sequence, struct tcore_error *err);

/* Waits until that entry and all before it are on disk. Threads that wait at the same time share
 * one fdatasync(). TCORE_OK or TCORE_FATAL. */
enum tcore_status tcore_log_commit(struct tcore_log *log, uint64_t sequence,
                                   struct tcore_error *err);
/* The same of all entries added so far. */
enum tcore_status tcore_log_sync(struct tcore_log *log, struct tcore_error *err);
/* Writes all entries to the file, so that they survive the process, but not a loss of power. */
enum tcore_status tcore_log_flush(struct tcore_log *log, struct tcore_error *err);

const uint8_t *tcore_log_id(const struct tcore_log *log); /* TCORE_LOG_ID_BYTES; lives as long */
const char *tcore_log_name(const struct tcore_log *log);  /* in its directory; lives as long */

/* Flushes, unlocks and frees the log; it stays in its directory, to be claimed. TCORE_OK, or
 * TCORE_FATAL if the log has failed now or before: entries that were not committed may be lost. */
enum tcore_status tcore_log_close(struct tcore_log *log, struct tcore_error *err);

/* Removes a private log, whose entries are all on disk elsewhere (in a sealed segment), syncs the
 * directory and frees the log, also on failure: it may then be claimed. TCORE_OK or TCORE_FATAL. */
enum tcore_status tcore_log_remove(struct tcore_log *log, struct tcore_error *err);

#endif
