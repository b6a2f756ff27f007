/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Executions as MPLP's ExecutionTrace: the events of each, folded when all are there. */
#ifndef RECORD_EXPORT_MPLP_H
#define RECORD_EXPORT_MPLP_H

#include "base/map.h"
#include "record/export_fields.h"

struct mplp_event;

struct mplp_executions {
    struct tcore_map ids;
    struct mplp_event **first, **last; /* by number; owned */
    size_t capacity;
    struct tcore_arena arena;
    uint32_t written;
};

/* False: no randomness. */
bool mplp_executions_open(struct mplp_executions *executions);
void mplp_executions_close(struct mplp_executions *executions);
/* Keeps an event. False: no memory. */
bool mplp_executions_add(struct mplp_executions *executions, const struct tcore_slice *text,
                         struct export_record *record);
/* Appends the next execution as a line, in the order of their first events. TCORE_EOF: there is
 * none. TCORE_FATAL: err. */
enum tcore_status mplp_executions_next(struct mplp_executions *executions,
                                       struct export_record *record, struct tcore_buf *out,
                                       struct tcore_error *err);

/* Appends label and a time in RFC 3339 with its quotes. */
void mplp_put_time(struct tcore_buf *out, const char *label, int64_t ns);

#endif
