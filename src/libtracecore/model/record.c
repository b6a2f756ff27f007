/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The schema: one table a type and one an object inside it, in the order in which canonical text
 * has the fields. Fields are only ever added, and within a table only at its end.
 */
#include "model/record.h"

#include <string.h>

#define FIELD(name, class)                                                                         \
    {                                                                                              \
        name, sizeof name - 1, TCORE_FIELD_##class, 0, NULL                                        \
    }
#define FIELD_OF(name, class, fields)                                                              \
    {                                                                                              \
        name, sizeof name - 1, TCORE_FIELD_##class, 0, fields                                      \
    }
#define FIELD_KEPT_EMPTY(name, class)                                                              \
    {                                                                                              \
        name, sizeof name - 1, TCORE_FIELD_##class, 1, NULL                                        \
    }
#define TABLE(variable)                                                                            \
    {                                                                                              \
        variable, sizeof variable / sizeof *variable                                               \
    }
#define OBJECT(variable) static const struct tcore_fields variable##_object = TABLE(variable)

/* ---- objects inside records ---- */

static const struct tcore_field scope[] = {
    FIELD("name", STRING),      FIELD("version", STRING),
    FIELD("attributes", MAP),   FIELD("droppedAttributesCount", NUMBER),
    FIELD("schemaUrl", STRING),
};
OBJECT(scope);

static const struct tcore_field event[] = {
    FIELD("timeUnixNano", TIME),
    FIELD("name", STRING),
    FIELD("attributes", MAP),
    FIELD("droppedAttributesCount", NUMBER),
};
OBJECT(event);

static const struct tcore_field link[] = {
    FIELD("traceId", TRACE_ID),  FIELD("spanId", SPAN_ID), FIELD("attributes", MAP),
    FIELD("traceState", STRING), FIELD("flags", NUMBER),   FIELD("droppedAttributesCount", NUMBER),
};
OBJECT(link);

static const struct tcore_field context[] = {
    FIELD("traceId", TRACE_ID),
    FIELD("spanId", SPAN_ID),
    FIELD("operationId", STRING),
    FIELD("contextId", STRING),
};
OBJECT(context);

static const struct tcore_field quality[] = {
    FIELD("accuracy", NUMBER),
    FIELD("precision", NUMBER),
    FIELD("reliability", NUMBER),
    FIELD("sampleRate", NUMBER),
};
OBJECT(quality);

static const struct tcore_field metric_metadata[] = {
    FIELD("source", STRING),
    FIELD("collector", STRING),
    FIELD("version", STRING),
    FIELD("tags", MAP),
};
OBJECT(metric_metadata);

static const struct tcore_field buckets[] = {
    FIELD("offset", NUMBER),
    FIELD("bucketCounts", ANY),
};
OBJECT(buckets);

static const struct tcore_field histogram[] = {
    FIELD("count", NUMBER),
    FIELD("sum", NUMBER),
    FIELD("min", NUMBER),
    FIELD("max", NUMBER),
    FIELD("bounds", ANY),
    FIELD("bucketCounts", ANY),
    FIELD("scale", NUMBER),
    FIELD("zeroCount", NUMBER),
    FIELD("zeroThreshold", NUMBER),
    FIELD_OF("positive", OBJECT, &buckets_object),
    FIELD_OF("negative", OBJECT, &buckets_object),
};
OBJECT(histogram);

static const struct tcore_field summary[] = {
    FIELD("count", NUMBER),
    FIELD("sum", NUMBER),
    FIELD("quantiles", ANY),
};
OBJECT(summary);

static const struct tcore_field exemplar[] = {
    FIELD("timeUnixNano", TIME), FIELD("value", ANY),       FIELD("traceId", TRACE_ID),
    FIELD("spanId", SPAN_ID),    FIELD("attributes", MAP),  FIELD("filteredAttributes", ANY),
    FIELD("asInt", NUMBER),      FIELD("asDouble", NUMBER),
};
OBJECT(exemplar);

