/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * EXPR: a jq expression on a record, as in .service=="cart" and .durationNano > 100*ms.
 *
 * The subset of jq that most people write (paths, literals, comparisons, and/or/not, arithmetic,
 * //, test, startswith, endswith, contains, has, length, in; ns us ms s m h d predefined) is
 * compiled to a program over columns. Anything else runs in libjq in a helper process (query/jq.h).
 * Both give jq's answer wherever jq's own arithmetic is exact.
 */
#ifndef TRACECORE_QUERY_EXPR_H
#define TRACECORE_QUERY_EXPR_H

#include "base/error.h"
#include "model/batch.h"
#include "model/projection.h"

struct tcore_expr;

struct tcore_expr_options {
    const char *helper;  /* path of the libjq helper program; NULL: its installed place */
    int64_t watchdog_ns; /* for one batch in the helper; 0: 5 s */
};

/*
 * Compiles text and adds the columns that it needs to the projection (text, if it needs libjq).
 * TCORE_BAD_INPUT: a syntax error or a refused function; err->text says what and err->byte the
 * column.
 */
enum tcore_status tcore_expr_compile(struct tcore_expr **expr, const char *text,
                                     const struct tcore_expr_options *options,
                                     struct tcore_projection *projection, struct tcore_error *err);
void tcore_expr_free(struct tcore_expr *expr);
bool tcore_expr_is_native(const struct tcore_expr *expr);

/* What one thread needs to evaluate; also owns its helper process. */
struct tcore_expr_state;
enum tcore_status tcore_expr_state_new(struct tcore_expr_state **state,
                                       const struct tcore_expr *expr, struct tcore_error *err);
void tcore_expr_state_free(struct tcore_expr_state *state);

/*
 * Keeps of rows[0..count) those for which the expression is true (neither null, false nor an error;
 * jq's select), in order; *count is updated. Rows that failed with an error are counted in
 * *failed, the first reason is in state (tcore_expr_state_reason). TCORE_FATAL: the helper
 * died or was stopped by its watchdog; err says so.
 */
enum tcore_status tcore_expr_select(struct tcore_expr_state *state, const struct tcore_batch *batch,
                                    uint32_t *rows, size_t *count, uint64_t *failed,
                                    struct tcore_error *err);
const char *tcore_expr_state_reason(const struct tcore_expr_state *state);

#endif
