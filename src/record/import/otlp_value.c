/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OTLP's values, lists of key and value, enumerations and ids. */
#include <config.h>

#include "record/import/otlp.h"

enum { KEY_KEY, KEY_VALUE, KEY_COUNT };
static const struct import_key key_value_names[KEY_COUNT] = {IMPORT_KEY("key"),
                                                             IMPORT_KEY("value")};
static const struct import_keys key_value_keys = {key_value_names, KEY_COUNT};

enum { ANY_STRING, ANY_INT, ANY_DOUBLE, ANY_BOOL, ANY_ARRAY, ANY_KVLIST, ANY_BYTES, ANY_COUNT };
static const struct import_key any_names[ANY_COUNT] = {
    IMPORT_KEY("stringValue"), IMPORT_KEY("intValue"),   IMPORT_KEY("doubleValue"),
    IMPORT_KEY("boolValue"),   IMPORT_KEY("arrayValue"), IMPORT_KEY("kvlistValue"),
    IMPORT_KEY("bytesValue")};
static const struct import_keys any_keys = {any_names, ANY_COUNT};

static const struct import_key values_name[1] = {IMPORT_KEY("values")};
static const struct import_keys values_keys = {values_name, 1};

/* More attributes than this are looked up in a hash table to find duplicates. */
enum { FEW = 16 };

static const struct tcore_json_node *node_at(const struct otlp *o, uint32_t node)
{
    return &o->job->json.node[node];
}

static bool put_bytes(struct otlp *o, struct tcore_buf *out, uint32_t node)
{
    const struct tcore_value *v = import_value(o->job, node);
    if (v->kind != TCORE_STRING)
        return import_bad(o->job, "a bytesValue that is no string");
    PUT(out, "{\"bytesValue\":");
    import_put_string(o->job, out, v);
    tcore_buf_putc(out, '}');
    return true;
}

static bool put_integer(struct otlp *o, struct tcore_buf *out, uint32_t node)
{
    size_t from = out->length;
    if (!import_put_integer(o->job, out, node))
        return false;
    import_note(o->job, FORM_INTEGER, from, out->length, node);
    return true;
}

static bool put_double(struct otlp *o, struct tcore_buf *out, uint32_t node)
{
    bool finite;
    size_t at = out->length;
    if (!import_put_double(o->job, out, node, &finite))
        return import_bad(o->job, "a doubleValue that is no number");
    if (import_value(o->job, node)->kind == TCORE_NUMBER)
        import_note(o->job, FORM_DECIMAL, at, out->length, node);
    if (finite)
        return true;
    /* told apart from the string "NaN" */
    char word[16];
    size_t length = out->length - at;
    if (out->failed || length > sizeof(word))
        return true;
    memcpy(word, out->data + at, length);
    out->length = at;
    PUT(out, "{\"doubleValue\":");
    tcore_buf_append(out, word, length);
    tcore_buf_putc(out, '}');
    return true;
}

/* The list in {"values":[...]}; 0 if it is empty. */
static bool list_of(struct otlp *o, uint32_t node, const char *what, uint32_t *list)
{
    if (!tcore_json_is_object(node_at(o, node)))
        return import_bad(o->job, "%s is no object", what);
    import_collect(o->job, &values_keys, node, list);
    if (*list && !tcore_json_is_array(node_at(o, *list)))
        return import_bad(o->job, "the values of %s are no array", what);
    return true;
}

/* list 0: it is empty. */
static bool put_elements(struct otlp *o, struct tcore_buf *out, uint32_t list)
{
    tcore_buf_putc(out, '[');
    for (uint32_t e = list + 1; list && e < node_at(o, list)->next; e = node_at(o, e)->next) {
        if (e > list + 1)
            tcore_buf_putc(out, ',');
        if (!otlp_put_value(o, out, e))
            return false;
    }
    tcore_buf_putc(out, ']');
    return true;
}

static bool put_array(struct otlp *o, struct tcore_buf *out, uint32_t node)
{
    uint32_t list;
    return list_of(o, node, "an arrayValue", &list) && put_elements(o, out, list);
}

static bool put_kvlist(struct otlp *o, struct tcore_buf *out, uint32_t node)
{
    uint32_t list;
    return list_of(o, node, "a kvlistValue", &list) && otlp_put_map(o, out, list);
}

