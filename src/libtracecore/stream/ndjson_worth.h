/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether it pays to try a fast way before the usual one. Streams whose records are all different
 * would pay twice for each, so after a poor stretch the fast way rests for a time, longer each
 * time.
 *
 * Private to stream/.
 */
#ifndef TRACECORE_STREAM_NDJSON_WORTH_H
#define TRACECORE_STREAM_NDJSON_WORTH_H

#include <stdbool.h>

#define WORTH_STRETCH 1024
#define WORTH_REST    8192
#define WORTH_RESTS   8 /* the longest rest is WORTH_REST << WORTH_RESTS */

struct ndjson_worth {
    unsigned records, hits; /* of this stretch */
    unsigned rest;          /* so many records go without */
    unsigned rests;
};

/* Counts records, and how many of them were known. True: a stretch has ended with fewer hits than
 * these of WORTH_STRETCH. */
static inline bool tcore_ndjson_worth_tally(struct ndjson_worth *worth, unsigned records,
                                            unsigned hits, unsigned least)
{
    worth->records += records;
    worth->hits += hits;
    if (__builtin_expect(worth->records < WORTH_STRETCH, 1))
        return false;
    bool poor = worth->hits < least;
    worth->records = 0;
    worth->hits = 0;
    if (!poor) {
        worth->rests = 0;
        return false;
    }
    worth->rest = (unsigned)WORTH_REST << worth->rests;
    worth->rests += worth->rests < WORTH_RESTS;
    return true;
}

/* Whether to try it with the next record. */
static inline bool tcore_ndjson_worth_is_due(struct ndjson_worth *worth)
{
    bool rests = worth->rest != 0;
    worth->rest -= rests;
    return !rests;
}

#endif