static const struct tcore_field aggregation[] = {
    FIELD("aggregationType", STRING),
    FIELD("aggregationWindow", NUMBER),
    FIELD("aggregatedValue", NUMBER),
};
OBJECT(aggregation);

static const struct tcore_field evidence[] = {
    FIELD("traceId", TRACE_ID),
    FIELD("spanId", SPAN_ID),
    FIELD("side", STRING),
};
OBJECT(evidence);

/* ---- span ---- */

static const struct tcore_field span[] = {
    FIELD("type", STRING),
    FIELD("traceId", TRACE_ID),
    FIELD("spanId", SPAN_ID),
    FIELD("parentSpanId", SPAN_ID),
    FIELD("name", STRING),
    FIELD("kind", STRING),
    FIELD("startTimeUnixNano", TIME),
    FIELD("endTimeUnixNano", TIME),
    FIELD("durationNano", NUMBER),
    FIELD("status", STRING),
    FIELD("statusMessage", STRING),
    FIELD("service", STRING),
    FIELD("attributes", MAP),
    FIELD("resource", MAP),
    FIELD_OF("scope", OBJECT, &scope_object),
    FIELD_OF("events", LIST, &event_object),
    FIELD_OF("links", LIST, &link_object),
    FIELD("traceState", STRING),
    FIELD("flags", NUMBER),
    FIELD("droppedAttributesCount", NUMBER),
    FIELD("droppedEventsCount", NUMBER),
    FIELD("droppedLinksCount", NUMBER),
    FIELD("schemaUrl", STRING),
};
OBJECT(span);

/* ---- metric ---- */

static const struct tcore_field metric[] = {
    FIELD("type", STRING),
    FIELD("metricName", STRING),
    FIELD("metricType", STRING),
    FIELD("value", ANY),
    FIELD("unit", STRING),
    FIELD("timeUnixNano", TIME),
    FIELD("dimensions", MAP),
    FIELD_OF("context", OBJECT, &context_object),
    FIELD("temporality", STRING),
    FIELD("service", STRING),
    FIELD("resource", MAP),
    FIELD_OF("scope", OBJECT, &scope_object),
    FIELD_OF("quality", OBJECT, &quality_object),
    FIELD_OF("metadata", OBJECT, &metric_metadata_object),
    FIELD_OF("histogram", OBJECT, &histogram_object),
    FIELD_OF("summary", OBJECT, &summary_object),
    FIELD("isMonotonic", BOOL),
    FIELD("startTimeUnixNano", TIME),
    FIELD_OF("exemplars", LIST, &exemplar_object),
    FIELD("flags", NUMBER),
    FIELD("description", STRING),
    FIELD("schemaUrl", STRING),
    FIELD("metricId", STRING),
    FIELD_OF("aggregation", OBJECT, &aggregation_object),
};
OBJECT(metric);

/* ---- execution ---- */

static const struct tcore_field execution[] = {
    FIELD("type", STRING),          FIELD("event", STRING),
    FIELD("executionId", SPAN_ID),  FIELD("traceId", TRACE_ID),
    FIELD("parentSpanId", SPAN_ID), FIELD("parentTraceId", TRACE_ID),
    FIELD("contextId", STRING),     FIELD("correlationId", STRING),
    FIELD("causationId", STRING),   FIELD("operationName", STRING),
    FIELD("executionType", STRING), FIELD("executorId", STRING),
    FIELD("executorType", STRING),  FIELD("environment", MAP),
    FIELD("timeUnixNano", TIME),    FIELD("name", STRING),
    FIELD("result", ANY),           FIELD("error", ANY),
    FIELD("attributes", MAP),       FIELD("service", STRING),
    FIELD("resource", MAP),         FIELD("metadata", MAP),
};
OBJECT(execution);

/* ---- log ---- */

