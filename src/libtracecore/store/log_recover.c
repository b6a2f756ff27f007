/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Claiming logs that are abandoned, quarantine of what is no entry in them, and their removal. */
#include "store/log_recover.h"

#include "base/sys.h"
#include "store/log_read_private.h"
#include "store/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

enum { COPY_BYTES = 64 << 10, QUARANTINE_TRIES = 1000, QUARANTINE_NAME_MAX = 256 };

struct tcore_log_claim {
    int dir; /* borrowed */
    bool complete;
    struct tcore_error failure;      /* final: what was not copied would not be looked at again */
    struct tcore_log_reader *reader; /* its descriptor holds the lock */
};

enum tcore_status tcore_log_claim(struct tcore_log_claim **claim, int dir, const char *name,
                                  struct tcore_error *err)
{
    *claim = NULL;
    if (!strcmp(name, LOG_SHARED_NAME))
        return TCORE_EOF;
    int fd = tcore_open_regular(dir, name, O_RDONLY);
    if (fd < 0 && errno == ENOENT)
        return TCORE_EOF;
    if (fd < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot open the log %s", name);
    enum tcore_status status = TCORE_OK;
    int named = -1;
    if (tcore_lock(fd, LOCK_EX | LOCK_NB) == 0)
        named = tcore_log_is_named(dir, name, fd);
    else if (errno == EWOULDBLOCK)
        named = 0;
    if (named < 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot lock the log %s", name);
    else if (!named)
        status = TCORE_EOF;
    else
        status = tcore_sync_directory(dir, err); /* who renamed it may have died before */
    if (status) {
        tcore_sys()->close(fd);
        return status;
    }
    struct tcore_log_reader *reader;
    status = tcore_log_reader_take(&reader, fd, name, err);
    if (status)
        return status;
    struct tcore_log_claim *made = tcore_calloc(1, sizeof *made);
    if (!made) {
        tcore_log_reader_close(reader);
        return tcore_error_nomem(err);
    }
    made->dir = dir;
    made->reader = reader;
    *claim = made;
    return TCORE_OK;
}

/* Whether the file of that name has exactly these bytes of the log: 1, 0, or -1 and errno. */
static int is_copy(int quarantine, const char *name, const struct tcore_log_reader *r,
                   uint64_t offset, uint64_t bytes, char *buffer)
{
    int fd = tcore_open_regular(quarantine, name, O_RDONLY);
    if (fd < 0)
        return errno == EINVAL || errno == ELOOP ? 0 : -1;
    struct stat st;
    int same = tcore_sys()->fstat(fd, &st) != 0 ? -1 : (uint64_t)st.st_size == bytes;
    for (uint64_t done = 0; same == 1 && done < bytes;) {
        size_t part = bytes - done < COPY_BYTES ? (size_t)(bytes - done) : COPY_BYTES;
        ptrdiff_t got = tcore_pread_all(fd, buffer, part, done);
        ptrdiff_t had = tcore_pread_all(r->fd, buffer + COPY_BYTES, part, offset + done);
        if (got < 0 || had < 0)
            same = -1;
        else if (got != (ptrdiff_t)part || had != got || memcmp(buffer, buffer + COPY_BYTES, part))
            same = 0;
        done += part;
    }
    int reason = errno;
    tcore_sys()->close(fd);
    errno = reason;
    return same;
}

static enum tcore_status copy(const struct tcore_log_reader *r, uint64_t offset, uint64_t bytes,
                              int fd, char *buffer, struct tcore_error *err)
{
    for (uint64_t done = 0; done < bytes;) {
        size_t part = bytes - done < COPY_BYTES ? (size_t)(bytes - done) : COPY_BYTES;
        ptrdiff_t got = tcore_pread_all(r->fd, buffer, part, offset + done);
        if (got != (ptrdiff_t)part)
            return tcore_error_errno(err, TCORE_FATAL, got < 0 ? errno : EIO,
                                     "cannot read the log %s", r->name);
        if (tcore_write_all(fd, buffer, part) != 0)
            return tcore_error_errno(err, TCORE_FATAL, errno,
                                     "cannot write to the quarantine of the log %s", r->name);
        done += part;
    }
    return TCORE_OK;
}

/* One try to have the bytes under that name: TCORE_OK; TCORE_SKIP: other bytes have it. */
static enum tcore_status quarantine_as(int quarantine, const char *name,
                                       const struct tcore_log_reader *r, uint64_t offset,
                                       uint64_t bytes, char *buffer, struct tcore_error *err)
{
    struct tcore_new_file file;
    enum tcore_status status = tcore_new_file_open(&file, quarantine, err);
    if (status)
        return status;
    status = copy(r, offset, bytes, file.fd, buffer, err);
    if (!status)
        status = tcore_new_file_link(&file, name, NULL, err);
    tcore_new_file_drop(&file);
    if (status != TCORE_SKIP)
        return status;
    int same = is_copy(quarantine, name, r, offset, bytes, buffer);
    if (same < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot read %s in the quarantine", name);
    /* From a claim that came to no end, maybe not even to the syncing of the directory. */
    return same ? tcore_sync_directory(quarantine, err) : TCORE_SKIP;
}

static enum tcore_status quarantine_range(int quarantine, const struct tcore_log_reader *r,
                                          uint64_t offset, uint64_t bytes, struct tcore_error *err)
{
    char name[QUARANTINE_NAME_MAX];
    char *buffer = tcore_malloc((size_t)2 * COPY_BYTES);
    if (!buffer)
        return tcore_error_nomem(err);
    enum tcore_status status = TCORE_SKIP;
    for (unsigned n = 0; status == TCORE_SKIP && n < QUARANTINE_TRIES; n++) {
        int length = snprintf(name, sizeof name, n ? "%s.%llu.%u" : "%s.%llu", r->name,
                              (unsigned long long)offset, n);
        if (length >= (int)sizeof name)
            status = tcore_error_set(err, TCORE_FATAL, "the name %s is too long", r->name);
        else
            status = quarantine_as(quarantine, name, r, offset, bytes, buffer, err);
    }
    tcore_free(buffer);
    if (status == TCORE_SKIP)
        return tcore_error_set(err, TCORE_FATAL, "there is no name left in the quarantine for %s",
                               r->name);
    return status;
}

enum tcore_status tcore_log_recover(struct tcore_log_claim *claim, int quarantine,
                                    struct tcore_log_entry *entry, struct tcore_error *err)
{
    struct tcore_log_reader *r = claim->reader;
    enum tcore_status status = claim->failure.status;
    while (!status) {
        status = tcore_log_read(r, entry, &claim->failure);
        if (!status)
            return TCORE_OK;
        if (status == TCORE_SKIP)
            status = quarantine_range(quarantine, r, entry->offset, entry->length, &claim->failure);
        if (!status)
            claim->failure.status = TCORE_OK; /* set by the damage that was read over */
    }
    if (status == TCORE_EOF && !claim->complete && r->report.torn_bytes) {
        status = quarantine_range(quarantine, r, r->report.torn_offset, r->report.torn_bytes,
                                  &claim->failure);
        status = status ? status : TCORE_EOF;
    }
    tcore_buf_free(&r->window); /* claims may be held for long after this */
    if (status == TCORE_EOF) {
        claim->complete = true;
        claim->failure.status = TCORE_OK;
        return TCORE_EOF;
    }
    if (err)
        *err = claim->failure;
    return status;
}

const struct tcore_log_report *tcore_log_claim_report(const struct tcore_log_claim *claim)
{
    return &claim->reader->report;
}

struct tcore_log_seal tcore_log_claim_seal(const struct tcore_log_claim *claim)
{
    struct tcore_log_seal seal = {.last_sequence = claim->reader->sequence};
    memcpy(seal.id, claim->reader->header.id, TCORE_LOG_ID_BYTES);
    return seal;
}

void tcore_log_release(struct tcore_log_claim *claim)
{
    if (!claim)
        return;
    tcore_log_reader_close(claim->reader);
    tcore_free(claim);
}

enum tcore_status tcore_log_discard(struct tcore_log_claim *claim, struct tcore_error *err)
{
    enum tcore_status status = TCORE_OK;
    const char *name = claim->reader->name;
    if (!claim->complete)
        status = tcore_error_set(err, TCORE_FATAL, "the log %s was not read to its end", name);
    else if (tcore_sys()->unlinkat(claim->dir, name, 0) != 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot remove the log %s", name);
    else
        status = tcore_sync_directory(claim->dir, err);
    tcore_log_release(claim);
    return status;
}
