/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing a span whose parts the format has found. */
#include <config.h>

#include "record/import/span.h"

#include "model/number.h"

#include <math.h>

enum { STATUS_UNSET = 0, STATUS_ERROR = 2 }; /* numbers of import_status_code */

static const struct import_key tag_names[TAG_COUNT] = {IMPORT_KEY("span.kind"),
                                                       IMPORT_KEY("error"),
                                                       IMPORT_KEY("otel.status_code"),
                                                       IMPORT_KEY("otel.status_description"),
                                                       IMPORT_KEY("otel.scope.name"),
                                                       IMPORT_KEY("otel.scope.version"),
                                                       IMPORT_KEY("otel.library.name"),
                                                       IMPORT_KEY("otel.library.version"),
                                                       IMPORT_KEY("w3c.tracestate"),
                                                       IMPORT_KEY("otel.dropped_attributes_count"),
                                                       IMPORT_KEY("otel.dropped_events_count"),
                                                       IMPORT_KEY("otel.dropped_links_count")};

/* --- times --- */

/* Digits with a fraction, exactly: the fourth digit behind the point rounds. */
static bool decimal_micros(const char *s, size_t length, int64_t *ns)
{
    size_t point = 0;
    while (point < length && s[point] != '.')
        point++;
    bool negative = length && s[0] == '-';
    int64_t whole, thousandths = 0;
    if (!tcore_parse_int64(s, point, &whole) || __builtin_mul_overflow(whole, 1000, &whole))
        return false;
    for (size_t i = point + 1; i < point + 5; i++) {
        int digit = i < length ? s[i] - '0' : 0;
        if (i < point + 4)
            thousandths = 10 * thousandths + digit;
        else
            thousandths += digit >= 5;
    }
    return negative ? !__builtin_sub_overflow(whole, thousandths, ns)
                    : !__builtin_add_overflow(whole, thousandths, ns);
}

static bool read_micros(const struct tcore_value *v, int64_t *ns)
{
    double d;
    if (v->kind == TCORE_INT)
        return !__builtin_mul_overflow(v->i, 1000, ns);
    if ((v->kind != TCORE_NUMBER && v->kind != TCORE_STRING) ||
        !tcore_parse_double(v->s, v->len, &d))
        return false;
    if (!memchr(v->s, 'e', v->len) && !memchr(v->s, 'E', v->len))
        return decimal_micros(v->s, v->len, ns);
    d = round(d * 1000);
    if (!(d > -9e18 && d < 9e18))
        return false;
    *ns = (int64_t)d;
    return true;
}

bool import_micros(struct import_job *job, uint32_t node, const char *what, int64_t *ns)
{
    return read_micros(import_value(job, node), ns) ||
           import_bad(job, "%s is no number of microseconds in int64 nanoseconds", what);
}

/* --- tags --- */

void import_span_clear(struct import_job *job, struct import_span *span)
{
    *span = (struct import_span){0};
    import_attributes_clear(job);
}

void import_span_add_tag(struct import_job *job, struct import_span *span, struct tcore_slice key,
                         uint32_t node, enum import_form form)
{
    for (unsigned i = 0; i < TAG_COUNT; i++)
        if (key.length == tag_names[i].length &&
            memcmp(key.data, tag_names[i].name, key.length) == 0) {
            job->result->counts.replaced += span->tag[i] != 0;
            span->tag[i] = node;
            return;
        }
    import_attributes_add(job, key, node, form);
}

/* A tag that turned out to be no field is an attribute. */
static void give_back(struct import_job *job, struct import_span *span, enum import_span_tag tag)
{
    if (span->tag[tag])
        import_attributes_add(job, (struct tcore_slice){tag_names[tag].name, tag_names[tag].length},
                              span->tag[tag], IMPORT_AS_IS);
    span->tag[tag] = 0;
}

static void settle_kind(struct import_job *job, struct import_span *span)
{
    if (!span->tag[TAG_KIND])
        return;
    if (import_value(job, span->tag[TAG_KIND])->kind == TCORE_STRING &&
        import_enum(job, span->tag[TAG_KIND], &import_span_kind, &span->kind))
        return;
    span->kind = 0;
    give_back(job, span, TAG_KIND);
}

enum error { ERROR_NONE, ERROR_SAID, ERROR_TEXT };

