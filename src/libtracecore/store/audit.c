/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Appending to the audit log, and signing how far it has come. */
#include "store/audit.h"

#include "base/sys.h"
#include "store/audit_private.h"
#include "store/key_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

/* Writes at the end and syncs, or takes back what was written. */
static enum tcore_status append(int fd, uint64_t size, const struct tcore_buf *lines,
                                const char *name, struct tcore_error *err)
{
    const struct tcore_sys *sys = tcore_sys();

    if (tcore_write_all(fd, lines->data, lines->length) == 0 && sys->fdatasync(fd) == 0)
        return TCORE_OK;
    int errnum = errno;
    (void)sys->ftruncate(fd, (off_t)size);
    return tcore_error_errno(err, TCORE_FATAL, errnum, "cannot write %s", name);
}

enum tcore_status tcore_audit_append(int repository, const struct tcore_audit_event *event,
                                     struct tcore_audit_place *place, struct tcore_error *err)
{
    const struct tcore_sodium *sodium = tcore_sodium_open(err);
    struct tcore_audit_place last, made;
    struct tcore_buf line = {0};
    uint64_t size;
    int fd;
    enum tcore_status status =
        sodium ? tcore_audit_open_locked(sodium, repository, &fd, &size, &last, err) : TCORE_FATAL;

    if (status != TCORE_OK)
        return status;
    status =
        tcore_audit_put_record(sodium, &line, event, &last, tcore_sys()->wall_ns(), &made, err);
    /* whoever makes the file, its name is synced before the first record counts */
    if (status == TCORE_OK && !size && tcore_sys()->fsync(repository) != 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot sync the repository");
    if (status == TCORE_OK)
        status = append(fd, size, &line, "the audit log", err);
    tcore_buf_free(&line);
    tcore_sys()->close(fd);
    if (status == TCORE_OK && place)
        *place = made;
    return status;
}

/* --- Checkpoints */

/* The hash of the first record, by which checkpoints of several logs are told apart. */
static enum tcore_status read_log_id(const struct tcore_sodium *sodium, int fd, uint64_t size,
                                     char *id, struct tcore_error *err)
{
    struct tcore_json json = {0};
    struct audit_lines lines;
    struct audit_record record;
    enum audit_line kind;
    const char *line;
    size_t length;
    enum tcore_status status = tcore_audit_lines_open(&lines, fd, size, err);

    if (status == TCORE_OK)
        status = tcore_audit_lines_next(&lines, &kind, &line, &length, err);
    if (status == TCORE_OK && kind == AUDIT_LINE)
        status = tcore_audit_parse_record(sodium, &json, line, length, &record);
    else if (status == TCORE_OK)
        status = TCORE_SKIP;
    if (status == TCORE_SKIP)
        status = tcore_error_set(err, TCORE_BAD_INPUT, "the audit log begins with no record");
    if (status == TCORE_OK)
        memcpy(id, record.place.hash, TCORE_AUDIT_HASH_BYTES);
    tcore_json_free(&json);
    tcore_audit_lines_close(&lines);
    return status;
}

/* Appends the line to the file outside; behind one that a crash left unfinished, on a new one. */
static enum tcore_status append_outside(int dirfd, const char *path, struct tcore_buf *line,
                                        struct tcore_error *err)
{
    struct tcore_buf all = {0};
    uint64_t size;
    struct stat st;
    char last = '\n';
    int fd;
    enum tcore_status status =
        tcore_audit_open(dirfd, path, O_RDWR | O_APPEND | O_CREAT, &fd, &size, err);

    if (status != TCORE_OK)
        return status == TCORE_EOF
                   ? tcore_error_errno(err, TCORE_FATAL, ENOENT, "cannot make %s", path)
                   : status;
    /* other logs may have their checkpoints here */
    if (tcore_audit_lock(fd, LOCK_EX) != 0 || tcore_sys()->fstat(fd, &st) != 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot lock %s", path);
    else
        size = (uint64_t)st.st_size;
    if (status == TCORE_OK && size && tcore_audit_pread(fd, &last, 1, size - 1) != 0)
        status = tcore_error_errno(err, TCORE_FATAL, errno, "cannot read %s", path);
    if (last != '\n')
        tcore_buf_putc(&all, '\n');
    tcore_buf_append(&all, line->data, line->length);
    if (status == TCORE_OK)
        status = tcore_buf_status(&all, err);
    if (status == TCORE_OK)
        status = append(fd, size, &all, path, err);
    tcore_buf_free(&all);
    tcore_sys()->close(fd);
    return status;
}

enum tcore_status tcore_audit_checkpoint(int repository, int dirfd, const char *path,
                                         const struct tcore_private_key *key,
                                         struct tcore_audit_place *place, struct tcore_error *err)
{
    const struct tcore_sodium *sodium = tcore_sodium_open(err);
    struct tcore_audit_place last;
    struct tcore_buf line = {0};
    char log[TCORE_AUDIT_HASH_BYTES];
    uint64_t size;
    int fd;

    if (!sodium)
        return TCORE_FATAL;
    if (key->kind != TCORE_KEY_SIGNING)
        return tcore_error_set(err, TCORE_BAD_INPUT, "this key does not sign");
    enum tcore_status status = tcore_audit_open_locked(sodium, repository, &fd, &size, &last, err);
    if (status != TCORE_OK)
        return status;
    if (!last.sequence)
        status = tcore_error_set(err, TCORE_BAD_INPUT, "the audit log has no record to sign");
    if (status == TCORE_OK)
        status = read_log_id(sodium, fd, size, log, err);
    if (status == TCORE_OK) {
        tcore_audit_put_checkpoint(sodium, &line, log, &last, tcore_sys()->wall_ns(), key);
        status = tcore_buf_status(&line, err);
    }
    if (status == TCORE_OK)
        status = append_outside(dirfd, path, &line, err);
    tcore_buf_free(&line);
    tcore_sys()->close(fd);
    if (status == TCORE_OK && place)
        *place = last;
    return status;
}
