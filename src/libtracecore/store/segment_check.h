/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking at all of a segment: its digest, every member, every record. */
#ifndef TRACECORE_STORE_SEGMENT_CHECK_H
#define TRACECORE_STORE_SEGMENT_CHECK_H

#include "store/segment_read.h"

#pragma GCC visibility push(hidden)

/* Calls tell() with a sentence for each thing that is wrong. TCORE_OK: nothing is; TCORE_BAD_INPUT:
 * something was told; TCORE_FATAL: it could not be read, err says why. */
enum tcore_status tcore_segment_check(const struct tcore_segment *segment,
                                      void (*tell)(void *context, const char *what), void *context,
                                      struct tcore_error *err);

/* The same of the blocks alone: all there is in a segment that was salvaged. */
enum tcore_status tcore_segment_check_blocks(const struct tcore_segment *segment,
                                             void (*tell)(void *context, const char *what),
                                             void *context, struct tcore_error *err);

#pragma GCC visibility pop

#endif
