/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The shared log: many writers of few records each, one after the other under its lock.
 *
 * Two rules keep what is acknowledged from depending on a name that may be lost with the power:
 * who finds no shared log syncs the directory before it creates one, since the renaming of the last
 * one may not be on disk; and who finds one without entries syncs the directory before it adds the
 * first, since its creator may have died before that.
 */
#include "store/log_private.h"

#include "base/sys.h"
#include "store/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

/* Each try that fails is one in which another process has made progress. */
enum { TRIES = 10000 };

static enum tcore_status broken(int errnum, struct tcore_error *err)
{
    return tcore_error_errno(err, TCORE_FATAL, errnum, "cannot open the shared log");
}

/* Gives the log, whose lock is held, a name of its own, on disk. */
static enum tcore_status rotate(int dir, struct tcore_error *err)
{
    char name[LOG_FILE_NAME_MAX];
    if (tcore_log_draw_name(name) != 0 ||
        tcore_sys()->renameat(dir, LOG_SHARED_NAME, dir, name) != 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot rename the shared log");
    return tcore_sync_directory(dir, err);
}

/* Opens and locks the shared log and learns its size. TCORE_OK; TCORE_EOF: there is none;
 * TCORE_SKIP: it is none any more; TCORE_FATAL. */
static enum tcore_status open_locked(struct tcore_log *log, struct tcore_error *err)
{
    log->fd = tcore_open_regular(log->dir, LOG_SHARED_NAME, O_RDWR | O_APPEND);
    if (log->fd < 0)
        return errno == ENOENT ? TCORE_EOF : broken(errno, err);
    struct stat st;
    int named = -1;
    if (tcore_lock(log->fd, LOCK_EX) == 0)
        named = tcore_log_is_named(log->dir, LOG_SHARED_NAME, log->fd);
    if (named < 0 || tcore_sys()->fstat(log->fd, &st) != 0)
        return broken(errno, err);
    log->size = log->end = (uint64_t)st.st_size;
    return named ? TCORE_OK : TCORE_SKIP;
}

static bool is_full(const struct tcore_log *log, const struct tcore_log_limits *limits)
{
    int64_t age;
    if (log->size <= LOG_HEADER_BYTES)
        return false;
    if (!limits || log->size > limits->bytes)
        return true;
    return limits->age_ns &&
           !__builtin_sub_overflow(tcore_sys()->wall_ns(), log->header.created_ns, &age) &&
           age > limits->age_ns;
}

/* Whether entries can be added to the log behind what it has. TCORE_OK; TCORE_SKIP: it is to be
 * renamed; TCORE_FATAL. */
static enum tcore_status examine(struct tcore_log *log, struct tcore_error *err)
{
    unsigned char bytes[LOG_HEADER_BYTES];
    ptrdiff_t got = tcore_pread_all(log->fd, bytes, sizeof bytes, 0);
    if (got < 0)
        return broken(errno, err);
    if (got < (ptrdiff_t)sizeof bytes || tcore_log_get_header(bytes, &log->header, err) != TCORE_OK)
        return TCORE_SKIP;
    enum tcore_status status =
        tcore_log_find_tail(log->fd, log->header.id, log->size, &log->appended, err);
    log->written = log->durable = log->appended;
    return status;
}

static void give_up(struct tcore_log *log)
{
    if (log->fd >= 0)
        tcore_sys()->close(log->fd);
    log->fd = -1;
}

/* One try: TCORE_OK, TCORE_SKIP to try again, or TCORE_FATAL. */
static enum tcore_status try_open(struct tcore_log *log, const struct tcore_log_limits *limits,
                                  struct tcore_error *err)
{
    enum tcore_status status = open_locked(log, err);
    if (status == TCORE_EOF) {
        status = tcore_sync_directory(log->dir, err);
        return status ? status : tcore_log_make_file(log, LOG_SHARED_NAME, err);
    }
    if (status)
        return status;
    status = examine(log, err);
    if (status == TCORE_SKIP || (!status && is_full(log, limits))) {
        status = rotate(log->dir, err);
        return status ? status : TCORE_SKIP;
    }
    if (!status && log->size == LOG_HEADER_BYTES)
        status = tcore_sync_directory(log->dir, err);
    return status;
}

enum tcore_status tcore_log_open_shared(struct tcore_log **log, int dir,
                                        const struct tcore_log_limits *limits,
                                        struct tcore_error *err)
{
    *log = NULL;
    struct tcore_log *opened = tcore_log_new(dir);
    if (!opened)
        return tcore_error_nomem(err);
    strcpy(opened->name, LOG_SHARED_NAME);
    enum tcore_status status = TCORE_SKIP;
    for (unsigned n = 0; status == TCORE_SKIP && n < TRIES; n++) {
        status = try_open(opened, limits, err);
        if (status)
            give_up(opened);
    }
    if (!status) {
        *log = opened;
        return TCORE_OK;
    }
    tcore_log_free(opened);
    if (status == TCORE_SKIP)
        return tcore_error_set(err, TCORE_FATAL, "the shared log is renamed again and again");
    return status;
}

enum tcore_status tcore_log_rotate_shared(int dir, const struct tcore_log_limits *limits,
                                          struct tcore_error *err)
{
    struct tcore_log *log = tcore_log_new(dir);
    if (!log)
        return tcore_error_nomem(err);
    enum tcore_status status = open_locked(log, err);
    if (!status) {
        status = examine(log, err);
        if (status == TCORE_SKIP || (!status && is_full(log, limits)))
            status = rotate(dir, err);
        else if (!status)
            status = TCORE_EOF;
    } else if (status == TCORE_SKIP) {
        status = TCORE_OK; /* somebody has just done it */
    }
    tcore_log_free(log);
    return status;
}
