/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writing an append log. Entries gather in memory; one thread at a time, without the lock, writes
 * what has gathered and syncs it, and those that wait meanwhile are served by the next one at once.
 */
#include "store/log.h"

#include "base/sys.h"
#include "store/log_private.h"
#include "store/new_file.h"

#include <errno.h>
#include <string.h>

/* Beyond this a thread that adds writes what has gathered, and waits if another one is writing. */
enum { PENDING_BYTES = 256 << 10 };

struct tcore_log *tcore_log_new(int dir)
{
    struct tcore_log *log = tcore_calloc(1, sizeof *log);
    if (!log)
        return NULL;
    log->dir = dir;
    log->fd = -1;
    pthread_mutex_init(&log->lock, NULL); /* neither can fail with default attributes */
    pthread_cond_init(&log->turn, NULL);
    return log;
}

void tcore_log_free(struct tcore_log *log)
{
    if (log->fd >= 0)
        tcore_sys()->close(log->fd);
    pthread_cond_destroy(&log->turn);
    pthread_mutex_destroy(&log->lock);
    tcore_buf_free(&log->pending);
    tcore_buf_free(&log->writing);
    tcore_free(log);
}

enum tcore_status tcore_log_make_file(struct tcore_log *log, const char *name,
                                      struct tcore_error *err)
{
    unsigned char bytes[LOG_HEADER_BYTES];
    struct tcore_new_file file;
    if (tcore_sys()->random(log->header.id, sizeof log->header.id) != 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "no randomness for a log");
    log->header.created_ns = tcore_sys()->wall_ns();
    tcore_log_put_header(&log->header, bytes);
    enum tcore_status status = tcore_new_file_open(&file, log->dir, err);
    if (status)
        return status;
    if (tcore_write_all(file.fd, bytes, sizeof bytes) != 0) {
        int reason = errno;
        tcore_new_file_drop(&file);
        return tcore_error_errno(err, TCORE_FATAL, reason, "cannot write to the new log %s", name);
    }
    status = tcore_new_file_link(&file, name, NULL, err);
    if (status) {
        tcore_new_file_drop(&file);
        return status;
    }
    log->fd = file.fd;
    log->size = log->end = LOG_HEADER_BYTES;
    log->appended = log->written = log->durable = 0; /* not those of a log looked at before */
    strcpy(log->name, name);
    return TCORE_OK;
}

enum tcore_status tcore_log_create(struct tcore_log **log, int dir, struct tcore_error *err)
{
    char name[LOG_FILE_NAME_MAX];
    *log = NULL;
    struct tcore_log *made = tcore_log_new(dir);
    if (!made)
        return tcore_error_nomem(err);
    enum tcore_status status;
    if (tcore_log_draw_name(name) != 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "no name for a log");
    else
        status = tcore_log_make_file(made, name, err);
    if (status) {
        tcore_log_free(made);
        return TCORE_FATAL; /* a name of random digits that is taken is none, too */
    }
    made->synced = true;
    *log = made;
    return TCORE_OK;
}

const uint8_t *tcore_log_id(const struct tcore_log *log)
{
    return log->header.id;
}

const char *tcore_log_name(const struct tcore_log *log)
{
    return log->name;
}

static enum tcore_status failed(const struct tcore_log *log, struct tcore_error *err)
{
    if (log->failure.status && err)
        *err = log->failure;
    return log->failure.status;
}

/* Writes the gathered bytes. What a write that failed has left is cut off again; if that fails
 * too, whoever opens the log next finds a torn end. */
static enum tcore_status write_out(struct tcore_log *log, struct tcore_error *err)
{
    if (!log->writing.length)
        return TCORE_OK;
    if (tcore_write_all(log->fd, log->writing.data, log->writing.length) == 0) {
        log->size += log->writing.length;
        return TCORE_OK;
    }
    int reason = errno;
    int cut = tcore_sys()->ftruncate(log->fd, (off_t)log->size);
    return tcore_error_errno(err, TCORE_FATAL, reason, "cannot write to the log %s%s", log->name,
                             cut == 0 ? "" : ", whose end is torn now");
}

/* Writes all that was added so far, and syncs it if that is wanted. Called with the lock, when
 * nobody is busy; returns with it. */
static void work(struct tcore_log *log, bool sync)
{
    struct tcore_error err = {0};
    struct tcore_buf swap = log->writing;
    log->writing = log->pending;
    log->pending = swap;
    uint64_t target = log->appended;
    log->busy = true;
    pthread_mutex_unlock(&log->lock);

    enum tcore_status status = write_out(log, &err);
    if (!status && sync && tcore_sys()->fdatasync(log->fd) != 0)
        status = tcore_error_errno(&err, TCORE_FATAL, errno, "cannot sync the log %s", log->name);
    tcore_buf_clear(&log->writing);

    pthread_mutex_lock(&log->lock);
    log->busy = false;
    if (status) {
        log->failure = err;
    } else {
        log->written = target;
        if (sync) {
            log->durable = target;
            log->synced = true;
        }
    }
    pthread_cond_broadcast(&log->turn);
}

