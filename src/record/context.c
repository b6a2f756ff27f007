/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trace context from the environment, as W3C Trace Context 2 and its environment carriers say. */
#include <config.h>

#include "record/context.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum tcore_status context_new(struct context *context, const char *parent, struct tcore_error *err)
{
    const char *text = parent ? parent : getenv("TRACEPARENT");
    struct tcore_traceparent above;
    *context = (struct context){.own.flags = TCORE_FLAG_SAMPLED | TCORE_FLAG_RANDOM};
    if (text && tcore_traceparent_parse(text, strlen(text), &above)) {
        context->own = above;
        memcpy(context->parent_span_id, above.span_id, sizeof(above.span_id));
        if (!parent)
            context->tracestate = getenv("TRACESTATE");
    } else if (parent) {
        return tcore_error_set(err, TCORE_BAD_INPUT, "'%.100s' is no traceparent", parent);
    } else if (tcore_id_draw(TCORE_TRACE_ID, context->own.trace_id) < 0) {
        return tcore_error_errno(err, TCORE_FATAL, errno, "the system has no randomness to give");
    }
    if (tcore_id_draw(TCORE_SPAN_ID, context->own.span_id) < 0)
        return tcore_error_errno(err, TCORE_FATAL, errno, "the system has no randomness to give");
    return TCORE_OK;
}
