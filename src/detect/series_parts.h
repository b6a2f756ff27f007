/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The members of a group while its series is looked for, and what is kept of a new one. */
#ifndef DETECT_SERIES_PARTS_H
#define DETECT_SERIES_PARTS_H

#include "detect/series.h"

/* One field of a group: key and value as JSON text, both in the table's buffer. */
struct member {
    size_t key, key_length, value, value_length;
    bool of_resource;
};

struct members {
    struct member *item; /* owned */
    size_t count, capacity;
};

/* What series_name.label holds. */
void series_put_short_label(struct tcore_buf *out, const struct series_table *table,
                            const struct members *members, const char *metric_name,
                            const char *stat);
/* Fills in what the table keeps of a new series; group and label are those of its members, kin its
 * identity without the resource. False: out of memory. */
bool series_keep(struct series_table *table, const struct members *members,
                 const struct tcore_buf *group, const struct tcore_buf *label,
                 const struct tcore_buf *kin, struct series_name *name);

#endif
