/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log records that say which trace they belong to, until it is known which one is shown. */
#ifndef REPORT_TRACE_LOGS_H
#define REPORT_TRACE_LOGS_H

#include "base/arena.h"
#include "model/batch.h"
#include "model/projection.h"
#include "report/view_trace.h"

#include <pthread.h>

struct trace_log {
    char trace_id[32], span_id[16]; /* digits; the span's are zeros if it names none */
    int64_t time_ns;                /* 0: not known */
    uint32_t row;                   /* of the page, once they are placed */
    struct tcore_slice text;        /* of the record */
};

struct trace_logs {
    pthread_mutex_t lock;
    struct tcore_arena arena;
    struct trace_log *log; /* owned */
    size_t count, capacity;
    size_t bytes, limit;
    uint64_t beyond_limit; /* so many were not kept */
    size_t trace_column, span_column, time_column;
};

void trace_logs_open(struct trace_logs *logs, size_t limit);
void trace_logs_free(struct trace_logs *logs);
/* Asks for the columns, and the text. */
enum tcore_status trace_logs_project(struct trace_logs *logs, struct tcore_projection *projection,
                                     struct tcore_error *err);
/* Takes one; of any thread. only: the trace that is wanted, or "". TCORE_FATAL: out of memory. */
enum tcore_status trace_logs_take(struct trace_logs *logs, const char *only,
                                  const struct tcore_batch *batch, uint32_t row,
                                  struct tcore_error *err);
/* Keeps those of the trace, by the row of their span (else the root's) and then by time. */
void trace_logs_place(struct trace_logs *logs, const struct view_trace *view);

#endif
