/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A query on one trace after the other. */
#ifndef SPAN_TRACEQL_RUN_H
#define SPAN_TRACEQL_RUN_H

#include "base/map.h"
#include "span/traceql/traceql_eval.h"
#include "span/traceql/traceql_structure.h"

/* Puts the fields of the span at a position into values, by number. TCORE_FATAL: out of memory. */
typedef enum tcore_status traceql_load_function(void *state, uint32_t position,
                                                struct traceql_value *values,
                                                struct tcore_error *err);

/* What by() made of a spanset. */
struct traceql_group {
    struct tcore_slice label;          /* the expression as it was written */
    struct tcore_slice json;           /* its value */
    const struct traceql_group *outer; /* of a by() before it, or NULL */
};

struct traceql_match {
    struct traceql_spans spans;        /* at least one */
    const struct traceql_group *group; /* NULL without by() */
};

struct traceql_matches {
    struct traceql_match *match;
    uint32_t count;
};

/* One thread's. */
struct traceql_run {
    const struct traceql_query *query;
    struct traceql_evaluator evaluator;
    struct traceql_structure *structure; /* of the trace at hand; borrowed */
    traceql_load_function *load;
    void *loader;
    /* working memory */
    struct tcore_arena arena;
    struct traceql_spans *result; /* by spanset operation */
    struct tcore_map groups;
    struct tcore_buf key;
};

/* TCORE_FATAL. To be closed in any case. */
enum tcore_status traceql_run_open(struct traceql_run *run, const struct traceql_query *query,
                                   struct tcore_error *err);
void traceql_run_close(struct traceql_run *run);

/* The spansets of the trace in structure; they live until the next call. TCORE_FATAL: no memory. */
enum tcore_status traceql_run_trace(struct traceql_run *run, struct traceql_matches *matches,
                                    struct tcore_error *err);

/* --- traceql_span.c */

/* Whether the span whose fields the evaluator has matches a query of spans. truth: room for as many
 * as it has spanset operations. TCORE_FATAL: no memory. */
enum tcore_status traceql_run_span(struct traceql_evaluator *evaluator, bool *truth, bool *matches,
                                   struct tcore_error *err);

/* --- traceql_stage.c */

/* Whether a scalar filter holds for the spans. */
enum tcore_status traceql_keeps(struct traceql_run *run, const struct traceql_stage *stage,
                                struct traceql_spans spans, bool *keeps, struct tcore_error *err);
/* Adds to out a match for each value that by()'s expression has. */
enum tcore_status traceql_split(struct traceql_run *run, const struct traceql_stage *stage,
                                const struct traceql_match *match, struct traceql_matches *out,
                                struct tcore_error *err);
/* All spans of the matches as one. */
enum tcore_status traceql_merge(struct traceql_run *run, const struct traceql_matches *matches,
                                struct traceql_spans *out, struct tcore_error *err);
/* Adds a match; the list grows in the arena. */
enum tcore_status traceql_add_match(struct traceql_run *run, struct traceql_matches *matches,
                                    struct traceql_match match, struct tcore_error *err);

#endif
