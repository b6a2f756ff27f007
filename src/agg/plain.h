/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What adding plain spans (agg/rows.h) keeps from batch to batch, so as not to ask for it again. */
#ifndef AGG_PLAIN_H
#define AGG_PLAIN_H

#include <stddef.h>
#include <stdint.h>

struct plain {
    uint64_t *tally; /* by series: rows, and errors << 32; owned */
    uint32_t *ends;  /* by series: behind its values; owned */
    int64_t *values; /* of a batch, by series; owned */
    size_t series_capacity, values_capacity;
};

void plain_free(struct plain *plain);

#endif
