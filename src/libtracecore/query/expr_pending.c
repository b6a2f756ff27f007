/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stands in until expr_*.c arrive in the next commits, which remove this file: every expression is
 * refused. */
#include "query/expr.h"

#include <stddef.h>

enum tcore_status tcore_expr_compile(struct tcore_expr **expr, const char *text,
                                     const struct tcore_expr_options *options,
                                     struct tcore_projection *projection, struct tcore_error *err)
{
    (void)text;
    (void)options;
    (void)projection;
    *expr = NULL;
    return tcore_error_set(err, TCORE_FATAL, "expressions are not built in");
}

void tcore_expr_free(struct tcore_expr *expr)
{
    (void)expr;
}

bool tcore_expr_is_native(const struct tcore_expr *expr)
{
    return expr != NULL;
}

enum tcore_status tcore_expr_state_new(struct tcore_expr_state **state,
                                       const struct tcore_expr *expr, struct tcore_error *err)
{
    (void)expr;
    *state = NULL;
    return tcore_error_set(err, TCORE_FATAL, "expressions are not built in");
}

void tcore_expr_state_free(struct tcore_expr_state *state)
{
    (void)state;
}

enum tcore_status tcore_expr_select(struct tcore_expr_state *state, const struct tcore_batch *batch,
                                    uint32_t *rows, size_t *count, uint64_t *failed,
                                    struct tcore_error *err)
{
    (void)state;
    (void)batch;
    (void)rows;
    (void)count;
    (void)failed;
    return tcore_error_set(err, TCORE_FATAL, "expressions are not built in");
}

const char *tcore_expr_state_reason(const struct tcore_expr_state *state)
{
    (void)state;
    return NULL;
}
