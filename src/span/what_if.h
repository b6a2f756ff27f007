/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * --what-if=OP=CHANGE: how long traces would take if the own work of some spans took more or less
 * time (trace/schedule.h says what is assumed).
 *
 * OP is a span's name, SERVICE:NAME, or SERVICE: for all spans of a service. CHANGE is +N% or -N%
 * of the own work, or +DUR or -DUR for each span that has any; it never gets less than nothing.
 */
#ifndef SPAN_WHAT_IF_H
#define SPAN_WHAT_IF_H

#include "span/span_group.h"
#include "stats/cell.h"
#include "trace/schedule.h"

struct what_if_change {
    const char *operation;
    size_t length;
    double factor; /* of the own work */
    int64_t add_ns;
};

/* The changes of the command line: a span that several fit has all of them, in their order. */
struct what_if {
    struct what_if_change *change; /* owned */
    size_t count;
};

/* TCORE_BAD_INPUT: err says what is wrong with which one; TCORE_FATAL: no memory. */
enum tcore_status what_if_parse(struct what_if *what_if, const struct cli_strings *texts,
                                struct tcore_error *err);
void what_if_free(struct what_if *what_if);

/* Traces of one group by their roots: how long they took, and would have taken. */
struct what_if_total {
    struct tcore_cell before, after;
};

/* One thread's. */
struct what_if_totals {
    const struct what_if *what_if;
    struct span_groups keys;
    struct what_if_total *total; /* by number; owned */
    uint32_t capacity, count;
    uint64_t *matched; /* spans, of each change; owned */
    double *factor;   /* of the trace at hand */
    uint32_t span_capacity;
};

enum tcore_status what_if_open(struct what_if_totals *totals, const struct what_if *what_if,
                               const struct cli_strings *by, unsigned depth_limit,
                               struct tcore_error *err);
void what_if_close(struct what_if_totals *totals);
/* Adds a trace whose root is timed; others are left out. */
enum tcore_status what_if_take(struct what_if_totals *totals, const struct trace_build *build,
                               struct tcore_schedule *schedule, struct tcore_error *err);
/* into += from. */
enum tcore_status what_if_merge(struct what_if_totals *into, const struct what_if_totals *from,
                                struct tcore_error *err);
/* Appends an aggregate record for each group of roots, by the bytes of the groups: statistics of
 * what its traces would take, the same of what they took, the difference of the means and its share
 * of what they took. */
enum tcore_status what_if_write(struct what_if_totals *totals,
                                const struct tcore_trace_store *store, struct tcore_buf *out,
                                struct tcore_error *err);

#endif