static bool put_bool(struct otlp *o, struct tcore_buf *out, uint32_t node)
{
    const struct tcore_value *v = import_value(o->job, node);
    if (v->kind != TCORE_TRUE && v->kind != TCORE_FALSE)
        return import_bad(o->job, "a boolValue that is neither true nor false");
    tcore_json_write_value(out, v);
    return true;
}

/* One member of an AnyValue; deep nesting is limited by the parser's. */
static bool put_any(struct otlp *o, struct tcore_buf *out, int kind, uint32_t node)
{
    const struct tcore_value *v = import_value(o->job, node);
    switch (kind) {
    case ANY_STRING:
        if (v->kind != TCORE_STRING)
            return import_bad(o->job, "a stringValue that is no string");
        import_put_string(o->job, out, v);
        return true;
    case ANY_INT:
        return put_integer(o, out, node) || import_bad(o->job, "an intValue that is no integer");
    case ANY_DOUBLE:
        return put_double(o, out, node);
    case ANY_BOOL:
        return put_bool(o, out, node);
    case ANY_ARRAY:
        return put_array(o, out, node);
    case ANY_KVLIST:
        return put_kvlist(o, out, node);
    default:
        return put_bytes(o, out, node);
    }
}

static const char unknown_kind[] = "a value of a kind that OTLP does not know";

/* Values from the wire say by themselves of which kind they are. */
static bool put_wire_value(struct otlp *o, struct tcore_buf *out, uint32_t node)
{
    const struct tcore_value *v = import_value(o->job, node);
    switch (v->kind) {
    case TCORE_STRING:
        import_put_string(o->job, out, v);
        return true;
    case TCORE_INT:
        import_put_int64(out, v->i);
        return true;
    case TCORE_DOUBLE:
        return put_double(o, out, node);
    case TCORE_ABSENT:
        return import_bad(o->job, unknown_kind);
    case TCORE_JSON:
        if (v->s[0] == '[')
            return put_elements(o, out, node);
        if (v->len == 1)
            return otlp_put_map(o, out, node);
        tcore_buf_append(out, v->s, v->len);
        return true;
    default:
        tcore_json_write_value(out, v);
        return true;
    }
}

bool otlp_put_value(struct otlp *o, struct tcore_buf *out, uint32_t node)
{
    const struct tcore_json_node *n = node_at(o, node);
    if (o->job->wire)
        return put_wire_value(o, out, node);
    if (n->value.kind == TCORE_NULL) {
        PUT(out, "null");
        return true;
    }
    if (!tcore_json_is_object(n))
        return import_bad(o->job, "a value that is no object");
    int kind = -1;
    uint32_t value = 0;
    unsigned hint = 0;
    for (uint32_t k = node + 1; k < n->next; k = node_at(o, k + 1)->next) {
        int key = import_find_key(&any_keys, import_value(o->job, k), &hint);
        if (key < 0)
            return import_bad(o->job, unknown_kind);
        /* null is a member that is not there, except where it stands for NaN */
        if (import_value(o->job, k + 1)->kind != TCORE_NULL || key == ANY_DOUBLE) {
            kind = key;
            value = k + 1;
        }
    }
    if (kind >= 0)
        return put_any(o, out, kind, value);
    PUT(out, "null");
    return true;
}

/* Key and value of one attribute; key 0: it is none. The usual order needs no search. */
static bool attribute_at(struct otlp *o, uint32_t node, uint32_t at[KEY_COUNT])
{
    const struct tcore_json_node *n = node_at(o, node);
    if (!tcore_json_is_object(n))
        return import_bad(o->job, "an attribute that is no object");
    if (n->count == 2 && import_value(o->job, node + 1)->len == 3 &&
        import_value(o->job, node + 2)->kind == TCORE_STRING &&
        import_value(o->job, node + 3)->len == 5 &&
        memcmp(import_value(o->job, node + 1)->s, "key", 3) == 0 &&
        memcmp(import_value(o->job, node + 3)->s, "value", 5) == 0) {
        at[KEY_KEY] = node + 2;
        at[KEY_VALUE] = node + 4;
        return true;
    }
    import_collect(o->job, &key_value_keys, node, at);
    if (!at[KEY_KEY] || import_value(o->job, at[KEY_KEY])->kind != TCORE_STRING)
        return import_bad(o->job, "an attribute without a key");
    return true;
}

