/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside the totals. Private to trace/. */
#ifndef TRACECORE_TRACE_TOTALS_PRIVATE_H
#define TRACECORE_TRACE_TOTALS_PRIVATE_H

#include "trace/id_hash.h"
#include "trace/totals.h"
#include "trace/totals_list.h"

struct totals_columns {
    size_t trace_id, start, end, duration, status;
};

struct tcore_trace_totals {
    struct tcore_trace_totals_options options;
    uint64_t seed[2];
    struct totals_limit limit; /* of all lists, where there is no file */
    struct totals_columns columns;
    bool errors;
    struct tcore_totals_intake *intakes;
    /* with a file */
    size_t share;      /* bytes that an intake holds at most; 0: there is no file */
    int fd;            /* atomic; -1: not made yet */
    uint64_t file_end; /* atomic */
    bool spilled;      /* sealed, with all totals in the file */
    bool timed;        /* atomic: a total in the file has times */
};

/* The spans of a code. */
struct totals_sum {
    struct tcore_interval whole;
    uint64_t counts; /* spans, and as many times 2^32 errors */
};

/* What an intake held once. */
struct totals_spill {
    struct totals_spill *next;
    uint64_t at;                             /* in the file */
    uint32_t first[TCORE_TOTALS_PIECES + 1]; /* the first total of each piece, from there on */
};

struct tcore_totals_intake {
    struct tcore_totals_intake *next;
    struct tcore_trace_totals *totals;
    struct totals_limit limit; /* where there is a file: what it holds */
    struct totals_list list[TCORE_TOTALS_PARTITIONS];
    struct totals_pool pool;
    struct totals_sum *sums; /* by code */
    size_t sum_capacity;
    struct totals_spill *spills; /* newest first; owned */
    uint64_t untimed;
};

/* Whose memory the lists of an intake are. */
static inline struct totals_limit *limit_of(struct tcore_totals_intake *intake)
{
    return intake->totals->share ? &intake->limit : &intake->totals->limit;
}

static inline struct totals_place place_of(struct tcore_totals_intake *intake)
{
    return (struct totals_place){intake->totals->seed, limit_of(intake), &intake->pool};
}

static inline unsigned totals_partition(uint64_t hash)
{
    return (unsigned)(hash >> 58);
}

/* --- totals_spill.c */

void tcore_totals_file_init(struct tcore_trace_totals *totals);
void tcore_totals_file_close(struct tcore_trace_totals *totals);
/* Joins what the intake holds, if that is its share, and writes it if it is still much. */
enum tcore_status tcore_totals_make_room(struct tcore_totals_intake *intake,
                                         struct tcore_error *err);
void tcore_totals_free_spills(struct totals_spill *spills);

#endif
