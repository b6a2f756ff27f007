/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines that are made of each trace, in the order of the traces' starts and ids (or another one).
 * While all is in memory, traces are ordered and written in that order. Otherwise each is written
 * as its piece is read, and the lines are ordered, by runs on disk.
 */
#ifndef SPAN_GATHER_LINES_H
#define SPAN_GATHER_LINES_H

#include "span/gather.h"

struct gather_lines;

/* Appends what is to be written of the trace, if anything. */
typedef enum tcore_status gather_write(void *state, unsigned thread,
                                       struct tcore_stored_trace *trace, struct tcore_buf *out,
                                       struct tcore_error *err);

/* Takes the sealed store; the gather does not look again. */
enum tcore_status gather_lines_new(struct gather_lines **lines, struct gather *gather,
                                   gather_write *write, void *state, struct tcore_error *err);
/* The same as on disk, whether the spans fit in memory or not: for verbs whose lines need more
 * memory than the spans. */
enum tcore_status gather_lines_sorted(struct gather_lines **lines, struct gather *gather,
                                      gather_write *write, void *state, struct tcore_error *err);
/* Lines of the next traces in place of what is in out; TCORE_EOF: there are no more. */
enum tcore_status gather_lines_next(struct gather_lines *lines, struct tcore_buf *out,
                                    struct tcore_error *err);
/* How many bytes the longest of what was written of one trace has. */
size_t gather_lines_longest(const struct gather_lines *lines);
void gather_lines_free(struct gather_lines *lines);

#endif