/* The same of the attribute at *node, which moves on to the next. */
static bool next_attribute(struct otlp *o, uint32_t *node, uint32_t at[KEY_COUNT])
{
    uint32_t here = *node;
    if (!o->job->wire) {
        *node = node_at(o, here)->next;
        return attribute_at(o, here, at);
    }
    at[KEY_KEY] = here;
    at[KEY_VALUE] = here + 1;
    *node = node_at(o, here + 1)->next;
    return import_value(o->job, here)->kind == TCORE_STRING ||
           import_bad(o->job, "an attribute without a key");
}

static bool same_string(const struct tcore_value *a, const struct tcore_value *b)
{
    return a->len == b->len && memcmp(a->s, b->s, a->len) == 0;
}

struct few {
    uint32_t at[FEW][KEY_COUNT];
    unsigned count;
};

/* Leaves of attributes with the same key only the last. */
static void drop_replaced(struct otlp *o, struct few *few)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < few->count; i++) {
        const struct tcore_value *key = import_value(o->job, few->at[i][KEY_KEY]);
        unsigned j = i + 1;
        while (j < few->count && !same_string(key, import_value(o->job, few->at[j][KEY_KEY])))
            j++;
        if (j == few->count)
            memcpy(few->at[kept++], few->at[i], sizeof(few->at[i]));
    }
    o->job->result->counts.replaced += few->count - kept;
    few->count = kept;
}

static bool put_attribute(struct otlp *o, struct tcore_buf *out, const uint32_t at[KEY_COUNT],
                          bool first)
{
    if (!first)
        tcore_buf_putc(out, ',');
    const struct tcore_value *key = import_value(o->job, at[KEY_KEY]);
    import_copy_string(o->job, out, key);
    tcore_buf_putc(out, ':');
    if (!at[KEY_VALUE]) {
        PUT(out, "null");
        return true;
    }
    if (otlp_put_value(o, out, at[KEY_VALUE]))
        return true;
    char reason[TCORE_ERROR_TEXT_BYTES];
    memcpy(reason, o->job->reason, sizeof(reason));
    return import_bad(o->job, "attribute %.*s: %s", key->len < 100 ? (int)key->len : 100, key->s,
                      reason);
}

/* In a long list duplicates are known by a table: for each key the last attribute that has it. */
static bool find_last(struct otlp *o, uint32_t node, struct tcore_buf *last)
{
    uint32_t at[KEY_COUNT];
    struct tcore_map *keys = &o->job->keys;
    tcore_map_clear(keys);
    for (uint32_t next = node + 1; next < node_at(o, node)->next;) {
        bool added;
        uint32_t e = next;
        if (!next_attribute(o, &next, at))
            return false;
        const struct tcore_value *key = import_value(o->job, at[KEY_KEY]);
        uint32_t number = tcore_map_intern(keys, key->s, key->len, &added);
        if (number == TCORE_MAP_NONE) {
            last->failed = true;
            return true;
        }
        if (added)
            tcore_buf_append(last, &e, sizeof(e));
        else
            memcpy(last->data + number * sizeof(e), &e, sizeof(e));
        if (last->failed)
            return true;
        o->job->result->counts.replaced += !added;
    }
    return true;
}

static bool put_long_map(struct otlp *o, struct tcore_buf *out, uint32_t node)
{
    struct tcore_buf last = {0};
    uint32_t at[KEY_COUNT];
    bool good = find_last(o, node, &last);
    tcore_buf_putc(out, '{');
    for (size_t i = 0; good && !last.failed && i < last.length / sizeof(uint32_t); i++) {
        uint32_t e;
        memcpy(&e, last.data + i * sizeof(e), sizeof(e));
        good = next_attribute(o, &e, at) && put_attribute(o, out, at, i == 0);
    }
    tcore_buf_putc(out, '}');
    o->job->failed |= last.failed;
    tcore_buf_free(&last);
    return good;
}

bool otlp_put_map(struct otlp *o, struct tcore_buf *out, uint32_t node)
{
    if (!node) {
        PUT(out, "{}");
        return true;
    }
    const struct tcore_json_node *list = node_at(o, node);
    if (!o->job->wire && !tcore_json_is_array(list))
        return import_bad(o->job, "attributes that are no array");
    if (list->count > FEW)
        return put_long_map(o, out, node);
    struct few few = {.count = 0};
    for (uint32_t e = node + 1; e < list->next;)
        if (!next_attribute(o, &e, few.at[few.count++]))
            return false;
    drop_replaced(o, &few);
    tcore_buf_putc(out, '{');
    for (unsigned i = 0; i < few.count; i++)
        if (!put_attribute(o, out, few.at[i], i == 0))
            return false;
    tcore_buf_putc(out, '}');
    return true;
}
