/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Of each trace how many spans and errors it has, and when it was, from spans that come in any
 * order. The spans are not kept: each thread holds two totals at most of a trace that it met (and a
 * few thousand besides), of 48 bytes.
 *
 * Threads take in batches, each into an intake of its own, in partitions by a hash of the trace's
 * id. After the last batch each partition is joined over all intakes, one thread each at a time.
 * The totals are those of the traces that a tcore_trace_store of the same spans has, and depend on
 * the spans only, not on their order or on threads.
 *
 * With a file, an intake that holds its share of the memory writes its totals there, by pieces, and
 * begins anew; what is left follows when they are sealed.
 *
 *     new, project; on each thread: intake, add ...; seal; on any threads: join or load; free
 */
#ifndef TRACECORE_TRACE_TOTALS_H
#define TRACECORE_TRACE_TOTALS_H

#include "model/batch.h"
#include "model/projection.h"
#include "trace/tree.h"

#define TCORE_TOTALS_PARTITIONS 64u
#define TCORE_TOTALS_PIECES     4096u /* of what is in a file */

struct tcore_trace_totals;
struct tcore_totals_intake;

struct tcore_trace_total {
    uint64_t trace_id[2];        /* as two numbers, the first digits in the first */
    struct tcore_interval whole; /* from the first start to the last end */
    uint64_t spans, errors;
};

/* Some totals of a partition. */
struct tcore_totals_run {
    struct tcore_totals_run *next;
    uint32_t count, capacity;
    bool pooled; /* its memory is not its own */
    struct tcore_trace_total totals[];
};

struct tcore_trace_totals_options {
    size_t memory_bytes; /* limit, of the totals and what orders them; 0: none */
    /* Makes the file: *fd is the totals' then. NULL: there is none, and beyond the limit totals are
     * refused. */
    enum tcore_status (*temporary)(int *fd, struct tcore_error *err);
    unsigned threads; /* with a file: how many intakes there will be, about; each has its share */
};

/* TCORE_FATAL: no memory, or no randomness for the hash. */
enum tcore_status tcore_trace_totals_new(struct tcore_trace_totals **totals,
                                         const struct tcore_trace_totals_options *options,
                                         struct tcore_error *err);
void tcore_trace_totals_free(struct tcore_trace_totals *totals);
/* Asks for the columns that add reads; without errors none is counted. */
enum tcore_status tcore_trace_totals_project(struct tcore_trace_totals *totals, bool errors,
                                             struct tcore_projection *projection,
                                             struct tcore_error *err);

/* An intake for one thread; the totals own it. Any thread may call this at any time. */
enum tcore_status tcore_totals_intake_new(struct tcore_totals_intake **intake,
                                          struct tcore_trace_totals *totals,
                                          struct tcore_error *err);
/* Takes the spans rows[0..count) of the batch. TCORE_FATAL: no memory, beyond the limit, or the
 * file cannot be written; the totals are then good for nothing but to be freed. */
enum tcore_status tcore_totals_intake_add(struct tcore_totals_intake *intake,
                                          const struct tcore_batch *batch, const uint32_t *rows,
                                          size_t count, struct tcore_error *err);

/* The same of spans that were added up already. */
enum tcore_status tcore_totals_intake_add_sums(struct tcore_totals_intake *intake,
                                               const struct tcore_trace_sums *sums,
                                               struct tcore_error *err);

/* After the last span: writes what is left, if something is in the file. */
enum tcore_status tcore_trace_totals_seal(struct tcore_trace_totals *totals,
                                          struct tcore_error *err);
/* Whether all totals are in the file. */
bool tcore_trace_totals_has_spilled(const struct tcore_trace_totals *totals);

/* If not: the traces of a partition, in no order; they live as long as the totals. May
 * be called again, and for different partitions at the same time. *runs NULL: there are none.
 * TCORE_FATAL as of add. */
enum tcore_status tcore_trace_totals_join(struct tcore_trace_totals *totals, unsigned partition,
                                          const struct tcore_totals_run **runs,
                                          struct tcore_error *err);

/* If so: the traces of a piece, in one run and no order, to be unloaded by the caller in any case.
 * Different pieces at the same time. TCORE_FATAL: no memory, or the file cannot be read. */
enum tcore_status tcore_trace_totals_load(struct tcore_trace_totals *totals, unsigned piece,
                                          struct tcore_totals_run **run, struct tcore_error *err);
void tcore_trace_totals_unload(struct tcore_totals_run *run);
/* And whether any of them has times. */
bool tcore_trace_totals_is_timed(const struct tcore_trace_totals *totals);

/* Counts memory that the caller takes for what it makes of the totals. TCORE_FATAL: it is beyond
 * the limit. */
enum tcore_status tcore_trace_totals_count_bytes(struct tcore_trace_totals *totals, size_t bytes,
                                                 struct tcore_error *err);
/* Whether memory was refused because of the limit. */
bool tcore_trace_totals_is_full(const struct tcore_trace_totals *totals);

/* How many spans lack one of their times, or have one beyond 2^62; once nothing more is taken in.
 */
uint64_t tcore_trace_totals_untimed(const struct tcore_trace_totals *totals);

#endif
