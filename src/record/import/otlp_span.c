/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An OTLP span as a native one, its fields in the schema's order. */
#include <config.h>

#include "record/import/otlp.h"

#include "base/sys.h"
#include "record/import/blocks.h"
#include "record/import/otlp_rows.h"

enum {
    SPAN_TRACE_ID,
    SPAN_SPAN_ID,
    SPAN_TRACE_STATE,
    SPAN_PARENT,
    SPAN_FLAGS,
    SPAN_NAME,
    SPAN_KIND,
    SPAN_START,
    SPAN_END,
    SPAN_ATTRIBUTES,
    SPAN_DROPPED_ATTRIBUTES,
    SPAN_EVENTS,
    SPAN_DROPPED_EVENTS,
    SPAN_LINKS,
    SPAN_DROPPED_LINKS,
    SPAN_STATUS,
    SPAN_COUNT
};
static const struct import_key span_names[SPAN_COUNT] = {IMPORT_KEY("traceId"),
                                                         IMPORT_KEY("spanId"),
                                                         IMPORT_KEY("traceState"),
                                                         IMPORT_KEY("parentSpanId"),
                                                         IMPORT_KEY("flags"),
                                                         IMPORT_KEY("name"),
                                                         IMPORT_KEY("kind"),
                                                         IMPORT_KEY("startTimeUnixNano"),
                                                         IMPORT_KEY("endTimeUnixNano"),
                                                         IMPORT_KEY("attributes"),
                                                         IMPORT_KEY("droppedAttributesCount"),
                                                         IMPORT_KEY("events"),
                                                         IMPORT_KEY("droppedEventsCount"),
                                                         IMPORT_KEY("links"),
                                                         IMPORT_KEY("droppedLinksCount"),
                                                         IMPORT_KEY("status")};
static const struct import_keys span_keys = {span_names, SPAN_COUNT};

enum { STATUS_CODE, STATUS_MESSAGE, STATUS_COUNT };
static const struct import_key status_names[STATUS_COUNT] = {IMPORT_KEY("code"),
                                                             IMPORT_KEY("message")};
static const struct import_keys status_keys = {status_names, STATUS_COUNT};

enum { EVENT_TIME, EVENT_NAME, EVENT_ATTRIBUTES, EVENT_DROPPED, EVENT_COUNT };
static const struct import_key event_names[EVENT_COUNT] = {
    IMPORT_KEY("timeUnixNano"), IMPORT_KEY("name"), IMPORT_KEY("attributes"),
    IMPORT_KEY("droppedAttributesCount")};
static const struct import_keys event_keys = {event_names, EVENT_COUNT};

enum { LINK_TRACE, LINK_SPAN, LINK_STATE, LINK_ATTRIBUTES, LINK_DROPPED, LINK_FLAGS, LINK_COUNT };
static const struct import_key link_names[LINK_COUNT] = {IMPORT_KEY("traceId"),
                                                         IMPORT_KEY("spanId"),
                                                         IMPORT_KEY("traceState"),
                                                         IMPORT_KEY("attributes"),
                                                         IMPORT_KEY("droppedAttributesCount"),
                                                         IMPORT_KEY("flags")};
static const struct import_keys link_keys = {link_names, LINK_COUNT};

/* A time, if it is not 0, which is node's value. */
static void put_time(struct otlp *o, const char *label, int64_t time_ns, enum form_value what,
                     uint32_t node)
{
    size_t from = o->out->length + strlen(label);
    size_t quote = import_value(o->job, node)->kind != TCORE_STRING; /* is not the node's */
    otlp_put_time_field(o, o->out, label, time_ns);
    if (o->out->length > from)
        import_note(o->job, what, from + quote, o->out->length - quote, node);
}

static bool put_times(struct otlp *o, const uint32_t *at)
{
    int64_t start, end, duration;
    if (!otlp_time(o, at[SPAN_START], "startTimeUnixNano", &start) ||
        !otlp_time(o, at[SPAN_END], "endTimeUnixNano", &end))
        return false;
    import_count_times(o->job, start, end);
    put_time(o, ",\"startTimeUnixNano\":", start, FORM_START, at[SPAN_START]);
    put_time(o, ",\"endTimeUnixNano\":", end, FORM_STOP, at[SPAN_END]);
    if (start && end >= start && !__builtin_sub_overflow(end, start, &duration)) {
        PUT(o->out, ",\"durationNano\":");
        size_t from = o->out->length;
        import_put_int64(o->out, duration);
        import_note(o->job, FORM_DURATION, from, o->out->length, 0);
    }
    return true;
}

static bool put_status(struct otlp *o, uint32_t node)
{
    uint32_t at[STATUS_COUNT] = {0};
    if (node) {
        if (!tcore_json_is_object(&o->job->json.node[node]))
            return import_bad(o->job, "a status that is no object");
        import_collect(o->job, &status_keys, node, at);
    }
    return otlp_put_enum(o, ",\"status\":", at[STATUS_CODE], &import_status_code) &&
           otlp_put_text_field(o, o->out, ",\"statusMessage\":", at[STATUS_MESSAGE]);
}

