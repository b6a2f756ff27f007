/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An execution as people and programs are told of it: the ExecutionTrace of tracecore-record(5). */
#ifndef RECORD_EXECUTION_TRACE_H
#define RECORD_EXECUTION_TRACE_H

#include "base/buf.h"
#include "record/execution/fold.h"

#include <sys/types.h>

struct execution_state {
    const char *status; /* running completed failed cancelled timeout */
    bool lost;          /* its process is over, and its end was not recorded: failed */
    pid_t pid;          /* of the process that it ends with, if that runs here; else 0 */
};

/* Looks at the process of one that has not ended. */
struct execution_state execution_state_of(const struct execution *execution);

/* What is known beyond its events; JSON, of lists the elements without brackets. */
struct execution_findings {
    const char *cpu_json, *memory_json, *network_json, *custom_json;
    const char *spans_json, *operations_json, *related_json;
};

/* Appends the line; without performance, spans and operations if findings is NULL. */
void execution_trace_put(struct tcore_buf *out, const char *id, const struct execution *execution,
                         const struct execution_state *state,
                         const struct execution_findings *findings);

/* Appends what was executed within another one: an element of its operations, behind a comma if
 * there is one already. */
void execution_operation_put(struct tcore_buf *out, const char *id,
                             const struct execution *execution,
                             const struct execution_state *state);

#endif