/* What the tag "error" says: that there is one, or which one. */
static enum error error_of(const struct import_job *job, uint32_t node)
{
    const struct tcore_value *v = import_value(job, node);
    if (!node || v->kind == TCORE_FALSE || tcore_value_is_text(v, "false"))
        return ERROR_NONE;
    if (v->kind == TCORE_TRUE || tcore_value_is_text(v, "true") || tcore_value_is_text(v, ""))
        return ERROR_SAID;
    return v->kind == TCORE_STRING ? ERROR_TEXT : ERROR_NONE;
}

/* otel.status_code decides, and without it whether there is an error. */
static void settle_status(struct import_job *job, struct import_span *span)
{
    uint32_t code = span->tag[TAG_STATUS_CODE], error = span->tag[TAG_ERROR];
    enum error said = error_of(job, error);
    if (!code || import_value(job, code)->kind != TCORE_STRING ||
        !import_enum(job, code, &import_status_code, &span->status)) {
        give_back(job, span, TAG_STATUS_CODE);
        span->status = said == ERROR_NONE ? STATUS_UNSET : STATUS_ERROR;
    }
    if (import_is_text(job, span->tag[TAG_STATUS_TEXT]))
        span->message = span->tag[TAG_STATUS_TEXT];
    else
        give_back(job, span, TAG_STATUS_TEXT);
    if (!span->message && said == ERROR_TEXT && span->status == STATUS_ERROR)
        span->message = error;
    if (span->status != STATUS_ERROR || (said != ERROR_SAID && span->message != error))
        give_back(job, span, TAG_ERROR);
}

void import_span_settle(struct import_job *job, struct import_span *span)
{
    settle_kind(job, span);
    settle_status(job, span);
    for (unsigned i = TAG_SCOPE_NAME; i <= TAG_TRACE_STATE; i++)
        if (!import_is_text(job, span->tag[i]))
            give_back(job, span, i);
    for (unsigned i = TAG_DROPPED_ATTRIBUTES; i <= TAG_DROPPED_LINKS; i++) {
        int64_t count;
        if (!import_int64(job, span->tag[i], &count) || count < 0)
            give_back(job, span, i);
    }
}

/* --- ids --- */

static const struct id_field {
    enum tcore_id_class id;
    const char *label, *original;
} id_fields[] = {
    [IMPORT_TRACE_ID] = {TCORE_TRACE_ID, ",\"traceId\":\"", "tracecore.original_trace_id"},
    [IMPORT_SPAN_ID] = {TCORE_SPAN_ID, ",\"spanId\":\"", "tracecore.original_span_id"},
    [IMPORT_PARENT_ID] = {TCORE_SPAN_ID, ",\"parentSpanId\":\"",
                          "tracecore.original_parent_span_id"},
};

bool import_put_id(struct import_job *job, struct import_originals *originals, enum import_id which,
                   uint32_t node)
{
    const struct tcore_value *v = import_value(job, node);
    const struct id_field *field = &id_fields[which];
    char text[TCORE_TRACE_ID];
    if (!node)
        return true;
    if (v->kind != TCORE_STRING)
        return import_bad(job, "an id that is no string");
    enum tcore_id_result result = tcore_id_normalise(field->id, v->s, v->len, text);
    if (result == TCORE_ID_ZERO)
        return true;
    tcore_buf_puts(&job->result->out, field->label);
    tcore_buf_append(&job->result->out, text, field->id);
    tcore_buf_putc(&job->result->out, '"');
    if (result == TCORE_ID_HASHED) {
        originals->name[originals->count] =
            originals->count ? field->original : "tracecore.original_id";
        originals->node[originals->count++] = node;
    }
    return true;
}

void import_add_originals(struct import_job *job, const struct import_originals *originals)
{
    for (unsigned i = 0; i < originals->count; i++)
        import_attributes_add(job,
                              (struct tcore_slice){originals->name[i], strlen(originals->name[i])},
                              originals->node[i], IMPORT_AS_IS);
}

static bool put_required_id(struct import_job *job, struct import_span *span, enum import_id which,
                            uint32_t node)
{
    size_t before = job->result->out.length;
    if (!import_put_id(job, &span->originals, which, node))
        return false;
    if (job->result->out.length > before)
        return true;
    return import_bad(job, node ? "the %s id is empty or all zero" : "a span without a %s id",
                      which == IMPORT_TRACE_ID ? "trace" : "span");
}

/* --- the record --- */

static bool put_name(struct import_job *job, uint32_t node)
{
    struct tcore_buf *out = &job->result->out;
    const struct tcore_value *name = import_value(job, node);
    if (node && name->kind != TCORE_STRING)
        return import_bad(job, "a name that is no string");
    PUT(out, ",\"name\":");
    if (node)
        import_put_string(job, out, name);
    else
        PUT(out, "\"\"");
    return true;
}

