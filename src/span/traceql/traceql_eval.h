/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A field expression on one span, whose fields have been loaded. */
#ifndef SPAN_TRACEQL_EVAL_H
#define SPAN_TRACEQL_EVAL_H

#include "base/buf.h"
#include "span/traceql/traceql.h"

/* One thread's. */
struct traceql_evaluator {
    const struct traceql_query *query;
    struct traceql_value *field;  /* of the span at hand, by number; set by a loader */
    struct traceql_value *result; /* by node */
    struct tcore_matcher *matcher;
    uint64_t overworked; /* how often a pattern needed too much work, and was false */
};

/* TCORE_FATAL: out of memory, or no PCRE2. To be closed in any case. */
enum tcore_status traceql_evaluator_open(struct traceql_evaluator *evaluator,
                                         const struct traceql_query *query,
                                         struct tcore_error *err);
void traceql_evaluator_close(struct traceql_evaluator *evaluator);

/* The value of the expression whose root is given, until the next call. The results of aggregates
 * in it are taken as they are. TCORE_FATAL: out of memory. */
enum tcore_status traceql_evaluate(struct traceql_evaluator *evaluator, uint32_t root,
                                   struct traceql_value *value, struct tcore_error *err);

static inline bool traceql_is_true(const struct traceql_value *value)
{
    return value->type == TRACEQL_BOOLEAN && value->truth;
}

static inline bool traceql_is_numeric(const struct traceql_value *value)
{
    return value->type == TRACEQL_INTEGER || value->type == TRACEQL_DURATION ||
           value->type == TRACEQL_FLOAT;
}

/* --- traceql_value.c */

/* a op b of two single values; false in *comparable: they are not of a kind. */
bool traceql_compare(enum traceql_operator op, const struct traceql_value *a,
                     const struct traceql_value *b, bool *comparable);
/* + - * / % ^: integers stay exact where they fit; nil of what is no number. */
struct traceql_value traceql_calculate(enum traceql_operator op, const struct traceql_value *a,
                                       const struct traceql_value *b);
struct traceql_value traceql_negate(const struct traceql_value *value);
double traceql_real(const struct traceql_value *value);
/* Appends the value as JSON; nil as null. */
void traceql_write(struct tcore_buf *out, const struct traceql_value *value);

#endif
