/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Verifying an audit log: each record by itself, the chain, and what was signed outside. After a
 * problem the chain is taken up again from the record at hand, so that one change gives one or two
 * problems and not one for each record behind it.
 */
#include "store/audit.h"

#include "base/sys.h"
#include "store/audit_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

/* A checkpoint whose signature is good. */
struct signed_place {
    struct tcore_audit_place place;
    char log[TCORE_AUDIT_HASH_BYTES];
    uint64_t line;
};

struct verifying {
    const struct tcore_sodium *sodium;
    const struct tcore_audit_check *check;
    struct tcore_audit_result *result;
    struct tcore_error *err;
    struct tcore_json json;
    struct signed_place *signed_places; /* owned; by sequence after they were read */
    size_t count, capacity, next;
    char log[TCORE_AUDIT_HASH_BYTES]; /* the hash of the first record */
    uint64_t log_problems;
    struct tcore_audit_place last;
};

__attribute__((format(printf, 5, 6))) static void tell(struct verifying *v, bool in_checkpoints,
                                                       uint64_t line, uint64_t sequence,
                                                       const char *format, ...)
{
    struct tcore_audit_problem problem = {in_checkpoints, line, sequence, ""};
    va_list args;

    v->result->problems++;
    v->log_problems += !in_checkpoints;
    va_start(args, format);
    vsnprintf(problem.text, sizeof problem.text, format, args);
    va_end(args);
    if (v->check->report)
        v->check->report(v->check->context, &problem);
}

/* --- Checkpoints */

static const struct tcore_public_key *find_key(const struct verifying *v, const char *fingerprint)
{
    for (size_t i = 0; i < v->check->key_count; i++)
        if (v->check->keys[i].kind == TCORE_KEY_SIGNING &&
            strcmp(v->check->keys[i].fingerprint, fingerprint) == 0)
            return &v->check->keys[i];
    return NULL;
}

static enum tcore_status keep(struct verifying *v, const struct audit_checkpoint *checkpoint,
                              uint64_t line)
{
    if (v->count == TCORE_AUDIT_CHECKPOINTS)
        return tcore_error_set(v->err, TCORE_BAD_INPUT, "%s has more than %d checkpoints",
                               v->check->checkpoints, TCORE_AUDIT_CHECKPOINTS);
    if (v->count == v->capacity) {
        size_t capacity = v->capacity ? v->capacity * 2 : 64;
        struct signed_place *all =
            tcore_reallocarray(v->signed_places, capacity, sizeof *v->signed_places);
        if (!all)
            return tcore_error_nomem(v->err);
        v->signed_places = all;
        v->capacity = capacity;
    }
    struct signed_place *place = &v->signed_places[v->count++];
    place->place = checkpoint->place;
    place->line = line;
    memcpy(place->log, checkpoint->log, sizeof place->log);
    return TCORE_OK;
}

static enum tcore_status take_checkpoint(struct verifying *v, uint64_t number, const char *line,
                                         size_t length)
{
    struct audit_checkpoint checkpoint;
    enum tcore_status status =
        tcore_audit_parse_checkpoint(v->sodium, &v->json, line, length, &checkpoint);

    if (status == TCORE_FATAL)
        return tcore_error_nomem(v->err);
    if (status != TCORE_OK) {
        if (length && line[length - 1] != '}')
            v->result->unfinished++; /* the next one began a new line */
        else
            tell(v, true, number, 0, "this is no checkpoint");
        return TCORE_OK;
    }
    const struct tcore_public_key *key = find_key(v, checkpoint.key);
    if (!key) {
        v->result->other_keys++;
        return TCORE_OK;
    }
    if (tcore_audit_verify_checkpoint(v->sodium, line, &checkpoint, key, NULL) != TCORE_OK) {
        tell(v, true, number, checkpoint.place.sequence,
             "the signature of this checkpoint does not fit: it was changed");
        return TCORE_OK;
    }
    return keep(v, &checkpoint, number);
}

