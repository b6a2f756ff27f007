/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The threshold that a span has passed, put into its record (model/trace_state.h). */
#ifndef RECORD_TRACE_STATE_H
#define RECORD_TRACE_STATE_H

#include "model/trace_state.h"

/* Appends the canonical text of a span that has passed the threshold; state: the one that it has.
 * TCORE_SKIP: the text is no span. */
enum tcore_status trace_state_put(const struct tcore_slice *text, const struct tcore_slice *state,
                                  uint64_t threshold, struct tcore_buf *out,
                                  struct tcore_error *err);

#endif
