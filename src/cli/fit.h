/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text brought to a number of columns. It is visible already (cli/visible.h). */
#ifndef CLI_FIT_H
#define CLI_FIT_H

#include "base/buf.h"

#include <stdbool.h>

/* What of a text that is too long is left out. */
enum cli_fit {
    CLI_FIT_END,
    CLI_FIT_MIDDLE, /* of names, which often begin or end as others do */
};

/* Appends text and blanks up to columns; if it is wider, it is cut, and dots say so (ascii: two). */
void cli_fit(struct tcore_buf *out, const char *text, size_t length, size_t columns,
             enum cli_fit how, bool ascii);
/* How many bytes of text, 1 or more, make a line of at most columns: up to a blank, which *next is
 * behind, or where there is none, as much as there is room for. */
size_t cli_fit_line(const char *text, size_t length, size_t columns, size_t *next);

#endif
