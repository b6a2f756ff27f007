/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The canonical form of a record. An object with a schema is written in two steps: its members are
 * sorted into slots, one a field; then the slots are written in schema order and the other members
 * behind them as they are. Objects nest by schema only, so the recursion is as deep as the tables
 * in record.c; free-form values go through the writer of trees, which has no recursion.
 */
#include "model/canonical.h"
#include "model/id.h"
#include "model/number.h"

#include <string.h>

enum {
    MOST_FIELDS = 48, /* of one table in record.c */
    MOST_IDS = 6      /* among them ids */
};

struct writer {
    const struct tcore_json *json;
    struct tcore_buf *out;
    struct tcore_error *err;
    enum tcore_record_type type; /* of the record */
    bool derive;
};

/* An id that was no hexadecimal and where its original goes. */
struct original {
    const char *attribute;
    uint32_t value;
};

/* One object on its way out. */
struct object {
    const struct tcore_fields *fields;
    uint32_t index;             /* in the tape */
    bool root;                  /* the record itself */
    bool first;                 /* nothing was written yet */
    bool others;                /* it has members that the schema does not know */
    uint32_t slot[MOST_FIELDS]; /* index of each field's value; 0: absent */
    char id[MOST_IDS][TCORE_TRACE_ID];
    struct original original[MOST_IDS];
    unsigned original_count;
};

static const struct tcore_value *value_at(const struct writer *w, uint32_t i)
{
    return &w->json->node[i].value;
}

static bool name_is(const struct tcore_value *key, const char *name)
{
    return key->len == strlen(name) && !memcmp(key->s, name, key->len);
}

/* ---- which type ---- */

static bool has(const struct tcore_json *json, const char *name)
{
    uint32_t i = tcore_json_find(json, 0, name);
    return i && json->node[i].value.kind != TCORE_NULL;
}

enum tcore_record_type tcore_record_type_of(const struct tcore_json *json)
{
    if (json->count == 0 || !tcore_json_is_object(&json->node[0]))
        return TCORE_RECORD_NONE;
    if (has(json, "type")) {
        const struct tcore_value *type = &json->node[tcore_json_find(json, 0, "type")].value;
        return type->kind == TCORE_STRING ? tcore_record_type_find(type->s, type->len)
                                          : TCORE_RECORD_NONE;
    }
    if (has(json, "metricName"))
        return TCORE_RECORD_METRIC;
    if (has(json, "executionId"))
        return TCORE_RECORD_EXECUTION;
    if (has(json, "body") || has(json, "severity"))
        return TCORE_RECORD_LOG;
    return has(json, "spanId") ? TCORE_RECORD_SPAN : TCORE_RECORD_NONE;
}

/* Whether any type knows one of the record's fields. */
static bool has_known_field(const struct tcore_json *json)
{
    const struct tcore_json_node *node = json->node;
    for (uint32_t k = 1; k < node[0].next; k = node[k + 1].next) {
        if (name_is(&node[k].value, "type"))
            continue;
        for (int type = TCORE_RECORD_SPAN; type < TCORE_RECORD_OTHER; type++)
            if (tcore_fields_find(tcore_record_fields((enum tcore_record_type)type),
                                  node[k].value.s, node[k].value.len))
                return true;
    }
    return false;
}

/* ---- slots ---- */

/* The number of a field; members mostly come in schema order, so look from *hint on. */
static size_t find_slot(const struct tcore_fields *fields, const struct tcore_value *name,
                        size_t *hint)
{
    for (size_t n = 0, at = *hint; n < fields->count; n++, at++) {
        if (at >= fields->count)
            at = 0;
        const struct tcore_field *field = &fields->field[at];
        if (field->name_length == name->len && !memcmp(field->name, name->s, name->len)) {
            *hint = at + 1;
            return at;
        }
    }
    return MOST_FIELDS;
}

