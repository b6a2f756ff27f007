/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Spans' parents, written as where they stand: mostly the parent is a span of the same trace in the
 * same block, and which of them is a small number where the id itself is 8 random bytes. Blocks of
 * segments have this; those of a pipe, which are smaller and live for a moment, do not.
 */
#ifndef TRACECORE_STREAM_BINARY_REFERENCE_H
#define TRACECORE_STREAM_BINARY_REFERENCE_H

#include "stream/binary_shape.h"

#pragma GCC visibility push(hidden)

/* Columns of a tree of spans; all zero: there is nothing to refer to. */
struct binary_referents {
    uint32_t parent, span, trace;
};

/* Whether the block's parents can be written so. To be asked before any column is encoded. */
struct binary_referents tcore_binary_find_referents(const struct shape_tree *tree);
/* Appends the parents' data to out and fills their entry, but for the columns referred to. False:
 * they would take no less room, or there was no memory; out and entry are as they were. */
bool tcore_binary_encode_references(const struct shape_tree *tree,
                                    const struct binary_referents *columns, struct tcore_buf *out,
                                    uint8_t *entry);

#pragma GCC visibility pop

#endif