static const struct tcore_field log_record[] = {
    FIELD("type", STRING),
    FIELD("timeUnixNano", TIME),
    FIELD("severity", STRING),
    FIELD("body", ANY),
    FIELD("traceId", TRACE_ID),
    FIELD("spanId", SPAN_ID),
    FIELD("service", STRING),
    FIELD("attributes", MAP),
    FIELD("resource", MAP),
    FIELD_OF("scope", OBJECT, &scope_object),
    FIELD("severityNumber", NUMBER),
    FIELD("observedTimeUnixNano", TIME),
    FIELD("eventName", STRING),
    FIELD("flags", NUMBER),
    FIELD("droppedAttributesCount", NUMBER),
    FIELD("schemaUrl", STRING),
};
OBJECT(log_record);

/* ---- trace ---- */

static const struct tcore_field structure[] = {
    FIELD("spanCount", NUMBER),      FIELD_OF("spans", LIST, &span_object),
    FIELD("spanRelationships", ANY), FIELD("criticalPath", ANY),
    FIELD("parallelPaths", ANY),
};
OBJECT(structure);

static const struct tcore_field timeline[] = {
    FIELD("startTime", STRING),
    FIELD("endTime", STRING),
    FIELD("totalDuration", NUMBER),
    FIELD("criticalPathDuration", NUMBER),
};
OBJECT(timeline);

static const struct tcore_field services[] = {
    FIELD("involvedServices", ANY),
    FIELD("serviceMap", ANY),
    FIELD("crossServiceCalls", ANY),
};
OBJECT(services);

static const struct tcore_field trace_performance[] = {
    FIELD("overallLatency", NUMBER),
    FIELD("serviceLatencies", MAP),
    FIELD("networkLatency", NUMBER),
    FIELD("processingTime", NUMBER),
};
OBJECT(trace_performance);

static const struct tcore_field errors[] = {
    FIELD("errorCount", NUMBER),
    FIELD("errorSpans", ANY),
    FIELD("errorDetails", ANY),
    FIELD("errorImpact", ANY),
};
OBJECT(errors);

static const struct tcore_field sampling[] = {
    FIELD("samplingRate", NUMBER),
    FIELD("samplingDecision", STRING),
    FIELD("samplingReason", STRING),
};
OBJECT(sampling);

static const struct tcore_field analysis[] = {
    FIELD("performanceScore", NUMBER),
    FIELD("bottlenecks", ANY),
    FIELD("optimizationOpportunities", ANY),
    FIELD("anomalies", ANY),
};
OBJECT(analysis);

static const struct tcore_field trace_metadata[] = {
    FIELD("traceVersion", STRING),
    FIELD("collectionTimestamp", STRING),
    FIELD("tags", MAP),
    FIELD("customData", MAP),
};
OBJECT(trace_metadata);

static const struct tcore_field trace[] = {
    FIELD("type", STRING),
    FIELD("traceId", TRACE_ID),
    FIELD("rootSpanId", SPAN_ID),
    FIELD("serviceName", STRING),
    FIELD_OF("structure", OBJECT, &structure_object),
    FIELD_OF("timeline", OBJECT, &timeline_object),
    FIELD_OF("services", OBJECT, &services_object),
    FIELD_OF("performance", OBJECT, &trace_performance_object),
    FIELD_OF("errors", OBJECT, &errors_object),
    FIELD_OF("sampling", OBJECT, &sampling_object),
    FIELD_OF("analysis", OBJECT, &analysis_object),
    FIELD_OF("metadata", OBJECT, &trace_metadata_object),
};
OBJECT(trace);

/* ---- what the operators make ---- */

static const struct tcore_field aggregate[] = {
    FIELD("type", STRING),
    FIELD("recordType", STRING),
    FIELD("metricName", STRING),
    FIELD_KEPT_EMPTY("group", MAP),
    FIELD("windowStartUnixNano", TIME),
    FIELD("windowNano", NUMBER),
    FIELD("count", NUMBER),
    FIELD("rate", NUMBER),
    FIELD("errors", NUMBER),
    FIELD("errorRate", NUMBER),
    FIELD("sum", NUMBER),
    FIELD("mean", NUMBER),
    FIELD("min", NUMBER),
    FIELD("max", NUMBER),
    FIELD("stddev", NUMBER),
    FIELD("p50", NUMBER),
    FIELD("p75", NUMBER),
    FIELD("p90", NUMBER),
    FIELD("p95", NUMBER),
    FIELD("p99", NUMBER),
    FIELD("p99.9", NUMBER),
    FIELD_OF("histogram", OBJECT, &histogram_object),
};
OBJECT(aggregate);

