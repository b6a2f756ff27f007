/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines of traces that are made in no order, put in the order of the traces' starts and ids by runs
 * on disk. Whoever makes them puts a mark before what is written of each trace.
 *
 *     open; start pieces whose output is mark, lines, mark, lines ...; take; next ... TCORE_EOF;
 * close
 */
#ifndef SPAN_LINE_SORT_H
#define SPAN_LINE_SORT_H

#include "cli/pieces.h"
#include "span/gather.h"
#include "span/sort_runs.h"

struct line_sort {
    struct sort_runs runs;
    size_t longest; /* of what was written of one trace, in bytes */
};

/* Half of --memory is for it. */
void line_sort_open(struct line_sort *sort, const struct cli *cli);
void line_sort_close(struct line_sort *sort);

/* Appends the mark of a trace, and returns where it is; what is appended next is of that trace, to
 * the end. */
size_t line_sort_begin(struct tcore_buf *out, const uint64_t trace_id[2],
                       const struct tcore_interval *whole);
void line_sort_end(struct tcore_buf *out, size_t mark);

/* Takes the output of all pieces, which were started. */
enum tcore_status line_sort_take(struct line_sort *sort, struct cli_pieces *pieces,
                                 struct tcore_error *err);
/* Lines of the next traces in place of what is in out; TCORE_EOF: there are no more. */
enum tcore_status line_sort_next(struct line_sort *sort, struct tcore_buf *out,
                                 struct tcore_error *err);

#endif
