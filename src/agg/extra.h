/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rarer parts of a cell. Private to cell*.c. */
#ifndef AGG_EXTRA_H
#define AGG_EXTRA_H

#include "agg/cell.h"
#include "stats/apdex.h"
#include "stats/bounded_histogram.h"
#include "stats/distinct.h"
#include "stats/topk.h"

union agg_extra_state {
    struct tcore_distinct distinct;
    struct tcore_topk topk;
    struct tcore_apdex apdex;
};

struct agg_extra {
    struct tcore_exact_sum squares;
    struct tcore_bounded_histogram bounded; /* of metrics with explicit bounds */
    union agg_extra_state state[];          /* by agg_stat.extra */
};

/* The cell's extra part, made if there is none; NULL: no memory. */
struct agg_extra *cell_extra(struct agg_cell *cell, const struct agg_stats *stats);

#endif
