/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The statistics that --stat names: parsed, and what has to be kept for them. */
#ifndef AGG_STAT_H
#define AGG_STAT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stat_kind {
    STAT_COUNT,
    STAT_RATE, /* records a second */
    STAT_SUM,
    STAT_MEAN,
    STAT_MIN,
    STAT_MAX,
    STAT_STDDEV,   /* of the sample: divided by n - 1 */
    STAT_QUANTILE, /* pNN */
    STAT_ERRORS,
    STAT_ERROR_RATE, /* errors / count, a fraction */
    STAT_DISTINCT,   /* distinct(FIELD) */
    STAT_TOPK,       /* topk(N,FIELD) */
    STAT_APDEX       /* apdex(T): (satisfied + tolerating / 2) / all */
};

struct agg_stat {
    enum stat_kind kind;
    const char *name; /* as it was written and as the output calls it; borrowed */
    double quantile;  /* 0 to 1 */
    char *field;      /* of distinct and topk; owned */
    uint32_t limit;   /* of topk */
    double threshold; /* of apdex: nanoseconds or the value's own unit */
    size_t column;    /* of field in the projection, once opened */
    size_t extra;     /* number among the statistics that need a state of their own */
};

struct agg_stats {
    struct agg_stat *stat; /* owned */
    size_t count;
    size_t extra_count;           /* distinct, topk and apdex ones */
    bool sum, squares, histogram; /* what cells must keep */
};

/* What is computed unless --stat is given. */
#define AGG_DEFAULT_STATS 7
extern const char *agg_default_stats[AGG_DEFAULT_STATS];

/* Parses the names. TCORE_BAD_INPUT: an unknown one, or none. */
enum tcore_status agg_stats_parse(struct agg_stats *list, const char *const *names, size_t count,
                                  struct tcore_error *err);
void agg_stats_free(struct agg_stats *list);

#endif
