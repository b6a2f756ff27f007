/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of fields. */
#include <config.h>

#include "record/export/fields.h"

static const struct export_key span_names[SPAN_COUNT] = {EXPORT_KEY("type"),
                                                         EXPORT_KEY("traceId"),
                                                         EXPORT_KEY("spanId"),
                                                         EXPORT_KEY("parentSpanId"),
                                                         EXPORT_KEY("name"),
                                                         EXPORT_KEY("kind"),
                                                         EXPORT_KEY("startTimeUnixNano"),
                                                         EXPORT_KEY("endTimeUnixNano"),
                                                         EXPORT_KEY("durationNano"),
                                                         EXPORT_KEY("status"),
                                                         EXPORT_KEY("statusMessage"),
                                                         EXPORT_KEY("service"),
                                                         EXPORT_KEY("attributes"),
                                                         EXPORT_KEY("resource"),
                                                         EXPORT_KEY("scope"),
                                                         EXPORT_KEY("events"),
                                                         EXPORT_KEY("links"),
                                                         EXPORT_KEY("traceState"),
                                                         EXPORT_KEY("flags"),
                                                         EXPORT_KEY("droppedAttributesCount"),
                                                         EXPORT_KEY("droppedEventsCount"),
                                                         EXPORT_KEY("droppedLinksCount"),
                                                         EXPORT_KEY("schemaUrl")};
const struct export_keys export_span_keys = {span_names, SPAN_COUNT};

static const struct export_key event_names[EVENT_COUNT] = {
    EXPORT_KEY("timeUnixNano"), EXPORT_KEY("name"), EXPORT_KEY("attributes"),
    EXPORT_KEY("droppedAttributesCount")};
const struct export_keys export_event_keys = {event_names, EVENT_COUNT};

static const struct export_key link_names[LINK_COUNT] = {
    EXPORT_KEY("traceId"),    EXPORT_KEY("spanId"), EXPORT_KEY("attributes"),
    EXPORT_KEY("traceState"), EXPORT_KEY("flags"),  EXPORT_KEY("droppedAttributesCount")};
const struct export_keys export_link_keys = {link_names, LINK_COUNT};

static const struct export_key histogram_names[HISTOGRAM_FIELDS] = {
    EXPORT_KEY("count"),    EXPORT_KEY("sum"),       EXPORT_KEY("min"),
    EXPORT_KEY("max"),      EXPORT_KEY("bounds"),    EXPORT_KEY("bucketCounts"),
    EXPORT_KEY("scale"),    EXPORT_KEY("zeroCount"), EXPORT_KEY("zeroThreshold"),
    EXPORT_KEY("positive"), EXPORT_KEY("negative")};
const struct export_keys export_histogram_keys = {histogram_names, HISTOGRAM_FIELDS};

static const struct export_key summary_names[SUMMARY_FIELDS] = {
    EXPORT_KEY("count"), EXPORT_KEY("sum"), EXPORT_KEY("quantiles")};
const struct export_keys export_summary_keys = {summary_names, SUMMARY_FIELDS};

static const struct export_key quantile_names[QUANTILE_FIELDS] = {EXPORT_KEY("quantile"),
                                                                  EXPORT_KEY("value")};
const struct export_keys export_quantile_keys = {quantile_names, QUANTILE_FIELDS};

static const struct export_key buckets_names[BUCKETS_FIELDS] = {EXPORT_KEY("offset"),
                                                                EXPORT_KEY("bucketCounts")};
const struct export_keys export_buckets_keys = {buckets_names, BUCKETS_FIELDS};

static const struct export_key exemplar_names[EXEMPLAR_FIELDS] = {
    EXPORT_KEY("timeUnixNano"), EXPORT_KEY("value"),      EXPORT_KEY("traceId"),
    EXPORT_KEY("spanId"),       EXPORT_KEY("attributes"), EXPORT_KEY("filteredAttributes"),
    EXPORT_KEY("asInt"),        EXPORT_KEY("asDouble")};
const struct export_keys export_exemplar_keys = {exemplar_names, EXEMPLAR_FIELDS};

static const struct export_key metric_names[METRIC_COUNT] = {
    EXPORT_KEY("type"),        EXPORT_KEY("metricName"),
    EXPORT_KEY("metricType"),  EXPORT_KEY("value"),
    EXPORT_KEY("unit"),        EXPORT_KEY("timeUnixNano"),
    EXPORT_KEY("dimensions"),  EXPORT_KEY("temporality"),
    EXPORT_KEY("service"),     EXPORT_KEY("resource"),
    EXPORT_KEY("scope"),       EXPORT_KEY("metadata"),
    EXPORT_KEY("histogram"),   EXPORT_KEY("summary"),
    EXPORT_KEY("isMonotonic"), EXPORT_KEY("startTimeUnixNano"),
    EXPORT_KEY("exemplars"),   EXPORT_KEY("flags"),
    EXPORT_KEY("description"), EXPORT_KEY("schemaUrl")};
const struct export_keys export_metric_keys = {metric_names, METRIC_COUNT};

static const struct export_key metadata_names[METADATA_FIELDS] = {EXPORT_KEY("tags")};
const struct export_keys export_metadata_keys = {metadata_names, METADATA_FIELDS};

static const struct export_key log_names[LOG_COUNT] = {
    EXPORT_KEY("type"),      EXPORT_KEY("timeUnixNano"),   EXPORT_KEY("severity"),
    EXPORT_KEY("body"),      EXPORT_KEY("traceId"),        EXPORT_KEY("spanId"),
    EXPORT_KEY("service"),   EXPORT_KEY("attributes"),     EXPORT_KEY("resource"),
    EXPORT_KEY("scope"),     EXPORT_KEY("severityNumber"), EXPORT_KEY("observedTimeUnixNano"),
    EXPORT_KEY("eventName"), EXPORT_KEY("flags"),          EXPORT_KEY("droppedAttributesCount"),
    EXPORT_KEY("schemaUrl"), EXPORT_KEY("severityText")};
const struct export_keys export_log_keys = {log_names, LOG_COUNT};
