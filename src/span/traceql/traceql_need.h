/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a trace or a span must have for a query to match, told without putting traces together: so
 * that what cannot match need not be read, or held.
 */
#ifndef SPAN_TRACEQL_NEED_H
#define SPAN_TRACEQL_NEED_H

#include "base/buf.h"
#include "span/traceql/traceql_eval.h"

#define TRACEQL_LEAVES     64
#define TRACEQL_OPERATIONS 128 /* of a query that is looked into */

/* Conditions on single spans of which a trace that matches has some. */
struct traceql_need {
    const struct traceql_query *query;
    uint32_t leaf[TRACEQL_LEAVES]; /* braces of which a span alone decides some: operations, */
    uint32_t root[TRACEQL_LEAVES]; /* and what it decides: their condition, or an operand of && */
    uint32_t leaves;
    bool reads[TRACEQL_FIELD_LIMIT]; /* whether they look at the field of that number */
};

/* Finds them. False: any trace may match. */
bool traceql_need_open(struct traceql_need *need, const struct traceql_query *query);
/* Whether a trace may match, for each of whose leaves some span does or not (bits). */
bool traceql_may_match(const struct traceql_need *need, uint64_t met);
/* Which leaves the span matches whose fields are in the evaluator. TCORE_FATAL: no memory. */
enum tcore_status traceql_need_met(const struct traceql_need *need,
                                   struct traceql_evaluator *evaluator, uint64_t *met,
                                   struct tcore_error *err);

/*
 * Appends an expression (query/expr.h) on names and services that is true of each span that matches
 * a leaf; for a query of spans, of each that matches it. Nothing, if there is none.
 */
void traceql_require_leaf(const struct traceql_need *need, struct tcore_buf *out);
void traceql_require_span(const struct traceql_query *query, struct tcore_buf *out);

#endif
