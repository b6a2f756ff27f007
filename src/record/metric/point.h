/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records of what the system measures: one point of a metric, as run, host and snapshot write it.
 */
#ifndef RECORD_METRIC_POINT_H
#define RECORD_METRIC_POINT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct metric_series {
    const char *name, *unit;
    bool counter; /* it only grows, from start_ns on; else a gauge */
};

/* What the points of one reading have in common; texts are parts of a record, "" if there is none.
 */
struct metric_moment {
    int64_t time_ns, start_ns;
    const char *context; /* ,"context":{...} */
    const char *common;  /* ,"service":... and "resource":{...}, what comes behind temporality */
};

/* Appends a line; dimensions are the members of an object, or "". */
void metric_point_int(struct tcore_buf *out, const struct metric_series *series,
                      const char *dimensions, const struct metric_moment *moment, int64_t value);
void metric_point_double(struct tcore_buf *out, const struct metric_series *series,
                         const char *dimensions, const struct metric_moment *moment, double value);

#endif
