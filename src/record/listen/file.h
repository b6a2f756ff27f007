/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small files that listen reads whole: tokens, keys, certificates. */
#ifndef RECORD_LISTEN_FILE_H
#define RECORD_LISTEN_FILE_H

#include "base/buf.h"

/*
 * Appends a file's text, which is followed by a NUL that does not count. closed_to: bits of the
 * mode that must not be set; 0: anybody may read it. TCORE_BAD_INPUT: they are, it belongs to
 * somebody else, is no regular file or longer than a megabyte.
 */
enum tcore_status listen_read_file(const char *path, unsigned closed_to, struct tcore_buf *text,
                                   struct tcore_error *err);
/* Frees the text, and leaves nothing of it in memory. */
void listen_wipe(struct tcore_buf *text);

#endif
