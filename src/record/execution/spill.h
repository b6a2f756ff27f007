/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A temporary file without a name, in $TMPDIR or else /tmp, for records of executions that find no
 * room in memory: those of an execution are pieces, each of which knows the one before it.
 */
#ifndef RECORD_EXECUTION_SPILL_H
#define RECORD_EXECUTION_SPILL_H

#include "base/buf.h"

#include <stdint.h>

struct execution_spill {
    int fd; /* -1: nothing was written so far */
    uint64_t end;
    struct tcore_buf out; /* not yet written */
};

void execution_spill_init(struct execution_spill *spill);
void execution_spill_free(struct execution_spill *spill);
/* Writes a piece behind that at *place (0: the first), which becomes its place. TCORE_FATAL: there
 * is no file, or no room. */
enum tcore_status execution_spill_put(struct execution_spill *spill, uint64_t *place,
                                      const struct tcore_buf *piece, struct tcore_error *err);
/* Appends the pieces up to that place, in their order. */
enum tcore_status execution_spill_get(struct execution_spill *spill, uint64_t place,
                                      struct tcore_buf *pieces, struct tcore_error *err);

#endif
