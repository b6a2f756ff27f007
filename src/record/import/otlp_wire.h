/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OTLP's messages on the wire: which field of its JSON each number is. */
#ifndef RECORD_IMPORT_OTLP_WIRE_H
#define RECORD_IMPORT_OTLP_WIRE_H

#include "record/import/wire.h"

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

/* Of a metric the one that it must have. */
enum { OTLP_WIRE_METRIC_NAME = 1 };

/* Of a span. */
enum {
    OTLP_WIRE_TRACE_ID = 1,
    OTLP_WIRE_SPAN_ID = 2,
    OTLP_WIRE_TRACE_STATE = 3,
    OTLP_WIRE_PARENT_ID = 4,
    OTLP_WIRE_NAME = 5,
    OTLP_WIRE_KIND = 6,
    OTLP_WIRE_START = 7,
    OTLP_WIRE_END = 8,
    OTLP_WIRE_ATTRIBUTES = 9,
    OTLP_WIRE_DROPPED_ATTRIBUTES = 10,
    OTLP_WIRE_EVENTS = 11,
    OTLP_WIRE_DROPPED_EVENTS = 12,
    OTLP_WIRE_LINKS = 13,
    OTLP_WIRE_DROPPED_LINKS = 14,
    OTLP_WIRE_STATUS = 15,
    OTLP_WIRE_FLAGS = 16
};

/* And of its status. */
enum { OTLP_WIRE_STATUS_MESSAGE = 2, OTLP_WIRE_STATUS_CODE = 3 };

#endif
