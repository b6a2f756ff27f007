/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A record as an expression sees it: every time (a member whose name ends in UnixNano) is an
 * integer though it is written as a string, and what can be derived (durationNano, service) is
 * there. Columns come like this from the decoders; here the same is done to JSON.
 */
#ifndef TRACECORE_QUERY_VIEW_H
#define TRACECORE_QUERY_VIEW_H

#include "base/buf.h"
#include "model/json.h"

/* Makes integers of all times in the tape: decimal strings that fit int64. */
void tcore_view_times(struct tcore_json *json);

/*
 * Appends the record in text as libjq shall see it: as above, and with U+FFFD for lone surrogates,
 * which libjq would refuse. json is scratch. TCORE_SKIP: it is not valid JSON; TCORE_FATAL: out of
 * memory.
 */
enum tcore_status tcore_view_record(struct tcore_json *json, const char *text, size_t length,
                                    struct tcore_buf *out, struct tcore_error *err);

/* Appends any JSON text, changed only where libjq would refuse it. Statuses as above. */
enum tcore_status tcore_view_text(struct tcore_json *json, const char *text, size_t length,
                                  struct tcore_buf *out, struct tcore_error *err);

#endif