static enum tcore_status add(struct tcore_log *log, const struct log_head *entry,
                             const void *payload, struct tcore_error *err)
{
    size_t bytes = (size_t)log_entry_bytes(entry->length);
    char *room = tcore_buf_reserve(&log->pending, bytes);
    if (!room) {
        log->pending.failed = false; /* nothing was lost: what is in it stays good */
        tcore_error_nomem(err);
        if (err)
            err->status = TCORE_SKIP;
        return TCORE_SKIP;
    }
    tcore_log_put_entry(log->header.id, log->end, entry, payload, room);
    log->end += bytes;
    log->pending.length += bytes;
    log->appended = entry->sequence;
    return TCORE_OK;
}

enum tcore_status tcore_log_append(struct tcore_log *log, unsigned kind, const void *payload,
                                   size_t length, uint64_t *sequence, struct tcore_error *err)
{
    if (!kind || kind > UINT8_MAX)
        return tcore_error_set(err, TCORE_SKIP, "no kind of an entry of a log: %u", kind);
    if (!length || length > TCORE_LOG_PAYLOAD_MAX)
        return tcore_error_set(err, TCORE_SKIP, "an entry of a log has 1 to %u bytes, not %zu",
                               (unsigned)TCORE_LOG_PAYLOAD_MAX, length);
    pthread_mutex_lock(&log->lock);
    while (!log->failure.status && log->pending.length >= PENDING_BYTES) {
        if (log->busy)
            pthread_cond_wait(&log->turn, &log->lock);
        else
            work(log, false);
    }
    enum tcore_status status = failed(log, err);
    if (!status) {
        struct log_head entry = {(uint32_t)length, kind, log->appended + 1};
        status = add(log, &entry, payload, err);
        if (!status && sequence)
            *sequence = entry.sequence;
    }
    pthread_mutex_unlock(&log->lock);
    return status;
}

enum tcore_status tcore_log_commit(struct tcore_log *log, uint64_t sequence,
                                   struct tcore_error *err)
{
    pthread_mutex_lock(&log->lock);
    while (!log->failure.status && (log->durable < sequence || !log->synced)) {
        if (log->busy)
            pthread_cond_wait(&log->turn, &log->lock);
        else
            work(log, true);
    }
    /* What was synced before the failure is still on disk. */
    enum tcore_status status =
        log->synced && log->durable >= sequence ? TCORE_OK : failed(log, err);
    pthread_mutex_unlock(&log->lock);
    return status;
}

/* Waits until all entries added so far are in the file. Called with the lock. */
static enum tcore_status write_all(struct tcore_log *log, struct tcore_error *err)
{
    uint64_t target = log->appended;
    while (!log->failure.status && log->written < target) {
        if (log->busy)
            pthread_cond_wait(&log->turn, &log->lock);
        else
            work(log, false);
    }
    return failed(log, err);
}

enum tcore_status tcore_log_flush(struct tcore_log *log, struct tcore_error *err)
{
    pthread_mutex_lock(&log->lock);
    enum tcore_status status = write_all(log, err);
    pthread_mutex_unlock(&log->lock);
    return status;
}

enum tcore_status tcore_log_sync(struct tcore_log *log, struct tcore_error *err)
{
    pthread_mutex_lock(&log->lock);
    uint64_t sequence = log->appended;
    enum tcore_status status = failed(log, err);
    pthread_mutex_unlock(&log->lock);
    return status ? status : tcore_log_commit(log, sequence, err);
}

enum tcore_status tcore_log_close(struct tcore_log *log, struct tcore_error *err)
{
    if (!log)
        return TCORE_OK;
    enum tcore_status status = tcore_log_flush(log, err);
    int fd = log->fd;
    log->fd = -1;
    if (tcore_sys()->close(fd) != 0 && !status && errno != EINTR)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot close the log %s", log->name);
    tcore_log_free(log);
    return status;
}

enum tcore_status tcore_log_remove(struct tcore_log *log, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    /* The lock is given up last: nobody can claim what has no name any more. */
    if (tcore_sys()->unlinkat(log->dir, log->name, 0) != 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot remove the log %s", log->name);
    else
        status = tcore_sync_directory(log->dir, err);
    tcore_log_free(log);
    return status;
}
