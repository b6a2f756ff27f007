/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A tree in lines of text: what stands in front of each. Two columns a level. */
#ifndef CLI_BRANCHES_H
#define CLI_BRANCHES_H

#include "base/buf.h"

/* Begins zeroed but for ascii, at the root, which has nothing in front. */
struct cli_branches {
    bool ascii;
    unsigned columns;       /* that front takes */
    struct tcore_buf front; /* of lines below those that were entered; owned */
};

/* Appends what stands in front of a child of what was entered last; last: it has no more. */
void cli_branches_put(const struct cli_branches *branches, bool last, struct tcore_buf *out);
/* Goes below that child, and back. The mark is for leaving. */
size_t cli_branches_enter(struct cli_branches *branches, bool last);
void cli_branches_leave(struct cli_branches *branches, size_t mark);
void cli_branches_free(struct cli_branches *branches);

#endif
