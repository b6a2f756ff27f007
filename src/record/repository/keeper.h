/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Putting records into a repository: packed blocks go into the segment at hand, which is sealed
 * when it is full or old. Records that come in small numbers are gathered to blocks here. For one
 * thread at a time.
 *
 * Logs go into the segment at hand too: those that others have abandoned, and one's own, where each
 * record is kept until its segment is on disk. While there are any, a segment is sealed between
 * entries only, with all that was gathered, so that it has all of what its seals say.
 */
#ifndef RECORD_REPOSITORY_KEEPER_H
#define RECORD_REPOSITORY_KEEPER_H

#include "store/log.h"
#include "store/log_recover.h"
#include "record/repository/policy.h"
#include "store/repository.h"

#include <pthread.h>

/* When a segment is sealed. */
struct keeper_limits {
    uint64_t records;
    uint64_t text_bytes;
    int64_t age_ns; /* since its first record came */
};

extern const struct keeper_limits keeper_default_limits;

/* What has to be done until a record counts as kept. */
enum keeper_durability {
    KEEPER_SEGMENT, /* its segment is on disk */
    KEEPER_NONE,    /* its segment was written, and nothing is waited for */
    KEEPER_RECORD   /* it is on disk in a log */
};

#define KEEPER_CLAIMS 64 /* abandoned logs at a time */

/* A log that was claimed. */
struct keeper_claim {
    struct tcore_log_claim *claim;
    uint64_t sealed; /* entries up to this are in sealed segments, */
    uint64_t taken;  /* and up to this in the one at hand or gathered */
    bool complete;   /* all of it was taken */
    bool left;       /* the rest of it stays where it is */
};

/* A segment that is sealed while the next one is filled. */
struct keeper_behind {
    bool allowed; /* threads may be started for it */
    bool running;
    bool done; /* atomic */
    pthread_t thread;
    struct tcore_sealing sealing;
    uint64_t records; /* in it */
    enum tcore_status status;
    struct tcore_error err;
};

struct keeper {
    struct tcore_repository *repository; /* owned */
    struct keeper_limits limits;
    const struct tcore_labels *labels; /* borrowed; NULL: nothing is sealed */
    struct tcore_sealing sealing;
    bool open; /* there is a segment at hand */
    struct keeper_behind behind;
    int64_t opened_ns;
    struct tcore_binary_writer *writer; /* of records that are gathered */
    struct tcore_buf gathered;          /* its blocks */
    uint64_t held;                      /* records in it */
    int64_t held_since_ns;
    struct tcore_block_packer *packer;
    uint64_t taken;     /* records, so far; those of logs do not count */
    uint64_t durable;   /* of them, those in sealed segments */
    uint64_t committed; /* of them, those that are on disk in the log */
    uint64_t segments;
    enum keeper_durability durability;
    /* Is told, a sentence each, what is wrong with logs of others; failed: so that they stay. NULL:
     * nobody is. */
    void (*tell)(void *context, bool failed, const char *text);
    void *tell_context;
    int open_dir, quarantine_dir; /* -1: not needed yet */
    struct tcore_log *log;        /* one's own; NULL: none yet */
    uint64_t log_last;            /* sequence of its last entry */
    struct keeper_claim claim[KEEPER_CLAIMS];
    size_t claims;
    uint64_t from_logs; /* records of claimed logs, not sealed yet */
};

/* Opens the repository, or makes one with defaults. What is in keeper is freed by keeper_close() in
 * any case. */
enum tcore_status keeper_open(struct keeper *keeper, const char *path, struct tcore_error *err);
/* Takes limits and durability from the policy, and labels (borrowed, or NULL). Before the first
 * record. */
void keeper_use(struct keeper *keeper, const struct policy *policy,
                const struct tcore_labels *labels);
/* Adds a record's text to what is gathered. */
enum tcore_status keeper_add(struct keeper *keeper, const struct tcore_slice *text,
                             struct tcore_error *err);
/* Adds a packed block, behind what was gathered before. */
enum tcore_status keeper_add_block(struct keeper *keeper, const struct tcore_packed_block *block,
                                   struct tcore_error *err);
/* Appends records to the keeper's own log and waits until they are on disk; they are added
 * afterwards. */
enum tcore_status keeper_commit(struct keeper *keeper, const struct tcore_slice *text,
                                const uint32_t *rows, size_t count, struct tcore_error *err);
/*
 * Adds what is in logs that nobody writes any more, the shared one among them if it is full or old;
 * they go when the segment is on disk. A log that cannot be read stays, and the others are gone on
 * with. TCORE_FATAL: the segment cannot be written.
 */
enum tcore_status keeper_take_logs(struct keeper *keeper, struct tcore_error *err);
/* Seals the segment at hand if it is full or old. Between entries of logs. */
enum tcore_status keeper_tend(struct keeper *keeper, struct tcore_error *err);
/* Seals what is left. */
enum tcore_status keeper_finish(struct keeper *keeper, struct tcore_error *err);
void keeper_close(struct keeper *keeper);

/* Packs all blocks in the writer's output, handing each to use(). */
enum tcore_status keeper_pack(struct tcore_block_packer *packer, struct tcore_buf *blocks,
                              enum tcore_status (*use)(void *context,
                                                       struct tcore_packed_block *packed,
                                                       struct tcore_error *err),
                              void *context, struct tcore_error *err);

/* --- repository/keeper_behind.c, for keeper.c */

/* Begins to seal the segment at hand, which has so many records; the one before is sealed then. */
enum tcore_status keeper_seal_behind(struct keeper *keeper, uint64_t records,
                                     struct tcore_error *err);
/* Counts the segment that was begun to be sealed, if that is done; wait: until it is. */
enum tcore_status keeper_await(struct keeper *keeper, bool wait, struct tcore_error *err);
enum tcore_status keeper_count_sealed(struct keeper *keeper, struct tcore_error *err);

/* --- repository/keeper_logs.c, for keeper.c */

/* Before a segment is sealed: it says which logs are in it. */
enum tcore_status keeper_seal_logs(struct keeper *keeper, struct tcore_error *err);
/* When it is on disk, or there was nothing to put into one: logs that are in segments go. */
enum tcore_status keeper_drop_logs(struct keeper *keeper, struct tcore_error *err);
/* Lets go of all logs, which stay. */
void keeper_close_logs(struct keeper *keeper);

#endif
