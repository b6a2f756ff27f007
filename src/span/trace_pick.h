/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Some traces of many, chosen while all are visited: the first ones in the order of a key that the
 * caller gives, then of ids. Their spans are not kept; gather_again has them.
 */
#ifndef SPAN_TRACE_PICK_H
#define SPAN_TRACE_PICK_H

#include "span/gather.h"

/* One thread's. A zeroed struct is ready for use. */
struct trace_pick {
    struct trace_ref *refs; /* in order once all are joined; owned */
    size_t count, capacity;
};

/* Offers a trace; the first limit ones are kept, and some more for a while. TCORE_FATAL: no memory.
 */
enum tcore_status trace_pick_offer(struct trace_pick *pick, uint64_t key,
                                   const uint64_t trace_id[2], size_t limit,
                                   struct tcore_error *err);
/* Puts the first limit of all threads' in order into the first one. */
enum tcore_status trace_pick_join(struct trace_pick *picks, unsigned threads, size_t limit,
                                  struct tcore_error *err);
void trace_pick_free(struct trace_pick *pick);

#endif
