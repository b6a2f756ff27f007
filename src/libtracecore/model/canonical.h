/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A record in its one canonical form: "type" first, known fields in schema order, others in input
 * order, ids and times normalised, no blanks, exact in value (data-model.md of the design, and
 * tracecore-record(5)). Two records are equal if their canonical texts are.
 */
#ifndef TRACECORE_MODEL_CANONICAL_H
#define TRACECORE_MODEL_CANONICAL_H

#include "model/json.h"
#include "model/record.h"

/*
 * The type of the record in the tape: its "type", or decided by metricName, executionId, body or
 * severity, spanId, in that order.
 */
enum tcore_record_type tcore_record_type_of(const struct tcore_json *json);

/*
 * Appends the canonical text of the record in the tape, without a newline; *type is its type (may
 * be NULL). derive: write durationNano and service when they are absent and can be derived (a
 * record made anew). TCORE_SKIP: it is no valid record (no object, a span without ids, an all-zero
 * id, a time that is no int64, ...): err says why, and nothing is appended.
 */
enum tcore_status tcore_record_canonical(const struct tcore_json *json, bool derive,
                                         struct tcore_buf *out, enum tcore_record_type *type,
                                         struct tcore_error *err);

#endif
