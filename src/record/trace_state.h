/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The probability that a trace was kept with, in the member ot of the trace state of its spans:
 * OpenTelemetry's "TraceState: Probability Sampling". th is the threshold, 1 to 14 hexadecimal
 * digits of a fraction of 2^56, and rv the randomness, 14 digits, in place of the trace id's.
 */
#ifndef RECORD_TRACE_STATE_H
#define RECORD_TRACE_STATE_H

#include "base/buf.h"
#include "base/error.h"
#include "model/batch.h"

#include <stdint.h>

/* Of a share of traces from 0 to 1: those whose randomness is less are not kept. */
uint64_t trace_state_threshold(double share);
/* Of a trace, by its id and the state. An id that has no 14 hexadecimal digits at its end is of the
 * greatest randomness: it is always kept. */
uint64_t trace_state_randomness(const struct tcore_slice *trace_id,
                                const struct tcore_slice *state);
/* Appends the canonical text of a span that has passed the threshold; state: the one that it has.
 * TCORE_SKIP: the text is no span. */
enum tcore_status trace_state_put(const struct tcore_slice *text, const struct tcore_slice *state,
                                  uint64_t threshold, struct tcore_buf *out,
                                  struct tcore_error *err);

#endif
