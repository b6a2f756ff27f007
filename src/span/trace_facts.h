/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is known of each trace without keeping its spans: when it was, how many spans and errors it
 * has, its entry (the service and name of its root) and its shape. For verbs that compare many
 * traces with each other. Used by one thread at a time; what comes out does not depend on the order
 * of the spans.
 */
#ifndef SPAN_TRACE_FACTS_H
#define SPAN_TRACE_FACTS_H

#include "base/buf.h"
#include "base/map.h"
#include "model/batch.h"
#include "model/id.h"
#include "model/projection.h"
#include "trace/tree.h"

struct trace_fact {
    struct tcore_interval whole; /* from the first start to the last end; start > end: not known */
    uint64_t spans, errors;
    uint32_t root; /* an operation; TCORE_MAP_NONE: no span came */
    bool root_is_top;
    int64_t root_start_ns;
    uint64_t root_id;
    uint64_t shape; /* equal for traces of which the same operations ran equally often */
};

struct trace_facts {
    struct tcore_map ids;        /* of traces, 32 digits; by number */
    struct tcore_map operations; /* see trace_facts_service */
    struct trace_fact *of;       /* by number */
    uint32_t capacity;
    struct {
        size_t trace, context_trace, span, parent, start, end, duration, time, status, service,
            name;
    } column;
    struct tcore_buf scratch;
};

/* TCORE_FATAL: no randomness. trace_facts_free() in any case. */
enum tcore_status trace_facts_open(struct trace_facts *facts, struct tcore_error *err);
void trace_facts_free(struct trace_facts *facts);
size_t trace_facts_bytes(const struct trace_facts *facts);
enum tcore_status trace_facts_columns(struct trace_facts *facts,
                                      struct tcore_projection *projection, struct tcore_error *err);

/* The id of the trace that a record of any type belongs to; false: of none. */
bool trace_facts_id(const struct trace_facts *facts, const struct tcore_batch *batch, uint32_t row,
                    char id[TCORE_TRACE_ID]);
/* When a record was: a span's start, others' timeUnixNano. */
bool trace_facts_time(const struct trace_facts *facts, const struct tcore_batch *batch,
                      uint32_t row, int64_t *ns);
/* The number of a trace that may be new. TCORE_FATAL: no memory; also of the next. */
enum tcore_status trace_facts_find(struct trace_facts *facts, const char id[TCORE_TRACE_ID],
                                   uint32_t *trace, struct tcore_error *err);
/* Adds a span to the trace. */
enum tcore_status trace_facts_add(struct trace_facts *facts, uint32_t trace,
                                  const struct tcore_batch *batch, uint32_t row,
                                  struct tcore_error *err);
/* An interval that has this time in it, too. */
void trace_facts_widen(struct tcore_interval *whole, int64_t ns);
/* Whether a trace comes before another, by start and id. For sorting. */
int trace_facts_compare(const struct trace_facts *facts, uint32_t a, uint32_t b);

/* An operation's service and name; no data: it has none. */
struct tcore_slice trace_facts_service(const struct trace_facts *facts, uint32_t operation);
struct tcore_slice trace_facts_name(const struct trace_facts *facts, uint32_t operation);

/* Appends the members traceId, rootSpanId, serviceName, rootName, structure, timeline and errors of
 * a trace record, as far as they are known, without braces. */
void trace_facts_put(const struct trace_facts *facts, uint32_t trace, struct tcore_buf *out);

#endif
