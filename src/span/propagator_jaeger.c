/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Jaeger's own: uber-trace-id is TRACEID:SPANID:PARENTID:FLAGS, in hexadecimal without leading
 * zeros or with, the colons perhaps as %3A; baggage is a field uberctx-KEY for each key.
 */
#include <config.h>

#include "span/propagator.h"

#include <string.h>

enum { JAEGER_SAMPLED = 1, JAEGER_DEBUG = 2 };

static const char baggage_prefix[] = "uberctx-";

/* An id of at most that many digits; zero: "" for a parent. */
static bool read_id(struct tcore_slice text, enum tcore_id_class id, char *out)
{
    if (!text.length || text.length > (size_t)id)
        return false;
    for (size_t i = 0; i < text.length; i++)
        if (!text.data[i] || !strchr("0123456789abcdefABCDEF", text.data[i]))
            return false;
    bool some = tcore_id_normalise(id, text.data, text.length, out) == TCORE_ID_OK;
    out[some ? (size_t)id : 0] = '\0';
    return true;
}

static bool read_flags(struct tcore_slice text, struct trace_context *context)
{
    const char *digits = "0123456789abcdef0123456789ABCDEF";
    unsigned flags = 0;
    if (!text.length || text.length > 2)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        const char *digit = text.data[i] ? strchr(digits, text.data[i]) : NULL;
        if (!digit)
            return false;
        flags = flags << 4 | (unsigned)(digit - digits) % 16;
    }
    context->ids.flags = flags & JAEGER_SAMPLED ? TCORE_FLAG_SAMPLED : 0;
    context->debug = flags & JAEGER_DEBUG;
    context->decided = true;
    return true;
}

static enum tcore_status read_ids(struct tcore_slice text, struct trace_context *context,
                                  struct tcore_error *err)
{
    struct tcore_slice part[4];
    const char *end = text.data + text.length, *at = text.data;
    size_t count = 0;
    for (; at <= end && count < 4; count++) {
        const char *colon = at < end ? memchr(at, ':', (size_t)(end - at)) : NULL;
        part[count] = (struct tcore_slice){at, (size_t)((colon ? colon : end) - at)};
        at = (colon ? colon : end) + 1;
    }
    if (count != 4 || at <= end)
        return tcore_error_set(err, TCORE_BAD_INPUT,
                               "uber-trace-id is not of the form TRACEID:SPANID:PARENTID:FLAGS");
    if (!read_id(part[0], TCORE_TRACE_ID, context->ids.trace_id) || !*context->ids.trace_id)
        return tcore_error_set(err, TCORE_BAD_INPUT, "uber-trace-id has no valid trace id");
    if (!read_id(part[1], TCORE_SPAN_ID, context->ids.span_id) || !*context->ids.span_id)
        return tcore_error_set(err, TCORE_BAD_INPUT, "uber-trace-id has no valid span id");
    if (!read_id(part[2], TCORE_SPAN_ID, context->parent_id) || !read_flags(part[3], context))
        return tcore_error_set(err, TCORE_BAD_INPUT, "uber-trace-id has no valid parent or flags");
    context->has_ids = true;
    return TCORE_OK;
}

/* The fields uberctx-KEY as W3C baggage. */
static struct tcore_slice read_baggage(struct carrier *carrier, struct tcore_buf *notes)
{
    struct tcore_buf text = {0};
    size_t prefix = sizeof baggage_prefix - 1, bad = 0;
    for (size_t i = 0; i < carrier->count; i++) {
        const struct carrier_field *field = &carrier->fields[i];
        struct tcore_buf value = {0};
        struct tcore_slice key = {field->name.data + prefix, field->name.length - prefix};
        if (field->name.length <= prefix || memcmp(field->name.data, baggage_prefix, prefix) != 0)
            continue;
        if (!baggage_is_key(key)) { /* it might be taken for members of another name */
            bad++;
            continue;
        }
        baggage_decode(field->value, &value);
        tcore_buf_puts(&text, text.length ? "," : "");
        tcore_buf_append(&text, key.data, key.length);
        tcore_buf_putc(&text, '=');
        baggage_encode((struct tcore_slice){value.data, value.length}, &text);
        tcore_buf_free(&value);
    }
    struct tcore_slice baggage = {0};
    baggage_note_bad(bad, notes);
    if (text.length && !text.failed)
        baggage = baggage_normalise(carrier, (struct tcore_slice){text.data, text.length}, notes);
    tcore_buf_free(&text);
    return baggage;
}

static enum tcore_status extract(struct carrier *carrier, struct trace_context *context,
                                 struct tcore_buf *notes, struct tcore_error *err)
{
    bool many = false;
    struct tcore_slice ids = carrier_find(carrier, "uber-trace-id", false, &many);
    context->baggage = read_baggage(carrier, notes);
    if (many)
        return tcore_error_set(err, TCORE_BAD_INPUT, "there is more than one uber-trace-id");
    if (!ids.data)
        return TCORE_OK;
    struct tcore_buf decoded = {0};
    baggage_decode(ids, &decoded); /* %3A */
    enum tcore_status status = read_ids(
        (struct tcore_slice){decoded.data ? decoded.data : "", decoded.length}, context, err);
    tcore_buf_free(&decoded);
    return status;
}

static bool inject(const struct trace_context *context, struct carrier *carrier)
{
    unsigned flags = context->ids.flags & TCORE_FLAG_SAMPLED ? JAEGER_SAMPLED : 0;
    struct tcore_buf text = {0};
    struct tcore_slice rest = context->baggage;
    struct baggage_member member;
    if (context->debug)
        flags |= JAEGER_DEBUG;
    tcore_buf_printf(&text, "%s:%s:%s:%x", context->ids.trace_id, context->ids.span_id,
                     *context->parent_id ? context->parent_id : "0", flags);
    bool good = !text.failed && carrier_add(carrier, (struct tcore_slice){"uber-trace-id", 13},
                                            (struct tcore_slice){text.data, text.length});
    while (good && baggage_next(&rest, &member)) {
        tcore_buf_clear(&text);
        tcore_buf_puts(&text, baggage_prefix);
        tcore_buf_append(&text, member.key.data, member.key.length);
        good = !text.failed &&
               carrier_add(carrier, (struct tcore_slice){text.data, text.length}, member.value);
    }
    tcore_buf_free(&text);
    return good;
}

const struct propagator propagator_jaeger = {"jaeger", extract, inject};
