/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of OTLP's messages (opentelemetry-proto 1.x; what 0.x had besides is unknown here). */
#include <config.h>

#include "record/import/otlp_wire.h"

#define MESSAGE(name)                                                                              \
    {                                                                                              \
        name, sizeof(name) / sizeof(*(name)), 0                                                    \
    }

/* --- resources and scopes --- */

static const struct import_wire_field resource_fields[] = {
    [1] = WIRE_LIST("attributes", WIRE_PAIR),
    [2] = WIRE_FIELD("droppedAttributesCount", WIRE_UINT)};
static const struct import_wire_message resource = MESSAGE(resource_fields);

static const struct import_wire_field group_fields[] = {[1] = WIRE_OBJECT("resource", resource),
                                                        [OTLP_WIRE_SCOPES] =
                                                            WIRE_FIELD("scopes", WIRE_ELSEWHERE),
                                                        [3] = WIRE_FIELD("schemaUrl", WIRE_TEXT)};
const struct import_wire_message otlp_wire_group = {
    group_fields, sizeof group_fields / sizeof *group_fields, OTLP_WIRE_OLD_SCOPES};

static const struct import_wire_field library_fields[] = {
    [1] = WIRE_FIELD("name", WIRE_TEXT),
    [2] = WIRE_FIELD("version", WIRE_TEXT),
    [3] = WIRE_LIST("attributes", WIRE_PAIR),
    [4] = WIRE_FIELD("droppedAttributesCount", WIRE_UINT)};
static const struct import_wire_message library = MESSAGE(library_fields);

static const struct import_wire_field scope_fields[] = {[1] = WIRE_OBJECT("scope", library),
                                                        [OTLP_WIRE_RECORDS] =
                                                            WIRE_FIELD("records", WIRE_ELSEWHERE),
                                                        [3] = WIRE_FIELD("schemaUrl", WIRE_TEXT)};
const struct import_wire_message otlp_wire_scope = MESSAGE(scope_fields);

/* --- spans --- */

static const struct import_wire_field status_fields[] = {
    [OTLP_WIRE_STATUS_MESSAGE] = WIRE_FIELD("message", WIRE_TEXT),
    [OTLP_WIRE_STATUS_CODE] = WIRE_FIELD("code", WIRE_INT)};
static const struct import_wire_message status = MESSAGE(status_fields);

static const struct import_wire_field event_fields[] = {
    [1] = WIRE_FIELD("timeUnixNano", WIRE_FIXED64),
    [2] = WIRE_FIELD("name", WIRE_TEXT),
    [3] = WIRE_LIST("attributes", WIRE_PAIR),
    [4] = WIRE_FIELD("droppedAttributesCount", WIRE_UINT)};
static const struct import_wire_message event = MESSAGE(event_fields);

static const struct import_wire_field link_fields[] = {
    [1] = WIRE_FIELD("traceId", WIRE_ID),
    [2] = WIRE_FIELD("spanId", WIRE_ID),
    [3] = WIRE_FIELD("traceState", WIRE_TEXT),
    [4] = WIRE_LIST("attributes", WIRE_PAIR),
    [5] = WIRE_FIELD("droppedAttributesCount", WIRE_UINT),
    [6] = WIRE_FIELD("flags", WIRE_FIXED32)};
static const struct import_wire_message link = MESSAGE(link_fields);

