/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The most frequent values. Every value is counted exactly as long as there are no more than the
 * limit (default TCORE_TOPK_LIMIT) and their bytes are within TCORE_TOPK_BYTES_MAX. Until then the
 * state depends only on what was added, and any order gives the same bytes.
 *
 * Beyond that the rarer half is dropped, and the largest dropped count taken off all others, as
 * often as needed: a count is then too low by at most tcore_topk.error, which is itself at most
 * 2 * total / limit unless bytes ran out first, so that no value more frequent than the error is
 * ever missed. tcore_topk_is_exact() says whether this happened. Source: J. Misra, D. Gries,
 * "Finding repeated elements" (1982); merging: P. Agarwal and others, "Mergeable summaries" (2012).
 *
 * A zeroed struct is empty and has the default limit. It owns its memory and copies the values it
 * counts. Counts are in units of 1/65,536 (stats/weight.h). Not thread-safe.
 */
#ifndef TRACECORE_STATS_TOPK_H
#define TRACECORE_STATS_TOPK_H

#include "base/buf.h"
#include "base/error.h"
#include "stats/weight.h"

#define TCORE_TOPK_LIMIT     10000
#define TCORE_TOPK_BYTES_MAX (16 << 20)

struct tcore_topk_entry;

struct tcore_topk {
    uint32_t limit; /* values counted at most; set it before the first addition, 0: the default */
    bool inexact;
    uint64_t error;                   /* units by which a count may be too low, at most */
    uint64_t total;                   /* units of all that was added */
    struct tcore_topk_entry *entries; /* owned */
    uint32_t *slots;                  /* owned; entry + 1, 0 empty */
    char *bytes;                      /* owned; the values, one after the other */
    uint32_t count, capacity, mask;   /* entries, room for them, slots - 1 */
    uint32_t bytes_used, bytes_capacity;
    uint64_t seed[2]; /* of the hash; drawn once, never written out */
};

void tcore_topk_free(struct tcore_topk *topk);          /* and zeroes it, the limit too */
size_t tcore_topk_bytes(const struct tcore_topk *topk); /* held apart from the struct */

/*
 * Counts a value by its bytes (the caller makes equal values equal bytes). TCORE_OK;
 * TCORE_BAD_INPUT beyond TCORE_UNITS_MAX in all, nothing added; TCORE_FATAL without memory or
 * randomness, the value not counted.
 */
enum tcore_status tcore_topk_add(struct tcore_topk *topk, const void *data, size_t length,
                                 uint64_t weight);
/* into += from. TCORE_OK, TCORE_BAD_INPUT (too many, nothing added); after TCORE_FATAL into may
 * hold a part of from: free it. */
enum tcore_status tcore_topk_merge(struct tcore_topk *into, const struct tcore_topk *from);

static inline bool tcore_topk_is_exact(const struct tcore_topk *topk)
{
    return !topk->inexact;
}

struct tcore_topk_item {
    const char *data; /* not terminated; belongs to the state, until it is changed */
    size_t length;
    uint64_t units;
};

/* The k most frequent values into items, most frequent first, equal ones in the order of their
 * bytes; *found is how many there are, at most k. TCORE_OK or TCORE_FATAL. */
enum tcore_status tcore_topk_list(const struct tcore_topk *topk, size_t k,
                                  struct tcore_topk_item *items, size_t *found);

/* The state as bytes and back: see stats/encode.h. Equal states give equal bytes. */
struct tcore_state_reader;
/* Sorts in memory of its own: TCORE_OK, or TCORE_FATAL, out as it was. */
enum tcore_status tcore_topk_encode(const struct tcore_topk *topk, struct tcore_buf *out);
/* Into an empty state, whose limit is kept. TCORE_OK, TCORE_BAD_INPUT (left empty) or TCORE_FATAL.
 */
enum tcore_status tcore_topk_decode(struct tcore_topk *topk, struct tcore_state_reader *in,
                                    struct tcore_error *err);

#endif