static const struct tcore_field move[] = {
    FIELD_KEPT_EMPTY("group", MAP),
    FIELD("value", NUMBER),
};
OBJECT(move);

static const struct tcore_field finding[] = {
    FIELD("type", STRING),        FIELD("kind", STRING),
    FIELD("severity", STRING),    FIELD("score", NUMBER),
    FIELD("recordType", STRING),  FIELD("metricName", STRING),
    FIELD("stat", STRING),        FIELD_KEPT_EMPTY("group", MAP),
    FIELD("timeUnixNano", TIME),  FIELD("value", ANY),
    FIELD("expected", NUMBER),    FIELD("lower", NUMBER),
    FIELD("upper", NUMBER),       FIELD("pValue", NUMBER),
    FIELD("rank", NUMBER),        FIELD("confidence", NUMBER),
    FIELD("method", STRING),      FIELD("firstBad", STRING),
    FIELD("saving", NUMBER),      FIELD("effectNano", NUMBER),
    FIELD("horizonNano", NUMBER), FIELD("quantile", NUMBER),
    FIELD("message", STRING),     FIELD_OF("evidence", LIST, &evidence_object),
    FIELD("fingerprint", STRING),
    FIELD("traces", NUMBER),
    FIELD("occurrences", NUMBER),
    FIELD("savingMean", NUMBER),
    FIELD("slope", NUMBER),
    FIELD("limit", NUMBER),
    FIELD("utilizationRate", NUMBER),
    FIELD("headroom", NUMBER),
    FIELD("add", NUMBER),
    FIELD("fullUnixNano", TIME),
    FIELD("earliestUnixNano", TIME),
    FIELD("latestUnixNano", TIME),
    FIELD_OF("moves", LIST, &move_object),
};
OBJECT(finding);

static const struct tcore_field alert[] = {
    FIELD("type", STRING),
    FIELD("alertId", STRING),
    FIELD("alertName", STRING),
    FIELD("state", STRING),
    FIELD("labels", MAP),
    FIELD("annotations", MAP),
    FIELD("value", ANY),
    FIELD("timeUnixNano", TIME),
    FIELD("startedUnixNano", TIME),
    FIELD("affectedSystems", ANY),
    FIELD("recommendedActions", ANY),
    FIELD("fingerprint", STRING),
};
OBJECT(alert);

static const struct tcore_field notification[] = {
    FIELD("type", STRING),        FIELD("alertId", STRING),    FIELD("channel", STRING),
    FIELD("channelType", STRING), FIELD("attempt", NUMBER),    FIELD("outcome", STRING),
    FIELD("detail", STRING),      FIELD("timeUnixNano", TIME),
};
OBJECT(notification);

static const struct tcore_field clock_record[] = {
    FIELD("type", STRING),
    FIELD("timeUnixNano", TIME),
};
OBJECT(clock_record);

/* ---- health ---- */

static const struct tcore_field overall_health[] = {
    FIELD("status", STRING),
    FIELD("score", NUMBER),
    FIELD("trend", STRING),
};
OBJECT(overall_health);

static const struct tcore_field component_health[] = {
    FIELD("modules", ANY),
    FIELD("services", ANY),
    FIELD("infrastructure", ANY),
    FIELD("dependencies", ANY),
};
OBJECT(component_health);

static const struct tcore_field health_performance[] = {
    FIELD("responseTime", ANY),
    FIELD("throughput", ANY),
    FIELD("errorRate", ANY),
    FIELD("availability", ANY),
};
OBJECT(health_performance);

static const struct tcore_field resources[] = {
    FIELD("cpu", ANY),
    FIELD("memory", ANY),
    FIELD("storage", ANY),
    FIELD("network", ANY),
};
OBJECT(resources);

