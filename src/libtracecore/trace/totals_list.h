/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Totals of a partition as they come: a trace may be there several times, until they are joined.
 * Appending is cheap wherever a trace's total is, and joining goes through memory that is near, as
 * a partition is small. Private to trace/.
 */
#ifndef TRACECORE_TRACE_TOTALS_LIST_H
#define TRACECORE_TRACE_TOTALS_LIST_H

#include "trace/store_slab.h"
#include "trace/totals.h"

/* Memory under a limit. */
struct totals_limit {
    size_t most; /* 0: none */
    size_t held; /* atomic */
    bool full;
};

/* Counts bytes that are about to be taken. TCORE_FATAL: they are beyond the limit, and not counted.
 */
enum tcore_status tcore_totals_take_bytes(struct totals_limit *limit, size_t bytes,
                                          struct tcore_error *err);
void tcore_totals_give_bytes(struct totals_limit *limit, size_t bytes);

/* Where an intake has its runs, but the first of each list, from. */
struct totals_pool {
    struct slab *slabs;             /* owned */
    struct tcore_totals_run *spare; /* in the slabs, to be used again */
};

void tcore_totals_pool_free(struct totals_pool *pool);

struct totals_list {
    struct tcore_trace_total *at, *end;   /* free room in the last run */
    struct tcore_totals_run *runs, *last; /* owned; the last one's count is not kept up */
    size_t count;                         /* in all runs but the last */
    size_t joined;                        /* what was left when they were joined last */
};

/* What hashes are made with, and whose memory it is. */
struct totals_place {
    const uint64_t *seed; /* two of them */
    struct totals_limit *limit;
    struct totals_pool *pool; /* NULL: nothing is taken, and what was pooled stays where it is until
                                 its pool is freed */
};

/* Room for more at the end: another run, or what joining has made of these. */
enum tcore_status tcore_totals_list_extend(struct totals_list *list,
                                           const struct totals_place *place,
                                           struct tcore_error *err);
/* One total a trace. */
enum tcore_status tcore_totals_list_join(struct totals_list *list, const struct totals_place *place,
                                         struct tcore_error *err);
/* Moves all of other's to the end of the list. */
void tcore_totals_list_take(struct totals_list *list, struct totals_list *other);
void tcore_totals_list_free(struct totals_list *list, const struct totals_place *place);

/* Where the next total goes; NULL: err says why. */
static inline struct tcore_trace_total *totals_list_next(struct totals_list *list,
                                                         const struct totals_place *place,
                                                         struct tcore_error *err)
{
    if (__builtin_expect(list->at == list->end, 0) &&
        tcore_totals_list_extend(list, place, err) != TCORE_OK)
        return NULL;
    return list->at++;
}

#endif
