/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One pass over a span's fields gathers them, whatever their order, and a second one writes them in
 * the record's. Events and links are JSON there, so that the tape makes their text. What might be
 * read in two ways, is bad, or is rare is left to the tape as a whole: a field that comes twice or
 * is not known, values that are no scalars.
 */
#include <config.h>

#include "record/import/otlp_rows.h"

#include "base/sys.h"
#include "record/import/blocks.h"
#include "record/import/otlp_wire.h"
#include "stream/binary_codec.h"
#include "stream/binary_row.h"

enum {
    KINDS = 6,    /* that have a name: import_span_kind */
    STATUSES = 3, /* and import_status_code */
    ATTRIBUTES_MAX = 64,
    DEPTH_ENOUGH = 16,  /* what is written here is never nested deeper */
    ESCAPED_BYTES = 6,  /* that a byte of the wire may become in text */
    FIELDS_BYTES = 1024 /* of the names and numbers of a record, at most */
};

struct otlp_rows {
    struct tcore_json resource, scope; /* the objects that records have of them */
    bool resource_read, scope_read;    /* they are those of now */
    /* what many rows share: those; a kind; a status without message, and the service behind it */
    struct tcore_binary_part around, kind[KINDS], status[STATUSES];
    struct tcore_buf lists,
        text; /* a span's events and links on the wire, and as they are written */
};

struct span {
    const char *trace_id, *span_id, *parent_id; /* NULL: there is none */
    struct tcore_slice name, trace_state, message;
    uint64_t kind, code, start, end, flags;
    uint64_t dropped_attributes, dropped_events, dropped_links;
    struct tcore_slice events, links; /* as they are written */
    unsigned attributes;
    struct tcore_slice attribute[ATTRIBUTES_MAX];
};

#define KEY(literal) ((struct tcore_slice){"" literal, sizeof(literal) - 1})

static struct otlp_rows *new_rows(void)
{
    struct otlp_rows *rows = tcore_calloc(1, sizeof(*rows));
    if (!rows)
        return NULL;
    rows->around.fixed = true;
    for (unsigned i = 0; i < KINDS; i++)
        rows->kind[i].fixed = true;
    for (unsigned i = 0; i < STATUSES; i++)
        rows->status[i].fixed = true;
    return rows;
}

bool otlp_rows_are_wanted(struct import_job *job)
{
    unsigned depth = job->json.depth_limit;
    if (!import_blocks_at_once(job) || (depth && depth < DEPTH_ENOUGH))
        return false;
    if (!job->rows)
        job->rows = new_rows();
    return job->rows;
}

void otlp_rows_free(struct otlp_rows *rows)
{
    if (!rows)
        return;
    tcore_json_free(&rows->resource);
    tcore_json_free(&rows->scope);
    tcore_buf_free(&rows->lists);
    tcore_buf_free(&rows->text);
    tcore_binary_part_free(&rows->around);
    for (unsigned i = 0; i < KINDS; i++)
        tcore_binary_part_free(&rows->kind[i]);
    for (unsigned i = 0; i < STATUSES; i++)
        tcore_binary_part_free(&rows->status[i]);
    tcore_free(rows);
}

void otlp_rows_enter_group(struct otlp *o)
{
    struct otlp_rows *rows = o->job->rows;
    rows->resource_read = false;
    tcore_binary_part_clear(&rows->around);
    for (unsigned i = 0; i < STATUSES; i++)
        tcore_binary_part_clear(&rows->status[i]);
}

void otlp_rows_enter_scope(struct otlp *o)
{
    o->job->rows->scope_read = false;
    tcore_binary_part_clear(&o->job->rows->around);
}

/* --- the wire --- */

/* The tag of a field, as it is on the wire. */
#define TAG(number, type) ((number) << 3 | (type))

static bool read_status(struct span *s, struct tcore_slice data)
{
    const char *at = data.data, *end = at + data.length, *reason;
    uint32_t seen = 0;
    while (at < end) {
        struct tcore_wire_record r;
        if (!tcore_wire_next(&at, end, &r, &reason) || r.number >= 32 || seen >> r.number & 1)
            return false;
        seen |= UINT32_C(1) << r.number;
        if (TAG(r.number, r.type) == TAG(OTLP_WIRE_STATUS_MESSAGE, TCORE_WIRE_BYTES))
            s->message = (struct tcore_slice){r.data, r.length};
        else if (TAG(r.number, r.type) == TAG(OTLP_WIRE_STATUS_CODE, TCORE_WIRE_VARINT))
            s->code = r.value;
        else
            return false;
    }
    return true;
}

