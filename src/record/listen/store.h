/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where listen puts records: many requests at a time, on disk when listen_store_keep() comes back.
 * A file is appended to as the other verbs do; in a repository records go to a log of listen's own
 * and from there into segments. For one thread.
 */
#ifndef RECORD_LISTEN_STORE_H
#define RECORD_LISTEN_STORE_H

#include "record/repository/keeper.h"
#include "record/listen/request.h"
#include "record/listen/rules.h"

struct listen_store {
    struct cli *cli;
    const char *path;
    bool repository;
    struct listen_rules *rules; /* one user of them */
    struct keeper keeper;       /* of a repository, while it is open */
    bool open;
    int64_t closed_until_ns; /* after a full disk nothing is tried before; 0: nothing was wrong */
    bool failed;             /* for good: it was reported */
    uint64_t records;        /* kept so far */
};

/* CLI_DONE, or the exit status: it was reported. To be closed in any case. rules: one user is
 * taken.
 */
int listen_store_open(struct listen_store *store, struct cli *cli, const char *path,
                      struct listen_rules *rules);
/*
 * Keeps the records of a list of requests, and sets the status of each: 200, or 503 when none of
 * them was kept: the disk is full, which passes, or store->failed.
 */
void listen_store_keep(struct listen_store *store, struct listen_request *list);
/* Seals a segment that is full or old. */
void listen_store_tend(struct listen_store *store);
/* Goes on by other rules. */
void listen_store_set_rules(struct listen_store *store, struct listen_rules *rules);
/* Seals what is left. False: it was reported; what was kept is on disk all the same. */
bool listen_store_finish(struct listen_store *store);
void listen_store_close(struct listen_store *store);

#endif
