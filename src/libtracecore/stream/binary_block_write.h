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
    bool traces;     /* spans' starts, by the traces that they are of (binary_traces.h) */
};

/*
 * Appends the rows (at least one) that tree's columns hold to out as one block. text_bytes: of the
 * records' canonical text; TCORE_FATAL: out of memory;
 * out is as it was.
 */
enum tcore_status tcore_binary_write_block(struct shape_tree *tree, size_t text_bytes,
                                           struct binary_relations relations, struct tcore_buf *out,
                                           struct tcore_error *err);

/* The column of a top-level key with values of that class, or 0; no name has none. */
uint32_t tcore_binary_find_column(const struct shape_tree *tree, const char *name, unsigned class);

#pragma GCC visibility pop

#endif