static void fill_slots(const struct writer *w, struct object *o)
{
    const struct tcore_json_node *node = w->json->node;
    size_t hint = 0;
    memset(o->slot, 0, o->fields->count * sizeof *o->slot);
    for (uint32_t k = o->index + 1; k < node[o->index].next; k = node[k + 1].next) {
        size_t field = find_slot(o->fields, &node[k].value, &hint);
        if (field == MOST_FIELDS)
            o->others = true;
        else /* of duplicates the last wins; null is as good as absent */
            o->slot[field] = node[k + 1].value.kind == TCORE_NULL ? 0 : k + 1;
    }
}

static uint32_t slot_of(const struct object *o, const char *name)
{
    const struct tcore_field *field = tcore_fields_find(o->fields, name, strlen(name));
    return field ? o->slot[field - o->fields->field] : 0;
}

static const char *original_attribute(const struct object *o, const struct tcore_field *field)
{
    static const struct {
        const char *field, *attribute;
    } names[] = {{"spanId", "tracecore.original_span_id"},
                 {"parentSpanId", "tracecore.original_parent_span_id"},
                 {"traceId", "tracecore.original_trace_id"},
                 {"parentTraceId", "tracecore.original_parent_trace_id"},
                 {"rootSpanId", "tracecore.original_root_span_id"}};
    if (o->original_count)
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (!strcmp(field->name, names[i].field))
                return names[i].attribute;
    return "tracecore.original_id";
}

static enum tcore_status normalise_id(struct writer *w, struct object *o, size_t field, char *id)
{
    const struct tcore_field *f = &o->fields->field[field];
    const struct tcore_value *v = value_at(w, o->slot[field]);
    enum tcore_id_class class =
        f->field_class == TCORE_FIELD_TRACE_ID ? TCORE_TRACE_ID : TCORE_SPAN_ID;
    if (v->kind != TCORE_STRING)
        return tcore_error_set(w->err, TCORE_SKIP, "%s is not a string", f->name);
    switch (tcore_id_normalise(class, v->s, v->len, id)) {
    case TCORE_ID_OK:
    case TCORE_ID_BASE64:
        break;
    case TCORE_ID_ZERO:
        if (v->len && o->root && w->type == TCORE_RECORD_SPAN &&
            (!strcmp(f->name, "traceId") || !strcmp(f->name, "spanId")))
            return tcore_error_set(w->err, TCORE_SKIP, "%s is all zero", f->name);
        o->slot[field] = 0;
        break;
    case TCORE_ID_HASHED:
        o->original[o->original_count].attribute = original_attribute(o, f);
        o->original[o->original_count++].value = o->slot[field];
        break;
    }
    return TCORE_OK;
}

static enum tcore_status normalise_ids(struct writer *w, struct object *o)
{
    unsigned ids = 0;
    for (size_t i = 0; i < o->fields->count; i++) {
        uint8_t class = o->fields->field[i].field_class;
        if (class != TCORE_FIELD_TRACE_ID && class != TCORE_FIELD_SPAN_ID)
            continue;
        char *id = o->id[ids++];
        enum tcore_status status = o->slot[i] ? normalise_id(w, o, i, id) : TCORE_OK;
        if (status != TCORE_OK)
            return status;
    }
    return TCORE_OK;
}

/* ---- writing ---- */

static void begin_member(struct writer *w, struct object *o, const char *name, size_t length)
{
    if (!o->first)
        tcore_buf_putc(w->out, ',');
    o->first = false;
    tcore_json_write_string(w->out, name, length);
    tcore_buf_putc(w->out, ':');
}

/* The same for a field of the schema, whose name needs no escapes. */
static void begin_field(struct writer *w, struct object *o, const struct tcore_field *field)
{
    char *to = tcore_buf_reserve(w->out, (size_t)field->name_length + 4);
    if (!to)
        return;
    if (!o->first)
        *to++ = ',';
    *to++ = '"';
    memcpy(to, field->name, field->name_length);
    memcpy(to + field->name_length, "\":", 2);
    w->out->length += (size_t)field->name_length + (o->first ? 3 : 4);
    o->first = false;
}

static void write_string_member(struct writer *w, struct object *o, const char *name,
                                const char *text, size_t length)
{
    begin_member(w, o, name, strlen(name));
    tcore_json_write_string(w->out, text, length);
}