static const struct import_wire_field span_fields[] = {
    [OTLP_WIRE_TRACE_ID] = WIRE_FIELD("traceId", WIRE_ID),
    [OTLP_WIRE_SPAN_ID] = WIRE_FIELD("spanId", WIRE_ID),
    [OTLP_WIRE_TRACE_STATE] = WIRE_FIELD("traceState", WIRE_TEXT),
    [OTLP_WIRE_PARENT_ID] = WIRE_FIELD("parentSpanId", WIRE_ID),
    [OTLP_WIRE_NAME] = WIRE_FIELD("name", WIRE_TEXT),
    [OTLP_WIRE_KIND] = WIRE_FIELD("kind", WIRE_INT),
    [OTLP_WIRE_START] = WIRE_FIELD("startTimeUnixNano", WIRE_FIXED64),
    [OTLP_WIRE_END] = WIRE_FIELD("endTimeUnixNano", WIRE_FIXED64),
    [OTLP_WIRE_ATTRIBUTES] = WIRE_LIST("attributes", WIRE_PAIR),
    [OTLP_WIRE_DROPPED_ATTRIBUTES] = WIRE_FIELD("droppedAttributesCount", WIRE_UINT),
    [OTLP_WIRE_EVENTS] = WIRE_OBJECTS("events", event),
    [OTLP_WIRE_DROPPED_EVENTS] = WIRE_FIELD("droppedEventsCount", WIRE_UINT),
    [OTLP_WIRE_LINKS] = WIRE_OBJECTS("links", link),
    [OTLP_WIRE_DROPPED_LINKS] = WIRE_FIELD("droppedLinksCount", WIRE_UINT),
    [OTLP_WIRE_STATUS] = WIRE_OBJECT("status", status),
    [OTLP_WIRE_FLAGS] = WIRE_FIELD("flags", WIRE_FIXED32)};
const struct import_wire_message otlp_wire_span = MESSAGE(span_fields);

/* --- metrics --- */

static const struct import_wire_field exemplar_fields[] = {
    [2] = WIRE_FIELD("timeUnixNano", WIRE_FIXED64),
    [3] = WIRE_FIELD("asDouble", WIRE_DOUBLE),
    [4] = WIRE_FIELD("spanId", WIRE_ID),
    [5] = WIRE_FIELD("traceId", WIRE_ID),
    [6] = WIRE_FIELD("asInt", WIRE_SFIXED64),
    [7] = WIRE_LIST("filteredAttributes", WIRE_PAIR)};
static const struct import_wire_message exemplar = MESSAGE(exemplar_fields);

static const struct import_wire_field number_fields[] = {
    [2] = WIRE_FIELD("startTimeUnixNano", WIRE_FIXED64),
    [3] = WIRE_FIELD("timeUnixNano", WIRE_FIXED64),
    [4] = WIRE_FIELD("asDouble", WIRE_DOUBLE),
    [5] = WIRE_OBJECTS("exemplars", exemplar),
    [6] = WIRE_FIELD("asInt", WIRE_SFIXED64),
    [7] = WIRE_LIST("attributes", WIRE_PAIR),
    [8] = WIRE_FIELD("flags", WIRE_UINT)};
static const struct import_wire_message number = MESSAGE(number_fields);

static const struct import_wire_field histogram_point_fields[] = {
    [2] = WIRE_FIELD("startTimeUnixNano", WIRE_FIXED64),
    [3] = WIRE_FIELD("timeUnixNano", WIRE_FIXED64),
    [4] = WIRE_FIELD("count", WIRE_FIXED64),
    [5] = WIRE_FIELD("sum", WIRE_DOUBLE),
    [6] = WIRE_LIST("bucketCounts", WIRE_FIXED64),
    [7] = WIRE_LIST("explicitBounds", WIRE_DOUBLE),
    [8] = WIRE_OBJECTS("exemplars", exemplar),
    [9] = WIRE_LIST("attributes", WIRE_PAIR),
    [10] = WIRE_FIELD("flags", WIRE_UINT),
    [11] = WIRE_FIELD("min", WIRE_DOUBLE),
    [12] = WIRE_FIELD("max", WIRE_DOUBLE)};
static const struct import_wire_message histogram_point = MESSAGE(histogram_point_fields);

static const struct import_wire_field buckets_fields[] = {
    [1] = WIRE_FIELD("offset", WIRE_SIGNED), [2] = WIRE_LIST("bucketCounts", WIRE_UINT)};
static const struct import_wire_message buckets = MESSAGE(buckets_fields);

