/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sorts any number of records in bounded memory: what does not fit is written to a temporary file
 * as sorted runs, which are merged. Records with equal keys stay in the order in which they came.
 *
 *     open; add ...; finish; next ... TCORE_EOF; close
 */
#ifndef SPAN_SORT_RUNS_H
#define SPAN_SORT_RUNS_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/batch.h"

struct sort_item;
struct sort_run;

struct sort_runs {
    size_t memory_bytes; /* what it may take, about */
    /* what is in memory */
    struct sort_item *item; /* owned */
    size_t count, capacity;
    struct tcore_arena arena; /* keys and texts */
    /* what is on disk */
    int fd; /* -1: nothing */
    uint64_t end;
    struct tcore_buf out;
    struct sort_run *run; /* in the order in which they came; owned */
    uint32_t run_count, run_capacity;
    /* the merge */
    uint32_t *heap; /* of runs that have more, the least key first; owned */
    uint32_t heap_count;
    size_t next;      /* without runs: of the items */
    uint32_t current; /* the run whose record was given last */
    bool given;
};

/* At least a megabyte is taken. */
void sort_runs_open(struct sort_runs *runs, size_t memory_bytes);
void sort_runs_close(struct sort_runs *runs);
/* Takes a record, copied. TCORE_FATAL: no memory, or no room on disk. */
enum tcore_status sort_runs_add(struct sort_runs *runs, struct tcore_slice key,
                                struct tcore_slice text, struct tcore_error *err);
enum tcore_status sort_runs_finish(struct sort_runs *runs, struct tcore_error *err);
/* The next record, until the next call. */
enum tcore_status sort_runs_next(struct sort_runs *runs, struct tcore_slice *text,
                                 struct tcore_error *err);

#endif
