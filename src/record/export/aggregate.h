/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An aggregate as the metrics that it is, for formats that have metrics and no aggregates: a point
 * for each statistic, with the group for dimensions and the window for times, as records that the
 * formats' own code takes on.
 *
 *   count, errors         counters          span.count, NAME.points.count of metric NAME
 *   rate, errorRate       gauges, as distinct(FIELD) is
 *   mean, min, max ...    gauges            span.duration.mean, NAME.mean
 *   p50, p99 ...          one summary       span.duration, NAME; gauges below 0
 *   histogram             a histogram of that name, from which the quantiles follow
 *   sum                   in summary or histogram, else a gauge
 *
 * A value in nanoseconds has a name that ends in Nano, which becomes the unit.
 */
#ifndef RECORD_EXPORT_AGGREGATE_H
#define RECORD_EXPORT_AGGREGATE_H

#include "record/export/record.h"

/* Zeroed: empty. */
struct export_aggregate {
    struct export_record record;
    struct tcore_buf lines;       /* of metric records, each with its newline */
    struct tcore_buf base, value; /* the names of what was counted, and of what was measured */
    struct tcore_buf quantiles;
    /* Set by whose it is. How the format has a window: as counts that came in it (delta), or that
     * began with it; and what stands between the parts of names. */
    bool delta;
    char joint;
    /* nodes of the record in hand, 0: not there */
    uint32_t group, histogram, count, sum;
    const char *unit;  /* of the value, or NULL */
    bool timed, begun; /* has a window; and some point says its start */
    int64_t start_ns, end_ns;
};

/* Takes the text of an aggregate and leaves its metrics in lines; none of one that has no place,
 * which is counted in record.losses. TCORE_FATAL: err. */
enum tcore_status export_aggregate_put(struct export_aggregate *a, const struct tcore_slice *text,
                                       struct tcore_error *err);
/* The next of the lines, without its newline, from *at on, which is 0 at first; false: no more. */
bool export_aggregate_next(const struct export_aggregate *a, size_t *at, struct tcore_slice *line);
void export_aggregate_free(struct export_aggregate *a);

#endif
