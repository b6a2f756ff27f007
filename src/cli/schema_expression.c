/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "cli/schema.h"

#include "model/projection.h"
#include "query/expr.h"

bool cli_schema_check_expression(struct cli_schema *p, uint32_t node, const char *key,
                                 const char *helper)
{
    const struct tcore_expr_options options = {.helper = helper};
    struct tcore_projection projection = {0};
    struct tcore_expr *expr = NULL;
    struct tcore_error err = {0};
    enum tcore_status status =
        tcore_expr_compile(&expr, cli_schema_node(p, node)->text, &options, &projection, &err);

    tcore_expr_free(expr);
    tcore_projection_free(&projection);
    if (status == TCORE_BAD_INPUT) {
        cli_schema_error_within(p, node, err.byte ? (size_t)err.byte - 1 : 0, key, err.text);
    } else if (status != TCORE_OK) {
        p->fatal = true;
        if (p->err)
            *p->err = err;
    }
    return status == TCORE_OK;
}
