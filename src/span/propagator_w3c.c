/* SPDX-License-Identifier: GPL-3.0-or-later */
/* W3C Trace Context (Level 2) and Baggage. */
#include <config.h>

#include "span/propagator.h"

#include <string.h>

#define STATE_MEMBERS 32

/* --- traceparent */

static bool is_zero(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] != '0')
            return false;
    return true;
}

/* Why tcore_traceparent_parse refuses a text. */
static const char *fault_of(struct tcore_slice text)
{
    static const char *const form = "is not of the form 00-TRACEID-SPANID-FLAGS";
    if (text.length < 55 || text.data[2] != '-' || text.data[35] != '-' || text.data[52] != '-')
        return form;
    for (size_t i = 0; i < 55; i++)
        if (text.data[i] >= 'A' && text.data[i] <= 'F')
            return "has upper-case digits";
    for (size_t i = 0; i < 55; i++)
        if (i != 2 && i != 35 && i != 52 && !strchr("0123456789abcdef", text.data[i]))
            return "has something other than hexadecimal digits in it";
    if (!memcmp(text.data, "ff", 2))
        return "is of version ff, which is invalid";
    if (is_zero(text.data + 3, TCORE_TRACE_ID))
        return "has an all-zero trace id";
    if (is_zero(text.data + 36, TCORE_SPAN_ID))
        return "has an all-zero span id";
    return "goes on behind the flags";
}

/* --- tracestate */

/* As of Level 2, which has no rule for the at sign any more but that it does not begin a key. */
static bool is_key(const char *from, const char *to)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    if (from == to || to - from > 256 || !*from || !strchr(first, *from))
        return false;
    for (const char *at = from; at < to; at++)
        if (!*at || (!strchr(first, *at) && !strchr("_-*/@", *at)))
            return false;
    return true;
}

static bool is_value(const char *from, const char *to)
{
    if (from == to || to - from > 256 || to[-1] == ' ')
        return false;
    for (; from < to; from++)
        if (*from < 0x20 || *from > 0x7e || *from == ',' || *from == '=')
            return false;
    return true;
}

static struct tcore_slice trim(const char *from, const char *to)
{
    while (from < to && (*from == ' ' || *from == '\t'))
        from++;
    while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
        to--;
    return (struct tcore_slice){from, (size_t)(to - from)};
}

static bool is_repeated(const struct tcore_slice *keys, size_t count)
{
    for (size_t i = 0; i + 1 < count; i++)
        if (keys[i].length == keys[count - 1].length &&
            !memcmp(keys[i].data, keys[count - 1].data, keys[i].length))
            return true;
    return false;
}

/* Appends the members of a trace state, without blanks between them; false: it is invalid. */
static bool append_state(struct tcore_slice text, struct tcore_buf *out)
{
    struct tcore_slice keys[STATE_MEMBERS];
    size_t count = 0;
    const char *end = text.data + text.length;
    for (const char *at = text.data; at <= end;) {
        const char *comma = at < end ? memchr(at, ',', (size_t)(end - at)) : NULL;
        struct tcore_slice member = trim(at, comma ? comma : end);
        at = (comma ? comma : end) + 1;
        if (!member.length)
            continue;
        const char *equals = memchr(member.data, '=', member.length);
        if (!equals || count == STATE_MEMBERS || !is_key(member.data, equals) ||
            !is_value(equals + 1, member.data + member.length))
            return false;
        keys[count++] = (struct tcore_slice){member.data, (size_t)(equals - member.data)};
        if (is_repeated(keys, count))
            return false;
        tcore_buf_puts(out, out->length ? "," : "");
        tcore_buf_append(out, member.data, member.length);
    }
    return true;
}

static struct tcore_slice normalise_state(struct carrier *carrier, struct tcore_slice text,
                                          struct tcore_buf *notes)
{
    struct tcore_buf out = {0};
    struct tcore_slice state = {0};
    if (text.data && !append_state(text, &out))
        tcore_buf_puts(notes, "tracestate is invalid and left out\n");
    else if (out.length && !out.failed) {
        state.data = tcore_arena_copy(&carrier->arena, out.data, out.length);
        state.length = state.data ? out.length : 0;
    }
    tcore_buf_free(&out);
    return state;
}

/* --- Both ways */

static enum tcore_status extract(struct carrier *carrier, struct trace_context *context,
                                 struct tcore_buf *notes, struct tcore_error *err)
{
    bool many = false;
    struct tcore_slice parent = carrier_find(carrier, "traceparent", false, &many);
    context->baggage =
        baggage_normalise(carrier, carrier_find(carrier, "baggage", true, &many), notes);
    if (many)
        return tcore_error_set(err, TCORE_BAD_INPUT, "there is more than one traceparent");
    if (!parent.data)
        return TCORE_OK;
    if (!tcore_traceparent_parse(parent.data, parent.length, &context->ids))
        return tcore_error_set(err, TCORE_BAD_INPUT, "traceparent %s", fault_of(parent));
    context->has_ids = context->decided = true;
    /* other flags are reserved: whoever goes on sets them to 0 */
    context->ids.flags &= TCORE_FLAG_SAMPLED | TCORE_FLAG_RANDOM;
    context->state =
        normalise_state(carrier, carrier_find(carrier, "tracestate", true, &many), notes);
    return TCORE_OK;
}

static bool add(struct carrier *carrier, const char *name, struct tcore_slice value)
{
    return !value.data || carrier_add(carrier, (struct tcore_slice){name, strlen(name)}, value);
}

static bool inject(const struct trace_context *context, struct carrier *carrier)
{
    char parent[56];
    tcore_traceparent_format(&context->ids, parent);
    return add(carrier, "traceparent", (struct tcore_slice){parent, 55}) &&
           add(carrier, "tracestate", context->state) && add(carrier, "baggage", context->baggage);
}

const struct propagator propagator_w3c = {"w3c", extract, inject};
