/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Log records of errors (severity error or fatal) that have a trace id: from batches of all threads
 * into one list by trace. */
#ifndef SPAN_ERROR_LOGS_H
#define SPAN_ERROR_LOGS_H

#include "base/arena.h"
#include "model/batch.h"
#include "model/projection.h"

struct error_log {
    uint64_t trace_id[2]; /* as two numbers, the first digits in the first */
    uint64_t span_id;     /* 0: none */
    int64_t time_ns;      /* INT64_MAX: none */
    const char *text;     /* the record; in an arena */
    uint32_t length;
    bool taken; /* for the caller */
};

/* A thread's, or all of them. A zeroed struct is ready for use. */
struct error_logs {
    struct error_log *log; /* owned */
    size_t count, capacity;
    struct tcore_arena text;
    struct error_logs *next; /* those that were joined: they own their texts */
};

/* The columns that take reads, the text among them; *columns is the caller's to keep. */
struct error_log_columns {
    size_t severity, number, trace_id, span_id, time;
};
enum tcore_status error_logs_project(struct error_log_columns *columns,
                                     struct tcore_projection *projection, struct tcore_error *err);
/* Takes a row if it is of an error. TCORE_FATAL: no memory. */
enum tcore_status error_logs_take(struct error_logs *logs, const struct error_log_columns *columns,
                                  const struct tcore_batch *batch, uint32_t row,
                                  struct tcore_error *err);
/* Memory held, in bytes. */
size_t error_logs_bytes(const struct error_logs *logs);

/* Moves all that a thread's list has to the end of another, which owns that list then; it is to be
 * from tcore_calloc. TCORE_FATAL: no memory. */
enum tcore_status error_logs_join(struct error_logs *into, struct error_logs *from,
                                  struct tcore_error *err);
/* Orders them by trace, span, time, and text. */
void error_logs_sort(struct error_logs *logs);
/* The logs of a trace, or of a span among those of its trace. */
struct error_log *error_logs_of_trace(const struct error_logs *logs, const uint64_t trace_id[2],
                                      size_t *count);
struct error_log *error_logs_of_span(struct error_log *of_trace, size_t in_trace, uint64_t span_id,
                                     size_t *count);
void error_logs_free(struct error_logs *logs);

#endif
