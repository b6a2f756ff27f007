/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a verb adds up over all traces, on all threads: each has a sum of its own, and in the end
 * the first has them all. What comes out must not depend on which trace was added where. */
#ifndef SPAN_TRACE_SUMS_H
#define SPAN_TRACE_SUMS_H

#include "span/gather.h"
#include "span/trace_build.h"

struct trace_summing {
    size_t bytes;   /* of a sum; it begins zeroed */
    bool tree_only; /* take needs no critical path and no self times */
    enum tcore_status (*open)(void *sum, const void *state, struct tcore_error *err);
    enum tcore_status (*take)(void *sum, const void *state, const struct trace_build *build,
                              struct tcore_error *err);
    enum tcore_status (*merge)(void *into, const void *from, struct tcore_error *err);
    void (*close)(void *sum); /* also of one that was not opened, or not successfully */
};

struct trace_sums {
    const struct trace_summing *summing;
    const void *state;
    void *sum; /* one a thread; the first one is the result; owned */
    unsigned threads;
    /* while it runs */
    const struct gather *gather;
    struct trace_build *builds;
};

/* Adds up all traces of the sealed store. Memory is to be freed in any case. */
enum tcore_status trace_sums_run(struct trace_sums *sums, const struct trace_summing *summing,
                                 const void *state, struct gather *gather, struct tcore_error *err);
void trace_sums_free(struct trace_sums *sums);

#endif
