/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How many different values there were: exact up to TCORE_DISTINCT_EXACT_MAX, by keeping their
 * 128-bit hashes; beyond that estimated by HyperLogLog with 16,384 registers (standard error
 * 1.04 / sqrt(16384) = 0.81 %). tcore_distinct_is_exact() says which.
 *
 * The hash is SipHash-1-3 twice under two fixed keys, the same in every process, so that states of
 * different machines merge; it is a part of the format. The state depends on the set of values
 * alone: any order of additions and merges gives the same bytes.
 *
 * Sources: P. Flajolet, E. Fusy, O. Gandouet, F. Meunier, "HyperLogLog" (2007); the estimator,
 * which needs no bias tables, is O. Ertl's, "New cardinality estimation algorithms for HyperLogLog
 * sketches" (2017), algorithm 6.
 *
 * A zeroed struct is empty. It owns its memory: 16 bytes a value at up to 3/4 load, then 16 KiB.
 * Not thread-safe.
 */
#ifndef TRACECORE_STATS_DISTINCT_H
#define TRACECORE_STATS_DISTINCT_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCORE_DISTINCT_EXACT_MAX 4096

struct tcore_distinct_hash {
    uint64_t high, low; /* both 0: no value */
};

struct tcore_distinct {
    struct tcore_distinct_hash *slots; /* owned; open addressing; NULL when estimating or empty */
    uint8_t *registers;                /* owned; NULL while exact */
    uint32_t used, mask;               /* slots in use, slots - 1 */
    uint64_t seed;                     /* of the places in slots; drawn once, never written out */
};

void tcore_distinct_free(struct tcore_distinct *distinct);          /* and zeroes it */
size_t tcore_distinct_bytes(const struct tcore_distinct *distinct); /* apart from the struct */

/* Adds a value by its bytes (the caller makes equal values equal bytes). TCORE_OK; TCORE_FATAL
 * without memory or randomness, the value not added. */
enum tcore_status tcore_distinct_add(struct tcore_distinct *distinct, const void *data,
                                     size_t length);
/* into becomes the union. After TCORE_FATAL it may lack a part of from: free it. */
enum tcore_status tcore_distinct_merge(struct tcore_distinct *into,
                                       const struct tcore_distinct *from);

/* How many values, exact or to the nearest integer of the estimate. */
uint64_t tcore_distinct_count(const struct tcore_distinct *distinct);
static inline bool tcore_distinct_is_exact(const struct tcore_distinct *distinct)
{
    return !distinct->registers;
}

/* The state as bytes and back: see stats/encode.h. Equal states give equal bytes. */
struct tcore_state_reader;
/* Sorts in memory of its own: TCORE_OK, or TCORE_FATAL, out as it was. */
enum tcore_status tcore_distinct_encode(const struct tcore_distinct *distinct,
                                        struct tcore_buf *out);
/* Into an empty state. TCORE_OK, TCORE_BAD_INPUT (left empty) or TCORE_FATAL. */
enum tcore_status tcore_distinct_decode(struct tcore_distinct *distinct, struct tcore_state_reader *in,
                                        struct tcore_error *err);

#endif
