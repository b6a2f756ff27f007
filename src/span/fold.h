/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which rows a picture of a trace has, when there are more spans than rows. Siblings of the same
 * service and name are folded: of each such group so many stay that all fits, those on the critical
 * path first, then those that failed or have failures below them, then the longest; one row stands
 * for the others and all below them.
 */
#ifndef SPAN_FOLD_H
#define SPAN_FOLD_H

#include "span/trace_build.h"

struct fold_row {
    uint32_t span; /* of a row for hidden ones: the first of them; TCORE_SPAN_NONE: of no group */
    uint32_t depth;
    uint32_t hidden; /* 0: the span itself; else how many siblings this row stands for */
    uint32_t below;  /* of a row for hidden ones: spans in all */
    bool failed;     /* it, or one of those it stands for or of those below them */
    bool critical;   /* it, or one of those it stands for */
    struct tcore_interval interval;
    int64_t longest_ns; /* of those; -1: not known */
};

struct fold {
    struct fold_row *rows;
    uint32_t count;
    /* working memory */
    uint8_t *critical; /* whether each span is on the critical path */
    uint8_t *failed;   /* whether it or one below it failed */
    uint32_t row_capacity, span_capacity;
    uint32_t *rank, *leader, *row_of;
    uint32_t *behind; /* of each place in the tree's order: the next one that is not below it */
    void *members;
};

/* Rows of the trace, in the order of a walk down the tree, at most most of them, which is 2 or
 * more; the last one counts the rest where folding was not enough. A zeroed struct is ready for
 * use. TCORE_FATAL: no memory. */
enum tcore_status fold_trace(struct fold *fold, const struct trace_build *build, uint32_t most,
                             struct tcore_error *err);
void fold_free(struct fold *fold);

#endif