/* An id of that length; else there is something to be said of it. */
static bool read_id(const struct tcore_wire_record *r, size_t length, const char **id)
{
    *id = r->data;
    return r->length == length;
}

static bool read_field(struct span *s, const struct tcore_wire_record *r)
{
    struct tcore_slice bytes = {r->data, r->length};
    switch (TAG(r->number, r->type)) {
    case TAG(OTLP_WIRE_TRACE_ID, TCORE_WIRE_BYTES):
        return read_id(r, TCORE_TRACE_ID / 2, &s->trace_id);
    case TAG(OTLP_WIRE_SPAN_ID, TCORE_WIRE_BYTES):
        return read_id(r, TCORE_SPAN_ID / 2, &s->span_id);
    case TAG(OTLP_WIRE_PARENT_ID, TCORE_WIRE_BYTES):
        return read_id(r, TCORE_SPAN_ID / 2, &s->parent_id);
    case TAG(OTLP_WIRE_TRACE_STATE, TCORE_WIRE_BYTES):
        s->trace_state = bytes;
        return true;
    case TAG(OTLP_WIRE_NAME, TCORE_WIRE_BYTES):
        s->name = bytes;
        return true;
    case TAG(OTLP_WIRE_KIND, TCORE_WIRE_VARINT):
        s->kind = r->value;
        return true;
    case TAG(OTLP_WIRE_START, TCORE_WIRE_FIXED64):
        s->start = r->value;
        return true;
    case TAG(OTLP_WIRE_END, TCORE_WIRE_FIXED64):
        s->end = r->value;
        return true;
    case TAG(OTLP_WIRE_DROPPED_ATTRIBUTES, TCORE_WIRE_VARINT):
        s->dropped_attributes = r->value;
        return true;
    case TAG(OTLP_WIRE_DROPPED_EVENTS, TCORE_WIRE_VARINT):
        s->dropped_events = r->value;
        return true;
    case TAG(OTLP_WIRE_DROPPED_LINKS, TCORE_WIRE_VARINT):
        s->dropped_links = r->value;
        return true;
    case TAG(OTLP_WIRE_STATUS, TCORE_WIRE_BYTES):
        return read_status(s, bytes);
    case TAG(OTLP_WIRE_FLAGS, TCORE_WIRE_FIXED32):
        s->flags = r->value;
        return true;
    default:
        return false;
    }
}

/* As {0} would, but by more than one instruction, which is faster for so few bytes. */
static void clear(struct span *s)
{
    const struct tcore_slice none = {"", 0};
    s->trace_id = s->span_id = s->parent_id = NULL;
    s->name = s->trace_state = s->message = s->events = s->links = none;
    s->kind = s->code = s->start = s->end = s->flags = 0;
    s->dropped_attributes = s->dropped_events = s->dropped_links = 0;
    s->attributes = 0;
}

static bool read_span(struct otlp_rows *rows, struct span *s, struct tcore_slice data)
{
    const char *at = data.data, *end = at + data.length, *reason;
    uint32_t seen = 0;
    clear(s);
    tcore_buf_clear(&rows->lists);
    while (at < end) {
        struct tcore_wire_record r;
        const char *from = at;
        if (!tcore_wire_next(&at, end, &r, &reason))
            return false;
        if (TAG(r.number, r.type) == TAG(OTLP_WIRE_ATTRIBUTES, TCORE_WIRE_BYTES)) {
            if (s->attributes == ATTRIBUTES_MAX)
                return false;
            s->attribute[s->attributes++] = (struct tcore_slice){r.data, r.length};
            continue;
        }
        if (TAG(r.number, r.type) == TAG(OTLP_WIRE_EVENTS, TCORE_WIRE_BYTES) ||
            TAG(r.number, r.type) == TAG(OTLP_WIRE_LINKS, TCORE_WIRE_BYTES)) {
            tcore_buf_append(&rows->lists, from, (size_t)(at - from));
            continue;
        }
        if (r.number >= 32 || seen >> r.number & 1 || !read_field(s, &r))
            return false;
        seen |= UINT32_C(1) << r.number;
    }
    return true;
}

/* Whether the record has everything, and nothing that it would have to say in other words. */
static bool is_plain(const struct span *s)
{
    static const char zero[TCORE_TRACE_ID / 2];
    return s->trace_id && memcmp(s->trace_id, zero, TCORE_TRACE_ID / 2) != 0 && s->span_id &&
           memcmp(s->span_id, zero, TCORE_SPAN_ID / 2) != 0 && s->kind < KINDS &&
           s->code < STATUSES && s->start <= INT64_MAX && s->end <= INT64_MAX &&
           s->dropped_attributes <= INT64_MAX && s->dropped_events <= INT64_MAX &&
           s->dropped_links <= INT64_MAX;
}

