/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A block from the columns of one type. */
#ifndef TRACECORE_STREAM_BINARY_BLOCK_WRITE_H
#define TRACECORE_STREAM_BINARY_BLOCK_WRITE_H

#include "stream/binary_shape.h"

#pragma GCC visibility push(hidden)

/* By what they are to others columns may be written. */
struct binary_relations {
    bool sums;       /* a span's end is its start plus its duration */
    bool references; /* spans' parents (binary_reference.h) */
    bool same;       /* columns with the same values */
};

/*
 * Appends the rows (at least one) that tree's columns hold to out as one block. text_bytes: of the
 * records' canonical text; TCORE_FATAL: out of memory;
 * out is as it was.
 */
enum tcore_status tcore_binary_write_block(struct shape_tree *tree, size_t text_bytes,
                                           struct binary_relations relations, struct tcore_buf *out,
                                           struct tcore_error *err);

#pragma GCC visibility pop

#endif
