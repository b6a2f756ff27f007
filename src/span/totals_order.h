/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Totals of traces in order of start and id, on all threads: all of one stretch of time after those
 * of the one before, and each stretch sorted by whoever writes it.
 */
#ifndef SPAN_TOTALS_ORDER_H
#define SPAN_TOTALS_ORDER_H

#include "trace/totals.h"

#define STRETCHES_MOST 256u

struct total_ref {
    uint64_t key; /* of its start */
    const struct tcore_trace_total *total;
};

struct ordered_totals {
    struct total_ref *refs; /* owned */
    size_t count;
    size_t start[STRETCHES_MOST + 1]; /* of each stretch, and the end of the last */
    unsigned stretches;
    bool timed; /* some trace has times */
};

/* Refers to all there are. A zeroed struct can be freed. TCORE_FATAL: no memory, or beyond the
 * limit. */
enum tcore_status order_totals(struct ordered_totals *ordered, struct tcore_trace_totals *totals,
                               unsigned threads, struct tcore_error *err);
void ordered_totals_free(struct ordered_totals *ordered);
/* Sorts a stretch. False: no memory. */
bool order_stretch(struct ordered_totals *ordered, unsigned stretch);

#endif
