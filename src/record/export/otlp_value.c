/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values, attributes and plain fields of OTLP. */
#include <config.h>

#include "record/export/otlp.h"

#include "base/base64.h"

#include <string.h>

static const struct tcore_json_node *node_at(const struct export_otlp *o, uint32_t node)
{
    return &o->record.json.node[node];
}

/* The one member of an object if it has that key and a string; 0 otherwise. */
static uint32_t only_member(const struct export_otlp *o, uint32_t node, const char *key)
{
    const struct tcore_value *k = export_value(&o->record, node + 1);
    bool is = node_at(o, node)->count == 1 && k->len == strlen(key) && !memcmp(k->s, key, k->len) &&
              export_value(&o->record, node + 2)->kind == TCORE_STRING;
    return is ? node + 2 : 0;
}

static bool is_base64(struct export_otlp *o, const struct tcore_value *v)
{
    struct tcore_buf *scratch = &o->record.scratch;
    tcore_buf_clear(scratch);
    bool is = tcore_base64_decode(v->s, v->len, scratch);
    o->w.out->failed |= scratch->failed;
    return is;
}

static void put_array(struct export_otlp *o, uint32_t node)
{
    size_t mark = otlp_open(&o->w, OTLP_FIELD("arrayValue", 5));
    if (node_at(o, node)->count) {
        otlp_open_list(&o->w, OTLP_FIELD("values", 1));
        for (uint32_t e = node + 1; e < node_at(o, node)->next; e = node_at(o, e)->next)
            export_otlp_value(o, NULL, e);
        otlp_close_list(&o->w);
    }
    otlp_close(&o->w, mark);
}

static void put_container(struct export_otlp *o, uint32_t node)
{
    if (tcore_json_is_array(node_at(o, node))) {
        put_array(o, node);
        return;
    }
    uint32_t bytes = only_member(o, node, "bytesValue");
    uint32_t word = only_member(o, node, "doubleValue");
    const struct tcore_value *v = export_value(&o->record, bytes ? bytes : word);
    double d;
    if (bytes && is_base64(o, v)) {
        otlp_bytes(&o->w, OTLP_FIELD("bytesValue", 7), v->s, v->len, &o->record.scratch);
    } else if (export_number(&o->record, word, &d)) {
        otlp_double(&o->w, OTLP_FIELD("doubleValue", 4), v);
    } else {
        size_t mark = otlp_open(&o->w, OTLP_FIELD("kvlistValue", 6));
        export_otlp_map(o, OTLP_FIELD("values", 1), node, NULL);
        otlp_close(&o->w, mark);
    }
}

/* Whether the literal of a number is that of an integer, which int64 did not hold. */
static bool is_large_integer(const struct tcore_value *v)
{
    return v->len > 2 && !memchr(v->s, '.', v->len) && !memchr(v->s, 'e', v->len) &&
           !memchr(v->s, 'E', v->len);
}

/* What is no int64 is a double; of large integers that is not the value. */
void export_otlp_double(struct export_otlp *o, const struct otlp_field *field,
                        const struct tcore_value *v)
{
    if (v->kind == TCORE_NUMBER && is_large_integer(v))
        export_lost(&o->record, "digits of integers beyond 64 bits");
    otlp_double(&o->w, field, v);
}

static void put_any(struct export_otlp *o, uint32_t node)
{
    const struct tcore_value *v = export_value(&o->record, node);
    switch ((enum tcore_kind)v->kind) {
    case TCORE_STRING:
        otlp_string(&o->w, OTLP_FIELD("stringValue", 1), v);
        break;
    case TCORE_FALSE:
    case TCORE_TRUE:
        otlp_bool(&o->w, OTLP_FIELD("boolValue", 2), v->kind == TCORE_TRUE);
        break;
    case TCORE_INT:
        otlp_int64(&o->w, OTLP_FIELD("intValue", 3), v->i);
        break;
    case TCORE_DOUBLE:
    case TCORE_NUMBER:
        export_otlp_double(o, OTLP_FIELD("doubleValue", 4), v);
        break;
    case TCORE_JSON:
        put_container(o, node);
        break;
    case TCORE_ABSENT:
    case TCORE_NULL: /* a value of no kind */
        break;
    }
}