/* --- events and links --- */

/* What o's buffer has behind the label, from there on. */
static struct tcore_slice behind_label(const struct otlp *o, size_t from, const char *label)
{
    size_t length = o->out->length - from, skip = strlen(label);
    return length ? (struct tcore_slice){o->out->data + from + skip, length - skip}
                  : (struct tcore_slice){"", 0};
}

/* A message of these fields alone becomes a tape, and that a text. */
static bool write_lists(struct otlp *o, struct span *s)
{
    const struct tcore_buf *lists = &o->job->rows->lists;
    struct tcore_slice message = {lists->data, lists->length};
    const char *where;
    uint32_t node;
    tcore_buf_clear(o->out);
    if (lists->failed ||
        import_wire_put(o->job, &otlp_wire_span, message, &node, &where) != IMPORT_WIRE_GOOD ||
        !otlp_put_events(o, node))
        return false;
    size_t events = o->out->length;
    if (!otlp_put_links(o, node) || o->out->failed)
        return false;
    s->links = behind_label(o, events, OTLP_LINKS_LABEL);
    o->out->length = events;
    s->events = behind_label(o, 0, OTLP_EVENTS_LABEL);
    return true;
}

static bool read_lists(struct otlp *o, struct span *s)
{
    struct tcore_buf *out = o->out;
    if (!o->job->rows->lists.length)
        return true;
    o->out = &o->job->rows->text;
    bool good = write_lists(o, s);
    o->out = out;
    return good;
}

/* --- attributes --- */

static void put_any(struct tcore_binary_row *row, struct tcore_slice key, struct tcore_slice any)
{
    const char *at = any.data, *end = at + any.length, *reason;
    struct tcore_wire_record r;
    double d;
    if (at == end || !tcore_wire_next(&at, end, &r, &reason) || at != end) {
        row->unfit = true;
        return;
    }
    switch (TAG(r.number, r.type)) {
    case TAG(IMPORT_WIRE_ANY_STRING, TCORE_WIRE_BYTES):
        tcore_binary_row_text(row, key, (struct tcore_slice){r.data, r.length});
        break;
    case TAG(IMPORT_WIRE_ANY_BOOL, TCORE_WIRE_VARINT):
        tcore_binary_row_bool(row, key, r.value);
        break;
    case TAG(IMPORT_WIRE_ANY_INT, TCORE_WIRE_VARINT):
        tcore_binary_row_int(row, key, (int64_t)r.value);
        break;
    case TAG(IMPORT_WIRE_ANY_DOUBLE, TCORE_WIRE_FIXED64):
        memcpy(&d, &r.value, sizeof(d));
        tcore_binary_row_double(row, key, d);
        break;
    default:
        row->unfit = true;
        break;
    }
}

/* A key, then its value: no encoder writes anything else. */
static bool read_pair(struct tcore_slice pair, struct tcore_slice *key, struct tcore_slice *any)
{
    const char *at = pair.data, *end = at + pair.length, *reason;
    struct tcore_wire_record k, v;
    if (!tcore_wire_next(&at, end, &k, &reason) || !tcore_wire_next(&at, end, &v, &reason) ||
        at != end || TAG(k.number, k.type) != TAG(IMPORT_WIRE_KEY, TCORE_WIRE_BYTES) ||
        TAG(v.number, v.type) != TAG(IMPORT_WIRE_VALUE, TCORE_WIRE_BYTES))
        return false;
    *key = (struct tcore_slice){k.data, k.length};
    *any = (struct tcore_slice){v.data, v.length};
    return true;
}

/* Of most pairs each length is one byte, and all lengths fit: they need not be read one by one. */
static bool read_short_pair(struct tcore_slice pair, struct tcore_slice *key,
                            struct tcore_slice *any)
{
    enum { HEADS = 4 };
    const unsigned char *k = (const unsigned char *)pair.data;
    if (pair.length < HEADS || pair.length >= 0x80 ||
        k[0] != TAG(IMPORT_WIRE_KEY, TCORE_WIRE_BYTES) || k[1] > pair.length - HEADS)
        return false;
    const unsigned char *v = k + 2 + k[1];
    *key = (struct tcore_slice){(const char *)k + 2, k[1]};
    *any = (struct tcore_slice){(const char *)v + 2, v[1]};
    return v[0] == TAG(IMPORT_WIRE_VALUE, TCORE_WIRE_BYTES) && v[1] == pair.length - HEADS - k[1];
}