static bool time_of(const struct tcore_value *v, int64_t *ns)
{
    if (v->kind == TCORE_STRING)
        return tcore_parse_int64(v->s, v->len, ns);
    return tcore_value_int64(v, ns);
}

static enum tcore_status write_time(struct writer *w, const struct tcore_field *field,
                                    const struct tcore_value *v)
{
    char text[TCORE_NUMBER_BYTES];
    int64_t ns;
    if (!time_of(v, &ns))
        return tcore_error_set(w->err, TCORE_SKIP, "%s is not an int64", field->name);
    tcore_json_write_string(w->out, text, tcore_format_int64(text, ns));
    return TCORE_OK;
}

/* The attributes with the originals of ids behind them; index 0: there were none. */
static enum tcore_status write_with_originals(struct writer *w, const struct object *o,
                                              uint32_t index)
{
    struct object map = {.first = true};
    if (index && value_at(w, index)->kind == TCORE_NULL)
        index = 0;
    if (index && !tcore_json_is_object(&w->json->node[index]))
        return tcore_error_set(
            w->err, TCORE_SKIP,
            "attributes is no object and cannot keep an id that is no hexadecimal");
    tcore_buf_putc(w->out, '{');
    if (index) {
        struct tcore_json_walk walk;
        struct tcore_json_member member;
        if (tcore_json_walk_open(&walk, w->json, index) != TCORE_OK)
            return tcore_error_nomem(w->err);
        while (tcore_json_walk_next(&walk, w->json, &member)) {
            const struct tcore_value *key = value_at(w, member.key);
            bool replaced = false;
            for (unsigned i = 0; i < o->original_count; i++)
                replaced |= name_is(key, o->original[i].attribute);
            if (replaced)
                continue;
            begin_member(w, &map, key->s, key->len);
            tcore_json_write_tree(w->out, w->json, member.value);
        }
        tcore_json_walk_close(&walk);
    }
    for (unsigned i = 0; i < o->original_count; i++) {
        const struct tcore_value *v = value_at(w, o->original[i].value);
        write_string_member(w, &map, o->original[i].attribute, v->s, v->len);
    }
    tcore_buf_putc(w->out, '}');
    return TCORE_OK;
}

static enum tcore_status write_object(struct writer *w, uint32_t index,
                                      const struct tcore_fields *fields, bool root);

static enum tcore_status write_list(struct writer *w, uint32_t index,
                                    const struct tcore_fields *fields)
{
    const struct tcore_json_node *node = w->json->node;
    tcore_buf_putc(w->out, '[');
    for (uint32_t e = index + 1; e < node[index].next; e = node[e].next) {
        if (e > index + 1)
            tcore_buf_putc(w->out, ',');
        if (tcore_json_is_object(&node[e])) {
            enum tcore_status status = write_object(w, e, fields, false);
            if (status != TCORE_OK)
                return status;
        } else {
            tcore_json_write_tree(w->out, w->json, e);
        }
    }
    tcore_buf_putc(w->out, ']');
    return TCORE_OK;
}

/* The value of a known field that is neither absent, null nor empty; ids are written elsewhere. */
static enum tcore_status write_known(struct writer *w, const struct tcore_field *field,
                                     uint32_t index)
{
    const struct tcore_json_node *node = &w->json->node[index];
    if (field->field_class == TCORE_FIELD_TIME)
        return write_time(w, field, &node->value);
    if (field->field_class == TCORE_FIELD_OBJECT && tcore_json_is_object(node))
        return write_object(w, index, field->fields, false);
    if (field->field_class == TCORE_FIELD_LIST && tcore_json_is_array(node))
        return write_list(w, index, field->fields);
    tcore_json_write_tree(w->out, w->json, index);
    return TCORE_OK;
}

