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
 *
 * In particular
 * - "type" is always written, unless the record has fields of the schema but none that decides;
 *   that is TCORE_OK with TCORE_RECORD_NONE. A record of an unknown type keeps all as it is.
 * - a field of the schema that is null, [] or {} is left out, also inside known objects (scope,
 *   events, links, ...); what is in free-form maps (attributes, resource, ...) and unknown members
 *   is kept, null and {} included. group stays when {}; a span's missing name is "".
 * - of duplicate keys the last value stays, for unknown ones at the first's place.
 * - number literals stay as they are, durationNano's too; times become decimal strings.
 * - a zero or empty id is refused for a span's traceId and spanId and absent anywhere else.
 * - an id that is no hexadecimal is hashed, and its original kept in the attributes beside it:
 *   the first such id of an object as "tracecore.original_id", in the order executionId, traceId,
 *   rootSpanId, spanId, parentSpanId, parentTraceId; each further one under its own name, as
 *   "tracecore.original_span_id" or "tracecore.original_parent_span_id". Objects that have no
 *   attributes by the schema (context, evidence) get some.
 */
enum tcore_status tcore_record_canonical(const struct tcore_json *json, bool derive,
                                         struct tcore_buf *out, enum tcore_record_type *type,
                                         struct tcore_error *err);
/*
 * Appends the value at index i as tcore_record_canonical() would write it in that field of the
 * schema (no id) of a record or known object. It is neither null, [] nor {}, which are left out
 * there. TCORE_SKIP as above; TCORE_FATAL: out of memory.
 */
enum tcore_status tcore_record_canonical_value(const struct tcore_json *json, uint32_t i,
                                               const struct tcore_field *field,
                                               struct tcore_buf *out, struct tcore_error *err);

#endif