void export_otlp_value(struct export_otlp *o, const struct otlp_field *field, uint32_t node)
{
    size_t mark = field ? otlp_open(&o->w, field) : otlp_open_item(&o->w, OTLP_FIELD("values", 1));
    put_any(o, node);
    otlp_close(&o->w, mark);
}

void export_otlp_map(struct export_otlp *o, const struct otlp_field *field, uint32_t node,
                     const char *but)
{
    bool open = false;
    if (!node)
        return;
    for (uint32_t k = node + 1; k < node_at(o, node)->next; k = node_at(o, k + 1)->next) {
        const struct tcore_value *key = export_value(&o->record, k);
        if (but && key->len == strlen(but) && !memcmp(key->s, but, key->len))
            continue;
        if (!open)
            otlp_open_list(&o->w, field);
        open = true;
        size_t mark = otlp_open_item(&o->w, field);
        otlp_string(&o->w, OTLP_FIELD("key", 1), key);
        export_otlp_value(o, OTLP_FIELD("value", 2), k + 1);
        otlp_close(&o->w, mark);
    }
    if (open)
        otlp_close_list(&o->w);
}

/* --- fields --- */

void export_otlp_text(struct export_otlp *o, const struct otlp_field *field, uint32_t node,
                      const char *name)
{
    if (export_is_text(&o->record, node))
        otlp_string(&o->w, field, export_value(&o->record, node));
    else if (node && export_value(&o->record, node)->kind != TCORE_STRING)
        export_lost(&o->record, name);
}

void export_otlp_time(struct export_otlp *o, const struct otlp_field *field, uint32_t node,
                      const char *name)
{
    int64_t ns;
    if (!export_time(&o->record, node, name, &ns))
        return;
    if (ns)
        otlp_fixed64(&o->w, field, (uint64_t)ns);
    else /* which says there that it is not known */
        export_lost(&o->record, name);
}

/* An integer of 32 bits; true if it is one and not 0. */
static bool small(struct export_otlp *o, uint32_t node, const char *name, int64_t *i)
{
    if (!node)
        return false;
    if (!export_int64(&o->record, node, i) || *i < 0 || *i > UINT32_MAX) {
        export_lost(&o->record, name);
        return false;
    }
    return *i != 0;
}

void export_otlp_count(struct export_otlp *o, const struct otlp_field *field, uint32_t node,
                       const char *name)
{
    int64_t i;
    if (small(o, node, name, &i))
        otlp_small(&o->w, field, i);
}

void export_otlp_flags(struct export_otlp *o, const struct otlp_field *field, uint32_t node,
                       const char *name)
{
    int64_t i;
    if (small(o, node, name, &i))
        otlp_fixed32(&o->w, field, (uint32_t)i);
}

void export_otlp_id(struct export_otlp *o, const struct otlp_field *field, uint32_t node)
{
    if (node) /* canonical: all digits are there */
        otlp_id(&o->w, field, export_value(&o->record, node)->s,
                export_value(&o->record, node)->len);
}

void export_otlp_list(struct export_otlp *o, const struct otlp_field *field, uint32_t list,
                      void (*put)(struct export_otlp *, uint32_t))
{
    const struct tcore_json_node *tape = o->record.json.node;
    if (!list)
        return;
    otlp_open_list(&o->w, field);
    for (uint32_t e = list + 1; e < tape[list].next; e = tape[e].next) {
        size_t mark = otlp_open_item(&o->w, field);
        put(o, e);
        otlp_close(&o->w, mark);
    }
    otlp_close_list(&o->w);
}
