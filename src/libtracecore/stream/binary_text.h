/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records, or one object of each, as JSON text again. */
#ifndef TRACECORE_STREAM_BINARY_TEXT_H
#define TRACECORE_STREAM_BINARY_TEXT_H

#include "model/batch.h"
#include "stream/binary_block.h"

#pragma GCC visibility push(hidden)

#define BINARY_WHOLE_RECORD BINARY_NONE

/*
 * The canonical text of every row for which wanted is set (NULL: all), or of what it has of one
 * object (a column of class OBJECT); an empty slice where there is none. The slices point into
 * *text, which is cleared first. TCORE_BAD_INPUT: damaged, also if the text is longer than the
 * block says.
 */
enum tcore_status tcore_binary_render(struct binary_reader *reader, uint32_t object,
                                      const bool *wanted, struct tcore_buf *text,
                                      const struct tcore_slice **slices, struct tcore_error *err);

#pragma GCC visibility pop

#endif
