/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Executions by their ids, with all that was recorded of each. The records come in any order, as
 * segments and logs have them, and are folded in the order of their times.
 */
#ifndef RECORD_EXECUTION_EXECUTIONS_H
#define RECORD_EXECUTION_EXECUTIONS_H

#include "record/execution/fold.h"
#include "record/execution/spill.h"

struct execution_records {
    const char *id; /* 16 digits */
    bool started, ended;
    int64_t start_ns;       /* once it has started */
    struct tcore_buf texts; /* of its records, each behind a struct execution_record */
    uint64_t spilled;       /* place of those before; 0: none */
    size_t count;
};

struct executions {
    struct tcore_map ids;
    struct execution_records *list; /* by number in ids */
    size_t count, capacity;
    struct tcore_json json; /* of the record at hand */
    bool running_only;      /* what has ended is forgotten, but that it has */
    size_t limit_bytes;     /* of texts that are held; more go to a file. 0: none */
    size_t held_bytes;
    struct execution_spill spill;
};

/* TCORE_FATAL: there is no randomness. To be freed in any case. */
enum tcore_status executions_init(struct executions *executions, struct tcore_error *err);
void executions_free(struct executions *executions);
/* Keeps a record if it is an event of an execution, or a log record within a span, which may be
 * one. TCORE_FATAL: out of memory, or of room for a file. */
enum tcore_status executions_add(struct executions *executions, const char *text, size_t length,
                                 struct tcore_error *err);
/* The execution of that number, which is to be freed in any case; what began later than it ended,
 * or without a start, is told by its members. */
enum tcore_status executions_fold(struct executions *executions, size_t number,
                                  struct execution *execution, struct tcore_error *err);

#endif
