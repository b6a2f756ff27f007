/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What fields there are, and of which types. */
#include <config.h>

#include "span/traceql/traceql.h"

#include <string.h>

struct intrinsic {
    const char *scope, *name; /* scope "" : as it was called before there were scopes */
    enum traceql_source source;
};

static const struct intrinsic intrinsics[] = {
    {"span", "name", TRACEQL_SPAN_NAME},
    {"span", "status", TRACEQL_SPAN_STATUS},
    {"span", "statusMessage", TRACEQL_SPAN_STATUS_MESSAGE},
    {"span", "kind", TRACEQL_SPAN_KIND},
    {"span", "duration", TRACEQL_SPAN_DURATION},
    {"span", "id", TRACEQL_SPAN_ID},
    {"span", "parentID", TRACEQL_SPAN_PARENT_ID},
    {"span", "childCount", TRACEQL_CHILD_COUNT},
    {"trace", "id", TRACEQL_TRACE_ID},
    {"trace", "duration", TRACEQL_TRACE_DURATION},
    {"trace", "rootName", TRACEQL_ROOT_NAME},
    {"trace", "rootService", TRACEQL_ROOT_SERVICE},
    {"event", "name", TRACEQL_EVENT_NAME},
    {"event", "timeSinceStart", TRACEQL_EVENT_TIME},
    {"link", "traceID", TRACEQL_LINK_TRACE_ID},
    {"link", "spanID", TRACEQL_LINK_SPAN_ID},
    {"instrumentation", "name", TRACEQL_INSTRUMENTATION_NAME},
    {"instrumentation", "version", TRACEQL_INSTRUMENTATION_VERSION},
    {"", "name", TRACEQL_SPAN_NAME},
    {"", "status", TRACEQL_SPAN_STATUS},
    {"", "statusMessage", TRACEQL_SPAN_STATUS_MESSAGE},
    {"", "kind", TRACEQL_SPAN_KIND},
    {"", "duration", TRACEQL_SPAN_DURATION},
    {"", "traceDuration", TRACEQL_TRACE_DURATION},
    {"", "rootName", TRACEQL_ROOT_NAME},
    {"", "rootServiceName", TRACEQL_ROOT_SERVICE},
    {"", "nestedSetLeft", TRACEQL_SET_LEFT},
    {"", "nestedSetRight", TRACEQL_SET_RIGHT},
    {"", "nestedSetParent", TRACEQL_SET_PARENT},
    {"", "childCount", TRACEQL_CHILD_COUNT},
};

bool traceql_intrinsic_find(const char *scope, struct tcore_slice name, enum traceql_source *source)
{
    for (size_t i = 0; i < sizeof intrinsics / sizeof *intrinsics; i++) {
        const struct intrinsic *intrinsic = &intrinsics[i];
        if (strcmp(intrinsic->scope, scope) != 0 || strlen(intrinsic->name) != name.length ||
            memcmp(intrinsic->name, name.data, name.length) != 0)
            continue;
        *source = intrinsic->source;
        return true;
    }
    return false;
}

bool traceql_field_needs_trace(const struct traceql_field *field)
{
    return field->of_parent || field->source >= TRACEQL_FIRST_OF_TRACE;
}

enum traceql_type traceql_field_type(const struct traceql_field *field)
{
    switch (field->source) {
    case TRACEQL_SPAN_STATUS:
        return TRACEQL_STATUS;
    case TRACEQL_SPAN_KIND:
        return TRACEQL_KIND;
    case TRACEQL_SPAN_DURATION:
    case TRACEQL_TRACE_DURATION:
    case TRACEQL_EVENT_TIME:
        return TRACEQL_DURATION;
    case TRACEQL_SET_LEFT:
    case TRACEQL_SET_RIGHT:
    case TRACEQL_SET_PARENT:
    case TRACEQL_CHILD_COUNT:
        return TRACEQL_INTEGER;
    case TRACEQL_ANYWHERE:
    case TRACEQL_SPAN:
    case TRACEQL_RESOURCE:
    case TRACEQL_EVENT:
    case TRACEQL_LINK:
    case TRACEQL_INSTRUMENTATION:
        return TRACEQL_ANY;
    case TRACEQL_SPAN_NAME:
    case TRACEQL_SPAN_STATUS_MESSAGE:
    case TRACEQL_SPAN_ID:
    case TRACEQL_SPAN_PARENT_ID:
    case TRACEQL_TRACE_ID:
    case TRACEQL_EVENT_NAME:
    case TRACEQL_LINK_TRACE_ID:
    case TRACEQL_LINK_SPAN_ID:
    case TRACEQL_INSTRUMENTATION_NAME:
    case TRACEQL_INSTRUMENTATION_VERSION:
    case TRACEQL_ROOT_NAME:
    case TRACEQL_ROOT_SERVICE:
        break;
    }
    return TRACEQL_STRING;
}
