/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plain spans (agg/rows.h) that are yet to be added, from however many batches. */
#ifndef AGG_PLAIN_H
#define AGG_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLAIN_ROWS 4096

struct plain_rows {
    int64_t values[PLAIN_ROWS], sorted[PLAIN_ROWS]; /* sorted: by series, when they are added */
    uint32_t series[PLAIN_ROWS];
    bool errors[PLAIN_ROWS];
};

struct plain {
    struct plain_rows *rows; /* owned; NULL until there are some */
    size_t count;
    uint64_t *tally; /* by series: rows, and errors << 32; owned */
    uint32_t *ends;  /* by series: behind its values; owned */
    size_t series_capacity;
};

void plain_free(struct plain *plain);

#endif