static int by_sequence(const void *a, const void *b)
{
    const struct signed_place *x = a, *y = b;

    if (x->place.sequence != y->place.sequence)
        return x->place.sequence < y->place.sequence ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

static enum tcore_status read_checkpoints(struct verifying *v)
{
    struct audit_lines lines = {.fd = -1};
    enum audit_line kind = AUDIT_LINE;
    const char *path = v->check->checkpoints, *line;
    size_t length;
    uint64_t size;
    int fd;
    enum tcore_status status =
        tcore_audit_open(v->check->dirfd, path, O_RDONLY, &fd, &size, v->err);

    if (status != TCORE_OK)
        return status == TCORE_EOF
                   ? tcore_error_errno(v->err, TCORE_BAD_INPUT, ENOENT, "cannot read %s", path)
                   : status;
    status = tcore_audit_lines_open(&lines, fd, size, v->err);
    while (status == TCORE_OK) {
        status = tcore_audit_lines_next(&lines, &kind, &line, &length, v->err);
        if (status != TCORE_OK || kind == AUDIT_LINES_END)
            break;
        if (kind == AUDIT_LINE)
            status = take_checkpoint(v, lines.number, line, length);
        else if (kind == AUDIT_LINE_UNFINISHED)
            v->result->unfinished++;
        else
            tell(v, true, lines.number, 0, "this is no checkpoint");
    }
    tcore_audit_lines_close(&lines);
    tcore_sys()->close(fd);
    if (v->count)
        qsort(v->signed_places, v->count, sizeof *v->signed_places, by_sequence);
    return status;
}

/* --- The chain */

static void check_chain(struct verifying *v, uint64_t line, const struct audit_record *record)
{
    uint64_t sequence = record->place.sequence, wanted = v->last.sequence + 1;

    if (!record->intact)
        tell(v, false, line, sequence, "this record was changed: its hash does not fit");
    if (sequence > wanted + 1)
        tell(v, false, line, sequence,
             "the records %" PRIu64 " to %" PRIu64 " in front of this one are missing", wanted,
             sequence - 1);
    else if (sequence > wanted)
        tell(v, false, line, sequence, "record %" PRIu64 " in front of this one is missing",
             wanted);
    else if (sequence < wanted)
        tell(v, false, line, sequence, "this record is not in its place, or here twice");
    else if (strcmp(record->previous, v->last.hash) != 0)
        tell(v, false, line, sequence,
             "the record in front of this one is not the one that it was written behind");
}

/* Compares with all checkpoints of this sequence. */
static void check_signed(struct verifying *v, uint64_t line, const struct audit_record *record)
{
    const struct tcore_audit_place *place = &record->place;

    /* out of order, a record may be one that was passed */
    while (v->next > 0 && v->signed_places[v->next - 1].place.sequence >= place->sequence)
        v->next--;
    while (v->next < v->count && v->signed_places[v->next].place.sequence < place->sequence)
        v->next++;
    for (; v->next < v->count && v->signed_places[v->next].place.sequence == place->sequence;
         v->next++) {
        const struct signed_place *wanted = &v->signed_places[v->next];

        if (strcmp(wanted->log, v->log) != 0)
            continue;
        if (!record->intact || strcmp(wanted->place.hash, place->hash) != 0)
            tell(v, false, line, place->sequence,
                 "this is not the record that line %" PRIu64 " of the checkpoints signs",
                 wanted->line);
        else if (!v->log_problems)
            v->result->attested = place->sequence;
    }
}

static enum tcore_status take_record(struct verifying *v, uint64_t number, const char *line,
                                     size_t length)
{
    struct audit_record record;
    enum tcore_status status = tcore_audit_parse_record(v->sodium, &v->json, line, length, &record);

    if (status == TCORE_FATAL)
        return tcore_error_nomem(v->err);
    if (status != TCORE_OK) {
        tell(v, false, number, 0, "this line is no record");
        return TCORE_OK;
    }
    if (!v->result->records++)
        memcpy(v->log, record.place.hash, sizeof v->log);
    check_chain(v, number, &record);
    check_signed(v, number, &record);
    v->result->set_aside += record.tells_set_aside;
    v->last = record.place;
    return TCORE_OK;
}

static enum tcore_status read_log(struct verifying *v, int fd, uint64_t size)
{
    struct audit_lines lines;
    enum audit_line kind = AUDIT_LINE;
    const char *line;
    size_t length;
    enum tcore_status status = tcore_audit_lines_open(&lines, fd, size, v->err);

    while (status == TCORE_OK) {
        status = tcore_audit_lines_next(&lines, &kind, &line, &length, v->err);
        if (status != TCORE_OK || kind == AUDIT_LINES_END)
            break;
        if (kind == AUDIT_LINE)
            status = take_record(v, lines.number, line, length);
        else if (kind == AUDIT_LINE_UNFINISHED)
            tell(v, false, lines.number, 0,
                 "the last line is unfinished: a crash while it was written, or it was cut");
        else
            tell(v, false, lines.number, 0, "this line is too long for a record");
    }
    tcore_audit_lines_close(&lines);
    return status;
}

/* What was signed, and is not there. */
static void check_end(struct verifying *v)
{
    const struct signed_place *beyond = NULL;

    v->result->last = v->last.sequence;
    for (size_t i = 0; i < v->count; i++) {
        const struct signed_place *place = &v->signed_places[i];

        if (!v->result->records || strcmp(place->log, v->log) != 0) {
            v->result->other_logs++;
            continue;
        }
        v->result->checkpoints++;
        if (place->place.sequence > v->last.sequence)
            beyond = place;
    }
    if (beyond)
        tell(v, false, 0, beyond->place.sequence,
             "the log ends with record %" PRIu64 ", but line %" PRIu64
             " of the checkpoints signs record %" PRIu64 ": it was cut",
             v->last.sequence, beyond->line, beyond->place.sequence);
    else if (v->count && !v->result->checkpoints)
        tell(v, false, 0, 0,
             "none of the checkpoints is of this log: it was replaced, or never signed");
}

static enum tcore_status verify(struct verifying *v, int repository)
{
    uint64_t size;
    int fd = -1;
    enum tcore_status status = TCORE_OK;

    if (v->check->checkpoints && !v->check->key_count)
        return tcore_error_set(v->err, TCORE_BAD_INPUT,
                               "checkpoints are of no use without the key that verifies them");
    if (v->check->checkpoints) /* first, so that none is newer than what is read of the log */
        status = read_checkpoints(v);
    if (status == TCORE_OK)
        status = tcore_audit_open(repository, AUDIT_FILE, O_RDONLY, &fd, &size, v->err);
    if (status == TCORE_OK) {
        struct stat st;

        /* a moment without a writer: its end is the end of a record */
        if (tcore_audit_lock(fd, LOCK_SH) != 0 || tcore_sys()->fstat(fd, &st) != 0 ||
            tcore_audit_lock(fd, LOCK_UN) != 0)
            status = tcore_error_errno(v->err, TCORE_FATAL, errno, "cannot lock the audit log");
        else
            status = read_log(v, fd, (uint64_t)st.st_size);
        tcore_sys()->close(fd);
    }
    if (status == TCORE_EOF)
        status = TCORE_OK; /* no log: no records */
    if (status == TCORE_OK)
        check_end(v);
    return status;
}

enum tcore_status tcore_audit_verify(int repository, const struct tcore_audit_check *check,
                                     struct tcore_audit_result *result, struct tcore_error *err)
{
    struct verifying v = {.check = check, .result = result, .err = err};

    *result = (struct tcore_audit_result){0};
    v.sodium = tcore_sodium_open(err);
    if (!v.sodium)
        return TCORE_FATAL;
    memset(v.last.hash, '0', TCORE_AUDIT_HASH_BYTES - 1);
    enum tcore_status status = verify(&v, repository);
    tcore_json_free(&v.json);
    tcore_free(v.signed_places);
    return status;
}
