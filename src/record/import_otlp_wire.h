/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OTLP's messages on the wire: which field of its JSON each number is. */
#ifndef RECORD_IMPORT_OTLP_WIRE_H
#define RECORD_IMPORT_OTLP_WIRE_H

#include "record/import_wire.h"

/* What stands in ResourceSpans, ResourceMetrics and ResourceLogs, and in what they have for scopes,
 * which are alike but for the records in them. */
extern const struct import_wire_message otlp_wire_group, otlp_wire_scope;
extern const struct import_wire_message otlp_wire_span, otlp_wire_metric, otlp_wire_log;

/* The fields that lead from a request to the records. */
enum {
    OTLP_WIRE_GROUPS = 1,
    OTLP_WIRE_SCOPES = 2,
    OTLP_WIRE_OLD_SCOPES = 1000, /* of instrumentation libraries, until 2022 */
    OTLP_WIRE_RECORDS = 2
};

/* What tells records apart that name neither ids nor a name: those that they must have. */
enum {
    OTLP_WIRE_TRACE_ID = 1,
    OTLP_WIRE_SPAN_ID = 2,
    OTLP_WIRE_METRIC_NAME = 1,
};

#endif
