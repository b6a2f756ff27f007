/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a machine uses, from /proc and /sys, by the names of OpenTelemetry's semantic conventions
 * for system metrics. What the kernel does not tell is left out.
 */
#ifndef RECORD_METRIC_HOST_METRICS_H
#define RECORD_METRIC_HOST_METRICS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum { HOST_MODES = 7 }; /* user nice system idle iowait interrupt steal */

struct host_metrics {
    const char *root; /* folder that has proc and sys; borrowed */
    int folder;       /* it */
    bool per_cpu;
    struct tcore_buf common;
    /* of the last reading */
    bool read;
    int64_t time_ns;
    int64_t ticks[HOST_MODES];
    int64_t stalled_us[6]; /* cpu memory io: some, full; -1: not known */
    struct tcore_buf text; /* of a file */
};

/* TCORE_FATAL: there is no such folder. To be closed in any case. */
enum tcore_status host_metrics_open(struct host_metrics *host, const char *root, bool per_cpu,
                                    struct tcore_error *err);
void host_metrics_close(struct host_metrics *host);
/* Appends the records of a reading. What is a share of time is there from the second one on.
 * TCORE_FATAL: there is no proc/stat, or memory is short. */
enum tcore_status host_metrics_take(struct host_metrics *host, struct tcore_buf *lines,
                                    struct tcore_error *err);

#endif
