/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fields of a native record from OTLP's: times, counts, enumerations, ids and attributes. */
#include <config.h>

#include "record/import/otlp.h"

#include "model/number.h"

bool otlp_put_map_at(struct otlp *o, struct tcore_buf *out, struct tcore_slice label, uint32_t node)
{
    const struct tcore_json_node *list = &o->job->json.node[node];
    if (tcore_json_is_array(list) && !list->count)
        return true;
    tcore_buf_append(out, label.data, label.length);
    return otlp_put_map(o, out, node);
}

bool otlp_put_text_at(struct otlp *o, struct tcore_buf *out, struct tcore_slice label,
                      uint32_t node)
{
    const struct tcore_value *v = import_value(o->job, node);
    if (v->kind == TCORE_STRING && !v->len)
        return true;
    tcore_buf_append(out, label.data, label.length);
    if (v->kind != TCORE_STRING)
        return import_bad(o->job, "no string where a text belongs (%s)", label.data + 1);
    import_put_string(o->job, out, v);
    return true;
}

bool otlp_put_count_at(struct otlp *o, struct tcore_buf *out, struct tcore_slice label,
                       uint32_t node)
{
    const struct tcore_value *v = import_value(o->job, node);
    if ((v->kind == TCORE_INT && !v->i) ||
        (v->kind == TCORE_STRING && v->len == 1 && v->s[0] == '0'))
        return true;
    tcore_buf_append(out, label.data, label.length);
    return import_put_integer(o->job, out, node) ||
           import_bad(o->job, "no integer where one belongs (%s)", label.data + 1);
}

bool otlp_time(struct otlp *o, uint32_t node, const char *what, int64_t *time_ns)
{
    return import_int64(o->job, node, time_ns) || import_bad(o->job, "%s is no int64", what);
}

void otlp_put_time(struct tcore_buf *out, struct tcore_slice label, int64_t time_ns)
{
    char *to = tcore_buf_reserve(out, label.length + TCORE_NUMBER_BYTES + 2);
    if (!to)
        return;
    memcpy(to, label.data, label.length);
    char *at = to + label.length;
    *at++ = '"';
    at += tcore_format_int64(at, time_ns);
    *at++ = '"';
    out->length += (size_t)(at - to);
}

bool otlp_is_list(struct otlp *o, uint32_t node, const char *name)
{
    return !node || tcore_json_is_array(&o->job->json.node[node]) ||
           import_bad(o->job, "%s is no array", name);
}

/* --- ids --- */

/* Appends the id unless it is absent or all zero: *present. An id that had to be made up from a
 * text is remembered until the attributes are written. */
static bool put_id(struct otlp *o, const char *label, const char *original, enum tcore_id_class id,
                   uint32_t node, bool *present)
{
    const struct tcore_value *v = import_value(o->job, node);
    char text[TCORE_TRACE_ID];
    *present = false;
    if (!node)
        return true;
    if (v->kind != TCORE_STRING)
        return import_bad(o->job, "an id that is no string");
    enum tcore_id_result result = tcore_id_normalise(id, v->s, v->len, text);
    if (result == TCORE_ID_ZERO)
        return true;
    size_t from = o->out->length + strlen(label);
    if (result == TCORE_ID_HASHED) {
        o->original[o->original_count].name = o->original_count ? original : "id";
        o->original[o->original_count++].node = node;
    }
    tcore_buf_puts(o->out, label);
    tcore_buf_putc(o->out, '"');
    tcore_buf_append(o->out, text, id);
    tcore_buf_putc(o->out, '"');
    import_note(o->job, id == TCORE_TRACE_ID ? FORM_TRACE_ID : FORM_SPAN_ID, from, o->out->length,
                node);
    *present = true;
    return true;
}

bool otlp_put_trace_id(struct otlp *o, uint32_t node, bool *present)
{
    o->original_count = 0;
    return put_id(o, ",\"traceId\":", "trace_id", TCORE_TRACE_ID, node, present);
}

bool otlp_put_span_id(struct otlp *o, uint32_t node, bool *present)
{
    return put_id(o, ",\"spanId\":", "span_id", TCORE_SPAN_ID, node, present);
}

bool otlp_put_parent_id(struct otlp *o, uint32_t node)
{
    bool present;
    return put_id(o, ",\"parentSpanId\":", "parent_span_id", TCORE_SPAN_ID, node, &present);
}

bool otlp_put_attributes(struct otlp *o, uint32_t node)
{
    struct tcore_buf *out = o->out;
    size_t begin = out->length;
    if (!otlp_put_map_field(o, out, ",\"attributes\":", node))
        return false;
    for (unsigned i = 0; i < o->original_count && !out->failed; i++) {
        if (out->length == begin)
            PUT(out, ",\"attributes\":{");
        else
            out->data[out->length - 1] = ','; /* where the brace was */
        PUT(out, "\"tracecore.original_");
        tcore_buf_puts(out, o->original[i].name);
        PUT(out, "\":");
        tcore_json_write_value(out, import_value(o->job, o->original[i].node));
        tcore_buf_putc(out, '}');
    }
    o->original_count = 0;
    return true;
}

bool otlp_put_enum(struct otlp *o, const char *label, uint32_t node,
                   const struct import_enum *known)
{
    int64_t number;
    enum tcore_kind kind = import_value(o->job, node)->kind;
    if (!import_enum(o->job, node, known, &number)) {
        if (kind != TCORE_STRING && kind != TCORE_INT && kind != TCORE_NUMBER)
            return import_bad(o->job, "a %s that is neither name nor number", known->what);
        o->job->result->counts.unknown_enums++;
        o->original[o->original_count].name = known->what;
        o->original[o->original_count++].node = node;
        number = 0;
    }
    tcore_buf_puts(o->out, label);
    tcore_buf_putc(o->out, '"');
    tcore_buf_puts(o->out, known->names[number]);
    tcore_buf_putc(o->out, '"');
    return true;
}

void otlp_put_service(struct otlp *o)
{
    if (!o->service)
        return;
    PUT(o->out, ",\"service\":");
    import_put_string(o->job, o->out, import_value(o->job, o->service));
}

bool otlp_put_end(struct otlp *o)
{
    if (!otlp_put_text_field(o, o->out, ",\"schemaUrl\":", o->schema))
        return false;
    PUT(o->out, "}\n");
    return true;
}
