/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file of the audit log: opening, locking, its last record, and reading it line by line. */
#include "base/sys.h"
#include "store/audit_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum {
    TAIL_BYTES = 3 * TCORE_AUDIT_LINE_BYTES, /* what is looked at to find the last record */
    LEFT_BYTES = 2 * TCORE_AUDIT_LINE_BYTES  /* more than this behind it is no crash's doing */
};

int tcore_audit_pread(int fd, char *data, size_t bytes, uint64_t offset)
{
    while (bytes) {
        ssize_t got = tcore_sys()->pread(fd, data, bytes, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            errno = EIO;
        if (got <= 0)
            return -1;
        data += got;
        bytes -= (size_t)got;
        offset += (size_t)got;
    }
    return 0;
}

int tcore_audit_lock(int fd, int operation)
{
    int done;

    do
        done = tcore_sys()->flock(fd, operation);
    while (done < 0 && errno == EINTR);
    return done;
}

static enum tcore_status check_file(int fd, const char *path, uint64_t *size,
                                    struct tcore_error *err)
{
    struct stat st;

    if (tcore_sys()->fstat(fd, &st) != 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot look at %s", path);
    if (!S_ISREG(st.st_mode))
        return tcore_error_set(err, TCORE_BAD_INPUT, "%s is no regular file", path);
    *size = (uint64_t)st.st_size;
    return TCORE_OK;
}

enum tcore_status tcore_audit_open(int dirfd, const char *path, int flags, int *fd, uint64_t *size,
                                   struct tcore_error *err)
{
    *size = 0;
    *fd = tcore_sys()->openat(dirfd, path, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                              0640);
    if (*fd < 0 && errno == ENOENT)
        return TCORE_EOF;
    if (*fd < 0 && errno == ELOOP)
        return tcore_error_set(err, TCORE_BAD_INPUT, "%s is a symbolic link", path);
    if (*fd < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot open %s", path);
    enum tcore_status status = check_file(*fd, path, size, err);
    if (status != TCORE_OK) {
        tcore_sys()->close(*fd);
        *fd = -1;
    }
    return status;
}

/* --- The last record */

struct tail {
    struct tcore_buf bytes;
    uint64_t start; /* of bytes in the file */
    size_t good;    /* where in bytes the last record ends, its newline included */
    struct tcore_audit_place last;
};

static enum tcore_status read_tail(int fd, uint64_t size, struct tail *tail,
                                   struct tcore_error *err)
{
    size_t bytes = size < TAIL_BYTES ? (size_t)size : TAIL_BYTES;
    char *room = tcore_buf_reserve(&tail->bytes, bytes + 1);

    if (!room)
        return tcore_error_nomem(err);
    tail->start = size - bytes;
    if (tcore_audit_pread(fd, room, bytes, tail->start) != 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot read the audit log");
    tail->bytes.length = bytes;
    return TCORE_OK;
}

/* The record in the line that ends (with its newline) at *end; *end is moved to where it begins.
 * TCORE_EOF: there is no line, or its beginning was not read. TCORE_SKIP: it is no record. */
static enum tcore_status record_before(const struct tcore_sodium *sodium, struct tcore_json *json,
                                       const struct tail *tail, size_t *end,
                                       struct audit_record *record)
{
    const char *text = tail->bytes.data;

    if (!*end)
        return TCORE_EOF;
    size_t stop = *end - 1;
    const char *newline = stop ? memrchr(text, '\n', stop) : NULL;
    if (!newline && tail->start)
        return TCORE_EOF;
    *end = newline ? (size_t)(newline - text) + 1 : 0;
    if (stop - *end > TCORE_AUDIT_LINE_BYTES || text[stop] != '\n')
        return TCORE_SKIP;
    return tcore_audit_parse_record(sodium, json, text + *end, stop - *end, record);
}

static bool is_behind(const struct audit_record *record, const struct tcore_audit_place *place)
{
    return record->intact && record->place.sequence == place->sequence + 1 &&
           strcmp(record->previous, place->hash) == 0;
}

/*
 * Looks for the last record that is whole and behind the record in the line before it: what a crash
 * has left may have pieces of other lines in it that look like records. Who edits the last records
 * has them set aside in the same way; cutting them off would have been less conspicuous.
 */
static enum tcore_status find_last(const struct tcore_sodium *sodium, struct tail *tail,
                                   struct tcore_error *err)
{
    struct tcore_json json = {0};
    struct audit_record record, before;
    size_t end = tail->bytes.length;
    bool found = false;
    enum tcore_status status = TCORE_SKIP;

    while (!found && (status == TCORE_OK || status == TCORE_SKIP)) {
        size_t begin = end;

        status = record_before(sodium, &json, tail, &begin, &record);
        if (status == TCORE_OK) {
            size_t first = begin;

            tail->good = end;
            status = record_before(sodium, &json, tail, &first, &before);
            if (status == TCORE_OK)
                found = is_behind(&record, &before.place);
            else if (status == TCORE_EOF && !begin && !tail->start)
                found = is_behind(&record, &tail->last); /* the first of all */
            if (status == TCORE_EOF && (begin || !tail->start))
                status = TCORE_SKIP;
        }
        end = begin;
    }
    tcore_json_free(&json);
    if (status == TCORE_FATAL)
        return tcore_error_nomem(err);
    if (found)
        tail->last = record.place;
    else
        tail->good = 0;
    if ((!found && tail->start) || tail->bytes.length - tail->good > LEFT_BYTES)
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "the audit log ends in something else than records: verify it");
    return TCORE_OK;
}

/* --- What a crash has left */

/* Writes the bytes to a new file in quarantine/, synced with its name; name gets that. */
static enum tcore_status save(int repository, const char *bytes, size_t count, char *name,
                              size_t size, struct tcore_error *err)
{
    const struct tcore_sys *sys = tcore_sys();
    unsigned char random[8];
    char hex[17];
    int directory = -1, fd = -1;
    bool saved = false;

    if (sys->random(random, sizeof random) != 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "no randomness for a file's name");
    tcore_put_hex(hex, random, sizeof random);
    snprintf(name, size, AUDIT_FILE "-%" PRId64 "-%s", sys->wall_ns(), hex);
    if (sys->mkdirat(repository, AUDIT_QUARANTINE, 0750) == 0 || errno == EEXIST)
        directory = sys->openat(repository, AUDIT_QUARANTINE,
                                O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (directory >= 0)
        fd = sys->openat(directory, name,
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0640);
    if (fd >= 0)
        saved = tcore_write_all(fd, bytes, count) == 0 && sys->fsync(fd) == 0 &&
                sys->fsync(directory) == 0 && sys->fsync(repository) == 0;
    int errnum = errno;
    if (fd >= 0 && !saved)
        (void)sys->unlinkat(directory, name, 0);
    if (fd >= 0)
        sys->close(fd);
    if (directory >= 0)
        sys->close(directory);
    return saved ? TCORE_OK
                 : tcore_error_errno(err, TCORE_FATAL, errnum,
                                     "cannot move the end of the audit log to " AUDIT_QUARANTINE);
}

/*
 * Writes the event over what was left, never cuts that off first: whenever this is interrupted,
 * either all of it is still there, or the event that tells of it.
 */
static enum tcore_status overwrite(int repository, const struct tcore_buf *line, uint64_t offset,
                                   uint64_t size, struct tcore_error *err)
{
    const struct tcore_sys *sys = tcore_sys();
    uint64_t unused;
    size_t done = 0;
    int fd;
    enum tcore_status status =
        tcore_audit_open(repository, AUDIT_FILE, O_WRONLY, &fd, &unused, err);

    if (status != TCORE_OK)
        return status == TCORE_EOF
                   ? tcore_error_set(err, TCORE_FATAL, "the audit log was taken away meanwhile")
                   : status;
    while (done < line->length) {
        ssize_t written =
            sys->pwrite(fd, line->data + done, line->length - done, (off_t)(offset + done));
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            break;
        done += (size_t)written;
    }
    bool failed = done < line->length ||
                  (offset + done < size && sys->ftruncate(fd, (off_t)(offset + done)) != 0) ||
                  sys->fdatasync(fd) != 0;
    int errnum = errno;
    sys->close(fd);
    return failed ? tcore_error_errno(err, TCORE_FATAL, errnum, "cannot write the audit log")
                  : TCORE_OK;
}

/* Moves what is behind the last record away, and says so in the log. */
static enum tcore_status set_aside(const struct tcore_sodium *sodium, int repository,
                                   struct tail *tail, uint64_t *size, struct tcore_error *err)
{
    const char *left = tail->bytes.data + tail->good;
    size_t count = tail->bytes.length - tail->good;
    uint64_t offset = tail->start + tail->good;
    char name[80], hash[TCORE_AUDIT_HASH_BYTES], details[320];
    struct tcore_buf line = {0};
    struct tcore_audit_event event = {AUDIT_SET_ASIDE, details, geteuid(), NULL};
    enum tcore_status status = save(repository, left, count, name, sizeof name, err);

    if (status != TCORE_OK)
        return status;
    tcore_hash_hex(sodium, left, count, hash);
    snprintf(details, sizeof details,
             "{\"file\":\"" AUDIT_QUARANTINE "/%s\",\"offset\":%" PRIu64
             ",\"bytes\":%zu,\"hash\":\"%s\"}",
             name, offset, count, hash);
    status = tcore_audit_put_record(sodium, &line, &event, &tail->last, tcore_sys()->wall_ns(),
                                    &tail->last, err);
    if (status == TCORE_OK)
        status = overwrite(repository, &line, offset, *size, err);
    *size = offset + line.length;
    tcore_buf_free(&line);
    return status;
}

enum tcore_status tcore_audit_open_locked(const struct tcore_sodium *sodium, int repository,
                                          int *fd, uint64_t *size, struct tcore_audit_place *last,
                                          struct tcore_error *err)
{
    struct tail tail = {.last = {.sequence = 0}};
    enum tcore_status status =
        tcore_audit_open(repository, AUDIT_FILE, O_RDWR | O_APPEND | O_CREAT, fd, size, err);

    if (status != TCORE_OK)
        return status == TCORE_EOF ? tcore_error_set(err, TCORE_FATAL, "there is no repository")
                                   : status;
    memset(tail.last.hash, '0', TCORE_AUDIT_HASH_BYTES - 1);
    if (tcore_audit_lock(*fd, LOCK_EX) != 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot lock the audit log");
    else
        status = check_file(*fd, AUDIT_FILE, size, err); /* others may have appended */
    if (status == TCORE_OK && *size) {
        status = read_tail(*fd, *size, &tail, err);
        if (status == TCORE_OK)
            status = find_last(sodium, &tail, err);
        if (status == TCORE_OK && tail.good < tail.bytes.length)
            status = set_aside(sodium, repository, &tail, size, err);
    }
    tcore_buf_free(&tail.bytes);
    *last = tail.last;
    if (status != TCORE_OK)
        tcore_sys()->close(*fd);
    return status;
}

/* --- Line by line */

enum tcore_status tcore_audit_lines_open(struct audit_lines *lines, int fd, uint64_t size,
                                         struct tcore_error *err)
{
    *lines = (struct audit_lines){.fd = fd, .end = size};
    lines->data = tcore_malloc(2 * TCORE_AUDIT_LINE_BYTES);
    return lines->data ? TCORE_OK : tcore_error_nomem(err);
}

void tcore_audit_lines_close(struct audit_lines *lines)
{
    tcore_free(lines->data);
    lines->data = NULL;
}

static enum tcore_status refill(struct audit_lines *lines, struct tcore_error *err)
{
    uint64_t left = lines->end - lines->offset;

    memmove(lines->data, lines->data + lines->at, lines->length - lines->at);
    lines->length -= lines->at;
    lines->at = 0;
    size_t room = 2 * (size_t)TCORE_AUDIT_LINE_BYTES - lines->length;
    if (room > left)
        room = (size_t)left;
    if (tcore_audit_pread(lines->fd, lines->data + lines->length, room, lines->offset) != 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "cannot read a file to its end");
    lines->length += room;
    lines->offset += room;
    return TCORE_OK;
}

enum tcore_status tcore_audit_lines_next(struct audit_lines *lines, enum audit_line *kind,
                                         const char **line, size_t *length, struct tcore_error *err)
{
    bool too_long = false;

    lines->number++;
    for (;;) {
        *line = lines->data + lines->at;
        *length = lines->length - lines->at;
        const char *newline = memchr(*line, '\n', *length);
        bool last = !newline && lines->offset == lines->end;
        if (newline || last) {
            *length = newline ? (size_t)(newline - *line) : *length;
            *kind = too_long || *length > TCORE_AUDIT_LINE_BYTES ? AUDIT_LINE_TOO_LONG
                    : newline                                    ? AUDIT_LINE
                    : *length                                    ? AUDIT_LINE_UNFINISHED
                                                                 : AUDIT_LINES_END;
            lines->at += *length + (newline != NULL);
            return TCORE_OK;
        }
        if (*length > TCORE_AUDIT_LINE_BYTES) {
            too_long = true;
            lines->at = lines->length; /* pass over it */
        }
        enum tcore_status status = refill(lines, err);
        if (status != TCORE_OK)
            return status;
    }
}