void import_put_time(struct tcore_buf *out, const char *label, int64_t time_ns)
{
    tcore_buf_puts(out, label);
    import_put_int64(out, time_ns);
    tcore_buf_putc(out, '"');
}

static bool put_times(struct import_job *job, const struct import_span *span)
{
    struct import_counts *counts = &job->result->counts;
    struct tcore_buf *out = &job->result->out;
    bool both = span->has_start && span->has_duration;
    int64_t end_ns;
    if (both && __builtin_add_overflow(span->start_ns, span->duration_ns, &end_ns))
        return import_bad(job, "the span ends behind what an int64 of nanoseconds can say");
    counts->untimed += !both;
    counts->negative += span->has_duration && span->duration_ns < 0;
    if (span->has_start)
        import_put_time(out, ",\"startTimeUnixNano\":\"", span->start_ns);
    if (both)
        import_put_time(out, ",\"endTimeUnixNano\":\"", end_ns);
    if (span->has_duration && span->duration_ns >= 0) {
        PUT(out, ",\"durationNano\":");
        import_put_int64(out, span->duration_ns);
    }
    return true;
}

void import_close_object(struct tcore_buf *out, size_t begin)
{
    if (out->length == begin)
        tcore_buf_putc(out, '{');
    else
        out->data[begin] = '{';
    tcore_buf_putc(out, '}');
}

void import_put_text(struct import_job *job, const char *label, uint32_t node)
{
    if (!import_is_text(job, node))
        return;
    tcore_buf_puts(&job->result->out, label);
    import_put_string(job, &job->result->out, import_value(job, node));
}

static void put_scope(struct import_job *job, const struct import_span *span)
{
    struct tcore_buf *out = &job->result->out;
    const uint32_t *tag = span->tag;
    uint32_t name = tag[TAG_SCOPE_NAME] ? tag[TAG_SCOPE_NAME] : tag[TAG_LIBRARY_NAME];
    uint32_t version = tag[TAG_SCOPE_VERSION] ? tag[TAG_SCOPE_VERSION] : tag[TAG_LIBRARY_VERSION];
    if (!name && !version)
        return;
    PUT(out, ",\"scope\":{");
    import_put_text(job, "\"name\":", name);
    import_put_text(job, name ? ",\"version\":" : "\"version\":", version);
    tcore_buf_putc(out, '}');
}

bool import_span_begin(struct import_job *job, struct import_span *span)
{
    struct tcore_buf *out = &job->result->out;
    PUT(out, "{\"type\":\"span\"");
    if (!put_required_id(job, span, IMPORT_TRACE_ID, span->trace_id) ||
        !put_required_id(job, span, IMPORT_SPAN_ID, span->span_id) ||
        !import_put_id(job, &span->originals, IMPORT_PARENT_ID, span->parent_id) ||
        !put_name(job, span->name))
        return false;
    PUT(out, ",\"kind\":\"");
    tcore_buf_puts(out, import_span_kind.names[span->kind]);
    tcore_buf_putc(out, '"');
    if (!put_times(job, span))
        return false;
    PUT(out, ",\"status\":\"");
    tcore_buf_puts(out, import_status_code.names[span->status]);
    tcore_buf_putc(out, '"');
    import_put_text(job, ",\"statusMessage\":", span->message);
    import_put_text(job, ",\"service\":", span->service);
    import_add_originals(job, &span->originals);
    import_attributes_put(job, out, ",\"attributes\":");
    tcore_buf_append(out, span->resource.data, span->resource.length);
    put_scope(job, span);
    return true;
}

static void put_count(struct import_job *job, const char *label, uint32_t node)
{
    int64_t count;
    if (!node || !import_int64(job, node, &count) || !count)
        return;
    tcore_buf_puts(&job->result->out, label);
    import_put_int64(&job->result->out, count);
}

void import_span_end(struct import_job *job, struct import_span *span)
{
    struct tcore_buf *out = &job->result->out;
    import_put_text(job, ",\"traceState\":", span->tag[TAG_TRACE_STATE]);
    if (span->sampled)
        PUT(out, ",\"flags\":1");
    put_count(job, ",\"droppedAttributesCount\":", span->tag[TAG_DROPPED_ATTRIBUTES]);
    put_count(job, ",\"droppedEventsCount\":", span->tag[TAG_DROPPED_EVENTS]);
    put_count(job, ",\"droppedLinksCount\":", span->tag[TAG_DROPPED_LINKS]);
    PUT(out, "}\n");
}
