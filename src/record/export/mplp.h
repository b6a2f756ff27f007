/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Executions as MPLP's ExecutionTrace: what trace-record status tells of each, once all records
 * are there. Held are events and what may belong to them, by trace.
 */
#ifndef RECORD_EXPORT_MPLP_H
#define RECORD_EXPORT_MPLP_H

#include "base/map.h"
#include "record/export/fields.h"
#include "record/execution/status_records.h"

struct mplp_group; /* the records of a trace */

struct mplp_executions {
    struct tcore_map ids;     /* of traces; of executions without one */
    struct mplp_group *group; /* owned, by number */
    size_t capacity;
    struct tcore_arena arena;
    struct status_records records; /* of the group in hand */
    uint32_t next_group;           /* behind that */
    size_t next_execution;         /* of it */
    bool open;                     /* a group is in hand */
};

/* False: no randomness. */
bool mplp_executions_open(struct mplp_executions *executions);
void mplp_executions_close(struct mplp_executions *executions);
/* How many bytes are held. */
size_t mplp_executions_bytes(const struct mplp_executions *executions);
/* Keeps an event, span, log record or metric; what is certain to belong to no execution is not
 * kept, and lost if it is not exported by itself. False: no memory. */
bool mplp_executions_add(struct mplp_executions *executions, struct export_record *record);
/* Appends the record of the next execution, as status prints it, in the order of their traces'
 * first records; losses: what belongs to none. TCORE_EOF: there is none. TCORE_FATAL: err. */
enum tcore_status mplp_executions_next(struct mplp_executions *executions,
                                       struct export_losses *losses, struct tcore_buf *out,
                                       struct tcore_error *err);

#endif
