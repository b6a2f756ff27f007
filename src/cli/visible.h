/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Data shown to people. What would move the cursor, change the terminal or the reading direction,
 * or cannot be seen at all, becomes an escape that JSON reads back: \u001b, \u202e.
 */
#ifndef CLI_VISIBLE_H
#define CLI_VISIBLE_H

#include "base/buf.h"

/* Whether bytes text[0..length) need no escape; lines: newlines are fine. */
bool cli_is_visible(const char *text, size_t length, bool lines);
/* Appends text with control characters (C0, DEL, C1), bidirectional controls, line separators,
 * byte-order marks, tag characters and surrogates as \uXXXX, bytes that are no UTF-8 as \xXX. */
void cli_visible(struct tcore_buf *out, const char *text, size_t length, bool lines);
/* Columns that text takes on a terminal: 0 for combining marks, 2 for wide characters. */
size_t cli_display_width(const char *text, size_t length);

#endif
