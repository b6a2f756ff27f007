/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records and checkpoints of an audit log as lines, and its file. Private to store/. */
#ifndef TRACECORE_STORE_AUDIT_PRIVATE_H
#define TRACECORE_STORE_AUDIT_PRIVATE_H

#include "base/buf.h"
#include "model/json.h"
#include "store/audit.h"
#include "store/sodium.h"

#define AUDIT_FILE            "audit"
#define AUDIT_QUARANTINE      "quarantine"
#define AUDIT_SET_ASIDE       "set-aside" /* the action of what was left by a crash */
#define AUDIT_SIGNATURE_CHARS 88          /* 64 bytes in base64 */

struct audit_record {
    struct tcore_audit_place place; /* as the line says */
    char previous[TCORE_AUDIT_HASH_BYTES];
    bool intact; /* its hash is that of its bytes */
    bool tells_set_aside;
};

struct audit_checkpoint {
    char log[TCORE_AUDIT_HASH_BYTES]; /* the hash of the first record */
    struct tcore_audit_place place;
    char key[TCORE_FINGERPRINT_BYTES];
    unsigned char signature[SODIUM_SIGNATURE_BYTES];
    size_t signed_length; /* of the line */
};

/* A file read line by line, each held to TCORE_AUDIT_LINE_BYTES. */
struct audit_lines {
    int fd;
    uint64_t offset, end; /* of what is still to be read */
    char *data;           /* owned */
    size_t at, length;
    uint64_t number; /* of the line that was read last, from 1 on */
};

enum audit_line { AUDIT_LINE, AUDIT_LINE_UNFINISHED, AUDIT_LINE_TOO_LONG, AUDIT_LINES_END };

#pragma GCC visibility push(hidden)

/* Appends the line of an event that comes behind a place. TCORE_BAD_INPUT: it is none. */
enum tcore_status tcore_audit_put_record(const struct tcore_sodium *sodium, struct tcore_buf *out,
                                         const struct tcore_audit_event *event,
                                         const struct tcore_audit_place *behind, int64_t time_ns,
                                         struct tcore_audit_place *place, struct tcore_error *err);
/* TCORE_SKIP: the line (without newline) is no record. TCORE_FATAL: out of memory. json: reused. */
enum tcore_status tcore_audit_parse_record(const struct tcore_sodium *sodium,
                                           struct tcore_json *json, const char *line, size_t length,
                                           struct audit_record *record);

/* Appends the line of a checkpoint. */
void tcore_audit_put_checkpoint(const struct tcore_sodium *sodium, struct tcore_buf *out,
                                const char *log, const struct tcore_audit_place *place,
                                int64_t time_ns, const struct tcore_private_key *key);
/* As tcore_audit_parse_record; the signature is not looked at. */
enum tcore_status tcore_audit_parse_checkpoint(const struct tcore_sodium *sodium,
                                               struct tcore_json *json, const char *line,
                                               size_t length, struct audit_checkpoint *checkpoint);
/* TCORE_SKIP: the signature is not one of the key. */
enum tcore_status tcore_audit_verify_checkpoint(const struct tcore_sodium *sodium, const char *line,
                                                const struct audit_checkpoint *checkpoint,
                                                const struct tcore_public_key *key,
                                                struct tcore_error *err);

/* Reads exactly the bytes at the offset: 0, or -1 and errno (EIO if the file is shorter). */
int tcore_audit_pread(int fd, char *data, size_t bytes, uint64_t offset);
/* Opens a file that is there, checks that it is a regular one, tells its size. TCORE_EOF: there is
 * none; *fd is -1. */
enum tcore_status tcore_audit_open(int dirfd, const char *path, int flags, int *fd, uint64_t *size,
                                   struct tcore_error *err);
/* Waits for the lock. 0, or -1 and errno. */
int tcore_audit_lock(int fd, int operation);
/* Opens the log, makes it if need be, locks it and finds its last record; moves away what a crash
 * has left behind it. *fd is to be closed, which unlocks it. */
enum tcore_status tcore_audit_open_locked(const struct tcore_sodium *sodium, int repository,
                                          int *fd, uint64_t *size, struct tcore_audit_place *last,
                                          struct tcore_error *err);

enum tcore_status tcore_audit_lines_open(struct audit_lines *lines, int fd, uint64_t size,
                                         struct tcore_error *err);
/* The next line, valid until the next call. */
enum tcore_status tcore_audit_lines_next(struct audit_lines *lines, enum audit_line *kind,
                                         const char **line, size_t *length,
                                         struct tcore_error *err);
void tcore_audit_lines_close(struct audit_lines *lines);

#pragma GCC visibility pop

#endif
