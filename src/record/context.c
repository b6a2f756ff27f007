/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trace context from the environment, as W3C Trace Context 2 and its environment carriers say. */
#include <config.h>

#include "record/context.h"

#include "base/sys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLED = 1, RANDOM = 2 };

/* Digits that are not all zero. */
static bool draw_id(char *out, size_t digits)
{
    unsigned char bytes[16] = {0};
    unsigned any = 0;
    while (!any) {
        if (tcore_sys()->random(bytes, digits / 2) < 0)
            return false;
        for (size_t i = 0; i < digits / 2; i++)
            any |= bytes[i];
    }
    for (size_t i = 0; i < digits; i++)
        out[i] = "0123456789abcdef"[bytes[i / 2] >> (i % 2 ? 0 : 4) & 15];
    out[digits] = '\0';
    return true;
}

enum tcore_status context_new(struct context *context, const char *parent, struct tcore_error *err)
{
    const char *text = parent ? parent : getenv("TRACEPARENT");
    struct tcore_traceparent above;
    *context = (struct context){.own.flags = SAMPLED | RANDOM};
    if (text && tcore_traceparent_parse(text, strlen(text), &above)) {
        context->own = above;
        memcpy(context->parent_span_id, above.span_id, sizeof(above.span_id));
        if (!parent)
            context->tracestate = getenv("TRACESTATE");
    } else if (parent) {
        return tcore_error_set(err, TCORE_BAD_INPUT, "'%.100s' is no traceparent", parent);
    } else if (!draw_id(context->own.trace_id, TCORE_TRACE_ID)) {
        return tcore_error_errno(err, TCORE_FATAL, errno, "the system has no randomness to give");
    }
    if (!draw_id(context->own.span_id, TCORE_SPAN_ID))
        return tcore_error_errno(err, TCORE_FATAL, errno, "the system has no randomness to give");
    return TCORE_OK;
}
