/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The traces of a summary: as many as there is room for, chosen by their ids alone. */
#ifndef REPORT_SUMMARY_TRACES_H
#define REPORT_SUMMARY_TRACES_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trace_entry {
    uint64_t id[2];
    int64_t start_ns, end_ns;
    int64_t root_start_ns;
    uint64_t root_span;
    uint32_t root; /* operation */
    uint32_t spans, errors;
    bool used, orphan; /* orphan: the root so far names a parent */
};

struct trace_table {
    struct trace_entry *entries;
    size_t count, capacity; /* a power of two */
    size_t limit;           /* entries */
    unsigned level;         /* one trace in 2^level is kept */
    uint64_t seed[2];
    bool unfit; /* some trace is in no level: ids that were made for that */
};

/* The entry of the trace, made if it is new; NULL with TCORE_OK: not one that is kept. */
enum tcore_status traces_find(struct trace_table *traces, const uint64_t id[2],
                              struct trace_entry **entry, struct tcore_error *err);
/* entry += a span or a part of the same trace. */
void trace_entry_add(struct trace_entry *entry, const struct trace_entry *more);
/* Keeps only traces of this level. */
void traces_raise(struct trace_table *traces, unsigned level);

#endif