static bool put_event(struct otlp *o, uint32_t node)
{
    uint32_t at[EVENT_COUNT];
    int64_t time_ns;
    import_collect(o->job, &event_keys, node, at);
    if (!otlp_time(o, at[EVENT_TIME], "timeUnixNano of an event", &time_ns))
        return false;
    /* label and comma: what comes first is not known */
    size_t begin = o->out->length;
    put_time(o, ",\"timeUnixNano\":", time_ns, FORM_TIME, at[EVENT_TIME]);
    bool good = otlp_put_text_field(o, o->out, ",\"name\":", at[EVENT_NAME]) &&
                otlp_put_map_field(o, o->out, ",\"attributes\":", at[EVENT_ATTRIBUTES]) &&
                otlp_put_count_field(o, o->out, ",\"droppedAttributesCount\":", at[EVENT_DROPPED]);
    if (o->out->length == begin)
        tcore_buf_putc(o->out, '{');
    else
        o->out->data[begin] = '{';
    tcore_buf_putc(o->out, '}');
    return good;
}

static bool put_link(struct otlp *o, uint32_t node)
{
    uint32_t at[LINK_COUNT];
    bool present;
    import_collect(o->job, &link_keys, node, at);
    size_t begin = o->out->length;
    bool good = otlp_put_trace_id(o, at[LINK_TRACE], &present) &&
                otlp_put_span_id(o, at[LINK_SPAN], &present) &&
                otlp_put_attributes(o, at[LINK_ATTRIBUTES]) &&
                otlp_put_text_field(o, o->out, ",\"traceState\":", at[LINK_STATE]) &&
                otlp_put_count_field(o, o->out, ",\"flags\":", at[LINK_FLAGS]) &&
                otlp_put_count_field(o, o->out, ",\"droppedAttributesCount\":", at[LINK_DROPPED]);
    if (o->out->length == begin)
        tcore_buf_putc(o->out, '{');
    else
        o->out->data[begin] = '{';
    tcore_buf_putc(o->out, '}');
    return good;
}

static bool put_list(struct otlp *o, const char *label, const char *name, uint32_t node,
                     bool (*put)(struct otlp *, uint32_t))
{
    const struct tcore_json_node *tape = o->job->json.node;
    if (!otlp_is_list(o, node, name))
        return false;
    if (!node || !tape[node].count)
        return true;
    tcore_buf_puts(o->out, label);
    for (uint32_t e = node + 1; e < tape[node].next; e = tape[e].next) {
        tcore_buf_putc(o->out, e == node + 1 ? '[' : ',');
        if (!tcore_json_is_object(&tape[e]))
            return import_bad(o->job, "an element of %s that is no object", name);
        if (!put(o, e))
            return false;
    }
    tcore_buf_putc(o->out, ']');
    return true;
}

static bool put_name(struct otlp *o, uint32_t node)
{
    const struct tcore_value *name = import_value(o->job, node);
    if (node && name->kind != TCORE_STRING)
        return import_bad(o->job, "a name that is no string");
    PUT(o->out, ",\"name\":");
    if (node)
        import_put_string(o->job, o->out, name);
    else
        PUT(o->out, "\"\"");
    return true;
}

static bool put_ids(struct otlp *o, const uint32_t *at)
{
    bool present;
    if (!otlp_put_trace_id(o, at[SPAN_TRACE_ID], &present))
        return false;
    if (!present)
        return import_bad(o->job, at[SPAN_TRACE_ID] ? "traceId is empty or all zero"
                                                    : "a span without traceId");
    if (!otlp_put_span_id(o, at[SPAN_SPAN_ID], &present))
        return false;
    if (!present)
        return import_bad(o->job, at[SPAN_SPAN_ID] ? "spanId is empty or all zero"
                                                   : "a span without spanId");
    return otlp_put_parent_id(o, at[SPAN_PARENT]);
}

/* What spans of one scope share. */
static void put_service(struct otlp *o)
{
    size_t from = o->out->length;
    otlp_put_service(o);
    if (o->job->watched)
        form_note_shared(o->job->draft, FORM_SERVICE, from, o->out->length);
}

static void put_above(struct otlp *o)
{
    size_t from = o->out->length;
    tcore_buf_append(o->out, o->job->resource.data, o->job->resource.length);
    tcore_buf_append(o->out, o->job->scope.data, o->job->scope.length);
    import_note(o->job, FORM_ABOVE, from, o->out->length, 0);
}

static bool put_end(struct otlp *o)
{
    size_t from = o->out->length;
    bool good = otlp_put_end(o);
    if (o->job->watched)
        form_note_shared(o->job->draft, FORM_END, from, o->out->length);
    return good;
}

