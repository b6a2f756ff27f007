/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A repository of open logs and dummy segments on a disk in memory, and what is promised of it: a
 * record that was acknowledged is found once, one that was not is found once or not at all, nothing
 * else is found, and the records of a log are in their order.
 */
#ifndef TRACECORE_TESTS_FAULT_LOG_WORLD_H
#define TRACECORE_TESTS_FAULT_LOG_WORLD_H

#include "../core/random.h"
#include "disk.h"
#include "store/log.h"

enum { WORLD_RECORDS = 600, WORLD_WRITERS = 3 };

struct world {
    struct disk *disk; /* owned; NULL: a real file system */
    int open, segments, quarantine;
    struct random_source random;
    unsigned records;                   /* added so far, or tried */
    unsigned char acked[WORLD_RECORDS]; /* by number */
    unsigned char seen[WORLD_RECORDS];  /* times, when it was last looked */
    struct {
        struct tcore_log *log;
        unsigned char mine[WORLD_RECORDS];
    } writers[WORLD_WRITERS];
    void (*acknowledged)(unsigned record); /* may be NULL */
    bool deadly;                           /* processes are also killed within a call */
    unsigned errors;                       /* calls that failed */
    char reason[200];                      /* of the last one */
};

/* What was found wrong, added up. */
struct world_result {
    unsigned long lost;   /* acknowledged records that are not there */
    unsigned long wrong;  /* records twice, out of order, never written, or broken segments */
    unsigned long unread; /* logs or segments that cannot be read at all */
};

/* A new repository on a disk in memory, all of it synced. */
void world_begin(struct world *world, uint64_t seed);
/* The same in a real directory, which may be a repository already. Its records so far are numbered
 * below records. 0, or -1 and errno. */
int world_begin_real(struct world *world, int directory, unsigned records, uint64_t seed);
/* Writers come and go, records are added and acknowledged, logs sealed; until so many steps are
 * done or the power is lost. Ends with the process killed. */
void world_work(struct world *world, unsigned steps);
/* After calls were failing: the directories are opened anew. */
void world_reopen(struct world *world);
/* Seals all logs that nobody writes; all of the shared one too. 0, or the number of errors. */
unsigned world_seal(struct world *world);
/* Reads logs and segments. */
void world_check(struct world *world, struct world_result *result);
/* The same repository after the power was lost now. */
void world_after_crash(const struct world *before, struct world *after, uint64_t seed);
void world_end(struct world *world);

#endif