static const struct tcore_field issues[] = {
    FIELD("criticalIssues", ANY),
    FIELD("warnings", ANY),
    FIELD("informationalAlerts", ANY),
};
OBJECT(issues);

static const struct tcore_field capacity[] = {
    FIELD("currentCapacity", ANY),
    FIELD("utilizationRate", NUMBER),
    FIELD("scalingRecommendations", ANY),
    FIELD("capacityForecast", ANY),
};
OBJECT(capacity);

static const struct tcore_field historical[] = {
    FIELD("previousHealthScore", NUMBER),
    FIELD("healthTrend", ANY),
    FIELD("incidentHistory", ANY),
};
OBJECT(historical);

static const struct tcore_field recommendations[] = {
    FIELD("immediateActions", ANY),
    FIELD("preventiveActions", ANY),
    FIELD("optimizationActions", ANY),
};
OBJECT(recommendations);

static const struct tcore_field health[] = {
    FIELD("type", STRING),
    FIELD("healthId", STRING),
    FIELD("timeUnixNano", TIME),
    FIELD("timestamp", STRING),
    FIELD("systemId", STRING),
    FIELD_OF("overallHealth", OBJECT, &overall_health_object),
    FIELD_OF("componentHealth", OBJECT, &component_health_object),
    FIELD_OF("performance", OBJECT, &health_performance_object),
    FIELD_OF("resources", OBJECT, &resources_object),
    FIELD_OF("issues", OBJECT, &issues_object),
    FIELD_OF("capacity", OBJECT, &capacity_object),
    FIELD_OF("historical", OBJECT, &historical_object),
    FIELD_OF("recommendations", OBJECT, &recommendations_object),
};
OBJECT(health);

/* ---- the types ---- */

static const struct tcore_fields nothing = {NULL, 0};

static const struct {
    const char *name;
    const struct tcore_fields *fields;
} types[TCORE_RECORD_TYPES] = {
    [TCORE_RECORD_NONE] = {"none", &nothing},
    [TCORE_RECORD_SPAN] = {"span", &span_object},
    [TCORE_RECORD_METRIC] = {"metric", &metric_object},
    [TCORE_RECORD_EXECUTION] = {"execution", &execution_object},
    [TCORE_RECORD_LOG] = {"log", &log_record_object},
    [TCORE_RECORD_TRACE] = {"trace", &trace_object},
    [TCORE_RECORD_AGGREGATE] = {"aggregate", &aggregate_object},
    [TCORE_RECORD_FINDING] = {"finding", &finding_object},
    [TCORE_RECORD_ALERT] = {"alert", &alert_object},
    [TCORE_RECORD_NOTIFICATION] = {"notification", &notification_object},
    [TCORE_RECORD_HEALTH] = {"health", &health_object},
    [TCORE_RECORD_CLOCK] = {"clock", &clock_record_object},
    [TCORE_RECORD_OTHER] = {"other", &nothing},
};

const char *tcore_record_type_name(enum tcore_record_type type)
{
    return (unsigned)type < TCORE_RECORD_TYPES ? types[type].name : types[TCORE_RECORD_OTHER].name;
}

enum tcore_record_type tcore_record_type_find(const char *name, size_t length)
{
    for (int type = TCORE_RECORD_SPAN; type < TCORE_RECORD_OTHER; type++)
        if (strlen(types[type].name) == length && !memcmp(types[type].name, name, length))
            return (enum tcore_record_type)type;
    return TCORE_RECORD_OTHER;
}

const struct tcore_fields *tcore_record_fields(enum tcore_record_type type)
{
    return (unsigned)type < TCORE_RECORD_TYPES ? types[type].fields : &nothing;
}

const struct tcore_field *tcore_fields_find(const struct tcore_fields *fields, const char *name,
                                            size_t length)
{
    for (size_t i = 0; i < fields->count; i++) {
        const struct tcore_field *field = &fields->field[i];
        if (field->name_length == length && !memcmp(field->name, name, length))
            return field;
    }
    return NULL;
}
