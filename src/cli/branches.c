/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "cli/branches.h"

void cli_branches_put(const struct cli_branches *branches, bool last, struct tcore_buf *out)
{
    tcore_buf_append(out, branches->front.data, branches->front.length);
    if (branches->ascii)
        tcore_buf_puts(out, last ? "`-" : "|-");
    else
        tcore_buf_puts(out, last ? "\xe2\x94\x94\xe2\x94\x80" : "\xe2\x94\x9c\xe2\x94\x80");
}

size_t cli_branches_enter(struct cli_branches *branches, bool last)
{
    size_t mark = branches->front.length;
    tcore_buf_puts(&branches->front, last ? "  " : branches->ascii ? "| " : "\xe2\x94\x82 ");
    branches->columns += 2;
    return mark;
}

void cli_branches_leave(struct cli_branches *branches, size_t mark)
{
    branches->front.length = mark;
    branches->columns -= 2;
}

void cli_branches_free(struct cli_branches *branches)
{
    tcore_buf_free(&branches->front);
}