static void write_duration(struct writer *w, struct object *o, const struct tcore_field *field)
{
    uint32_t from = slot_of(o, "startTimeUnixNano"), to = slot_of(o, "endTimeUnixNano");
    int64_t start, end, duration;
    char text[TCORE_NUMBER_BYTES];
    if (!from || !to || !time_of(value_at(w, from), &start) || !time_of(value_at(w, to), &end) ||
        end < start || __builtin_sub_overflow(end, start, &duration))
        return;
    begin_field(w, o, field);
    tcore_buf_append(w->out, text, tcore_format_int64(text, duration));
}

static void write_service(struct writer *w, struct object *o, const struct tcore_field *field)
{
    uint32_t resource = slot_of(o, "resource");
    uint32_t name = resource ? tcore_json_find(w->json, resource, "service.name") : 0;
    const struct tcore_value *v = value_at(w, name);
    if (name && v->kind == TCORE_STRING && v->len)
        write_string_member(w, o, field->name, v->s, v->len);
}

static inline bool field_is(const struct tcore_field *field, const char *name)
{
    return field->name_length == strlen(name) && !memcmp(field->name, name, field->name_length);
}

/* What follows from the rest of the record where it does not say it itself. */
static void write_derived(struct writer *w, struct object *o, const struct tcore_field *field)
{
    bool span = w->type == TCORE_RECORD_SPAN;
    if (!o->root)
        return;
    if (span && field_is(field, "name"))
        write_string_member(w, o, "name", "", 0);
    else if (w->derive && span && field_is(field, "durationNano"))
        write_duration(w, o, field);
    else if (w->derive && field_is(field, "service"))
        write_service(w, o, field);
}

/* One field with its name, or nothing if it is absent or empty. */
static enum tcore_status write_field(struct writer *w, struct object *o, size_t i, const char *id)
{
    const struct tcore_field *field = &o->fields->field[i];
    const struct tcore_json_node *node = &w->json->node[o->slot[i]];
    if (id) {
        if (o->slot[i]) {
            begin_field(w, o, field);
            tcore_json_write_string(w->out, id,
                                    field->field_class == TCORE_FIELD_TRACE_ID ? TCORE_TRACE_ID
                                                                               : TCORE_SPAN_ID);
        }
        return TCORE_OK;
    }
    if (o->original_count && !strcmp(field->name, "attributes")) {
        begin_field(w, o, field);
        return write_with_originals(w, o, o->slot[i]);
    }
    bool empty = node->value.kind == TCORE_JSON && node->count == 0 &&
                 !(field->keeps_empty && tcore_json_is_object(node));
    if (!o->slot[i] || empty) {
        write_derived(w, o, field);
        return TCORE_OK;
    }
    size_t before = w->out->length;
    bool first = o->first;
    begin_field(w, o, field);
    size_t begin = w->out->length;
    enum tcore_status status = write_known(w, field, o->slot[i]);
    if (field->field_class == TCORE_FIELD_OBJECT && w->out->length == begin + 2 &&
        w->out->data[begin] == '{') { /* all that was in it was empty */
        w->out->length = before;
        o->first = first;
    }
    return status;
}

/* The members that the schema does not know, in input order. */
static enum tcore_status write_others(struct writer *w, struct object *o, bool *has_attributes)
{
    struct tcore_json_walk walk;
    struct tcore_json_member member;
    enum tcore_status status = TCORE_OK;
    size_t hint = 0;
    if (tcore_json_walk_open(&walk, w->json, o->index) != TCORE_OK)
        return tcore_error_nomem(w->err);
    while (status == TCORE_OK && tcore_json_walk_next(&walk, w->json, &member)) {
        const struct tcore_value *key = value_at(w, member.key);
        if (find_slot(o->fields, key, &hint) != MOST_FIELDS || (o->root && name_is(key, "type")))
            continue;
        begin_member(w, o, key->s, key->len);
        if (o->original_count && name_is(key, "attributes")) {
            *has_attributes = true;
            status = write_with_originals(w, o, member.value);
        } else {
            tcore_json_write_tree(w->out, w->json, member.value);
        }
    }
    tcore_json_walk_close(&walk);
    return status;
}

