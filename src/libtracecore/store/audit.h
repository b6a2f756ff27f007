/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The audit log of a repository: who wrote, erased, held or verified what. A file of lines, one
 * event each, in which every line has the hash of the one before it; checkpoints outside of the
 * repository sign how far it had come. tracecore-repository(5) has the form of both.
 *
 * What it shows: without the signing key nobody can change, remove, insert or reorder a record up
 * to the last checkpoint unnoticed. What it does not: whoever may write the file can take away or
 * replace what came after that checkpoint, and can leave events out in the first place.
 *
 * Every function that returns a status may return TCORE_FATAL: libsodium is missing, memory is
 * short, or a system call failed (err->errnum). A failed sync is final: what was to be appended is
 * taken back as far as the system lets us, and nothing is tried again.
 */
#ifndef TRACECORE_STORE_AUDIT_H
#define TRACECORE_STORE_AUDIT_H

#include "base/error.h"
#include "store/key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCORE_AUDIT_HASH_BYTES   65      /* BLAKE2b-256: 64 hexadecimal digits and a NUL */
#define TCORE_AUDIT_LINE_BYTES   65536   /* the longest line, its newline not counted */
#define TCORE_AUDIT_CHECKPOINTS  1000000 /* in one file at most */
#define TCORE_AUDIT_ACTION_BYTES 32

struct tcore_audit_event {
    const char *action;  /* a word: a lower-case letter, then a-z, 0-9 and hyphens */
    const char *details; /* text of a JSON object; NULL: none. Never values of records. */
    uint64_t uid;        /* who does it */
    const char *user;    /* by name, UTF-8; NULL: not known */
};

/* A record by its place in the log. */
struct tcore_audit_place {
    uint64_t sequence; /* from 1 on; 0: the log is empty */
    char hash[TCORE_AUDIT_HASH_BYTES];
};

/*
 * Appends a record to the log of the repository (a descriptor of its directory, open for reading),
 * which is made if it is not there, and syncs it. Any number of processes may append at a time.
 * What a crash has left behind the last record is first moved to quarantine/ there, and an event of
 * its own, "set-aside", says so. place (may be NULL) is where the record is.
 * TCORE_BAD_INPUT: the event is none, or the log is so damaged that it has no last record.
 */
enum tcore_status tcore_audit_append(int repository, const struct tcore_audit_event *event,
                                     struct tcore_audit_place *place, struct tcore_error *err);

/*
 * Signs the last record and appends that to a file outside (made of mode 0640 if it is not there),
 * synced. It does not look at the records before: verify first. TCORE_BAD_INPUT: there is no
 * record, the key is none that signs, or the log ends in something else than a record.
 */
enum tcore_status tcore_audit_checkpoint(int repository, int dirfd, const char *path,
                                         const struct tcore_private_key *key,
                                         struct tcore_audit_place *place, struct tcore_error *err);

/* One thing that is wrong. */
struct tcore_audit_problem {
    bool in_checkpoints; /* line is of that file, not of the log */
    uint64_t line;       /* 0: the log as a whole */
    uint64_t sequence;   /* of the record that it is about, 0: not known */
    char text[160];      /* a sentence without a final stop; nothing of the record's content */
};

struct tcore_audit_check {
    int dirfd;                           /* what path is relative to */
    const char *checkpoints;             /* their file; NULL: only the chain is verified */
    const struct tcore_public_key *keys; /* that may have signed, at least one with a file */
    size_t key_count;
    void (*report)(void *context, const struct tcore_audit_problem *problem); /* may be NULL */
    void *context;
};

struct tcore_audit_result {
    uint64_t problems;
    uint64_t records;
    uint64_t last;        /* sequence of the last record, 0: there is none */
    uint64_t set_aside;   /* events that tell of something set aside after a crash */
    uint64_t checkpoints; /* of this log, with a good signature */
    uint64_t other_logs;  /* checkpoints of other logs */
    uint64_t other_keys;  /* checkpoints of keys that were not given: nothing is known of them */
    uint64_t unfinished;  /* lines that a crash left in the file of the checkpoints */
    /* Records up to this sequence are what was signed; what came after it may have been changed
     * by who can write the log, or cut off, and nothing would show it. 0: nothing is attested. */
    uint64_t attested;
};

/*
 * Reads the log of a repository, as long as it was when it began (others may append meanwhile),
 * and tells each problem. TCORE_OK: it was read, see result->problems. A log that is not there has
 * no records. TCORE_BAD_INPUT: a file is none, or there is no file of checkpoints.
 */
enum tcore_status tcore_audit_verify(int repository, const struct tcore_audit_check *check,
                                     struct tcore_audit_result *result, struct tcore_error *err);

#endif