static const struct import_wire_field exponential_point_fields[] = {
    [1] = WIRE_LIST("attributes", WIRE_PAIR),
    [2] = WIRE_FIELD("startTimeUnixNano", WIRE_FIXED64),
    [3] = WIRE_FIELD("timeUnixNano", WIRE_FIXED64),
    [4] = WIRE_FIELD("count", WIRE_FIXED64),
    [5] = WIRE_FIELD("sum", WIRE_DOUBLE),
    [6] = WIRE_FIELD("scale", WIRE_SIGNED),
    [7] = WIRE_FIELD("zeroCount", WIRE_FIXED64),
    [8] = WIRE_OBJECT("positive", buckets),
    [9] = WIRE_OBJECT("negative", buckets),
    [10] = WIRE_FIELD("flags", WIRE_UINT),
    [11] = WIRE_OBJECTS("exemplars", exemplar),
    [12] = WIRE_FIELD("min", WIRE_DOUBLE),
    [13] = WIRE_FIELD("max", WIRE_DOUBLE),
    [14] = WIRE_FIELD("zeroThreshold", WIRE_DOUBLE)};
static const struct import_wire_message exponential_point = MESSAGE(exponential_point_fields);

static const struct import_wire_field quantile_fields[] = {
    [1] = WIRE_FIELD("quantile", WIRE_DOUBLE), [2] = WIRE_FIELD("value", WIRE_DOUBLE)};
static const struct import_wire_message quantile = MESSAGE(quantile_fields);

static const struct import_wire_field summary_point_fields[] = {
    [2] = WIRE_FIELD("startTimeUnixNano", WIRE_FIXED64),
    [3] = WIRE_FIELD("timeUnixNano", WIRE_FIXED64),
    [4] = WIRE_FIELD("count", WIRE_FIXED64),
    [5] = WIRE_FIELD("sum", WIRE_DOUBLE),
    [6] = WIRE_OBJECTS("quantileValues", quantile),
    [7] = WIRE_LIST("attributes", WIRE_PAIR),
    [8] = WIRE_FIELD("flags", WIRE_UINT)};
static const struct import_wire_message summary_point = MESSAGE(summary_point_fields);

/* Gauges and summaries have points only. */
#define DATA(name, point)                                                                          \
    static const struct import_wire_field name##_fields[] = {                                      \
        [1] = WIRE_OBJECTS("dataPoints", point),                                                   \
        [2] = WIRE_FIELD("aggregationTemporality", WIRE_INT),                                      \
        [3] = WIRE_FIELD("isMonotonic", WIRE_BOOL)};                                               \
    static const struct import_wire_message name = MESSAGE(name##_fields)
DATA(numbers, number);
DATA(histogram, histogram_point);
DATA(exponential, exponential_point);
DATA(summary, summary_point);

static const struct import_wire_field metric_fields[] = {
    [OTLP_WIRE_METRIC_NAME] = WIRE_FIELD("name", WIRE_TEXT),
    [2] = WIRE_FIELD("description", WIRE_TEXT),
    [3] = WIRE_FIELD("unit", WIRE_TEXT),
    [5] = WIRE_OBJECT("gauge", numbers),
    [7] = WIRE_OBJECT("sum", numbers),
    [9] = WIRE_OBJECT("histogram", histogram),
    [10] = WIRE_OBJECT("exponentialHistogram", exponential),
    [11] = WIRE_OBJECT("summary", summary),
    [12] = WIRE_LIST("metadata", WIRE_PAIR)};
const struct import_wire_message otlp_wire_metric = MESSAGE(metric_fields);

/* --- logs --- */

static const struct import_wire_field log_fields[] = {
    [1] = WIRE_FIELD("timeUnixNano", WIRE_FIXED64),
    [2] = WIRE_FIELD("severityNumber", WIRE_INT),
    [3] = WIRE_FIELD("severityText", WIRE_TEXT),
    [5] = WIRE_FIELD("body", WIRE_ANY),
    [6] = WIRE_LIST("attributes", WIRE_PAIR),
    [7] = WIRE_FIELD("droppedAttributesCount", WIRE_UINT),
    [8] = WIRE_FIELD("flags", WIRE_FIXED32),
    [9] = WIRE_FIELD("traceId", WIRE_ID),
    [10] = WIRE_FIELD("spanId", WIRE_ID),
    [11] = WIRE_FIELD("observedTimeUnixNano", WIRE_FIXED64),
    [12] = WIRE_FIELD("eventName", WIRE_TEXT)};
const struct import_wire_message otlp_wire_log = MESSAGE(log_fields);
