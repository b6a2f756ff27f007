/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a command that run records has recorded of itself: checkpoints, events and updates. */
#ifndef RECORD_EXECUTION_RUN_WITHIN_H
#define RECORD_EXECUTION_RUN_WITHIN_H

#include "base/buf.h"

#include <stdint.h>
#include <sys/types.h>

struct run_place {
    const char *path, *id; /* of the destination, and the execution */
    int64_t start_ns;
    off_t offset; /* of a file: where the records of the run begin */
};

/*
 * Adds what is found to the members in attributes, and to events as elements of a span's; both end
 * with a NUL then. If it cannot be read attributes stay what they are.
 */
void run_within(const struct run_place *place, struct tcore_buf *attributes,
                struct tcore_buf *events);

#endif
