/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * By how much counters grew: those of one group in one window. Of cumulative ones the runs of each
 * series are kept (stats/counter_runs.h), by a 128-bit hash of what names the series; increases
 * that are told as such are added. Sums do not round.
 *
 * What grew since the last point before a window belongs to the window too, so
 * tcore_increase_link() brings that point here from the windows before. It is not part of the state
 * that is encoded: who merges states links them afterwards, window by window.
 *
 * A zeroed struct is empty; it owns its memory. Not thread-safe.
 */
#ifndef TRACECORE_STATS_INCREASE_H
#define TRACECORE_STATS_INCREASE_H

#include "stats/counter_runs.h"

#include <stddef.h>

struct tcore_increase_series {
    uint64_t name[2];
    struct tcore_counter_runs runs;
    struct tcore_counter_point base; /* the point before, or the start, if has_base */
    bool has_base;
};

struct tcore_increase {
    struct tcore_increase_series *series; /* owned */
    uint32_t *slots;                      /* owned; series + 1, 0 empty */
    uint32_t count, capacity, mask;
    uint64_t seed;
    size_t run_bytes;              /* of all series */
    struct tcore_exact_sum deltas; /* of what came as an increase */
    bool has_deltas;
};

void tcore_increase_free(struct tcore_increase *increase);          /* and zeroes it */
size_t tcore_increase_bytes(const struct tcore_increase *increase); /* held apart from the struct */

/* Each: TCORE_OK; TCORE_FATAL: no memory, or no randomness. */
/* A point of the series that is named by so many bytes. */
enum tcore_status tcore_increase_add(struct tcore_increase *increase, const void *name,
                                     size_t length, const struct tcore_counter_point *point);
/* An increase as such: an integer or a finite double, and how many it stands for (stats/weight.h).
 */
enum tcore_status tcore_increase_add_delta(struct tcore_increase *increase,
                                           const struct tcore_value *value, uint64_t weight);
/* into += from. Of two bases of a series the earlier one stays. */
enum tcore_status tcore_increase_merge(struct tcore_increase *into,
                                       const struct tcore_increase *from);
/*
 * Gives each series its base: the last point that newest has of it, else 0 at its start, if that is
 * not before origin_ns, else none. Then newest has the last points of these series. To be called
 * window by window, with newest empty before the first.
 */
enum tcore_status tcore_increase_link(struct tcore_increase *increase,
                                      struct tcore_increase *newest, int64_t origin_ns);
/* The increase of all series. *any: a series has two points, a base with a point, or there was an
 * increase as such; without that nothing is known. sum is to be zeroed, and freed. */
enum tcore_status tcore_increase_sum(const struct tcore_increase *increase,
                                     struct tcore_exact_sum *sum, bool *any);
/* Whether points came in an order in which an increase next to a reset may have been lost. */
bool tcore_increase_is_doubtful(const struct tcore_increase *increase);

/* The state as bytes and back: see stats/encode.h. Equal states give equal bytes. */
enum tcore_status tcore_increase_encode(const struct tcore_increase *increase,
                                        struct tcore_buf *out);
/* Into an empty state. TCORE_OK, TCORE_BAD_INPUT (left empty) or TCORE_FATAL. */
enum tcore_status tcore_increase_decode(struct tcore_increase *increase,
                                        struct tcore_state_reader *in, struct tcore_error *err);

#endif