static void put_attribute(struct tcore_binary_row *row, struct tcore_slice pair)
{
    struct tcore_slice key, any;
    if (read_short_pair(pair, &key, &any) || read_pair(pair, &key, &any))
        put_any(row, key, any);
    else
        row->unfit = true;
}

static void put_attributes(struct tcore_binary_row *row, const struct span *s)
{
    if (!s->attributes)
        return;
    tcore_binary_row_open(row, KEY("attributes"));
    for (unsigned i = 0; i < s->attributes && !row->unfit; i++)
        put_attribute(row, s->attribute[i]);
    tcore_binary_row_close(row);
}

/* --- what spans share --- */

/* The object in ,"name":{...} as a tape of its own; of an empty text an empty one. */
static bool read_shared(struct tcore_json *json, const struct tcore_buf *text, size_t before)
{
    json->count = 0;
    return !text->length ||
           tcore_json_parse(json, text->data + before, text->length - before, NULL) == TCORE_OK;
}

static bool read_around(struct otlp *o)
{
    struct otlp_rows *rows = o->job->rows;
    if (!rows->resource_read)
        rows->resource_read =
            read_shared(&rows->resource, &o->job->resource, strlen(",\"resource\":"));
    if (!rows->scope_read)
        rows->scope_read = read_shared(&rows->scope, &o->job->scope, strlen(",\"scope\":"));
    return rows->resource_read && rows->scope_read;
}

static void put_member(struct tcore_binary_row *row, struct tcore_slice key,
                       const struct tcore_value *v)
{
    struct tcore_slice text = {v->s, v->len};
    double d;
    switch ((enum tcore_kind)v->kind) {
    case TCORE_STRING:
        tcore_binary_row_text(row, key, text);
        break;
    case TCORE_INT:
        tcore_binary_row_int(row, key, v->i);
        break;
    case TCORE_FALSE:
    case TCORE_TRUE:
        tcore_binary_row_bool(row, key, v->kind == TCORE_TRUE);
        break;
    case TCORE_JSON:
        tcore_binary_row_json(row, key, text);
        break;
    case TCORE_NUMBER:
        if (tcore_binary_is_double(v->s, v->len, &d)) {
            tcore_binary_row_double(row, key, d);
            break;
        }
        row->unfit = true;
        break;
    case TCORE_ABSENT:
    case TCORE_NULL:
    case TCORE_DOUBLE:
        row->unfit = true;
        break;
    }
}

static void put_shared(struct tcore_binary_row *row, struct tcore_slice name,
                       const struct tcore_json *json)
{
    if (!json->count)
        return;
    tcore_binary_row_open(row, name);
    for (uint32_t k = 1; k < json->node[0].next; k = json->node[k + 1].next) {
        const struct tcore_value *key = &json->node[k].value;
        put_member(row, (struct tcore_slice){key->s, key->len}, &json->node[k + 1].value);
    }
    tcore_binary_row_close(row);
}

static void put_around(struct tcore_binary_row *row, struct otlp_rows *rows)
{
    if (tcore_binary_row_repeat(row, &rows->around))
        return;
    put_shared(row, KEY("resource"), &rows->resource);
    put_shared(row, KEY("scope"), &rows->scope);
    tcore_binary_row_keep(row, &rows->around);
}

void otlp_rows_put_around(struct otlp *o, struct tcore_binary_row *row)
{
    if (read_around(o))
        put_around(row, o->job->rows);
    else
        row->unfit = true;
}

/* --- the record --- */

static void put_ids(struct tcore_binary_row *row, const struct span *s)
{
    static const char none[TCORE_SPAN_ID / 2];
    tcore_binary_row_id(row, KEY("traceId"), s->trace_id, TCORE_TRACE_ID / 2);
    tcore_binary_row_id(row, KEY("spanId"), s->span_id, TCORE_SPAN_ID / 2);
    if (s->parent_id && memcmp(s->parent_id, none, sizeof(none)) != 0)
        tcore_binary_row_id(row, KEY("parentSpanId"), s->parent_id, TCORE_SPAN_ID / 2);
}

static void put_name_of(struct tcore_binary_row *row, struct tcore_slice key,
                        const struct import_enum *known, uint64_t number)
{
    const char *name = known->names[number];
    tcore_binary_row_plain(row, key, (struct tcore_slice){name, strlen(name)});
}

static void put_json(struct tcore_binary_row *row, struct tcore_slice key, struct tcore_slice text)
{
    if (text.length)
        tcore_binary_row_json(row, key, text);
}

