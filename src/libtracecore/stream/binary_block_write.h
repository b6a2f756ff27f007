/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A block from the columns of one type. */
#ifndef TRACECORE_STREAM_BINARY_BLOCK_WRITE_H
#define TRACECORE_STREAM_BINARY_BLOCK_WRITE_H

#include "stream/binary_shape.h"

#pragma GCC visibility push(hidden)

/*
 * Appends the rows (at least one) that tree's columns hold to out as one block. text_bytes: of the
 * records' canonical text; references: spans' parents may be written so (binary_reference.h).
 * TCORE_FATAL: out of memory; out is as it was.
 */
enum tcore_status tcore_binary_write_block(struct shape_tree *tree, size_t text_bytes,
                                           bool references, struct tcore_buf *out,
                                           struct tcore_error *err);

#pragma GCC visibility pop

#endif
