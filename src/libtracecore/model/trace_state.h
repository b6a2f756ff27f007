/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The probability that a span was kept with, in the member ot of its trace state: OpenTelemetry's
 * "TraceState: Probability Sampling". th is the rejection threshold T, 1 to 14 hexadecimal digits
 * of a fraction of 2^56, and rv the randomness R, 14 digits, in place of the last 56 bits of the
 * trace id. A span is kept if R >= T; so it stands for 2^56 / (2^56 - T) spans, its adjusted count.
 */
#ifndef TRACECORE_MODEL_TRACE_STATE_H
#define TRACECORE_MODEL_TRACE_STATE_H

#include "base/buf.h"
#include "model/batch.h"

#include <stdint.h>

#define TCORE_TRACE_STATE_ALL (UINT64_C(1) << 56) /* a threshold that nothing passes */

/* Of a share of traces from 0 to 1: those whose randomness is less are not kept. */
uint64_t tcore_trace_state_threshold(double share);
/* The other way round: the probability that a trace passes. */
double tcore_trace_state_share(uint64_t threshold);
/* Of a trace, by its id and the state. An id that has no 14 hexadecimal digits at its end is of the
 * greatest randomness, TCORE_TRACE_STATE_ALL: it is always kept. */
uint64_t tcore_trace_state_randomness(const struct tcore_slice *trace_id,
                                      const struct tcore_slice *state);
/* The threshold in the state. False: there is none, or it is no number; it is 0 then, as nothing is
 * known to have been left out. */
bool tcore_trace_state_find(const struct tcore_slice *state, uint64_t *threshold);
/* Appends the state with this threshold in place of any other. Its member goes first, as that of
 * who changed it last (W3C Trace Context, 3.3.1.5). */
void tcore_trace_state_write(struct tcore_buf *out, const struct tcore_slice *state,
                             uint64_t threshold);

#endif
