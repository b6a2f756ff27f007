/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * EXPR: a jq expression on a record, as in .service=="cart" and .durationNano > 100*ms.
 *
 * Native, as a program over columns:
 *     .a  .["a"]  ."a"  with ? behind     | , // or and == != < <= > >= + - * / %  unary -  ( ) ?
 *     numbers, strings, true false null, constant [..] and {..}     ns us ms s m h d
 *     not length has(k) in(x) IN(a, b, ...) IN(v; a, b, ...) contains(x) inside(x) startswith(x)
 *     endswith(x) test("re") test("re"; "flags")
 * A comma stands only within IN() and [..]. Anything else of jq runs in libjq in a helper process
 * (query/jq.h); what the native parser does not know is an error only if libjq says so too, or if
 * it uses a word that reaches out of the record (import, input, env, halt, ...). An = is refused:
 * it would assign, where == is meant.
 *
 * Both ways give jq's answer wherever jq's own arithmetic is exact. They differ in
 * - integers: exact here within int64, and compared exactly beyond; libjq 1.6 has doubles;
 * - regular expressions: PCRE2 with a match limit here (a hit is an error of the row), Oniguruma
 *   there; a pattern that is no pattern is an error when it is compiled;
 * - (x)? : libjq 1.6 also suppresses errors that are raised behind it, jq 1.7 and this do not;
 * - contains on strings with a NUL: libjq 1.6 stops at it;
 * - lone surrogates, which libjq sees as U+FFFD, and nesting beyond 256, which it refuses;
 * - size: more than 64 MiB of computed strings for one record is an error of the row here.
 * A record is kept if any result is neither null nor false, once however many there are.
 */
#ifndef TRACECORE_QUERY_EXPR_H
#define TRACECORE_QUERY_EXPR_H

#include "base/error.h"
#include "model/batch.h"
#include "model/known.h"
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
/* Whether the expression names a time (...UnixNano) and runs in libjq, whose numbers are doubles:
 * times of these years are rounded to 256 ns there. */
bool tcore_expr_rounds_times(const struct tcore_expr *expr);

/*
 * What one thread needs to evaluate; also owns its helper process, which dies with the thread that
 * made the state (or compiled the expression, for the first state): that thread must live on for
 * as long as the state is used.
 */
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
/*
 * Whether the expression can be true for a record of which no more is known than the values that
 * these fields may have. False: it is not, whatever else the record has; it may still fail on it.
 * Always true of an expression that runs in libjq.
 */
enum tcore_status tcore_expr_may_select(struct tcore_expr_state *state,
                                        const struct tcore_known_field *known, size_t count,
                                        bool *may, struct tcore_error *err);
/* Why the first row failed, with the place in the expression; NULL if none has. */
const char *tcore_expr_state_reason(const struct tcore_expr_state *state);

#endif
