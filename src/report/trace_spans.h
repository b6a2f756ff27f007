/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The spans that a trace's page may be made of, gathered from batches: each with its JSON text and
 * what is needed to find its trace. Threads have a collection each; they are joined at the end.
 */
#ifndef REPORT_TRACE_SPANS_H
#define REPORT_TRACE_SPANS_H

#include "base/arena.h"
#include "model/batch.h"
#include "model/projection.h"
#include "trace/tree.h"

struct collected_span {
    uint64_t trace_id[2];
    struct tcore_trace_span span; /* its service is not set here */
    struct tcore_slice text;      /* in the arena of its collection */
};

/* What is looked for. */
struct trace_wanted {
    bool trace;           /* this trace id only */
    bool span;            /* the trace that has this span or this short trace id */
    uint64_t trace_id[2]; /* with trace */
    uint64_t span_id;     /* with span */
};

struct trace_columns {
    size_t trace_id, span_id, parent_id, start, end, status, kind;
};

struct collection {
    struct collected_span *spans;
    size_t count, capacity;
    struct tcore_arena *arenas; /* of this one and those that were joined to it */
    size_t arena_count;
    size_t text_bytes;
};

/* One trace in a sorted collection. */
struct collected_trace {
    const struct collected_span *spans;
    size_t count, errors;
    struct tcore_interval whole; /* start > end: no span has a time */
};

enum tcore_status collection_open(struct collection *collection, struct tcore_error *err);
void collection_free(struct collection *collection);
enum tcore_status trace_columns_project(struct trace_columns *columns,
                                        struct tcore_projection *projection,
                                        struct tcore_error *err);
/* Adds the wanted ones of the rows. TCORE_FATAL: out of memory. */
enum tcore_status collection_add(struct collection *collection, const struct trace_columns *columns,
                                 const struct trace_wanted *wanted, const struct tcore_batch *batch,
                                 const uint32_t *rows, size_t count, struct tcore_error *err);
/* Moves all of from, which is empty then. */
enum tcore_status collection_join(struct collection *into, struct collection *from,
                                  struct tcore_error *err);
/* Memory held. */
size_t collection_bytes(const struct collection *collection);

/* Sorts by trace, and in it by tcore_trace_span_compare and the text; gives the traces, slowest
 * first. *traces is owned by the caller; its spans are the collection's. */
enum tcore_status collection_traces(struct collection *collection, struct collected_trace **traces,
                                    size_t *count, struct tcore_error *err);

#endif
