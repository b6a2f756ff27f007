/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is peculiar about the spans of traces (trace/tree.h), counted and in words. */
#ifndef SPAN_ODDITIES_H
#define SPAN_ODDITIES_H

#include "base/buf.h"
#include "trace/tree.h"

#define ODDITIES 8u

struct oddities {
    uint64_t count[ODDITIES]; /* by bit of a span's notes */
};

/* Of where spans are in the tree, and not of when they were. */
#define ODD_PLACES                                                                                 \
    (TCORE_NOTE_ORPHAN | TCORE_NOTE_SELF_PARENT | TCORE_NOTE_CYCLE | TCORE_NOTE_DUPLICATE)

/* += those of a trace; those of another sum. */
void oddities_count(struct oddities *odd, const struct tcore_trace_tree *tree);
void oddities_add(struct oddities *odd, const struct oddities *other);

/* The member of a trace's metadata.customData that counts spans with that bit. */
const char *oddity_member(unsigned bit);
/* What a span with that bit is called among its notes. */
const char *oddity_name(unsigned bit);
/* Appends how many there are, as in "2 orphans"; nothing if there are none. */
void oddity_describe(const struct oddities *odd, unsigned bit, struct tcore_buf *out);
/* Appends those of which, with commas. */
void oddities_describe(const struct oddities *odd, unsigned which, struct tcore_buf *out);

#endif