static bool put_span(struct otlp *o, uint32_t node)
{
    uint32_t at[SPAN_COUNT];
    struct tcore_buf *out = o->out;
    import_collect(o->job, &span_keys, node, at);
    PUT(out, "{\"type\":\"span\"");
    if (!put_ids(o, at) || !put_name(o, at[SPAN_NAME]) ||
        !otlp_put_enum(o, ",\"kind\":", at[SPAN_KIND], &import_span_kind) || !put_times(o, at) ||
        !put_status(o, at[SPAN_STATUS]))
        return false;
    put_service(o);
    if (!otlp_put_attributes(o, at[SPAN_ATTRIBUTES]))
        return false;
    put_above(o);
    return put_list(o, OTLP_EVENTS_LABEL, "events", at[SPAN_EVENTS], put_event) &&
           put_list(o, OTLP_LINKS_LABEL, "links", at[SPAN_LINKS], put_link) &&
           otlp_put_text_field(o, out, ",\"traceState\":", at[SPAN_TRACE_STATE]) &&
           otlp_put_count_field(o, out, ",\"flags\":", at[SPAN_FLAGS]) &&
           otlp_put_count_field(o, out,
                                ",\"droppedAttributesCount\":", at[SPAN_DROPPED_ATTRIBUTES]) &&
           otlp_put_count_field(o, out, ",\"droppedEventsCount\":", at[SPAN_DROPPED_EVENTS]) &&
           otlp_put_count_field(o, out, ",\"droppedLinksCount\":", at[SPAN_DROPPED_LINKS]) &&
           put_end(o);
}

/* --- spans known by sight --- */

/* What the spans of this scope share, once for all of them. */
static bool make_shared(struct otlp *o)
{
    struct import_job *job = o->job;
    struct tcore_buf *out = o->out;
    if (o->shared)
        return true;
    if (!job->shared && !(job->shared = tcore_calloc(1, sizeof *job->shared)))
        return job->failed = true;
    struct form_shared *shared = job->shared;
    o->out = &shared->text;
    tcore_buf_clear(o->out);
    otlp_put_service(o);
    shared->at[1] = o->out->length;
    put_above(o);
    shared->at[2] = o->out->length;
    bool good = otlp_put_end(o);
    shared->at[3] = o->out->length;
    shared->number++;
    job->failed |= o->out->failed;
    o->out = out;
    o->shared = good && !job->failed;
    return good;
}

static void put_around(void *context, struct tcore_binary_row *row)
{
    otlp_rows_put_around(context, row);
}

static struct tcore_slice slice_at(const struct otlp *o, uint32_t node)
{
    const struct tcore_value *v = import_value(o->job, node);
    return node ? (struct tcore_slice){v->s, v->len} : (struct tcore_slice){NULL, 0};
}

/* The span as a row of a block, behind all records that came as text. False: it is none. */
static bool put_row(struct otlp *o, uint32_t node)
{
    struct import_job *job = o->job;
    struct tcore_error err;
    const struct form_around around = {.service = slice_at(o, o->service),
                                       .schema = slice_at(o, o->schema),
                                       .put = put_around,
                                       .context = o,
                                       .shared = job->shared};
    enum tcore_status status = o->out->length ? import_blocks_take(job, &err) : TCORE_OK;
    if (status == TCORE_OK)
        status =
            form_table_put_row(job->forms, job->json.node[node].count, &around, job->writer, &err);
    job->failed |= status == TCORE_FATAL;
    job->result->records += status == TCORE_OK;
    return status == TCORE_OK;
}

static bool put_taken(struct otlp *o, uint32_t node)
{
    if (!make_shared(o))
        return false;
    if (o->shared && o->rows && put_row(o, node))
        return true;
    if (o->shared)
        form_table_put(o->job->forms, o->job->json.node[node].count, o->job->shared, o->out);
    return true;
}

/* Converts the span as one of whose form others may be. */
static bool learn_span(struct otlp *o, uint32_t node)
{
    struct import_job *job = o->job;
    const struct import_counts before = job->result->counts;
    size_t begin = o->out->length;
    if (!job->draft && !(job->draft = tcore_calloc(1, sizeof *job->draft)))
        return put_span(o, node);
    job->draft->count = 0;
    job->draft->failed = false;
    job->watched = true;
    bool good = put_span(o, node);
    job->watched = false;
    bool plain = good && !memcmp(&before, &job->result->counts, sizeof before);
    if (plain && !o->out->failed && make_shared(o) && o->shared)
        form_table_learn(job->forms, &job->json, node, job->draft, o->out, begin, job->shared);
    return good;
}

bool otlp_put_span(struct otlp *o, uint32_t node)
{
    if (!o->learns)
        return put_span(o, node);
    if (tcore_json_is_taken(&o->job->json.node[node]))
        return put_taken(o, node);
    return form_table_learns(o->job->forms) ? learn_span(o, node) : put_span(o, node);
}

bool otlp_put_events(struct otlp *o, uint32_t node)
{
    uint32_t at[SPAN_COUNT];
    import_collect(o->job, &span_keys, node, at);
    return put_list(o, OTLP_EVENTS_LABEL, "events", at[SPAN_EVENTS], put_event);
}

bool otlp_put_links(struct otlp *o, uint32_t node)
{
    uint32_t at[SPAN_COUNT];
    import_collect(o->job, &span_keys, node, at);
    return put_list(o, OTLP_LINKS_LABEL, "links", at[SPAN_LINKS], put_link);
}
