/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The spans that an assembled trace holds, as a batch of spans: what reads spans reads traces with
 * the same columns. One of these a thread.
 */
#ifndef REPORT_UNFOLD_H
#define REPORT_UNFOLD_H

#include "model/json.h"
#include "stream/input.h"

struct unfold {
    const struct tcore_projection *projection;
    size_t column; /* structure.spans */
    struct tcore_decoder *decoder;
    struct tcore_chunk chunk;
    struct tcore_json json;
    uint32_t *rows; /* 0, 1, 2, ... */
    size_t row_capacity;
};

/* Asks for the column; the projection must live as long as anybody unfolds. */
enum tcore_status unfold_project(struct tcore_projection *projection, size_t *column,
                                 struct tcore_error *err);
/* The spans of the trace in that row, valid until the next call: rows[0..*count) of *batch, which
 * is NULL when the trace has none with it. TCORE_FATAL: out of memory. A zeroed struct with
 * projection and column is ready for use. */
enum tcore_status unfold_trace(struct unfold *unfold, const struct tcore_batch *traces,
                               uint32_t row, const struct tcore_batch **batch, size_t *count,
                               struct tcore_error *err);
void unfold_free(struct unfold *unfold);

#endif
