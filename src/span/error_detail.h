/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a span or a log record says of its error, by OpenTelemetry's conventions and, in spans that
 * came from Jaeger, OpenTracing's.
 *   type     error.type; else exception.type (error.kind) of the last exception event, or among the
 *            attributes; else the status code
 *   message  statusMessage; else exception.message (message, error.object); of a log its body
 *   stack    exception.stacktrace (stack)
 *   code     http.response.status_code, http.status_code, rpc.grpc.status_code, ...
 */
#ifndef SPAN_ERROR_DETAIL_H
#define SPAN_ERROR_DETAIL_H

#include "base/buf.h"
#include "model/batch.h"
#include "model/json.h"
#include "model/number.h"

/* data NULL: it does not say. All point into the tape that was read, or into digits. */
struct error_detail {
    struct tcore_slice type, message, stack, code;
    bool exception; /* there is an event or an attribute that tells of one */
    bool has_time;  /* of the exception, or of the log record: */
    int64_t time_ns;
    char digits[TCORE_NUMBER_BYTES];
};

/* Reads it from the parsed record. */
void error_detail_read(const struct tcore_json *json, struct error_detail *detail);

/* --- error_stack.c */

/*
 * The fingerprint of a stack trace: of its frames without numbers and addresses, as the same code
 * has them in every process and after edits elsewhere in a file; messages do not count, but types
 * of causes do. Appends the innermost frame in that form to frame, unless that is NULL. 0: there
 * are no frames.
 */
uint64_t error_stack_fingerprint(struct tcore_slice stack, struct tcore_buf *frame);

#endif
