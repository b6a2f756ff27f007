/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a policy lets into a repository: not the records for which an expression of collection.drop
 * is true, and of spans only those of the share of traces that sampling.head says.
 *
 * That is decided by the trace's randomness as OpenTelemetry's consistent probability sampling has
 * it (OTEP 235): the last 56 bits of its id, or rv in the member ot of its traceState, against a
 * threshold of (1 - head) * 2^56. So every span of a trace, and everybody who samples so, comes to
 * the same decision, and a smaller share is part of a larger one. A span that is kept says its
 * threshold in th there, unless it has passed a stricter one before.
 */
#ifndef RECORD_REPOSITORY_COLLECT_H
#define RECORD_REPOSITORY_COLLECT_H

#include "record/repository/policy.h"
#include "model/batch.h"
#include "model/projection.h"
#include "query/expr.h"

/* Of a policy; threads may share it. Zeroed, it lets everything in. */
struct collection {
    struct tcore_expr **drop; /* owned, each and all */
    size_t drops;
    uint64_t threshold;           /* of traces, 2^56 in all; 0: all are kept */
    size_t trace_id, trace_state; /* columns */
};

struct collect_counts {
    uint64_t dropped, unsampled; /* records that do not come in */
    uint64_t failed;             /* that do, since an expression gave an error */
};

struct cli;
struct collector;

bool collection_is_needed(const struct policy *policy);
/* Compiles what it needs, and asks for its columns and the text. To be closed in any case. */
enum tcore_status collection_open(struct collection *collection, const struct policy *policy,
                                  struct tcore_projection *projection, struct tcore_error *err);
void collection_close(struct collection *collection);

/* For a thread; collection is borrowed. */
enum tcore_status collector_new(struct collector **collector, const struct collection *collection,
                                struct tcore_error *err);
void collector_free(struct collector *collector); /* NULL is fine */
const struct collect_counts *collector_counts(const struct collector *collector);
/* Leaves of the rows those that come in. */
enum tcore_status collector_rows(struct collector *collector, const struct tcore_batch *batch,
                                 uint32_t *rows, size_t *count, struct tcore_error *err);
/* The text of such a row as it comes in: the batch's, or one that lives until the next call. */
enum tcore_status collector_text(struct collector *collector, const struct tcore_batch *batch,
                                 uint32_t row, struct tcore_slice *text, struct tcore_error *err);

/* Of lines of JSON what comes in. For a thread; policy is borrowed. */
struct line_collector;
enum tcore_status line_collector_new(struct line_collector **collector, const struct policy *policy,
                                     struct tcore_error *err);
void line_collector_free(struct line_collector *collector); /* NULL is fine */
const struct collect_counts *line_collector_counts(const struct line_collector *collector);
/* Appends it to out. */
enum tcore_status line_collector_apply(struct line_collector *collector,
                                       const struct tcore_buf *lines, struct tcore_buf *out,
                                       struct tcore_error *err);
/* The same once, and adds to counts. */
enum tcore_status collect_lines(const struct policy *policy, const struct tcore_buf *lines,
                                struct tcore_buf *out, struct collect_counts *counts,
                                struct tcore_error *err);
/* Says what did not come in, if anything. */
void collect_note(struct cli *cli, const char *repository, const struct collect_counts *counts);

#endif
