/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A scan of a repository in parts: scan.c walks through segments under a lock, scan_choose.c says
 * what of them is worth reading, scan_columns.c reads what a chunk was given.
 */
#ifndef TRACECORE_STORE_SCAN_PRIVATE_H
#define TRACECORE_STORE_SCAN_PRIVATE_H

#include "store/catalog.h"
#include "store/joint.h"
#include "store/repository.h"
#include "store/scan.h"
#include "store/scan_logs.h"
#include "store/scan_report.h"
#include "store/trace_index.h"

#include <pthread.h>

/* A segment. It stays open as long as somebody reads a block of it. */
struct scanned {
    struct tcore_segment *segment;    /* NULL: nothing of it can be read */
    struct tcore_trace_blocks blocks; /* those that have wanted traces; if traces are asked for */
    bool selected;                    /* blocks counts */
    bool borrowed;                    /* the segment is a joint roll-up of the scan's */
    struct tcore_error problem;       /* status TCORE_OK: none */
    char path[TCORE_SEGMENT_PATH_BYTES]; /* "": the problem is of a log, and names it */
    size_t number;                       /* in the report; SIZE_MAX: it is not there */
    unsigned users;                      /* the scan, and blocks that are being read: atomic */
};

/* What is done with a joint roll-up. */
enum joint_use { JOINT_USELESS, JOINT_USEFUL, JOINT_GIVEN };

struct scan {
    struct tcore_chunk_source source;
    struct tcore_wanted wanted;
    int stop_fd; /* as in struct tcore_input_options */
    bool one;    /* a segment by itself was asked for, which has to be there */
    struct tcore_repository *repository;
    struct tcore_segment_list list;
    struct tcore_catalog catalog;
    struct tcore_joints joints;
    bool *may_have;      /* by segment: records of wanted traces; NULL: all are wanted; owned */
    uint32_t *joint_use; /* by joint: enum joint_use; owned */
    pthread_mutex_t lock;
    size_t next;             /* in list */
    struct scanned *current; /* NULL: the next one is to be opened */
    bool has_problem;        /* which is to be told before its blocks */
    unsigned rolled_up;      /* types of the current one that its roll-up stands for */
    uint32_t rollup_frame;
    unsigned unmatched; /* types of the current one of which no record is wanted */
    bool gives_rollup;  /* which is to be given before its blocks */
    int counted;        /* of a joint roll-up: the next type that may be left to be counted */
    uint32_t block;     /* its next */
    uint64_t sequence;
    struct tcore_scan_logs logs;      /* behind the segments */
    struct tcore_scan_report *report; /* owned; NULL: nobody asks */
};

/* What a chunk reads its block with. */
struct scan_columns {
    struct tcore_block_reader reader;         /* begins with the columns that the chunk knows */
    struct scanned *from;                     /* NULL: none */
    const struct tcore_manifest_block *block; /* NULL: the segment's problem */
    unsigned rolled_up;                       /* not 0: a roll-up, for blocks of these types */
    uint32_t rollup_frame;
    const struct tcore_manifest *joint; /* it is a joint one: of that; NULL: none */
    struct tcore_repository *repository;
    struct tcore_scan_report *report; /* borrowed; NULL: nobody asks */
    uint32_t next_source;             /* of the joint's segments, once the roll-up was of no use */
    uint32_t next;                    /* of these, once the roll-up was of no use */
};

#pragma GCC visibility push(hidden)

/* ---- scan_columns.c ---- */

/* With one user. NULL: out of memory. */
struct scanned *tcore_scanned_new(const char *path, size_t number);
/* One user less; the last one frees it. NULL is none. */
void tcore_scanned_let_go(struct scanned *scanned);
struct tcore_binary_info tcore_scan_info(const struct tcore_manifest_block *block);
/* Those of the chunk, made on first use. NULL: out of memory. */
struct scan_columns *tcore_scan_columns(struct tcore_chunk *chunk);
/* Lets them be of nothing but a segment, whose user they become. */
void tcore_scan_columns_aim(struct scan_columns *columns, struct scanned *from);

/* The line of the report. NULL: nobody asks. */
static inline struct tcore_scan_line *scan_line(const struct scan *s, size_t number)
{
    return s->report && number != SIZE_MAX ? &s->report->line[number] : NULL;
}

/* ---- scan_one.c ---- */

/* Opens the repository of a segment, which becomes the one that is listed. */
enum tcore_status tcore_scan_open_one(struct scan *s, const char *path, struct tcore_error *err);

/* ---- scan_choose.c ---- */

/* Whether something between these times is wanted; always if not all of it has a time. */
bool tcore_scan_is_in_time(const struct scan *s, bool all_timed, int64_t min_ns, int64_t max_ns);
/* Which roll-up of a segment, or a joint one, is taken, if any, and for which types. */
void tcore_scan_choose_rollup(struct scan *s, const struct scanned *scanned,
                              const struct tcore_manifest *m);
/* Which segments may have the wanted traces. */
enum tcore_status tcore_scan_find_traces(struct scan *s, struct tcore_error *err);
/* Which blocks of a segment have them. If that cannot be told, all of them are read. */
enum tcore_status tcore_scan_select_blocks(struct scan *s, struct scanned *scanned,
                                           struct tcore_error *err);
/* Moves on to the next block that is wanted and no roll-up stands for. False: there is none. */
bool tcore_scan_find_block(struct scan *s, const struct scanned *from,
                           const struct tcore_manifest *m);
/* Which types (bits) of records of a segment cannot be wanted: scan_match.c. */
unsigned tcore_scan_unmatched(const struct scan *s, const struct tcore_manifest *m);
/* Opens the joint roll-ups, and says which spare opening the segments that they are of. */
enum tcore_status tcore_scan_open_joints(struct scan *s, struct tcore_error *err);
/* Moves on to the next type of a joint roll-up whose records are not wanted, but counted. */
bool tcore_scan_find_count(struct scan *s, const struct tcore_manifest *m);

#pragma GCC visibility pop

#endif
