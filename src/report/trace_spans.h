/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The spans that a trace's page may be made of, by trace, with their JSON text. */
#ifndef REPORT_TRACE_SPANS_H
#define REPORT_TRACE_SPANS_H

#include "trace/store.h"

struct trace_spans {
    struct tcore_trace_store *store;
    char only[33];                      /* the id of the one trace that is wanted; "": all are */
    size_t trace_column;                /* with only */
    struct tcore_stored_trace **traces; /* slowest first; of the store. The array is owned */
    size_t count;
};

/* What one thread takes them in with. */
struct trace_taker {
    struct tcore_trace_intake *intake; /* of the store */
    uint32_t *rows;                    /* those that are wanted */
    size_t capacity;
};

/* Sets up the store; only is the caller's. TCORE_FATAL. */
enum tcore_status trace_spans_open(struct trace_spans *spans, size_t memory_bytes,
                                   struct tcore_error *err);
void trace_spans_free(struct trace_spans *spans);
enum tcore_status trace_spans_project(struct trace_spans *spans,
                                      struct tcore_projection *projection, struct tcore_error *err);
/* Takes the wanted ones of the rows. TCORE_FATAL: no memory, or the store is full. */
enum tcore_status trace_spans_take(const struct trace_spans *spans, struct trace_taker *taker,
                                   const struct tcore_batch *batch, const uint32_t *rows,
                                   size_t count, struct tcore_error *err);
/* After the last row: sets traces, on so many threads. */
enum tcore_status trace_spans_group(struct trace_spans *spans, unsigned threads,
                                    struct tcore_error *err);

static inline const struct tcore_stored_text *trace_span(const struct tcore_stored_trace *trace,
                                                         size_t i)
{
    return (const struct tcore_stored_text *)trace->spans[i];
}
/* Service and name; empty where a span has none. */
struct tcore_slice span_service(const struct trace_spans *spans,
                                const struct tcore_stored_text *span);
struct tcore_slice span_name(const struct trace_spans *spans, const struct tcore_stored_text *span);
/* The span that stands for a trace, without building the tree: the first without a parent. */
const struct tcore_stored_text *trace_stand_in(const struct tcore_stored_trace *trace);

#endif