static void put_kind(struct tcore_binary_row *row, struct otlp_rows *rows, uint64_t kind)
{
    struct tcore_binary_part *part = &rows->kind[kind];
    if (tcore_binary_row_repeat(row, part))
        return;
    put_name_of(row, KEY("kind"), &import_span_kind, kind);
    tcore_binary_row_keep(row, part);
}

static void put_times(struct tcore_binary_row *row, const struct span *s)
{
    if (s->start)
        tcore_binary_row_digits(row, KEY("startTimeUnixNano"), (int64_t)s->start);
    if (s->end)
        tcore_binary_row_digits(row, KEY("endTimeUnixNano"), (int64_t)s->end);
    if (s->start && s->end >= s->start)
        tcore_binary_row_int(row, KEY("durationNano"), (int64_t)(s->end - s->start));
}

static void put_text(struct tcore_binary_row *row, struct tcore_slice key, struct tcore_slice text)
{
    if (text.length)
        tcore_binary_row_text(row, key, text);
}

static void put_status(struct tcore_binary_row *row, struct otlp_rows *rows, const struct span *s,
                       struct tcore_slice service)
{
    struct tcore_binary_part *part = s->message.length ? NULL : &rows->status[s->code];
    if (part && tcore_binary_row_repeat(row, part))
        return;
    put_name_of(row, KEY("status"), &import_status_code, s->code);
    put_text(row, KEY("statusMessage"), s->message);
    put_text(row, KEY("service"), service);
    if (part)
        tcore_binary_row_keep(row, part);
}

static void put_count(struct tcore_binary_row *row, struct tcore_slice key, uint64_t count)
{
    if (count)
        tcore_binary_row_int(row, key, (int64_t)count);
}

static struct tcore_slice text_at(const struct otlp *o, uint32_t node)
{
    const struct tcore_value *v = import_value(o->job, node);
    return node ? (struct tcore_slice){v->s, v->len} : (struct tcore_slice){NULL, 0};
}

static void put_span(struct otlp *o, struct tcore_binary_row *row, const struct span *s)
{
    struct otlp_rows *rows = o->job->rows;
    put_ids(row, s);
    tcore_binary_row_text(row, KEY("name"), s->name);
    put_kind(row, rows, s->kind);
    put_times(row, s);
    put_status(row, rows, s, text_at(o, o->service));
    put_attributes(row, s);
    put_around(row, rows);
    put_json(row, KEY("events"), s->events);
    put_json(row, KEY("links"), s->links);
    put_text(row, KEY("traceState"), s->trace_state);
    put_count(row, KEY("flags"), s->flags);
    put_count(row, KEY("droppedAttributesCount"), s->dropped_attributes);
    put_count(row, KEY("droppedEventsCount"), s->dropped_events);
    put_count(row, KEY("droppedLinksCount"), s->dropped_links);
    put_text(row, KEY("schemaUrl"), text_at(o, o->schema));
}

/* The span in a row of its own, if that can be. */
static enum tcore_status make_row(struct otlp *o, const struct span *s, size_t bytes,
                                  struct tcore_error *err)
{
    const struct import_job *job = o->job;
    struct tcore_binary_row row;
    size_t most = ESCAPED_BYTES * (bytes + text_at(o, o->schema).length) +
                  2 * job->resource.length + job->scope.length + s->events.length +
                  s->links.length + FIELDS_BYTES;
    enum tcore_status status =
        tcore_binary_row_begin(job->writer, &row, TCORE_RECORD_SPAN, most, err);
    if (status != TCORE_OK)
        return status;
    put_span(o, &row, s);
    return tcore_binary_row_end(job->writer, &row, err);
}

/* False: the counts may be wrong. */
static bool put_row(struct otlp *o, struct tcore_slice span)
{
    struct import_job *job = o->job;
    struct tcore_error err;
    struct span s;
    if (!read_span(job->rows, &s, span) || !is_plain(&s) || !read_around(o) || !read_lists(o, &s))
        return false;
    enum tcore_status status = make_row(o, &s, span.length, &err);
    job->failed |= status == TCORE_FATAL;
    if (status != TCORE_OK)
        return false;
    import_count_times(job, (int64_t)s.start, (int64_t)s.end);
    job->result->records++;
    return true;
}

bool otlp_rows_put_span(struct otlp *o, struct tcore_slice span)
{
    struct import_counts counts = o->job->result->counts;
    if (put_row(o, span))
        return true;
    o->job->result->counts = counts; /* the long way counts again */
    return false;
}
