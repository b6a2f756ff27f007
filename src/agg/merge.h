/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What merge.c (records), merge_attempt.c (streams of a unit, until they are whole) and
 * merge_cell.c (the states in them) share. Private to these.
 */
#ifndef AGG_MERGE_H
#define AGG_MERGE_H

#include "agg/agg.h"
#include "agg/header.h"
#include "agg/units.h"

/* A stream of an attempt whose header came and whose trailer did not yet. */
struct copy {
    struct copy *older; /* of the same attempt; owned */
    struct agg_work work;
    uint64_t cells, checksum;
    size_t bytes; /* of memory, roughly */
    bool damaged; /* a cell could not be read */
};

struct attempt {
    struct copy *copies; /* the newest one; owned */
    char *unit;          /* owned */
};

struct merge {
    struct cli *cli;
    struct agg_plan plan, apart; /* of the total; of an attempt, whose groups are never too many */
    bool planned;                /* the first header told groups, statistics and windows */
    struct agg_header header;    /* whose strings the plan borrows */
    struct agg_work total;
    struct tcore_map attempts; /* unit NUL attempt */
    struct attempt *attempt;   /* by number; owned */
    size_t attempt_capacity;
    struct agg_units units;
    size_t open_bytes; /* of all copies */
    struct tcore_json json;
    struct tcore_buf scratch, state;
    struct agg_emitter emitter;
    struct agg_partial partial_state, *partial;
    struct cli_strings names_told; /* --stat; none: all that the partials were made for */
    struct tcore_stats told;
    bool checked, incomplete; /* a unit, or a part of the input, is missing: there is no result */
};

/* A member of an object of the record; NULL: there is none of that kind. */
static inline const struct tcore_value *merge_member(const struct merge *m, uint32_t object,
                                                     const char *name, enum tcore_kind kind)
{
    return agg_member(&m->json, object, name, kind);
}
/* TCORE_BAD_INPUT: "damaged partial: ...". */
enum tcore_status merge_damaged(struct tcore_error *err, const char *what);

/* --- merge_attempt.c. partial: the record's member of that name. Statuses besides TCORE_OK:
 * TCORE_BAD_INPUT, of the record; TCORE_FATAL. */

/* The attempt that a record belongs to; NULL: damaged or no memory, err says which. */
struct attempt *merge_find_attempt(struct merge *m, uint32_t partial, struct tcore_error *err);
/* A header begins a copy, a trailer ends one, which is added to the total if it is whole. The plan
 * must be there. */
enum tcore_status merge_begin(struct merge *m, struct attempt *attempt, struct tcore_error *err);
enum tcore_status merge_end(struct merge *m, struct attempt *attempt, uint32_t trailer,
                            struct tcore_error *err);
/* Counts what a copy takes. TCORE_FATAL: it is more than --memory allows. */
enum tcore_status merge_take_memory(struct merge *m, struct copy *copy, size_t bytes,
                                    struct tcore_error *err);
void merge_free_attempts(struct merge *m);

/* --- merge_cell.c: a cell goes to the copy that waits for its number. */
enum tcore_status merge_add_cell(struct merge *m, struct attempt *attempt, uint32_t partial,
                                 struct tcore_error *err);

#endif
