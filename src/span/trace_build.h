/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One trace of the store, worked out: its spans in order, their tree, the critical path and self
 * times. A thread has one of these and uses it for trace after trace.
 */
#ifndef SPAN_TRACE_BUILD_H
#define SPAN_TRACE_BUILD_H

#include "trace/critical_path.h"
#include "trace/store.h"

struct trace_build {
    const struct tcore_trace_store *store; /* keeps names or text */
    const struct tcore_stored_trace *trace;
    struct tcore_stored_text **rows; /* in order; row i is span i of the tree */
    struct tcore_trace_tree tree;
    struct tcore_critical_path path; /* below the tree's root */
    int64_t *self_ns;                /* of each span */
    /* working memory */
    struct tcore_trace_span *spans;
    uint32_t capacity;
};

/* Works a trace out. A zeroed struct is ready for use. TCORE_FATAL: no memory. */
enum tcore_status trace_build(struct trace_build *build, const struct tcore_trace_store *store,
                              struct tcore_stored_trace *trace, struct tcore_error *err);
/* The same without the critical path and self times. */
enum tcore_status trace_build_tree(struct trace_build *build, const struct tcore_trace_store *store,
                                   struct tcore_stored_trace *trace, struct tcore_error *err);
void trace_build_free(struct trace_build *build);

/* The service and name of a span; data is NULL without. */
struct tcore_slice trace_build_service(const struct trace_build *build, uint32_t span);
struct tcore_slice trace_build_name(const struct trace_build *build, uint32_t span);
/* How long a span was; false: that is not known. */
bool trace_build_duration(const struct trace_build *build, uint32_t span, int64_t *ns);
/* Whether the span is a call whose server's side is known: a client with a server below it. */
bool trace_build_is_call(const struct trace_build *build, uint32_t span);
/* What such a call took outside of its servers: its duration less theirs, at least 0. Durations
 * alone are compared, so that clocks that disagree do not matter. */
int64_t trace_build_network_ns(const struct trace_build *build, uint32_t span);
/* a + b, or the largest int64. */
int64_t add_ns(int64_t a, int64_t b);

#endif