static void write_type(struct writer *w, struct object *o)
{
    if (w->type == TCORE_RECORD_NONE)
        return;
    begin_member(w, o, "type", 4);
    if (w->type == TCORE_RECORD_OTHER) {
        tcore_json_write_tree(w->out, w->json, tcore_json_find(w->json, 0, "type"));
    } else {
        const char *name = tcore_record_type_name(w->type);
        tcore_json_write_string(w->out, name, strlen(name));
    }
}

static enum tcore_status write_members(struct writer *w, struct object *o)
{
    unsigned ids = 0;
    bool has_attributes = tcore_fields_find(o->fields, "attributes", 10) != NULL;
    enum tcore_status status = TCORE_OK;
    for (size_t i = o->root; i < o->fields->count && status == TCORE_OK; i++) {
        uint8_t class = o->fields->field[i].field_class;
        bool is_id = class == TCORE_FIELD_TRACE_ID || class == TCORE_FIELD_SPAN_ID;
        status = write_field(w, o, i, is_id ? o->id[ids++] : NULL);
    }
    if (status == TCORE_OK && o->others)
        status = write_others(w, o, &has_attributes);
    if (status == TCORE_OK && o->original_count && !has_attributes) {
        begin_member(w, o, "attributes", 10);
        status = write_with_originals(w, o, 0);
    }
    return status;
}

static enum tcore_status write_object(struct writer *w, uint32_t index,
                                      const struct tcore_fields *fields, bool root)
{
    struct object o;
    o.fields = fields;
    o.index = index;
    o.root = root;
    o.first = true;
    o.others = false;
    o.original_count = 0;
    fill_slots(w, &o);
    enum tcore_status status = normalise_ids(w, &o);
    if (status != TCORE_OK)
        return status;
    if (root && w->type == TCORE_RECORD_SPAN && (!slot_of(&o, "traceId") || !slot_of(&o, "spanId")))
        return tcore_error_set(w->err, TCORE_SKIP, "a span without %s",
                               slot_of(&o, "traceId") ? "spanId" : "traceId");
    tcore_buf_putc(w->out, '{');
    if (root)
        write_type(w, &o);
    status = write_members(w, &o);
    tcore_buf_putc(w->out, '}');
    return status;
}

/* Why the record has no canonical form, before looking into its fields. */
static enum tcore_status check_record(const struct tcore_json *json, enum tcore_record_type type,
                                      struct tcore_error *err)
{
    bool object = json->count && tcore_json_is_object(&json->node[0]);
    if (type != TCORE_RECORD_NONE)
        return TCORE_OK;
    if (object && has(json, "type"))
        return tcore_error_set(err, TCORE_SKIP, "type is not a string");
    if (!object || !has_known_field(json))
        return tcore_error_set(err, TCORE_SKIP,
                               "neither a type nor a field that decides it (metricName, "
                               "executionId, body, severity, spanId)");
    return TCORE_OK;
}

enum tcore_status tcore_record_canonical(const struct tcore_json *json, bool derive,
                                         struct tcore_buf *out, enum tcore_record_type *type,
                                         struct tcore_error *err)
{
    struct writer w = {.json = json, .out = out, .err = err, .derive = derive};
    size_t before = out->length;
    w.type = tcore_record_type_of(json);
    if (type)
        *type = w.type;
    enum tcore_status status = check_record(json, w.type, err);
    if (status == TCORE_OK)
        status = write_object(&w, 0, tcore_record_fields(w.type), true);
    if (out->failed)
        return tcore_error_nomem(err);
    if (status != TCORE_OK)
        out->length = before;
    return status;
}

enum tcore_status tcore_record_canonical_value(const struct tcore_json *json, uint32_t i,
                                               const struct tcore_field *field,
                                               struct tcore_buf *out, struct tcore_error *err)
{
    struct writer w = {.json = json, .out = out, .err = err, .type = TCORE_RECORD_NONE};
    size_t before = out->length;
    enum tcore_status status = write_known(&w, field, i);
    if (out->failed)
        return tcore_error_nomem(err);
    if (status != TCORE_OK)
        out->length = before;
    return status;
}
