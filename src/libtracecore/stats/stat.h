/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The statistics that a cell (stats/cell.h) is asked for, and what has to be kept for them. */
#ifndef TRACECORE_STATS_STAT_H
#define TRACECORE_STATS_STAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tcore_stat_kind {
    TCORE_STAT_COUNT,
    TCORE_STAT_RATE, /* records a second */
    TCORE_STAT_SUM,
    TCORE_STAT_MEAN,
    TCORE_STAT_MIN,
    TCORE_STAT_MAX,
    TCORE_STAT_STDDEV,   /* of the sample: divided by n - 1 */
    TCORE_STAT_QUANTILE, /* pNN */
    TCORE_STAT_ERRORS,
    TCORE_STAT_ERROR_RATE,   /* errors / count, a fraction */
    TCORE_STAT_DISTINCT,     /* distinct(FIELD) */
    TCORE_STAT_TOPK,         /* topk(N,FIELD) */
    TCORE_STAT_APDEX,        /* apdex(T): (satisfied + tolerating / 2) / all */
    TCORE_STAT_FIELD_SUM,    /* sum(FIELD): of the numbers that records have there */
    TCORE_STAT_EXEMPLARS,    /* exemplars(N): traces of the largest values */
    TCORE_STAT_HISTOGRAM,    /* histogram, histogram(N): the buckets that quantiles are read from */
    TCORE_STAT_INCREASE,     /* of counters (stats/increase.h) */
    TCORE_STAT_INCREASE_RATE /* the same a second */
};

struct tcore_stat {
    enum tcore_stat_kind kind;
    const char *name; /* as it was written and as the output calls it; borrowed */
    double quantile;  /* 0 to 1 */
    char *field;      /* of distinct, topk and sum(FIELD); owned */
    uint32_t limit;   /* of topk and exemplars; of a histogram its buckets of either sign, 0: any
                         number */
    double threshold; /* of apdex: nanoseconds or the value's own unit */
    size_t column;    /* of field in the projection, once opened */
    size_t extra;     /* number among the statistics that need a state of their own */
    bool shares;      /* that state is another one's, which was named before it */
};

struct tcore_stats {
    struct tcore_stat *stat; /* owned */
    size_t count;
    size_t extra_count;           /* distinct, topk, apdex, sum(FIELD), exemplars, increase */
    bool sum, squares, histogram; /* what cells must keep */
};

#endif
