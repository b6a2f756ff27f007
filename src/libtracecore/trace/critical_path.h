/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The critical path of a trace: what its end-to-end time was spent on, span by span.
 *
 * It is found by walking back from the end of the root. At any time the path is in the child that
 * finished last before that time, and in that child's own children before; where no child runs it
 * is in the span itself. A child counts only as far as it lies within its parent (clocks that
 * disagree, work that goes on after the answer); one that does not, or that took no time, is left
 * out. Of children that end together the one that started first is taken. So the path covers the
 * root's interval once, without gap or overlap, and its length is the root's duration.
 *
 * Clocks of two hosts are never quite the same. So a child that ends after the next one on the path
 * has started is taken for its predecessor all the same, if it started and ended first, both
 * overlap by less than a hundredth of what their parent took, and no other child starts or ends
 * meanwhile. Its part of the path ends where the next one's begins.
 *
 * Exclusive time is what a span took less what its children on the path took, each as far as it
 * lies within its parent, and at least 0. Where none overlap, that is the length of its segments;
 * where two do, the overlap counts for both and is taken from their parent, so that the sum is
 * still the root's duration.
 *
 * Source: Z. Zhang, M. K. Ramanathan, P. Raj, A. Parwal, T. Sherwood, M. Chabbi, "CRISP: Critical
 * Path Analysis of Large-Scale Microservice Architectures", USENIX ATC 2022, section 4.
 */
#ifndef TRACECORE_TRACE_CRITICAL_PATH_H
#define TRACECORE_TRACE_CRITICAL_PATH_H

#include "trace/tree.h"

/* A stretch of time in which the path is in a span and in none of its children. */
struct tcore_critical_segment {
    int64_t start_ns, end_ns;
    uint32_t span;
};

struct tcore_critical_path {
    struct tcore_critical_segment *segments; /* ascending, each longer than 0, without gaps */
    size_t segment_count;
    uint32_t *spans;       /* the path's spans in the order in which it comes to them, root first */
    int64_t *exclusive_ns; /* of each of them */
    uint32_t span_count;   /* 0: the root's interval is not known */
    int64_t duration_ns;
    /* working memory */
    uint32_t span_capacity, pool_capacity;
    size_t segment_capacity;
    void *frames, *pool;
};

/* The path of the tree below root. A zeroed struct is ready for use, and its memory is used again
 * from call to call. O(n log n), no recursion. TCORE_FATAL: out of memory. */
enum tcore_status tcore_critical_path_find(struct tcore_critical_path *path,
                                           const struct tcore_trace_tree *tree, uint32_t root,
                                           struct tcore_error *err);
void tcore_critical_path_free(struct tcore_critical_path *path);

/* The number of the first segment that ends behind ns; segment_count if none does. From there on
 * segments are in the order of time, and those of a span lie within it. */
size_t tcore_critical_path_behind(const struct tcore_critical_path *path, int64_t ns);

#endif
