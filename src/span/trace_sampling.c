/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the root of a trace says of the whole: why it was kept, and its tags. */
#include <config.h>

#include "span/trace_parts.h"

#include "model/number.h"
#include "model/trace_state.h"
#include "span/sample.h"

static void take_sampling(struct trace_writer *writer, uint32_t attributes)
{
    const struct tcore_json *json = &writer->json;
    struct tcore_buf *out = &writer->sampling;
    uint32_t state = tcore_json_find(json, 0, "traceState"), at = tcore_json_find(json, 0, "flags");
    char text[TCORE_NUMBER_BYTES];
    int64_t flags = 0;
    uint64_t threshold = 0;
    const struct tcore_value *value = &json->node[state].value;
    const struct tcore_slice own = {value->s, value->len};
    bool has_rate =
        state && value->kind == TCORE_STRING && tcore_trace_state_find(&own, &threshold);
    bool sampled = at && tcore_value_int64(&json->node[at].value, &flags) && flags & 1;
    uint32_t reason = attributes ? tcore_json_find(json, attributes, SAMPLE_REASON) : 0;
    if (json->node[reason].value.kind != TCORE_STRING)
        reason = 0;
    if (!has_rate && !sampled && !reason)
        return;
    tcore_buf_puts(out, ",\"sampling\":{");
    if (has_rate) {
        put_key(out, "samplingRate", true);
        tcore_buf_append(out, text, tcore_format_double(text, tcore_trace_state_share(threshold)));
        tcore_buf_putc(out, ',');
    }
    tcore_buf_puts(out, "\"samplingDecision\":\"sampled\",\"samplingReason\":");
    if (reason)
        tcore_json_write_value(out, &json->node[reason].value);
    else
        tcore_buf_puts(out, has_rate ? "\"probability\"" : "\"sampled flag\"");
    tcore_buf_putc(out, '}');
}

/* Attributes that are texts, as executions have them for tags. */
static void take_tags(struct trace_writer *writer, uint32_t attributes)
{
    const struct tcore_json *json = &writer->json;
    struct tcore_buf *out = &writer->tags;
    for (uint32_t k = attributes + 1; k < json->node[attributes].next; k = json->node[k + 1].next) {
        const struct tcore_value *key = &json->node[k].value, *value = &json->node[k + 1].value;
        if (value->kind != TCORE_STRING ||
            tcore_json_find_n(json, attributes, key->s, key->len) != k + 1)
            continue; /* of two of a name the last counts */
        tcore_buf_puts(out, out->length ? "," : ",\"tags\":{");
        put_text(out, (struct tcore_slice){key->s, key->len});
        tcore_buf_putc(out, ':');
        put_text(out, (struct tcore_slice){value->s, value->len});
    }
    tcore_buf_puts(out, out->length ? "}" : "");
}

void take_root(struct trace_writer *writer)
{
    uint32_t attributes = tcore_json_find(&writer->json, 0, "attributes");
    if (attributes && !tcore_json_is_object(&writer->json.node[attributes]))
        attributes = 0;
    take_sampling(writer, attributes);
    if (attributes)
        take_tags(writer, attributes);
}
