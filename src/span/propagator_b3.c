/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * B3 as Zipkin has it: one field TRACEID-SPANID[-SAMPLED[-PARENTID]], or one a part. It is written
 * as one field; both are read. Sampling may be left undecided, or be for debugging.
 */
#include <config.h>

#include "span/propagator.h"

#include <string.h>

static const char bad_sampling[] = "the B3 sampling state is none of 0, 1 and d";

/* An id of digits digits, or of 16 where 32 are usual. */
static bool read_id(struct tcore_slice text, enum tcore_id_class id, char *out)
{
    bool fits = text.length == (size_t)id || (id == TCORE_TRACE_ID && text.length == 16);
    for (size_t i = 0; i < text.length; i++)
        fits = fits && strchr("0123456789abcdefABCDEF", text.data[i]) && text.data[i];
    if (!fits || tcore_id_normalise(id, text.data, text.length, out) != TCORE_ID_OK)
        return false;
    out[id] = '\0';
    return true;
}

static bool read_sampled(struct tcore_slice text, struct trace_context *context)
{
    char c = text.length == 1 ? text.data[0] : '?';
    if ((text.length == 4 && !memcmp(text.data, "true", 4)) || c == '1' || c == 'd')
        context->ids.flags = TCORE_FLAG_SAMPLED;
    else if (c != '0' && !(text.length == 5 && !memcmp(text.data, "false", 5)))
        return false;
    context->decided = true;
    context->debug = c == 'd';
    return true;
}

static enum tcore_status bad(struct tcore_error *err, const char *what)
{
    return tcore_error_set(err, TCORE_BAD_INPUT, "%s", what);
}

static enum tcore_status read_parts(struct tcore_slice trace_id, struct tcore_slice span_id,
                                    struct tcore_slice sampled, struct tcore_slice parent_id,
                                    struct trace_context *context, struct tcore_error *err)
{
    if (!read_id(trace_id, TCORE_TRACE_ID, context->ids.trace_id))
        return bad(err, "the B3 trace id is not 16 or 32 hexadecimal digits, or all zero");
    if (!read_id(span_id, TCORE_SPAN_ID, context->ids.span_id))
        return bad(err, "the B3 span id is not 16 hexadecimal digits, or all zero");
    if (parent_id.data && !read_id(parent_id, TCORE_SPAN_ID, context->parent_id))
        return bad(err, "the B3 parent id is not 16 hexadecimal digits, or all zero");
    if (sampled.data && !read_sampled(sampled, context))
        return bad(err, bad_sampling);
    context->has_ids = true;
    return TCORE_OK;
}

static enum tcore_status read_single(struct tcore_slice text, struct trace_context *context,
                                     struct tcore_error *err)
{
    struct tcore_slice part[4] = {{0}};
    const char *end = text.data + text.length, *at = text.data;
    size_t count = 0;
    for (; at <= end; count++) {
        const char *dash = at < end ? memchr(at, '-', (size_t)(end - at)) : NULL;
        if (count == 4)
            return bad(err, "b3 has more than four parts");
        part[count] = (struct tcore_slice){at, (size_t)((dash ? dash : end) - at)};
        at = (dash ? dash : end) + 1;
    }
    if (count == 1 && read_sampled(part[0], context))
        return TCORE_OK; /* a decision without a trace */
    return read_parts(part[0], part[1], part[2], part[3], context, err);
}

static enum tcore_status extract(struct carrier *carrier, struct trace_context *context,
                                 struct tcore_buf *notes, struct tcore_error *err)
{
    bool many = false;
    struct tcore_slice single = carrier_find(carrier, "b3", false, &many);
    struct tcore_slice trace_id = carrier_find(carrier, "x-b3-traceid", false, &many);
    struct tcore_slice span_id = carrier_find(carrier, "x-b3-spanid", false, &many);
    struct tcore_slice parent_id = carrier_find(carrier, "x-b3-parentspanid", false, &many);
    struct tcore_slice sampled = carrier_find(carrier, "x-b3-sampled", false, &many);
    struct tcore_slice flags = carrier_find(carrier, "x-b3-flags", false, &many);
    (void)notes;
    if (many)
        return bad(err, "a B3 field occurs more than once");
    if (single.data)
        return read_single(single, context, err);
    if (flags.length == 1 && *flags.data == '1')
        sampled = (struct tcore_slice){"d", 1};
    if (!trace_id.data && !span_id.data && !parent_id.data) /* perhaps a decision without a trace */
        return !sampled.data || read_sampled(sampled, context) ? TCORE_OK : bad(err, bad_sampling);
    return read_parts(trace_id, span_id, sampled, parent_id, context, err);
}

static bool inject(const struct trace_context *context, struct carrier *carrier)
{
    struct tcore_buf text = {0};
    tcore_buf_printf(&text, "%s-%s", context->ids.trace_id, context->ids.span_id);
    if (context->decided || *context->parent_id)
        tcore_buf_printf(&text, "-%s",
                         context->debug                            ? "d"
                         : context->ids.flags & TCORE_FLAG_SAMPLED ? "1"
                                                                   : "0");
    if (*context->parent_id)
        tcore_buf_printf(&text, "-%s", context->parent_id);
    bool good = !text.failed && carrier_add(carrier, (struct tcore_slice){"b3", 2},
                                            (struct tcore_slice){text.data, text.length});
    tcore_buf_free(&text);
    return good;
}

const struct propagator propagator_b3 = {"b3", extract, inject};
