/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The spans that an assembled trace holds, for verbs that take either. */
#include <config.h>

#include "span/gather.h"

#include "model/id.h"

static struct tcore_value value_at(const struct tcore_json *json, uint32_t object, const char *key)
{
    uint32_t at = tcore_json_find(json, object, key);
    return at ? json->node[at].value : (struct tcore_value){0};
}

static struct tcore_slice text_at(const struct tcore_json *json, uint32_t object, const char *key)
{
    struct tcore_value value = value_at(json, object, key);
    if (value.kind != TCORE_STRING)
        return (struct tcore_slice){0};
    return (struct tcore_slice){value.s, value.len};
}

static bool read_id(const struct tcore_json *json, uint32_t span, const char *key,
                    enum tcore_id_class id, char *digits)
{
    struct tcore_slice text = text_at(json, span, key);
    return text.data && tcore_id_normalise(id, text.data, text.length, digits) != TCORE_ID_ZERO;
}

static struct tcore_slice service_of(const struct tcore_json *json, uint32_t span)
{
    struct tcore_slice service = text_at(json, span, "service");
    uint32_t resource = service.data ? 0 : tcore_json_find(json, span, "resource");
    return resource ? text_at(json, resource, "service.name") : service;
}

static enum tcore_status give(struct tcore_trace_intake *intake, const struct tcore_json *json,
                              uint32_t span, struct tcore_error *err)
{
    char trace_id[TCORE_TRACE_ID], span_id[TCORE_SPAN_ID], parent_id[TCORE_SPAN_ID];
    if (!read_id(json, span, "traceId", TCORE_TRACE_ID, trace_id) ||
        !read_id(json, span, "spanId", TCORE_SPAN_ID, span_id))
        return TCORE_OK; /* no span */
    struct tcore_slice kind = text_at(json, span, "kind"), status = text_at(json, span, "status");
    struct tcore_span_given given = {
        .trace_id = trace_id,
        .span_id = span_id,
        .parent_id =
            read_id(json, span, "parentSpanId", TCORE_SPAN_ID, parent_id) ? parent_id : NULL,
        .start = value_at(json, span, "startTimeUnixNano"),
        .end = value_at(json, span, "endTimeUnixNano"),
        .error = status.length == 5 && !memcmp(status.data, "error", 5),
        .kind = kind.data ? tcore_span_kind_find(kind.data, kind.length) : TCORE_SPAN_UNSPECIFIED,
        .service = service_of(json, span),
        .name = text_at(json, span, "name"),
        .text = {json->node[span].value.s, json->node[span].value.len},
    };
    return tcore_trace_intake_give(intake, &given, err);
}

enum tcore_status take_spans_of_trace(struct tcore_trace_intake *intake, struct tcore_json *json,
                                      struct tcore_slice record, struct tcore_error *err)
{
    enum tcore_status status = tcore_json_parse(json, record.data, record.length, err);
    if (status != TCORE_OK)
        return status == TCORE_SKIP ? TCORE_OK : status;
    uint32_t structure = tcore_json_find(json, 0, "structure");
    uint32_t spans = structure ? tcore_json_find(json, structure, "spans") : 0;
    if (!spans || !tcore_json_is_array(&json->node[spans]))
        return TCORE_OK;
    for (uint32_t e = spans + 1; e < json->node[spans].next && status == TCORE_OK;
         e = json->node[e].next)
        if (tcore_json_is_object(&json->node[e]))
            status = give(intake, json, e, err);
    return status;
}
