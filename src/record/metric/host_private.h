/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the readers of the several files share. */
#ifndef RECORD_METRIC_HOST_PRIVATE_H
#define RECORD_METRIC_HOST_PRIVATE_H

#include "record/metric/host_metrics.h"
#include "record/metric/point.h"

struct host_reading {
    struct host_metrics *host;
    struct tcore_buf *out;
    struct metric_moment moment;
    int64_t elapsed_ns; /* since the reading before; 0: there was none */
};

/* The file's text in host->text, with a NUL at its end; NULL: it is not there, or memory is short.
 */
char *host_read_file(struct host_metrics *host, const char *path);
/* Whether the text has a line of that key, as "MemFree:"; then the number behind it. */
bool host_find_number(const char *text, const char *key, int64_t *number);

void host_put_disks(struct host_reading *reading);
void host_put_file_systems(struct host_reading *reading);
void host_put_network(struct host_reading *reading);

#endif
